"""Numbers as people and spreadsheets write them (C06, C07)."""

from __future__ import annotations

import hypothesis.strategies as st
import phonenumbers
import pytest
from hypothesis import given, settings

from dialerd.model.errors import Refusal
from dialerd.model.mobiles_at_sight import mobile_at_sight
from dialerd.model.old_numbers import VN_2018
from dialerd.model.phones import MOST_FURTHER_PHONES, by_the_book, is_e164, masked, normalise, split_phones


@pytest.mark.parametrize(
    "text",
    [
        "0912345678",
        "84912345678",
        "+84 (0)91 234 5678",
        "091-234-5678",
        " 0912 345 678 ",
        "0084912345678",
        "912345678",
        "912345678.0",
    ],
)
def test_C06_one_number_written_in_many_ways(text: str) -> None:
    assert normalise(text, "VN") == "+84912345678"


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("600 123 456", "+48600123456"),
        ("600123456", "+48600123456"),
        ("48600123456", "+48600123456"),
        ("+48 600-123-456", "+48600123456"),
        ("0048600123456", "+48600123456"),
        ("0600123456", "+48600123456"),
        ("+48 0600 123 456", "+48600123456"),
        ("480600123456", "+48600123456"),
        ("(022) 123-45-67", "+48221234567"),
        ("22 123 45 67", "+48221234567"),
    ],
)
def test_C06_polish_numbers(text: str, e164: str) -> None:
    assert normalise(text, "PL") == e164


def test_C06_a_country_code_without_plus_counts_at_home_only() -> None:
    assert normalise("84912345678", "VN") == "+84912345678"
    assert normalise("+84912345678", "PL") == normalise("0084 912 345 678", "PL") == "+84912345678"
    for text, region in (("84912345678", "PL"), ("48600123456", "VN"), ("0600123456", "VN")):
        with pytest.raises(Refusal):
            normalise(text, region)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_phone"),
        ("abc", "bad_phone"),
        ("01694567890", "bad_phone"),  # an eleven-digit mobile of before 2018
        ("113", "never_dialed"),
        ("1900123456", "never_dialed"),
        ("1800 1234", "never_dialed"),
        ("+1 900 555 1234", "never_dialed"),
        ("09123\r\n45678", "bad_phone"),
        ("0" * 80, "bad_phone"),
        ("0912345 Lan", "bad_phone"),  # a telephone's keys have letters too: this would be 0912345526
        ("+84912345678 +84912345679", "bad_phone"),
        ("+999123456", "bad_phone"),
        ("8.49123E+10", "bad_phone"),
    ],
)
def test_C06_what_is_no_number_or_is_never_dialed_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        normalise(text, "VN")
    assert refusal.value.code == code
    assert refusal.value.field == "phone"


MIGRATED = {
    "0120": "070",
    "0121": "079",
    "0122": "077",
    "0126": "076",
    "0128": "078",
    "0123": "083",
    "0124": "084",
    "0125": "085",
    "0127": "081",
    "0129": "082",
    "0162": "032",
    "0163": "033",
    "0164": "034",
    "0165": "035",
    "0166": "036",
    "0167": "037",
    "0168": "038",
    "0169": "039",
    "0186": "056",
    "0188": "058",
    "0199": "059",
}


@pytest.mark.parametrize(("old", "new"), sorted(MIGRATED.items()))
def test_C06_vietnamese_mobiles_of_before_2018_become_those_of_today_if_asked(old: str, new: str) -> None:
    legacy, today = f"{old}4567890", f"+84{new[1:]}4567890"
    for text in (legacy, f"84{legacy[1:]}", f"+84{legacy[1:]}", f"0084{legacy[1:]}", f"+84 (0){old[1:]} 456 7890"):
        assert normalise(text, "VN", migrate_2018=True) == today
        with pytest.raises(Refusal):
            normalise(text, "VN")
    assert normalise(f"+84{legacy[1:]}", "PL", migrate_2018=True) == today
    with pytest.raises(Refusal):
        normalise(legacy, "PL", migrate_2018=True)


def test_C06_the_migration_knows_its_twenty_one_prefixes_and_touches_nothing_else() -> None:
    assert {f"0{old}": f"0{new}" for old, new in VN_2018.items()} == MIGRATED
    for prefix in range(100, 200):
        if f"0{prefix}" not in MIGRATED:
            with pytest.raises(Refusal):
                normalise(f"0{prefix}4567890", "VN", migrate_2018=True)
    with pytest.raises(Refusal):  # ten digits and no country code
        normalise("1694567890", "VN", migrate_2018=True)
    for kept in ("0912345678", "841234567", "0121012345", "02838221234", "+48600123456"):
        assert normalise(kept, "VN", migrate_2018=True) == normalise(kept, "VN")


def test_C06_without_the_migration_an_old_number_is_told_as_what_it_is() -> None:
    with pytest.raises(Refusal, match="not a number in use in VN, but a mobile of before 2018"):
        normalise("01694567890", "VN")


def test_numbers_of_a_private_network_are_kept_as_dialed() -> None:
    assert normalise("71005-000 001", "none") == "71005000001"
    assert normalise("600 123 456", "none") == "600123456"
    for wrong in ("12", "1;2", "123@host", "7100&500", "abc", "1\n23", "7100+7101", "9" * 21):
        with pytest.raises(Refusal):
            normalise(wrong, "none")


def test_C07_a_plus_makes_no_second_lead_of_a_private_number() -> None:
    assert normalise("+7100", "none") == normalise("7100", "none") == normalise("(+7100)", "none") == "7100"


