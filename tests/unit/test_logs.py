"""O05: what stands in a log line, and what never does.

Must never leave logging configured for the tests after it.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pydantic
import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from dialerd.adapters.observe import logs
from dialerd.adapters.observe.logs import LONGEST_LINE, LineSink, configure, get_logger
from dialerd.adapters.observe.redaction import Redaction

log = get_logger("dialerd.test")


class Screen:
    """A stream as stderr is one: text over bytes."""

    def __init__(self) -> None:
        self.stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")

    @property
    def text(self) -> str:
        buffer = self.stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def screen() -> Iterator[Screen]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield Screen()
    logging.captureWarnings(False)
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.reset_defaults()


class State(StrEnum):
    READY = "ready"


@dataclass(frozen=True)
class CallAnswered:
    phone: str
    secret: str
    seq: int


class Account(msgspec.Struct):
    brandname: str
    password: str


class Server(pydantic.BaseModel):
    host: str
    auth_token: str


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def written(event: Mapping[str, object], mask_numbers: bool = True) -> dict[str, Any]:
    return dict(Redaction(mask_numbers).event(event))


# What a line is


def test_O05_a_line_is_one_json_object_with_time_level_logger_and_event_first(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    log.info("turn.committed", seq=12, facts={"CallAnswered": 2}, state=State.READY, cost=Decimal("1.50"))
    (event,) = screen.events
    assert list(event)[:4] == ["timestamp", "level", "logger", "event"]
    assert event["level"] == "info"
    assert event["logger"] == "dialerd.test"
    assert event["event"] == "turn.committed"
    assert event["seq"] == 12
    assert event["facts"] == {"CallAnswered": 2}
    assert event["state"] == "ready"
    assert event["cost"] == "1.50"


def test_O05_the_time_of_a_line_is_utc_and_iso(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    before = datetime.now(UTC)
    log.info("x")
    stamp = screen.events[0]["timestamp"]
    assert stamp.endswith("Z")
    assert before <= datetime.fromisoformat(stamp) <= datetime.now(UTC)


def test_O05_bound_context_is_in_every_line(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    with structlog.contextvars.bound_contextvars(campaign="spring"):
        log.bind(trunk="viettel").info("originate")
    assert (screen.events[0]["campaign"], screen.events[0]["trunk"]) == ("spring", "viettel")


def test_O05_lines_below_the_level_are_not_written_and_a_reload_changes_it(screen: Screen) -> None:
    configure("warning", "json", True, screen.stream)
    log.info("unheard")
    log.warning("heard")
    configure("debug", "json", True, screen.stream)
    log.debug("heard after the reload")
    assert [event["event"] for event in screen.events] == ["heard", "heard after the reload"]


@pytest.mark.parametrize(
    ("level", "fmt", "message"),
    [
        ("verbose", "json", "log level: found 'verbose', allowed: debug, info, warning, error, critical"),
        ("info", "xml", "log format: found 'xml', allowed: json, console"),
    ],
)
def test_O05_a_wrong_setting_is_named_with_what_is_allowed(level: str, fmt: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        configure(level, fmt, True)


def test_O05_the_console_shows_the_same_event_for_a_person(screen: Screen) -> None:
    configure("info", "console", True, screen.stream)
    log.info("link.up", server="ast1", password="hunter2")
    (line,) = screen.lines
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[info *\] link\.up ", line)
    assert "server=ast1" in line
    assert "hunter2" not in line
    assert "\x1b" not in line, "colours are for a terminal only"


def test_O05_an_error_brings_its_traceback(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    try:
        raise LookupError("no trunk for +84912345678\nsecret=hunter2")
    except LookupError:
        log.exception("turn.failed")
    (event,) = screen.events
    assert event["level"] == "error"
    assert event["exception"].startswith("Traceback (most recent call last):\n")
    assert "LookupError: no trunk for ***678" in event["exception"]
    assert "hunter2" not in screen.text
    assert "912345" not in screen.text


def test_O05_on_the_journal_a_line_carries_its_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w", encoding="utf-8") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        render = logs._json(logs._is_journal(stream, os.environ))
        assert render({"level": "error", "event": "x"}).startswith(b'<3>{"level":"error"')
        assert render({"level": "debug", "event": "x"}).startswith(b"<7>{")
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + 1}")
        assert logs._is_journal(stream, os.environ) is False


# Libraries


def test_O05_lines_of_libraries_come_in_the_same_form(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    logging.getLogger("aiohttp.client").warning("retry %s", "+84912345678", extra={"token": "abc", "attempt": 2})
    (event,) = screen.events
    assert event["logger"] == "aiohttp.client"
    assert event["level"] == "warning"
    assert event["event"] == "retry ***678"
    assert event["token"] == "***"
    assert event["attempt"] == 2
    assert "timestamp" in event


def test_O05_a_librarys_debug_lines_are_not_written_even_at_level_debug(screen: Screen) -> None:
    configure("debug", "json", True, screen.stream)
    logging.getLogger("panoramisk").debug("Action: Login\r\nSecret: hunter2")
    logging.getLogger("panoramisk").info("connected")
    assert [event["event"] for event in screen.events] == ["connected"]


def test_O05_a_librarys_wrong_format_string_harms_nobody(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    (handler,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, logs.LibraryLines)]
    handler.handle(logging.LogRecord("careless", logging.WARNING, "x.py", 1, "%d calls", ("many",), None))
    (event,) = screen.events
    assert (event["logger"], event["level"]) == ("careless", "warning")
    assert event["event"] == "%d calls (its arguments do not fit)"


def test_O05_warnings_become_lines(screen: Screen) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure("info", "json", True, screen.stream)
        warnings.warn("old option", DeprecationWarning, stacklevel=1)
    (event,) = screen.events
    assert event["logger"] == "py.warnings"
    assert "old option" in event["event"]


def test_O05_configuring_twice_writes_each_library_line_once(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    configure("info", "json", True, screen.stream)
    logging.getLogger("aiohttp").warning("once")
    assert len(screen.lines) == 1


# A stream that fails


class FullDisk(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")


def test_O08_a_full_disk_costs_log_lines_but_no_turn(screen: Screen) -> None:
    raw = io.BufferedWriter(FullDisk(), buffer_size=64)
    sink = configure("info", "json", True, io.TextIOWrapper(raw))
    for _ in range(3):
        log.info("turn.committed")
    assert sink.dropped == 3
    raw.raw.close()


def test_O08_a_closed_stream_costs_log_lines_but_no_turn(screen: Screen) -> None:
    screen.stream.close()
    sink = LineSink(screen.stream)
    sink.msg(b"x")
    assert sink.dropped == 1


def test_O05_a_stream_without_bytes_below_it_works_too(screen: Screen) -> None:
    plain = io.StringIO()
    configure("info", "json", False, plain)
    log.info("đã gọi")
    assert json.loads(plain.getvalue())["event"] == "đã gọi"


# Secrets

SECRET_KEYS = [
    "secret", "ami_secret", "Secret", "password", "Password", "passwd", "pass", "pass_code", "passCode", "pwd", "token",
    "accessToken", "authorization", "Authorization", "proxy-authorization", "api_key", "apiKey", "X-Api-Key", "private_key",
    "cookie", "Set-Cookie", "voicemail_pin", "credentials",
]  # fmt: skip


@pytest.mark.parametrize("mask_numbers", [True, False])
@pytest.mark.parametrize("key", SECRET_KEYS)
def test_O05_a_secret_is_never_written_whatever_it_is(key: str, mask_numbers: bool) -> None:
    for value in ("hunter2", b"hunter2", 123456, ["hunter2"], {"v": "hunter2"}, CallAnswered("1", "2", 3)):
        assert written({"n": {key: value}}, mask_numbers) == {"n": {key: "***"}}


def test_O05_that_a_secret_is_missing_may_be_said() -> None:
    assert written({"password": None, "password_set": False}) == {"password": None, "password_set": False}


@pytest.mark.parametrize("key", ["event", "author", "authorized_by", "passed", "bypass", "compass", "ping", "opinion"])
def test_O05_a_key_that_only_sounds_like_a_secret_stays(key: str) -> None:
    assert written({key: "plain"}) == {key: "plain"}


@pytest.mark.parametrize("mask_numbers", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "Action: Login\r\nUsername: dialer\r\nSecret: hunter2\r\n",
        "https://user:hunter2@sms.example/api",
        "mqtt://dialer:hun@ter2hunter2@broker:1883",
        "GET /api?account=a&passcode=hunter2&sms=x",
        'reply {"token": "hunter2", "error": 0}',
        "{'password': 'hunter2 hunter2'}",
        "Account(brandname='A', password='hunter2')",
        "Authorization: Bearer hunter2hunter2",
        "sent header Bearer hunter2hunter2",
        "authorization=Basic hunter2==",
        "api-key=hunter2",
    ],
)
def test_O05_a_secret_inside_a_text_is_never_written(text: str, mask_numbers: bool) -> None:
    shown = written({"text": text}, mask_numbers)["text"]
    assert "hunter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            CallAnswered("0912345678", "hunter2", 5),
            {"type": "CallAnswered", "phone": "***678", "secret": "***", "seq": 5},
        ),
        (Account("ACME", "hunter2"), {"type": "Account", "brandname": "ACME", "password": "***"}),
        (Server(host="ast1", auth_token="hunter2"), {"type": "Server", "host": "ast1", "auth_token": "***"}),
    ],
)
def test_O05_secrets_inside_records_are_found(value: object, shown: dict[str, Any]) -> None:
    assert written({"what": value}) == {"what": shown}


# Phone numbers


@pytest.mark.parametrize(
    "key",
    ["number", "phone", "phones", "Phone", "caller_id", "callerid", "CallerIDNum", "to", "from", "msisdn", "callee",
     "dialed", "exten", "phone_number", "lead-phone"],
)  # fmt: skip
@pytest.mark.parametrize(
    "value", ["+84912345678", "0912345678", "0912 345 678", "(091) 234-5678", 84912345678, "345678"]
)
def test_O05_a_phone_number_keeps_its_last_three_digits(key: str, value: str | int) -> None:
    assert written({key: value}) == {key: "***678"}
    assert written({key: [value]}) == {key: ["***678"]}
    assert written({key: value}, mask_numbers=False) == {key: value}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call to +84912345678 failed", "call to ***678 failed"),
        ("call to +84 91 234-56.78 failed", "call to ***678 failed"),
        ("dial 0912345678,30", "dial ***678,30"),
        ("dial 091 234 5678.", "dial ***678."),
        ("sip:84912345678@10.0.0.5:5060", "sip:***678@10.0.0.5:5060"),
        ("PJSIP/84912345678-0000001a", "PJSIP/***678-0000001a"),
        ("Local/0912345678@dialerd-00000012;2", "Local/***678@dialerd-00000012;2"),
        ("lead_0912345678.wav", "lead_***678.wav"),
    ],
)
def test_O05_a_phone_number_inside_a_text_is_masked(text: str, shown: str) -> None:
    assert written({"event": text}) == {"event": shown}
    assert written({"event": text}, mask_numbers=False) == {"event": text}


@pytest.mark.parametrize(
    "text",
    [
        "1732200000.123",
        "dialerd-1732200000.4",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-21T10:00:00.123456Z",
        "2026-11-21 10:00:00+07:00",
        "192.168.100.200:5038",
        "took 0.123456789 s",
        "attempt 1234567",
        "asterisk 20.11.1, 16 channels",
    ],
)
def test_O05_ids_dates_and_addresses_stay_readable(text: str) -> None:
    assert written({"event": text}) == {"event": text}


@pytest.mark.parametrize(
    "event",
    [
        {"from": "ready", "to": "not_ready"},
        {"from": "2026-11-21T10:00", "to": "2026-11-22"},
        {"from": "08:00", "to": "17:00"},
        {"from": 0, "to": 1500},
        {"exten": "101", "number": "113"},
        {"seq": 12345678901, "time_to_answer": "12.25"},
    ],
)
def test_O05_states_spans_short_codes_and_counts_stay_readable(event: dict[str, object]) -> None:
    assert written(event) == event


def test_O05_numbers_used_as_keys_are_masked_and_none_is_lost() -> None:
    shown = written({"tries": {"+84912345678": 1, "+84988888678": 2}})["tries"]
    assert list(shown.values()) == [1, 2]
    assert all(key.startswith("***678") for key in shown)


@given(
    number=st.from_regex(r"\+[1-9][0-9]{8,14}", fullmatch=True),
    frame=st.sampled_from(["{}", "call {} now", "sip:{}@h", "PJSIP/{}-0000001a", "<{}>", '"{}"', "a={};", "x,{},y"]),
    key=st.sampled_from(["event", "phone", "text", "channel", "because"]),
    plus=st.booleans(),
)
def test_O05_no_number_gets_through_in_any_frame(number: str, frame: str, key: str, plus: bool) -> None:
    shown = written({key: frame.format(number if plus else number[1:])})[key]
    assert number[1:-3] not in shown
    assert f"***{number[-3:]}" in shown


# One event, one line, whatever is in it

ANY_TEXT = st.text(st.characters(), max_size=40) | st.text(
    st.sampled_from('\r\n\x1b\x00\x7f\x85\u2028\u202e\ud800"\\{}=: ab12+***'), max_size=40
)
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT | st.integers(), inner, max_size=4),
    max_leaves=8,
)


@given(event=ANY_TEXT, values=st.dictionaries(ANY_TEXT, ANY_VALUE, max_size=5))
@example(event="x\ud800", values={"k\n": "v\r\n2026-01-01T00:00:00Z [error    ] forged"})
def test_O05_any_event_becomes_exactly_one_line_in_both_forms(event: str, values: dict[str, object]) -> None:
    clean = Redaction(True).event({"event": event, "level": "info", "timestamp": "t", "v": values})
    for render in (logs._json(False), logs._console(False)):
        line = render(dict(clean)).decode("utf-8")
        assert len(line.splitlines()) == 1
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line)


def test_O05_a_value_cannot_forge_a_line_or_colour_the_terminal(screen: Screen) -> None:
    for fmt in ("json", "console"):
        configure("info", fmt, True, screen.stream)
        log.info("ami.event", cause='Normal\r\n{"level":"error","event":"forged"}\x1b[2J', **{"key\nforged": 1})
    assert len(screen.lines) == 2
    assert "\x1b" not in screen.text


def test_O05_the_message_of_an_exception_cannot_forge_a_line_on_the_console(screen: Screen) -> None:
    configure("info", "console", True, screen.stream)
    try:
        raise ValueError("x\n \n\n2026-11-21T10:00:00Z [error    ] forged\rforged")
    except ValueError:
        log.exception("refused")
    first, *rest = screen.lines
    assert " refused " in first
    assert rest
    assert all(line.startswith("    | ") for line in rest)


def test_O05_a_line_never_grows_beyond_what_the_journal_takes_whole(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    log.info("big", **{f"field{i}": "x" * 100_000 for i in range(60)})
    log.info("many", items=list(range(100_000)))
    log.info("deep", nest=_nested(50))
    big, many, deep = screen.events
    assert all(len(line.encode()) <= LONGEST_LINE for line in screen.lines)
    assert big["event"] == "big"
    assert "field7" in big["left_out"]
    assert len(many["items"]) == 65
    assert deep["event"] == "deep"


def test_O05_a_long_text_is_cut_and_says_how_much_is_missing() -> None:
    shown = written({"text": "x" * 5_000})["text"]
    assert shown == "x" * 4_096 + "[904 characters left out]"


def test_O05_a_state_may_be_a_key(screen: Screen) -> None:
    configure("info", "json", True, screen.stream)
    log.info("agents", by_state={State.READY: 3})
    assert screen.events[0]["by_state"] == {"ready": 3}


def test_O05_a_list_that_holds_itself_many_times_ends() -> None:
    endless: list[object] = []
    endless.extend([endless] * 60)
    assert "..." in str(written({"endless": endless}))


def _nested(depth: int) -> object:
    value: object = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def test_O05_strange_values_are_shown_as_well_as_can_be() -> None:
    shown = written(
        {
            "big": 2**70,
            "np": np.int64(5),
            "npf": np.float64(0.5),
            "bytes": b"\xff\x00",
            "bad": Unprintable(),
            "at": Path("a/b"),
        }
    )
    assert shown == {
        "big": "<whole number of 71 bits>",
        "np": 5,
        "npf": 0.5,
        "bytes": r"\xff\x00",
        "bad": "<Unprintable that cannot be shown>",
        "at": "a/b",
    }
