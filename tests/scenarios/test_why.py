"""Why is it not dialing? Each reason there is, brought about on a running daemon and asked for as an operator asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.dialerctl_program import at_a_terminal, dialerctl
from tests.contract.house_on_street import BUSY, LEAVES, ROOT, STAYS, StreetProcess, campaign, house
from tests.doubles.daemon_process import DaemonProcess

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TODAY = datetime.now(UTC)
_THEN = _TODAY + timedelta(days=3)
LATER = {"time_zone": "UTC", "week": {WEEK[_THEN.weekday()]: ["09:00-12:00"]}}
"""Working hours three days from now, whenever that is."""
OPENS = _THEN.replace(hour=9, minute=0, second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%S.000Z")

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "new": {},
    "early": {"starts_at": "2099-01-01T08:00:00+07:00"},
    "closed": {"schedule": "later"},
    "unlawful": {"pack": "night", "region": "VN"},
    "never": {"schedule": "never"},
    "holiday": {"schedule": "holiday"},
    "empty": {},
    "alone": {"trunks": ["main"]},
    "lonely": {"trunks": ["main"]},
    "rests": {"max_attempts": 5, "rest": {"busy": {"again_after_min": 60}}},
    "trunk-full": {"trunks": ["one-line"]},
    "full": {"lines": 1},
    "slow": {"trunks": ["slow"]},
    "booked": {},
    "quota": {"quota": {"per_agent": 0}},
    "last": {},
    "done": {"max_attempts": 1},
    "ends": {"max_attempts": 1, "finish_when_done": True},
    "far": {"trunks": ["elsewhere"]},
    "paused": {},
    "split": {},
    "held": {},
    "shelved": {"lists": {"old": 0}},
    "his": {},
    "chosen": {"mode": "manual"},
    "predicted": {"mode": "predictive"},
}


NIGHT = """
title: Nobody is ever called
version: 2026-11-21
countries: [VN]
windows:
  never: {channels: [voice], week: {}, source: a test, as_of: 2026-11-21, confidence: low}
"""


def settings() -> dict[str, Any]:
    """Each campaign has agents of its own, so that one does not take another's."""
    servers = {"away": {"port": 1, "secret_file": "ami.secret"}}
    dial = "PJSIP/{number}@street"
    trunks = {
        "one-line": {"server": "pbx", "dial": dial, "lines": 1, "calls_per_second": 1000},
        "slow": {"server": "pbx", "dial": dial, "calls_per_second": 0.001},
        "elsewhere": {"server": "away", "dial": dial},
    }
    schedules = {
        "later": LATER,
        "never": {"time_zone": "Asia/Ho_Chi_Minh", "week": {}},
        "holiday": {
            "time_zone": "UTC",
            "week": {day: ["00:00-24:00"] for day in WEEK},
            "holidays": [(_TODAY + timedelta(days=n)).date().isoformat() for n in (-1, 0, 1)],
        },
    }
    return {
        "servers": servers,
        "trunks": trunks,
        "schedules": schedules,
        "packs_dir": "packs",
        "dispositions": {"mine": {"title": "Mine", "recontact": True, "needs_no_call": True, "private": True}},
        "campaigns": {name: campaign(**policy) for name, policy in CAMPAIGNS.items()},
    }


AGENTS = {
    "1001": ["alone"],
    "1002": ["lonely"],
    "1003": ["rests", "done", "ends"],
    "1004": ["trunk-full"],
    "1005": ["trunk-full"],
    "1006": ["full"],
    "1007": ["full"],
    "1011": ["slow"],
    "1012": ["slow"],
    "1013": ["booked"],
    "1014": ["last"],
    "1015": ["last"],
    "1016": ["split"],
    "1017": ["his"],
    "1018": ["his"],
    "1019": ["quota"],
    "1020": ["chosen", "predicted"],
}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreetProcess]:
    with StreetProcess(tmp_path_factory.mktemp("street"), agents=20) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, street: StreetProcess) -> Iterator[DaemonProcess]:
    """Linked to the street; the server `away` is never there."""
    agents: dict[str, dict[str, Any]] = {number: {"campaigns": served} for number, served in AGENTS.items()}
    agents["1016"]["server"] = "away"
    folder = tmp_path_factory.mktemp("house")
    (folder / "packs").mkdir()
    (folder / "packs" / "night.yaml").write_text(NIGHT)
    with started(house(folder, street, agents, **settings())) as running:
        yield running


