"""Which notices a turn causes, and who gets them (C05).

Never sends anything and never reads a row of the past: it remembers how campaigns stood after the last turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dialerd.campaigns.live import Live
from dialerd.campaigns.supply import CONFIGURATION as CONFIGURATION
from dialerd.model import states
from dialerd.model.intents import Begin, Finish, MoveCampaign, WriteCampaign
from dialerd.model.notices import Notice, NoticeKind, NoticeRow
from dialerd.model.rows import AuditRow, CampaignRow, Row
from dialerd.model.turn import Turn

CLOCK = "clock"
NOBODY = frozenset({CLOCK, CONFIGURATION})
"""Principals that are no person."""
EVEN_TO_THE_DOER = frozenset({"run_began", "run_ended", "no_provider"})
TO_OWNERS = frozenset({"created", *EVEN_TO_THE_DOER})
TO_CREATOR = frozenset({"approved", "rejected", "paused", "resumed", *EVEN_TO_THE_DOER})
_OF_MOVE: dict[str, NoticeKind] = {
    "approve": "approved",
    "reject": "rejected",
    "pause": "paused",
    "resume": "resumed",
}
_COMMAND = "campaign."
_KINDS = frozenset(kind for moves in states.CAMPAIGN.values() for kind in moves)


class _Move(NamedTuple):
    campaign: str
    kind: str
    """A kind of the campaign table, or `create`."""
    by: str
    note: str


class Noticing:
    """Looks at every turn, in order; to be asked between the turn's last intent and its commit."""

    def __init__(self, live: Live, has_mail: Callable[[str], bool] = lambda principal: False) -> None:
        """`has_mail`: whether a principal gets letters now. `live` is as the last turn left it."""
        self._live = live
        self._has_mail = has_mail
        self._states = {row.id: row.state for row in live.campaigns.values()}
        self._begun = {row.id for row in live.campaigns.values() if _has_begun(live, row)}
        """Campaigns whose present run has begun: resumed, they do not begin again."""

    def rows(self, turn: Turn, changed: Sequence[Row]) -> tuple[NoticeRow, ...]:
        """The rows that are to be written with the turn, one for each person of each notice."""
        made: list[NoticeRow] = []
        for place, notice in enumerate(self.notices(turn, changed), 1):
            first = f"{turn.seq:011d}-{place:04d}"
            for number, to in enumerate(notice.to, 1):
                by_mail = self._has_mail(to)
                made.append(
                    NoticeRow(
                        f"{first}-{number:03d}",
                        first,
                        notice.at,
                        notice.kind,
                        notice.campaign,
                        notice.name,
                        notice.by,
                        notice.note,
                        to,
                        "mail" if by_mail else "bus",
                        "waiting" if by_mail else "sent",
                        notice.at,
                    )
                )
        return tuple(made)

    def notices(self, turn: Turn, changed: Sequence[Row]) -> list[Notice]:
        """The turn's notices in the order of what happened; those for nobody are left out."""
        campaigns = {row.id: row for row in changed if isinstance(row, CampaignRow)}
        if not campaigns:
            return []
        found: list[Notice] = []
        for move in _moves(turn, changed):
            row = campaigns.get(move.campaign)
            kind = self._walk(move)
            if row is not None and kind is not None:
                notice = self.notice(kind, row, move.by, move.note, turn.at)
                if notice.to:
                    found.append(notice)
        self._states.update({row.id: row.state for row in campaigns.values()})
        return found

    def notice(self, kind: NoticeKind, campaign: CampaignRow, by: str, note: str, at: float) -> Notice:
        """A notice of `kind` with everybody who is to know; a campaign that no person made has its owners for a creator."""
        owners = sorted(name for name, person in self._live.floor.people.items() if "owner" in person.roles)
        creators = owners if campaign.created_by in NOBODY else [campaign.created_by]
        to = dict.fromkeys((*(creators if kind in TO_CREATOR else ()), *(owners if kind in TO_OWNERS else ())))
        if kind not in EVEN_TO_THE_DOER:
            to.pop(by, None)
        name = campaign.policy.get("name")
        return Notice(kind, campaign.id, name if isinstance(name, str) else campaign.id, by, note, at, tuple(to))

    def _walk(self, move: _Move) -> NoticeKind | None:
        """Follow one move; what is to be told of it."""
        campaign, kind = move.campaign, move.kind
        before = self._states.get(campaign, "")
        if kind == "create":
            self._states[campaign] = move.note
            return "created"
        after = states.CAMPAIGN.get(before, {}).get(kind)
        if after is not None:
            self._states[campaign] = after
        if kind == "began":
            again = campaign in self._begun
            self._begun.add(campaign)
            return None if again else "run_began"
        if kind in ("start", "stop", "ended", "delete"):
            self._begun.discard(campaign)
            return "run_ended" if kind != "start" and before in ("running", "paused") else None
        return _OF_MOVE.get(kind)


def _has_begun(live: Live, row: CampaignRow) -> bool:
    return row.state == "running" or (row.state == "paused" and live.tallies[row.id].placed > 0)


def _moves(turn: Turn, changed: Sequence[Row]) -> Iterator[_Move]:
    """Moves of campaigns in this turn: first those that facts made by themselves, known by the audit, then intents."""
    intended = {(i.campaign, i.kind, i.principal) for i in turn.intents if isinstance(i, MoveCampaign)}
    for row in changed:
        if isinstance(row, AuditRow) and row.command.startswith(_COMMAND):
            kind = row.command.removeprefix(_COMMAND)
            if kind in _KINDS and (row.subject, kind, row.principal) not in intended:
                yield _Move(row.subject, kind, row.principal, row.note)
    for intent in turn.intents:
        match intent:
            case WriteCampaign(campaign=campaign, state=state, principal=by) if state:
                yield _Move(campaign, "create", by, state)
            case MoveCampaign(campaign=campaign, kind=kind, principal=by, note=note):
                yield _Move(campaign, kind, by, note)
            case Begin(campaign=campaign):
                yield _Move(campaign, "began", CLOCK, "")
            case Finish(campaign=campaign, because=because):
                yield _Move(campaign, "ended", CLOCK, because)
