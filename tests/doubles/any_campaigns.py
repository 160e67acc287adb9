"""Houses, campaigns and numbers as chance makes them, good as well as hard ones, for tests of all that may happen.

Never draws by itself: whoever asks brings the chance, so that a failure is found again and made smaller.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

from dialerd.model.instants import Instant
from dialerd.model.policies import Floor

START = 1_795_395_600.0  # 2026-11-23 08:00 in Viet Nam, a Monday; 20:00 on Sunday in New York
CAMPAIGNS = ("spring", "autumn", "winter", "summer")
AGENTS = ("1001", "1002", "1003")
PEOPLE: dict[str, tuple[str, ...]] = {
    "olga": ("owner",),
    "ada": ("admin",),
    "adam": ("admin",),
    "sam": ("supervisor",),
    "sue": ("supervisor", "agent"),
    "otto": ("ops",),
    "stranger": (),
    "1001": ("agent",),
    "1002": ("agent",),
    "1003": (),
}
"""Who gives commands, and the roles they have; sue speaks for the agent 1003, so that his own name is nobody."""


class Where(NamedTuple):
    """Where a number is called."""

    country: str
    zones: tuple[str, ...]


NUMBERS: dict[str, Where] = {
    **{f"+8491234500{n}": Where("VN", ("Asia/Ho_Chi_Minh",)) for n in range(1, 6)},
    "+842838220101": Where("VN", ("Asia/Ho_Chi_Minh",)),
    "+12125550123": Where("US", ("America/New_York",)),
    "+12125550124": Where("US", ("America/New_York",)),
    "+13055550123": Where("US", ("America/New_York",)),
    "+12135550123": Where("US", ("America/Los_Angeles",)),
}
"""All numbers that may ever be called, in E.164; a private network calls them by their digits."""
NEVER = ("113", "115", "112", "911", "1900123456", "+8419001234", "1800123456", "+18005550123", "+19005550123", "12345")
"""Emergency, short, premium, toll-free: never to be called; some are not even numbers there."""
NONSENSE = ("", "abc", "0", "+84", "0912345001; 0912345002", "9" * 30, "8.49123E+10", "+84912345001x")
DISPOSITIONS: dict[str, dict[str, Any]] = {
    "sale": {"title": "Sold", "success": True},
    "later": {"title": "Later", "recontact": True, "recall_within_days": 30},
    "soon": {"title": "Soon", "recontact": True, "recall_after_min": 30, "outcomes": ["no_answer", "busy", "error"]},
    "no": {"title": "No", "closes": True, "refusal": True},
    "never": {"title": "Never", "blacklist": "own", "needs_no_call": True},
    "not-here": {"title": "Not here", "blacklist": "campaign", "blacklist_channel": "voice"},
    "rest": {"title": "Leave alone", "not_again_days": 2, "needs_no_call": True},
    "mine": {"title": "Mine", "recontact": True, "recall_after_min": 1, "private": True},
    "over": {"title": "To autumn", "move_to": "autumn", "needs_no_call": True},
    "remark": {"title": "Remark", "needs_no_call": True, "outcomes": ["answered", "busy", "no_answer", "error"]},
}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULES: dict[str, dict[str, Any]] = {
    "always": {"time_zone": "Asia/Ho_Chi_Minh", "week": {day: ["00:00-24:00"] for day in DAYS}},
    "office": {
        "time_zone": "Asia/Ho_Chi_Minh",
        "week": {day: ["08:00-11:30", "13:30-17:30"] for day in DAYS[:6]},
        "holidays": ["2026-11-25"],
    },
    "east": {"time_zone": "America/New_York", "week": {day: ["09:00-20:00"] for day in DAYS}},
    "closed": {"time_zone": "UTC", "week": {}},
}


def written(chance: Random, number: str) -> str:
    """A number as one may write it; without its country no American one: its digits would be somebody's in Viet Nam."""
    if number.startswith("+84"):
        return chance.choice([number, number[1:], f"0{number[3:]}", f"0{number[3:6]} {number[6:9]} {number[9:]}"])
    return chance.choice(
        [number, f"{number[:2]} {number[2:5]} {number[5:]}", f"{number[:2]} ({number[2:5]}) {number[5:]}"]
    )


