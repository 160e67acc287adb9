"""Ordinary calls on a server's trunks, counted over the wire (V09): only where wanted, only what is not ours, told on change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from dialerd.adapters.asterisk import ordinary_calls
from dialerd.adapters.asterisk.link_settings import LinkSettings
from dialerd.adapters.asterisk.ordinary_calls import ordinary_on
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.telephony import AsteriskTelephony
from dialerd.model.facts import AnyFact, LinkLost, OrdinaryCalls
from tests.doubles.fake_ami import FakeAmi, Headers, error, eventually, listing, success

TOKEN = "0a1b2c3d"
OURS = f"c{TOKEN}000000000070001"
PREFIXES = {"main": "PJSIP/carrier-", "second": "PJSIP/carrier-b-"}


def channel(name: str, uniqueid: str = "1795299785.17") -> Headers:
    return [("Event", "CoreShowChannel"), ("Channel", name), ("ChannelState", "6"), ("Uniqueid", uniqueid)]


ORDINARY = (
    channel("PJSIP/carrier-00000012"),
    channel("PJSIP/carrier-0000001f", OURS),
    channel("PJSIP/carrier-0000002a", f"cffffffff{OURS[9:]}"),
    channel("PJSIP/carrier-b-00000003"),
    channel("PJSIP/carrierx-00000004"),
    channel("PJSIP/1001-00000005"),
    channel("SIP/carrier-00000006"),
    channel("Local/5@carrier-00000007;1"),
    channel("PJSIP/carrier"),
)


def test_V09_only_channels_of_the_trunk_s_own_endpoint_that_are_not_ours_are_counted() -> None:
    lines = [Packet.of(list(headers), n) for n, headers in enumerate(ORDINARY)]
    assert ordinary_on(lines, PREFIXES, TOKEN) == {"main": 2, "second": 1}, "another store's calls are ordinary to us"
    assert ordinary_on([], PREFIXES, TOKEN) == {"main": 0, "second": 0}


@asynccontextmanager
async def linked(ami: FakeAmi, prefixes: dict[str, str]) -> AsyncIterator[tuple[AsteriskTelephony, list[AnyFact]]]:
    """The telephony of one server, linked to the fake one."""
    facts: list[AnyFact] = []
    settings = LinkSettings(ami.host, ami.port, "dialerd", "s3cret", reconnect_min_s=0.05)
    telephony = AsteriskTelephony("pbx", settings, TOKEN, facts.append)
    telephony.count_ordinary(prefixes)
    running = asyncio.create_task(telephony.run())
    try:
        await eventually(lambda: telephony.connected, "the link is up and reconciled")
        yield telephony, facts
    finally:
        await telephony.aclose()
        await running


def told(facts: Sequence[AnyFact]) -> list[dict[str, int]]:
    return [fact.calls for fact in facts if isinstance(fact, OrdinaryCalls)]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordinary_calls, "EVERY_S", 0.02)


def fake() -> FakeAmi:
    ami = FakeAmi({"dialerd": "s3cret"})
    ami.answer("CoreStatus", success("", ("CoreStartupDate", "2026-11-21"), ("CoreStartupTime", "08:00:00")))
    return ami


@pytest.mark.usefixtures("often")
async def test_V09_counts_are_told_when_they_change_and_anew_after_the_link_was_lost() -> None:
    async with fake() as ami:
        ami.answer("CoreShowChannels", listing(ORDINARY, "CoreShowChannelsComplete"))
        async with linked(ami, {"main": "PJSIP/carrier-"}) as (telephony, facts):
            await eventually(lambda: told(facts) == [{"main": 2}], "the first count")
            asked = len(ami.actions("CoreShowChannels"))
            await eventually(lambda: len(ami.actions("CoreShowChannels")) > asked + 3, "counted again and again")
            assert told(facts) == [{"main": 2}], "what has not changed is not told"
            ami.answer("CoreShowChannels", listing([], "CoreShowChannelsComplete"))
            await eventually(lambda: told(facts) == [{"main": 2}, {"main": 0}], "the calls have ended")
            ami.reset()
            await eventually(lambda: any(isinstance(fact, LinkLost) for fact in facts), "the link is lost")
            await eventually(lambda: len(told(facts)) == 3, "told anew on the new link")
            assert told(facts)[-1] == {"main": 0}
            assert telephony.connected


@pytest.mark.usefixtures("often")
async def test_V09_a_list_that_is_refused_tells_nothing_and_is_asked_again() -> None:
    async with fake() as ami, linked(ami, {"main": "PJSIP/carrier-"}) as (_, facts):
        await eventually(lambda: told(facts) == [{"main": 0}], "the first count")
        ami.answer("CoreShowChannels", error("No such command"))
        asked = len(ami.actions("CoreShowChannels"))
        await eventually(lambda: len(ami.actions("CoreShowChannels")) > asked + 2, "asked again")
        ami.answer("CoreShowChannels", listing(ORDINARY, "CoreShowChannelsComplete"))
        await eventually(lambda: told(facts) == [{"main": 0}, {"main": 2}], "counted again")


class Nothing(dict[str, str]):
    """No trunk to count on, and how often one looked for some."""

    looks = 0

    def __bool__(self) -> bool:
        self.looks += 1
        return False


@pytest.mark.usefixtures("often")
async def test_V09_nothing_is_asked_where_nobody_wants_a_count_until_a_configuration_wants_it() -> None:
    async with fake() as ami, linked(ami, {}) as (telephony, facts):
        asked = len(ami.actions("CoreShowChannels"))
        nothing = telephony._ordinary.prefixes = Nothing()
        await eventually(lambda: nothing.looks > 3, "it comes round again and again")
        assert len(ami.actions("CoreShowChannels")) == asked
        telephony.count_ordinary({"main": "PJSIP/carrier-"})
        await eventually(lambda: told(facts) == [{"main": 0}], "counted from now on")
