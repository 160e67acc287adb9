"""The control channel as people have it: a real daemon, a real mosquitto by the samples, and mosquitto's own programs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.house_on_street import LEAVES, STAYS, StreetProcess, campaign, house
from tests.contract.mqtt_programs import Client, password, sample_broker
from tests.doubles.daemon_process import DaemonProcess
from tests.doubles.mosquitto import Broker

pytestmark = pytest.mark.broker

PEOPLE = {"olga": ["owner"], "ada": ["admin"], "sam": ["supervisor"], "otto": ["ops"]}
STRANGER = "mallory"
"""Has a password at the broker, and no role in the daemon's configuration."""
NAMES = [f"c{n}" for n in range(12)]


def settings(broker: Broker) -> dict[str, Any]:
    return {
        "mqtt": {"host": broker.host, "port": broker.port, "username": "dialerd", "password_file": "mqtt.password"},
        "people": {name: {"roles": roles} for name, roles in PEOPLE.items()},
        "campaigns": {name: campaign(name=f"Campaign {name}") for name in NAMES},
    }


@contextmanager
def online(folder: Path, street: StreetProcess, broker: Broker) -> Iterator[DaemonProcess]:
    """A daemon that is connected to the broker."""
    daemon = house(folder, street, **settings(broker))
    daemon.secret(password("dialerd"), "mqtt.password")
    with daemon:
        connected(daemon)
        yield daemon


def connected(daemon: DaemonProcess, up: bool = True) -> None:
    """Wait until the daemon knows that the broker is there, or is not."""
    daemon.until(
        lambda: daemon.ask("daemon.status")["status"]["mqtt"]["connected"] is up, f"connected to the broker: {up}"
    )


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with sample_broker("dialerd", *PEOPLE, "1001", "1002", strangers=(STRANGER,)) as running:
        yield running


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreetProcess]:
    with StreetProcess(tmp_path_factory.mktemp("street"), speed=5) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, street: StreetProcess, broker: Broker) -> Iterator[DaemonProcess]:
    with online(tmp_path_factory.mktemp("house"), street, broker) as running:
        yield running


def history(daemon: DaemonProcess, name: str) -> list[tuple[str, str]]:
    """Who did what to a campaign."""
    rows = daemon.ask("campaign.get", campaign=name)["history"]
    return [(row["principal"], row["command"]) for row in rows]


class TestWhoMayWhat:
    def test_O02_an_admin_starts_a_campaign_and_is_told(self, daemon: DaemonProcess, broker: Broker) -> None:
        ada = Client(broker, "ada")
        assert ada.ask("campaign.start", {"campaign": "c0", "note": "go", "id": "first-1"}) == {
            "id": "first-1",
            "ok": True,
            "result": {"campaign": "c0", "state": "scheduled", "warnings": []},
        }
        view = daemon.ask("campaign.get", campaign="c0")
        assert (view["state"], view["history"][0]["note"]) == ("running", "go")
        assert history(daemon, "c0") == [("ada", "campaign.start")]

    @pytest.mark.parametrize("name", ["sam", "otto", "1001", STRANGER])
    def test_C04_who_may_not_is_told_his_roles_and_those_it_takes(
        self, daemon: DaemonProcess, broker: Broker, name: str
    ) -> None:
        error = Client(broker, name).error("campaign.start", {"campaign": "c1"})
        roles = ", ".join(PEOPLE.get(name, ["agent"] if name == "1001" else ["none"]))
        assert error == {
            "code": "forbidden",
            "message": f"{name} may not campaign.start: its roles are {roles}",
            "field": "role",
            "allowed": ["admin", "owner"],
        }
        assert daemon.ask("campaign.get", campaign="c1")["state"] == "approved"
        assert history(daemon, "c1") == []

    @pytest.mark.parametrize("version", ["5", "311"])
    def test_O02_a_command_under_another_name_is_refused_by_the_broker(
        self, daemon: DaemonProcess, broker: Broker, version: str
    ) -> None:
        """MQTT 5 tells the sender; 3.1.1 cannot, and the message is thrown away all the same."""
        mallory = Client(broker, STRANGER, version=version)
        order = json.dumps({"campaign": "c2", "id": f"forged-{version}"})
        with Client(broker, "ada").listen("reply/ada/#") as ada:
            for topic in ("cmd/ada/campaign/start", "cmd/olga/campaign/start", f"cmd/{STRANGER}/../ada/campaign/start"):
                sent = mallory.publish(topic, order)
                if version == "5" and ".." not in topic:
                    assert "Not authorized" in sent.stderr
            # what was let through has been answered by the time a command sent later is
            assert Client(broker, STRANGER).error("campaign.start", {"campaign": "c2"})["code"] == "forbidden"
            assert [message.topic for message in ada.heard if message.topic != "state/daemon"] == []
        assert daemon.ask("campaign.get", campaign="c2")["state"] == "approved"
        assert history(daemon, "c2") == []

    @pytest.mark.parametrize("topic", ["event/call/x/ended", "state/campaign/c2", "state/daemon", "reply/ada/x"])
    def test_O02_nobody_but_the_daemon_tells_what_happened(
        self, daemon: DaemonProcess, broker: Broker, topic: str
    ) -> None:
        with Client(broker, "ada").listen("event/#", "state/#", "reply/ada/#") as ada:
            assert "Not authorized" in Client(broker, STRANGER).publish(topic, '{"forged": true}', "-r").stderr
            Client(broker, "ada").ask("daemon.version")
            assert not [message for message in ada.heard if "forged" in message.payload]

    def test_V10_an_agent_moves_himself_and_nobody_else(self, daemon: DaemonProcess, broker: Broker) -> None:
        agent = Client(broker, "1001")
        assert agent.result("agent.login")["agent"] == "1001"
        assert agent.result("agent.not-ready", {"reason": "lunch"})["state"] == "not_ready"
        error = agent.error("agent.login", {"agent": "1002"})
        assert (error["code"], error["message"], error["allowed"]) == ("forbidden", "1001 is not agent 1002", ["1001"])
        assert Client(broker, "sam").result("agent.login", {"agent": "1002"})["agent"] == "1002"
        for number in ("1001", "1002"):
            assert Client(broker, "sam").result("agent.logout", {"agent": number})["after_call"] is False


