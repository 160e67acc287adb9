"""Who may do what with which campaign (C04), as one table: command x role -> whose campaigns, in which states.

Never tells one who may not see a campaign that it is there: to him it is answered as one that there is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from dialerd.campaigns.live import Live
from dialerd.campaigns.supply import CONFIGURATION
from dialerd.control.table import Command, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.policies import Role
from dialerd.model.rows import CampaignRow

Scope: TypeAlias = Literal["any", "own", "overseen", "named", "served"]
SCOPES: Mapping[Scope, str] = {
    "any": "all campaigns",
    "own": "campaigns that he made, that are in his charge, or that are kept in the configuration and so belong to nobody",
    "overseen": "campaigns that he made, that are in his charge, or whose `supervisors` are all or name him",
    "named": "campaigns whose `supervisors` name him",
    "served": "campaigns whose calls he takes, once they are approved",
}
"""Whose campaigns a role may do something with, in words."""

STATES = frozenset(states.CAMPAIGN) - {"deleted"}
WORKED = frozenset({"approved", "scheduled", "running", "paused", "finished"})
"""States in which a campaign is the agents' business."""
EDITABLE: Mapping[str, frozenset[str]] = {
    "voice": STATES,
    "sms": frozenset({"draft", "pending", "paused"}),
    "email": frozenset({"draft", "pending", "paused"}),
}
"""States in which a campaign of a channel may be edited."""
DELETABLE: Mapping[str, frozenset[str]] = {
    "voice": STATES - {"scheduled", "running"},
    "sms": frozenset({"draft", "pending", "approved", "rejected", "paused"}),
    "email": frozenset({"draft", "pending", "approved", "rejected", "paused"}),
}
NEVER_ONCE_SENT = frozenset({"sms", "email"})
"""Channels of which nothing is edited any more once a message has left."""
CHANNELS = frozenset(EDITABLE)
ALWAYS_EDITABLE = frozenset({"description", "business"})
"""Keys of the policy that stay open for good: what a campaign cost and brought is known after its end."""
NOT_BY_SUPERVISORS = (("supervisors",), ("business", "person_in_charge"))
"""Keys that say whose it is: who only oversees a campaign would else name himself."""


@dataclass(frozen=True)
class Rule:
    """What one role may do by one command."""

    scope: Scope
    states: Mapping[str, frozenset[str]] | None = None
    """Channel to states; None: wherever the command itself is possible."""
    unsent: frozenset[str] = frozenset()
    """Channels in which only while nothing was dialed or sent."""
    own_pause: bool = False
    """Only what he paused himself."""


_NEW: Mapping[str, frozenset[str]] = {channel: frozenset({"draft", "pending"}) for channel in EDITABLE}
SEES: Mapping[Role, Scope] = {"owner": "any", "ops": "any", "admin": "own", "supervisor": "overseen", "agent": "served"}
"""What each role sees; all that is not in RULES follows it."""
RULES: Mapping[str, Mapping[Role, Rule]] = {
    "campaign.update": {
        "owner": Rule("any", EDITABLE, unsent=NEVER_ONCE_SENT),
        "admin": Rule("own", EDITABLE, unsent=NEVER_ONCE_SENT),
        "supervisor": Rule("overseen", EDITABLE, unsent=NEVER_ONCE_SENT),
    },
    "campaign.clone": {"owner": Rule("any"), "admin": Rule("own"), "supervisor": Rule("overseen")},
    "campaign.delete": {
        "owner": Rule("any", DELETABLE, unsent=CHANNELS),
        "admin": Rule("own", _NEW, unsent=CHANNELS),
    },
    "campaign.submit": {"owner": Rule("any"), "admin": Rule("own"), "supervisor": Rule("overseen")},
    "campaign.approve": {"owner": Rule("any")},
    "campaign.reject": {"owner": Rule("any")},
    "campaign.start": {"owner": Rule("any"), "admin": Rule("own")},
    "campaign.pause": {"owner": Rule("any"), "admin": Rule("own"), "supervisor": Rule("named")},
    "campaign.resume": {
        "owner": Rule("any"),
        "admin": Rule("own", own_pause=True),
        "supervisor": Rule("named", own_pause=True),
    },
    "campaign.stop": {"owner": Rule("any"), "admin": Rule("own")},
}


def roles(command: str) -> frozenset[Role]:
    """The roles that the table gives a command to."""
    return frozenset(RULES[command])


def rules_of(entry: Command[Any]) -> Mapping[Role, Rule]:
    """What each role may do by a command: its line of the table, else what he sees."""
    return RULES.get(entry.name) or {role: Rule(SEES[role]) for role in entry.roles}


