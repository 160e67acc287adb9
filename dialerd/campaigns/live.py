"""Live state: the rows in play and the indexes made from them, changed only through the moves of the state tables.

Never decides what should happen next, and keeps nothing that cannot be rebuilt from the rows (hoppers, links and the
slots of trunks aside).
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import Any, Literal

import msgspec

from dialerd.campaigns.hopper import Hopper
from dialerd.compliance.calling_hours import Hours, hours_at
from dialerd.model import states
from dialerd.model.errors import OurMistakeError
from dialerd.model.ids import leg_id
from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign, Floor
from dialerd.model.rows import (
    AgentRow,
    AttemptRow,
    AuditRow,
    CampaignRow,
    CounterRow,
    LeadRow,
    ReplyRow,
    Row,
    TallyRow,
)

_BY_ID = attrgetter("id")
_KEYS = {
    TallyRow: attrgetter("campaign"),
    CounterRow: attrgetter("name"),
    ReplyRow: attrgetter("principal", "id"),
}
BEFORE_TALK = frozenset({"dialing", "ringing", "answered", "waiting"})
"""States of a call for which an agent is booked."""


class Link(msgspec.Struct):
    """How a server's AMI link stands; nothing is dialed there unless it is up."""

    up: bool = False
    because: str = "not connected yet"


