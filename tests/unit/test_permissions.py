"""Who may do what: every command, role, ownership and state, against the table and against plain words (C03, C04)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.live import Live
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.control import permissions
from dialerd.control.campaigns import Which
from dialerd.control.commands import COMMANDS
from dialerd.control.permissions import RULES, SEES, allow, rules_of
from dialerd.control.table import Command, Who, permit
from dialerd.model import facts as f
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.policies import Campaign, Floor
from dialerd.model.rows import CampaignRow
from tests.doubles.desk_of_facts import START, Centre, floor

ROLES = ("owner", "admin", "supervisor", "agent", "ops")
STATES = tuple(states.CAMPAIGN)
ME = "me"
KINDS = ("mine", "in_charge", "named", "others", "not_named", "file")
"""What the campaign is to me: made by me, in my charge, naming me under supervisors, another's, another's and naming others
as supervisors, kept in the configuration."""
POLICY: dict[str, Any] = {"name": "Summer", "trunks": ["main"], "region": "none"}
ON_A_CAMPAIGN = [
    entry for entry in COMMANDS.values() if entry.name != "campaign.create" and "campaign" in entry.args.model_fields
]


def policy_of(kind: str) -> dict[str, Any]:
    if kind == "in_charge":
        return {**POLICY, "business": {"person_in_charge": ME}, "supervisors": ["sue"]}
    if kind in ("mine", "not_named"):
        return {**POLICY, "supervisors": ["sue"]}
    return {**POLICY, "supervisors": [ME]} if kind == "named" else POLICY


def house() -> Live:
    """A floor with the campaign `it` of each kind in each state to be put in; `me` is an agent of all campaigns, too."""
    engine = Engine(nothing_kept("00c0ffee"))
    engine.begin(1, START)
    people = {ME: {"roles": ["agent"]}, "sue": {"roles": ["supervisor"]}}
    configuration = floor(people=people)
    configuration["agents"]["1001"]["principal"] = ME
    engine.apply(f.Configured(Floor.model_validate(configuration).model_dump(mode="json")))
    return engine.live


def put(live: Live, kind: str, state: str, channel: str = "voice", paused_by: str = ME) -> CampaignRow:
    policy = Campaign.model_validate(policy_of(kind))
    by = {"mine": ME, "file": "configuration"}.get(kind, "ann")
    source = "file" if kind == "file" else "command"
    row = CampaignRow("it", policy.model_dump(mode="json"), state, source, by, START, START, paused_by)
    live.put_campaign(row)
    if channel != "voice":
        live.policies["it"] = policy.model_copy(update={"channel": channel})
    return row


def args_of(entry: Command[Any], campaign: str, **more: Any) -> Any:
    """Arguments that all name one campaign."""
    names = [name for name in entry.args.model_fields if name == "campaign" or name.endswith("_campaign")]
    return entry.args.model_construct(**dict.fromkeys(names, campaign), **more)


def verdict(live: Live, entry: Command[Any], roles: frozenset[str], state: str) -> str:
    """`yes`, or the code of the refusal; the state table has its say for moves."""
    who = Who(ME, roles)
    args = args_of(entry, "it", policy={"lines": 5})
    try:
        permit(entry, who)
        allow(live, who, entry, args)
    except Refusal as refusal:
        return refusal.code
    kind = entry.verb if entry.resource == "campaign" else ""
    moves = {move for table in states.CAMPAIGN.values() for move in table}
    return "illegal_move" if kind in moves and kind not in states.CAMPAIGN[state] else "yes"


# --- what the table says


def expected(entry: Command[Any], role: str, kind: str, state: str) -> str:
    """The verdict as the table's words mean it, worked out by other means than `allow`."""
    rules = rules_of(entry)
    if role not in rules:
        return "forbidden"
    sees = {
        "owner": True,
        "ops": True,
        "admin": kind in ("mine", "in_charge", "file"),
        "supervisor": kind != "not_named",
        "agent": state in ("approved", "scheduled", "running", "paused", "finished"),
    }[role]
    if not sees or state == "deleted":
        return "unknown_campaign"
    rule = rules[role]  # type: ignore[index]
    if rule.scope == "named" and kind != "named":
        return "forbidden"
    legal = entry.resource != "campaign" or entry.verb not in permissions._MOVES or entry.verb in states.CAMPAIGN[state]
    if not legal:
        return "illegal_move"
    if rule.states is not None and state not in rule.states["voice"]:
        return "illegal_state"
    return "yes"