class TestOnce:
    def test_O02_a_repeated_id_gets_the_first_answer_and_does_nothing_twice(
        self, daemon: DaemonProcess, broker: Broker
    ) -> None:
        order = json.dumps({"campaign": "c3", "id": "once-1"})
        ada = Client(broker, "ada")
        with ada.listen("reply/ada/#") as heard:
            for n in range(1, 4):
                assert ada.publish("cmd/ada/campaign/start", order).returncode == 0
                heard.until("reply/ada/once-1", n)
            assert len({message.payload for message in heard.on("reply/ada/once-1")}) == 1
            assert heard.on("reply/ada/once-1")[0].json["ok"] is True
            # even when it would be refused by now, and even by another command
            assert ada.publish("cmd/ada/campaign/pause", order).returncode == 0
            heard.until("reply/ada/once-1", 4)
        assert daemon.ask("campaign.get", campaign="c3")["state"] == "running"
        assert history(daemon, "c3") == [("ada", "campaign.start")]

    def test_O02_the_same_id_of_another_person_is_another_command(self, daemon: DaemonProcess, broker: Broker) -> None:
        assert Client(broker, "ada").ask("campaign.start", {"campaign": "c4", "id": "mine"})["ok"] is True
        reply = Client(broker, "olga").ask("campaign.pause", {"campaign": "c4", "id": "mine"})
        assert (reply["ok"], reply["result"]["state"]) == (True, "paused")

    def test_O02_an_id_holds_through_a_crash_of_the_daemon(
        self, tmp_path: Path, street: StreetProcess, broker: Broker
    ) -> None:
        """A daemon of its own, killed and started again; the module's would fight with it for its name at the broker."""
        with sample_broker("dialerd", "ada") as own, online(tmp_path, street, own) as second:
            ada = Client(own, "ada")
            first = ada.ask("campaign.start", {"campaign": "c5", "id": "lasting"})
            ada.result("campaign.pause", {"campaign": "c5", "note": "tea"})
            second.kill()
            second.start()
            connected(second)
            assert ada.ask("campaign.start", {"campaign": "c5", "id": "lasting"}) == first
            assert second.ask("campaign.get", campaign="c5")["state"] == "paused"
            assert history(second, "c5") == [("ada", "campaign.pause"), ("ada", "campaign.start")]


