"""The law at the moment of dialing: packs, pasts of numbers, closed hours, refusals kept (C02, C09, C10, V04, V14)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialerd.campaigns.abandons import tallies
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.packs import told
from dialerd.campaigns.pasts import Pasts
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.campaigns.why import why
from dialerd.compliance.pack import Pack
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.pasts import REFUSALS, ListEntry, Past, PastCall
from dialerd.model.rows import LeadRow
from dialerd.model.turn import decode, encode
from dialerd.runtime.exchange import Exchange
from dialerd.settings.packs import shipped
from tests.doubles.desk_of_facts import START, Centre, every, floor, only

ONE, TWO, THREE = "+84912345001", "+84912345002", "+84912345003"
HOUR = 3600.0
VN = {"region": "VN", "pack": "vn"}
REST = {"rest": {"busy": {"again_after_min": 1}, "no_answer": {"again_after_min": 1}}, "max_attempts": 9}


def centre(*campaigns: str, start: bool = True, now: float = START, **policy: Any) -> Centre:
    """A centre on a Monday at 08:00 in Viet Nam, with these campaigns beside `spring`, all by the pack vn."""
    made = {"name": "x", "trunks": ["main"], "wrap_up_s": 0, **VN, **REST, **policy}
    made_floor = floor(agents=2, campaign=made, campaigns=dict.fromkeys(campaigns, made))
    found = Centre(made_floor, start=start, packs=shipped(), now=now)
    for name in campaigns if start else ():
        found.ask("campaign.start", campaign=name)
    return found


def leads(desk: Centre, campaign: str, *numbers: str, **more: Any) -> None:
    new = tuple(f.NewLead(number, **more) for number in numbers)
    desk.take(f.LeadsAdded(campaign, new, "test", "olga"))


def hang_up(desk: Centre, call: str, cause: int = 17, after: float = 5.0) -> list[i.AnyIntent]:
    return desk.take(f.CallRinging(call), f.CallEnded(call, cause=cause), after=after)


def row(desk: Centre, campaign: str, number: str) -> Any:
    return desk.rows.lead(campaign, number)


class TestOneCallADay:
    def test_C10_a_second_call_within_a_day_is_refused_in_another_campaign_too(self) -> None:
        desk = centre("autumn")
        leads(desk, "spring", ONE)
        call = only(desk.agent_ready("1001"), i.Dial)
        hang_up(desk, call.call)
        leads(desk, "autumn", ONE)
        lead = row(desk, "autumn", ONE)
        assert (lead.state, lead.refused_by, lead.refusals) == ("new", "attempt_limit", 1)
        assert lead.next_at == START + 0.1 + 24 * HOUR  # 08:00:00.1 the next morning, and its hours are open
        kept = desk.rows.legal.refusals[lead.id]
        assert (kept.rule, kept.times, kept.until) == ("attempt_limit", 1, lead.next_at)
        assert "vn/ad-calls: at most 1 in 24 h" in kept.because

    def test_C10_a_call_placed_while_the_store_is_asked_counts(self) -> None:
        """The store's answer is older than the call: what live state saw goes before it."""
        desk = centre("autumn")
        leads(desk, "spring", ONE)
        wanted = desk.exchange.take((f.LeadsAdded("autumn", (f.NewLead(ONE),), "test", "olga"),), desk.now).turn.intents
        asked = only(wanted, i.WantLeads)
        assert asked.since is not None
        lead = msgspec.structs.replace(next(iter(desk.live.hoppers["spring"].all())), id=77, campaign="autumn")
        call = only(desk.agent_ready("1001"), i.Dial)
        hang_up(desk, call.call)
        old = f.LeadsOffered("autumn", (lead,), None, question=asked.question, since=asked.since)
        wanted = desk.exchange.take((old,), desk.now).turn.intents
        assert only(wanted, i.Refuse).rule == "attempt_limit"
        assert every(wanted, i.Dial) == []

    def test_C10_what_never_rang_does_not_count(self) -> None:
        desk = centre()
        leads(desk, "spring", ONE)
        call = only(desk.agent_ready("1001"), i.Dial)
        desk.take(f.CallNotPlaced(call.call, "link is down"), after=1)
        again = only(desk.take(after=120), i.Dial)
        assert again.number == ONE

    def test_C10_a_history_that_was_not_read_refuses(self) -> None:
        desk = centre()
        leads(desk, "spring", ONE)
        desk.live.pasts.known.clear()
        refused = only(desk.agent_ready("1001"), i.Refuse)
        assert (refused.rule, refused.until) == ("history", desk.now + 60)
        assert only(desk.take(after=61), i.Dial).number == ONE  # read anew, and known

    def test_C10_a_plain_campaign_of_a_house_without_lists_asks_for_nothing(self) -> None:
        desk = centre(pack="plain")
        leads(desk, "spring", ONE)
        (asked,) = [one for turn in desk.turns for one in every(turn.turn.intents, i.WantLeads)][-1:]
        assert (asked.since, asked.lists) == (None, False)
        assert desk.live.pasts.known == {}

    def test_C10_a_call_for_another_purpose_is_not_counted(self) -> None:
        desk = centre("debts")
        policy = {**desk.configuration["campaigns"]["debts"], "purpose": "debt"}
        campaigns = {**desk.configuration["campaigns"], "debts": policy}
        desk.take(f.Configured({**desk.configuration, "campaigns": campaigns}, desk.packs))
        leads(desk, "debts", ONE)
        call = only(desk.agent_ready("1001"), i.Dial)
        assert desk.rows.attempts[call.call].purpose == "debt"
        hang_up(desk, call.call)
        leads(desk, "spring", ONE)
        assert [
            one.campaign for one in every([*desk.turns[-2].turn.intents, *desk.turns[-1].turn.intents], i.Dial)
        ] == ["spring"]