@pytest.mark.parametrize("entry", ON_A_CAMPAIGN, ids=lambda entry: entry.name)
def test_C04_each_command_keeps_to_the_table_for_each_role_ownership_and_state(entry: Command[Any]) -> None:
    live = house()
    looked = 0
    for kind, state in itertools.product(KINDS, STATES):
        put(live, kind, state)
        for role in ROLES:
            found = verdict(live, entry, frozenset({role}), state)
            assert found == expected(entry, role, kind, state), (entry.name, role, kind, state)
            looked += 1
    assert looked == len(KINDS) * len(STATES) * len(ROLES)


def test_C04_several_roles_add_up() -> None:
    """What any of his roles may he may: never less, and never more than one of them."""
    live = house()
    for entry, kind, state in itertools.product((COMMANDS[name] for name in RULES), KINDS, STATES):
        put(live, kind, state)
        alone = {role: verdict(live, entry, frozenset({role}), state) for role in ROLES}
        for one, other in itertools.combinations(ROLES, 2):
            both = verdict(live, entry, frozenset({one, other}), state)
            assert (both == "yes") == ("yes" in (alone[one], alone[other])), (entry.name, one, other, kind, state)


# --- what people expect, written by hand and not from the table


ALL = set(STATES) - {"deleted"}
HAND: list[tuple[str, str, str, set[str]]] = [
    # command, role, what the campaign is to him: the states in which he may
    ("campaign.approve", "owner", "others", {"pending"}),
    ("campaign.reject", "owner", "others", {"pending"}),
    ("campaign.approve", "admin", "mine", set()),
    ("campaign.approve", "supervisor", "mine", set()),
    ("campaign.start", "owner", "others", {"approved", "finished"}),
    ("campaign.start", "admin", "mine", {"approved", "finished"}),
    ("campaign.start", "admin", "in_charge", {"approved", "finished"}),
    ("campaign.start", "admin", "file", {"approved", "finished"}),
    ("campaign.start", "admin", "others", set()),
    ("campaign.start", "supervisor", "mine", set()),
    ("campaign.start", "supervisor", "named", set()),
    ("campaign.pause", "owner", "others", {"scheduled", "running"}),
    ("campaign.pause", "admin", "mine", {"scheduled", "running"}),
    ("campaign.pause", "supervisor", "named", {"scheduled", "running"}),
    ("campaign.pause", "supervisor", "mine", set()),
    ("campaign.pause", "supervisor", "others", set()),
    ("campaign.resume", "owner", "others", {"paused"}),
    ("campaign.stop", "admin", "others", set()),
    ("campaign.stop", "supervisor", "named", set()),
    ("campaign.delete", "owner", "others", {"draft", "pending", "approved", "rejected", "paused", "finished"}),
    ("campaign.delete", "admin", "mine", {"draft", "pending"}),
    ("campaign.delete", "admin", "others", set()),
    ("campaign.delete", "supervisor", "mine", set()),
    ("campaign.update", "owner", "others", ALL),
    ("campaign.update", "admin", "mine", ALL),
    ("campaign.update", "admin", "others", set()),
    ("campaign.update", "supervisor", "others", ALL),
    ("campaign.update", "supervisor", "not_named", set()),
    ("campaign.update", "agent", "others", set()),
    ("campaign.update", "ops", "others", set()),
    ("campaign.clone", "admin", "others", set()),
    ("campaign.clone", "supervisor", "named", ALL),
    ("campaign.get", "admin", "mine", ALL),
    ("campaign.get", "admin", "others", set()),
    ("campaign.get", "ops", "others", ALL),
    ("campaign.get", "agent", "others", {"approved", "scheduled", "running", "paused", "finished"}),
    ("campaign.stats", "admin", "others", set()),
    ("lead.list", "admin", "others", set()),
    ("lead.add", "supervisor", "not_named", set()),
    ("lead.add", "agent", "mine", set()),
]


