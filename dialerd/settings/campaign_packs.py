"""The rule packs of a configuration (packs_dir), and whether its campaigns fit the ones they name (O01, C10, V14).

Never takes a pack that has an error, nor a shipped one in place of an operator's that has one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from dialerd.compliance.pack import Pack
from dialerd.compliance.pack_conflicts import conflicts
from dialerd.model.plain_words import KeyPath
from dialerd.model.wording import one_of, quoted
from dialerd.settings.packs import look_at_packs
from dialerd.settings.shape import Settings
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import LIMIT, Trouble


class Packs(NamedTuple):
    """The packs that hold, by name, what is wrong with the others, and their names."""

    good: Mapping[str, Pack]
    troubles: list[Trouble]
    wrong: frozenset[str]


def gather_packs(tree: Tree, shown_folder: str) -> Packs:
    """The shipped packs and those of packs_dir; `shown_folder`: where the configuration is, as it was asked for."""
    named = tree.node(("packs_dir",))
    if named is None or not isinstance(named.value, str) or not named.value:
        return Packs(look_at_packs(None)[0], [], frozenset())  # a wrong shape is told by the check of the shape
    path = os.path.join(shown_folder, named.value)
    packs, troubles = look_at_packs(path)
    wrong = frozenset(os.path.splitext(os.path.basename(trouble.file))[0] for trouble in troubles)
    told = [
        tree.trouble(("packs_dir",), trouble.found, trouble.allowed) if trouble.file == path else trouble
        for trouble in troubles
    ]
    return Packs({name: pack for name, pack in packs.items() if name not in wrong}, told, wrong)


def fit(settings: Settings, tree: Tree, packs: Packs, broken: frozenset[KeyPath] = frozenset()) -> list[Trouble]:
    """What of the campaigns goes against their packs. `broken`: parts of the configuration whose own shape is wrong."""
    return list(islice(_fit(settings, tree, packs, broken), LIMIT + 1))


def _fit(settings: Settings, tree: Tree, packs: Packs, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    for key, campaign in settings.campaigns.items():
        if ("campaigns", key) in broken or ("campaigns",) in broken or campaign.pack in packs.wrong:
            continue
        pack = packs.good.get(campaign.pack)
        if pack is None:
            allowed = one_of(campaign.pack, sorted(packs.good), "none")
            yield tree.trouble(
                ("campaigns", key, "pack"), f"{quoted(campaign.pack)}, not one of the rule packs", allowed
            )
            continue
        for conflict in conflicts(pack, campaign, channel=campaign.channel, purpose=campaign.purpose):
            yield tree.trouble(
                ("campaigns", key, conflict.field), conflict.found, conflict.allowed, warning=conflict.warning
            )
