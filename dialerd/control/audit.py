"""audit.list: who did what and when, the newest first (C03).

Never tells an admin or a supervisor of what others did with campaigns that he does not see.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.control import permissions
from dialerd.control.campaign_list import When
from dialerd.control.table import OFFICE, Args, Command, Desk, Result, Who
from dialerd.model.instants import iso
from dialerd.model.policies import Principal
from dialerd.model.rows import AuditRow, CampaignRow

AT_ONCE = 1000
"""Entries read at once."""
LOOKED_AT = 20_000
"""Entries looked through for one page; what is older comes with the next one."""
OF_CAMPAIGNS = ("campaign.", "lead.")
"""Beginnings of the commands whose subject is a campaign."""


class Listing(Args):
    """Which entries."""

    subject: str | None = Field(None, max_length=64)
    """Only of this campaign (also a deleted one), agent or other subject."""
    principal: Principal | None = None
    """Only what he did; also `clock` and `configuration`."""
    command: str | None = Field(None, max_length=64)
    """Only this command, such as campaign.approve, or all of one resource, such as campaign."""
    since: When | None = None
    """At this moment or later (ISO 8601 with offset)."""
    until: When | None = None
    """Before this moment."""
    before: str = Field("", max_length=64)
    """Older than the entry with this id: the `next` of the page before."""
    limit: int = Field(100, ge=1, le=1000)
    """At most so many."""


class Entry(Result):
    """Who did what."""

    entry: str
    """Its id; grows with time."""
    at: str
    principal: str
    command: str
    subject: str
    note: str


class AuditList(Result):
    """A page of the audit trail, the newest first."""

    entries: list[Entry]
    next: str | None
    """Where the next page begins; null: there is none."""


async def _list(desk: Desk, who: Who, args: Listing) -> AuditList:
    found: list[AuditRow] = []
    before, looked = args.before, 0
    while looked < LOOKED_AT:
        rows = await desk.store.audit(args.subject, AT_ONCE, before)
        for row in rows:
            looked += 1
            if args.since is not None and row.at < args.since and _long_before(row, args.since):
                return _page(found, None)
            before = row.id
            if _asked_for(args, row) and tells(desk.live, who, row):
                found.append(row)
                if len(found) == args.limit:
                    return _page(found, before)
        if len(rows) < AT_ONCE:
            return _page(found, None)
    return _page(found, before)


def _page(rows: list[AuditRow], next_: str | None) -> AuditList:
    entries = [
        Entry(entry=r.id, at=iso(r.at), principal=r.principal, command=r.command, subject=r.subject, note=r.note)
        for r in rows
    ]
    return AuditList(entries=entries, next=next_)


def _long_before(row: AuditRow, since: float) -> bool:
    """Entries stand in the order they were made; a clock that was set back disturbs their times for a day at most."""
    return row.at < since - 86400


def _asked_for(args: Listing, row: AuditRow) -> bool:
    return (
        (args.principal is None or row.principal == args.principal)
        and (args.command is None or args.command in (row.command, row.command.split(".")[0]))
        and (args.since is None or row.at >= args.since)
        and (args.until is None or row.at < args.until)
    )


def tells(live: Live, who: Who, row: AuditRow) -> bool:
    """Whether somebody may read an entry: owners and ops all, the others what they did and what befell their campaigns."""
    if who.roles & {"owner", "ops"} or row.principal == who.principal:
        return True
    campaign = live.campaigns.get(row.subject) if row.command.startswith(OF_CAMPAIGNS) else None
    return campaign is not None and _was_his(live, who, campaign)


def _was_his(live: Live, who: Who, campaign: CampaignRow) -> bool:
    """Whether he sees a campaign, or would if it was not deleted."""
    his = permissions.scopes(live, who, campaign)
    return any(scope in his for role, scope in permissions.SEES.items() if role in who.roles)


COMMANDS: tuple[Command[Any], ...] = (
    Command("audit.list", "Who did what and when", OFFICE, Listing, AuditList, "read", read=_list),
)
