"""Legs whose Hangup was never told are found by looking twice (O08)."""

from __future__ import annotations

from dialerd.adapters.asterisk.auditing import Audit
from dialerd.adapters.asterisk.packets import Packet, read_packet
from dialerd.adapters.asterisk.reading import Reading
from dialerd.model import facts as f

CALL = "c00c0ffee000000000010001"


def packet(**headers: str) -> Packet:
    return read_packet("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode(), 1)


def test_O08_a_leg_missing_from_two_lists_is_gone() -> None:
    audit = Audit()
    assert audit.looked({"a", "b"}, {"a"}, {"a", "b"}) == []
    assert audit.looked({"a", "b"}, {"a"}, {"a", "b"}) == ["b"]
    assert audit.looked({"a"}, {"a"}, {"a"}) == []


def test_O08_a_leg_that_is_listed_again_or_comes_up_meanwhile_is_alive() -> None:
    audit = Audit()
    audit.looked({"a"}, set(), {"a"})
    assert audit.looked({"a"}, {"a"}, {"a"}) == []
    assert audit.looked({"a"}, set(), {"a"}) == []
    assert audit.looked(set(), set(), {"new"}) == []
    assert audit.looked({"a"}, set(), set()) == [], "its end was told while the list was made"


def test_O08_after_the_link_was_lost_two_more_looks_are_needed() -> None:
    audit = Audit()
    audit.looked({"a"}, set(), {"a"})
    audit.forget()
    assert audit.looked({"a"}, set(), {"a"}) == []


def test_O08_a_missed_end_is_told_once_and_a_late_hangup_adds_nothing() -> None:
    reading = Reading("00c0ffee")
    up = packet(Event="Newstate", ChannelState="6", Uniqueid=CALL)
    assert reading.read(up, 1.0) == [f.CallAnswered(CALL)]
    assert reading.with_channel() == {CALL}
    (ended,) = reading.missed(CALL, 2.0)
    assert isinstance(ended, f.CallEnded)
    assert ended.call == CALL
    assert reading.missed(CALL, 2.0) == []
    assert reading.read(packet(Event="Hangup", Uniqueid=CALL, Cause="16"), 3.0) == []
