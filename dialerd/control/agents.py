"""Commands on agents: log in and out, ready, not ready with a reason, end the call (V10, V11).

Never moves another agent for somebody who is only an agent himself.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.control.table import EVERYBODY, FLOOR_STAFF, Args, Command, Decided, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import AnyIntent, HangUp, MoveAgent, Note, PutBack, SetScreen
from dialerd.model.policies import Name
from dialerd.model.rows import AgentRow


class Which(Args):
    """One agent."""

    agent: Name | None = None
    """The agent's number; may be left out by an agent who means himself."""


class LogIn(Which):
    """Log in."""

    ready: bool = False
    """Be ready at once."""


class NotReady(Which):
    """Take no calls for a while."""

    reason: str = Field(min_length=1, max_length=100)
    """Why, such as lunch or training."""


class Screen(Which):
    """Whether the campaign screen is open."""

    open: bool
    """true: he gets campaigns' calls while he is ready. false: none, until it is open again or he logs in anew."""


class Listing(Args):
    """Agents by state."""

    state: str | None = Field(None, max_length=64)
    """Only agents in this state."""


class AgentView(Result):
    """An agent as he stands."""

    agent: str
    name: str
    state: str
    since: str
    reason: str
    softphone: str
    phone_state: str
    call: str
    after_call: str
    screen: bool
    """Whether his campaign screen is open; closed: he gets no campaign's calls."""
    lead: int | None
    """The lead that is before him."""
    lead_until: str | None
    """When it is dialed by itself; null: by his word alone."""


class AgentList(Result):
    """Agents."""

    agents: list[AgentView]


class AgentMoved(Result):
    """An agent's state after what he asked for; a wish during a call comes true after it."""

    agent: str
    state: str
    after_call: bool
    """Whether it happens after the present call."""


def mine(live: Live, who: Who, agent: str | None) -> AgentRow:
    """The agent that is meant: the one that is named, or the one that the principal is. Raises Refusal."""
    own = who.agents(live)
    if agent is None:
        if len(own) != 1:
            raise Refusal("bad_argument", "say which agent", "agent", own or sorted(live.floor.agents)[:50])
        agent = own[0]
    if agent not in live.floor.agents:
        raise Refusal("unknown_agent", f"there is no agent {agent}", "agent", sorted(live.floor.agents)[:50])
    if agent not in own and not who.roles & {"owner", "admin", "supervisor"}:
        raise Refusal("forbidden", f"{who.principal} is not agent {agent}", "agent", own)
    return live.agents[agent]


def _decided(who: Who, row: AgentRow, kind: str, reason: str = "", *more: AnyIntent) -> Decided:
    later = row.state in ("on_call", "ringing", "calling", "connecting")
    return Decided(
        lambda: AgentMoved(agent=row.id, state=row.state, after_call=later),
        (
            MoveAgent(row.id, kind, who.principal, reason),
            *more,
            Note(who.principal, f"agent.{kind.replace('_', '-')}", row.id, reason),
        ),
    )


def _login(live: Live, who: Who, args: LogIn) -> Decided:
    row = mine(live, who, args.agent)
    if row.state != "logged_out":
        raise Refusal("illegal_state", f"agent {row.id} is logged in already ({row.state})", "agent")
    ready = (MoveAgent(row.id, "ready", who.principal),) if args.ready else ()
    return _decided(who, row, "login", "", *ready)


def _logged_in(row: AgentRow) -> None:
    if row.state == "logged_out":
        raise Refusal("illegal_state", f"agent {row.id} is not logged in", "agent", ["agent.login"])


def _logout(live: Live, who: Who, args: Which) -> Decided:
    row = mine(live, who, args.agent)
    _logged_in(row)
    return _decided(who, row, "logout")


def _ready(live: Live, who: Who, args: Which) -> Decided:
    row = mine(live, who, args.agent)
    _logged_in(row)
    return _decided(who, row, "ready")


def _not_ready(live: Live, who: Who, args: NotReady) -> Decided:
    row = mine(live, who, args.agent)
    _logged_in(row)
    return _decided(who, row, "not_ready", args.reason)


def _screen(live: Live, who: Who, args: Screen) -> Decided:
    row = mine(live, who, args.agent)
    _logged_in(row)
    word = "open" if args.open else "closed"
    return Decided(
        lambda: AgentMoved(agent=row.id, state=row.state, after_call=False),
        (SetScreen(row.id, args.open), Note(who.principal, "agent.screen", row.id, word)),
    )


def _hangup(live: Live, who: Who, args: Which) -> Decided:
    row = mine(live, who, args.agent)
    because = f"ended by {who.principal}"
    call = live.calls.get(row.call if row.state == "on_call" else live.booked.get(row.id, ""))
    if row.state == "calling" and call is None:  # his own phone is being called, or no line is free yet
        return Decided(
            lambda: AgentMoved(agent=row.id, state=row.state, after_call=False),
            (PutBack(row.id, because), Note(who.principal, "agent.hangup", row.id, because)),
        )
    if call is None or row.state not in ("on_call", "calling"):
        raise Refusal("illegal_state", f"agent {row.id} is not on a call ({row.state})", "agent")
    return Decided(
        AgentMoved(agent=row.id, state=row.state, after_call=False),
        (HangUp(call.id, call.server, because), Note(who.principal, "agent.hangup", row.id, call.id)),
    )


async def _list(desk: Desk, who: Who, args: Listing) -> AgentList:
    live = desk.live
    if args.state is not None and args.state not in states.AGENT:
        raise Refusal("bad_argument", f"{args.state!r} is not a state of an agent", "state", sorted(states.AGENT))
    rows = [row for row in live.agents.values() if row.id in live.floor.agents and args.state in (None, row.state)]
    return AgentList(agents=[agent_view(live, row) for row in sorted(rows, key=lambda row: row.id)])


def agent_view(live: Live, row: AgentRow) -> AgentView:
    """An agent as people see him."""
    policy = live.floor.agents.get(row.id)
    return AgentView(
        agent=row.id,
        name=policy.name if policy else "",
        state=row.state,
        since=iso(row.since),
        reason=row.reason,
        softphone=policy.softphone if policy else "",
        phone_state=row.leg_state,
        call=row.call or (live.booked.get(row.id, "") if row.state == "calling" else ""),
        after_call=row.after_call,
        screen=row.screen,
        lead=row.lead or None,
        lead_until=None if row.lead_until is None else iso(row.lead_until),
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command("agent.login", "Log in", FLOOR_STAFF, LogIn, AgentMoved, "turn", judge=_login),
    Command("agent.logout", "Log out; during a call, after it", FLOOR_STAFF, Which, AgentMoved, "turn", judge=_logout),
    Command("agent.ready", "Take calls", FLOOR_STAFF, Which, AgentMoved, "turn", judge=_ready),
    Command(
        "agent.not-ready", "Take no calls, with a reason", FLOOR_STAFF, NotReady, AgentMoved, "turn", judge=_not_ready
    ),
    Command(
        "agent.screen",
        "Say whether the campaign screen is open",
        FLOOR_STAFF,
        Screen,
        AgentMoved,
        "turn",
        judge=_screen,
    ),
    Command(
        "agent.hangup",
        "End the agent's call, also while the customer is still being called for him",
        FLOOR_STAFF,
        Which,
        AgentMoved,
        "turn",
        judge=_hangup,
    ),
    Command("agent.list", "All agents", EVERYBODY, Listing, AgentList, "read", read=_list),
)
