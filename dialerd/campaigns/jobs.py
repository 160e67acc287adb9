"""Jobs (imports and exports) as records: begun, under way, over (C06, C18).

Never does their work and never waits for it: it only keeps what is told of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model.rows import CounterRow, JobRow

ROW = "row"
"""The count that is no sum: up to which row of its list an import came."""
COUNTER = "jobs"
"""The counter that holds the last job's number."""


def job_id(number: int) -> str:
    """The id of the job with that number."""
    return f"job-{number}"


def job_began(live: Live, fact: f.JobBegan) -> None:
    """A job is under way from now on; who asked for what is kept in the audit trail."""
    counter = live.counters.setdefault(COUNTER, CounterRow(COUNTER, 0))
    counter.value = max(counter.value, fact.number)
    live.mark(counter)
    row = JobRow(
        job_id(fact.number), fact.kind, fact.campaign, "running", fact.principal, live.now, command=fact.command
    )
    live.jobs[row.id] = row
    live.mark(row)
    live.note(fact.principal, fact.command, fact.campaign or row.id, row.id if fact.campaign else "")


def job_advanced(live: Live, fact: f.JobAdvanced) -> None:
    """A job tells how far it is."""
    row = live.jobs.get(fact.job)
    if row is None:
        live.odd("job_advanced")
        return
    row.counts = dict(fact.counts)
    live.mark(row)


def counted(live: Live, fact: f.LeadsAdded | f.ContactsRead, became: Mapping[str, int]) -> None:
    """An import goes on in the same turn as its rows: whatever stops the daemon, its counts are what was written.

    `became`: what became of those whom the fact brings.
    """
    row = live.jobs.get(fact.job)
    if row is None:
        live.odd("import_counted")
        return
    counts = Counter(row.counts)
    counts.update(fact.counts)
    counts.update(became)
    if fact.row:
        counts[ROW] = max(counts[ROW], fact.row)
    row.counts = dict(counts)
    row.file = fact.report or row.file
    live.mark(row)


def import_decided(live: Live, fact: f.ImportDecided) -> None:
    """From now on the import goes on after a restart until its last lead is added."""
    row = live.jobs.get(fact.job)
    if row is None:
        live.odd("import_decided")
        return
    row.staged = fact.staged
    row.counts = dict(fact.counts)
    live.mark(row)


def job_ended(live: Live, fact: f.JobEnded) -> None:
    """A job is over; who cancelled it is kept in the audit trail."""
    row = live.jobs.pop(fact.job, None)
    if row is None:
        live.odd("job_ended")
        return
    row.state = fact.state
    row.ended_at = live.now
    row.counts = dict(fact.counts)
    row.file = fact.file or row.file
    row.because = fact.because
    live.mark(row)
    if fact.principal:
        live.note(fact.principal, f"{row.kind}.cancel", row.id)
