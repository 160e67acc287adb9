"""Whether a call may be placed, worked out anew from plain books: rules, lists, hours, limits, lines and who is free.

Never asks the gate or any other room of the engine: of the rule packs it reads the data, and judges them by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from dialerd.compliance.pack import Pack
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign
from dialerd.model.rows import AttemptRow, LeadRow
from dialerd.model.states import DIALABLE
from dialerd.model.turn import Committed
from tests.doubles.any_campaigns import NEVER, NUMBERS
from tests.doubles.books_of_rows import Books
from tests.doubles.laws_of_packs import against, is_open

AGREED_S = 3600.0


class LawsOfDialing:
    """The books, and what people asked for by command."""

    def __init__(self, books: Books, packs: Mapping[str, Pack]) -> None:
        self.books = books
        self.packs = packs
        self.promised: dict[int, Instant] = {}
        """Leads whom a command promised a call, and when."""
        self.consents: set[Instant] = set()
        """The moments for which somebody asked to be called."""
        self.barred: dict[tuple[str, str, str], Instant | None] = {}
        """(list, number, channel) that dnc.add put there, until when; None: for good."""
        self.drained = False
        self._dialed: list[tuple[str, Instant]] = []
        self._met: set[str] = set()
        """Calls whose customer was bridged with an agent."""
        self._handed: dict[tuple[str, str, date], int] = {}

    # --- one turn

    def saw(self, committed: Committed) -> None:
        """Take a turn in that is in the books already. Raises AssertionError for a call that was not to be placed."""
        turn = committed.turn
        asked = next((fact for fact in turn.facts if isinstance(fact, f.Asked)), None)
        for fact in turn.facts:
            if isinstance(fact, f.ListReplaced):
                where = (fact.list_name, fact.channel)
                self.barred = {key: until for key, until in self.barred.items() if (key[0], key[2]) != where}
        for row in committed.rows:
            if isinstance(row, AttemptRow) and row.connected_at is not None and row.agent and row.id not in self._met:
                self._met.add(row.id)
                self._hand(row)
        for intent in turn.intents:
            match intent:
                case i.Dial():
                    self.check(intent)
                case i.Refuse():
                    self._refused(intent)
                case i.Drain():
                    self.drained = intent.on
                case i.MoveLead() | i.Dispose() if intent.kind:
                    self._said(intent.lead, intent.kind, asked)
                case i.Suppress() if asked is not None and asked.command in ("dnc.add", "dnc.remove"):
                    self._listed(asked)
        for row in committed.rows if any(isinstance(fact, f.LeadSought) for fact in turn.facts) else ():
            if isinstance(row, LeadRow):
                self.promised.pop(row.id, None)

    def _refused(self, intent: i.Refuse) -> None:
        """Raises AssertionError if nothing spoke against the call: then the lead is put off, or lost, in vain."""
        lead = self.books.leads[intent.lead]
        was = self.books.old.get(lead.id, lead)
        number = was.number
        if intent.rule == "live_call" and any(row.number == number for row in self.books.live()):
            return
        if "not known" in intent.because and intent.until is not None and intent.until <= self.books.now + 60:
            return  # what is to be known of the number was not read yet, and is in a moment
        due = msgspec.structs.replace(lead, next_at=0.0, agreed_at=was.agreed_at, list_name=was.list_name)
        against = list(self.against(intent.campaign, due, number, {was.state}))
        assert against, (
            f"lead {lead.id} of {intent.campaign} was refused by {intent.rule} ({intent.because}) for nothing"
        )

    def _said(self, lead: int, kind: str, asked: f.Asked | None) -> None:
        """A person moved a lead: what he was promised is what the command says, and nothing before."""
        self.promised.pop(lead, None)
        if kind != "asked_back" or asked is None:
            return
        if asked.args.get("call_at") is not None:
            at = max(asked.args["call_at"], self.books.now)
            self.consents.add(at)
            self.promised[lead] = at
        else:
            minutes = self.books.floor.dispositions.get(asked.args["disposition"])
            if minutes is not None and minutes.recall_after_min is not None:
                self.promised[lead] = self.books.now + minutes.recall_after_min * 60

    def _listed(self, asked: f.Asked) -> None:
        args = asked.args
        name = "own" if args.get("list", "own") == "own" else f"campaign:{args['campaign']}"
        for number in read(args["phone"], args.get("region", "VN")):
            key = (name, number, args.get("channel", "all"))
            self.barred.pop(key, None)
            if asked.command == "dnc.add":
                self.barred[key] = args.get("until")

    def restarted(self) -> None:
        """The daemon begins anew."""
        self.drained = False
        self.books.counted.clear()

    def check(self, dial: i.Dial) -> None:
        """Raises AssertionError with every law that the call breaks. To be asked when its turn is in the books."""
        broken = [*self.against(dial.campaign, self.books.leads[dial.lead], dial.number, self._was(dial))]
        broken += [*self._lines(dial), *self._agent(dial), *self._shown(dial)]
        if dial.number != self.books.leads[dial.lead].number:
            broken.append("it is not the number whose turn it is")
        if not dial.dial.replace("{", "").count(dial.number[-6:]):
            broken.append(f"{dial.dial} does not call {dial.number}")
        told = "; ".join(broken)
        assert not broken, (
            f"lead {dial.lead} of {dial.campaign} was dialed ({dial.number}) at {_words(self.books.now)}: {told}"
        )
        self._dialed.append((dial.trunk, self.books.now))

    def _was(self, dial: i.Dial) -> set[str]:
        return self.books.before_dial[dial.call]

    def against(self, campaign: str, lead: LeadRow, number: str, was: set[str]) -> Iterator[str]:
        """All that speaks against calling `number` of a lead that was in one of the states `was`."""
        yield from self._campaign(campaign)
        yield from self._lead(lead, was)
        yield from self._number(campaign, number)
        yield from self._lists(campaign, number)
        agreed = self._agreed(lead, was)
        policy, zone = self.books.policies[campaign], lead.zone
        yield from against(self.packs[policy.pack], policy, self.books, number, zone=zone, agreed=agreed)

    # --- the campaign and its lead

    def _campaign(self, campaign: str) -> Iterator[str]:
        row, policy, now = self.books.campaigns[campaign], self.books.policies[campaign], self.books.now
        if row.state != "running":
            yield f"the campaign is {row.state}"
        if policy.starts_at is not None and now < policy.starts_at:
            yield "the campaign has not begun"
        if policy.ends_at is not None and now >= policy.ends_at:
            yield "the campaign is over"
        if self.drained:
            yield "the daemon is drained"
        if policy.schedule is not None and not is_open(self.books.floor.schedules[policy.schedule], now):
            yield f"the schedule {policy.schedule} is closed"

    def _lead(self, lead: LeadRow, was: set[str]) -> Iterator[str]:
        now, policy = self.books.now, self.books.policies[lead.campaign]
        if not was <= DIALABLE:
            yield f"the lead was {sorted(was)}"
        if lead.next_at > now:
            yield f"the lead is not due before {_words(lead.next_at)}"
        until, why = self.books.rests.get(lead.id, (0.0, ""))
        if until > now + 1e-6:
            yield f"the lead rests: {why}"
        if was == {"callback"} and self.promised.get(lead.id, 0.0) > now:
            yield f"the lead was promised a call at {_words(self.promised[lead.id])}"
        if self.books.spent[lead.id] >= policy.max_attempts:
            yield f"{self.books.spent[lead.id]} attempts were made, {policy.max_attempts} are allowed"
        if policy.lists.get(lead.list_name, 1) == 0:
            yield f"the list {lead.list_name} is paused"

    def _agreed(self, lead: LeadRow, was: set[str]) -> bool:
        at, now = lead.agreed_at, self.books.now
        if at is None or was != {"callback"} or not at <= now <= at + AGREED_S:
            return False
        assert at in self.consents, f"lead {lead.id} is taken to have asked for {_words(at)}, and nobody told"
        return True

    # --- the number

    def _number(self, campaign: str, number: str) -> Iterator[str]:
        region = self.books.policies[campaign].region
        if region == "none":
            if number in NEVER and len(number) < 5:
                yield f"{number} is an emergency number"
        elif region != "none" and number not in NUMBERS:
            yield f"{number} is no number that may ever be called"

    def _lists(self, campaign: str, number: str) -> Iterator[str]:
        now = self.books.now
        names = ("own", "register", f"campaign:{campaign}")
        for (name, channel), entry in self.books.entries.get(number, {}).items():
            its = self.books.lists.get((name, channel))
            holds = entry.active and (its is None or entry.version >= its.version)
            if name in names and channel in ("voice", "all") and holds and (entry.until is None or entry.until > now):
                yield f"the number is on the list {name} for {channel}"
        for (name, one, channel), until in self.barred.items():
            if one == number and name in names and channel in ("voice", "all") and (until is None or until > now):
                yield f"dnc.add put the number on the list {name} for {channel}"

    # --- lines, agents, hotlines

    def _lines(self, dial: i.Dial) -> Iterator[str]:
        floor, live = self.books.floor, self.books.live()
        trunk = floor.trunks.get(dial.trunk)
        if trunk is None or trunk.server != dial.server:
            yield f"there is no trunk {dial.trunk} on {dial.server}"
            return
        if dial.trunk not in self.books.policies[dial.campaign].trunks:
            yield f"the campaign has no trunk {dial.trunk}"
        if dial.server not in self.books.up:
            yield f"the link to {dial.server} is down"
        held = self.ordinary()
        if sum(row.trunk == dial.trunk for row in live) + held[dial.trunk] > trunk.lines:
            yield f"more calls on the trunk {dial.trunk} than its {trunk.lines} lines"
        lines = self.books.policies[dial.campaign].lines
        if lines is not None and sum(row.campaign == dial.campaign for row in live) > lines:
            yield f"more calls of the campaign than its {lines} lines"
        if floor.limits.calls is not None and len(live) + sum(held.values()) > floor.limits.calls:
            yield f"more calls than the house's {floor.limits.calls}"
        lately = sum(name == dial.trunk and at > self.books.now - 1 for name, at in self._dialed)
        if lately > trunk.calls_per_second * 1.03 + 1:
            yield f"{lately} calls on {dial.trunk} within a second"

    def ordinary(self) -> dict[str, int]:
        """Lines that are not for campaigns, by trunk."""
        counted = {name: n for name, n in self.books.counted.items() if self.books.floor.trunks[name].count_ordinary}
        return {name: max(one.ordinary_lines, counted.get(name, 0)) for name, one in self.books.floor.trunks.items()}

    def _agent(self, dial: i.Dial) -> Iterator[str]:
        agent, row = self.books.floor.agents.get(dial.booked), self.books.agents.get(dial.booked)
        lead, policy = self.books.leads[dial.lead], self.books.policies[dial.campaign]
        if agent is None or row is None:
            yield f"there is no agent {dial.booked}"
            return
        if row.state != "ready" or not row.screen or row.call:
            yield f"agent {dial.booked} is {row.state}, screen {row.screen}, call {row.call!r}"
        if agent.server != dial.server:
            yield f"agent {dial.booked} is on another server"
        if not self.serves(dial.booked, dial.campaign):
            yield f"agent {dial.booked} takes no calls of the campaign"
        if lead.private_to and lead.private_to != dial.booked:
            yield f"the lead is private to {lead.private_to}, and the call is for {dial.booked}"
        most, handed = policy.quota.of(dial.booked), self.handed_today(dial.campaign, dial.booked)
        if most is not None and handed >= most:
            yield f"agent {dial.booked} was handed {handed} leads today, his quota is {most}"

    def handed_today(self, campaign: str, agent: str) -> int:
        """Leads that the agent was handed today, as far as they count."""
        return self._handed.get((campaign, agent, self._day(self.books.policies[campaign])), 0)

    def serves(self, agent: str, campaign: str) -> bool:
        """Whether an agent takes calls of a campaign: his own list and the campaign's both name him, or name nobody."""
        policy, own = self.books.policies[campaign], self.books.floor.agents[agent].campaigns
        groups = [self.books.floor.agent_groups.get(group, []) for group in policy.agent_groups]
        named = {*policy.agents, *(one for group in groups for one in group)}
        return (own == "all" or campaign in own) and (agent in named or not (policy.agents or policy.agent_groups))

    def _hand(self, call: AttemptRow) -> None:
        """A customer was bridged with his agent: that counts while the campaign has a quota."""
        policy = self.books.policies[call.campaign]
        if policy.quota.limits:
            key = (call.campaign, call.agent, self._day(policy))
            self._handed[key] = self._handed.get(key, 0) + 1

    def _day(self, policy: Campaign) -> date:
        schedule = self.books.floor.schedules.get(policy.schedule) if policy.schedule else None
        zone = policy.time_zone or (schedule.time_zone if schedule else "UTC")
        return datetime.fromtimestamp(self.books.now, ZoneInfo(zone)).date()

    def _shown(self, dial: i.Dial) -> Iterator[str]:
        names = self.hotlines(dial.campaign)
        if names is not None and dial.hotline not in names:
            yield f"it shows {dial.hotline!r}, and only {sorted(names)} of the campaign's hotlines are well"
        elif names is None and dial.hotline:
            yield f"it shows {dial.hotline}, and the campaign names none"

    def hotlines(self, campaign: str) -> set[str] | None:
        """The campaign's hotlines that may be shown; None: it needs none."""
        policy, floor = self.books.policies[campaign], self.books.floor
        group = policy.hotline_group
        if group is None and not policy.hotlines:
            return None
        more = [] if group is None else list(floor.hotlines) if group == "all" else floor.hotline_groups.get(group, [])
        rows = [self.books.hotlines[name] for name in {*policy.hotlines, *more}]
        return {row.id for row in rows if row.enabled and row.health != "quarantined" and row.rested_until is None}


def read(text: str, region: str) -> list[str]:
    """The number that a text means in a region, in the least clever way: by its digits. None or one."""
    digits = "".join(c for c in text if c.isdigit())
    if region == "none":
        return [digits]
    return [n for n in NUMBERS if digits in (n[1:], f"0{n[3:]}" if n.startswith("+84") else n[2:])]


def _words(at: Instant) -> str:
    return datetime.fromtimestamp(at, ZoneInfo("UTC")).isoformat() if at < 1e11 else "never"
