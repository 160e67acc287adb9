"""When the answer of an AMI action is complete, and that no waiter is left alone."""

from __future__ import annotations

import asyncio

import pytest

from dialerd.adapters.asterisk import answers
from dialerd.adapters.asterisk.answers import AmiLost, Answer, ListAnswer
from dialerd.adapters.asterisk.packets import Packet


def packet(**headers: str) -> Packet:
    return Packet.of(headers.items())


def list_answer() -> ListAnswer:
    return ListAnswer(asyncio.get_running_loop().create_future())


START = packet(Response="Success", EventList="start")
ROW = packet(Event="CoreShowChannel")


@pytest.mark.parametrize(
    "start",
    [START, packet(Response="Success", EventList="START"), packet(Response="Success", Message="Peers will follow")],
)
@pytest.mark.parametrize(
    "end",
    [
        packet(Event="CoreShowChannelsComplete", EventList="Complete"),
        packet(Event="CoreShowChannelsComplete"),
        packet(Event="CoreShowChannel", EventList="cancelled"),
        packet(Event="QueueStatusEnd", EventList="complete"),
    ],
)
async def test_ami_a_list_goes_from_its_start_to_its_end(start: Packet, end: Packet) -> None:
    answer = list_answer()
    assert not answer.take(start)
    assert not answer.take(ROW)
    assert not answer.future.done()
    assert answer.take(end)
    assert answer.future.done()
    assert answer.packets == [start, ROW, end]


@pytest.mark.parametrize(
    "response",
    [
        packet(Response="Error", Message="No such channel"),
        packet(Response="Success", Message="Nothing to list"),
        packet(Response="Error", EventList="start"),
    ],
)
async def test_ami_an_answer_without_a_list_is_complete_at_once(response: Packet) -> None:
    answer = list_answer()
    assert answer.take(response)
    assert answer.future.done()
    assert answer.packets == [response]


async def test_ami_a_list_given_up_keeps_nothing_and_still_knows_its_end() -> None:
    answer = list_answer()
    answer.take(START)
    answer.future.cancel()
    assert not answer.take(ROW)
    assert answer.take(packet(Event="CoreShowChannelsComplete"))
    assert answer.packets == [START]


async def test_ami_a_list_without_end_does_not_eat_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LIST_LIMIT", 10)
    answer = list_answer()
    answer.take(START)
    for _ in range(100):
        assert not answer.take(ROW)
    assert len(answer.packets) == 10


@pytest.mark.parametrize("kind", [Answer, ListAnswer])
async def test_ami_a_lost_link_fails_the_waiter_with_the_reason(kind: type[Answer]) -> None:
    answer = kind(asyncio.get_running_loop().create_future())
    answer.fail("Asterisk is restarting")
    with pytest.raises(AmiLost, match="Asterisk is restarting"):
        await answer.future


async def test_ami_an_answer_that_came_is_not_taken_back_by_a_loss() -> None:
    answer = Answer(asyncio.get_running_loop().create_future())
    assert answer.take(START)
    answer.fail("too late")
    await answer.future
    assert answer.packets == [START]
