"""Topics, arguments, outbox and state board of the MQTT channel, without a broker."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.adapters.mqtt.arguments import MAX_DEPTH, BadPayload, error_reply, read_arguments, take_id
from dialerd.adapters.mqtt.outbox import Lane, Outbox, Outgoing
from dialerd.adapters.mqtt.state_board import INTERVAL_S, MUTE_S, StateBoard
from dialerd.adapters.mqtt.topics import Topics, is_name, level

TOPICS = Topics("main")
NAMES = st.from_regex(r"[A-Za-z0-9_.@-]{1,64}", fullmatch=True)
WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)
ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=80)
TREE_TEXT = st.lists(st.sampled_from(["dialerd", "main", "cmd", "reply", "ann", "bob", "/", "+", "#", "\0", "..", "é"]))


class TestCommandTopic:
    @given(NAMES, WORDS, WORDS)
    def test_O02_a_command_topic_says_who_and_what(self, who: str, resource: str, verb: str) -> None:
        read = TOPICS.read_command(f"dialerd/main/cmd/{who}/{resource}/{verb}")
        assert (read.principal, read.command, read.fault) == (who, f"{resource}.{verb}", None)

    @given(st.one_of(ANY_TEXT, TREE_TEXT.map("".join)))
    def test_O02_any_other_topic_is_a_fault_and_nothing_breaks(self, rest: str) -> None:
        for topic in (rest, f"dialerd/main/cmd/{rest}"):
            read = TOPICS.read_command(topic)
            assert (read.command is None) == (read.fault is not None)
            if read.command is not None:
                assert topic == f"dialerd/main/cmd/{read.principal}/" + read.command.replace(".", "/")
            if read.principal is not None:
                assert topic.startswith(f"dialerd/main/cmd/{read.principal}")
                assert is_name(read.principal)

    @pytest.mark.parametrize(
        "rest",
        ["ann", "ann/campaign", "ann/campaign/start/now", "ann//start", "ann/Campaign/start", "ann/campaign/start\n"],
    )
    def test_O02_a_wrong_shape_still_knows_whom_to_answer(self, rest: str) -> None:
        read = TOPICS.read_command(f"dialerd/main/cmd/{rest}")
        assert (read.principal, read.command) == ("ann", None)
        assert read.fault

    @pytest.mark.parametrize("who", ["", "an n", "ann+", "#", "ann\0", "ännchen", "a" * 65, "ann\n"])
    def test_O02_a_name_that_is_no_name_is_nobody(self, who: str) -> None:
        assert TOPICS.read_command(f"dialerd/main/cmd/{who}/campaign/start").principal is None

    @pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a\0b", "a b", "x" * 65, "main\n"])
    def test_O02_an_instance_that_is_no_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="instance"):
            Topics(name)


class TestBuiltTopics:
    @given(st.one_of(ANY_TEXT, st.lists(ANY_TEXT, max_size=12).map(tuple)))
    def test_O02_no_stranger_breaks_out_of_a_topic(self, tail: str | tuple[str, ...]) -> None:
        for build, branch in ((TOPICS.event, "event"), (TOPICS.state, "state")):
            topic = build(tail)
            levels = topic.split("/")
            assert levels[:3] == ["dialerd", "main", branch]
            assert 4 <= len(levels) <= 11
            assert all(levels)
            assert not set("+#\0") & set(topic)
            assert topic.isascii()
            assert len(topic) < 65535

    @given(ANY_TEXT, ANY_TEXT)
    def test_O02_two_ids_never_share_a_topic(self, one: str, other: str) -> None:
        assert (level(one) == level(other)) == (one == other)

    def test_O02_a_long_id_keeps_its_own_topic(self) -> None:
        assert level("é" * 300) != level("é" * 301)
        assert len(level("é" * 3000)) <= 512

    def test_O02_plain_tails_stay_as_they_are(self) -> None:
        assert TOPICS.event("call/7f-3.a@b:1/ended") == "dialerd/main/event/call/7f-3.a@b:1/ended"
        assert TOPICS.state(("call", "7/8", "a+b")) == "dialerd/main/state/call/7%2F8/a%2Bb"


class TestResponseTopic:
    @given(NAMES, st.one_of(ANY_TEXT, TREE_TEXT.map("".join)))
    def test_O02_an_answer_goes_only_below_the_askers_own_reply_topic(self, who: str, rest: str) -> None:
        for asked in (rest, f"dialerd/main/reply/{rest}", f"dialerd/main/reply/{who}{rest}"):
            if TOPICS.may_respond(who, asked):
                assert asked.startswith(f"dialerd/main/reply/{who}/")
                assert not set("+#\0\n") & set(asked)

    @pytest.mark.parametrize("rest", ["1", "rr/7f3a", "a/b/c/d/e/f/g/h", "x:y~z@w.v-u_t"])
    def test_O02_response_topics_of_usual_clients_are_allowed(self, rest: str) -> None:
        assert TOPICS.may_respond("ann", f"dialerd/main/reply/ann/{rest}")

    @pytest.mark.parametrize(
        "asked",
        [
            "",
            "dialerd/main/reply/ann",
            "dialerd/main/reply/ann/",
            "dialerd/main/reply/bob/1",
            "dialerd/main/reply/anna/1",
            "dialerd/other/reply/ann/1",
            "dialerd/main/state/daemon",
            "dialerd/main/reply/ann/#",
            "dialerd/main/reply/ann/1\n",
            "dialerd/main/reply/ann/1/2/3/4/5/6/7/8/9",
            "dialerd/main/reply/ann/" + "x" * 1024,
        ],
    )
    def test_O02_other_response_topics_are_not(self, asked: str) -> None:
        assert not TOPICS.may_respond("ann", asked)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    # NUL and half surrogates are refused on purpose
    | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=20,
)


class TestArguments:
    @given(st.dictionaries(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")), JSON, max_size=5))
    def test_O02_arguments_come_through_unchanged(self, given_arguments: dict[str, object]) -> None:
        for ensure_ascii in (True, False):
            assert read_arguments(json.dumps(given_arguments, ensure_ascii=ensure_ascii).encode()) == given_arguments

    @given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d8 1eE+-', max_size=60).map(str.encode))
    def test_O02_no_payload_breaks_the_reader(self, payload: bytes) -> None:
        try:
            read = read_arguments(payload)
        except BadPayload as bad:
            told = (bad.message, bad.field, bad.allowed)
        else:
            told = ("fine", "all", json.dumps(read, allow_nan=False, ensure_ascii=False).encode().decode())
        assert all(told)

    @pytest.mark.parametrize(
        ("payload", "field", "words"),
        [
            (b"", "payload", "not JSON"),
            (b"{", "payload", "line 1 column 2"),
            (b"[1]", "payload", "array"),
            (b'"start"', "payload", "string"),
            (b"null", "payload", "null"),
            (b"true", "payload", "boolean"),
            (b"7", "payload", "number"),
            (b'{"a":"\xff"}', "payload", "UTF-8 at byte 6"),
            (b'{"a":"b\0"}', "payload", "NUL"),
            (b'{"a":{"b":["x","y\\u0000"]}}', "a.b[1]", "NUL"),
            (b'{"a":"\\ud800"}', "a", "surrogate"),
            (b'{"a":1,"a":2}', "a", "twice"),
            (b'{"o":{"b":1,"c":2,"b":1}}', "b", "twice"),
            (b'{"a":NaN}', "payload", "NaN"),
            (b'{"a":-Infinity}', "payload", "Infinity"),
            (b'{"a":1e999}', "payload", "too large"),
            (b'{"a":' + b"9" * 5000 + b"}", "payload", "too long"),
            (b'{"a":' * 40 + b"1" + b"}" * 40, "a." * 31 + "a", "deep"),
            (b'{"a":' + b"[" * 100_000, "payload", "deep"),
        ],
    )
    def test_O02_bad_payloads_are_told_what_is_wrong(self, payload: bytes, field: str, words: str) -> None:
        with pytest.raises(BadPayload) as caught:
            read_arguments(payload)
        assert caught.value.field == field
        assert words in caught.value.message

    def test_O02_depth_is_counted_exactly(self) -> None:
        read_arguments(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)
        with pytest.raises(BadPayload, match="deep"):
            read_arguments(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))

    def test_O02_a_payload_over_the_limit_is_not_even_parsed(self) -> None:
        with pytest.raises(BadPayload, match="17 bytes"):
            read_arguments(b"{" * 17, limit=16)

    def test_O02_an_escaped_backslash_before_u0000_is_text(self) -> None:
        assert read_arguments(rb'{"a":"\\u0000"}') == {"a": r"\u0000"}

    def test_O02_the_id_is_taken_out_of_the_arguments(self) -> None:
        arguments: dict[str, object] = {"id": "r-1", "campaign": "c"}
        assert take_id(arguments) == "r-1"
        assert arguments == {"campaign": "c"}
        assert take_id(arguments) is None

    @pytest.mark.parametrize("found", [7, None, "", "x" * 65, "a\nb", ["r-1"]])
    def test_O02_a_bad_id_is_refused(self, found: object) -> None:
        with pytest.raises(BadPayload) as caught:
            take_id({"id": found})
        assert caught.value.field == "id"

    def test_O02_an_error_reply_has_the_form_of_all_replies(self) -> None:
        assert json.loads(error_reply("r-1", "bad_request", "no", "id", "a string")) == {
            "id": "r-1",
            "ok": False,
            "error": {"code": "bad_request", "message": "no", "field": "id", "allowed": "a string"},
        }


class TestStateBoard:
    def test_O02_the_first_value_goes_at_once_and_the_next_within_the_second_are_merged(self) -> None:
        board = StateBoard()
        board.put("call/1", b"ringing", 10.0)
        assert board.take(10.0) == ("call/1", b"ringing", 1)
        for number in range(5):
            board.put("call/1", f"{number}".encode(), 10.1)
        assert board.take(10.9) is None
        assert board.next_due() == pytest.approx(10.0 + INTERVAL_S)
        assert board.take(11.0) == ("call/1", b"4", 6)
        assert board.take(20.0) is None

    def test_O02_a_cleared_subject_is_cleared_at_the_broker_and_then_forgotten(self) -> None:
        board = StateBoard()
        board.put("call/1", b"x", 0.0)
        board.take(0.0)
        board.settle("call/1", 1, 0.0)
        board.put("call/1", None, 0.5)
        assert board.take(1.0) == ("call/1", None, 2)
        assert board.unsettled
        board.settle("call/1", 2, 1.0)
        assert not board.unsettled
        assert len(board) == 1
        assert board.take(2.0) is None
        assert len(board) == 0

    def test_O02_a_subject_cleared_and_set_again_keeps_to_one_a_second(self) -> None:
        board = StateBoard()
        board.put("call/1", None, 0.0)
        board.take(0.0)
        board.settle("call/1", 1, 0.1)
        board.put("call/1", b"back", 0.2)
        assert board.take(0.9) is None
        assert board.take(1.0) == ("call/1", b"back", 2)

    def test_O02_after_a_reconnect_every_present_state_goes_again(self) -> None:
        board = StateBoard()
        for name in ("a", "b", "c"):
            board.put(name, name.encode(), 0.0)
            board.take(0.0)
            board.settle(name, 1, 0.0)
        board.put("c", None, 1.0)
        board.take(1.0)
        board.settle("c", 2, 1.0)
        assert not board.unsettled
        board.send_all(5.0)
        assert {board.take(5.0), board.take(5.0), board.take(5.0)} == {("a", b"a", 1), ("b", b"b", 1), None}

    def test_O02_a_subject_that_breaks_three_connections_is_silent_for_a_minute(self) -> None:
        board = StateBoard()
        board.put("bad", b"x", 0.0)
        for attempt in range(3):
            assert board.take(float(attempt)) is not None
            assert board.unanswered("bad", float(attempt)) is (attempt == 2)
            board.send_all(float(attempt))
        assert not board.suspects
        assert board.take(2.0 + MUTE_S - 1) is None
        assert board.take(2.0 + MUTE_S) is not None

    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.sampled_from(["put", "clear", "take", "settle", "lost", "wait"]),
                st.floats(0, 0.7),
            ),
            max_size=60,
        )
    )
    def test_O02_the_broker_ends_with_the_latest_of_everything(self, steps: list[tuple[str, str, float]]) -> None:
        board, now, wanted = StateBoard(), 0.0, dict[str, bytes | None]()
        broker = dict[str, bytes | None]()
        sent = dict[str, float]()
        under_way: list[tuple[str, bytes | None, int]] = []

        def take() -> bool:
            taken = board.take(now)
            if taken is None:
                return False
            tail = taken[0]
            assert now - sent.get(tail, -INTERVAL_S) >= INTERVAL_S - 1e-9
            sent[tail] = now
            broker[tail] = taken[1]
            under_way.append(taken)
            return True

        for number, (tail, step, pause) in enumerate(steps):
            now += pause
            if step in ("put", "clear"):
                wanted[tail] = f"{number}".encode() if step == "put" else None
                board.put(tail, wanted[tail], now)
            elif step == "take":
                take()
            elif step == "settle" and under_way:
                done, _, version = under_way.pop(0)
                board.settle(done, version, now)
            elif step == "lost":
                broker.clear()
                for lost, _, _ in under_way:
                    board.unanswered(lost, now)
                under_way.clear()
                board.send_all(now)
        for _ in range(3):
            now += MUTE_S + INTERVAL_S
            while take():
                pass
            for done, _, version in under_way:
                board.settle(done, version, now)
            under_way.clear()
        assert {tail: value for tail, value in broker.items() if value is not None} == {
            tail: value for tail, value in wanted.items() if value is not None
        }
        assert not board.unsettled
        assert len(board) == sum(value is not None for value in wanted.values())


def _drain(box: Outbox, now: float) -> list[Outgoing]:
    taken: list[Outgoing] = []
    while (item := box.take(now)) is not None:
        taken.append(item)
    return taken


def _topics(items: list[Outgoing]) -> list[str]:
    return [item.topic for item in items]


class TestOutbox:
    def test_O02_the_oldest_events_go_when_the_queue_is_full_and_are_counted(self) -> None:
        box = Outbox(queue_limit=3)
        for number in range(5):
            box.event(f"e{number}", b"")
        assert _topics(_drain(box, 0.0)) == ["e2", "e3", "e4"]
        assert box.dropped == 2

    def test_O02_bytes_are_bounded_too(self) -> None:
        box = Outbox(queue_limit=100, queue_bytes=10)
        for number in range(4):
            box.event(f"e{number}", b"12345")
        assert _topics(_drain(box, 0.0)) == ["e2", "e3"]

    def test_O02_a_flood_of_events_holds_up_neither_replies_nor_states(self) -> None:
        box = Outbox(queue_limit=100)
        for number in range(50):
            box.event(f"e{number}", b"")
        box.reply("r", b"", None)
        box.state("s", b"", 0.0)
        first = [box.take(0.0) for _ in range(3)]
        assert {item.lane for item in first if item is not None} == set(Lane)

    def test_O02_no_more_are_under_way_than_the_window(self) -> None:
        box = Outbox(queue_limit=100, window=4)
        for number in range(10):
            box.event(f"e{number}", b"")
        taken = _drain(box, 0.0)
        assert len(taken) == 4
        box.settle(taken[0], 0.0)
        assert _topics(_drain(box, 0.0)) == ["e4"]

    def test_O02_what_was_under_way_goes_again_first_and_one_at_a_time(self) -> None:
        box = Outbox(queue_limit=100, window=4)
        for number in range(6):
            box.event(f"e{number}", b"")
        _drain(box, 0.0)
        assert box.connection_lost(0.0) == []
        order: list[str] = []
        for _ in range(4):
            taken = _drain(box, 0.0)
            assert len(taken) == 1
            order += _topics(taken)
            box.settle(taken[0], 0.0)
        assert order == ["e0", "e1", "e2", "e3"]
        assert _topics(_drain(box, 0.0)) == ["e4", "e5"]

    @pytest.mark.parametrize("kind", ["event", "reply"])
    def test_O02_a_message_that_breaks_three_connections_is_given_up_and_the_others_arrive(self, kind: str) -> None:
        box = Outbox(queue_limit=100, window=4)
        put: dict[str, Callable[[str], None]] = {
            "event": lambda topic: box.event(topic, b""),
            "reply": lambda topic: box.reply(topic, b"", None),
        }
        for topic in ("a", "poison", "b", "c"):
            put[kind](topic)
        arrived: list[str] = []
        given_up: list[str] = []
        for _ in range(50):
            taken = _drain(box, 0.0)
            if any(item.topic == "poison" for item in taken):
                given_up += box.connection_lost(0.0)
                continue
            arrived += _topics(taken)
            for item in taken:
                box.settle(item, 0.0)
        assert given_up == ["poison"]
        assert arrived == ["a", "b", "c"]
        assert (box.dropped, box.idle) == (1, True)

    def test_O02_at_the_end_states_do_not_wait_for_their_second(self) -> None:
        box = Outbox(queue_limit=100)
        box.state("s", b"1", 0.0)
        box.settle(_drain(box, 0.0)[0], 0.0)
        box.state("s", b"2", 0.1)
        assert _drain(box, 0.2) == []
        box.hurry(0.2)
        assert [item.payload for item in _drain(box, 0.2)] == [b"2"]

    def test_O02_a_queue_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="queue_limit"):
            Outbox(queue_limit=0)
