"""Rule packs as files: those that come with dialerd, and an operator's own with errors that say file, line and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from phonenumbers.geodata import GEOCODE_DATA

from dialerd.compliance.history import Contact
from dialerd.compliance.judged_rules import area_of
from dialerd.compliance.pack import SECTIONS, Pack, Rule, Sourced
from dialerd.compliance.pack_words import describe, document
from dialerd.settings.packs import look_at_packs, read_packs, shipped
from dialerd.settings.trouble import Wrong
from tests.unit.pack_cases import ATLANTA, BERLIN, HANOI, MIAMI, at, pack, past, refusal

DOCS = Path(__file__).parents[2] / "docs" / "rules.md"
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return written


def troubles(folder: Path) -> list[str]:
    return [str(trouble).removeprefix(f"{folder}/") for trouble in look_at_packs(folder)[1]]


def every_rule(rules: Pack) -> list[tuple[str, Sourced]]:
    found: dict[str, Sourced] = dict(rules.duties)
    for section in SECTIONS:
        found.update(getattr(rules, section))
    return list(found.items())


def test_the_shipped_packs() -> None:
    assert sorted(shipped()) == ["de", "fr", "gb", "pl", "plain", "us", "vn"]
    for name, rules in shipped().items():
        assert rules.name == name
        assert rules.version >= date(2026, 11, 1)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_rule_has_its_source_its_date_and_how_sure_it_is(name: str) -> None:
    rules = every_rule(pack(name))
    assert rules or name == "plain"
    for rule_name, rule in rules:
        assert len(rule.source) >= 10, rule_name
        assert date(2026, 11, 1) <= rule.as_of <= pack(name).version, rule_name
        assert rule.confidence in ("high", "medium", "low"), rule_name
        assert not isinstance(rule, Rule) or rule.in_force, rule_name


@pytest.mark.parametrize("name", sorted(shipped()))
def test_names_of_rules_are_told_once_in_a_pack(name: str) -> None:
    names = [key for section in (*SECTIONS, "duties") for key in getattr(pack(name), section)]
    assert len(names) == len(set(names))


def test_rules_md_is_made_from_the_packs() -> None:
    assert DOCS.read_text(encoding="utf-8") == document(shipped().values())


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_pack_in_plain_words_tells_every_rule_with_its_source(name: str) -> None:
    told = describe(pack(name))
    for rule_name, rule in every_rule(pack(name)):
        line = next(line for line in told.splitlines() if line.startswith(f"| `{rule_name}` |"))
        assert rule.source in line
        assert str(rule.as_of) in line


def test_a_pack_survives_being_kept_as_json() -> None:
    for rules in shipped().values():
        again = Pack.model_validate_json(rules.model_dump_json(), strict=True)
        assert again == rules
        assert hash(again) == hash(rules)


STATE_NAMES = {"Washington State": "WA", "Washington D.C.": "DC"}


def test_area_codes_of_the_united_states_are_those_of_the_numbering_data() -> None:
    us = pack("us")
    names = {area.name: code for code, area in us.areas.items()} | STATE_NAMES
    wrong = []
    compared = 0
    for prefix, words in GEOCODE_DATA.items():
        if not prefix.startswith("1") or len(prefix) < 4:
            continue
        told = words.get("en", "")
        state = names.get(told) or (told[-2:] if re.search(r", [A-Z]{2}$", told) and told[-2:] in us.areas else None)
        if state is None:
            continue
        compared += 1
        if area_of(us, f"+{prefix}") != state:
            wrong.append((prefix, told))
    assert compared > 20_000
    # one exchange of New Jersey is told to be in New York
    assert all(prefix.startswith("1201") for prefix, _ in wrong), wrong
    assert len(wrong) <= 1


def test_an_operator_without_a_folder_has_the_shipped_packs() -> None:
    assert read_packs(None) == dict(shipped())


def test_an_operator_overrides_one_key_and_the_rest_stays(write: Write) -> None:
    folder = write(
        "vn-strict.yaml",
        """
extends: vn
title: Viet Nam without Sundays
windows:
  ad-call-hours:
    week: {sun: []}
    source: our lawyer
    as_of: 2026-11-21
""",
    )
    packs = read_packs(folder)
    assert sorted(packs) == ["de", "fr", "gb", "pl", "plain", "us", "vn", "vn-strict"]
    mine, theirs = packs["vn-strict"], packs["vn"]
    assert mine.windows["ad-call-hours"].week["sun"] == []
    assert mine.windows["ad-call-hours"].week["mon"] == ["08:00-17:00"]
    assert mine.windows["ad-call-hours"].source == "our lawyer"
    assert mine.windows["ad-message-hours"] == theirs.windows["ad-message-hours"]
    assert mine.limits == theirs.limits
    sunday = "2026-11-22T10:00:00+07:00"
    assert refusal(sunday, HANOI, "vn") is None
    assert refusal(sunday, HANOI, mine) == ("calling_window", at("2026-11-23T08:00:00+07:00"))


def test_an_operators_pack_of_the_same_name_takes_the_place_of_the_shipped_one(write: Write) -> None:
    folder = write("vn.yaml", "extends: vn\ntitle: Ours\n")
    assert read_packs(folder)["vn"].title == "Ours"
    assert shipped()["vn"].title == "Viet Nam"


def test_an_operator_writes_a_pack_of_his_own(write: Write) -> None:
    folder = write(
        "at.yaml",
        """
