"""Teams: agents who sit on one server and take calls of the same campaigns, and who of them is free, the longest idle first.

Never an opinion on who should be called: it only keeps the answers ready, so that a call costs the same in a big house.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set

from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign, Floor

_NOBODY: frozenset[str] = frozenset()
_SPARE = 64
"""Stale entries of a queue beyond which it is made anew."""


class Team:
    """Agents who are alike for dialing: the same server, the same campaigns."""

    __slots__ = ("campaigns", "free", "queue", "running", "server")

    def __init__(self, server: str, campaigns: set[str]) -> None:
        self.server = server
        self.campaigns = campaigns
        """All campaigns whose calls they take, whatever their state."""
        self.running: set[str] = set()
        """Those of them that run."""
        self.free: dict[str, Instant] = {}
        """Free agents, and since when each is ready."""
        self.queue: list[tuple[Instant, str]] = []
        """A heap of them; entries that `free` does not confirm are stale."""

    def longest_idle(self) -> tuple[Instant, str] | None:
        """(since, agent) of the free agent who has been ready the longest."""
        queue = self.queue
        while queue:
            since, agent = queue[0]
            if self.free.get(agent) == since:
                return queue[0]
            heapq.heappop(queue)
        return None

    def _push(self, agent: str, since: Instant) -> None:
        if len(self.queue) > 2 * len(self.free) + _SPARE:
            self.queue = [(at, one) for one, at in self.free.items()]
            heapq.heapify(self.queue)
        heapq.heappush(self.queue, (since, agent))


class Teams:
    """All teams of the floor, made anew when it or a campaign's own list of agents changes."""

    def __init__(self) -> None:
        self._of: dict[str, Team] = {}
        self._teams: list[Team] = []
        self._by_campaign: dict[tuple[str, str], list[Team]] = {}
        self._manned: Counter[tuple[str, str]] = Counter()
        self._only: dict[str, frozenset[str]] = {}
        """Campaigns that name their agents themselves, and whom they name."""
        self._known: set[str] = set()

    # --- questions

    def serves(self, agent: str, campaign: str) -> bool:
        """Whether the agent takes calls of the campaign: his own list and the campaign's both let him."""
        team = self._of.get(agent)
        return team is not None and campaign in team.campaigns

    def manned(self, campaign: str, server: str) -> bool:
        """Whether a free agent of a campaign that runs is on the server."""
        return self._manned[campaign, server] > 0

    def has(self, campaign: str, server: str) -> bool:
        """Whether the campaign has agents on the server at all."""
        return (campaign, server) in self._by_campaign

    def meet(self, one: str, other: str) -> bool:
        """Whether some agents take calls of both campaigns."""
        return any(one in team.campaigns and other in team.campaigns for team in self._teams)

    def longest_idle(self, campaign: str, server: str, without: Set[str] = _NOBODY) -> str | None:
        """The free agent of the campaign on the server who has been ready the longest, of all but `without`."""
        best: tuple[Instant, str] | None = None
        for team in self._by_campaign.get((campaign, server), ()):
            head = team.longest_idle() if team.free else None
            if head is not None and head[1] in without:
                head = min(((at, agent) for agent, at in team.free.items() if agent not in without), default=None)
            if head is not None and (best is None or head < best):
                best = head
        return best[1] if best is not None else None

    # --- changes

    def came(self, agent: str, since: Instant) -> None:
        """The agent is free from now on; he has been ready since `since`."""
        team = self._of.get(agent)
        if team is None or team.free.get(agent) == since:
            return
        if not team.free:
            self._man(team, 1)
        team.free[agent] = since
        team._push(agent, since)

    def left(self, agent: str) -> None:
        """The agent is not free any more."""
        team = self._of.get(agent)
        if team is not None and team.free.pop(agent, None) is not None and not team.free:
            self._man(team, -1)

    def _man(self, team: Team, by: int) -> None:
        for campaign in team.running:
            self._manned[campaign, team.server] += by

    def form(
        self,
        floor: Floor,
        policies: Mapping[str, Campaign],
        running: Iterable[str],
        free: Iterable[str],
        since: Callable[[str], Instant],
    ) -> None:
        """Make all teams anew. `since`: when a free agent became ready."""
        self._known = set(policies)
        self._only = {name: named for name, policy in policies.items() if (named := _named(floor, policy)) is not None}
        let_in: dict[str, list[str]] = {}
        for campaign, named in self._only.items():
            for agent in named:
                let_in.setdefault(agent, []).append(campaign)
        self._of, self._teams, self._by_campaign, self._manned = {}, [], {}, Counter()
        formed: dict[object, Team] = {}
        for agent, policy in floor.agents.items():
            own = "all" if policy.campaigns == "all" else frozenset(policy.campaigns)
            key = (policy.server, own, tuple(let_in.get(agent, ())))
            team = formed.get(key)
            if team is None:
                wanted = policies if policy.campaigns == "all" else policy.campaigns
                serves = {c for c in wanted if c in policies and (c not in self._only or agent in self._only[c])}
                team = formed[key] = Team(policy.server, serves)
                self._teams.append(team)
                for campaign in serves:
                    self._by_campaign.setdefault((campaign, team.server), []).append(team)
            self._of[agent] = team
        for campaign in running:
            self.run(campaign, True)
        for agent in free:
            self.came(agent, since(agent))

    def fits(self, floor: Floor, campaign: str, policy: Campaign) -> bool:
        """Whether the teams are right for a campaign as its policy is now; else they are to be formed anew."""
        if not floor.agents:
            return True
        return campaign in self._known and self._only.get(campaign) == _named(floor, policy)

    def run(self, campaign: str, runs: bool) -> None:
        """The campaign runs from now on, or does not."""
        for team in self._teams:
            if campaign not in team.campaigns or runs == (campaign in team.running):
                continue
            if runs:
                team.running.add(campaign)
            else:
                team.running.discard(campaign)
            if team.free:
                self._manned[campaign, team.server] += 1 if runs else -1


def _named(floor: Floor, policy: Campaign) -> frozenset[str] | None:
    """The agents whom a campaign names itself, one by one or by group; None: it takes all."""
    if not policy.agents and not policy.agent_groups:
        return None
    grouped = (agent for group in policy.agent_groups for agent in floor.agent_groups.get(group, ()))
    return frozenset((*policy.agents, *grouped))
