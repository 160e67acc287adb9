"""A process that writes turns is killed by SIGKILL at random points: what it was promised is there, nothing is half there.

Never waits for a given time: the killer acts after so many promises, or at a random point of the next ones.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.model.ids import is_token
from dialerd.model.turn import encode

pytestmark = pytest.mark.crash

ROOT = Path(__file__).parents[2]
WRITER = """
import asyncio, random, sys
import uvloop
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.model.rows import AttemptRow, CampaignRow, CounterRow, LeadRow
from dialerd.model.turn import Committed, Turn
from dialerd.model.facts import CallRinging

def turn(seq):
    lead = LeadRow(seq, "spring", f"+84{seq:09d}", "in_progress", 1.0, 2.0, name="x" * (seq % 3000))
    call = AttemptRow(f"c{seq:023d}", "spring", seq, lead.phone, "ast1", "trunk", "+84", "dialing", float(seq))
    rows = [lead, call, CounterRow("first", seq), CounterRow("last", seq)]
    if seq > 1:  # the one before ends: its row is changed, its number free
        old = LeadRow(seq - 1, "spring", f"+84{seq - 1:09d}", "succeeded", 1.0, 2.0)
        rows += [old, AttemptRow(f"c{seq - 1:023d}", "spring", seq - 1, old.phone, "ast1", "trunk", "+84", "ended", 1.0)]
    return Committed(Turn(seq, float(seq), (CallRinging(call.id),), ()), (CampaignRow("spring", {}, "running", "file",
        "owner", 1.0, 1.0, "owner"), *rows))

async def main(path, synchronous, seed):
    chance = random.Random(seed)
    store = SqliteStore(path, synchronous)
    await store.open()
    seq = (await store.load()).seq
    print("open", flush=True)
    while True:
        batch = [turn(seq + 1 + i) for i in range(chance.choice((1, 1, 1, 2, 5, 40)))]
        await store.commit(batch)
        seq = batch[-1].turn.seq
        print(seq, flush=True)
        if chance.random() < 0.05:
            await store.maintain()
        if chance.random() < 0.05:
            await store.prune(float(seq - 300), 0.0)

uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@contextmanager
def writer(path: str, synchronous: str, seed: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WRITER, path, synchronous, str(seed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(60)


def spin(seconds: float) -> None:
    """Burns time: sleeping would let the killer wake only at the scheduler's ticks."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def killed(path: str, synchronous: str, seed: int) -> int:
    """Runs a writer, kills it at a random point, and gives the last turn it was promised (0: none)."""
    chance = random.Random(seed)
    with writer(path, synchronous, seed) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first == "open\n", process.stderr.read()
        promises = [process.stdout.readline() for _ in range(chance.randrange(1, 150))]
        spin(chance.random() * 0.004)  # to somewhere within the next commits
        process.kill()
        promises += process.stdout.readlines()
        process.wait(60)
        assert process.returncode == -9, process.stderr.read()
    whole = [line for line in promises if line.endswith("\n")]
    return int(whole[-1]) if whole else 0


def check(path: str, promised: int) -> int:
    """Opens what the killed one left; nothing promised is missing and no turn is half there. Gives the last turn."""
    ledger = SyncLedger(path, "full")
    ledger.open()
    try:
        assert ledger.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert ledger.connection.execute("PRAGMA foreign_key_check").fetchall() == []
        kept = ledger.load()
        assert kept.seq >= promised
        assert {row.name: row.value for row in kept.counters} == {"first": kept.seq, "last": kept.seq}
        assert [row.lead for row in kept.live] == [kept.seq]
        assert [row.id for row in kept.leads] == [kept.seq]
        assert sorted(kept.lead_states) == sorted(
            [("spring", "in_progress", 1)] + ([("spring", "succeeded", kept.seq - 1)] if kept.seq > 1 else [])
        )
        turns = ledger.turns(0, 1_000_000)
        assert [turn.seq for turn in turns] == list(range(turns[0].seq, kept.seq + 1))
        assert turns[0].seq <= max(kept.seq - 299, 1)
        assert all(encode(turn) for turn in turns)
        assert len(ledger.attempts(None, "", 1_000_000)) == kept.seq
        return kept.seq
    finally:
        ledger.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_O08_a_killed_daemon_loses_no_promised_turn_and_keeps_no_half(tmp_path: Path, synchronous: str) -> None:
    path = str(tmp_path / "dialerd.db")
    last = 0
    for seed in range(15):
        promised = killed(path, synchronous, seed)
        assert promised > last
        last = check(path, promised)


@pytest.mark.timeout(300)
def test_O08_a_daemon_killed_while_it_makes_its_store_makes_it_the_next_time(tmp_path: Path) -> None:
    chance = random.Random(7)
    for round_ in range(12):
        path = tmp_path / f"{round_}.db"
        with writer(str(path), "full", round_) as process:
            deadline = time.monotonic() + 60
            while not path.exists():  # the file appears first, then its schema
                assert process.poll() is None
                assert time.monotonic() < deadline
            spin(chance.random() * 0.1)  # in a new process making the schema takes some 60 ms
            process.kill()
        ledger = SyncLedger(str(path), "full")
        ledger.open()
        assert is_token(ledger.load().token)
        ledger.close()
