"""The configuration is read whole, and refused whole with every error by file, line and key (O01)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.model.policies import Floor
from dialerd.model.wording import is_secret, near
from dialerd.settings.read import look, read
from dialerd.settings.shape import Settings
from dialerd.settings.trouble import Trouble, Wrong

GOOD = """\
servers:
  pbx1: {secret_file: ami.secret}
trunks:
  carrier: {server: pbx1, dial: "PJSIP/{number}@carrier"}
hotlines:
  sales: {number: 1900}
schedules:
  office: {time_zone: Asia/Ho_Chi_Minh, week: {mon: [08:00-17:30]}}
agents:
  an: {phone: PJSIP/1001, server: pbx1}
people:
  an: {roles: [agent]}
campaigns:
  hanoi:
    name: Hanoi
    trunks: [carrier]
    hotlines: [sales]
    schedule: office
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(text: str, env: dict[str, str] | None = None) -> Settings:
    Path("d.yaml").write_text(text)
    return read("d.yaml", env or {})


def errors(text: str | None = None) -> list[str]:
    if text is not None:
        Path("d.yaml").write_text(text)
    with pytest.raises(Wrong) as wrong:
        read("d.yaml", {})
    assert str(wrong.value) == "\n".join(map(str, wrong.value.troubles))
    return [str(trouble) for trouble in wrong.value.troubles]


