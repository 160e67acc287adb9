"""Do-not-call lists: put on, taken off, imported whole, met by leads in hoppers and on their way (C20)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialerd.campaigns.dossiers import suppressed
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.pasts import known_of
from dialerd.control.dnc_text import numbers_of_text
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.errors import Refusal
from dialerd.model.pasts import OWN, REFUSALS, REGISTER
from dialerd.model.rows import LeadRow, SuppressionRow
from dialerd.settings.packs import shipped
from tests.doubles.desk_of_facts import START, Centre, every, floor, only

LIST = ("5000", "5001", "5002")


def centre(*, leads: int = 3, **policy: Any) -> Centre:
    made = {"name": "x", "trunks": ["main"], "region": "none"}
    return Centre(floor(agents=1, campaign=policy, campaigns={"autumn": made}), leads=leads)


def listed(desk: Centre, *numbers: str, name: str = OWN, channel: str = "all", **more: Any) -> list[i.AnyIntent]:
    return desk.take(f.NumbersListed(name, channel, numbers, "olga", "import", **more))


def states(desk: Centre) -> dict[str, str]:
    return {row.phone: row.state for row in desk.rows.leads.values()}


class TestLeadsThatMeetAList:
    def test_C20_a_lead_in_the_hopper_is_done_with_at_once(self) -> None:
        desk = centre()
        assert len(desk.live.hoppers["spring"].all()) == 3
        listed(desk, "5001", "9999")
        assert states(desk) == {"5000": "new", "5001": "blocked", "5002": "new"}
        kept = desk.rows.legal.refusals[desk.lead("5001").id]
        assert (kept.rule, kept.because, kept.until) == ("do_not_call", "on the do-not-call list own", None)
        assert desk.live.lead_states["spring"]["blocked"] == 1
        assert only(desk.agent_ready("1001"), i.Dial).number == "5000"

    def test_C20_a_lead_on_the_operators_register_becomes_dnc_when_it_comes_into_the_hopper(self) -> None:
        desk = centre(leads=0)
        listed(desk, "5001", name=REGISTER, channel="voice")
        desk.add_leads(3)
        assert states(desk) == {"5000": "new", "5001": "dnc", "5002": "new"}

    def test_C20_a_list_for_messages_does_not_bar_calls(self) -> None:
        desk = centre(leads=0)
        listed(desk, *LIST, channel="sms")
        desk.add_leads(3)
        assert set(states(desk).values()) == {"new"}
        assert only(desk.agent_ready("1001"), i.Dial)

    def test_C20_a_campaigns_list_holds_in_that_campaign_only(self) -> None:
        desk = centre()
        listed(desk, *LIST, name="campaign:autumn")
        assert set(states(desk).values()) == {"new"}
        listed(desk, *LIST, name="campaign:spring")
        assert set(states(desk).values()) == {"blocked"}

    def test_C20_an_entry_with_an_end_makes_the_lead_wait_for_it(self) -> None:
        desk = centre(leads=1)
        listed(desk, "5000", until=START + 600)
        assert states(desk) == {"5000": "new"}
        refused = only(desk.agent_ready("1001"), i.Refuse)
        assert (refused.rule, refused.until) == ("do_not_call", START + 600)
        assert desk.live.refused["spring"] == {"do_not_call": 1}
        call = only(desk.take(after=600), i.Dial)
        assert call.number == "5000"
        assert +desk.live.refused["spring"] == {}

    def test_C20_a_number_listed_while_leads_are_being_read_is_met_when_they_come(self) -> None:
        """The store's answer is older than the list entry."""
        desk = centre(leads=0)
        listed(desk, "1")
        asked = only(
            desk.exchange.take((f.LeadsAdded("spring", (f.NewLead("5000"),), "test", "olga"),), desk.now).turn.intents,
            i.WantLeads,
        )
        assert asked.lists
        assert desk.live.hoppers["spring"].all() == []
        desk.exchange.take((f.NumbersListed(OWN, "all", ("5000",), "olga", "import"),), desk.now)
        row = LeadRow(1, "spring", "5000", "new", desk.now, desk.now)
        answer = f.LeadsOffered("spring", (row,), None, question=asked.question, lists=True)
        desk.rows.commit([desk.exchange.take((answer,), desk.now)])
        assert states(desk) == {"5000": "blocked"}

    def test_C20_what_was_not_read_is_not_dialed(self) -> None:
        desk = centre(leads=1)
        listed(desk, "1")  # the first list there is: leads at hand are read anew
        desk.live.pasts.known.clear()
        refused = only(desk.agent_ready("1001"), i.Refuse)
        assert (refused.rule, refused.until) == ("do_not_call", desk.now + 60)
        assert "not known" in refused.because

    def test_C20_a_further_phone_on_a_list_bars_the_lead(self) -> None:
        desk = centre(leads=0)
        listed(desk, "6000")
        desk.take(f.LeadsAdded("spring", (f.NewLead("5000", phones=("6000",)),), "test", "olga"))
        assert states(desk) == {"5000": "blocked"}


