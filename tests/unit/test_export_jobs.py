"""Who gets to see, fetch and cancel which exports (C04, C18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dialerd.control.commands import COMMANDS
from dialerd.control.long_commands import Progress
from dialerd.control.table import Desk, Who, parse
from dialerd.model.errors import Refusal
from dialerd.model.rows import AttemptRow, JobRow
from dialerd.ports.exports import Batches, Exported, Table
from tests.doubles.desk_of_facts import START, Centre, floor

OLGA, ADA, SAM, OTTO = (
    Who("olga", frozenset({"owner"})),
    Who("ada", frozenset({"admin"})),
    Who("sam", frozenset({"supervisor"})),
    Who("otto", frozenset({"ops"})),
)


class Store:
    """What is asked of the store here."""

    def __init__(self, jobs: Sequence[JobRow]) -> None:
        self.kept = list(jobs)
        self.asked: list[str] = []

    async def jobs(self, kind: str, campaign: str | None, limit: int) -> list[JobRow]:
        return [row for row in reversed(self.kept) if row.kind == kind and campaign in (None, row.campaign)][:limit]

    async def job(self, job: str) -> JobRow | None:
        return next((row for row in self.kept if row.id == job), None)

    async def attempts_placed(
        self, campaign: str, after: Any, before: float, limit: int, outcomes: Any
    ) -> tuple[list[AttemptRow], None]:
        self.asked.append(campaign)
        return [], None


class Exports:
    """A folder with one file."""

    async def read_file(self, name: str, offset: int, length: int) -> tuple[bytes, int]:
        assert name == "leads.csv"
        return b"0123456789"[offset : offset + length], 10

    async def write_table(self, table: Table, rows: Batches, form: str, separator: str = ",") -> Exported:
        async for _ in rows:  # type: ignore[union-attr]
            pass
        return Exported(name="calls.csv", path="calls.csv", rows=0, size=0)


class Jobs:
    """Cancels what it is told."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []

    def cancel(self, job: str, principal: str) -> bool:
        self.ended.append((job, principal))
        return True


class Telling:
    """Keeps dialerd.control.long_commands.Progress."""

    job = "job-9"

    def tell(self, **counts: int) -> None:
        return


@pytest.fixture
def desk() -> Desk:
    """`spring` is everybody's who makes campaigns; `autumn` was made by olga and is overseen by sue."""
    policy = {"name": "Autumn", "trunks": ["main"], "region": "none", "supervisors": ["sue"]}
    centre = Centre(floor(people={"sue": {"roles": ["supervisor"]}}), start=False)
    assert centre.ask("campaign.create", "olga", campaign="autumn", policy=policy)["ok"]
    rows = [
        JobRow("job-1", "export", "spring", "done", "olga", START, file="leads.csv", command="lead.export"),
        JobRow("job-2", "export", "autumn", "done", "olga", START, file="leads.csv", command="lead.export"),
        JobRow("job-3", "export", "", "done", "olga", START, file="leads.csv", command="campaign.export"),
        JobRow("job-4", "export", "", "failed", "sam", START, because="disk full", command="call.export"),
        JobRow("job-5", "import", "spring", "done", "sam", START, command="lead.import"),
        JobRow("job-6", "export", "spring", "running", "olga", START, command="lead.export"),
    ]
    store: Any = Store(rows)
    exports: Any = Exports()
    jobs: Any = Jobs()
    house: Any = None
    known: dict[str, Any] = {"exports": exports, "jobs": jobs}
    fields = {"live": centre.live, "store": store, "house": house, "now": START, **known}
    # Other commands' keepers are not asked for anything here.
    return Desk(**{name: fields.get(name) for name in Desk.__dataclass_fields__})


async def read(desk: Desk, who: Who, name: str, **args: Any) -> Any:
    entry = COMMANDS[name]
    assert entry.read is not None
    return await entry.read(desk, who, parse(entry, args))


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (OLGA, ["job-6", "job-4", "job-3", "job-2", "job-1"]),
        (OTTO, ["job-6", "job-4", "job-3", "job-2", "job-1"]),
        (ADA, ["job-6", "job-1"]),
        (SAM, ["job-6", "job-4", "job-1"]),
    ],
)
async def test_C18_one_sees_ones_own_exports_and_those_of_campaigns_one_sees(
    desk: Desk, who: Who, seen: list[str]
) -> None:
    found = await read(desk, who, "export.list")
    assert [one.job for one in found.exports] == seen
    for job in ("job-1", "job-2", "job-3"):
        if job in seen:
            assert (await read(desk, who, "export.fetch", job=job, offset=8)).content == "ODk="
        else:
            with pytest.raises(Refusal) as refused:
                await read(desk, who, "export.fetch", job=job)
            assert refused.value.code == "unknown_job"


async def test_C18_a_piece_says_whether_more_is_behind_it(desk: Desk) -> None:
    piece = await read(desk, OLGA, "export.fetch", job="job-1", offset=4, limit=3)
    assert (piece.content, piece.size, piece.offset, piece.more) == ("NDU2", 10, 4, True)
    piece = await read(desk, OLGA, "export.fetch", job="job-1", offset=10)
    assert (piece.content, piece.more) == ("", False)
    for job, words in (("job-4", "job-4 is failed: it has no file"), ("job-6", "job-6 is running: it has no file")):
        with pytest.raises(Refusal, match=words):
            await read(desk, OLGA, "export.fetch", job=job)


async def test_C18_only_its_maker_an_owner_or_ops_cancel_an_export(desk: Desk) -> None:
    for who in (ADA, SAM):
        with pytest.raises(Refusal) as refused:
            await read(desk, who, "export.cancel", job="job-6")
        assert refused.value.code == "forbidden"
    for who in (OLGA, OTTO):
        assert (await read(desk, who, "export.cancel", job="job-6")).job == "job-6"
    assert desk.jobs.ended == [("job-6", "olga"), ("job-6", "otto")]  # type: ignore[attr-defined]
    with pytest.raises(Refusal, match="there is no export 'job-5'"):  # an import
        await read(desk, OLGA, "export.cancel", job="job-5")


@pytest.mark.parametrize(("who", "campaigns"), [(OLGA, ["autumn", "spring"]), (ADA, ["spring"]), (SAM, ["spring"])])
async def test_C18_calls_of_all_campaigns_are_those_of_the_campaigns_one_sees(
    desk: Desk, who: Who, campaigns: list[str]
) -> None:
    entry = COMMANDS["call.export"]
    assert entry.plan is not None
    progress: Any = Telling()
    checked: Progress = progress
    await entry.plan(desk, who, parse(entry, {"format": "csv"})).work(checked)
    assert desk.store.asked == campaigns  # type: ignore[attr-defined]
