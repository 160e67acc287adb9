"""Checks between the parts of a configuration: names that point at nothing, things given twice, people who are missing.

Never looks outside of the configuration; files, folders and secrets are the business of `check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from dialerd.model.plain_words import KeyPath
from dialerd.model.policies import Agent, Campaign, Floor, Trunk
from dialerd.model.wording import clean, near, one_of, quoted
from dialerd.settings.shape import Settings
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import LIMIT, Trouble

_SECTION_OF = {"server": "servers", "schedule": "schedules", "hotline_group": "hotline_groups"}
_MEMBERS_OF = {"hotline_groups": "hotlines", "agent_groups": "agents"}


def references(
    settings: Settings,
    tree: Tree,
    broken: frozenset[KeyPath] = frozenset(),
    wrong: frozenset[KeyPath] = frozenset(),
) -> list[Trouble]:
    """The troubles between the parts of `settings`; of each kind not many more than can be told.

    `broken`: sections, and entries of sections, whose own shape is wrong; they may stand in `settings` with defaults in
    place of what is wrong. Names of such things point at something, and nothing but the names they give is checked.
    `wrong`: the paths of the values that are told of already.
    """
    whole = settings.model_copy(
        update={
            section: {key: one for key, one in getattr(settings, section).items() if (section, key) not in broken}
            for section in {path[0] for path in broken} & Floor.model_fields.keys()
            if isinstance(getattr(settings, section), dict)
        }
    )
    kinds = (
        _unknown_names(tree, broken, wrong),
        _servers(whole, tree, broken),
        _twice(whole, tree),
        _secrets(whole, tree),
        _people(whole, tree, broken),
        _campaign_people(whole, tree, broken),
        _campaigns(whole, tree, broken),
    )
    return [trouble for kind in kinds for trouble in islice(kind, LIMIT + 1)]


def _unknown_names(tree: Tree, broken: frozenset[KeyPath], wrong: frozenset[KeyPath]) -> Iterator[Trouble]:
    for path, found, allowed in _with_names(tree).unknown_names():
        section = _SECTION_OF.get(path[-1]) or _MEMBERS_OF.get(path[0]) or path[-2]
        if (section,) in broken or path in wrong or not isinstance(found, str):
            continue
        none = f"none, there is nothing under {section}"
        yield tree.trouble(path, f"{quoted(found)}, not one of {section}", one_of(found, allowed, none))


def _with_names(tree: Tree) -> Floor:
    """The parts with the names they give and nothing else, so whatever else is wrong with them; None is no name."""
    data = tree.data()

    def parts(section: str) -> dict[str, dict[str, Any]]:
        found = data.get(section)
        entries = found.items() if isinstance(found, dict) else ()
        return {key: part if isinstance(part, dict) else {} for key, part in entries}

    def name(value: object) -> object:
        return value if isinstance(value, str) else None

    def names(value: object) -> list[object]:
        return [name(one) for one in value] if isinstance(value, list) else []

    def groups(section: str) -> dict[str, list[object]]:
        found = data.get(section)
        return {key: names(members) for key, members in found.items()} if isinstance(found, dict) else {}

    return Floor.model_construct(
        servers=dict.fromkeys(parts("servers")),
        schedules=dict.fromkeys(parts("schedules")),
        hotlines=dict.fromkeys(parts("hotlines")),
        hotline_groups=groups("hotline_groups"),
        agent_groups=groups("agent_groups"),
        trunks={key: Trunk.model_construct(server=name(part.get("server"))) for key, part in parts("trunks").items()},
        agents={key: Agent.model_construct(server=name(part.get("server"))) for key, part in parts("agents").items()},
        campaigns={
            key: Campaign.model_construct(
                schedule=name(part.get("schedule")),
                trunks=names(part.get("trunks")),
                hotlines=names(part.get("hotlines")),
                hotline_group=name(part.get("hotline_group")),
                agents=names(part.get("agents")),
                agent_groups=names(part.get("agent_groups")),
            )
            for key, part in parts("campaigns").items()
        },
    )


def _servers(settings: Settings, tree: Tree, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    if not settings.servers and not any(path[0] == "servers" for path in broken):
        yield tree.trouble(("servers",), "no server", "at least one, or nothing is dialed", warning=True)


def _twice(settings: Settings, tree: Tree) -> Iterator[Trouble]:
    """Two things that are one outside: the same softphone, hotline number or Asterisk."""
    phones = [(("agents", key, "phone"), f"{a.server} {a.phone.lower()}") for key, a in settings.agents.items()]
    numbers = [(("hotlines", key, "number"), h.number.lstrip("+")) for key, h in settings.hotlines.items()]
    hosts = [(("servers", key, "host"), f"{s.host.lower()}:{s.port}") for key, s in settings.servers.items()]
    for said, of_kind in (
        ("a phone that no other agent has", phones),
        ("a number that no other hotline has", numbers),
        ("a host and port that no other server has", hosts),
    ):
        yield from _same(tree, said, of_kind)


def _same(tree: Tree, allowed: str, things: Sequence[tuple[KeyPath, str]]) -> Iterator[Trouble]:
    first: dict[str, KeyPath] = {}
    for path, what in things:
        other = first.setdefault(what, path)
        if other != path:
            whose = f"the same as {clean(other[1])}'s ({tree.where(other, path)})"
            value = tree.shown(path)
            yield tree.trouble(path, whose if value == "nothing" else f"{value}, {whose}", allowed)


def _secrets(settings: Settings, tree: Tree) -> Iterator[Trouble]:
    for key, server in settings.servers.items():
        path = ("servers", key)
        if server.secret_file is not None and server.secret_credential is not None:
            yield _both(tree, path, "secret_file", "secret_credential")
        if server.secret_file is None and server.secret_credential is None:
            yield tree.trouble(path, "no secret", "secret_file or secret_credential")
    if settings.mail is not None and settings.mail.password_file and settings.mail.password_credential:
        yield _both(tree, ("mail",), "password_file", "password_credential")
    mqtt = settings.mqtt
    if mqtt is None:
        return
    if mqtt.password_file is not None and mqtt.password_credential is not None:
        yield _both(tree, ("mqtt",), "password_file", "password_credential")
    if mqtt.has_password and mqtt.username is None:
        yield tree.trouble(("mqtt",), "a password without a username", "both or neither")


def _both(tree: Tree, path: KeyPath, file: str, credential: str) -> Trouble:
    return tree.trouble(
        (*path, credential),
        f"{credential} beside {file} ({tree.where((*path, file), (*path, credential))})",
        "only one of the two",
    )


def _people(settings: Settings, tree: Tree, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    if ("people",) in broken or ("socket",) in broken:
        return
    known = {
        *settings.people,
        *settings.socket.users,
        *(path[1] for path in broken if path[0] == "people" and path[1:]),
    }
    for key, agent in settings.agents.items():
        if (agent.principal or key) in known:
            continue
        if agent.principal is None:
            hint = f"people: {clean(key)}: roles: [agent], or a principal; else only others can move this agent"
            yield tree.trouble(("agents", key), "no person of this name", hint, warning=True)
        else:
            meant = near(agent.principal, sorted(known))
            hint = f"; did you mean {clean(meant)}?" if meant else ""
            yield tree.trouble(
                ("agents", key, "principal"),
                f"{quoted(agent.principal)}, not one of people",
                f"a name that stands under people with the role agent{hint}",
                warning=bool(settings.socket.groups),  # he may be a Unix user of one of these
            )


def _campaign_people(settings: Settings, tree: Tree, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    """People whom campaigns name and nobody knows: they would oversee or answer for it in vain."""
    if ("people",) in broken or ("socket",) in broken:
        return
    known = {
        *settings.people,
        *(f"unix.{user}" for user in settings.socket.users),
        *(path[1] for path in broken if path[0] == "people" and path[1:]),
    }
    for key, campaign in settings.campaigns.items():
        for path, name in campaign.people():
            if name not in known:
                meant = near(name, sorted(known))
                hint = f"; did you mean {clean(meant)}?" if meant else ""
                yield tree.trouble(
                    ("campaigns", key, *path),
                    f"{quoted(name)}, not one of people",
                    f"a name that stands under people{hint}",
                    warning=True,
                )


def _said(settings: Settings, tree: Tree, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    """Scripts, dispositions and target campaigns that are not in the configuration: a command may make them."""

    def unknown(path: KeyPath, name: str, section: str, known: Iterable[str]) -> Iterator[Trouble]:
        if name not in known and (section,) not in broken and (section, name) not in broken:
            meant = near(name, sorted(known))
            hint = f"; did you mean {clean(meant)}?" if meant else ""
            allowed = f"one of {section}, or one that a command makes{hint}"
            yield tree.trouble(path, f"{quoted(name)}, not one of {section}", allowed, warning=True)

    for key, campaign in settings.campaigns.items():
        if campaign.script is not None:
            yield from unknown(("campaigns", key, "script"), campaign.script, "scripts", settings.scripts)
        for at, name in enumerate(campaign.dispositions if campaign.dispositions != "all" else ()):
            yield from unknown(("campaigns", key, "dispositions", str(at)), name, "dispositions", settings.dispositions)
        for agent in campaign.quota.each:
            yield from unknown(("campaigns", key, "quota", "each", agent), agent, "agents", settings.agents)
    for key, disposition in settings.dispositions.items():
        if disposition.move_to is not None:
            yield from unknown(("dispositions", key, "move_to"), disposition.move_to, "campaigns", settings.campaigns)


def _campaigns(settings: Settings, tree: Tree, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    for key, schedule in settings.schedules.items():
        if not any(schedule.week.values()):
            yield tree.trouble(("schedules", key, "week"), "no open hour", "at least one, or nothing is dialed", True)
    for key, agent in settings.agents.items():
        for i, name in enumerate(agent.campaigns if agent.campaigns != "all" else ()):
            meant = None if name in settings.campaigns else near(name, sorted(settings.campaigns))
            if meant is not None and ("campaigns", name) not in broken:
                allowed = f"it if a command makes such a campaign; did you mean {clean(meant)}?"
                yield tree.trouble(
                    ("agents", key, "campaigns", str(i)), f"{quoted(name)}, not a campaign here", allowed, True
                )
    yield from _said(settings, tree, broken)
    if any(path[0] in ("agents", "trunks") for path in broken):
        return
    for key, campaign in settings.campaigns.items():
        servers = {settings.trunks[t].server for t in campaign.trunks if t in settings.trunks}
        takers = (a for a in settings.agents.values() if a.campaigns == "all" or key in a.campaigns)
        if servers and servers.isdisjoint(agent.server for agent in takers):
            found = f"no agent of this campaign on {', '.join(sorted(servers))}"
            allowed = "an agent on the server of its trunks, or nobody takes its calls"
            yield tree.trouble(("campaigns", key, "trunks"), found, allowed, warning=True)
