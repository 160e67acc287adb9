"""Works that run beside the turns (imports, exports): begun, told of, cancelled, ended; each is a JobRow in the store.

Never holds up a turn, and never leaves a job `running` that is not: one that a killed daemon left is marked `interrupted` (an
import: what it added stays) or `failed` by `open`.

How to use it. Check the arguments and make a `Planned` (dialerd.control.long_commands) whose `work` is a coroutine function:

    async def work(progress: Progress) -> Finished:
        progress.tell(rows=500)                     # as often as you like
        return Finished(result, {"rows": 500}, "leads-2026-11-21.xlsx")

    long_work.begin(Planned("import", campaign, work), Asking(principal, id, command))

The answer to the command comes by itself, with a committed turn (as a fact `Reported`); `Planned.begun` makes it come at
once, with the job's id. `begin` raises Refusal (`busy`) where nothing was begun. A work may raise Refusal (the job failed,
the asker reads it), StoreFailingError (the same), and CancelledError passes through it when the job is cancelled or the
daemon stops.
Facts of the work's own go by `TurnLoop.settle`; a thing that must be one at a time takes a lock of its own in `work`.
A command of the table with `how="job"` and a `plan` in `control` gets here by `runtime.requests` without more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dialerd.campaigns.jobs import COUNTER, job_id
from dialerd.campaigns.live import Live
from dialerd.control.long_commands import Finished, Planned
from dialerd.model.errors import Refusal
from dialerd.model.facts import AnyFact, JobAdvanced, JobBegan, JobEnded, Reported
from dialerd.ports.store import StoreFailingError
from dialerd.runtime.judging import accepted, refused
from dialerd.runtime.turn_loop import TurnLoop

AT_ONCE = 50
"""Jobs under way or waiting for their turn."""
TELL_S = 1.0
"""Seconds between two tellings of how far a job is."""
FAREWELL_S = 3.0
"""Real seconds that the ends of jobs may take to be written when the daemon stops; the next start mends the rest."""
STOPPED = "the daemon stopped"

Say = Callable[[str, str, Mapping[str, object]], None]
"""Takes a log's level, event and facts."""


def quiet(level: str, event: str, facts: Mapping[str, object]) -> None:
    """Say nothing."""


class Asking(NamedTuple):
    """Whose command a job is."""

    principal: str
    id: str
    command: str


class JobProgress:
    """Keeps `dialerd.control.long_commands.Progress`."""

    def __init__(self, job: str, turns: TurnLoop, asked_as: str) -> None:
        self._job = job
        self._asked_as = asked_as
        self._turns = turns
        self._told_at = asyncio.get_running_loop().time()
        self.counts: dict[str, int] = {}

    @property
    def job(self) -> str:
        """The job's id."""
        return self._job

    @property
    def asked_as(self) -> str:
        """The command's own id."""
        return self._asked_as

    @property
    def as_of(self) -> int:
        """The last turn that is written."""
        return self._turns.committed

    async def settle(self, fact: AnyFact) -> None:
        """Put a fact and return when its turn is committed."""
        await self._turns.settle(fact)

    def tell(self, **counts: int) -> None:
        """How far it is."""
        self.counts.update(counts)
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= TELL_S:
            self._told_at = now
            self._turns.put(JobAdvanced(self._job, dict(self.counts)))