@pytest.mark.parametrize("region", ["none", "VN", "PL", "US", "DE", "SG"])
@pytest.mark.parametrize(
    "text",
    [
        "7100 7101",
        "7100/7101",
        "7100, 7101",
        "7100;7101",
        "7100 | 7101",
        "0912345678 0987654321",
        "0912345678/0987654321",
        "0912345678, 0987654321",
        "0912345678;0987654321",
        "0912345678 / 79",
        "600123456 & 600123457",
        "+84912345678 +84912345679",
        "0912345678，0987654321",
    ],
)
def test_C06_two_numbers_in_one_cell_are_refused_and_said_so(text: str, region: str) -> None:
    with pytest.raises(Refusal) as refusal:
        normalise(text, region)
    assert refusal.value.code == "bad_phone"
    assert "may be several numbers" in refusal.value.message


def test_C06_one_number_in_two_groups_is_one_number() -> None:
    assert normalise("9123 4567", "SG") == "+6591234567"
    assert normalise("0912 345678", "VN") == "+84912345678"


@pytest.mark.parametrize("extension", [" x12", " ext. 12", ";ext=12", " #12"])
def test_C06_an_extension_is_no_second_number(extension: str) -> None:
    assert normalise("0912345678" + extension, "VN") == "+84912345678"


@pytest.mark.parametrize("region", ["none", "VN", "PL", "US"])
@pytest.mark.parametrize("number", ["000", "110", "111", "112", "113", "114", "115", "119", "911", "997", "998", "999"])
def test_C06_emergency_numbers_of_any_country_are_never_dialed(number: str, region: str) -> None:
    for text in (number, f" {number} ", f"{number[0]}-{number[1:]}", f"{number}.0"):
        with pytest.raises(Refusal) as refusal:
            normalise(text, region)
        assert refusal.value.code == "never_dialed"
    with pytest.raises(Refusal):
        normalise(f"+{number}", region)


def test_C06_every_emergency_number_that_is_known_is_refused_on_private_networks() -> None:
    known = 0
    for region in phonenumbers.shortnumberinfo.SUPPORTED_SHORT_REGIONS:
        table = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        if table is None or table.emergency is None or not table.emergency.example_number:
            continue
        number = table.emergency.example_number
        assert max(table.emergency.possible_length) <= 6
        if len(number) >= 3:
            known += 1
            with pytest.raises(Refusal):
                normalise(number, "none")
    assert known > 200


# the usual mobiles are known at sight, and that is the same as by the book

FORMS = ("", "0", "84", "48", "+84", "+48", "0084", "0048", "840", "480", "+840", "00480")


def outcome(read: str, text: str, region: str, migrate: bool = False) -> str:
    try:
        return normalise(text, region, migrate_2018=migrate) if read == "quick" else by_the_book(text, region, migrate)
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("region", ["VN", "PL"])
def test_C06_every_beginning_of_a_number_is_read_at_sight_as_by_the_book(region: str) -> None:
    seen = 0
    for beginning in range(10000):
        nsn = f"{beginning:04d}{beginning * 7919 % 100000:05d}"
        for form in FORMS:
            quick = mobile_at_sight(form + nsn, region)
            if quick is not None:
                seen += 1
                assert quick == by_the_book(form + nsn, region), form + nsn
    assert seen > 10000


DIGITS = st.text(alphabet="0123456789", min_size=5, max_size=11)
NEAR = st.builds(
    lambda form, middle, tail, gaps: form + "".join(c + gaps.get(i, "") for i, c in enumerate(middle + tail)),
    st.sampled_from(FORMS),
    st.sampled_from(["9", "3", "7", "8", "5", "12", "140", "6", "60", "69", "88", "45", "21", "801", "2", "16", "169"]),
    DIGITS,
    st.dictionaries(
        st.integers(0, 12), st.sampled_from([" ", "-", ".", " - ", "(", ")", "/", ".0", ";", ""]), max_size=4
    ),
)


@settings(max_examples=1500, deadline=None)
@given(NEAR | st.text(alphabet="0123456789+-. ()", max_size=18) | st.text(max_size=20), st.booleans())
def test_C06_what_is_known_at_sight_is_the_same_by_the_book(text: str, migrate: bool) -> None:
    for region in ("VN", "PL", "DE"):
        assert outcome("quick", text, region, migrate) == outcome("book", text, region, migrate)


# further phones of a lead


def test_C07_further_phones_stand_in_a_column_of_their_own() -> None:
    assert split_phones(" 0912345678; +48 600 123 456;;84912345678 ;", "VN") == ("+84912345678", "+48600123456")
    assert split_phones("7100;+7100;7101", "none") == ("7100", "7101")
    assert split_phones("01694567890", "VN", migrate_2018=True) == ("+84394567890",)
    assert split_phones(" ; ", "VN") == ()


def test_C07_every_further_phone_that_is_wrong_is_named() -> None:
    with pytest.raises(Refusal) as refusal:
        split_phones("0912345678;113;nonsense", "VN")
    assert refusal.value.field == "phones"
    assert "'113'" in refusal.value.message
    assert "'nonsense'" in refusal.value.message
    with pytest.raises(Refusal, match=f"at most {MOST_FURTHER_PHONES}"):
        split_phones(";".join(f"71{n:02d}" for n in range(MOST_FURTHER_PHONES + 1)), "none")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_refusal(text: str) -> None:
    try:
        number = normalise(text, "VN")
    except Refusal:
        return
    assert is_e164(number)
    assert normalise(number, "VN") == number


def test_numbers_in_logs_show_three_digits() -> None:
    assert masked("+84912345678") == "+********678"