def any_phone(chance: Random) -> str:
    """What may stand in a field of a phone: mostly a number."""
    kind = chance.randrange(12)
    if kind == 0:
        return chance.choice(NEVER)
    if kind == 1:
        return chance.choice(NONSENSE)
    return written(chance, chance.choice(list(NUMBERS)))


def any_moment(chance: Random, now: Instant) -> str:
    """A moment near `now`, mostly one to come."""
    ahead = chance.choice([-7200.0, 0.0, 20.0, 120.0, 900.0, 7200.0, 86400.0, 259200.0, 86400.0 * 400])
    return datetime.fromtimestamp(now + ahead, UTC).isoformat()


def any_policy(chance: Random, now: Instant, trunks: list[str]) -> dict[str, Any]:
    """A campaign's policy: the keys that rules and dialing ask for, each now and then."""
    pack = chance.choice(["plain", "plain", "vn", "us"])
    region = {"vn": "VN", "us": "US"}.get(pack) or chance.choice(["VN", "VN", "none", "US"])
    outcomes = ("busy", "no_answer", "rejected", "congestion", "hung_up", "lost", "unallocated", "unknown", "cancelled")
    policy: dict[str, Any] = {
        "name": chance.choice(["Spring", "Chúc mừng"]),
        "trunks": chance.sample(trunks, chance.randint(1, len(trunks))),
        "pack": pack,
        "region": region,
        "max_attempts": chance.randint(1, 4),
        "wrap_up_s": chance.choice([0, 5, 60]),
        "max_wait_s": chance.choice([1, 20]),
        "rest": {
            outcome: {
                "again_after_min": chance.choice([0, 0.5, 2, 30, None]),
                "at_most": chance.choice([None, None, 1, 2]),
            }
            for outcome in chance.sample(outcomes, chance.randint(0, 5))
        },
    }
    seldom: dict[str, Any] = {
        "schedule": chance.choice(["always", "office", "east", "closed"]),
        "purpose": chance.choice(["debt", "service", "marketing"]),
        "tries_per_phone": chance.randint(1, 3),
        "lines": chance.randint(1, 2),
        "share": chance.choice([0.5, 3]),
        "quota": chance.choice([{"per_agent": 1}, {"per_agent": 2, "each": {"1002": None, "1001": 0}}]),
        "order": {
            "recalls": chance.choice(["first", "with_retries"]),
            "mix": chance.choice(["fresh_first", "retries_first", "2:1"]),
            "fresh": chance.choice(["oldest", "newest"]),
            "retries": chance.choice(["earliest_due", "fewest_attempts"]),
        },
        "lists": chance.choice([{"a": 0}, {"a": 3, "b": 1}, {"b": 0, "": 2}]),
        "hotlines": chance.sample(["sales", "care"], chance.randint(1, 2)),
        "hotline_group": chance.choice(["all", "both"]),
        "agents": chance.sample(AGENTS, chance.randint(1, 2)),
        "agent_groups": ["team"],
        "finish_when_done": True,
        "tickets": chance.choice(["each_call", "connected"]),
        "account_manager": "on_contact",
        "supervisors": chance.choice([["sam"], ["sue", "sam"], []]),
        "business": {"person_in_charge": chance.choice(["ada", "adam"])},
        "ends_at": any_moment(chance, now),
        "starts_at": any_moment(chance, now),
        "fields": [{"name": "city", "required": chance.choice([True, False])}],
        "dispose_within_min": chance.choice([0, 60]),
        "time_zone": "America/New_York",
    }
    if "" in seldom["lists"]:
        del seldom["lists"][""]
    for key in chance.sample(sorted(seldom), chance.randint(0, 5)):
        policy[key] = seldom[key]
    return policy


