"""Whether a lead waits in vain: he may be dialed, somebody is free for him, a line too, and nobody dials him.

Never asks the engine: whoever may be dialed is found in plain books, by the same laws that a call is held against.
"""

from __future__ import annotations

from collections.abc import Iterator

from dialerd.model.policies import Trunk
from dialerd.model.rows import AgentRow, LeadRow
from dialerd.model.states import DIALABLE
from tests.doubles.laws_of_dialing import LawsOfDialing

LATE_S = 1.1
"""Seconds after a trunk's last call in which its calls per second may still hold the next one up."""


def in_vain(laws: LawsOfDialing) -> str:
    """In words, one lead who waits though all is there that a call to him needs; empty: nobody does.

    To be asked when nothing is under way: every answer of the store has come, and every moment that was due.
    """
    books = laws.books
    if any(not row.booked and row.state in ("dialing", "ringing", "answered", "waiting") for row in books.live()):
        return ""  # who is free is kept for these
    for campaign, row in books.campaigns.items():
        if row.state != "running" or laws.hotlines(campaign) == set():
            continue
        trunks = [name for name in books.policies[campaign].trunks if _has_room(laws, campaign, name)]
        agents = [agent for agent in books.agents.values() if _is_free(laws, campaign, agent)] if trunks else []
        for lead in books.leads_of(campaign).values() if agents else ():
            for trunk in trunks:
                for agent in agents:
                    if _fits(laws, lead, agent, books.floor.trunks[trunk]):
                        return f"lead {lead.id} of {campaign} waits, and {agent.id} is free for him on {trunk}: {lead}"
    return ""


def _has_room(laws: LawsOfDialing, campaign: str, name: str) -> bool:
    books = laws.books
    trunk, live, held = books.floor.trunks.get(name), books.live(), laws.ordinary()
    if trunk is None or trunk.server not in books.up or laws.drained:
        return False
    policy, most = books.policies[campaign], books.floor.limits.calls
    lately = any(row.trunk == name and row.placed_at > books.now - LATE_S for row in books.attempts.values())
    return (
        sum(row.trunk == name for row in live) + held[name] < trunk.lines
        and (policy.lines is None or sum(row.campaign == campaign for row in live) < policy.lines)
        and (most is None or len(live) + sum(held.values()) < most)
        and not lately
    )


def _is_free(laws: LawsOfDialing, campaign: str, agent: AgentRow) -> bool:
    books = laws.books
    policy = books.floor.agents.get(agent.id)
    if policy is None or agent.state != "ready" or not agent.screen or agent.call:
        return False
    has_leg = agent.leg_state == "idle" if policy.softphone == "nailed_up" else not agent.leg
    kept = any(row.booked == agent.id for row in books.live())
    most = books.policies[campaign].quota.of(agent.id)
    below = most is None or laws.handed_today(campaign, agent.id) < most
    return has_leg and not kept and below and laws.serves(agent.id, campaign)


def _fits(laws: LawsOfDialing, lead: LeadRow, agent: AgentRow, trunk: Trunk) -> bool:
    books = laws.books
    if lead.state not in DIALABLE or lead.next_at > books.now or lead.private_to not in ("", agent.id):
        return False
    if books.floor.agents[agent.id].server != trunk.server or any(row.number == lead.number for row in books.live()):
        return False
    return not any(_against(laws, lead))


def _against(laws: LawsOfDialing, lead: LeadRow) -> Iterator[str]:
    return laws.against(lead.campaign, lead, lead.number, {lead.state})