class TestVersions:
    def comes(self, desk: Centre, version: int) -> None:
        desk.take(f.ListComes(REGISTER, "voice", version, "olga"))

    def replaced(self, desk: Centre, version: int) -> None:
        desk.take(f.ListReplaced(REGISTER, "voice", version, "2026-12", "olga"))

    def test_C20_until_the_new_register_is_whole_both_hold_and_then_only_the_new_one(self) -> None:
        desk = centre(leads=0)
        self.comes(desk, 1)
        listed(desk, "5000", "5001", name=REGISTER, channel="voice", version=1)
        self.replaced(desk, 1)
        self.comes(desk, 2)
        listed(desk, "5001", "5002", name=REGISTER, channel="voice", version=2)
        assert {number for number in LIST if self.bars(desk, number)} == set(LIST)
        self.replaced(desk, 2)
        assert {number for number in LIST if self.bars(desk, number)} == {"5001", "5002"}
        its = desk.live.dnc[REGISTER, "voice"]
        assert (its.version, its.coming, its.numbers, its.as_of) == (2, 0, 2, "2026-12")
        desk.add_leads(3)
        assert states(desk) == {"5000": "new", "5001": "dnc", "5002": "dnc"}

    def test_C20_a_replacement_takes_hold_of_leads_at_hand(self) -> None:
        desk = centre(leads=0)
        self.comes(desk, 1)
        listed(desk, "5000", name=REGISTER, channel="voice", version=1, until=START + 3600)
        self.replaced(desk, 1)
        desk.add_leads(1)
        self.comes(desk, 2)
        self.replaced(desk, 2)
        assert only(desk.agent_ready("1001"), i.Dial).number == "5000"

    def test_C20_an_import_that_another_one_overtook_changes_nothing(self) -> None:
        desk = centre(leads=0)
        self.comes(desk, 1)
        self.comes(desk, 2)
        listed(desk, "5000", name=REGISTER, channel="voice", version=1)
        self.replaced(desk, 1)
        assert not self.bars(desk, "5000")
        assert desk.live.dnc[REGISTER, "voice"].version == 0
        assert desk.live.oddities["numbers_listed"] == desk.live.oddities["list_replaced"] == 1

    def bars(self, desk: Centre, number: str) -> bool:
        told = desk.rows.pasts([number], None, True)
        return bool(suppressed(desk.live, "spring", known_of(told[0] if told else None, None)))


