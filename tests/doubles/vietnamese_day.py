"""One day of a Vietnamese call centre: what each of its people does and says from morning to evening.

Never asserts what came of it, but that a command which must succeed did, and one which must be refused was.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dialerd.model.instants import Instant, iso
from dialerd.model.rows import AttemptRow
from dialerd.model.turn import Committed
from sim.draws import Chance
from tests.doubles.branch_files import Branch, made_branches
from tests.doubles.house_in_virtual_time import House, open_house
from tests.doubles.mixed_rows import Made, Maker
from tests.doubles.vietnamese_house import (
    ADMIN,
    CARE,
    DIRECTOR,
    EDITED,
    MAPPING,
    OWNER,
    POLICY,
    REJECTED,
    SALE,
    SHARES,
    SUPERVISOR,
    WITH_TIME,
    at,
    floor,
    scenario,
)


@dataclass(frozen=True)
class Said:
    """What an agent said of a call."""

    at: Instant
    call: str
    campaign: str
    lead: int
    number: str
    agent: str
    disposition: str
    call_at: Instant | None


@dataclass
class Day:
    """A day that was lived, and what those who lived it know of it."""

    house: House
    branches: list[Branch]
    maker: Maker
    imports: list[dict[str, Any]] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    promised: dict[str, Instant] = field(default_factory=dict)
    """Number to the time that its row asked for."""
    care: list[str] = field(default_factory=list)
    """The numbers on the list of care."""
    barred: list[str] = field(default_factory=list)
    """Numbers that the supervisor put on the own list at ten."""
    stats: dict[str, dict[str, Any]] = field(default_factory=dict)
    exported: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """What was tried and refused, and the code of the refusal."""
    explained: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the supervisor was told of a lead at half past four."""

    def rows(self, fate: str) -> list[Made]:
        """The rows of all files with that fate."""
        return [row for branch in self.branches for row in branch.rows if row.fate == fate]

    def sql(self, question: str, *values: Any) -> list[Any]:
        """What the store's tables hold, by a question of our own."""
        return self.house.ledger.connection.execute(question, values).fetchall()


class Crew:
    """Agents at their screens: they say what came of each talk, some of them while it goes on."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._chance = Chance(11)
        self._heard: set[tuple[str, bool]] = set()
        self._promised: set[str] = set()

    def hear(self, committed: Committed) -> None:
        """A turn was committed: of each new talk it is planned when its agent will say something of it."""
        for row in committed.rows:
            if not isinstance(row, AttemptRow) or row.connected_at is None or (row.id, row.live) in self._heard:
                continue
            self._heard.add((row.id, row.live))
            early, late, *_ = self._chance.of(f"{row.campaign} {row.number} when")
            if row.live == (early < 0.2):
                pause = 12 if row.live else 3 + 12 * late
                self._day.house.plan(committed.turn.at + pause, partial(self._say, row))

    async def _say(self, row: AttemptRow) -> None:
        share, when, *_ = self._chance.of(f"{row.campaign} {row.number}")
        disposition = _word(SHARES[row.campaign], share)
        if disposition is None:
            return
        if disposition in WITH_TIME and row.number in self._promised:
            disposition = "mua"
        day, args = self._day, {}
        call_at = None
        if disposition in WITH_TIME:
            self._promised.add(row.number)
            call_at = day.house.now // 60 * 60 + 60 * (20 + int(when * 280))
            args["call_at"] = iso(call_at)
        said = Said(day.house.now, row.id, row.campaign, row.lead, row.number, row.agent, disposition, call_at)
        await day.house.done(
            row.agent, "lead.dispose", call=row.id, disposition=disposition, note="Anh/chị nói vậy", **args
        )
        day.said.append(said)


def _word(shares: dict[str, float], share: float) -> str | None:
    """The disposition that lies at `share` of all talks; None: the agent says nothing."""
    for disposition, part in shares.items():
        share -= part
        if share < 0:
            return disposition
    return None


async def lived(folder: Path) -> Day:
    """The day from half past six to six."""
    maker = Maker(2026)
    branches = made_branches(maker, folder / "lists")
    async with open_house(folder, scenario(), floor()) as house:
        day = Day(house, branches, maker)
        house.shift.told.append(Crew(day).hear)
        await _before_work(day)
        await _lists(day)
        _plans(day)
        await house.live_until(at("17:45"))
        await house.done(ADMIN, "campaign.stop", campaign=SALE, note="Hết ngày")
        await _papers(day)
        await house.live_until(at("18:05"))
        for campaign in (SALE, CARE):
            day.stats[campaign] = await house.done(DIRECTOR, "campaign.stats", campaign=campaign)
    return day


async def _before_work(day: Day) -> None:
    """The campaign is made, refused, changed and approved; whoever may not do one of these is told so."""
    house, tried = day.house, day.refused
    await house.live_until(at("06:40"))
    await house.done(OWNER, "campaign.create", campaign=SALE, policy=POLICY)
    tried["agent creates"] = await house.refused("1001", "campaign.create", campaign="cua-toi", policy=POLICY)
    tried["supervisor approves"] = await house.refused(SUPERVISOR, "campaign.approve", campaign=SALE)
    tried["admin approves"] = await house.refused(ADMIN, "campaign.approve", campaign=SALE)
    tried["supervisor rejects"] = await house.refused(SUPERVISOR, "campaign.reject", campaign=SALE, note="Không")
    tried["starts a pending one"] = await house.refused(ADMIN, "campaign.start", campaign=SALE)
    await house.live_until(at("06:50"))
    await house.done(DIRECTOR, "campaign.reject", campaign=SALE, note=REJECTED)
    first = day.branches[0]
    tried["imports into a rejected one"] = await house.refused(
        SUPERVISOR, "lead.import", campaign=SALE, file=first.file, mapping=MAPPING
    )
    tried["approves a rejected one"] = await house.refused(DIRECTOR, "campaign.approve", campaign=SALE)
    tried["a wrong edit"] = await house.refused(OWNER, "campaign.update", campaign=SALE, policy={"max_attempts": 0})
    await house.live_until(at("07:00"))
    await house.done(OWNER, "campaign.update", campaign=SALE, policy=EDITED)
    await house.done(OWNER, "campaign.submit", campaign=SALE, note="Đã sửa")
    await house.live_until(at("07:05"))
    await house.done(DIRECTOR, "campaign.approve", campaign=SALE, note="Được")


async def _lists(day: Day) -> None:
    """Numbers that must not be called, then the three branches' rows, then some of them for the care."""
    house = day.house
    await house.done(ADMIN, "dnc.import", csv="\n".join(["phone", *day.maker.own]), list="own", because="Thư")
    register = "\n".join(["phone", *day.maker.register, "12", "abc"])
    await house.done(OWNER, "dnc.import", csv=register, list="register", channel="voice", as_of="2026-11")
    for branch in day.branches:
        told = await house.done(
            SUPERVISOR,
            "lead.import",
            campaign=SALE,
            file=branch.file,
            mapping=MAPPING,
            list=branch.default_list,
            duplicates="keep",
        )
        day.imports.append(told)
        day.reports.append(await _fetched(house, "import.fetch", told["job"]))
    await house.live_until(at("07:15"))
    good = day.rows("added")
    for row in good:
        if row.recall:
            day.promised[row.number] = at(row.recall)
            recall = {"campaign": SALE, "phone": row.number, "call_at": iso(at(row.recall)), "note": "Theo danh sách"}
            await house.done(SUPERVISOR, "lead.callback", **recall)
    day.care = [row.number for row in good[::10] if row.number.startswith("+84") and not row.recall and not row.further]
    csv = "\n".join(["Số điện thoại", *day.care])
    told = await house.done(SUPERVISOR, "lead.import", campaign=CARE, csv=csv)
    assert told["added"] == len(day.care)
    await house.live_until(at("07:50"))
    await house.done(ADMIN, "campaign.start", campaign=SALE)


