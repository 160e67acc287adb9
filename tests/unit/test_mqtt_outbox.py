"""What waits to be published: states merged, queues bounded, nothing lost when a connection breaks (O02)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.adapters.mqtt.outbox import Lane, Outbox, Outgoing
from dialerd.adapters.mqtt.state_board import INTERVAL_S, MUTE_S, StateBoard


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

    def test_O02_a_state_that_is_due_makes_nobody_look_again_while_there_is_no_room(self) -> None:
        box = Outbox(queue_limit=100, window=1)
        box.event("e", b"")
        [event] = _drain(box, 0.0)
        box.state("s", b"", 0.0)
        assert box.next_due() is None
        box.settle(event, 0.0)
        assert box.next_due() == 0.0

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
