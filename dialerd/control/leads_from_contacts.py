"""lead.from-contacts: contacts join a campaign as leads, by filter, group, list of codes, or all of them (C06).

Never reads the contacts as a whole, and never gives the campaign more of a contact than a copy: a lead's changes stay his own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from dialerd.campaigns.days import today
from dialerd.campaigns.dossiers import holds
from dialerd.campaigns.live import Live
from dialerd.compliance.do_not_call import Suppressed, barred_by
from dialerd.control.contact_values import checked_codes
from dialerd.control.filters import conditions_of, known_filter
from dialerd.control.groups import MEMBER, known_group
from dialerd.control.leads import batch_subject, room_for_list
from dialerd.control.long_commands import Finished, Planned, Progress
from dialerd.control.table import MAKERS, Args, Command, Desk, Result, Who
from dialerd.model import record_fields
from dialerd.model.contact_filters import ContactFilter, matches
from dialerd.model.errors import Refusal
from dialerd.model.facts import LeadsAdded, NewLead
from dialerd.model.lead_order import ListName, Priority
from dialerd.model.pasts import ListEntry
from dialerd.model.phones import normalise
from dialerd.model.policies import Campaign, Line, Name
from dialerd.model.rows import ContactRow, SuppressionRow

PORTION = 200
"""Contacts of one turn."""
TOLD = 100
"""Refused contacts told one by one."""
COMMAND = "lead.from-contacts"


class FromContacts(Args):
    """Which contacts join, and as what."""

    campaign: Name
    choose: Literal["filter", "group", "codes", "all"]
    """By a saved filter, a group, a list of codes (PID), or all contacts."""
    filter: Name | None = None
    group: Name | None = None
    codes: str | None = Field(None, max_length=4_000_000)
    """Codes parted by commas, semicolons, spaces or lines."""
    list: ListName | None = None
    """The list they join; empty: none."""
    priority: Priority = 0
    """-100 to 100; the greater is dialed earlier."""
    action: Line = ""
    """What brings them here, as is shown with each lead."""
    dry_run: bool = False
    """Only report what would be added and refused."""


class ContactRefused(Result):
    """A contact that does not join, and why."""

    code: str
    because: str


class Joined(Result):
    """What became of the contacts."""

    campaign: str
    contacts: int
    """Contacts that were chosen."""
    added: int
    duplicates: int
    """Contacts whose phone the campaign has already, or another of the chosen has."""
    suppressed: int
    """Contacts on a do-not-call list."""
    refused: int
    refusals: list[ContactRefused]
    """The first hundred, of the suppressed and the refused."""
    dry_run: bool


class _Made(NamedTuple):
    code: str
    lead: NewLead | None
    because: str


def _chosen(live: Live, args: FromContacts) -> ContactFilter | None:
    """The filter, if one is asked for. Raises Refusal for what does not fit together or is not there."""
    given = [name for name in ("filter", "group", "codes") if getattr(args, name) is not None]
    wanted = [] if args.choose == "all" else [args.choose]
    if given != wanted:
        field = next(iter({*given} ^ {*wanted}))
        told = "is not given" if field in wanted else "is given"
        raise Refusal("bad_argument", f"choose is {args.choose} and {field} {told}", field)
    if args.group is not None:
        known_group(live, args.group)
    if args.codes is not None:
        checked_codes(args.codes)
    return None if args.filter is None else conditions_of(known_filter(live, args.filter))


def _lead_of(row: ContactRow, policy: Campaign, day: Any, args: FromContacts) -> _Made:
    if not row.phone:
        return _Made(row.id, None, "it has no phone")
    try:
        phone = normalise(row.phone, policy.region, migrate_2018=policy.migrate_2018)
        fields = record_fields.read(policy.fields, row.fields, day, others=policy.other_fields)
    except Refusal as refusal:
        return _Made(row.id, None, refusal.message[:300])
    lead = NewLead(
        phone,
        row.name,
        fields,
        email=row.email,
        address=row.address,
        list_name=args.list or "",
        action=args.action,
        contact=row.id,
        owner=row.owner,
        priority=args.priority,
    )
    return _Made(row.id, lead, "")


class _Joining:
    """The contacts of one command on their way."""

    def __init__(self, desk: Desk, who: Who, args: FromContacts, asked: ContactFilter | None) -> None:
        self._desk = desk
        self._who = who
        self._args = args
        self._asked = asked
        self._seen: set[str] = set()
        self.report = Joined(
            campaign=args.campaign, contacts=0, added=0, duplicates=0, suppressed=0, refused=0, refusals=[],
            dry_run=args.dry_run,
        )  # fmt: skip

    async def run(self, progress: Progress) -> Finished:
        report, args, live = self.report, self._args, self._desk.live
        source = f"contacts:{args.choose}" + "".join(f":{name}" for name in (args.filter, args.group) if name)
        told: dict[str, int] = {}
        async for portion in self._portions():
            batch_subject(live, args.campaign)  # the campaign may have gone while the contacts were read
            made = await asyncio.to_thread(self._make, portion)
            new = await self._fresh(made)
            report.added += len(new)
            now = {"contacts": report.contacts, "suppressed": report.suppressed, "refused": report.refused}
            now["duplicates"] = report.duplicates
            if args.dry_run:
                progress.tell(**now, added=report.added)
                continue
            since = {name: count - told.get(name, 0) for name, count in now.items()}
            await progress.settle(
                LeadsAdded(args.campaign, tuple(new), source, self._who.principal, progress.job, since)
            )
            told = now
            row = live.jobs.get(progress.job)
            if row is not None:  # the turn knows who was there after all: another way in may have been faster
                report.added, report.duplicates = row.counts["added"], row.counts["duplicates"]
                told["duplicates"] = report.duplicates
        names = ("contacts", "added", "duplicates", "suppressed", "refused")
        return Finished(report, {name: getattr(report, name) for name in names})

    async def _portions(self) -> AsyncIterator[Sequence[ContactRow]]:
        store, args = self._desk.store, self._args
        after = ""
        if args.choose == "codes":
            codes = checked_codes(args.codes or "")
            for at in range(0, len(codes), PORTION):
                rows = {row.id: row for row in await store.contacts_by_id(codes[at : at + PORTION])}
                for code in codes[at : at + PORTION]:
                    if code not in rows:
                        self.report.contacts += 1
                        self._refuse(code, "there is no such contact")
                yield list(rows.values())
        elif args.choose == "group":
            while members := await store.members(MEMBER, args.group or "", after, PORTION):
                after = members[-1]
                yield sorted(await store.contacts_by_id(members), key=lambda row: row.id)
        else:
            while rows_of := await store.contacts(after, PORTION):
                after = rows_of[-1].id
                yield rows_of

    def _make(self, portion: Sequence[ContactRow]) -> list[_Made]:
        live, args = self._desk.live, self._args
        policy = live.policies[args.campaign]
        day = today(live, policy, self._desk.now)
        chosen = portion if self._asked is None else [row for row in portion if matches(self._asked, row)]
        return [_lead_of(row, policy, day, args) for row in chosen]

    async def _fresh(self, made: list[_Made]) -> list[NewLead]:
        """Those who may join and are not there yet; the others are counted."""
        report = self.report
        report.contacts += len(made)
        fresh: list[NewLead] = []
        for one in made:
            if one.lead is None:
                self._refuse(one.code, one.because)
            elif one.lead.phone in self._seen:
                report.duplicates += 1
            else:
                self._seen.add(one.lead.phone)
                fresh.append(one.lead)
        phones = [lead.phone for lead in fresh]
        barred = await self._barred(phones)
        there = await self._desk.store.known_phones(self._args.campaign, phones)
        new: list[NewLead] = []
        for lead in fresh:
            if lead.phone in there:
                report.duplicates += 1
            elif lead.phone in barred:
                report.suppressed += 1
                self._tell(lead.contact, f"{lead.phone} is on the do-not-call list {barred[lead.phone]}")
            else:
                new.append(lead)
        return new

    async def _barred(self, phones: list[str]) -> dict[str, str]:
        """Numbers on a do-not-call list that holds for the campaign now, with the list's name."""
        live, args = self._desk.live, self._args
        if not live.dnc or not phones:
            return {}
        entries: dict[str, list[Suppressed]] = {}
        rows: list[SuppressionRow] = await self._desk.store.suppressions_of(phones)
        for row in rows:
            entry = ListEntry(row.list_name, row.channel, row.at, row.until, row.version)
            if row.active and holds(live, args.campaign, entry):
                held = Suppressed(row.list_name, row.channel, row.until)  # type: ignore[arg-type]  # written from checked arguments
                entries.setdefault(row.number, []).append(held)
        channel = live.policies[args.campaign].channel
        found = {number: barred_by(held, channel, live.now) for number, held in entries.items()}
        return {number: entry.list_name for number, entry in found.items() if entry is not None}

    def _refuse(self, code: str, because: str) -> None:
        self.report.refused += 1
        self._tell(code, because)

    def _tell(self, code: str, because: str) -> None:
        if len(self.report.refusals) < TOLD:
            self.report.refusals.append(ContactRefused(code=code, because=because))


def _plan(desk: Desk, who: Who, args: FromContacts) -> Planned:
    batch_subject(desk.live, args.campaign)
    room_for_list(desk.live, args.campaign, args.list or "")
    asked = _chosen(desk.live, args)
    return Planned("import", args.campaign, _Joining(desk, who, args, asked).run)


COMMANDS: tuple[Command[Any], ...] = (
    Command(COMMAND, "Contacts join a campaign as leads", MAKERS, FromContacts, Joined, "job", plan=_plan),
)