class TestBadInput:
    @pytest.mark.parametrize(
        ("text", "field", "words"),
        [
            ("{campaign: c6}", "payload", "not JSON: Expecting property name"),
            ('{"campaign": "c6"', "payload", "not JSON"),
            ('["c6"]', "payload", "found a JSON array"),
            ('{"campaign": "c6", "campaign": "c7"}', "campaign", "twice"),
            ('{"campaign": "c6", "id": 7}', "id", "found a JSON number"),
            ('{"campaign": NaN}', "payload", "NaN"),
        ],
    )
    def test_O02_what_is_no_command_is_told_why(
        self, daemon: DaemonProcess, broker: Broker, text: str, field: str, words: str
    ) -> None:
        error = Client(broker, "ada").error("campaign.start", text)
        assert (error["code"], error["field"]) == ("bad_request", field)
        assert words in error["message"]
        assert history(daemon, "c6") == []

    def test_O02_an_unknown_command_is_told_what_may_have_been_meant(
        self, daemon: DaemonProcess, broker: Broker
    ) -> None:
        error = Client(broker, "ada").error("campaign.strat", {"campaign": "c6"})
        assert (error["code"], error["field"]) == ("unknown_command", "command")
        assert "campaign.start" in error["allowed"]

    def test_O02_an_unknown_argument_is_told_what_may_have_been_meant(
        self, daemon: DaemonProcess, broker: Broker
    ) -> None:
        error = Client(broker, "ada").error("campaign.start", {"campain": "c6"})
        assert error["code"] == "bad_argument"
        assert error["message"].splitlines() == [
            "campaign: found nothing, allowed: a value; this key is needed",
            "campain: found an unknown key, allowed: campaign, note; did you mean campaign?",
        ]

    @pytest.mark.parametrize(
        ("args", "code", "field"),
        [
            ({"campaign": "nobody"}, "unknown_campaign", "campaign"),
            ({"campaign": "../../etc"}, "bad_argument", "campaign"),
            ({"campaign": {"$ne": 1}}, "bad_argument", "campaign"),
            ({"campaign": "c6", "note": "x" * 1001}, "bad_argument", "note"),
        ],
    )
    def test_O02_a_bad_argument_names_the_field(
        self, daemon: DaemonProcess, broker: Broker, args: dict[str, Any], code: str, field: str
    ) -> None:
        error = Client(broker, "ada").error("campaign.start", args)
        assert (error["code"], error["field"]) == (code, field)
        assert history(daemon, "c6") == []

    def test_C03_an_illegal_move_is_refused_with_the_legal_ones(self, daemon: DaemonProcess, broker: Broker) -> None:
        error = Client(broker, "ada").error("campaign.resume", {"campaign": "c6"})
        assert (error["code"], error["message"], error["allowed"]) == (
            "illegal_move",
            "c6 is approved: it cannot resume",
            ["delete", "start", "stop"],
        )