@pytest.mark.parametrize(
    ("command", "role", "kind", "may"), HAND, ids=lambda value: value if isinstance(value, str) else ""
)
def test_C04_what_people_expect_is_so(command: str, role: str, kind: str, may: set[str]) -> None:
    live = house()
    for state in STATES:
        put(live, kind, state)
        found = verdict(live, COMMANDS[command], frozenset({role}), state)
        assert (found == "yes") == (state in may), (state, found)


@pytest.mark.parametrize("role", ["admin", "supervisor"])
def test_C04_what_the_owner_paused_he_alone_resumes(role: str) -> None:
    live = house()
    resume = COMMANDS["campaign.resume"]
    kind = {"admin": "mine", "supervisor": "named"}[role]
    for paused_by, found in ((ME, "yes"), ("configuration", "yes"), ("olga", "forbidden"), ("clock", "forbidden")):
        put(live, kind, "paused", paused_by=paused_by)
        assert verdict(live, resume, frozenset({role}), "paused") == found, paused_by
        assert verdict(live, resume, frozenset({"owner", role}), "paused") == "yes"


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_C04_a_message_campaign_is_editable_while_draft_pending_or_paused_and_never_once_sent(channel: str) -> None:
    live = house()
    for command, open_in in (
        ("campaign.update", {"draft", "pending", "paused"}),
        ("campaign.delete", {"draft", "pending", "approved", "rejected", "paused"}),
    ):
        for state, sent in itertools.product(STATES, (0, 1)):
            put(live, "others", state, channel)
            live.tallies["it"].placed = sent
            found = verdict(live, COMMANDS[command], frozenset({"owner"}), state)
            assert (found == "yes") == (state in open_in and not sent), (command, state, sent, found)


@pytest.mark.parametrize(("role", "kind"), [("owner", "others"), ("admin", "mine")])
def test_C04_nobody_deletes_a_voice_campaign_that_was_dialed(role: str, kind: str) -> None:
    live = house()
    delete = COMMANDS["campaign.delete"]
    for state, dialed in itertools.product(STATES, (0, 1)):
        put(live, kind, state)
        live.tallies["it"].placed = 0
        before = verdict(live, delete, frozenset({role}), state)
        live.tallies["it"].placed = dialed
        found = verdict(live, delete, frozenset({role}), state)
        assert found == ("illegal_state" if before == "yes" and dialed else before), (state, dialed)


def test_C15_what_a_campaign_brought_is_entered_after_its_end_whatever_the_channel() -> None:
    live = house()
    put(live, "others", "finished", "sms")
    live.tallies["it"].placed = 900
    update = COMMANDS["campaign.update"]
    for policy, good in (({"business": {"revenue": 5}}, True), ({"description": "x"}, True), ({"name": "x"}, False)):
        args = update.args.model_validate({"campaign": "it", "policy": policy})
        if good:
            allow(live, Who(ME, frozenset({"owner"})), update, args)
        else:
            with pytest.raises(Refusal, match="only while"):
                allow(live, Who(ME, frozenset({"owner"})), update, args)


# --- an unseen campaign is as one that is not there