async def _fetched(house: House, command: str, job: str) -> bytes:
    """A file that was made, piece by piece."""
    content = b""
    while True:
        piece = await house.done(DIRECTOR, command, job=job, offset=len(content))
        content += b64decode(piece["content"])
        if not piece["more"]:
            return content


def _plans(day: Day) -> None:
    """What people will do until the evening."""
    house = day.house
    for n, agent in enumerate(floor().agents):
        house.plan_command(at("11:30:05") + n, agent, "agent.not-ready", reason="lunch")
        house.plan_command(at("13:28:00") + n, agent, "agent.ready")
    house.plan(at("10:00"), partial(_bars_some, day))
    house.plan(at("10:30"), partial(_too_late, day))
    house.plan_command(at("13:25"), ADMIN, "campaign.start", campaign=CARE)
    house.plan(at("16:00"), partial(_adds_one_who_refused, day))
    house.plan(at("16:30"), partial(_asks_why, day))


async def _bars_some(day: Day) -> None:
    """Letters came: numbers that were not called yet are put on the own list."""
    called = {row.number for row in day.house.ledger.attempts(SALE, "", 100_000)}
    fresh = [row.number for row in day.branches[1].rows if row.fate == "added" and row.number.startswith("+84")]
    fresh = [number for number in fresh if number not in called and number not in day.promised]
    day.barred = fresh[-30:]
    for number in day.barred:
        await day.house.done(SUPERVISOR, "dnc.add", phone=number, because="Thư ngày 23/11", refused=True)


async def _too_late(day: Day) -> None:
    """An agent tries to say something of another's call."""
    last = day.said[-1]
    other = "1001" if last.agent != "1001" else "1002"
    told = await day.house.refused(other, "lead.dispose", call=last.call, disposition="mua")
    day.refused["another's call"] = told


async def _adds_one_who_refused(day: Day) -> None:
    """Somebody who does not want to be called any more is put on the other list."""
    gone = (said.number for said in day.said if said.disposition == "dung-goi" and said.number not in day.care)
    code = await day.house.refused(SUPERVISOR, "lead.add", campaign=CARE, phone=next(gone))
    day.refused["adds one who refused"] = code


async def _asks_why(day: Day) -> None:
    """Why is this one not called?"""
    unreached = next(row for row in day.house.ledger.attempts(SALE, "", 1000) if row.outcome == "no_answer")
    foreign = next(row for row in day.rows("added") if not row.number.startswith("+84"))
    asked = {"unreached": unreached.number, "foreign": foreign.number, "barred": day.barred[0]}
    for what, number in asked.items():
        day.explained[what] = await day.house.done(SUPERVISOR, "lead.explain", campaign=SALE, phone=number)


async def _papers(day: Day) -> None:
    """What the owner takes home."""

    async def exported(name: str, command: str, **args: Any) -> None:
        made = await day.house.done(OWNER, command, format="csv", language="vi", **args)
        day.exported[name] = await _fetched(day.house, "export.fetch", made["job"])

    await asyncio.gather(
        exported("leads", "lead.export", campaign=SALE),
        exported("sold", "lead.export", campaign=SALE, states=["succeeded"]),
        exported("calls", "call.export"),
        exported("campaigns", "campaign.export"),
    )