class TestWhatIsTold:
    def test_O02_a_calls_life_is_told_event_by_event(self, daemon: DaemonProcess, broker: Broker) -> None:
        number = f"{LEAVES}701"
        sam, ada = Client(broker, "sam"), Client(broker, "ada")
        with sam.listen("event/#") as heard:
            sam.result("lead.add", {"campaign": "c7", "phone": number, "name": "Đặng Thị Hà"})
            ada.result("campaign.start", {"campaign": "c7"})
            Client(broker, "1001").result("agent.login", {"ready": True})
            end = time.monotonic() + 30
            while not (ended := [m for m in heard.heard if m.topic.endswith("/ended")]):
                assert time.monotonic() < end, [m.topic for m in heard.heard]
                time.sleep(0.02)
            call = ended[0].json
            assert (call["number"], call["outcome"], call["agent"]) == (number, "connected", "1001")
            mine = [m for m in heard.heard if m.topic.startswith(f"event/call/{call['call']}/")]
            states = [m.topic.rsplit("/", 1)[1] for m in mine]
            life = ["dialing", "ringing", "answered", "waiting", "offered", "connecting", "talking", "ended"]
            assert states == [state for state in life if state in states]  # in order, none twice
            assert {"dialing", "offered", "talking", "ended"} <= set(states)
            assert [m.json["state"] for m in mine] == states
            assert not any(m.retained for m in mine)
            assert all(set(m.json) >= {"at", "call", "campaign", "number", "state"} for m in mine)
            heard.until("event/agent/1001/on_call")
            heard.until("event/campaign/c7/running")
            assert heard.on("event/campaign/c7/running")[0].json["by"] == "clock"
        Client(broker, "1001").result("agent.logout")
        ada.result("campaign.stop", {"campaign": "c7"})

    def test_O02_how_a_campaign_and_an_agent_stand_is_kept_for_who_comes_later(
        self, daemon: DaemonProcess, broker: Broker
    ) -> None:
        ada, sam = Client(broker, "ada"), Client(broker, "sam")
        sam.result("lead.add", {"campaign": "c8", "phone": f"{STAYS}801"})
        ada.result("campaign.start", {"campaign": "c8"})
        ada.result("campaign.pause", {"campaign": "c8", "note": "tea"})

        def paused() -> bool:
            with sam.listen("state/#") as late:
                found = late.until("state/campaign/c8")[0]
                assert found.retained
                return bool(found.json["why"]["because"] == "paused by ada: tea" and found.json["stats"]["placed"] == 0)

        daemon.until(paused, "the retained state tells that it was paused")
        sam.result("agent.login", {"agent": "1002"})
        sam.result("agent.not-ready", {"agent": "1002", "reason": "training"})

        def training() -> bool:
            with sam.listen("state/agent/1002") as late:
                found = late.until("state/agent/1002")[0]
                assert found.retained
                return bool(found.json["reason"] == "training" and found.json["state"] == "not_ready")

        daemon.until(training, "the retained state tells that he is in training")
        sam.result("agent.logout", {"agent": "1002"})

    def test_O02_an_agent_hears_of_himself_and_of_nobody_else(self, daemon: DaemonProcess, broker: Broker) -> None:
        sam = Client(broker, "sam")
        with Client(broker, "1001").listen("#", "event/#", "state/#") as heard, sam.listen("event/#") as office:
            for number in ("1002", "1001"):
                for verb in ("login", "logout"):
                    sam.result(f"agent.{verb}", {"agent": number})
            sam.result("campaign.create", {"campaign": "quiet", "policy": campaign(), "draft": True})
            office.until("event/campaign/quiet/draft")
            heard.until("event/agent/1001/logged_out")
            heard.until("state/agent/1001")
            assert {message.topic for message in office.heard} >= {"event/agent/1002/logged_out"}
            assert {m.topic.rsplit("/", 1)[0] for m in heard.heard if m.topic.startswith("event/")} == {
                "event/agent/1001"
            }
            assert {m.topic for m in heard.heard if m.topic.startswith("state/")} == {
                "state/daemon",
                "state/agent/1001",
            }

    def test_O02_an_agent_taken_out_of_the_configuration_leaves_no_state_behind(
        self, tmp_path: Path, street: StreetProcess
    ) -> None:
        """Neither when that was done while the daemon was down, nor by a reload."""
        with sample_broker("dialerd", "sam") as own, online(tmp_path, street, own) as second:
            sam = Client(own, "sam")
            for number in ("1001", "1002"):
                second.ask("agent.login", agent=number)
                second.ask("agent.logout", agent=number)
            with sam.listen("state/#") as heard:
                heard.until("state/agent/1001")
                heard.until("state/agent/1002")
            second.stop()
            agents = dict(second.settings["agents"])
            for number in ("1001", "1002"):
                del agents[number]
                second.write({**second.settings, "agents": agents})
                if number == "1001":
                    second.start()
                else:
                    second.ask("daemon.reload")
                end = time.monotonic() + 20
                while f"state/agent/{number}" in self._retained(sam):
                    assert time.monotonic() < end
                assert ("state/agent/1002" in self._retained(sam)) is (number == "1001")

    @staticmethod
    def _retained(person: Client) -> set[str]:
        """The agents' topics that have a state; the daemon's own is subscribed to last and comes after them."""
        with person.listen("state/agent/+") as late:
            return {message.topic for message in late.heard if message.retained}

    def test_O04_the_daemon_is_online_and_offline(self, tmp_path: Path, street: StreetProcess) -> None:
        """By its last will when it is killed, by itself when it is stopped; and online again."""
        with (
            sample_broker("dialerd", "sam") as own,
            online(tmp_path, street, own) as second,
            Client(own, "sam").listen() as heard,
        ):
            assert heard.on("state/daemon")[0].json["state"] == "online"
            second.kill()
            self._until_told(heard, "offline")
            second.start()
            self._until_told(heard, "online")
            second.stop()
            self._until_told(heard, "offline")
            second.start()
            self._until_told(heard, "online")
            with Client(own, "sam").listen() as late:
                assert late.on("state/daemon")[0].retained

    def test_O08_after_the_broker_was_away_commands_and_states_are_there_again(
        self, tmp_path: Path, street: StreetProcess
    ) -> None:
        with sample_broker("dialerd", "ada") as own, online(tmp_path, street, own) as second:
            own.kill()
            connected(second, up=False)
            second.ask("campaign.start", campaign="c9", note="by the socket")
            second.ask("campaign.pause", campaign="c9", note="meanwhile")
            own.start()
            connected(second)
            assert Client(own, "ada").result("campaign.stop", {"campaign": "c9"})["state"] == "finished"
            with Client(own, "ada").listen("state/#") as late:
                late.until("state/campaign/c9")

    @staticmethod
    def _until_told(heard: Any, state: str) -> None:
        end = time.monotonic() + 20
        while heard.on("state/daemon")[-1].json["state"] != state:
            assert time.monotonic() < end, heard.on("state/daemon")[-1]
            time.sleep(0.02)