def errors(live: Live, role: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for entry in ON_A_CAMPAIGN:
        if role not in entry.roles:
            continue
        answers = []
        for campaign in ("it", "no"):
            args = args_of(entry, campaign, policy={"lines": 5})
            with pytest.raises(Refusal) as refusal:
                allow(live, Who(ME, frozenset({role})), entry, args)
            answers.append(refusal.value.as_error())
        yield entry.name, *answers


@pytest.mark.parametrize(("role", "kind"), [("admin", "others"), ("supervisor", "not_named")])
def test_C04_an_unseen_campaign_is_answered_exactly_as_an_unknown_one(role: str, kind: str) -> None:
    live = house()
    put(live, kind, "running")
    looked = 0
    for name, unseen, unknown in errors(live, role):
        told = msgspec.json.encode(unseen).replace(b"campaign it", b"campaign no")
        assert told == msgspec.json.encode(unknown), name
        assert "it" not in unseen["allowed"]
        looked += 1
    assert looked > 10


def test_C19_a_deleted_campaign_is_there_for_nobody() -> None:
    live = house()
    put(live, "mine", "deleted")
    for role in ROLES:
        assert not permissions.sees(live, Who(ME, frozenset({role})), live.campaigns["it"])
        assert "it" not in [row.id for row in permissions.seen(live, Who(ME, frozenset({role})))]


def test_C04_a_command_on_two_campaigns_needs_both() -> None:
    live = house()
    put(live, "others", "draft")
    copy = COMMANDS["lead.copy"]
    admin = Who(ME, frozenset({"admin"}))
    for args in ({"campaign": "it", "from_campaign": "spring"}, {"campaign": "spring", "from_campaign": "it"}):
        with pytest.raises(Refusal, match="there is no campaign it"):
            allow(live, admin, copy, copy.args.model_validate(args))
    put(live, "mine", "draft")
    allow(live, admin, copy, copy.args.model_validate({"campaign": "it", "from_campaign": "spring"}))


# --- the table itself


def test_C04_the_table_is_about_commands_and_roles_that_there_are() -> None:
    assert set(SEES) == set(ROLES)
    for name, rules in RULES.items():
        assert COMMANDS[name].roles == frozenset(rules), name
        assert issubclass(COMMANDS[name].args, Which) or "campaign" in COMMANDS[name].args.model_fields
    for name in ("campaign.approve", "campaign.reject"):
        assert set(RULES[name]) == {"owner"}


def test_C04_a_judge_is_not_reached_by_who_may_not() -> None:
    """In the turn itself, not only before: what the campaign is may have changed meanwhile."""
    centre = Centre(start=False)
    assert centre.ask("campaign.create", "sam", campaign="summer", policy=POLICY)["ok"]
    assert centre.ask("campaign.approve", "olga", campaign="summer")["ok"]
    refused = centre.ask("campaign.start", "ada", campaign="summer")["error"]
    assert (refused["code"], refused["allowed"]) == ("unknown_campaign", ["spring"])
    assert centre.live.campaigns["summer"].state == "approved"
    assert centre.ask("campaign.update", "olga", campaign="summer", policy={"business": {"person_in_charge": "ada"}})[
        "ok"
    ]
    assert centre.ask("campaign.start", "ada", campaign="summer")["ok"]


def test_C04_a_supervisor_does_not_say_whose_a_campaign_is() -> None:
    centre = Centre(start=False)
    assert centre.ask("campaign.create", "olga", campaign="summer", policy=POLICY)["ok"]
    for policy, field in (
        ({"supervisors": ["sam"]}, "policy.supervisors"),
        ({"business": {"person_in_charge": "sam"}}, "policy.business.person_in_charge"),
    ):
        error = centre.ask("campaign.update", "sam", campaign="summer", policy=policy)["error"]
        assert (error["code"], error["field"]) == ("forbidden", field)
    assert centre.ask("campaign.update", "sam", campaign="summer", policy={"lines": 3})["ok"]
    assert centre.ask("campaign.update", "olga", campaign="summer", policy={"supervisors": ["sam"]})["ok"]
    error = centre.ask("campaign.update", "olga", campaign="summer", policy={"supervisors": ["sma"]})["error"]
    assert (error["code"], error["field"]) == ("bad_argument", "policy.supervisors.0")