def with_line(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


pytestmark = pytest.mark.usefixtures("folder")


def test_O01_a_good_configuration_is_read(folder: Path) -> None:
    found = settings(GOOD)
    assert found.instance == "main"
    assert found.store.synchronous == "full"
    assert (found.store.keep_turns_days, found.store.keep_replies_days) == (14, 7)
    assert found.mqtt is None
    assert (found.http.host, found.http.port) == ("127.0.0.1", 9464)
    assert found.drain.limit_s == 300
    assert found.socket.mode_bits == 0o660
    floor = found.floor()
    assert type(floor) is Floor
    assert floor.campaigns["hanoi"].trunks == ["carrier"]
    assert floor.unknown_names() == []
    assert look("d.yaml", {}).troubles == []


def test_O01_paths_begin_at_the_file_unless_systemd_gives_folders(folder: Path) -> None:
    text = (
        GOOD
        + "mqtt: {username: u, password_file: mqtt.password, tls: {ca_file: /etc/ca.pem, cert_file: tls/../c.pem}}\n"
    )
    found = settings(text)
    assert found.store.path == f"{folder}/dialerd.sqlite3"
    assert found.socket.path == f"{folder}/dialerd.sock"
    assert found.servers["pbx1"].secret_file == f"{folder}/ami.secret"
    assert found.mqtt is not None
    assert found.mqtt.password_file == f"{folder}/mqtt.password"
    assert found.mqtt.tls is not None
    assert (found.mqtt.tls.ca_file, found.mqtt.tls.cert_file, found.mqtt.tls.key_file) == (
        "/etc/ca.pem",
        f"{folder}/c.pem",
        None,
    )
    found = settings(text, {"STATE_DIRECTORY": "/var/lib/dialerd:/var/lib/other"})
    assert found.store.path == "/var/lib/dialerd/dialerd.sqlite3"
    assert found.socket.path == "/var/lib/dialerd/dialerd.sock"
    assert found.servers["pbx1"].secret_file == f"{folder}/ami.secret"
    found = settings(text, {"STATE_DIRECTORY": "/var/lib/dialerd", "RUNTIME_DIRECTORY": "/run/dialerd"})
    assert found.socket.path == "/run/dialerd/dialerd.sock"
    found = settings(
        text + "store: {path: /data/d.sqlite3}\nsocket: {path: /x/s}\n", {"RUNTIME_DIRECTORY": "/run/dialerd"}
    )
    assert (found.store.path, found.socket.path) == ("/data/d.sqlite3", "/x/s")


def test_O01_an_error_names_file_line_key_what_was_found_and_what_is_allowed() -> None:
    Path("config").mkdir()
    Path("config/dialerd.yaml").write_text(
        with_line("    name: Hanoi\n", "    name: Hanoi\n    max_abandon_rate: 0.25\n")
    )
    with pytest.raises(Wrong) as wrong:
        read("config/dialerd.yaml", {})
    assert (
        str(wrong.value) == "config/dialerd.yaml:16: campaigns.hanoi.max_abandon_rate: found 0.25, allowed: at most 0.1"
    )
    assert wrong.value.troubles == [
        Trouble("config/dialerd.yaml", 16, "campaigns.hanoi.max_abandon_rate", "0.25", "at most 0.1")
    ]


def test_O01_all_errors_are_told_at_once_of_yaml_shape_and_names() -> None:
    text = with_line("    name: Hanoi\n", "    name: Hanoi\n    name: Hue\n    ring_s: 5\n    lines: many\n")
    text = (
        text.replace("schedule: office", "schedule: ofice").replace("number: 1900", "number: 19OO")
        + "logs: {level: loud}\n"
    )
    assert errors(text) == [
        'd.yaml:6: hotlines.sales.number: found "19OO", allowed: 3 to 15 digits, a + before them or not',
        "d.yaml:16: campaigns.hanoi.name: found the key twice (first on line 15), allowed: once",
        "d.yaml:17: campaigns.hanoi.ring_s: found 5, allowed: at least 15",
        'd.yaml:18: campaigns.hanoi.lines: found "many", allowed: a whole number',
        'd.yaml:21: campaigns.hanoi.schedule: found "ofice", not one of schedules, allowed: office; did you mean office?',
        'd.yaml:22: logs.level: found "loud", allowed: debug, info, warning, error',
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    schedule: office\n",
            "    shedule: office\n",
            "d.yaml:18: campaigns.hanoi.shedule: found an unknown key, allowed: one of 44; did you mean schedule?",
        ),
        (
            "    name: Hanoi\n",
            "",
            "d.yaml:14: campaigns.hanoi.name: found nothing, allowed: a value; this key is needed",
        ),
        (
            "  pbx1: {secret_file: ami.secret}",
            "  pbx1: 5",
            "d.yaml:2: servers.pbx1: found 5, allowed: keys and values, indented below it",
        ),
        (
            "  an: {phone",
            "  an o: {phone",
            'd.yaml:10: agents."an o": found the key "an o", allowed: letters, digits, _ and -, at most 64, a letter',
        ),
        (
            "roles: [agent]",
            "roles: agent",
            'd.yaml:12: people.an.roles: found "agent", allowed: a list, such as [agent]',
        ),
        ("roles: [agent]", "roles: []", "d.yaml:12: people.an.roles: found an empty list, allowed: at least 1 entry"),
        (
            "roles: [agent]",
            "roles: [agant]",
            'd.yaml:12: people.an.roles.0: found "agant", allowed: owner, admin, supervisor, agent, ops; did you mea',
        ),
        (
            "week: {mon:",
            "week: {montag:",
            'd.yaml:8: schedules.office.week.montag: found the key "montag", allowed: mon, tue, wed, thu, fri, sat,',
        ),
        (
            "08:00-17:30",
            "8-17",
            'd.yaml:8: schedules.office.week.mon.0: found "8-17": not a span, allowed: HH:MM-HH:MM in 24 hours, such',
        ),
        (
            "08:00-17:30",
            "08:00-17:30, 12:00-13:00",
            "d.yaml:8: schedules.office.week.mon: found the spans of mon overlap",
        ),
        (
            "Asia/Ho_Chi_Minh",
            "Asia/Hanoi",
            'd.yaml:8: schedules.office.time_zone: found "Asia/Hanoi": not a time zone, allowed: an IANA name such a',
        ),
        (
            "server: pbx1}",
            "server: pbx1, campaigns: 5}",
            "d.yaml:10: agents.an.campaigns: found 5, allowed: a list, such as [5] or all",
        ),
        (
            "server: pbx1}",
            "server: pbx1, campaigns: [a b]}",
            'd.yaml:10: agents.an.campaigns.0: found "a b", allowed: letters, digits, _ and -, at most 64, a letter',
        ),
        (
            "    schedule: office\n",
            "    schedule: office\n    rest: {bussy: {}}\n",
            "d.yaml:19: campaigns.hanoi.rest.bussy: found 'bussy' is not an outcome, allowed: abandoned, ",
        ),
        (
            "    schedule: office\n",
            "    schedule: office\n    starts_at: 2026-11-21T08:00:00+07:00\n    ends_at: 2026-11-20T08:00:00Z\n",
            'd.yaml:20: campaigns.hanoi.ends_at: found "2026-11-20T08:00:00Z": ends_at must be after starts_at',
        ),
        (
            "    schedule: office\n",
            "    starts_at: 2026-11-21T08:00:00\n",
            'd.yaml:18: campaigns.hanoi.starts_at: found "2026-11-21T08:00:00": a moment needs its offset, such as',
        ),
        (
            "    schedule: office\n",
            "    starts_at: [x]\n",
            "d.yaml:18: campaigns.hanoi.starts_at: found a list, allowed: a moment with its offset, such as 2026-11-",
        ),
        (
            "    schedule: office\n",
            f"    description: {'x' * 4001}\n",
            "d.yaml:18: campaigns.hanoi.description: found 4001 characters, allowed: at most 4000 characters",
        ),
        (
            "    schedule: office\n",
            "    finish_when_done: yes\n",
            'd.yaml:18: campaigns.hanoi.finish_when_done: found "yes", allowed: true or false',
        ),
        (
            "    schedule: office\n",
            "    max_attempts: '3'\n",
            'd.yaml:18: campaigns.hanoi.max_attempts: found "3", allowed: a whole number without quotes',
        ),
        (
            "    schedule: office\n",
            "    max_attempts: 010\n",
            'd.yaml:18: campaigns.hanoi.max_attempts: found "010", allowed: a whole number',
        ),
        (
            "    schedule: office\n",
            "    max_attempts: true\n",
            "d.yaml:18: campaigns.hanoi.max_attempts: found true, allowed: a whole number",
        ),
        (
            "    schedule: office\n",
            "    wrap_up_s: 1:30\n",
            'd.yaml:18: campaigns.hanoi.wrap_up_s: found "1:30", allowed: a number',
        ),
    ],
)
def test_O01_a_mistake_is_told_in_plain_words(old: str, new: str, said: str) -> None:
    found = errors(with_line(old, new))
    assert len(found) == 1, found
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ("http: {port: 99999}", "http.port: found 99999, allowed: at most 65535 or off"),
        ("http: {port: none}", 'http.port: found "none", allowed: a whole number or off'),
        ("http: off", 'http: found "off", allowed: keys and values, indented below it'),
        (
            "mqtt: {host: 'mqtt://dialerd:hunter2@broker'}",
            'mqtt.host: found "mqtt://dialerd:***@broker", allowed: the name or address of a host',
        ),
        (
            "mqtt: {username: u, password: hunter2}",
            "mqtt.password: found an unknown key, allowed: host, port, username, password_file, password_credential,",
        ),
        ("mqtt: {username: u, password_file: [hunter2]}", "mqtt.password_file: found ***, allowed: text"),
        ("mqtt: {username: u, password_file: {hunter2: 5}}", "mqtt.password_file: found ***, allowed: text"),
        ("mqtt: {password_file: x}", "mqtt: found a password without a username, allowed: both or neither"),
        (
            "mqtt: {username: u, password_file: x, password_credential: y}",
            "mqtt.password_credential: found password_credential beside password_file (line 19), allowed: only one o",
        ),
        (
            "mqtt: {tls: {key_file: x}}",
            'mqtt.tls.key_file: found "x": key_file without cert_file, allowed: both, or neither',
        ),
        ("socket: {mode: 999}", 'socket.mode: found "999", allowed: permissions as three octal digits, such as 0660'),
        (
            "socket: {users: {bob: [chief]}}",
            'socket.users.bob.0: found "chief", allowed: owner, admin, supervisor, agent, ops',
        ),
        (
            "store: {path: ~/d.sqlite3}",
            'store.path: found "~/d.sqlite3": ~ is not replaced, allowed: a path from the root',
        ),
        ("store: {path: ':memory:'}", 'store.path: found ":memory:": not the path of a file, allowed: a plain path'),
        ('store: {path: "a\\0b"}', 'store.path: found "a\\x00b": control characters are not allowed'),
        ("store: {path: }", "store.path: found nothing, allowed: text"),
        ("store: {synchronous: 1}", "store.synchronous: found 1, allowed: full, normal"),
        ("drain: {limit_s: -1}", "drain.limit_s: found -1, allowed: at least 0"),
        ("instance: a/b", 'instance: found "a/b", allowed: letters, digits, _ and -, at most 64'),
        (
            "campaigns_dir: nowhere",
            'campaigns_dir: found "nowhere" (No such file or directory), allowed: a folder that this user may read',
        ),
        ("stor: {}", "stor: found an unknown key, allowed: one of 24; did you mean store?"),
        ('"a\\eb": {}', '"a\\x1bb": found an unknown key, allowed: store, socket, http'),
    ],
)
def test_O01_mistakes_of_the_daemon_s_own_keys(tail: str, said: str) -> None:
    found = errors(GOOD + tail + "\n")
    assert len(found) == 1, found
    if not tail.startswith('"'):
        assert found[0].startswith(f"d.yaml:19: {said}")
    assert "hunter2" not in found[0]
    assert "\x1b" not in found[0]