class TestAStranger:
    def test_O02_without_a_name_or_with_a_wrong_password_nobody_gets_in(self, broker: Broker) -> None:
        for version in ("5", "311"):
            refused = Client(broker, "ada", version=version, secret="wrong").publish("cmd/ada/daemon/status", "{}")
            assert refused.returncode != 0
            assert "not authori" in refused.stderr.lower()

    def test_O02_mqtt_3_1_1_can_do_all_with_an_id_of_its_own(self, daemon: DaemonProcess, broker: Broker) -> None:
        old = Client(broker, "ada", version="311")
        with old.listen("reply/ada/#") as heard:
            assert old.publish("cmd/ada/campaign/start", '{"campaign": "c10", "id": "old-1"}').returncode == 0
            reply = heard.until("reply/ada/old-1")[0]
            assert reply.json == {
                "id": "old-1",
                "ok": True,
                "result": {"campaign": "c10", "state": "scheduled", "warnings": []},
            }
            assert not reply.retained
            old.publish("cmd/ada/campaign/start", "{nonsense")  # an answer without an id has one made for it
            end = time.monotonic() + 20
            while not (bad := [m for m in heard.heard if m.topic.startswith("reply/") and "bad_request" in m.payload]):
                assert time.monotonic() < end
                time.sleep(0.02)
            assert bad[0].topic == f"reply/ada/{bad[0].json['id']}"

    @pytest.mark.parametrize("version", ["5", "311"])
    def test_O02_who_has_no_role_hears_no_commands_and_nobody_elses_replies(
        self, daemon: DaemonProcess, broker: Broker, version: str
    ) -> None:
        with Client(broker, STRANGER, version=version).listen("#", "cmd/#", "reply/#", "reply/ada/#") as heard:
            name = f"private-{version}"
            assert Client(broker, "ada").ask("campaign.why", {"campaign": "c11", "id": name})["ok"]
            Client(broker, "ada", version=version).publish(
                "cmd/ada/campaign/why", json.dumps({"campaign": "c11", "id": name})
            )
            assert Client(broker, STRANGER).error("campaign.why", {"campaign": "c11"})["code"] == "forbidden"
            assert {"/".join(message.topic.split("/")[:2]) for message in heard.heard} <= {
                "state/daemon",
                f"reply/{STRANGER}",
            }

    def test_O02_a_retained_command_is_never_carried_out(self, tmp_path: Path, street: StreetProcess) -> None:
        """It would come again with every connection of the daemon: refused at once, and each time it comes."""
        with sample_broker("dialerd", "ada") as own, online(tmp_path, street, own) as second:
            ada = Client(own, "ada")
            with ada.listen("reply/ada/#") as heard:
                ada.publish("cmd/ada/campaign/start", '{"campaign": "c11", "id": "kept"}', "-r")
                assert heard.until("reply/ada/kept")[0].json["error"]["field"] == "retain"
                second.stop()
                second.start()
                connected(second)
                assert heard.until("reply/ada/kept", 2)[1].json["error"]["field"] == "retain"
            assert second.ask("campaign.get", campaign="c11")["state"] == "approved"
            assert history(second, "c11") == []