class TestHours:
    def test_C02_closed_hours_of_the_pack_hold_the_whole_campaign_without_a_refusal(self) -> None:
        desk = centre(now=START + 9 * HOUR - 1)  # 16:59:59
        leads(desk, "spring", ONE, TWO)
        desk.agent_ready("1001")
        first = only([one for turn in desk.turns for one in turn.turn.intents], i.Dial)
        hang_up(desk, first.call)
        wanted = desk.take(after=60)
        assert [one for one in wanted if isinstance(one, i.Dial | i.Refuse)] == []
        assert row(desk, "spring", TWO).next_at <= desk.now, "it is not moved: nobody was asked about"
        assert desk.exchange.next_wakeup() == START + 24 * HOUR
        why_not = why(desk.live, "spring")
        assert (why_not["factor"], why_not["until"]) == ("law", "2026-11-24T01:00:00.000Z")
        desk.now = START + 24 * HOUR
        assert [one.number for one in every(desk.take(), i.Dial)] == [TWO]

    def test_C02_a_call_that_the_customer_asked_for_is_placed_in_closed_hours(self) -> None:
        desk = centre(now=START + 8 * HOUR)
        leads(desk, "spring", ONE, TWO)
        six = START + 10 * HOUR
        found = f.Found(as_of=desk.exchange.seq, leads=(msgspec.structs.replace(row(desk, "spring", ONE)),))
        args = {"campaign": "spring", "phone": ONE, "call_at": six}
        desk.take(f.Asked("later", "olga", ("owner",), "lead.callback", args, found))
        assert row(desk, "spring", ONE).agreed_at == six
        desk.now = six - 1
        assert every(desk.agent_ready("1001"), i.Dial) == []
        wanted = desk.take(after=2)
        assert [one.number for one in every(wanted, i.Dial)] == [ONE]

    def test_C02_an_hour_after_the_time_he_asked_for_it_is_that_time_no_more(self) -> None:
        desk = centre(now=START + 8 * HOUR)
        leads(desk, "spring", ONE)
        six = START + 10 * HOUR
        found = f.Found(as_of=desk.exchange.seq, leads=(msgspec.structs.replace(row(desk, "spring", ONE)),))
        args = {"campaign": "spring", "phone": ONE, "call_at": six}
        desk.take(f.Asked("later", "olga", ("owner",), "lead.callback", args, found))
        desk.now = six + HOUR + 1
        refused = only(desk.agent_ready("1001"), i.Refuse)
        assert (refused.rule, refused.until) == ("calling_window", START + 24 * HOUR)

    def test_C10_a_pack_that_nobody_knows_dials_nobody_and_says_so(self) -> None:
        desk = centre()
        leads(desk, "spring", ONE)
        desk.take(f.Configured(desk.configuration, {}))
        assert every(desk.agent_ready("1001"), i.Dial) == []
        assert why(desk.live, "spring")["because"] == "the rule pack vn is not known"
        desk.ask("campaign.pause", campaign="spring")
        error = desk.ask("campaign.resume", campaign="spring")["error"]
        assert (error["code"], error["field"], error["allowed"]) == ("not_configured", "pack", ["plain"])


