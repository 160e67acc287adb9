"""What people see on the bus: events as rows change, and states once a second.

Never tells of anything before its turn is committed, and never decides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from dialerd.campaigns import hotlines
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.why import why
from dialerd.control.agents import agent_view
from dialerd.control.campaigns import stats_of
from dialerd.control.hotlines import hotline_view
from dialerd.control.lines import call_view
from dialerd.model.facts import Configured
from dialerd.model.instants import iso
from dialerd.model.rows import AgentRow, AttemptRow, CampaignRow, HotlineRow, JobRow, LeadRow, TallyRow
from dialerd.model.turn import Committed
from dialerd.ports.message_bus import MessageBus, NoBus

JOB_EVERY_S = 1.0
"""Seconds between two events of a job's progress; an import changes its row with every batch."""


class Publishing:
    """Turns committed rows into events and states."""

    def __init__(self, engine: Engine, bus: MessageBus) -> None:
        self._live = engine.live
        self._bus = bus
        self._heard = not isinstance(bus, NoBus)
        """Whether anybody can listen: what nobody gets is not made."""
        self._told: dict[str, str] = {}
        """Last state told of each call, agent and campaign."""
        self._jobs: dict[str, float] = {}
        """When each running job's progress was told last."""
        self._stirred: set[str] = set()
        """Campaigns whose state has changed since it was published."""
        self._agents: set[str] = set()
        self._shown: dict[str, bytes] = {}
        """State published last of each campaign."""

    def committed(self, committed: Committed) -> None:
        """Tell what a committed turn changed."""
        if not self._heard:
            return
        if any(isinstance(fact, Configured) for fact in committed.turn.facts):
            self._bus.keep_states(self._knows)
        at = committed.turn.at
        for row in committed.rows:
            match row:
                case AttemptRow():
                    self._stirred.add(row.campaign)
                    self._tell(f"call/{row.id}", row.state, at, partial(_call, row), ended=not row.live)
                case AgentRow():
                    self._agents.add(row.id)
                    self._tell(f"agent/{row.id}", row.state, at, partial(self._agent, row))
                    self._stirred.update(c for c in self._live.running if self._live.serves(row.id, c))
                case CampaignRow():
                    self._stirred.add(row.id)
                    self._tell(f"campaign/{row.id}", row.state, at, partial(_campaign, row))
                case HotlineRow():
                    self._hotline(row, at)
                case JobRow():
                    self._job(row, at)
                case LeadRow() | TallyRow():
                    self._stirred.add(row.campaign)

    def _hotline(self, row: HotlineRow, at: float) -> None:
        """A hotline that is warned of, rests, is taken out or comes back."""
        hotline = self._live.floor.hotlines.get(row.id)
        if hotline is None:
            return
        campaigns = sorted(c for c in self._live.running if row.id in hotlines.named(self._live, c))
        view = hotline_view(self._live, row, hotline, campaigns).model_dump(mode="json")
        self._tell(f"hotline/{row.id}", hotlines.state(row), at, lambda: view)
        self._bus.publish_state(f"hotline/{row.id}", msgspec.json.encode(view))

    def _job(self, row: JobRow, at: float) -> None:
        """A job's begin, how far it is, and its end."""
        what = "progress" if row.state == "running" and row.counts else row.state
        if what != "progress":
            self._jobs.pop(row.id, None)
        elif at - self._jobs.get(row.id, 0.0) < JOB_EVERY_S:
            return
        else:
            self._jobs[row.id] = at
        self._bus.publish_event(f"job/{row.id}/{what}", msgspec.json.encode({"at": iso(at), **_job(row)}))

    def _knows(self, topic_tail: str) -> bool:
        """Whether a state is that of something that is there: an agent taken out of the configuration is no more."""
        kind, _, name = topic_tail.partition("/")
        match kind:
            case "campaign":
                campaign = self._live.campaigns.get(name)
                return campaign is not None and campaign.state != "deleted"
            case "agent":
                row = self._live.agents.get(name)
                return row is not None and (name in self._live.floor.agents or row.state != "logged_out")
            case "hotline":
                return name in self._live.floor.hotlines
        return True  # of another kind, published by somebody who knows it

    def _tell(
        self, subject: str, state: str, at: float, about: Callable[[], dict[str, Any]], *, ended: bool = False
    ) -> None:
        if self._told.get(subject) == state:
            return
        if ended:
            self._told.pop(subject, None)
        else:
            self._told[subject] = state
        self._bus.publish_event(f"{subject}/{state}", msgspec.json.encode({"at": iso(at), **about()}))

    def _agent(self, row: AgentRow) -> dict[str, Any]:
        return agent_view(self._live, row).model_dump(mode="json")

    def second(self) -> None:
        """Publish how campaigns and agents stand; to be called about once a second."""
        if not self._heard:
            return
        for campaign in self._stirred | set(self._live.running):
            row = self._live.campaigns.get(campaign)
            if row is not None and row.state == "deleted":
                if self._shown.pop(campaign, None) is not None:
                    self._bus.publish_state(f"campaign/{campaign}", None)
            elif row is not None:
                state = {
                    "why": why(self._live, campaign),
                    "stats": stats_of(self._live, campaign).model_dump(mode="json"),
                }
                payload = msgspec.json.encode(state)
                if self._shown.get(campaign) != payload:
                    self._shown[campaign] = payload
                    self._bus.publish_state(f"campaign/{campaign}", payload)
        for agent in self._agents:
            self._bus.publish_state(f"agent/{agent}", msgspec.json.encode(self._agent(self._live.agents[agent])))
        self._stirred.clear()
        self._agents.clear()


def _call(row: AttemptRow) -> dict[str, Any]:
    return call_view(row).model_dump(mode="json")


def _job(row: JobRow) -> dict[str, Any]:
    return {
        "job": row.id,
        "kind": row.kind,
        "command": row.command,
        "campaign": row.campaign,
        "state": row.state,
        "by": row.by,
        "counts": row.counts,
        "file": row.file,
        "because": row.because,
    }


def _campaign(row: CampaignRow) -> dict[str, Any]:
    return {"campaign": row.id, "state": row.state, "by": row.state_by, "note": row.note}
