"""Works beside the turns: begun, told of, cancelled, ended, and answered once (C06, C18)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.control.long_commands import Finished, Planned, Progress, Work
from dialerd.model.errors import Refusal
from dialerd.model.facts import ContactsRead, JobAdvanced, JobBegan, JobEnded
from dialerd.model.intents import Answer
from dialerd.model.rows import AuditRow, JobRow
from dialerd.ports.store import StoreFailingError
from dialerd.runtime import long_work
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.long_work import Asking, LongWork
from dialerd.runtime.publishing import Publishing
from dialerd.runtime.turn_loop import TurnLoop
from sim.rows_kept import RowsKept
from tests.unit.test_turn_loop import HandClock, Store, until

ASKING = Asking("ada", "e-1", "lead.export")


class Done(BaseModel):
    """What a work answers."""

    job: str


class Bus:
    """Keeps dialerd.ports.message_bus.MessageBus."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def publish_event(self, topic_tail: str, payload: bytes) -> None:
        self.events.append((topic_tail, json.loads(payload)))

    def publish_state(self, topic_tail: str, payload: bytes | None) -> None:
        return

    def keep_states(self, known: Any) -> None:
        return


class Office:
    """Long work with its turns, rows and bus."""

    def __init__(self, kept: Any = None) -> None:
        self.engine = Engine(kept or nothing_kept("00c0ffee"))
        self.store = Store()
        self.bus = Bus()
        self.said: list[tuple[str, Mapping[str, object]]] = []
        publishing = Publishing(self.engine, self.bus)
        self.turns = TurnLoop(
            Exchange(self.engine),
            self.store,  # type: ignore[arg-type]
            HandClock(),
            lambda committed, intents: None,
            lambda committed, seconds: publishing.committed(committed),
        )
        self.work = LongWork(self.engine.live, self.turns, lambda level, event, facts: self.said.append((event, facts)))
        self.running = asyncio.create_task(self.turns.run())

    def begin(self, work: Work, asking: Asking = ASKING, **more: Any) -> str:
        return self.work.begin(Planned("export", "spring", work, **more), asking)

    def rows(self, kind: type[Any]) -> list[Any]:
        return [row for committed in self.store.turns for row in committed.rows if isinstance(row, kind)]

    def facts(self) -> list[Any]:
        return [fact for committed in self.store.turns for fact in committed.turn.facts]

    def ended(self) -> list[JobEnded]:
        return [fact for fact in self.facts() if isinstance(fact, JobEnded)]

    def answers(self) -> list[dict[str, Any]]:
        found = [intent for one in self.store.turns for intent in one.turn.intents if isinstance(intent, Answer)]
        return [json.loads(answer.reply) for answer in found]

    async def close(self) -> None:
        await self.work.aclose()
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    made = Office()
    yield made
    await made.close()


async def done(progress: Progress) -> Finished:
    progress.tell(rows=7)
    return Finished(Done(job=progress.job), {"bytes": 99}, "leads.csv")


async def for_ever(progress: Progress) -> Finished:
    progress.tell(rows=3)
    await asyncio.Event().wait()
    raise AssertionError


async def test_C18_a_job_is_a_record_from_its_begin_to_its_end(office: Office) -> None:
    assert office.begin(done) == "job-1"
    await until(office.answers)
    assert office.answers() == [{"id": "e-1", "ok": True, "result": {"job": "job-1"}}]
    (row,) = {row.id: row for row in office.rows(JobRow)}.values()
    assert (row.state, row.counts, row.file) == ("done", {"rows": 7, "bytes": 99}, "leads.csv")
    assert (row.kind, row.command, row.campaign, row.by) == ("export", "lead.export", "spring", "ada")
    assert [(row.principal, row.command, row.subject, row.note) for row in office.rows(AuditRow)] == [
        ("ada", "lead.export", "spring", "job-1")
    ]
    assert office.engine.live.jobs == {}
    assert office.begin(done, Asking("ada", "e-2", "lead.export")) == "job-2"


async def test_C18_who_does_not_wait_is_answered_before_the_work_is_done(office: Office) -> None:
    job = office.begin(for_ever, begun=lambda job: Done(job=job))
    await until(office.answers)
    assert office.answers()[0]["result"] == {"job": job}
    assert office.ended() == []
    assert office.work.cancel(job, "olga")
    await until(office.ended)
    assert len(office.answers()) == 1


@pytest.mark.parametrize(
    ("trouble", "code", "because"),
    [
        (Refusal("too_many_rows", "5001 rows", "format"), "too_many_rows", "5001 rows"),
        (StoreFailingError("disk full"), "store_failing", "the store cannot be used now: disk full"),
        (ZeroDivisionError("x"), "internal", "the daemon met its own mistake: its log tells more"),
    ],
)
async def test_C18_a_work_that_fails_is_answered_and_kept_as_failed(
    office: Office, trouble: Exception, code: str, because: str
) -> None:
    async def fails(progress: Progress) -> Finished:
        raise trouble

    office.begin(fails)
    await until(office.answers)
    assert office.answers()[0]["error"]["code"] == code
    (ended,) = office.ended()
    assert (ended.state, ended.because, ended.file) == ("failed", because, "")
    assert bool(office.said) == (code == "internal")


