"""AMI packets: the same however the network splits them, and no text of a stranger makes a second header or action."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialerd.adapters.asterisk.packets import Packet, PacketCutter, checked_headers, read_packet
from tests.doubles.fake_ami import decoded, encoded

NAMES = st.text("ABCdef-1", min_size=1, max_size=6)
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
PACKETS = st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=6).map(lambda pairs: [("Event", "Any"), *pairs])
LINE_ENDS = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"a: b", b"Event: X", "ễ".encode()]))


def cut(stream: bytes, places: list[int], limit: int) -> tuple[list[bytes], bool]:
    """What comes out of the stream when it arrives in pieces that end at these places."""
    cutter = PacketCutter(limit)
    out: list[bytes] = []
    ends = sorted({min(place, len(stream)) for place in places} | {len(stream)})
    start = 0
    for end in ends:
        out += cutter.feed(stream[start:end])
        start = end
    return out, cutter.overlong


@given(packets=st.lists(PACKETS), places=st.lists(st.integers(0, 400)))
def test_ami_packets_are_the_same_however_the_stream_is_split(
    packets: list[list[tuple[str, str]]], places: list[int]
) -> None:
    stream = b"".join(map(encoded, packets))
    raw, overlong = cut(stream, places, 10_000)
    assert [read_packet(each, 0) for each in raw] == [Packet.of(packet) for packet in packets]
    assert not overlong


@given(stream=LINE_ENDS.map(b"".join), places=st.lists(st.integers(0, 100)), limit=st.integers(0, 30))
@example(stream=b"a: b\r\n\r\n\r\n\r\n", places=[5, 6, 7, 8, 9], limit=30)
@example(stream=b"a: b\r\n\r\na: b\r\n\r\n", places=[3], limit=3)
def test_ami_any_bytes_give_the_same_packets_and_the_same_end_however_they_are_split(
    stream: bytes, places: list[int], limit: int
) -> None:
    # three bytes more, so that a packet at the very end cannot be both too long and not yet complete
    assert cut(stream + b"...", places, limit)[0] == cut(stream + b"...", [], limit)[0]
    whole = stream + b"\r\n\r\n"
    assert cut(whole, places, limit) == cut(whole, [], limit) == cut(whole, list(range(len(whole))), limit)


@pytest.mark.parametrize("step", [1, 10, 64, 1000])
def test_ami_a_packet_may_have_the_limit_and_not_one_byte_more(step: int) -> None:
    def fed(size: int) -> tuple[list[bytes], bool]:
        stream = b"first\r\n\r\n" + b"x" * size + b"\r\n\r\nlast\r\n\r\n"
        return cut(stream, list(range(0, len(stream), step)), 64)

    assert fed(64) == ([b"first", b"x" * 64, b"last"], False)
    assert fed(65) == ([b"first"], True)


def test_ami_a_stream_without_any_blank_line_does_not_grow_for_ever() -> None:
    cutter = PacketCutter(1000)
    for _ in range(10):
        assert cutter.feed(b"x" * 500) == []
    assert cutter.overlong
    assert cutter.feed(b"\r\n\r\nEvent: Late\r\n\r\n") == []


@given(raw=st.binary(max_size=200))
def test_ami_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        packet = read_packet(raw, 1)
    except ValueError as refusal:
        packet = None
        words = str(refusal)
    if packet is None:
        assert "neither Event nor Response" in words
    else:
        assert "event" in packet or "response" in packet


@given(packet=PACKETS)
def test_ami_headers_are_found_in_any_case_and_repeated_ones_in_order(packet: list[tuple[str, str]]) -> None:
    read = read_packet(encoded(packet).removesuffix(b"\r\n\r\n"), 7)
    for name, _ in packet:
        values = [value for each, value in packet if each.lower() == name.lower()]
        assert read.all(name.upper()) == read.all(name.lower()) == values
        assert read.get(name.swapcase()) == values[0]
    assert sorted(read.items()) == sorted((name.lower(), value) for name, value in packet)
    assert read == Packet.of(packet)
    assert read.get("Absent", "-") == "-"
    assert read.all("Absent") == []
    assert (read.name, read.seq, read.is_response) == ("Any", 7, False)


@given(packet=PACKETS, more=st.lists(st.sampled_from(["Event: Other", "event:", "ab:x", "AB:  y", "no colon", "É: z"])))
def test_ami_a_header_that_is_asked_for_alone_is_the_same_as_in_the_whole(
    packet: list[tuple[str, str]], more: list[str]
) -> None:
    raw = encoded(packet).removesuffix(b"\r\n\r\n") + "".join(f"\r\n{line}" for line in more).encode()
    whole = read_packet(raw, 1)
    assert "absent" not in whole  # read as a whole now
    for name in [*(name for name, _ in packet), "ab", "event", "absent"]:
        assert read_packet(raw, 1).get(name.swapcase(), "-") == whole.get(name, "-")


def test_ami_a_repr_shows_no_phone_number() -> None:
    packet = Packet.of([("Event", "Newstate"), ("ActionID", "a-1"), ("CallerIDNum", "71005000001")])
    assert "7100" not in repr(packet)
    assert "Newstate" in repr(packet)


@pytest.mark.parametrize(
    ("line", "value"), [("Last:", ""), ("Last: ", ""), ("Last:x", "x"), ("Last:x: y", "x: y"), ("Last: x: y", "x: y")]
)
def test_ami_a_header_without_a_blank_after_the_colon_is_read(line: str, value: str) -> None:
    assert read_packet(f"Event: X\r\n{line}".encode(), 0).get("last") == value


@given(name=st.text(max_size=5), value=st.text(max_size=20))
@example(name="CallerID", value="x\r\nAction: Evil")
@example(name="Caller\r\nAction", value="Evil")
@example(name="A:B", value="")
@example(name="X", value="\ud800")
@example(name="Action", value="Evil")
@example(name="actionid", value="another")
def test_ami_an_action_is_refused_or_arrives_as_it_was_meant(name: str, value: str) -> None:
    action = [("Action", "Ping"), (name, value)]
    try:
        headers = checked_headers(action, "id-1")
    except ValueError as refusal:
        headers, words = {}, str(refusal)
    if not headers:
        assert words.startswith("AMI header ")
        return
    wire = "".join(f"{each}: {text}\r\n" for each, text in headers.items() if isinstance(text, str)).encode()
    arrived = dict(decoded(wire + b"\r\n"))
    assert arrived["Action"] == "Ping"
    assert arrived["ActionID"] == "id-1"
    assert len(arrived) == 3
    assert arrived[name] == value.lstrip(" ")


def test_ami_repeated_headers_of_an_action_stay_in_order() -> None:
    action = [("Action", "Originate"), ("Variable", "A=1"), ("Exten", "s"), ("variable", "B=2"), ("Variable", "A=3")]
    assert checked_headers(action, "x")["Variable"] == ["A=1", "B=2", "A=3"]


@pytest.mark.parametrize(
    ("action", "action_id", "words"),
    [
        ([], "x", "AMI header Action: missing or empty"),
        ([("Action", "")], "x", "AMI header Action: missing or empty"),
        ([("Action", "Ping"), ("ACTION", "Originate")], "x", "AMI header ACTION: given twice"),
        ([("Action", "Ping")], "", "AMI header ActionID: empty"),
        ([("Action", "Ping"), ("Secret", "abc\0")], "x", "AMI header Secret: found a NUL at character 4"),
        ([("Action", "Ping"), ("X", 5)], "x", "AMI header X: found int; allowed is text"),
    ],
)
def test_ami_a_bad_action_is_refused_by_the_name_of_its_header(
    action: list[tuple[str, str]], action_id: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        checked_headers(action, action_id)
    assert "abc" not in str(refusal.value)