title: Austria
version: 2026-11-21
countries: [AT]
windows:
  hours:
    channels: [voice]
    week: {mon: [09:00-18:00]}
    holidays: [AT]
    source: our lawyer
    as_of: 2026-11-21
    confidence: low
""",
    )
    mine = read_packs(folder)["at"]
    assert refusal("2026-11-23T09:00:00+01:00", "+4316501234", mine) is None
    assert refusal("2026-10-26T09:00:00+01:00", "+4316501234", mine) == (  # national day
        "calling_window",
        at("2026-11-02T09:00:00+01:00"),
    )


def test_a_rule_that_is_put_out_of_force_is_not_judged_but_stays_on_record(write: Write) -> None:
    off = "{in_force: false, source: our lawyer, as_of: 2026-11-21}"
    folder = write("vn.yaml", f"extends: vn\nlimits:\n  ad-calls: {off}\n")
    mine = read_packs(folder)["vn"]
    called = past("2026-11-23T09:00:00+07:00")
    assert refusal("2026-11-23T10:00:00+07:00", HANOI, mine, history=called) is None
    assert "NOT IN FORCE: voice for marketing: at most 1 in 24 h" in describe(mine)


def test_C02_days_that_a_government_moves_are_added_and_removed(write: Write) -> None:
    folder = write("de.yaml", "extends: de\nholidays: {add: [2026-11-23], remove: [2026-10-03]}\n")
    mine = read_packs(folder)["de"]
    assert refusal("2026-11-23T12:00:00+01:00", BERLIN, mine) == ("calling_window", at("2026-11-24T08:00:00+01:00"))
    assert refusal("2026-10-03T12:00:00+02:00", BERLIN, mine) is None


def test_S04_an_operator_adds_his_carriers_limits_for_advertising(write: Write) -> None:
    folder = write(
        "vn.yaml",
        """
extends: vn
limits:
  carrier-month:
    channels: [sms]
    purposes: [marketing]
    at_most: 2
    months: 1
    source: contract with the carrier
    as_of: 2026-11-21
    confidence: high
