"""Commands on campaigns: make, change, approve, start, pause, delete, and ask how they stand (C01-C03, C15, C19).

Never moves a campaign outside the state table: an illegal move is refused with the legal ones named. Who may is decided
before, by `permissions`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns import figures
from dialerd.campaigns.dialing import leads_done
from dialerd.campaigns.live import Live
from dialerd.campaigns.named import unknown_names
from dialerd.campaigns.participation import totals
from dialerd.campaigns.supply import GONE
from dialerd.campaigns.why import why
from dialerd.control import permissions
from dialerd.control.faults import checked_policy
from dialerd.control.pack_faults import pack_faults, pack_fits, pack_warnings
from dialerd.control.table import EVERYBODY, MAKERS, Args, Command, Decided, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import MoveCampaign, Note, WriteCampaign
from dialerd.model.policies import Campaign, Floor, Name
from dialerd.model.rows import CampaignRow

PERSONS_MOVES = ("submit", "approve", "reject", "start", "pause", "resume", "stop", "delete")


class Which(Args):
    """One campaign."""

    campaign: Name
    """The campaign's id."""


class Move(Which):
    """One campaign, and why."""

    note: str = Field("", max_length=1000)
    """Why, for the audit trail."""


class Delete(Move):
    """A campaign to be deleted, and why."""

    confirm: Name | None = None
    """The campaign's id once more; needed where it has leads."""


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


class BusinessView(Result):
    """What a campaign is to cost and to bring (C15)."""

    currency: str
    budget: float | None
    expected_revenue: float | None
    cost: float | None
    revenue: float | None
    person_in_charge: str | None
    budget_left: float | None
    """budget - cost; null while one of them is not known."""
    revenue_share: float | None
    """revenue / expected_revenue."""


class CampaignView(Result):
    """A campaign as it stands."""

    campaign: str
    name: str
    channel: str
    mode: str
    state: str
    source: str
    """command: made by a person; file: kept in the configuration."""
    created_by: str
    created_at: str
    state_at: str
    state_by: str
    note: str
    starts_at: str | None
    ends_at: str | None
    began_at: str | None
    """When its first run began."""
    ended_at: str | None
    """When it finished the last time."""
    leads: dict[str, int]
    business: BusinessView | None
    """null for agents."""


class CampaignWhole(CampaignView):
    """A campaign with its policy and history."""

    policy: dict[str, Any]
    """Without `business` for agents."""
    history: list[dict[str, str]]
    """The newest hundred entries of the audit trail about it; `audit.list` has them all."""


class Moved(Result):
    """A campaign's new state."""

    campaign: str
    state: str
    warnings: list[str] = Field(default_factory=list)
    """What of a policy that was just written its rule pack advises against."""


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
    participation: dict[str, int]
    """Leads that registered, confirmed, joined and cancelled, cumulative: who joined had confirmed, and all had registered."""
    business: BusinessView | None = None
    """null for agents, and on the bus."""
    cost_per_connected: float | None = None
    """business.cost / connected."""


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
    """Leads at hand that may be dialed now."""
    leads_private: dict[str, int]
    """Those of them that only one agent may work, by agent."""
    leads_paused: dict[str, int]
    """Leads in lists that are paused by share 0, by list."""
    leads_refused: dict[str, int]
    """Leads that wait because a rule refused them when they were asked about last, by rule."""
    agents: dict[str, int]
    agents_free: int
    hotlines: dict[str, str]
    """Its hotlines that are not well, and what is the matter with them."""
    calls: int
    lines: dict[str, str]


def known(live: Live, campaign: str) -> CampaignRow:
    """The campaign's row. Raises Refusal; `permissions.allow` has done so before for whoever may not see it."""
    row = live.campaigns.get(campaign)
    if row is None or row.state == "deleted":
        raise Refusal("unknown_campaign", f"there is no campaign {campaign}", "campaign")
    return row


def checked(live: Live, policy: dict[str, Any]) -> Campaign:
    """The policy as a checked value, its names pointing at what is configured. Raises Refusal with every fault."""
    campaign = checked_policy(live.floor, policy, "policy", lambda campaign: pack_faults(live, campaign))
    for path, found, allowed in unknown_names(live, campaign):
        key = ".".join(("policy", *path))
        raise Refusal("bad_argument", f"{key}: found {found!r}, which is not there", key, allowed)
    return campaign


def business_of(live: Live, who: Who, campaign: str) -> BusinessView | None:
    """A campaign's money and who answers for it; None for whoever is an agent alone."""
    if who.roles <= {"agent"}:
        return None
    business = live.policies[campaign].business
    left = None if business.budget is None or business.cost is None else round(business.budget - business.cost, 2)
    share = business.revenue / business.expected_revenue if business.revenue and business.expected_revenue else None
    figures = business.model_dump()
    return BusinessView(**figures, budget_left=left, revenue_share=None if share is None else round(share, 4))


