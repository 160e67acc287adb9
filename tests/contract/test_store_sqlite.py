"""The store on SQLite: the promises of every store, and what is SQLite's own.

Never waits for a given time: what must happen is waited for with a deadline.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

import msgspec
import pytest
import uvloop
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from dialerd.adapters.storage import sqlite as sqlite_store
from dialerd.adapters.storage import upgrading
from dialerd.adapters.storage.cells import SHAPES
from dialerd.adapters.storage.connecting import connect, connect_reader
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.adapters.storage.log_sync import checkpoint
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.adapters.storage.statements import Statement, statements
from dialerd.adapters.storage.tables import SCHEMA
from dialerd.model.errors import OurMistakeError
from dialerd.model.rows import CounterRow, Row
from dialerd.ports.store import Store, StoreFailingError
from tests.contract.store_suite import StoreSuite, attempt, campaign, lead, turn


class Awaited:
    """A ledger behind the face of the port, so that the same suite runs on it; it holds no thread."""

    def __init__(self, ledger: SyncLedger) -> None:
        self.ledger = ledger

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.ledger, name)

        async def awaited(*args: Any) -> Any:
            return method(*args)

        return awaited


class SqlitePlace:
    """`path` as a SqliteStore, or as the ledger alone."""

    def __init__(self, path: str, threaded: bool) -> None:
        self.path = path
        self.threaded = threaded
        self.lasts = path != ":memory:"

    def store(self) -> Store:
        if self.threaded:
            return SqliteStore(self.path, "normal")
        return cast(Store, Awaited(SyncLedger(self.path, "normal")))


class TestSqlite(StoreSuite):
    @pytest.fixture(params=["file", "memory", "ledger-file", "ledger-memory"])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> SqlitePlace:
        path = ":memory:" if "memory" in request.param else str(tmp_path / "dialerd.db")
        return SqlitePlace(path, not request.param.startswith("ledger"))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "dialerd.db")


@contextmanager
def opened(path: str, synchronous: str = "normal") -> Iterator[SyncLedger]:
    ledger = SyncLedger(path, synchronous)
    ledger.open()
    try:
        yield ledger
    finally:
        ledger.close()


# --- a disk that fails


def big(seq: int) -> list[Any]:
    return [turn(seq, *(lead(i, name="x" * 2000) for i in range(1, 200)))]


def test_O08_a_full_store_refuses_the_turn_whole_and_takes_it_when_there_is_room(path: str) -> None:
    with opened(path) as ledger:
        ledger.commit([turn(1, campaign())])
        pages = ledger.connection.execute("PRAGMA page_count").fetchone()[0]
        ledger.connection.execute(f"PRAGMA max_page_count={pages + 1}")
        for _ in range(2):
            with pytest.raises(StoreFailingError, match=r"dialerd\.db: cannot commit turns 2 to 2 .*the disk is full"):
                ledger.commit(big(2))
            assert not ledger.connection.in_transaction
        assert (ledger.load().seq, ledger.lead_by_id(1)) == (1, None)
        ledger.connection.execute("PRAGMA max_page_count=1000000")
        ledger.commit(big(2))
        assert len(ledger.leads("spring", None, 0, 1000)) == 199


async def test_O08_the_daemon_goes_on_after_a_full_disk(path: str) -> None:
    store = SqliteStore(path, "full")
    await store.open()
    await store.commit([turn(1, campaign())])
    room = os.path.getsize(f"{path}-wal") + 4096
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # the write-ahead log itself cannot grow
    try:
        with pytest.raises(StoreFailingError, match="cannot commit turns 2 to 2"):
            await store.commit(big(2))
        assert (await store.load()).seq == 1
        assert await store.lead_by_id(1) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await store.commit(big(2))
    await store.commit([turn(3)])
    await store.close()
    with opened(path) as ledger:
        assert ledger.load().seq == 3
        assert len(ledger.leads("spring", None, 0, 1000)) == 199


def test_O08_a_store_held_by_another_program_is_a_passing_trouble(path: str) -> None:
    with opened(path) as ledger, closing(sqlite3.connect(path, isolation_level=None)) as other:
        ledger.connection.execute("PRAGMA busy_timeout=1")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailingError, match="another process holds the database locked"):
            ledger.commit([turn(1)])
        other.execute("ROLLBACK")
        ledger.commit([turn(1)])


def test_O08_a_store_that_may_only_be_read_says_so(path: str) -> None:
    with opened(path) as ledger:
        ledger.connection.execute("PRAGMA query_only=ON")
        for write in (lambda: ledger.commit([turn(1)]), lambda: ledger.prune_replies(9.0)):
            with pytest.raises(StoreFailingError, match="may only be read"):
                write()
        ledger.connection.execute("PRAGMA query_only=OFF")
        ledger.commit([turn(1)])


def test_O08_a_transaction_left_open_is_not_continued(path: str) -> None:
    with opened(path) as ledger:
        ledger.connection.execute("BEGIN")
        with pytest.raises(StoreFailingError, match="within a transaction"):
            ledger.commit([turn(1, campaign())])
        ledger.commit([turn(1, campaign())])
        assert ledger.load().seq == 1


# --- files that cannot be a store


def test_O01_a_file_that_is_no_database_is_named(path: str) -> None:
    text = b"campaigns:\n  spring: {}\n" * 500
    Path(path).write_bytes(text)
    with pytest.raises(StoreFailingError, match=r"dialerd\.db: cannot open it: the file is not a SQLite database"):
        SyncLedger(path, "full").open()
    assert Path(path).read_bytes() == text


def test_O01_a_damaged_store_is_named(path: str) -> None:
    with opened(path) as ledger:
        ledger.commit([turn(i) for i in range(1, 500)])
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)
    with pytest.raises(StoreFailingError, match=r"dialerd\.db: cannot open it: the file is damaged"):
        SyncLedger(path, "full").open()
    assert os.path.getsize(path) == size


def test_O01_damage_met_later_is_named(path: str) -> None:
    with opened(path) as ledger:
        ledger.commit([turn(i) for i in range(1, 500)])
        root = ledger.connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'turns'").fetchone()[0]
    with open(path, "r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    with (
        pytest.raises(StoreFailingError, match="the file is damaged: restore it from a backup"),
        opened(path) as ledger,
    ):
        ledger.turns(0, 1000)


def test_O01_a_damaged_row_is_named(path: str) -> None:
    with opened(path) as ledger:
        ledger.commit([turn(1, campaign())])
        ledger.connection.execute("UPDATE turns SET body = '{'")
        ledger.connection.execute("UPDATE campaigns SET policy = ''")
        with pytest.raises(StoreFailingError, match="cannot read turns: a row is damaged"):
            ledger.turns(0, 1)
        with pytest.raises(StoreFailingError, match="cannot load: a row is damaged"):
            ledger.load()
        assert not ledger.connection.in_transaction


def test_O01_another_programs_database_is_left_alone(path: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE cdr (id)")
    with pytest.raises(StoreFailingError, match=r"made by another program \(it has the tables cdr\)"):
        SyncLedger(path, "full").open()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("cdr",)]


def test_O01_a_store_of_a_newer_release_is_refused(path: str) -> None:
    with opened(path) as ledger:
        ledger.connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OurMistakeError, match="schema 9999 is newer than this dialerd, which knows up to 0002"):
        SyncLedger(path, "full").open()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "not a file name"),
        ("a\0b", "not a file name"),
        ("nowhere/dialerd.db", "there is no directory .*nowhere"),
        (".", "not a regular file"),
    ],
)
def test_O01_a_place_that_cannot_be_a_file_is_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(StoreFailingError, match=words):
        SyncLedger(str(tmp_path / name) if name and "\0" not in name else name, "full").open()


def test_O01_only_the_known_words_for_synchronous_are_taken() -> None:
    with pytest.raises(OurMistakeError, match="'off': must be one of full, normal"):
        SqliteStore(":memory:", "off")


def test_O08_a_store_that_failed_to_open_may_be_opened_later(path: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE cdr (id)")
    ledger = SyncLedger(path, "full")
    with pytest.raises(StoreFailingError):
        ledger.open()
    os.unlink(path)
    ledger.open()
    ledger.close()


# --- one daemon a store


async def test_O08_a_second_daemon_on_the_same_file_is_refused(path: str, tmp_path: Path) -> None:
    link = tmp_path / "other-name.db"
    link.symlink_to(path)
    first, second = SqliteStore(path, "full"), SqliteStore(str(link), "full")
    await first.open()
    for store in (SqliteStore(path, "full"), second):
        with pytest.raises(
            StoreFailingError, match=rf"dialerd\.db: in use by another dialerd \(process {os.getpid()}\)"
        ):
            await store.open()
    await first.commit([turn(1)])
    await first.close()
    await second.open()
    assert (await second.load()).seq == 1
    await second.close()


HOLDER = """
import asyncio, sys
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.model.turn import Committed, Turn