async def test_C18_a_cancelled_job_says_who_cancelled_it(office: Office) -> None:
    job = office.begin(for_ever)
    await until(lambda: office.engine.live.jobs)
    assert office.work.cancel(job, "olga")
    assert office.work.cancel(job, "sam"), "a second one changes nothing"
    await until(office.answers)
    assert office.answers()[0]["error"] == {"code": "cancelled", "message": "cancelled by olga"}
    (ended,) = office.ended()
    assert (ended.state, ended.counts, ended.principal) == ("cancelled", {"rows": 3}, "olga")
    assert ("olga", "export.cancel", job) in [
        (row.principal, row.command, row.subject) for row in office.rows(AuditRow)
    ]
    await until(lambda: not office.work.cancel(job, "olga"))
    assert not office.work.cancel("job-99", "olga")


async def test_C18_progress_is_told_once_a_second_at_most(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    going = asyncio.Event()

    async def counts(progress: Progress) -> Finished:
        for rows in range(1000):
            progress.tell(rows=rows)
        monkeypatch.setattr(long_work, "TELL_S", 0.0)
        progress.tell(rows=1000)
        await going.wait()
        return Finished(Done(job=progress.job))

    office.begin(counts)
    await until(lambda: [fact for fact in office.facts() if isinstance(fact, JobAdvanced)])
    assert [fact for fact in office.facts() if isinstance(fact, JobAdvanced)] == [JobAdvanced("job-1", {"rows": 1000})]
    going.set()
    await until(office.answers)
    topics = [topic for topic, _ in office.bus.events if topic.startswith("job/")]
    assert [topic for topic in topics if topic != "job/job-1/running"] == ["job/job-1/progress", "job/job-1/done"]
    assert office.bus.events[-1][1]["counts"] == {"rows": 1000}


async def test_C18_no_more_jobs_than_can_be_looked_after(office: Office) -> None:
    for number in range(long_work.AT_ONCE):
        office.begin(for_ever, Asking("ada", f"e-{number}", "lead.export"))
    with pytest.raises(Refusal) as refused:
        office.begin(done)
    assert refused.value.code == "busy"


async def test_O08_jobs_that_a_dead_daemon_left_are_failed_and_numbers_go_on() -> None:
    first = Office()
    first.begin(for_ever)
    await until(lambda: first.engine.live.jobs)
    rows = RowsKept()
    rows.commit(first.store.turns)
    kept = msgspec.structs.replace(rows.load("00c0ffee"))
    assert [row.id for row in kept.jobs] == ["job-1"]
    await first.close()
    second = Office(kept)
    second.store.turns = []
    second.work.open({})
    await until(second.ended)
    assert second.ended() == [JobEnded("job-1", "failed", {}, because="the daemon stopped")]
    assert second.begin(done) == "job-2"
    await second.close()


async def test_O04_a_daemon_that_stops_writes_that_its_jobs_failed() -> None:
    office = Office()
    office.begin(for_ever)
    await until(lambda: office.engine.live.jobs)
    await office.close()
    (ended,) = office.ended()
    assert (ended.state, ended.because) == ("failed", "the daemon stopped")


async def test_O08_facts_of_jobs_that_nobody_knows_are_oddities(office: Office) -> None:
    await office.turns.settle(JobAdvanced("job-9", {"rows": 1}))
    await office.turns.settle(JobEnded("job-9", "done", {}))
    assert office.engine.live.oddities == {"job_advanced": 1, "job_ended": 1}
    await office.turns.settle(JobBegan(4, "import", "lead.import", "", "ada"))
    assert office.engine.live.counters["jobs"].value == 4


@pytest.mark.parametrize("killed", [False, True])
async def test_C06_an_import_that_the_daemon_s_end_left_is_interrupted_with_its_counts(killed: bool) -> None:
    """Stopped or killed: what it added is there, and up to which row."""
    first = Office()
    first.work.begin(Planned("import", "", for_ever), ASKING)
    await until(lambda: first.engine.live.jobs)
    await first.turns.settle(ContactsRead((), 0, "ada", "job-1", {"rows": 4, "refused": 4}, "", 5))
    await first.turns.settle(ContactsRead((), 0, "ada", "job-1", {"rows": 3, "refused": 3}, "", 8))
    last = first
    if killed:
        rows = RowsKept()
        rows.commit(first.store.turns)
        last = Office(rows.load("00c0ffee"))
        last.work.open({})
        await until(last.ended)
    await first.close()
    (ended,) = last.ended()
    assert (ended.state, ended.because) == ("interrupted", "the daemon stopped")
    if killed:
        assert ended.counts == {"rows": 7, "refused": 7, "row": 8}, "rows add up, and the row is the last one"
        await last.close()