def any_house(chance: Random) -> dict[str, Any]:
    """A configuration, as the JSON of `policies.Floor`."""
    second = chance.choice([True, False])
    trunks = {
        "main": {
            "server": "pbx",
            "dial": "PJSIP/{number}@main",
            "lines": chance.randint(1, 4),
            "calls_per_second": chance.choice([1, 50]),
            "number_format": chance.choice(["e164", "plain", "national"]),
        },
        "side": {
            "server": "pbx2" if second else "pbx",
            "dial": "SIP/side/{number}",
            "lines": 2,
            "calls_per_second": 50,
            "ordinary_lines": chance.choice([0, 1]),
            "count_ordinary": chance.choice([True, False]),
        },
    }
    agents = {
        name: {
            "phone": f"PJSIP/{name}",
            "server": "pbx2" if second and name == "1003" else "pbx",
            "softphone": chance.choice(["ring", "nailed_up"]),
            "campaigns": chance.choice(["all", "all", ["spring", "winter"], ["autumn"]]),
            "principal": "sue" if name == "1003" else None,
        }
        for name in AGENTS
    }
    people = {name: {"roles": list(roles)} for name, roles in PEOPLE.items() if roles and name not in AGENTS}
    file_campaigns = chance.choice([("spring",), ("spring", "autumn")])
    house = {
        "servers": {"pbx": {}, "pbx2": {}} if second else {"pbx": {}},
        "trunks": trunks,
        "hotlines": {"sales": {"number": "+842871000001"}, "care": {"number": "+842871000002"}},
        "hotline_groups": {"both": ["sales", "care"]},
        "limits": {"calls": chance.choice([None, None, 2])},
        "schedules": SCHEDULES,
        "dispositions": DISPOSITIONS,
        "scripts": {"default": {"name": "Talk", "questions": [{"name": "happy", "ask": "Happy?"}]}},
        "agents": agents,
        "agent_groups": {"team": ["1001", "1002"]},
        "people": people,
        "campaigns": {name: good_policy(chance, START, list(trunks)) for name in file_campaigns},
    }
    return Floor.model_validate(house).model_dump(mode="json")


def good_policy(chance: Random, now: Instant, trunks: list[str]) -> dict[str, Any]:
    """A policy that may stand in a configuration: its end, if it has one, is after its start."""
    policy = any_policy(chance, now, trunks)
    if policy.get("starts_at", "") >= policy.get("ends_at", "~"):
        del policy["ends_at"]
    return policy


def changed_house(chance: Random, house: dict[str, Any], now: Instant) -> dict[str, Any]:
    """The same configuration but for one or two keys, as somebody edits it and reloads."""
    made = {**house}
    for _ in range(chance.randint(1, 2)):
        what = chance.randrange(7)
        if what == 0:
            trunk = chance.choice(sorted(made["trunks"]))
            lines = {**made["trunks"][trunk], "lines": chance.randint(2, 4)}
            made["trunks"] = {**made["trunks"], trunk: lines}
        elif what == 1:
            made["limits"] = {"calls": chance.choice([None, 1, 3])}
        elif what == 2:
            agent = chance.choice(sorted(made["agents"]))
            key, value = chance.choice(
                [("softphone", "ring"), ("softphone", "nailed_up"), ("phone", "PJSIP/desk-7"), ("campaigns", "all")]
            )
            made["agents"] = {**made["agents"], agent: {**made["agents"][agent], key: value}}
        elif what == 3:
            schedule = chance.choice(["always", "office", "closed"])
            made["schedules"] = {**made["schedules"], "office": SCHEDULES[schedule]}
        elif what == 4:
            name = chance.choice(["spring", "autumn", "winter"])
            trunks = list(made["trunks"])
            made["campaigns"] = {**made["campaigns"], name: good_policy(chance, now, trunks)}
        elif what == 5 and made["campaigns"]:
            gone = chance.choice(sorted(made["campaigns"]))
            made["campaigns"] = {name: one for name, one in made["campaigns"].items() if name != gone}
        elif what == 6:
            gone = chance.choice(AGENTS)
            kept = made["agents"].get(gone)
            others = {name: one for name, one in made["agents"].items() if name != gone}
            made["agents"] = others if kept and len(others) > 1 else {**others, gone: kept or _agent(gone)}
            team = [name for name in ("1001", "1002") if name in made["agents"]]
            made["agent_groups"] = {"team": team}
    # what a campaign of a file names must be there: a configuration that names what is not is refused before it comes here
    there = set(made["agents"])
    campaigns = {}
    for name, policy in made["campaigns"].items():
        named = [agent for agent in policy.get("agents", []) if agent in there]
        campaigns[name] = {**policy, "agents": named}
    made["campaigns"] = campaigns
    return Floor.model_validate(made).model_dump(mode="json")


def _agent(name: str) -> dict[str, Any]:
    return {"phone": f"PJSIP/{name}", "server": "pbx", "principal": "sue" if name == "1003" else None}