async def main():
    store = SqliteStore(sys.argv[1], "full")
    await store.open()
    await store.commit([Committed(Turn(1, 1.0, (), ()), ())])
    print("committed", flush=True)
    if sys.argv[2] == "hold":
        sys.stdin.read()
    return store

kept = asyncio.run(main())
"""


def holder(path: str, then: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, path, then]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_O08_the_lock_of_a_killed_daemon_is_free_at_once(path: str) -> None:
    process = holder(path, "hold")
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "committed\n"
        with pytest.raises(StoreFailingError, match=rf"in use by another dialerd \(process {process.pid}\)"):
            SyncLedger(path, "full").open()
        process.kill()
        process.wait(30)
    with opened(path) as ledger:
        assert ledger.load().seq == 1


def test_O08_an_interpreter_that_forgets_to_close_still_exits(path: str) -> None:
    process = holder(path, "leave")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "committed\n"), err
    with opened(path) as ledger:
        assert ledger.load().seq == 1


# --- cancelled tasks


async def test_O08_a_cancelled_commit_is_whole_or_not_at_all(path: str) -> None:
    store = SqliteStore(path, "normal")
    await store.open()
    await store.commit([turn(1, campaign())])
    whole = 0
    for pause in range(40):
        seq = (await store.load()).seq + 1
        rows: list[Row] = [CounterRow("one", seq), CounterRow("two", seq), *(lead(i, same=seq) for i in range(1, 30))]
        task = asyncio.ensure_future(store.commit([turn(seq, *rows)]))
        await asyncio.wait([task], timeout=0 if pause % 4 == 0 else pause * 25e-6)
        cancelled = task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.maintain()  # queued behind the commit: it has ended when this returns
        kept = await store.load()
        if not cancelled:
            assert kept.seq == seq
        expected = seq if kept.seq == seq else seq - 1
        assert kept.seq == expected
        assert {row.value for row in kept.counters} <= {expected}
        assert {row.same for row in await store.leads("spring", None, 0, 99)} <= {expected}
        whole += kept.seq == seq
    assert whole
    await store.close()


async def test_O08_a_cancelled_opening_holds_nothing(path: str) -> None:
    store = SqliteStore(path, "normal")
    for pause in (0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.04):
        opening = asyncio.ensure_future(store.open())
        await asyncio.wait([opening], timeout=pause)
        if opening.cancel():
            with pytest.raises(asyncio.CancelledError):
                await opening
        else:
            await store.close()
        await store.open()
        await store.load()
        await store.close()


async def test_O08_closing_finishes_what_was_asked(path: str) -> None:
    store = SqliteStore(path, "normal")
    await store.open()
    commits = [asyncio.ensure_future(store.commit([turn(seq)])) for seq in range(1, 20)]
    asked = asyncio.ensure_future(store.turns(0, 5))
    await asyncio.wait(commits, timeout=0)
    await store.close()
    await asyncio.gather(*commits, asked)
    with opened(path) as ledger:
        assert ledger.load().seq == 19
    assert not os.path.exists(f"{path}-wal")


def test_O08_the_store_works_on_uvloop(path: str) -> None:
    async def main() -> int:
        store = SqliteStore(path, "full")
        await store.open()
        await asyncio.gather(*(store.commit([turn(seq)]) for seq in range(1, 50)))
        seq = (await store.load()).seq
        await store.close()
        return seq

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == 49


# --- schema and SQL

_BETWEEN = re.compile(r",\s(?![^(]*\)(?!$))|(?<=[a-z_]) \(\n|\n\)$")
"""Between two columns of a table, which stand in lines of their own or, if they came later, all in one."""


def test_O08_the_migrations_make_the_schema_of_the_tables(path: str) -> None:
    with opened(path) as ledger:
        with upgrading.engine_on(ledger.connection).connect() as connected:
            context = MigrationContext.configure(connected, opts={"compare_type": True})
            assert compare_metadata(context, SCHEMA) == []
        ours = ledger.connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version' ORDER BY 1, 2"
        ).fetchall()
    engine = create_engine("sqlite://")
    with engine.connect() as connected:
        SCHEMA.create_all(connected)
        theirs = connected.exec_driver_sql("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    engine.dispose()

    def lines(rows: Any) -> list[tuple[str, str, list[str]]]:
        return [(kind, name, sorted(map(column, _BETWEEN.split(sql or "")))) for kind, name, sql in rows]

    def column(text: str) -> str:
        """A column or constraint; a default is only for the rows that were there when a later column came."""
        return re.sub(r" DEFAULT '[^']*'", "", text).strip()

    assert lines(ours) == lines(theirs)


def test_O08_a_migration_that_fails_leaves_nothing_behind(path: str) -> None:
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA max_page_count=9")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            upgrading.upgrade(path, connection)
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        assert not connection.in_transaction
    with opened(path) as ledger:
        assert ledger.load().seq == 0


def test_O08_a_connection_is_set_for_safety(path: str) -> None:
    for word in ("full", "normal"):
        with opened(path, word) as ledger:
            found = {
                name: ledger.connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "wal_autocheckpoint")
            }
            assert found == {
                "journal_mode": "wal", "synchronous": 1, "busy_timeout": 5000, "foreign_keys": 1,
                "wal_autocheckpoint": 16000,
            }  # fmt: skip
    for name in (path, f"{path}.lock"):
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600


def test_O08_maintaining_empties_the_write_ahead_log_and_waits_for_nobody(path: str) -> None:
    with opened(path) as ledger, closing(sqlite3.connect(path, isolation_level=None)) as report:
        ledger.commit([turn(1, campaign())])
        report.execute("BEGIN")
        report.execute("SELECT count(*) FROM turns").fetchone()
        ledger.commit(big(2))
        assert ledger.maintain() > 0
        report.execute("ROLLBACK")
        assert ledger.maintain() == 0
        assert os.path.getsize(f"{path}-wal") == 0
    with opened(":memory:") as ledger:
        assert ledger.maintain() == 0


def test_O08_what_lasts_is_synced_and_what_need_not_is_only_written(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fdatasync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda log: (synced.append(os.fstat(log).st_ino), fdatasync(log)))
    with opened(path, "full") as ledger:
        of_the_log = os.stat(f"{path}-wal").st_ino
        synced.clear()
        ledger.commit([turn(1, campaign())])
        assert synced == []
        ledger.harden()
        assert synced == [of_the_log]
    synced.clear()
    with opened(f"{path}.normal", "normal") as ledger:
        ledger.commit([turn(1, campaign())])
        ledger.harden()
    assert synced == []


def test_O08_a_disk_that_refused_is_not_believed_the_next_time_but_written_anew(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fdatasync = os.fdatasync
    said: list[str] = []

    def refuse(log: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with opened(path, "full") as ledger:
        ledger.connection.set_trace_callback(said.append)
        monkeypatch.setattr(os, "fdatasync", refuse)
        ledger.commit([turn(1, campaign())])
        with pytest.raises(StoreFailingError, match="write-ahead log to the disk: Input/output error"):
            ledger.harden()
        monkeypatch.setattr(os, "fdatasync", fdatasync)
        said.clear()
        ledger.harden()
        assert said == ["PRAGMA wal_checkpoint(FULL)"]
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as file_alone:
            assert file_alone.execute("SELECT max(seq) FROM turns").fetchone() == (1,)
        said.clear()
        ledger.commit([turn(2)])
        ledger.harden()
        assert not [words for words in said if "checkpoint" in words]


async def test_O08_the_write_ahead_log_is_moved_by_the_connection_that_reads(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_by: list[str] = []

    def moving(connection: sqlite3.Connection) -> int:
        moved_by.append("a reader" if connection.execute("PRAGMA query_only").fetchone()[0] else "the writer")
        return checkpoint(connection)

    monkeypatch.setattr(sqlite_store, "checkpoint", moving)
    store = SqliteStore(path, "normal")
    await store.open()
    await store.commit([turn(1, campaign())])
    for seq in range(2, 1502):
        await store.commit([turn(seq, lead(seq))])
        await asyncio.sleep(0)
    await store.close()
    assert len(moved_by) >= 2
    assert set(moved_by) == {"a reader"}
    with opened(path) as ledger:
        assert ledger.load().seq == 1501


async def test_O08_a_small_turn_is_written_where_it_is_asked_for_and_a_great_one_in_the_thread(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path, "normal")
    await store.open()
    hops = await _hops_of(monkeypatch, store, [turn(1, campaign())])
    assert hops == 0
    assert await _hops_of(monkeypatch, store, [turn(2, *(lead(i) for i in range(100)))]) == 1
    assert await _hops_of(monkeypatch, store, [turn(3, lead(1))]) == 0
    monkeypatch.setattr(sqlite_store, "SLOW_S", -1.0)
    assert await _hops_of(monkeypatch, store, [turn(4, lead(1))]) == 0
    assert await _hops_of(monkeypatch, store, [turn(5, lead(1))]) == 1, "the disk has shown to be slow"
    await store.close()


async def test_O08_the_loop_does_not_wait_for_another_program_that_holds_the_database(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path, "normal")
    await store.open()
    await store.commit([turn(1, campaign())])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        commit = asyncio.ensure_future(store.commit([turn(2, lead(1))]))
        await asyncio.sleep(0)
        assert not commit.done(), "it waits in the thread"
        assert await store.leads("spring", None, 0, 9) == [], "and others are served"
        other.execute("ROLLBACK")
        await commit
    assert [row.id for row in await store.leads("spring", None, 0, 9)] == [1]
    await store.close()


async def _hops_of(monkeypatch: pytest.MonkeyPatch, store: SqliteStore, batch: list[Any]) -> int:
    """How often a commit went to another thread."""
    hops = 0
    run = sqlite_store.Hop.run

    async def counted(hop: Any, function: Any, *args: Any) -> Any:
        nonlocal hops
        hops += 1
        return await run(hop, function, *args)

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_store.Hop, "run", counted)
        await store.commit(batch)
    return hops


def test_O08_a_moved_log_starts_from_its_beginning_again(path: str) -> None:
    with opened(path) as ledger, closing(connect_reader(path)) as reader:
        ledger.commit([turn(1, campaign())])
        ledger.commit(big(2))
        size = os.path.getsize(f"{path}-wal")
        for seq in range(3, 9):
            assert checkpoint(reader) == 0
            ledger.commit(big(seq))
        assert os.path.getsize(f"{path}-wal") < 2 * size


WALKS = {
    # Whole tables that stay small, or that are read whole at start only.
    "any_further", "quotas", "token", "hotlines", "campaigns", "tallies", "agents", "counters",
    "lead_states", "named", "participations", "referrals",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [name for name, made in statements("sqlite")._asdict().items() if isinstance(made, Statement)]
)
def test_O09_no_question_walks_through_a_whole_table(name: str) -> None:
    statement = getattr(statements("sqlite"), name)
    with opened(":memory:") as ledger:
        plan = [
            row[3]
            for row in ledger.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", [1] * len(statement.names))
        ]
    if name in WALKS:
        return
    allowed = ("SCAN trunks", "SCAN agents", "SCAN attempts USING INDEX attempts_live", "SCAN CONSTANT ROW")
    walks = [step for step in plan if step.startswith("SCAN") and not step.startswith(allowed)]
    assert not walks, plan
    if name not in ("live", "live_leads", "trunk_last"):
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


def test_O09_the_same_statements_are_made_for_postgresql() -> None:
    theirs = statements("postgresql")
    for name, made in {**theirs._asdict(), **theirs.upserts}.items():
        if isinstance(made, Statement):
            ours = statements("sqlite").upserts.get(name) or getattr(statements("sqlite"), name)
            assert sorted(made.names) == sorted(ours.names)
            assert "?" not in made.sql
            assert all(f"${place}" in made.sql for place in range(1, len(made.names) + 1))
    with pytest.raises(OurMistakeError, match="'oracle'; there is: sqlite, postgresql"):
        statements("oracle")


# --- any row

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLAIN: dict[Any, Any] = {
    str: _TEXT,
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    dict[str, str]: st.dictionaries(_TEXT, _TEXT, max_size=3),
    dict[str, int]: st.dictionaries(_TEXT, st.integers(-(2**31), 2**31 - 1), max_size=3),
    list[str]: st.lists(_TEXT, max_size=3),
    dict[str, Any]: st.dictionaries(
        _TEXT, st.none() | st.booleans() | st.integers() | _TEXT | st.lists(_TEXT), max_size=3
    ),
    float | None: st.none() | st.floats(allow_nan=False),
    int | None: st.none() | st.integers(0, 699),
}


def _any(kind: Any) -> Any:
    return st.sampled_from(get_args(kind)) if get_origin(kind) is Literal else _PLAIN[kind]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.table.name)
def test_O08_any_row_is_read_back_as_written(shape: Any) -> None:
    fields = {field.name: _any(field.type) for field in msgspec.structs.fields(shape.kind)}
    with opened(":memory:") as ledger:
        ledger.connection.execute("PRAGMA foreign_keys=OFF")
        taken = 0
        names = ", ".join(f'"{name}"' for name in shape.fields)

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.builds(shape.kind, **fields))
        def written_and_read(row: Any) -> None:
            nonlocal taken
            for table in ("leads", "attempts"):
                ledger.connection.execute(f"DELETE FROM {table}")
            taken += 1
            ledger.commit([turn(taken, row)])
            found = [shape.row(cells) for cells in ledger.connection.execute(f"SELECT {names} FROM {shape.table.name}")]
            assert row in found

        written_and_read()


def test_C06_a_lead_without_its_campaign_is_said_to_be_in_leads() -> None:
    with opened(":memory:") as ledger:
        with pytest.raises(OurMistakeError, match=r"cannot commit turns 1 to 1 \(leads\).*FOREIGN KEY"):
            ledger.commit([turn(1, lead(1))])
        with pytest.raises(OurMistakeError, match=r"\(attempts\).*FOREIGN KEY"):
            ledger.commit([turn(1, campaign(), attempt(1, 1))])
