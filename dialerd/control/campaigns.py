"""Commands on campaigns: make, change, approve, start, pause, and ask how they stand (C01-C03, C15).

Never moves a campaign outside the state table: an illegal move is refused with the legal ones named.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns import figures
from dialerd.campaigns.dialing import leads_done
from dialerd.campaigns.live import Live
from dialerd.campaigns.supply import GONE
from dialerd.campaigns.why import why
from dialerd.control.faults import checked_policy
from dialerd.control.table import EVERYBODY, LAUNCHERS, MAKERS, Args, Command, Decided, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import MoveCampaign, Note, WriteCampaign
from dialerd.model.policies import Campaign, Name
from dialerd.model.rows import CampaignRow

PERSONS_MOVES = ("submit", "approve", "reject", "start", "pause", "resume", "stop")


class Which(Args):
    """One campaign."""

    campaign: Name
    """The campaign's id."""


class Move(Which):
    """One campaign, and why."""

    note: str = Field("", max_length=1000)
    """Why, for the audit trail."""


class Make(Which):
    """A new campaign."""

    policy: dict[str, Any]
    """The campaign's policy, as in config/campaigns/."""
    draft: bool = False
    """Keep it as a draft; else it waits for approval at once."""


class Change(Which):
    """New values for some keys of a campaign's policy."""

    policy: dict[str, Any]
    """Only the keys to change; null takes a key back to its default."""


class Listing(Args):
    """Campaigns by state."""

    state: str | None = Field(None, max_length=64)
    """Only campaigns in this state."""


class CampaignView(Result):
    """A campaign as it stands."""

    campaign: str
    name: str
    mode: str
    state: str
    source: str
    created_by: str
    created_at: str
    state_at: str
    state_by: str
    note: str
    leads: dict[str, int]
    policy: dict[str, Any] | None = None
    history: list[dict[str, str]] | None = None


class CampaignList(Result):
    """Campaigns."""

    campaigns: list[CampaignView]


class Moved(Result):
    """A campaign's new state."""

    campaign: str
    state: str


class Stats(Result):
    """A campaign's counts. Rates are null while nothing was counted."""

    campaign: str
    placed: int
    """Calls placed; each ends as one of connected, abandoned, hung_up, busy, no_answer, failed and lost."""
    answered: int
    """Customers who picked up; each ends as one of connected, abandoned and hung_up."""
    connected: int
    """Customers who talked with an agent."""
    abandoned: int
    """Customers who picked up and were given no agent: sent away, or gone after more than 2 s, or last seen before the daemon
    or Asterisk went away (what is not known of them is not taken for good)."""
    hung_up: int
    """Customers who picked up and hung up within 2 s."""
    busy: int
    no_answer: int
    failed: int
    lost: int
    """Calls of whose end nothing is known, and which nobody had picked up as far as is known."""
    talk_s: float
    abandon_rate: float | None
    """abandoned / (abandoned + connected)."""
    mean_wait_s: float | None
    """Seconds that the connected waited for their agent, on average."""
    live_calls: int
    leads: dict[str, int]


class Why(Result):
    """What limits a campaign now; `factor` is `none` while calls are being placed."""

    campaign: str
    state: str
    dialing: bool
    factor: str
    because: str
    until: str | None
    leads: dict[str, int]
    leads_due: int
    agents: dict[str, int]
    agents_free: int
    calls: int
    lines: dict[str, str]


def known(live: Live, campaign: str) -> CampaignRow:
    """The campaign's row. Raises Refusal."""
    row = live.campaigns.get(campaign)
    if row is None:
        raise Refusal("unknown_campaign", f"there is no campaign {campaign}", "campaign", sorted(live.campaigns)[:50])
    return row


def checked(live: Live, policy: dict[str, Any]) -> Campaign:
    """The policy as a checked value, its names pointing at what is configured. Raises Refusal with every fault."""
    return checked_policy(live.floor, policy, "policy")


def _view(live: Live, row: CampaignRow) -> CampaignView:
    policy = live.policies[row.id]
    return CampaignView(
        campaign=row.id,
        name=policy.name,
        mode=policy.mode,
        state=row.state,
        source=row.source,
        created_by=row.created_by,
        created_at=iso(row.created_at),
        state_at=iso(row.state_at),
        state_by=row.state_by,
        note=row.note,
        leads={state: n for state, n in sorted(live.lead_states[row.id].items()) if n},
    )


def _create(live: Live, who: Who, args: Make) -> Decided:
    if args.campaign in live.campaigns:
        raise Refusal("exists", f"there is a campaign {args.campaign} already", "campaign")
    policy = checked(live, args.policy).model_dump(mode="json")
    state = "draft" if args.draft else "pending"
    write = WriteCampaign(args.campaign, policy, "command", who.principal, state)
    return Decided(
        Moved(campaign=args.campaign, state=state), (write, Note(who.principal, "campaign.create", args.campaign))
    )


def _update(live: Live, who: Who, args: Change) -> Decided:
    row = known(live, args.campaign)
    if row.source == "file":
        raise Refusal("from_file", f"{row.id} is kept in the configuration: change it there and reload", "campaign")
    if row.state == "finished":
        raise Refusal("illegal_state", f"{row.id} is finished and is not edited any more", "campaign")
    merged = {**row.policy, **args.policy}
    policy = checked(live, {key: value for key, value in merged.items() if value is not None}).model_dump(mode="json")
    changed = ", ".join(sorted(args.policy))
    write = WriteCampaign(row.id, policy, row.source, who.principal)
    return Decided(
        Moved(campaign=row.id, state=row.state), (write, Note(who.principal, "campaign.update", row.id, changed))
    )