class TestPoliciesAgainstTheirPacks:
    def make(self, desk: Centre, **policy: Any) -> dict[str, Any]:
        return desk.ask("campaign.create", campaign="made", policy={"name": "Made", "trunks": ["main"], **policy})

    def test_V14_a_ringing_time_below_the_packs_is_refused(self) -> None:
        desk = centre()
        rings = shipped()["gb"].model_copy(deep=True)
        rings.ringing["fifteen-seconds"] = rings.ringing["fifteen-seconds"].model_copy(update={"at_least_s": 25.0})
        desk.take(f.Configured(desk.configuration, {**desk.packs, **told({"gb": rings})}))
        error = self.make(desk, pack="gb", ring_s=20, max_abandon_rate=0.05)["error"]
        assert error["field"] == "policy.ring_s"
        assert "ring_s: found 20, allowed: at least 25 by the rule gb/fifteen-seconds" in error["message"]
        assert "max_abandon_rate: found 0.05, allowed: at most 0.03" in error["message"]
        made = self.make(desk, pack="gb", ring_s=25)["result"]
        assert [one.split(":")[0] for one in made["warnings"]] == ["max_wait_s", "drop_prompt"]
        changed = desk.ask("campaign.update", campaign="made", policy={"max_wait_s": 2, "drop_prompt": "sorry"})
        assert changed["result"]["warnings"] == []

    def test_C10_a_pack_that_is_none_is_refused_with_those_there_are(self) -> None:
        error = self.make(centre(), pack="vm")["error"]
        assert error["field"] == "policy.pack"
        assert error["allowed"] == ["de", "fr", "gb", "pl", "plain", "us", "vn"]

    def test_C10_a_pack_stays_the_same_object_over_a_reload(self) -> None:
        """Caches are found by it; an equal copy would be compared whole for every call."""
        desk = centre()
        before = dict(desk.live.packs)
        desk.take(f.Configured(desk.configuration, told(shipped())))
        assert all(desk.live.packs[name] is pack for name, pack in before.items())


class TestReplay:
    def test_O08_the_pack_that_judged_is_in_the_journal(self) -> None:
        desk = centre("autumn")
        leads(desk, "spring", ONE, TWO)
        call = only(desk.agent_ready("1001"), i.Dial)
        hang_up(desk, call.call)
        leads(desk, "autumn", ONE, TWO)
        desk.take(after=120)
        assert [one for turn in desk.turns for one in every(turn.turn.intents, i.Refuse)]
        again = Exchange(Engine(nothing_kept("00c0ffee")))
        for committed in desk.turns:
            turn = decode(encode(committed.turn))
            assert again.take(turn.facts, turn.at).turn == turn


