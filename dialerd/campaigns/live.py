"""Live state: the rows in play and the indexes made from them; the turn, campaigns and leads are moved here, agents in
`presence`, calls in `in_flight`.

Never decides what should happen next, and keeps nothing that cannot be rebuilt from the rows (hoppers, links, the slots of
trunks, fair shares, ordinary calls and the streaks of hotlines aside).
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import Any

import msgspec

from dialerd.campaigns.hopper import Hopper
from dialerd.campaigns.hotline_book import HotlineBook
from dialerd.campaigns.lately import FOUND, Lately
from dialerd.campaigns.law import Law
from dialerd.campaigns.ordinary import OrdinaryCalls
from dialerd.campaigns.pace import Pace
from dialerd.campaigns.pasts import Pasts
from dialerd.campaigns.shares import Shares
from dialerd.campaigns.teams import Teams
from dialerd.compliance.calling_hours import Hours, hours_at
from dialerd.compliance.pack import Pack
from dialerd.model import states
from dialerd.model.answers import Script
from dialerd.model.dispositions import Disposition
from dialerd.model.errors import OurMistakeError
from dialerd.model.facts import Found
from dialerd.model.ids import leg_id
from dialerd.model.instants import Instant
from dialerd.model.lead_order import order_of
from dialerd.model.policies import Campaign, Floor
from dialerd.model.rows import (
    AbandonRow,
    AgentRow,
    AttemptRow,
    AuditRow,
    CampaignRow,
    CounterRow,
    DncListRow,
    HotlineHourRow,
    JobRow,
    LeadPhoneRow,
    LeadRow,
    MemberRow,
    NamedRow,
    QuotaRow,
    ReferralRow,
    RefusalRow,
    ReplyRow,
    Row,
    SuppressionRow,
    TallyRow,
)
from dialerd.model.triggers import Trigger

_BY_ID = attrgetter("id")
_KEYS = {
    TallyRow: attrgetter("campaign"),
    CounterRow: attrgetter("name"),
    ReplyRow: attrgetter("principal", "id"),
    NamedRow: attrgetter("kind", "id"),
    MemberRow: attrgetter("kind", "group", "member"),
    SuppressionRow: attrgetter("list_name", "number", "channel"),
    DncListRow: attrgetter("list_name", "channel"),
    AbandonRow: attrgetter("campaign", "rule", "start"),
    RefusalRow: attrgetter("lead"),
    LeadPhoneRow: attrgetter("campaign", "phone"),
    QuotaRow: attrgetter("campaign", "agent", "day"),
    HotlineHourRow: attrgetter("hotline", "campaign", "hour"),
}


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
        """The leads of live calls, and those that are before agents."""
        self.lead_states: dict[str, Counter[str]] = {}
        self.open_lists: dict[str, Counter[str]] = {}
        """Leads that may still be dialed, now or later, by campaign and list."""
        self.private_to: dict[str, set[str]] = {}
        """Agents to whom leads were private, by campaign; they may have none any more."""
        self.counters: dict[str, CounterRow] = {}
        self.copies: dict[str, None] = {}
        """Campaigns for which the next portion of a copy is to be read."""
        self.named: dict[str, dict[str, NamedRow]] = {}
        """Named policies that people made by command, by kind and id, also those that were deleted (not `active`)."""
        self.triggers: dict[str, Trigger] = {}
        """The triggers that are there, by name (C16)."""
        self.participations: dict[str, Counter[str]] = {}
        """Leads in each participation state, by campaign (C14)."""
        self.referrals: dict[int, ReferralRow] = {}
        """Customers whom a trigger sent to a campaign and who are not there yet."""
        self.referrals_asked: set[int] = set()
        """Those of them of whom the store was asked."""
        self.lately = Lately()
        """What changed in the last turns: an answer of the store that is older does not know of it."""
        self.quotas: dict[tuple[str, str], QuotaRow] = {}
        """Leads handed out on the last day on which any were, by campaign and agent; only of campaigns with a quota."""
        self.at_quota: dict[str, tuple[Instant, frozenset[str]]] = {}
        """By campaign: until when that holds, and the agents who are handed no more. Reckoned when it is asked for."""
        self.scripts: dict[str, Script] = {}
        """All scripts, those of the configuration and those made by command."""
        self.dispositions: dict[str, Disposition] = {}
        """All dispositions, those of the configuration and those made by command."""
        self.packs: dict[str, Pack] = {}
        """The rule packs that hold, by name."""
        self.packs_told: dict[str, dict[str, Any]] = {}
        """The same as the configuration told them."""
        self.laws: dict[str, Law] = {}
        """What its pack asks of each campaign; made when it is asked for."""
        self.legal_hours: dict[str, tuple[Instant, Hours]] = {}
        """How the hours of a campaign's pack stood when they were last reckoned."""
        self.pasts = Pasts()
        """What is known of the numbers that are about to be dialed."""
        self.dnc: dict[tuple[str, str], DncListRow] = {}
        """The do-not-call lists, by name and channel; their numbers are in the store."""
        self.abandons: dict[tuple[str, str], AbandonRow] = {}
        """The newest counts of each campaign and abandon rule of its pack."""
        self.refused: dict[str, Counter[str]] = {}
        """Leads that may be dialed but for the rule that refused them last, by campaign and rule."""
        self.sure: set[tuple[object, ...]] = set()
        """What of it was found to be still so."""
        self.found: Found | None = None
        """What the store told for the command that is judged."""
        self.jobs: dict[str, JobRow] = {}
        """Imports and exports under way."""
        self.hotlines = HotlineBook()
        """Caller ids: how they stand, and their figures of the last day (V08)."""
        self.ordinary = OrdinaryCalls()
        """Lines that are not for campaigns now (V09)."""
        self.shares = Shares()
        """Whose turn it is among campaigns (V09)."""
        self.teams = Teams()
        """Who serves which campaign, and who of them is free."""
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
        self.predictive: dict[str, None] = {}
        """Predictive campaigns that run."""
        self.overdialed: set[str] = set()
        """Campaigns whose calls are placed without an agent of their own, whether they run or not."""
        self.paces: dict[str, Pace] = {}
        """The pacers of predictive campaigns."""
        self.shown: dict[str, None] = {}
        """Agents who have a lead before them."""
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
        self.outdated: set[str] = set()
        """Nailed-up legs to a phone that is not their agent's any more, to be replaced once he is not on a call. A daemon that
        is started anew does not know them: it takes each leg for one to the phone that is configured."""

        self.replies: dict[tuple[str, str], tuple[str, str]] = {}
        """(command, first answer) by (principal, id): the same command with the same id gets it again and does nothing."""

        self.oddities: Counter[str] = Counter()
        """Facts that came late, twice or of something unknown, by kind."""
        self.stirred_campaigns = False
        """Whether a campaign's row changed in this turn: only then is anybody to be told of it."""
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
        key = (kind, _KEYS.get(kind, _BY_ID)(row))
        self._changed[key] = row
        if kind in FOUND:
            self.lately.note(key, self.seq)
            if type(row) is LeadRow and row.private_to:
                self.private_to.setdefault(row.campaign, set()).add(row.private_to)

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
            "dnc": self.dnc,
            "abandons": self.abandons,
            "jobs": self.jobs,
            "referrals": self.referrals,
            "quotas": self.quotas,
            "named": {(kind, id_): row for kind, rows_of in self.named.items() for id_, row in rows_of.items()},
        }
        return {
            **{name: {key: msgspec.to_builtins(row) for key, row in table.items()} for name, table in rows.items()},
            "lead_states": {c: {s: n for s, n in counts.items() if n} for c, counts in self.lead_states.items()},
            "open_lists": {c: +counts for c, counts in self.open_lists.items() if +counts},
            "participations": {c: +counts for c, counts in self.participations.items() if +counts},
            "refused": {c: dict(+counts) for c, counts in self.refused.items() if +counts},
            "running": set(self.running),
            "free": set(self.free),
            "wrapping": set(self.wrapping),
            "shown": set(self.shown),
            "booked": dict(self.booked),
            "by_leg": dict(self.by_leg),
            "unbooked": set(self.unbooked),
            "waiting": set(self.waiting),
            "early": list(self.early),
            "numbers": dict(self.numbers),
            "trunk_lines": +self.trunk_lines,
            "campaign_lines": +self.campaign_lines,
            "trunk_last": dict(self.trunk_last),
            "hotlines": self.hotlines.snapshot(),
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

    # --- the floor

    def configure(self, floor: Floor) -> None:
        """A new configuration holds; agents' indexes are brought up to date by `presence.configure`."""
        self.floor = floor
        self._hours.clear()
        self.at_quota.clear()
        for server in floor.servers:
            self.links.setdefault(server, Link())
        self.ordinary.configured(floor)
        self.hotlines.usable.clear()
        self._form_teams()

    def _form_teams(self) -> None:
        self.teams.form(self.floor, self.policies, self.running, self.free, lambda agent: self.agents[agent].since)

    def serves(self, agent: str, campaign: str) -> bool:
        """Whether the agent takes calls of the campaign."""
        return self.teams.serves(agent, campaign)

    # --- campaigns

    def put_campaign(self, row: CampaignRow) -> None:
        """Take in a campaign's row, new or changed."""
        self.stirred_campaigns = True
        self.campaigns[row.id] = row
        self.policies[row.id] = Campaign.model_validate(row.policy)
        if self.policies[row.id].mode == "predictive":
            self.overdialed.add(row.id)
        else:
            self.overdialed.discard(row.id)
        self.hotlines.usable.pop(row.id, None)
        self.at_quota.pop(row.id, None)
        self.laws.pop(row.id, None)
        self.legal_hours.pop(row.id, None)
        self.lead_states.setdefault(row.id, Counter())
        if row.state == "deleted":  # its leads are purged one day, behind our back
            self.lead_states[row.id].clear()
            self.refused.pop(row.id, None)
            self.open_lists.pop(row.id, None)
        if row.id not in self.tallies:
            self.tallies[row.id] = TallyRow(row.id)
        if row.state == "running":
            self.running[row.id] = None
            policy = self.policies[row.id]
            order = order_of(policy.order, policy.lists)
            self.hoppers.setdefault(row.id, Hopper()).set_order(order, policy.lists, self.private_to.get(row.id, ()))
            index_if(self.predictive, row.id, policy.mode == "predictive")
        else:
            self.running.pop(row.id, None)
            self.predictive.pop(row.id, None)
            self.hoppers.pop(row.id, None)
            self.paces.pop(row.id, None)
            self.shares.forget(row.id)
        if self.teams.fits(self.floor, row.id, self.policies[row.id]):
            self.teams.run(row.id, row.id in self.running)
        else:
            self._form_teams()

    def move_campaign(self, row: CampaignRow, kind: str, principal: str, note: str) -> None:
        """Move a campaign by a kind of the table. Raises OurMistakeError for an illegal one."""
        row.state = next_state("campaign", row.id, row.state, kind)
        row.state_at = self.now
        if kind == "began" and row.began_at is None:
            row.began_at = self.now
        if kind in ("start", "ended", "stop"):
            row.ended_at = None if kind == "start" else self.now
        row.state_by = principal
        row.note = note
        self.put_campaign(row)
        self.mark(row)

    # --- leads

    def move_lead(self, lead: LeadRow, kind: str) -> None:
        """Move a lead by a kind of the table and keep the counts right."""
        state = next_state("lead", lead.id, lead.state, kind)
        counts = self.lead_states[lead.campaign]
        counts[lead.state] -= 1
        counts[state] += 1
        if (lead.state in states.DIALABLE) != (state in states.DIALABLE):
            self.count_open(lead, 1 if state in states.DIALABLE else -1)
        lead.state = state
        if lead.refused_by:
            self.refused.setdefault(lead.campaign, Counter())[lead.refused_by] -= 1
            lead.refused_by = ""
        self.mark(lead)

    def count_open(self, lead: LeadRow, more: int) -> None:
        """Keep the number of leads right that may still be dialed: `more` is 1 or -1."""
        counts = self.open_lists.get(lead.campaign)
        if counts is None:
            counts = self.open_lists[lead.campaign] = Counter()
        left = counts[lead.list_name] + more
        if left:
            counts[lead.list_name] = left
        else:
            del counts[lead.list_name]

    def lead_comes_due(self, lead: LeadRow) -> None:
        """A lead outside the hopper may be dialed from its `next_at` on."""
        hopper = self.hoppers.get(lead.campaign)
        if hopper is not None:
            hopper.comes_due(lead)


def next_state(table: str, which: object, state: str, kind: str) -> str:
    """The state that `kind` leads to by the named table. Raises OurMistakeError where it is illegal."""
    new = states.TABLES[table][state].get(kind)
    if new is None:
        allowed = ", ".join(states.moves(states.TABLES[table], state)) or "nothing"
        raise OurMistakeError(f"{table} {which} is {state}: {kind} is illegal, allowed: {allowed}")
    return new


def index_if(index: dict[str, None], key: str, wanted: bool) -> None:
    """Have `key` in the index, at its end if it is new, or out of it."""
    if wanted:
        if key not in index:
            index[key] = None
    elif key in index:
        del index[key]