def view(live: Live, who: Who, row: CampaignRow) -> CampaignView:
    """A campaign as `who` may see it."""
    return CampaignView(**_told(live, who, row))


def _told(live: Live, who: Who, row: CampaignRow) -> dict[str, Any]:
    policy = live.policies[row.id]

    def at(instant: float | None) -> str | None:
        return None if instant is None else iso(instant)

    return {
        "campaign": row.id,
        "name": policy.name,
        "channel": policy.channel,
        "mode": policy.mode,
        "state": row.state,
        "source": row.source,
        "created_by": row.created_by,
        "created_at": iso(row.created_at),
        "state_at": iso(row.state_at),
        "state_by": row.state_by,
        "note": row.note,
        "starts_at": at(policy.starts_at),
        "ends_at": at(policy.ends_at),
        "began_at": at(row.began_at),
        "ended_at": at(row.ended_at),
        "leads": {state: n for state, n in sorted(live.lead_states[row.id].items()) if n},
        "business": business_of(live, who, row.id),
    }


def free_name(live: Live, campaign: str, field: str) -> None:
    """Raises Refusal if the id was ever a campaign's: calls and audit of a deleted one are still told under it."""
    row = live.campaigns.get(campaign)
    if row is not None:
        was = "was a campaign" if row.state == "deleted" else "is a campaign"
        raise Refusal("exists", f"there {was} {campaign} already", field)


def _create(live: Live, who: Who, args: Make) -> Decided:
    free_name(live, args.campaign, "campaign")
    policy = checked(live, args.policy)
    people_known(live.floor, policy)
    state = "draft" if args.draft else "pending"
    write = WriteCampaign(args.campaign, policy.model_dump(mode="json"), "command", who.principal, state)
    return Decided(
        Moved(campaign=args.campaign, state=state, warnings=pack_warnings(live, policy)),
        (write, Note(who.principal, "campaign.create", args.campaign)),
    )


def people_known(floor: Floor, policy: Campaign) -> None:
    """Raises Refusal for a person whom the policy names and nobody knows; a Unix user cannot be looked up."""
    known_people = set(floor.people) | {agent.principal or name for name, agent in floor.agents.items()}
    for path, name in policy.people():
        if name not in known_people and not name.startswith("unix."):
            field = ".".join(("policy", *path))
            raise Refusal(
                "bad_argument", f"{field}: found {name!r}, not one of people", field, sorted(floor.people)[:50]
            )


def _update(live: Live, who: Who, args: Change) -> Decided:
    row = known(live, args.campaign)
    if row.source == "file":
        raise Refusal("from_file", f"{row.id} is kept in the configuration: change it there and reload", "campaign")
    merged = {**row.policy, **args.policy}
    business = args.policy.get("business")
    if isinstance(business, dict):  # its keys are changed one by one, too
        both = {**row.policy.get("business", {}), **business}
        merged["business"] = {key: value for key, value in both.items() if value is not None}
    policy = checked(live, {key: value for key, value in merged.items() if value is not None})
    if policy.people() != live.policies[row.id].people():
        _may_say_whose(who, live.policies[row.id], policy)
        people_known(live.floor, policy)
    changed = ", ".join(sorted(args.policy))
    write = WriteCampaign(row.id, policy.model_dump(mode="json"), row.source, who.principal)
    return Decided(
        lambda: Moved(campaign=row.id, state=row.state, warnings=pack_warnings(live, policy)),
        (write, Note(who.principal, "campaign.update", row.id, changed)),
    )


def _may_say_whose(who: Who, before: Campaign, after: Campaign) -> None:
    if who.roles & {"owner", "admin"}:
        return
    for path in permissions.NOT_BY_SUPERVISORS:
        if _at(before, path) != _at(after, path):
            field = ".".join(("policy", *path))
            raise Refusal("forbidden", f"{field}: only an owner or an admin says whose a campaign is", field)


def _at(policy: Campaign, path: tuple[str, ...]) -> Any:
    value: Any = policy
    for key in path:
        value = getattr(value, key)
    return value


def after_move(row: CampaignRow, kind: str) -> str:
    """The state that a person's move leads to. Raises Refusal with the legal moves."""
    state = states.after(states.CAMPAIGN, row.state, kind)
    if state is None:
        legal = [move for move in states.moves(states.CAMPAIGN, row.state) if move in PERSONS_MOVES]
        raise Refusal("illegal_move", f"{row.id} is {row.state}: it cannot {kind}", "campaign", legal)
    return state