def scopes(live: Live, who: Who, row: CampaignRow) -> frozenset[Scope]:
    """What a campaign is to somebody, whatever his roles."""
    policy = live.policies[row.id]
    his = who.principal in (row.created_by, policy.business.person_in_charge)
    named = policy.supervisors != "all" and who.principal in policy.supervisors
    found: dict[Scope, bool] = {
        "any": True,
        "own": his or row.source == "file",
        "overseen": his or named or policy.supervisors == "all",
        "named": named,
        "served": row.state in WORKED and any(live.serves(agent, row.id) for agent in who.agents(live)),
    }
    return frozenset(scope for scope, is_so in found.items() if is_so)


def sees(live: Live, who: Who, row: CampaignRow) -> bool:
    """Whether a campaign is there for somebody; a deleted one is for nobody."""
    if row.state == "deleted":
        return False
    wanted = {scope for role, scope in SEES.items() if role in who.roles}
    return "any" in wanted or not wanted.isdisjoint(scopes(live, who, row))


def seen(live: Live, who: Who) -> list[CampaignRow]:
    """All campaigns that somebody sees, by id."""
    return [row for _, row in sorted(live.campaigns.items()) if sees(live, who, row)]


def allow(live: Live, who: Who, entry: Command[Any], args: BaseModel) -> None:
    """Raises Refusal unless somebody may give a command for the campaigns that its arguments name.

    `unknown_campaign`: none that he sees; `forbidden`: it is not his to do; `illegal_state`: not by him in this state.
    What the state table forbids to everybody is left to the command itself, which names the legal moves.
    """
    for campaign in _campaigns_of(entry, args):
        row = live.campaigns.get(campaign)
        if row is None or not sees(live, who, row):
            names = [other.id for other in seen(live, who)][:50]
            raise Refusal("unknown_campaign", f"there is no campaign {campaign}", "campaign", names)
        _allow_on(live, who, entry, row, args)


def _campaigns_of(entry: Command[Any], args: BaseModel) -> Iterator[str]:
    if entry.name == "campaign.create":
        return
    for name in type(args).model_fields:
        if name == "campaign" or name.endswith("_campaign"):
            value = getattr(args, name)
            if isinstance(value, str) and value:
                yield value


def _allow_on(live: Live, who: Who, entry: Command[Any], row: CampaignRow, args: BaseModel) -> None:
    mine = {role: rule for role, rule in rules_of(entry).items() if role in who.roles}
    what_it_is = scopes(live, who, row)
    fitting = {role: rule for role, rule in mine.items() if rule.scope in what_it_is}
    if not fitting:
        words = " and ".join(dict.fromkeys(SCOPES[rule.scope] for rule in mine.values()))
        raise Refusal(
            "forbidden", f"{who.principal} may not {entry.name} {row.id}: as {_and(mine)} only {words}", "campaign"
        )
    others_pause = row.state == "paused" and row.state_by not in (who.principal, CONFIGURATION)
    if others_pause and all(rule.own_pause for rule in fitting.values()):
        because = f"{row.id} was paused by {row.state_by}, and {_and(fitting)} resumes what he paused himself"
        raise Refusal("forbidden", f"{who.principal} may not {entry.name}: {because}", "campaign")
    if entry.name == "campaign.update" and set(getattr(args, "policy", ())) <= ALWAYS_EDITABLE:
        return
    _allow_in_state(live, who, entry, row, fitting.values())


def _allow_in_state(live: Live, who: Who, entry: Command[Any], row: CampaignRow, rules: Iterable[Rule]) -> None:
    rules = list(rules)
    channel = live.policies[row.id].channel
    if any(rule.states is None for rule in rules):
        return
    allowed = frozenset[str]().union(*(rule.states[channel] for rule in rules if rule.states is not None))
    if row.state not in allowed:
        if entry.verb in _MOVES and entry.verb not in states.CAMPAIGN[row.state]:
            return  # illegal for everybody: the command names the legal moves
        told = (
            f"{row.id} is {row.state}, and {who.principal} may {entry.name} it only while {', '.join(sorted(allowed))}"
        )
        raise Refusal("illegal_state", told, "campaign", sorted(allowed))
    if live.tallies[row.id].placed and all(channel in rule.unsent for rule in rules):
        was = "dialed" if channel == "voice" else "sent"
        only = f"only its {_and(ALWAYS_EDITABLE)} may be edited" if entry.name == "campaign.update" else _KEPT
        raise Refusal("illegal_state", f"{row.id} was {was}: {only}", "campaign")


_KEPT = "it stays as a record of its calls and messages"
_MOVES = frozenset(kind for moves in states.CAMPAIGN.values() for kind in moves)


def _and(words: Iterable[str]) -> str:
    return " and ".join(sorted(words))