class TestByHand:
    def give(self, desk: Centre, command: str, **args: Any) -> dict[str, Any]:
        """A command with what the store would have told for it."""
        number = args["phone"]
        rows = tuple(desk.rows.legal.suppressions.get(number, {}).values())
        found = f.Found(as_of=desk.exchange.seq, suppressions=rows)
        args = {"region": "none", **args}
        wanted = desk.take(f.Asked(f"h{desk._next()}", "olga", ("owner",), command, args, found))
        reply: dict[str, Any] = msgspec.json.decode(only(wanted, i.Answer).reply)
        return reply

    def test_C20_a_number_is_put_on_taken_off_and_put_on_again(self) -> None:
        desk = centre()
        assert self.give(desk, "dnc.add", phone="5000", because="asked by letter")["result"]["changed"] is True
        assert states(desk)["5000"] == "blocked"
        row = desk.rows.legal.suppressions["5000"][OWN, "all"]
        assert (row.by, row.because, row.until, row.active) == ("olga", "asked by letter", None, True)
        assert self.give(desk, "dnc.add", phone="5000")["result"]["changed"] is False
        assert desk.live.dnc[OWN, "all"].numbers == 1
        assert self.give(desk, "dnc.remove", phone="5000")["result"]["changed"] is True
        assert desk.rows.legal.suppressions["5000"][OWN, "all"].active is False
        assert desk.live.dnc[OWN, "all"].numbers == 0
        error = self.give(desk, "dnc.remove", phone="5000")["error"]
        assert (error["code"], error["field"]) == ("unknown_number", "phone")

    def test_C20_what_the_called_party_said_himself_is_kept_as_a_refusal(self) -> None:
        desk = centre()
        self.give(desk, "dnc.add", phone="5000", list="campaign", campaign="autumn", refused=True)
        kept = desk.rows.legal.suppressions["5000"]
        assert set(kept) == {("campaign:autumn", "all"), (REFUSALS, "all")}
        assert states(desk)["5000"] == "new", "a refusal alone bars nothing: the pack says for how long"
        assert desk.live.pasts.known["5000"].history() is None

    def test_C20_a_list_that_is_not_told_whole_is_refused(self) -> None:
        desk = centre()
        for args, field in (
            ({"list": "campaign"}, "campaign"),
            ({"campaign": "spring"}, "campaign"),
            ({"until": START - 1}, "until"),
        ):
            assert self.give(desk, "dnc.add", phone="5000", **args)["error"]["field"] == field

    def test_O08_the_rows_tell_all_of_it(self) -> None:
        desk = centre()
        self.give(desk, "dnc.add", phone="5000")
        listed(desk, "5001", until=START + 600)
        desk.agent_ready("1001")
        engine = Engine(desk.rows.load("00c0ffee"))
        engine.live.now = desk.now
        engine.apply(f.Configured(desk.configuration))
        assert engine.snapshot() == desk.exchange.engine.snapshot()
        assert engine.snapshot()["refused"] == {"spring": {"do_not_call": 1}}
        assert list(engine.snapshot()["dnc"]) == [(OWN, "all")]


class TestText:
    def numbers(self, text: str, column: str = "phone", region: str = "VN") -> list[tuple[int, str, str]]:
        return [(one.row, one.number, one.because) for one in numbers_of_text(text, column, region)]

    @pytest.mark.parametrize(
        "text",
        [
            "0912345678\n\n0912345679\n",
            "\ufeff84912345678\r\n\r\n+84 912 345 679",
            "phone\n0912345678\n\n0912345679",
            "name;Phone;x\nAn;0912345678;\n\nBình;0912345679;y",
            'name,phone\n"Trần, An",0912345678\n\n"x ""y""",0912345679',
            "0912345678,An\n\n0912345679,Bình",
        ],
        ids=["list", "bom", "heading", "semicolons", "quotes", "first-column"],
    )
    def test_C20_a_list_or_a_column_of_a_table(self, text: str) -> None:
        assert self.numbers(text) == [(text.count("\n", 0, text.index("678")) + 1, "+84912345678", ""),
                                      (text.count("\n", 0, text.index("679")) + 1, "+84912345679", "")]  # fmt: skip

    def test_C20_a_line_that_is_no_number_is_told_and_the_next_is_read(self) -> None:
        found = self.numbers("phone,name\n12x,An\n0912345678,Bình\n,Chi\n")
        assert [(row, number) for row, number, _ in found] == [(2, ""), (3, "+84912345678"), (4, "")]
        assert "letters are not allowed" in found[0][2]
        assert found[2][2] == "no number"

    @pytest.mark.parametrize(("text", "field"), [("name,tel\nAn,0912345678", "column"), ("091\x00", "csv")])
    def test_C20_a_text_without_the_column_is_refused(self, text: str, field: str) -> None:
        with pytest.raises(Refusal) as refused:
            self.numbers(text)
        assert refused.value.field == field


def test_C20_a_refusal_silences_by_the_pack_of_a_campaign() -> None:
    """Viet Nam: stop at once and for good, for all advertising calls."""
    number = "+84912345001"
    vn = {"name": "x", "trunks": ["main"], "region": "VN", "pack": "vn"}
    desk = Centre(floor(agents=1, campaign=vn), packs=shipped())
    said = SuppressionRow(REFUSALS, number, "all", START - 9e6, "an", "disposition no", START - 9e6)
    desk.rows.commit([msgspec.structs.replace(desk.turns[-1], rows=(said,))])
    listed(desk, "1")
    desk.take(f.LeadsAdded("spring", (f.NewLead(number),), "test", "olga"))
    refused = only(desk.agent_ready("1001"), i.Refuse)
    assert (refused.rule, refused.until) == ("lockout", None)
    assert states(desk) == {number: "do_not_call_back"}
    assert every(desk.take(after=86400), i.Dial) == []