@pytest.mark.parametrize(
    ("line", "written"),
    [("number: 1900", "1900"), ("number: 0912345678", "0912345678"), ("number: +84987654321", "+84987654321")],
)
def test_O01_phone_numbers_need_no_quotes(line: str, written: str) -> None:
    assert settings(with_line("number: 1900", line)).hotlines["sales"].number == written


def test_O01_text_that_looks_like_a_number_is_taken_as_it_is_written() -> None:
    text = with_line("name: Hanoi", "name: 1.10") + "socket: {mode: 660, users: {1000: [ops]}}\ninstance: 7\n"
    found = settings(text + "mqtt: {host: 10, username: true}\n")
    assert found.campaigns["hanoi"].name == "1.10"
    assert (found.socket.mode, found.socket.users, found.instance) == ("660", {"1000": ["ops"]}, "7")
    assert found.mqtt is not None
    assert (found.mqtt.host, found.mqtt.username) == ("10", "true")


@pytest.mark.parametrize(
    ("key", "hidden"),
    [
        ("secret", True),
        ("secret_file", True),
        ("db.password", True),
        ("apiKey", True),
        ("api_key", True),
        ("TOKEN", True),
        ("compass", False),
        ("passage", False),
        ("key_file", False),
        ("name", False),
    ],
)
def test_O01_values_of_secret_keys_are_known_by_the_words_in_the_key(key: str, hidden: bool) -> None:
    assert is_secret(key.split(".")) is hidden


def test_O01_a_likely_name_is_found_whatever_its_case() -> None:
    assert near("Hanoi", ["hue", "hanoi"]) == "hanoi"
    assert near("max-attempts", ["max_attempts", "name"]) == "max_attempts"
    assert near("da-nag", ["da-nang"]) == "da-nang"
    assert near("zzz", ["hue", "hanoi"]) is None
    assert near("x" * 101, ["x" * 101]) is None