""",
    )
    mine = read_packs(folder)["vn"]
    sent = past(*(Contact(at(f"2026-11-{day}T10:00:00+07:00"), "sms", "delivered") for day in ("02", "12")))
    assert refusal("2026-11-23T10:00:00+07:00", HANOI, mine, channel="sms", history=sent) == (
        "attempt_limit",
        at("2026-12-01T07:00:00+07:00"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "extends: nv\n",
            'mine.yaml:1: extends: found "nv", allowed: de, fr, gb, pl, plain, us, vn',
        ),
        ("extends: [vn]\n", "mine.yaml:1: extends: found a list, allowed: de, fr, gb, pl, plain, us, vn"),
        (
            "extends: vn\nwindow: {}\n",
            "mine.yaml:2: window: found an unknown key, allowed: one of 15; did you mean windows?",
        ),
        ("extends: vn\nname: x\n", 'mine.yaml:2: name: found "x", allowed: no name: it is the file\'s, without .yaml'),
        (
            "extends: vn\nlimits:\n  ad-calls:\n    at_most: 2\n",
            "mine.yaml:3: limits.ad-calls: found a changed rule of the shipped pack without its own source and as_of, "
            "allowed: who says so, and when he was asked",
        ),
        (
            "extends: vn\nduties:\n  consent: {text: None needed., source: our lawyer}\n",
            "mine.yaml:3: duties.consent: found a changed rule of the shipped pack without its own as_of, "
            "allowed: who says so, and when he was asked",
        ),
        (
            "extends: vn\nlimits:\n  ad-calls: {at_most: 0, source: our lawyer, as_of: 2026-11-21}\n",
            "mine.yaml:3: limits.ad-calls.at_most: found 0, allowed: at least 1",
        ),
        (
            "extends: vn\nlimits:\n  ad-calls: {days: 1, source: our lawyer, as_of: 2026-11-21}\n",
            "mine.yaml:3: limits.ad-calls.hours: found 24: not one time to count in, "
            "allowed: exactly one of hours, days and months",
        ),
        (
            "extends: vn\nwindows:\n  ad-call-hours:\n    week: {mon: [8-17]}\n    source: our lawyer\n"
            "    as_of: 2026-11-21\n",
            'mine.yaml:4: windows.ad-call-hours.week.mon.0: found "8-17": not a span, '
            "allowed: HH:MM-HH:MM in 24 hours, such as 08:00-17:30",
        ),
        (
            "extends: vn\nwindows:\n  ad-call-hours:\n    week:\n      monday: [08:00-17:00]\n    source: our lawyer\n"
            "    as_of: 2026-11-21\n",
            'mine.yaml:5: windows.ad-call-hours.week.monday: found the key "monday", '
            "allowed: mon, tue, wed, thu, fri, sat, sun; did you mean mon?",
        ),
        (
            "extends: vn\nwindows:\n  ad-call-hours:\n    areas: [HN]\n    source: our lawyer\n    as_of: 2026-11-21\n",
            'mine.yaml:4: windows.ad-call-hours.areas.0: found "HN", allowed: none, the pack has no areas',
        ),
        (
            "extends: us\nareas:\n  GA: {prefixes: [+1305]}\n",
            'mine.yaml:3: areas.GA.prefixes.0: found "+1305, which is in FL too", allowed: one area',
        ),
        (
            "extends: us\nareas:\n  GA: {prefixes: [305]}\n",
            "mine.yaml:3: areas.GA.prefixes.0: found 305, allowed: text",
        ),
        (
            'extends: us\nareas:\n  GA: {prefixes: ["305"]}\n',
            'mine.yaml:3: areas.GA.prefixes.0: found "305": not the beginning of a number, '
            "allowed: + and the first 2 to 12 digits, such as +1305",
        ),
        ("extends: vn\ncountries: [XX]\n", "mine.yaml:2: countries.0: found"),
        ("extends: vn\nnot_counted: [congeston]\n", "mine.yaml:2: not_counted.0: found"),
        (
            "extends: de\nwindows:\n  daily-hours: {holidays: [DE-XX], source: our lawyer, as_of: 2026-11-21}\n",
            "mine.yaml:3: windows.daily-hours.holidays.0: found",
        ),
        ("title: Mine\n", "mine.yaml:1: version: found nothing, allowed: a value; this key is needed"),
        ("- vn\n", "mine.yaml:1: found a list, allowed: keys and values"),
        ("", "mine.yaml: found an empty file, allowed: keys and values"),
        ("extends: vn\nextends: us\n", "mine.yaml:2: extends: found the key twice (first on line 1), allowed: once"),
        ("extends: vn\n  title: x\n", "mine.yaml:2: found a colon too many, or a wrong indentation"),
    ],
)
def test_errors_of_an_operators_pack_tell_file_line_and_key(write: Write, text: str, said: str) -> None:
    folder = write("mine.yaml", text)
    told = troubles(folder)
    assert any(trouble.startswith(said) for trouble in told), told
    with pytest.raises(Wrong):
        read_packs(folder)
    packs, _ = look_at_packs(folder)
    assert packs == dict(shipped())


def test_all_errors_of_all_packs_are_told_at_once(write: Write) -> None:
    write("a.yaml", "extends: vn\ncolor: red\nversion: soon\n")
    folder = write("b.yaml", "title: Mine\n")
    assert [line.split(":")[:2] for line in troubles(folder)] == [["a.yaml", "2"], ["a.yaml", "3"], ["b.yaml", "1"]]


def test_strange_files_are_told_or_passed_over(write: Write, tmp_path: Path) -> None:
    write(".hidden.yaml", "nonsense")
    write("readme.txt", "no pack")
    write("my pack.yaml", "extends: vn\n")
    (tmp_path / "folder.yaml").mkdir()
    folder = write("twice.yaml", "extends: vn\n")
    write("twice.yml", "extends: vn\n")
    assert troubles(folder) == [
        "folder.yaml: found a folder, allowed: a YAML file",
        'my pack.yaml: found a pack\'s file named "my pack", allowed: letters, digits, _ and -, at most 64, '
        "a letter or digit first, then .yaml",
        f"twice.yml: found the pack twice twice (first in {folder}/twice.yaml), allowed: once",
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    packs, told = look_at_packs(tmp_path / "nowhere")
    assert packs == dict(shipped())
    assert "No such file or directory" in str(told[0])


def test_a_changed_pack_of_the_same_name_and_version_is_judged_by_its_own_rules(write: Write) -> None:
    folder = write("us.yaml", "extends: us\nareas: {GA: {prefixes: [+1404]}, FL: {prefixes: [+1305]}}\n")
    mine = read_packs(folder)["us"]
    evening: dict[str, Any] = {"when": "2026-11-23T20:30:00-05:00"}
    assert hash(mine) == hash(pack("us"))
    assert refusal(number=MIAMI, rules=mine, **evening) is not None
    assert refusal(number=ATLANTA, rules=mine, **evening) is None
    assert refusal(number="+17705551234", rules=mine, **evening) is not None  # no area of this pack: the rules of all
    assert refusal(number="+17705551234", rules=pack("us"), **evening) is None