def _delete(live: Live, who: Who, args: Delete) -> Decided:
    row = known(live, args.campaign)
    if row.source == "file" and row.id in live.floor.campaigns:
        raise Refusal("from_file", f"{row.id} is kept in the configuration: take it out there and reload", "campaign")
    state = after_move(row, "delete")
    calls = live.campaign_lines[row.id]
    if calls:
        raise Refusal("illegal_state", f"{row.id} has calls that go on ({calls}): wait for their end", "campaign")
    leads = live.lead_states[row.id].total()
    if leads and args.confirm != row.id:
        told = ", ".join(f"{n} {state}" for state, n in sorted(live.lead_states[row.id].items()) if n)
        words = f"{row.id} has {leads} leads ({told}): give confirm={row.id} to delete it for good"
        raise Refusal("confirm_needed", words, "confirm", [row.id])
    counts = [f"{leads} leads"] if leads else []
    deleted = ": ".join([*counts, *([args.note] if args.note else [])])
    return Decided(
        Moved(campaign=row.id, state=state),
        (
            MoveCampaign(row.id, "delete", who.principal, args.note),
            Note(who.principal, "campaign.delete", row.id, deleted),
        ),
    )


def _move(kind: str) -> Any:
    def judge(live: Live, who: Who, args: Move) -> Decided:
        row = known(live, args.campaign)
        state = after_move(row, kind)
        policy = live.policies[row.id]
        if kind in ("start", "resume") and row.source == "file" and row.id not in live.floor.campaigns:
            raise Refusal("not_configured", f"{row.id} was {GONE}: put it back and reload", "campaign")
        if kind in ("start", "resume") and policy.ends_at is not None and policy.ends_at <= live.now:
            raise Refusal("over", f"{row.id} ended at {iso(policy.ends_at)}: give it a later end first", "campaign")
        if kind == "start" and row.state == "finished" and policy.finish_when_done and leads_done(live, row.id):
            because = "it finishes when none of its leads is left to dial, and none is: add leads first"
            raise Refusal("no_leads", f"{row.id} cannot start again: {because}", "campaign")
        unknown = [*live.floor.unknown_in(policy), *unknown_names(live, policy)]
        for path, found, allowed in unknown if kind in ("start", "resume") else ():
            key = ".".join(path)
            raise Refusal("not_configured", f"{key} of {row.id}: {found!r} is not configured", key, allowed)
        if kind in ("start", "resume"):
            pack_fits(live, row.id)
        return Decided(
            Moved(campaign=row.id, state=state),
            (
                MoveCampaign(row.id, kind, who.principal, args.note),
                Note(who.principal, f"campaign.{kind}", row.id, args.note),
            ),
        )

    return judge


async def _get(desk: Desk, who: Who, args: Which) -> CampaignWhole:
    row = known(desk.live, args.campaign)
    told = _told(desk.live, who, row)
    kept = () if told["business"] is not None else ("business",)
    policy = {key: value for key, value in row.policy.items() if key not in kept}
    history = [
        {"at": iso(entry.at), "principal": entry.principal, "command": entry.command, "note": entry.note}
        for entry in await desk.store.audit(row.id, 100)
    ]
    return CampaignWhole(**told, policy=policy, history=history)


async def _stats(desk: Desk, who: Who, args: Which) -> Stats:
    known(desk.live, args.campaign)
    stats = stats_of(desk.live, args.campaign)
    stats.business = business_of(desk.live, who, args.campaign)
    if stats.business is not None and stats.business.cost is not None and stats.connected:
        stats.cost_per_connected = round(stats.business.cost / stats.connected, 2)
    return stats


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
        participation=totals(live, campaign),
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


def _mover(kind: str, summary: str) -> Command[Move]:
    name = f"campaign.{kind}"
    return Command(name, summary, permissions.roles(name), Move, Moved, "turn", judge=_move(kind))


COMMANDS: tuple[Command[Any], ...] = (
    Command("campaign.create", "Make a campaign", MAKERS, Make, Moved, "turn", judge=_create),
    Command(
        "campaign.update",
        "Change a campaign's policy",
        permissions.roles("campaign.update"),
        Change,
        Moved,
        "turn",
        judge=_update,
    ),
    Command(
        "campaign.get", "One campaign with its policy and history", EVERYBODY, Which, CampaignWhole, "read", read=_get
    ),
    _mover("submit", "Ask for a campaign's approval"),
    _mover("approve", "Approve a campaign"),
    _mover("reject", "Reject a campaign"),
    _mover("start", "Start an approved campaign"),
    _mover("pause", "Place no more calls for a campaign"),
    _mover("resume", "Go on with a paused campaign"),
    _mover("stop", "Finish a campaign"),
    Command(
        "campaign.delete",
        "Delete a campaign for good, with its leads",
        permissions.roles("campaign.delete"),
        Delete,
        Moved,
        "turn",
        judge=_delete,
    ),
    Command("campaign.stats", "A campaign's counts", EVERYBODY, Which, Stats, "read", read=_stats),
    Command("campaign.why", "Why a campaign is not dialing", EVERYBODY, Which, Why, "read", read=_why),
)
