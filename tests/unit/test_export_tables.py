"""The tables that people take away: every word in every language, every lead's field, every figure (C15, C18)."""

from __future__ import annotations

from typing import get_args

import pytest

from dialerd.control.export_sheets import campaign_sheet, lead_sheet
from dialerd.control.export_tables import call_layout, campaign_layout, lead_layout
from dialerd.control.export_words import _HEADINGS, _OUTCOMES, _VALUES, LANGUAGES, Language, Words
from dialerd.model import states
from dialerd.model.causes import OUTCOMES
from dialerd.model.rows import AttemptRow, LeadRow
from dialerd.ports.exports import Column
from tests.doubles.desk_of_facts import START, Centre, floor

FIELDS = [{"name": "city", "label": "City"}, {"name": "debt", "kind": "number"}, {"name": "born", "kind": "date"}]


@pytest.fixture
def centre() -> Centre:
    business = {"budget": 100, "cost": 20, "person_in_charge": "ada"}
    dispositions = {"sold": {"title": "Đã bán", "success": True}}
    hotlines = {"sales": {"number": "+842871234567"}}
    configuration = floor(campaign={"fields": FIELDS, "business": business})
    return Centre({**configuration, "dispositions": dispositions, "hotlines": hotlines}, leads=3)


def lead(**more: object) -> LeadRow:
    known = {"next_at": START + 60, "name": "An", "fields": {"debt": "12", "old": "x"}, "disposition": "sold"}
    return LeadRow(7, "spring", "+84912345678", created_at=START, **{"state": "retry", **known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_C18_every_word_is_there_in_every_language(language: Language, centre: Centre) -> None:
    words = Words(language)
    for table in (_HEADINGS, _VALUES, _OUTCOMES):
        for key, row in table.items():
            assert len(row) == len(LANGUAGES), key
            assert all(row), key
    for state in (*states.LEAD, *states.CAMPAIGN, *states.TABLES["participation"]):
        assert state == "none" or words.value(state) == _VALUES[state][LANGUAGES.index(language)]
    for outcome in OUTCOMES:
        assert words.outcome(outcome) == _OUTCOMES[outcome][LANGUAGES.index(language)]
    live = centre.live
    for layout in (lead_layout(words, live, [], ()), call_layout(words, live), campaign_layout(words, live)):
        headings = [column.heading for column in layout.columns]
        assert len(set(headings)) == len(headings), "two columns are called alike"


def test_C18_languages_are_those_of_the_files_own_words() -> None:
    assert get_args(Language) == LANGUAGES == ("en", "vi", "pl")


def test_C18_a_lead_has_all_columns_and_its_record_fields(centre: Centre) -> None:
    fields = centre.live.policies["spring"].fields
    layout = lead_layout(Words("en"), centre.live, fields, {"old", "debt"})
    assert layout.columns[20:] == (
        Column("City"),
        Column("debt", "number"),
        Column("born"),
        Column("old"),
    )
    (cells,) = layout.rows([lead()])
    found = dict(zip([column.heading for column in layout.columns], cells, strict=True))
    assert (found["Lead"], found["Phone"], found["State"]) == (7, "+84912345678", "to be called again")
    assert (found["City"], found["debt"], found["old"]) == (None, "12", "x")
    assert (found["Next attempt"], found["Disposition"], found["Joined at"]) == (START + 60, "Đã bán", START)
    (cells,) = layout.rows([lead(state="succeeded", last_outcome="refused:hours", disposition="gone")])
    found = dict(zip([column.heading for column in layout.columns], cells, strict=True))
    assert (found["Next attempt"], found["Last outcome"], found["Disposition"]) == (
        None,
        "refused by rule: hours",
        "gone",
    )


def test_O06_a_call_tells_its_caller_id_and_how_long_it_took(centre: Centre) -> None:
    call = AttemptRow("c1", "spring", 7, "+84912345678", "pbx", "main", "sales", "ended", START)
    call.ringing_at, call.answered_at, call.connected_at, call.ended_at = START + 1, START + 4, START + 6, START + 36
    layout = call_layout(Words("en"), centre.live)
    found = dict(zip([column.heading for column in layout.columns], layout.rows([call])[0], strict=True))
    assert (found["Caller id"], found["Ringing"], found["Wait"], found["Talk"]) == ("+842871234567", 3, 2, 30)
    call.answered_at = call.connected_at = None
    found = dict(zip([column.heading for column in layout.columns], layout.rows([call])[0], strict=True))
    assert (found["Ringing"], found["Wait"], found["Talk"]) == (35, None, None)


def test_C15_a_campaign_has_its_money_and_its_counts(centre: Centre) -> None:
    layout = campaign_layout(Words("en"), centre.live)
    (cells,) = layout.rows([centre.live.campaigns["spring"]])
    found = dict(zip([column.heading for column in layout.columns], cells, strict=True))
    assert (found["Budget"], found["Cost"], found["Revenue"]) == (100, 20, None)
    assert (found["Leads"], found["Leads: new"]) == (3, 3)
    assert found["Abandon rate"] is None


def test_C18_sheets_leave_out_what_is_not_known(centre: Centre) -> None:
    words, live = Words("en"), centre.live
    sheet = lead_sheet(words, live, lead(), [], START, "UTC", "sheet")
    labels = [fact.label for block in sheet.blocks for fact in block.facts]
    assert "E-mail" not in labels
    assert labels[-2:] == ["debt", "old"]
    assert [block.heading for block in sheet.blocks] == ["", "Record"]
    sheet = campaign_sheet(words, live, live.campaigns["spring"], [], START, "UTC", "sheet")
    assert [block.heading for block in sheet.blocks] == ["", "Business figures", "Figures"]
    assert "Revenue" not in [fact.label for fact in sheet.blocks[1].facts]