@contextmanager
def started(daemon: DaemonProcess) -> Iterator[DaemonProcess]:
    """The daemon started although one of its servers is away."""
    daemon.start(linked=False)
    try:
        daemon.until(
            lambda: daemon.ask("daemon.status")["status"]["servers"]["pbx"].startswith("connected"), "pbx is linked"
        )
        yield daemon
    finally:
        daemon.stop()


def why(daemon: DaemonProcess, name: str) -> dict[str, Any]:
    """What `dialerctl campaign why NAME` prints."""
    return dialerctl(daemon.socket, "campaign", "why", name).json


def until(daemon: DaemonProcess, name: str, factor: str) -> dict[str, Any]:
    """The answer, once the factor is this one; it must then also be what the operator reads."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.clear()
        found.update(daemon.ask("campaign.why", campaign=name))
        return bool(found["factor"] == factor)

    try:
        daemon.until(there, f"{name} is limited by {factor}")
    except AssertionError:
        raise AssertionError(f"{name}: {factor} is never told, but {found}") from None
    said = why(daemon, name)
    assert (said["factor"], said["dialing"]) == (factor, factor == "none")
    return said


def run(daemon: DaemonProcess, name: str, *leads: str) -> None:
    """Leads, agents at work, and the campaign started."""
    for number in leads:
        daemon.ask("lead.add", campaign=name, phone=number)
    for agent, served in AGENTS.items():
        if name in served and agent not in ("1001", "1002"):
            state = next(row["state"] for row in daemon.ask("agent.list")["agents"] if row["agent"] == agent)
            if state == "logged_out":
                daemon.ask("agent.login", agent=agent, ready=True)
    daemon.ask("campaign.start", campaign=name)


class TestItIsNotTheirTime:
    def test_C03_a_campaign_that_nobody_started_says_what_it_waits_for(self, daemon: DaemonProcess) -> None:
        assert until(daemon, "new", "approved")["because"] == "it is approved and not started"
        policy = json.dumps({"name": "Draft", "trunks": ["main"]})
        for words, factor, because in (
            (("create", "made", policy, "--draft"), "draft", "it is a draft: submit it for approval"),
            (("submit", "made"), "pending", "it waits for the owner's approval"),
            (("reject", "made", "--note", "no budget"), "rejected", "it was rejected"),
        ):
            dialerctl(daemon.socket, "campaign", *words)
            assert until(daemon, "made", factor)["because"] == because

    def test_C01_started_before_its_time_it_says_when_it_begins(self, daemon: DaemonProcess) -> None:
        run(daemon, "early", f"{STAYS}001")
        said = until(daemon, "early", "not_yet")
        assert (said["because"], said["until"]) == ("it starts at 2099-01-01T01:00:00.000Z", "2099-01-01T01:00:00.000Z")

    def test_C02_outside_the_working_hours_it_says_until_when(self, daemon: DaemonProcess) -> None:
        run(daemon, "closed", f"{STAYS}002")
        said = until(daemon, "closed", "hours")
        assert (said["because"], said["until"]) == ("outside the working hours of later", OPENS)
        run(daemon, "never", f"{STAYS}003")
        said = until(daemon, "never", "hours")
        assert (said["because"], said["until"]) == ("the schedule never never opens", None)
        run(daemon, "holiday", f"{STAYS}004")
        said = until(daemon, "holiday", "hours")
        day_after = (_TODAY + timedelta(days=2)).date().isoformat()
        assert (said["because"], said["until"]) == (
            "outside the working hours of holiday",
            f"{day_after}T00:00:00.000Z",
        )

    def test_C02_outside_the_hours_of_its_rule_pack_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "unlawful", "+84912345678")
        said = until(daemon, "unlawful", "law")
        assert (said["because"], said["until"]) == (
            "outside the hours of the rule pack night, wherever its numbers are", None,
        )  # fmt: skip
        told = dialerctl(daemon.socket, "lead", "explain", "unlawful", "+84912345678").json
        assert told["rule"] == "calling_window"
        assert {one["rule"]: one["allows"] for one in told["rules"]}["night/never"] is False

    def test_C03_a_paused_campaign_says_by_whom_and_with_his_words(self, daemon: DaemonProcess) -> None:
        run(daemon, "paused", f"{STAYS}005")
        principal = daemon.ask("campaign.get", campaign="paused")["history"][0]["principal"]
        dialerctl(daemon.socket, "campaign", "pause", "paused", "--note", "the carrier asked for it")
        assert until(daemon, "paused", "paused")["because"] == f"paused by {principal}: the carrier asked for it"
        dialerctl(daemon.socket, "campaign", "resume", "paused")
        dialerctl(daemon.socket, "campaign", "pause", "paused")
        assert until(daemon, "paused", "paused")["because"] == f"paused by {principal}"

    def test_C03_a_finished_campaign_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "held", f"{STAYS}006")
        dialerctl(daemon.socket, "campaign", "stop", "held")
        assert until(daemon, "held", "finished")["because"] == "it is finished"
        run(daemon, "ends", f"{BUSY}007")
        assert until(daemon, "ends", "finished")["leads"] == {"exhausted": 1}


class TestTheLeads:
    def test_C06_without_leads_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "empty")
        said = until(daemon, "empty", "no_leads")
        assert (said["because"], said["leads"]) == ("it has no leads: import some", {})

    def test_C10_when_all_leads_rest_it_says_until_when(self, daemon: DaemonProcess) -> None:
        run(daemon, "rests", f"{BUSY}010", f"{BUSY}011")
        said = until(daemon, "rests", "resting")
        assert said["because"] == "no lead is due: 2 leads rest after an attempt"
        first = min(lead["next_at"] for lead in daemon.leads("rests"))
        assert said["until"] == first
        assert timedelta(minutes=50) < datetime.fromisoformat(first) - datetime.now(UTC) <= timedelta(minutes=60)
        assert said["leads"] == {"retry": 2}

    def test_C09_when_the_last_leads_are_called_and_when_all_are_done(self, daemon: DaemonProcess) -> None:
        run(daemon, "last", f"{STAYS}012")
        assert until(daemon, "last", "last_calls")["because"] == "the last 1 lead is being called"
        run(daemon, "done", f"{BUSY}013", f"{LEAVES}014")
        said = until(daemon, "done", "leads_done")
        assert (said["because"], said["leads"]) == ("no lead is left to dial", {"exhausted": 1, "succeeded": 1})

    def test_C09_when_all_leads_are_in_paused_lists_it_names_them(self, daemon: DaemonProcess) -> None:
        daemon.ask("lead.add", campaign="shelved", phone=f"{STAYS}015", list="old")
        run(daemon, "shelved")
        said = until(daemon, "shelved", "lists_paused")
        assert said["because"] == "its 1 lead is in lists that are paused by share 0: old"
        assert said["leads_paused"] == {"old": 1}

    def test_C13_when_all_leads_are_private_to_others_it_names_the_agents(self, daemon: DaemonProcess) -> None:
        number = f"{STAYS}016"
        daemon.ask("lead.add", campaign="his", phone=number)
        now = datetime.now(UTC).isoformat()
        daemon.ask("lead.dispose", campaign="his", phone=number, disposition="mine", agent="1017", call_at=now)
        daemon.ask("agent.login", agent="1018", ready=True)
        daemon.ask("campaign.start", campaign="his")
        said = until(daemon, "his", "private")
        assert said["because"] == "all leads that are due are private to agents who are not free: 1017 (1)"
        assert said["leads_private"] == {"1017": 1}


class TestTheAgents:
    def test_V10_without_agents_it_says_whom_it_misses(self, daemon: DaemonProcess) -> None:
        run(daemon, "alone", f"{STAYS}020")
        said = until(daemon, "alone", "no_agents")
        assert (said["because"], said["agents"]) == ("its 1 agent is logged out", {"logged_out": 1})
        daemon.ask("campaign.create", campaign="orphan", policy={"name": "x", "trunks": ["main"], "region": "none"})
        for move in ("approve", "start"):
            daemon.ask(f"campaign.{move}", campaign="orphan")
        daemon.ask("lead.add", campaign="orphan", phone=f"{STAYS}022")
        assert until(daemon, "orphan", "no_agents")["because"] == "no agent takes calls of this campaign"

    def test_V10_when_no_agent_is_ready_it_says_what_they_do(self, daemon: DaemonProcess) -> None:
        run(daemon, "lonely", f"{STAYS}023")
        daemon.ask("agent.login", agent="1002")
        said = until(daemon, "lonely", "no_ready_agent")
        assert (said["because"], said["agents"]) == ("no agent is ready: 1 not ready", {"not_ready": 1})
        daemon.ask("agent.ready", agent="1002")
        daemon.until(lambda: daemon.ask("campaign.why", campaign="lonely")["calls"] == 1, "the agent gets his call")
        daemon.ask("lead.add", campaign="lonely", phone=f"{STAYS}024")
        daemon.until(
            lambda: daemon.ask("campaign.why", campaign="lonely")["because"] == "no agent is ready: 1 on call",
            "its agent talks",
        )
        assert why(daemon, "lonely")["factor"] == "no_ready_agent"

    def test_C11_when_every_agent_has_had_his_leads_for_today_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "quota", f"{STAYS}061")
        said = until(daemon, "quota", "quota")
        assert said["because"] == "every agent at work has his quota of leads for today: 1 agent"
        assert said["until"].endswith("T00:00:00.000Z"), "the end of the day in UTC, for want of a zone"

    def test_V03_when_each_ready_agent_has_a_call_on_its_way_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "booked", "74000000025", f"{STAYS}026")  # the first rings for ever
        said = until(daemon, "booked", "one_call_per_agent")
        assert said["because"] == "every ready agent has a call on its way: 1 agent"
        assert (said["agents"], said["agents_free"], said["calls"]) == ({"ready": 1}, 0, 1)

    def test_V01_when_agents_choose_the_leads_themselves_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "chosen", f"{STAYS}071")
        said = until(daemon, "chosen", "agents_choose")
        assert said["because"].startswith("its leads are dialed when agents take them")
        daemon.ask("campaign.stop", campaign="chosen")

    def test_V04_when_one_more_call_might_be_abandoned_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "predicted", f"{STAYS}072")
        daemon.until(lambda: why(daemon, "predicted")["agents"] == {"on_call": 1}, "its agent talks")
        daemon.ask("lead.add", campaign="predicted", phone=f"{STAYS}073")
        said = until(daemon, "predicted", "pacing")
        assert said["because"].startswith(
            "one more call might be abandoned beyond the campaign's rate: 1 call is on the way"
        )
        assert said["calls"] == 1

    def test_O09_when_the_agents_sit_where_the_campaign_has_no_trunk_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "split", f"{STAYS}027")
        said = until(daemon, "split", "server")
        assert said["because"] == "the free agents sit on servers on which the campaign has no trunk"
        assert said["agents_free"] == 1


class TestTheLines:
    def test_V09_when_the_trunk_is_full_it_says_which(self, daemon: DaemonProcess) -> None:
        run(daemon, "trunk-full", f"{STAYS}030", f"{STAYS}031")
        said = until(daemon, "trunk-full", "trunk_lines")
        assert (said["because"], said["lines"]) == (
            "no line of trunk one-line is free: 1 line in use",
            {"one-line": "1/1"},
        )

    def test_V09_when_the_campaigns_own_lines_are_used_it_says_so(self, daemon: DaemonProcess) -> None:
        run(daemon, "full", f"{STAYS}032", f"{STAYS}033")
        said = until(daemon, "full", "campaign_lines")
        assert (said["because"], said["calls"]) == ("no line of the campaign is free: 1 line in use", 1)

    def test_V09_when_calls_per_second_are_used_up_it_says_until_when(self, daemon: DaemonProcess) -> None:
        run(daemon, "slow", f"{STAYS}034", f"{STAYS}035")
        said = until(daemon, "slow", "calls_per_second")
        assert said["because"] == "the trunk's calls per second are used up"
        (call,) = daemon.ask("call.list", campaign="slow")["calls"]
        next_call = datetime.fromisoformat(call["placed_at"]) + timedelta(seconds=1000)
        assert abs(datetime.fromisoformat(said["until"]) - next_call) < timedelta(milliseconds=2)

    def test_V09_when_the_server_is_away_it_says_why(self, daemon: DaemonProcess) -> None:
        run(daemon, "far", f"{STAYS}036")
        said = until(daemon, "far", "link")
        assert "no AMI link to away: " in said["because"]
        assert len(said["because"]) > len("no AMI link to away: ")


class TestTheProcess:
    """Last, because it changes things for all."""

    def test_O04_while_the_daemon_drains_it_says_who_asked_for_it(self, daemon: DaemonProcess) -> None:
        dialerctl(daemon.socket, "daemon", "drain")
        assert until(daemon, "lonely", "draining")["because"] == (
            "the daemon places no new calls: asked for by daemon.drain"
        )
        dialerctl(daemon.socket, "daemon", "drain", "--off")
        assert until(daemon, "lonely", "no_ready_agent")["dialing"] is False

    def test_O08_when_asterisk_goes_away_it_says_so_and_dials_again_after_it(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        with (
            StreetProcess(tmp_path_factory.mktemp("own")) as own,
            house(tmp_path, own, {"1001": {}}, campaigns={"c": campaign()}) as daemon,
        ):
            daemon.ask("agent.login", agent="1001", ready=True)
            daemon.ask("campaign.start", campaign="c")
            assert until(daemon, "c", "no_leads")
            own.ask("fault", fault="cut", down_s=3600)
            said = until(daemon, "c", "link")
            assert "no AMI link to pbx: " in said["because"]
            trunk = daemon.ask("trunk.list")["trunks"][0]
            assert trunk["link"] == f"down: {said['because'].removeprefix('no AMI link to pbx: ')}"
            own.ask("fault", fault="cut", down_s=0)
            assert until(daemon, "c", "no_leads")

    def test_at_a_terminal_the_reason_is_there_to_read(self, daemon: DaemonProcess) -> None:
        text = at_a_terminal(daemon.socket, "campaign", "why", "trunk-full").out
        assert "because  no line of trunk one-line is free: 1 line in use" in text
        assert "dialing  no" in text


class TestWhatAllCampaignsShare:
    """In a house of its own: hotlines, screens, and the ceiling of all campaigns together."""

    def test_V08_V09_V10_hotlines_screens_and_the_house_s_calls(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        more = {
            "hotlines": {"one": {"number": "+842871000001"}, "two": {"number": "+842871000002"}},
            "limits": {"calls": 1},
            "campaigns": {"c": campaign(hotlines=["one", "two"])},
        }
        with (
            StreetProcess(tmp_path_factory.mktemp("own")) as own,
            house(tmp_path, own, {"1001": {}, "1002": {}}, **more) as daemon,
        ):
            for name, note in (("one", "the bank asked for it"), ("two", "")):
                dialerctl(daemon.socket, "hotline", "disable", name, *(("--note", note) if note else ()))
            daemon.ask("agent.login", agent="1001", ready=True)
            for number in (f"{STAYS}040", f"{STAYS}041"):
                daemon.ask("lead.add", campaign="c", phone=number)
            daemon.ask("campaign.start", campaign="c")
            said = until(daemon, "c", "hotlines")
            by = daemon.ask("hotline.list")["hotlines"][0]["by"]
            assert said["because"] == (
                f"no hotline can be shown: one disabled by {by}: the bank asked for it; two disabled by {by}"
            )
            dialerctl(daemon.socket, "agent", "screen", "--agent", "1001", "--no-open")
            dialerctl(daemon.socket, "hotline", "enable", "two")
            said = until(daemon, "c", "screens_closed")
            assert said["because"] == "every agent who is ready and free has his campaign screen closed: 1 agent"
            assert said["hotlines"] == {"one": f"disabled by {by}: the bank asked for it"}
            dialerctl(daemon.socket, "agent", "screen", "--agent", "1001", "--open")
            daemon.until(lambda: daemon.ask("call.list")["calls"] != [], "he gets his call")
            assert daemon.ask("call.list")["calls"][0]["hotline"] == "two"
            daemon.ask("agent.login", agent="1002", ready=True)
            said = until(daemon, "c", "house_lines")
            assert said["because"] == "the house may have no more than 1 call: 1 call of campaigns"


def test_every_reason_there_is_has_its_test() -> None:
    """Whoever adds a factor to why.py adds it here."""
    source = (ROOT / "dialerd" / "campaigns" / "why.py").read_text(encoding="utf-8")
    here = Path(__file__).read_text(encoding="utf-8")
    factors = set(re.findall(r'return "(\w+)", ', source))
    assert len(factors) > 15
    only_for_a_moment = {"leads", "none"}
    assert {factor for factor in factors if f'", "{factor}")' not in here} == only_for_a_moment