def _move(kind: str) -> Any:
    def judge(live: Live, who: Who, args: Move) -> Decided:
        row = known(live, args.campaign)
        state = states.after(states.CAMPAIGN, row.state, kind)
        if state is None:
            legal = [move for move in states.moves(states.CAMPAIGN, row.state) if move in PERSONS_MOVES]
            raise Refusal("illegal_move", f"{row.id} is {row.state}: it cannot {kind}", "campaign", legal)
        policy = live.policies[row.id]
        if kind in ("start", "resume") and row.source == "file" and row.id not in live.floor.campaigns:
            raise Refusal("not_configured", f"{row.id} was {GONE}: put it back and reload", "campaign")
        if kind in ("start", "resume") and policy.ends_at is not None and policy.ends_at <= live.now:
            raise Refusal("over", f"{row.id} ended at {iso(policy.ends_at)}: give it a later end first", "campaign")
        if kind == "start" and row.state == "finished" and policy.finish_when_done and leads_done(live, row.id):
            because = "it finishes when none of its leads is left to dial, and none is: add leads first"
            raise Refusal("no_leads", f"{row.id} cannot start again: {because}", "campaign")
        for path, found, allowed in live.floor.unknown_in(policy) if kind in ("start", "resume") else ():
            key = ".".join(path)
            raise Refusal("not_configured", f"{key} of {row.id}: {found!r} is not configured", key, allowed)
        return Decided(
            Moved(campaign=row.id, state=state),
            (
                MoveCampaign(row.id, kind, who.principal, args.note),
                Note(who.principal, f"campaign.{kind}", row.id, args.note),
            ),
        )

    return judge


async def _get(desk: Desk, who: Who, args: Which) -> CampaignView:
    row = known(desk.live, args.campaign)
    view = _view(desk.live, row)
    view.policy = row.policy
    view.history = [
        {"at": iso(entry.at), "principal": entry.principal, "command": entry.command, "note": entry.note}
        for entry in await desk.store.audit(row.id, 100)
    ]
    return view


async def _list(desk: Desk, who: Who, args: Listing) -> CampaignList:
    if args.state is not None and args.state not in states.CAMPAIGN:
        raise Refusal("bad_argument", f"{args.state!r} is not a state", "state", sorted(states.CAMPAIGN))
    rows = [row for row in desk.live.campaigns.values() if args.state in (None, row.state)]
    return CampaignList(campaigns=[_view(desk.live, row) for row in sorted(rows, key=lambda row: row.id)])


async def _stats(desk: Desk, who: Who, args: Which) -> Stats:
    known(desk.live, args.campaign)
    return stats_of(desk.live, args.campaign)


def stats_of(live: Live, campaign: str) -> Stats:
    """A campaign's counts and rates."""
    tally = live.tallies[campaign]
    return Stats(
        campaign=campaign,
        placed=tally.placed,
        answered=tally.answered,
        connected=tally.connected,
        abandoned=tally.abandoned,
        hung_up=tally.hung_up,
        busy=tally.busy,
        no_answer=tally.no_answer,
        failed=tally.failed,
        lost=tally.lost,
        talk_s=round(tally.talk_s, 3),
        abandon_rate=figures.abandon_rate(tally),
        mean_wait_s=round(tally.wait_s / tally.connected, 3) if tally.connected else None,
        live_calls=live.campaign_lines[campaign],
        leads={state: n for state, n in sorted(live.lead_states[campaign].items()) if n},
    )


async def _why(desk: Desk, who: Who, args: Which) -> Why:
    known(desk.live, args.campaign)
    found = why(desk.live, args.campaign)
    failing = desk.house.status().get("store_failing")
    if failing:
        found |= {
            "dialing": False,
            "factor": "store",
            "because": f"the store cannot be written: {failing}",
            "until": None,
        }
    return Why(**found)


def _mover(kind: str, summary: str, roles: Any) -> Command[Move]:
    return Command(f"campaign.{kind}", summary, roles, Move, Moved, "turn", judge=_move(kind))


COMMANDS: tuple[Command[Any], ...] = (
    Command("campaign.create", "Make a campaign", MAKERS, Make, Moved, "turn", judge=_create),
    Command("campaign.update", "Change a campaign's policy", MAKERS, Change, Moved, "turn", judge=_update),
    Command(
        "campaign.get", "One campaign with its policy and history", EVERYBODY, Which, CampaignView, "read", read=_get
    ),
    Command("campaign.list", "All campaigns", EVERYBODY, Listing, CampaignList, "read", read=_list),
    _mover("submit", "Ask for a campaign's approval", MAKERS),
    _mover("approve", "Approve a campaign", frozenset({"owner"})),
    _mover("reject", "Reject a campaign", frozenset({"owner"})),
    _mover("start", "Start an approved campaign", LAUNCHERS),
    _mover("pause", "Place no more calls for a campaign", LAUNCHERS),
    _mover("resume", "Go on with a paused campaign", LAUNCHERS),
    _mover("stop", "Finish a campaign", LAUNCHERS),
    Command("campaign.stats", "A campaign's counts", EVERYBODY, Which, Stats, "read", read=_stats),
    Command("campaign.why", "Why a campaign is not dialing", EVERYBODY, Which, Why, "read", read=_why),
)
