"""PESEL, NIP and REGON with their check digits and the reason of every refusal (C08)."""

from __future__ import annotations

from datetime import date

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from stdnum.pl import nip as their_nip
from stdnum.pl import pesel as their_pesel
from stdnum.pl import regon as their_regon

from dialerd.model.errors import Refusal
from dialerd.model.identifiers import check_nip, check_pesel, check_regon

TODAY = date(2026, 11, 21)
FAR_OFF = date(2299, 12, 31)


@pytest.mark.parametrize("text", ["44051401359", "02070803628", "00222901239", "99813104564"])
def test_C08_a_right_pesel_is_kept(text: str) -> None:
    assert check_pesel(text, TODAY) == text
    assert check_pesel(f" {text[:6]} {text[6:]} ", TODAY) == text


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("44051401358", "its last digit, which checks the others, is 8, and 9 is expected"),
        ("44051401395", "its last digit, which checks the others, is 5, and 7 is expected"),
        ("02222900010", "its date of birth, 2002-02-29, is not a day"),
        ("00000000000", "its date of birth, 1900-00-00, is not a day"),
        ("4405140135", "it has 10 digits, and 11 are needed (a spreadsheet may have cut zeros off its front)"),
        ("440514013590", "it has 12 digits, and 11 are needed"),
        ("44051401", "it has 8 digits, and 11 are needed"),
        ("4405140135O", "the character 'O' does not belong in it"),
        ("44051401359.0", "the character '.' does not belong in it"),
        ("٤٤٠٥١٤٠١٣٥٩", "the character '٤' does not belong in it"),
        ("", "it has no digits"),
        (" - ", "it has no digits"),
    ],
)
def test_C08_a_wrong_pesel_is_refused_with_the_exact_reason(text: str, because: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_pesel(text, TODAY)
    assert refusal.value.message == because
    assert refusal.value.field == "pesel"
    assert refusal.value.allowed


def made_pesel(first_ten: str) -> str:
    weighed = sum(int(d) * w for d, w in zip(first_ten, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True))
    return f"{first_ten}{-weighed % 10}"


def test_C08_a_pesel_of_somebody_yet_to_be_born_is_refused_until_that_day() -> None:
    text = made_pesel("2631220001")  # 2026-11-22
    with pytest.raises(Refusal, match="its date of birth, 2026-11-22, is yet to come"):
        check_pesel(text, TODAY)
    assert check_pesel(text, date(2026, 11, 22)) == text


@pytest.mark.parametrize(
    ("month", "born"), [("81", "1801-01-31"), ("01", "1901-01-31"), ("21", "2001-01-31"), ("41", "2101-01-31")]
)
def test_C08_a_pesel_tells_the_century_by_its_month(month: str, born: str) -> None:
    text = made_pesel(f"01{month}310001")
    assert check_pesel(text, date.fromisoformat(born)) == text
    with pytest.raises(Refusal, match=f"{born}, is yet to come"):
        check_pesel(text, date(1800, 1, 1))


@pytest.mark.parametrize("text", ["1234563218", "5260250274", "7680002466"])
def test_C08_a_right_nip_is_kept(text: str) -> None:
    assert check_nip(text) == text
    for written in (f"{text[:3]}-{text[3:6]}-{text[6:8]}-{text[8:]}", f"PL{text}", f"pl {text} ", f"PL-{text}"):
        assert check_nip(written) == text


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("5260250275", "its last digit, which checks the others, is 5, and 4 is expected"),
        ("1234567890", "no last digit can check its first nine (remainder 10)"),
        ("1000000160", "no last digit can check its first nine (remainder 10)"),
        ("0000000000", "it is nothing but zeros"),
        ("526025027", "it has 9 digits, and 10 are needed (a spreadsheet may have cut zeros off its front)"),
        ("52602502740", "it has 11 digits, and 10 are needed"),
        ("DE5260250274", "the character 'D' does not belong in it"),
        ("PL", "it has no digits"),
    ],
)
def test_C08_a_wrong_nip_is_refused_with_the_exact_reason(text: str, because: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_nip(text)
    assert refusal.value.message == because
    assert refusal.value.field == "nip"


@pytest.mark.parametrize(
    "text", ["123456785", "732065814", "100000050", "12345678512347", "23511332857188", "12345678510050"]
)
def test_C08_a_right_regon_is_kept(text: str) -> None:
    assert check_regon(text) == text
    assert check_regon(f"{text[:3]}-{text[3:6]} {text[6:]}") == text


def test_C08_an_old_regon_of_seven_digits_gets_two_zeros() -> None:
    old = next(f"{n:07d}" for n in range(1_000_000, 2_000_000) if their_regon.is_valid(f"00{n:07d}"))
    assert check_regon(old) == f"00{old}"


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("123456786", "its last digit, which checks the others, is 6, and 5 is expected"),
        ("732065834", "its last digit, which checks the others, is 4, and 7 is expected"),
        ("012345678", "its last digit, which checks the others, is 8, and 5 is expected"),
        ("12345678512348", "its last digit, which checks the others, is 8, and 7 is expected"),
        ("12345678512340", "its last digit, which checks the others, is 0, and 7 is expected"),
        ("12345678012340", "digit 9, which checks the company's part, is 0, and 5 is expected"),
        ("000000000", "it is nothing but zeros"),
        ("00000000000000", "it is nothing but zeros"),
        ("0000000", "it is nothing but zeros"),
        ("1234567890", "it has 10 digits, and 7 or 9 or 14 are needed"),
        (
            "1234567851234",
            "it has 13 digits, and 7 or 9 or 14 are needed (a spreadsheet may have cut zeros off its front)",
        ),
        ("12345678X", "the character 'X' does not belong in it"),
    ],
)
def test_C08_a_wrong_regon_is_refused_with_the_exact_reason(text: str, because: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_regon(text)
    assert refusal.value.message == because
    assert refusal.value.field == "regon"


def ours(check: str, text: str) -> bool:
    try:
        if check == "pesel":
            check_pesel(text, FAR_OFF)
        else:
            (check_nip if check == "nip" else check_regon)(text)
    except Refusal:
        return False
    return True


# lengths around the right ones, written with hyphens and spaces, and right beginnings of which every last digit is tried
LOOSE = st.text(alphabet="0123456789- PL", max_size=16)
CLOSE = st.sampled_from([8, 9, 10, 13]).flatmap(lambda n: st.text(alphabet="0123456789", min_size=n, max_size=n))
DATED = st.builds(lambda born, tail: f"{born:%y%m%d}{tail:04d}", st.dates(date(1900, 1, 1)), st.integers(0, 9999))
PARTED = st.integers(0, 99_999_999).flatmap(
    lambda n: st.builds(
        lambda tail, digit: f"{n:08d}{digit if tail % 3 else their_regon.calc_check_digit(f'{n:08d}')}{tail:04d}",
        st.integers(0, 9999),
        st.integers(0, 9),
    )
)


@settings(max_examples=400, deadline=None)
@given(LOOSE | CLOSE | DATED | PARTED)
def test_C08_verdicts_agree_with_an_independent_library_but_for_zeros(start: str) -> None:
    for text in (start, *(f"{start}{last}" for last in range(10))):
        digits = text.replace("-", "").replace(" ", "").removeprefix("PL")
        # an old REGON of 7 digits is ours alone; PL may be written in pieces only to them
        if text.strip()[:2] != "PL" and "P" in text:
            continue
        assert ours("pesel", text) == their_pesel.is_valid(text), text
        if digits.strip("0"):
            assert ours("nip", text) == their_nip.is_valid(text), text
        if len(digits) != 7 and digits[:9].strip("0"):
            assert ours("regon", text) == their_regon.is_valid(text), text


def test_C08_the_independent_library_is_fed_right_ones_too() -> None:
    """The property above can fail: among its texts are right ones of every sort."""
    right = {"pesel": 0, "nip": 0, "regon": 0}
    for n in range(0, 99_999_999, 999_983):
        for last in range(10):
            for kind, text in (
                ("pesel", made_pesel(f"{n % 100:02d}0{1 + n % 9}1{n % 10}{n % 10000:04d}")),
                ("nip", f"{n:09d}{last}"),
                ("regon", f"{n:08d}{last}"),
            ):
                library = {"pesel": their_pesel, "nip": their_nip, "regon": their_regon}[kind]
                agreed = library.is_valid(text)
                assert ours(kind, text) == agreed or not text[:-1].strip("0"), text
                right[kind] += agreed
    assert all(count > 50 for count in right.values()), right