class Live:
    """Everything the engine knows. Rows are changed in place and marked; the exchange takes the changes at the turn's end."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.seq = 0
        self.now: Instant = 0.0
        self.floor = Floor()
        self.draining = ""
        """Why no new calls are placed; empty if they are."""
        self.stopping = False
        """Whether that is for good: the process ends."""

        self.campaigns: dict[str, CampaignRow] = {}
        self.policies: dict[str, Campaign] = {}
        self.tallies: dict[str, TallyRow] = {}
        self.agents: dict[str, AgentRow] = {}
        self.calls: dict[str, AttemptRow] = {}
        self.leads: dict[int, LeadRow] = {}
        """The leads of live calls."""
        self.lead_states: dict[str, Counter[str]] = {}
        self.counters: dict[str, CounterRow] = {}
        self.links: dict[str, Link] = {}
        self.hoppers: dict[str, Hopper] = {}
        self.trunk_last: dict[str, Instant] = {}
        self.trunk_slots: dict[str, Instant] = {}
        """When each trunk's last call since the start was due by its calls per second."""

        # indexes
        self.running: dict[str, None] = {}
        self.free: dict[str, None] = {}
        """Agents who can take a call and for whom none is placed, the longest idle first."""
        self.wrapping: dict[str, None] = {}
        self.setting_up: dict[str, None] = {}
        """Agents whose leg is not as their state wants it (to be called, or to be hung up)."""
        self.by_leg: dict[str, str] = {}
        self.booked: dict[str, str] = {}
        """Agent to the call placed for him."""
        self.unbooked: dict[str, None] = {}
        self.waiting: dict[str, None] = {}
        """Calls that wait or are offered to an agent's ringing phone."""
        self.early: dict[str, None] = {}
        """Calls dialing or ringing, the oldest first."""
        self.numbers: dict[str, str] = {}
        self.trunk_lines: Counter[str] = Counter()
        self.campaign_lines: Counter[str] = Counter()
        self.strays: dict[str, str] = {}
        """Legs that are alive on a server and should not be: leg to server."""
        self.hanging: set[str] = set()
        """Legs whose end was asked for."""

        self.replies: dict[tuple[str, str], tuple[str, str]] = {}
        """(command, first answer) by (principal, id): the same command with the same id gets it again and does nothing."""

        self.oddities: Counter[str] = Counter()
        """Facts that came late, twice or of something unknown, by kind."""
        self._changed: dict[tuple[type, object], Row] = {}
        self._places = 0
        self._hours: dict[str, tuple[Instant, Hours]] = {}

    # --- the turn

    def begin(self, seq: int, now: Instant) -> None:
        """A turn begins."""
        self.seq = seq
        self.now = now
        self._places = 0

    def take_changes(self) -> tuple[Row, ...]:
        """The rows changed since the last call."""
        rows = tuple(self._changed.values())
        self._changed = {}
        return rows

    def mark(self, row: Row) -> None:
        """`row` has changed and is to be written with this turn."""
        kind = type(row)
        self._changed[kind, _KEYS.get(kind, _BY_ID)(row)] = row

    def peek_leg(self, kind: str) -> str:
        """The id the next leg of this turn will get."""
        return leg_id(kind, self.token, self.seq, self._places + 1)

    def use_leg(self) -> None:
        """The id of `peek_leg` is used up."""
        self._places += 1

    def odd(self, kind: str) -> None:
        """Count an oddity of the outside and pass it by."""
        self.oddities[kind] += 1

    def note(self, principal: str, command: str, subject: str, note: str = "") -> None:
        """Keep in the audit trail who did what."""
        self._places += 1
        self.mark(AuditRow(f"{self.seq:011d}-{self._places:04d}", self.now, principal, command, subject, note))

    def count(self, name: str) -> int:
        """The next number of a counter."""
        row = self.counters.setdefault(name, CounterRow(name, 0))
        row.value += 1
        self.mark(row)
        return row.value

    def snapshot(self) -> dict[str, Any]:
        """All that rows tell and all that is indexed from them: equal before a crash and after a rebuild."""
        rows: dict[str, dict[Any, Any]] = {
            "campaigns": self.campaigns,
            "tallies": self.tallies,
            "agents": self.agents,
            "calls": self.calls,
            "leads": self.leads,
            "counters": self.counters,
        }
        return {
            **{name: {key: msgspec.to_builtins(row) for key, row in table.items()} for name, table in rows.items()},
            "lead_states": {c: {s: n for s, n in counts.items() if n} for c, counts in self.lead_states.items()},
            "running": set(self.running),
            "free": set(self.free),
            "wrapping": set(self.wrapping),
            "booked": dict(self.booked),
            "by_leg": dict(self.by_leg),
            "unbooked": set(self.unbooked),
            "waiting": set(self.waiting),
            "early": list(self.early),
            "numbers": dict(self.numbers),
            "trunk_lines": +self.trunk_lines,
            "campaign_lines": +self.campaign_lines,
            "trunk_last": dict(self.trunk_last),
        }

    # --- hours

    def hours(self, schedule: str | None, now: Instant) -> Hours | None:
        """How a schedule stands at `now`; None without one. Remembered until it changes."""
        if schedule is None:
            return None
        known = self._hours.get(schedule)
        if known is not None and known[0] <= now < known[1].until:
            return known[1]
        policy = self.floor.schedules.get(schedule)
        if policy is None:
            return Hours(False, now + 60)
        hours = hours_at(policy, now)
        self._hours[schedule] = (now, hours)
        return hours

    def configure(self, floor: Floor) -> None:
        """A new configuration holds."""
        self.floor = floor
        self._hours.clear()
        for server in floor.servers:
            self.links.setdefault(server, Link())
        for agent in floor.agents:
            if agent not in self.agents:
                self.agents[agent] = AgentRow(agent, "logged_out", self.now)
                self.mark(self.agents[agent])
        for row in self.agents.values():
            self.reindex_agent(row)

    # --- campaigns

    def put_campaign(self, row: CampaignRow) -> None:
        """Take in a campaign's row, new or changed."""
        self.campaigns[row.id] = row
        self.policies[row.id] = Campaign.model_validate(row.policy)
        self.lead_states.setdefault(row.id, Counter())
        if row.id not in self.tallies:
            self.tallies[row.id] = TallyRow(row.id)
        if row.state == "running":
            self.running[row.id] = None
            self.hoppers.setdefault(row.id, Hopper())
        else:
            self.running.pop(row.id, None)
            self.hoppers.pop(row.id, None)

    def move_campaign(self, row: CampaignRow, kind: str, principal: str, note: str) -> None:
        """Move a campaign by a kind of the table. Raises OurMistakeError for an illegal one."""
        row.state = self._after("campaign", row.id, row.state, kind)
        row.state_at = self.now
        row.state_by = principal
        row.note = note
        self.put_campaign(row)
        self.mark(row)

    # --- leads

    def move_lead(self, lead: LeadRow, kind: str) -> None:
        """Move a lead by a kind of the table and keep the counts right."""
        state = self._after("lead", lead.id, lead.state, kind)
        counts = self.lead_states[lead.campaign]
        counts[lead.state] -= 1
        counts[state] += 1
        lead.state = state
        self.mark(lead)

    # --- calls

    def put_call(self, call: AttemptRow, lead: LeadRow) -> None:
        """Take in a live call."""
        self.calls[call.id] = call
        self.leads[lead.id] = lead
        self.numbers[call.number] = call.id
        self.trunk_lines[call.trunk] += 1
        self.campaign_lines[call.campaign] += 1
        self.trunk_last[call.trunk] = max(call.placed_at, self.trunk_last.get(call.trunk, 0.0))
        self.reindex_call(call)

    def call_may(self, call: AttemptRow, kind: str) -> bool:
        """Whether the table allows `kind` for the call now."""
        return kind in states.CALL[call.state]

    def move_call(self, call: AttemptRow, kind: str) -> None:
        """Move a call by a kind of the table. Raises OurMistakeError for an illegal one."""
        call.state = self._after("call", call.id, call.state, kind)
        if call.state == "ended":
            call.ended_at = self.now
            self._remove_call(call)
        else:
            self.reindex_call(call)
        self.mark(call)

    def reindex_call(self, call: AttemptRow) -> None:
        """Bring the indexes up to date with a live call's state."""
        _in(self.waiting, call.id, call.state in ("waiting", "offered"))
        _in(self.early, call.id, call.state in ("dialing", "ringing"))
        before = call.state in BEFORE_TALK
        if not before and call.booked:
            self.unbook(call)
        _in(self.unbooked, call.id, before and not call.booked)
        if call.booked:
            self.booked[call.booked] = call.id
            self.free.pop(call.booked, None)

    def _remove_call(self, call: AttemptRow) -> None:
        for index in (self.waiting, self.early, self.unbooked):
            index.pop(call.id, None)
        if call.booked:
            self.unbook(call)
            self.unbooked.pop(call.id, None)
        del self.calls[call.id]
        self.leads.pop(call.lead, None)
        if self.numbers.get(call.number) == call.id:
            del self.numbers[call.number]
        self.trunk_lines[call.trunk] -= 1
        self.campaign_lines[call.campaign] -= 1
        self.hanging.discard(call.id)

    def book(self, call: AttemptRow, agent: str) -> None:
        """Keep a free agent for a call in flight."""
        if agent not in self.free:
            raise OurMistakeError(f"agent {agent} is booked for {call.id} and is not free")
        call.booked = agent
        self.mark(call)
        self.reindex_call(call)

    def unbook(self, call: AttemptRow) -> None:
        """The call has no agent kept for it any more."""
        agent, call.booked = call.booked, ""
        self.booked.pop(agent, None)
        self.mark(call)
        if call.state in BEFORE_TALK:
            self.unbooked[call.id] = None
        row = self.agents.get(agent)
        if row is not None:
            self.reindex_agent(row)

    # --- agents

    def agent_may(self, agent: AgentRow, kind: str) -> bool:
        """Whether the table allows `kind` for the agent now."""
        return kind in states.AGENT[agent.state]

    def move_agent(self, agent: AgentRow, kind: str, reason: str = "") -> None:
        """Move an agent by a kind of the table. Raises OurMistakeError for an illegal one."""
        state = self._after("agent", agent.id, agent.state, kind)
        if state != agent.state or state == "not_ready":
            agent.since = self.now
        agent.state = state
        agent.reason = reason
        if state != "wrap_up":
            agent.wrap_until = None
        self.reindex_agent(agent)
        self.mark(agent)

    def softphone(self, agent: str) -> Literal["ring", "nailed_up"]:
        """How the agent's softphone is used; ring for an agent who is not configured any more."""
        policy = self.floor.agents.get(agent)
        return policy.softphone if policy is not None else "ring"

    def can_take(self, agent: AgentRow) -> bool:
        """Whether the agent could be given a customer this instant."""
        if agent.state != "ready" or agent.id not in self.floor.agents:
            return False
        if self.softphone(agent.id) == "nailed_up":
            return agent.leg_state == "idle"
        return not agent.leg

    def reindex_agent(self, agent: AgentRow) -> None:
        """Bring the indexes up to date with an agent's state."""
        if agent.leg:
            self.by_leg[agent.leg] = agent.id
        able = self.can_take(agent)
        call = self.calls.get(self.booked.get(agent.id, ""))
        if not able and call is not None and agent.call != call.id:
            self.unbook(call)  # comes back here
            return
        if able and call is None:
            if agent.id not in self.free:
                self.free[agent.id] = None
        else:
            self.free.pop(agent.id, None)
        _in(self.wrapping, agent.id, agent.state == "wrap_up")
        _in(self.setting_up, agent.id, self.leg_wish(agent) != "")

    def leg_wish(self, agent: AgentRow) -> str:
        """What the agent's leg needs: `call` it, `hang_up`, or nothing."""
        nailed_up = self.softphone(agent.id) == "nailed_up" and agent.id in self.floor.agents
        if agent.leg:
            if agent.leg in self.hanging:
                return ""
            if nailed_up:
                return "hang_up" if agent.state == "logged_out" else ""
            if agent.state == "wrap_up" and agent.leg_state == "talking":
                return (
                    ""  # the dialplan ends it as the bridge ends; asking too would only be a warning in Asterisk's log
                )
            return "" if agent.state in ("ringing", "on_call") else "hang_up"
        return "call" if nailed_up and agent.state == "connecting" else ""

    def set_leg(self, agent: AgentRow, leg: str, state: str) -> None:
        """The agent's leg is `leg` (empty: none) in `state`."""
        if agent.leg and agent.leg != leg:
            self.by_leg.pop(agent.leg, None)
            self.hanging.discard(agent.leg)
        agent.leg = leg
        agent.leg_state = state
        self.mark(agent)
        self.reindex_agent(agent)

    # --- lines

    def serves(self, agent: str, campaign: str) -> bool:
        """Whether the agent takes calls of the campaign."""
        policy = self.floor.agents.get(agent)
        return policy is not None and (policy.campaigns == "all" or campaign in policy.campaigns)

    def _after(self, table: str, which: object, state: str, kind: str) -> str:
        new = states.TABLES[table][state].get(kind)
        if new is None:
            allowed = ", ".join(states.moves(states.TABLES[table], state)) or "nothing"
            raise OurMistakeError(f"{table} {which} is {state}: {kind} is illegal, allowed: {allowed}")
        return new


def _in(index: dict[str, None], key: str, wanted: bool) -> None:
    if wanted:
        if key not in index:
            index[key] = None
    elif key in index:
        del index[key]