class LongWork:
    """The works under way."""

    def __init__(self, live: Live, turns: TurnLoop, say: Say) -> None:
        self._live = live
        self._turns = turns
        self._say = say
        self._last = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: dict[str, str] = {}
        """Job to who had it cancelled."""

    def open(self, resumed: Mapping[str, tuple[Planned, Asking]]) -> None:
        """Go on with what is `resumed`, and mark as stopped what else an earlier process left running.

        To be called once, before anything is begun.
        """
        for job, (planned, asking) in resumed.items():
            self._start(job, None, planned, asking)
        for job in [job for job in self._live.jobs if job not in resumed]:
            row = self._live.jobs[job]
            self._turns.put(JobEnded(job, _stopped(row.kind), dict(row.counts), because=STOPPED))

    def begin(self, planned: Planned, asking: Asking) -> str:
        """Start a job; its id. Raises Refusal (`busy`)."""
        if len(self._tasks) >= AT_ONCE:
            raise Refusal("busy", f"{len(self._tasks)} jobs are under way: try again later")
        counter = self._live.counters.get(COUNTER)
        self._last = number = max(self._last, 0 if counter is None else counter.value) + 1
        job = job_id(number)
        self._start(
            job, JobBegan(number, planned.kind, asking.command, planned.campaign, asking.principal), planned, asking
        )
        return job

    def _start(self, job: str, began: JobBegan | None, planned: Planned, asking: Asking) -> None:
        task = asyncio.get_running_loop().create_task(self._run(job, began, planned, asking), name=job)
        self._tasks[job] = task
        task.add_done_callback(lambda _: self._forget(job))

    def _forget(self, job: str) -> None:
        self._tasks.pop(job, None)
        self._cancelled.pop(job, None)

    def cancel(self, job: str, principal: str) -> bool:
        """Have a job end before it is done; whether it was under way."""
        task = self._tasks.get(job)
        if task is None:
            return False
        if job not in self._cancelled:
            self._cancelled[job] = principal
            task.cancel()
        return True

    async def cancelled(self, job: str, principal: str) -> bool:
        """The same, and wait until its end is written."""
        task = self._tasks.get(job)
        if task is None or not self.cancel(job, principal):
            return False
        await asyncio.wait({task})
        return True

    async def aclose(self) -> None:
        """End all jobs and wait until that is written, for a moment at most."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=FAREWELL_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: str, began: JobBegan | None, planned: Planned, asking: Asking) -> None:
        """`began`: None for what goes on after a restart: it was told of before."""
        progress = JobProgress(job, self._turns, asking.id)
        if began is not None:
            self._turns.put(began)  # no wait: whatever is told of it later comes after it
        if began is not None and planned.begun is not None:
            reply = accepted(asking.id, planned.begun(job))
            self._turns.put(Reported(asking.id, asking.principal, asking.command, planned.campaign, reply, True))
        state, because, by = "done", "", ""
        finished: Finished | None = None
        refusal = Refusal("internal", "the daemon met its own mistake: its log tells more")
        try:
            finished = await planned.work(progress)
        except Refusal as raised:
            state, refusal = "failed", raised
        except StoreFailingError as trouble:
            state, refusal = "failed", Refusal("store_failing", f"the store cannot be used now: {trouble}")
        except asyncio.CancelledError:
            by = self._cancelled.get(job, "")
            row = self._live.jobs.get(job)
            if not by and row is not None and row.staged:
                return  # the next start goes on with it
            state = "cancelled" if by else _stopped(planned.kind)
            refusal = Refusal("cancelled", f"cancelled by {by}") if by else Refusal("stopping", STOPPED)
        except Exception as mistake:  # noqa: BLE001  whatever it is, the asker gets an answer and the daemon goes on
            state = "failed"
            self._say("error", "job.mistake", {"job": job, "command": asking.command, "error": repr(mistake)})
        if finished is None:
            because = refusal.message
            reply = refused(asking.id, refusal)
            ended = JobEnded(job, state, dict(progress.counts), because=because, principal=by)
        else:
            reply = accepted(asking.id, finished.result)
            ended = JobEnded(job, state, {**progress.counts, **finished.counts}, file=finished.file)
        if planned.begun is not None:
            await self._turns.settle(ended)
            return
        self._turns.put(ended)
        await self._turns.settle(
            Reported(asking.id, asking.principal, asking.command, planned.campaign, reply, audited=True)
        )


def _stopped(kind: str) -> str:
    """The state of a job that ends with the daemon: an import's rows are there up to one, an export's file is none."""
    return "interrupted" if kind == "import" else "failed"