class TestAbandons:
    def test_V14_answered_calls_are_counted_as_the_rule_says_day_by_day(self) -> None:
        desk = centre(pack="gb", region="GB", purpose="service")
        numbers = [f"+4420794600{n:02d}" for n in range(4)]
        leads(desk, "spring", *numbers)
        desk.now = START + 3 * HOUR  # 04:00 in London; it has no hours for service calls
        wanted = desk.agent_ready("1001")
        for waits in (1.0, 5.0):
            call = only(wanted, i.Dial)
            desk.take(f.CallRinging(call.call), f.CallAnswered(call.call), after=2)
            wanted = desk.take(f.CallEnded(call.call, cause=16), after=waits)
        counts = desk.live.abandons["spring", "gb/three-percent 2s"]
        assert (counts.abandoned, counts.hung_up, counts.connected, counts.whole) == (1, 1, 0, True)
        assert (counts.start, counts.end) == (START - HOUR, START + 23 * HOUR)  # midnight to midnight in London
        call = only(wanted, i.Dial)
        desk.now = START + 24 * HOUR
        desk.take(f.CallRinging(call.call), f.CallAnswered(call.call), after=2)
        desk.take(f.CallEnded(call.call, cause=16), after=5)
        counts = desk.live.abandons["spring", "gb/three-percent 2s"]
        assert (counts.abandoned, counts.hung_up, counts.start, counts.whole) == (1, 0, START + 23 * HOUR, True)
        engine = Engine(desk.rows.load("00c0ffee"))
        engine.live.now = desk.now
        engine.apply(f.Configured(desk.configuration, desk.packs))
        assert engine.snapshot()["abandons"] == desk.exchange.engine.snapshot()["abandons"] != {}

    def test_V14_a_pack_taken_in_the_middle_of_a_day_does_not_know_its_rate(self) -> None:
        desk = centre(pack="plain", region="GB", purpose="service")
        leads(desk, "spring", "+442079460001")
        call = only(desk.agent_ready("1001"), i.Dial)
        desk.take(f.CallRinging(call.call), f.CallAnswered(call.call), after=2)
        desk.take(f.CallEnded(call.call, cause=16), after=5)
        assert tallies(desk.live, "spring") == {}
        policy = {**desk.configuration["campaigns"]["spring"], "pack": "gb"}
        desk.take(f.Configured({**desk.configuration, "campaigns": {"spring": policy}}, desk.packs))
        assert tallies(desk.live, "spring") == {}, "what was abandoned this morning was not counted by it"
        desk.take(after=24 * HOUR)
        assert set(tallies(desk.live, "spring")) == {"three-percent"}


class TestPasts:
    def test_C10_only_what_the_store_was_asked_for_is_known(self) -> None:
        pasts = Pasts()
        lead = msgspec.structs.replace(_lead(), phones=[TWO])
        pasts.ask()
        told_ = (Past(ONE, (PastCall("c1", 5.0, "x", "marketing", "busy"),), (ListEntry(REFUSALS, "all", 3.0, 3.0),)),)
        pasts.answer(f.LeadsOffered("spring", (lead,), None, pasts=told_, since=1.0, lists=True))
        known = pasts.known[ONE]
        history = known.history()
        assert history is not None
        assert (history.since, history.last_refusal, len(history.contacts)) == (1.0, 3.0, 1)
        assert pasts.known[TWO].history() is not None
        assert THREE not in pasts.known
        pasts.ask()
        pasts.listed(ONE, ListEntry("own", "all", 9.0))
        pasts.unlisted(TWO, "own", "all")
        old = (Past(TWO, (), (ListEntry("own", "all", 2.0),)),)
        pasts.keep_only(set())
        pasts.answer(f.LeadsOffered("spring", (lead,), None, pasts=old, since=1.0, lists=True))
        assert pasts.known[ONE].entries["own", "all"] == ListEntry("own", "all", 9.0)
        assert pasts.known[TWO].entries["own", "all"] is None, "taken back while the answer was on its way"

    def test_C10_an_answer_without_calls_leaves_the_calls_unknown(self) -> None:
        pasts = Pasts()
        pasts.ask()
        pasts.answer(f.LeadsOffered("spring", (_lead(),), None, lists=True))
        assert pasts.known[ONE].history() is None
        pasts.ask()
        pasts.answer(f.LeadsOffered("spring", (_lead(),), None, since=5.0))
        assert (pasts.known[ONE].since, pasts.known[ONE].lists) == (5.0, True)


def _lead() -> Any:
    return LeadRow(1, "spring", ONE, "new", START, START)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_pack_comes_out_of_the_journal_as_it_went_in(name: str) -> None:
    pack = shipped()[name]
    assert Pack.model_validate(msgspec.json.decode(msgspec.json.encode(told({name: pack})[name]))) == pack
