"""Commands on leads: import, add, list, and explain what was and will be (C06, C07, C09).

Never adds a lead whose phone is no number or may not be dialed: it is told, row by row, why not.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.campaigns.why import why
from dialerd.compliance.gate import Dossier, judge
from dialerd.compliance.verdict import Allowed
from dialerd.control.campaigns import known
from dialerd.control.lines import CallView, call_view
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.instants import FAR, iso
from dialerd.model.phones import normalise
from dialerd.model.policies import Name
from dialerd.model.rows import LeadRow

MAX_CSV = 12_000_000


class Import(Args):
    """Leads from a CSV text."""

    campaign: Name
    csv: str = Field(max_length=MAX_CSV)
    """The text: a heading line, then one lead a line; comma, semicolon or tab."""
    phone: str = Field("phone", max_length=100)
    """The heading of the phone column."""
    name: str = Field("name", max_length=100)
    """The heading of the name column; need not be there."""
    dry_run: bool = False
    """Only report what would be added and refused."""


class Add(Args):
    """One lead."""

    campaign: Name
    phone: str = Field(max_length=64)
    name: str = Field("", max_length=200)
    fields: dict[str, str] = Field(default_factory=dict)
    """Further fields by name."""


class RowRefused(Result):
    """A row that was not taken, and why."""

    row: int
    """The line's number in the text, the heading being 1."""
    phone: str
    because: str


class Imported(Result):
    """What became of an import's rows."""

    campaign: str
    rows: int
    added: int
    duplicates: int
    """Phones that the campaign has already, or twice in the text."""
    refused: int
    refusals: list[RowRefused]
    """The first hundred."""
    dry_run: bool


class WhichLead(Args):
    """One lead of a campaign, by its phone."""

    campaign: Name
    phone: str = Field(max_length=64)


class LeadListing(Args):
    """Leads by id."""

    campaign: Name
    state: str | None = Field(None, max_length=64)
    after: int = Field(0, ge=0)
    """Begin after the lead with this id."""
    limit: int = Field(100, ge=1, le=1000)


class LeadView(Result):
    """A lead."""

    lead: int
    campaign: str
    phone: str
    name: str
    state: str
    attempts: int
    next_at: str | None
    last_outcome: str
    last_at: str | None
    fields: dict[str, str]
    source: str


class LeadList(Result):
    """Leads."""

    leads: list[LeadView]


class Explained(Result):
    """All that happened to a lead, whether it may be dialed now, and if not why and until when."""

    lead: LeadView
    attempts: list[CallView]
    dialable: bool
    rule: str
    because: str
    until: str | None


def _view(row: LeadRow) -> LeadView:
    return LeadView(
        lead=row.id,
        campaign=row.campaign,
        phone=row.phone,
        name=row.name,
        state=row.state,
        attempts=row.attempts,
        next_at=iso(row.next_at) if row.state in states.DIALABLE and row.next_at < FAR else None,
        last_outcome=row.last_outcome,
        last_at=None if row.last_at is None else iso(row.last_at),
        fields=row.fields,
        source=row.source,
    )


async def _find(desk: Desk, args: WhichLead) -> LeadRow:
    known(desk.live, args.campaign)
    phone = normalise(args.phone, desk.live.policies[args.campaign].region)
    row = await desk.store.lead(args.campaign, phone)
    if row is None:
        raise Refusal("unknown_lead", f"campaign {args.campaign} has no lead {phone}", "phone")
    return row


async def _get(desk: Desk, who: Who, args: WhichLead) -> LeadView:
    return _view(await _find(desk, args))


async def _list(desk: Desk, who: Who, args: LeadListing) -> LeadList:
    known(desk.live, args.campaign)
    if args.state is not None and args.state not in states.LEAD:
        raise Refusal("bad_argument", f"{args.state!r} is not a state of a lead", "state", sorted(states.LEAD))
    rows = await desk.store.leads(args.campaign, args.state, args.after, args.limit)
    return LeadList(leads=[_view(row) for row in rows])


async def _explain(desk: Desk, who: Who, args: WhichLead) -> Explained:
    row = await _find(desk, args)
    attempts = [call_view(attempt) for attempt in await desk.store.attempts_of(row.id)]
    rule, because, until = _standing(desk, row)
    return Explained(
        lead=_view(row),
        attempts=attempts,
        dialable=rule == "",
        rule=rule,
        because=because,
        until=None if until is None else iso(until),
    )


def _standing(desk: Desk, row: LeadRow) -> tuple[str, str, float | None]:
    """The rule that keeps the lead from being dialed now, in words, and until when; an empty rule: it is its turn."""
    live = desk.live
    if row.state == "in_progress":
        return "in_progress", "it is being called now", None
    policy = live.policies[row.campaign]
    dossier = Dossier(
        number=row.phone,
        lead_state=row.state,
        attempts=row.attempts,
        next_at=row.next_at,
        campaign_state=live.campaigns[row.campaign].state,
        policy=policy,
        schedule=live.floor.schedules.get(policy.schedule) if policy.schedule else None,
        live_on_number=row.phone in live.numbers,
    )
    verdict = judge(dossier, desk.now)
    if not isinstance(verdict, Allowed):
        return verdict.rule, verdict.because, verdict.until
    found = why(live, row.campaign)
    if found["dialing"]:
        return "", "it may be dialed now and waits for its turn in the list", None
    return f"campaign:{found['factor']}", f"it may be dialed; the campaign does not dial: {found['because']}", None


def batch_subject(live: Live, campaign: str) -> str:
    """The region that a campaign's numbers are read in. Raises Refusal for a campaign that is unknown or was rejected.

    In a finished one leads wait until it is started again.
    """
    row = known(live, campaign)
    if row.state == "rejected":
        raise Refusal("illegal_state", f"{campaign} was rejected: it takes no leads", "campaign")
    return live.policies[campaign].region


COMMANDS: tuple[Command[Any], ...] = (
    Command("lead.import", "Leads from a CSV text", MAKERS, Import, Imported, "import"),
    Command("lead.add", "Add one lead", MAKERS, Add, Imported, "import"),
    Command("lead.get", "One lead", OFFICE, WhichLead, LeadView, "read", read=_get),
    Command("lead.list", "Leads of a campaign", OFFICE, LeadListing, LeadList, "read", read=_list),
    Command("lead.explain", "Why a lead is or is not dialed", OFFICE, WhichLead, Explained, "read", read=_explain),
)
