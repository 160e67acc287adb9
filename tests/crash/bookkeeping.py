"""The books of both sides held against each other: what the daemon recorded, and what customers lived through.

Never asks the daemon to judge itself: INVITEs and bridges come from the street's or the carrier's own books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dialerd.model.causes import UNCOUNTED
from tests.doubles.daemon_process import DaemonProcess

FINAL = frozenset({"succeeded", "exhausted", "failed", "do_not_call_back", "blocked", "dnc"})
_TALLIED = {"connected", "abandoned", "hung_up", "busy", "lost"}


@dataclass(frozen=True)
class Figures:
    """What a run came to."""

    leads: int
    attempts: int
    invites: int
    outcomes: dict[str, int]

    def __str__(self) -> str:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return f"{self.leads} leads, {self.attempts} attempts, {self.invites} INVITEs ({told})"


def await_finished(daemon: DaemonProcess, campaign: str, within_s: float = 90.0) -> None:
    """Wait until the campaign has finished by itself and all of it is on record. Fails with what it waits for."""

    def over() -> bool:
        if daemon.ask("campaign.get", campaign=campaign)["state"] != "finished":
            return False
        # the live state is ahead of the record by one commit
        return all(attempt["state"] == "ended" for attempt in daemon.attempts(campaign))

    try:
        daemon.until(over, f"{campaign} is finished", within_s)
    except AssertionError as late:
        why = daemon.ask("campaign.why", campaign=campaign)
        raise AssertionError(f"{campaign} is not finished within {within_s:g} s: {why}\n{late}") from None


def check_books(
    daemon: DaemonProcess, campaign: str, invites: Mapping[str, int], max_attempts: int, *, over: bool = True
) -> Figures:
    """Nobody was called oftener than is on record or allowed, and nothing is left open. `over`: all leads are final."""
    leads, attempts = daemon.leads(campaign), daemon.attempts(campaign)
    by_lead: dict[int, list[dict[str, Any]]] = {lead["lead"]: [] for lead in leads}
    for attempt in attempts:
        by_lead[attempt["lead"]].append(attempt)
    for lead in leads:
        mine = by_lead[lead["lead"]]
        counted = [attempt for attempt in mine if attempt["outcome"] not in UNCOUNTED]
        sent = sum(invites.get(form, 0) for form in {lead["phone"], lead["phone"].lstrip("+")})
        assert sent <= len(counted) <= max_attempts, (lead, mine, sent)
        assert lead["attempts"] == len(counted), (lead, mine)
        assert lead["state"] in FINAL if over else lead["state"] != "in_progress", (lead, mine)
        _one_after_another(mine)
    known = {form for lead in leads for form in (lead["phone"], lead["phone"].lstrip("+"))}
    assert set(invites) <= known, set(invites) - known
    assert [a for a in attempts if a["state"] != "ended" or not a["outcome"] or not a["ended_at"]] == []
    outcomes = Counter(attempt["outcome"] for attempt in attempts)
    _check_tallies(daemon.ask("campaign.stats", campaign=campaign), outcomes, Counter(lead["state"] for lead in leads))
    return Figures(len(leads), len(attempts), sum(invites.values()), dict(outcomes))


def _one_after_another(attempts: list[dict[str, Any]]) -> None:
    ordered = sorted(attempts, key=lambda attempt: attempt["placed_at"])
    for before, after in pairwise(ordered):
        assert before["ended_at"] is not None, before
        assert before["ended_at"] <= after["placed_at"], (before, after)


def _check_tallies(stats: dict[str, Any], outcomes: Counter[str], states: Counter[str]) -> None:
    assert stats["live_calls"] == 0, stats
    assert stats["placed"] == outcomes.total(), (stats, outcomes)
    for outcome in _TALLIED:
        assert stats[outcome] == outcomes[outcome], (outcome, stats, outcomes)
    ends = ("connected", "abandoned", "hung_up", "busy", "no_answer", "failed", "lost")
    assert sum(stats[end] for end in ends) == stats["placed"], stats
    assert Counter(stats["leads"]) == states, (stats, states)


def check_street(books: dict[str, Any], attempts: list[dict[str, Any]]) -> None:
    """No customer was treated as no dialer may; who talked with whom is on record as it was."""
    assert books["misuses"] == {}, books["misuses"]
    assert books["live_calls"] == {}, books["live_calls"]
    by_call = {attempt["call"]: attempt for attempt in attempts}
    agents: dict[str, set[str]] = {}
    for call, agent in books["pairs"]:
        agents.setdefault(call, set()).add(agent)
    wrong = [a for a in attempts if a["outcome"] == "connected" and a["agent"] not in agents.get(a["call"], set())]
    assert wrong == [], wrong
    # a talk that began and ended while nobody looked is one of which nobody can say what became of it
    unseen = [by_call[call] for call in agents if by_call[call]["outcome"] != "connected"]
    assert [attempt for attempt in unseen if attempt["connected_at"] is not None] == []
    assert len(unseen) <= len(agents) / 3, unseen
