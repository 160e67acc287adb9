"""The rule packs that hold, as the configuration tells them.

Never a pack that is not told there, but for the one without a rule: what a campaign names and nobody knows refuses all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from dialerd.campaigns import laws
from dialerd.campaigns.live import Live
from dialerd.compliance.pack import Pack
from dialerd.model.purposes import PLAIN

NO_RULES: Final = Pack(name=PLAIN, title="No legal rules", version=date(2026, 11, 21))


def told(packs: Mapping[str, Pack]) -> dict[str, dict[str, Any]]:
    """Packs as `Configured` carries them."""
    return {name: pack.model_dump(mode="json") for name, pack in packs.items()}


def configure(live: Live, packs: Mapping[str, dict[str, Any]]) -> None:
    """These packs hold from now on. One that did not change stays the same object: caches are found by it."""
    held: dict[str, Pack] = {PLAIN: NO_RULES}
    for name, data in packs.items():
        same = name in live.packs and live.packs_told.get(name) == data
        held[name] = live.packs[name] if same else Pack.model_validate(data)
    live.packs, live.packs_told = held, dict(packs)
    laws.renew(live)
