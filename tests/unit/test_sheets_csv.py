"""CSV files as people have them: encodings, separators, endings, stray quotes and bad bytes (C06)."""

from __future__ import annotations

import csv
import io
import tracemalloc
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dialerd.adapters.sheets import csv_lines
from dialerd.adapters.sheets.csv_sheets import csv_table
from dialerd.adapters.sheets.limits import CELL, Limits
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Heading, HowToRead, Row

LIST = "Số điện thoại,Họ tên\n0912345678,Nguyễn Thị Hường\n0987654321,Đặng Văn Ước\n"


def read(data: bytes, how: HowToRead | None = None, block: int = csv_lines.BLOCK) -> tuple[Heading, list[Row]]:
    how = how or HowToRead()
    limits = Limits()
    table = csv_table(io.BytesIO(data), how, limits, block)
    heading = table.begin(how.header_row, limits)
    return heading, [row for batch in table.batches() for row in batch]


def refused(data: bytes, how: HowToRead | None = None) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read(data, how)
    return refusal.value


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("block", [2, 6, 64, csv_lines.BLOCK])
def test_C06_the_encoding_is_found(codec: str, name: str, block: int) -> None:
    heading, rows = read(LIST.encode(codec), block=block)
    assert heading.encoding == name
    assert heading.headings == ["Số điện thoại", "Họ tên"]
    assert [row.cells for row in rows] == [["0912345678", "Nguyễn Thị Hường"], ["0987654321", "Đặng Văn Ước"]]


def test_C06_utf_16_big_endian_by_its_mark() -> None:
    heading, rows = read(b"\xfe\xff" + LIST.encode("utf-16-be"))
    assert (heading.encoding, len(rows)) == ("utf-16-be", 2)


def as_1258(text: str) -> bytes:
    """As Windows writes Vietnamese: the letter with its hat or horn, then the tone as a mark of its own."""
    found = b""
    for letter in text:
        try:
            found += letter.encode("cp1258")
        except UnicodeEncodeError:
            apart = unicodedata.normalize("NFD", letter)
            tone = next(c for c in apart if c in "\u0300\u0301\u0303\u0309\u0323")
            found += unicodedata.normalize("NFC", apart.replace(tone, "")).encode("cp1258") + tone.encode("cp1258")
    return found


def test_C06_windows_1258_is_found_and_its_tones_join_their_letters() -> None:
    heading, rows = read(as_1258(LIST))
    assert heading.encoding == "windows-1258"
    assert heading.headings == ["Số điện thoại", "Họ tên"]
    assert rows[0].cells[1] == "Nguyễn Thị Hường"


def test_C06_windows_1258_is_found_though_it_begins_far_down() -> None:
    data = b"phone,name\n" + b"0912345678,An\n" * 200_000 + as_1258("0912345678,Nguyễn\n")
    heading, rows = read(data)
    assert heading.encoding == "windows-1258"
    assert rows[-1].cells == ["0912345678", "Nguyễn"]
    assert rows[-1].number == 200_002


def test_C06_windows_1250_is_read_when_it_is_told() -> None:
    data = "telefon;imię i nazwisko\n600123456;Świętosława Żółć\n".encode("cp1250")
    for told in ("windows-1250", "cp1250", "CP1250"):
        heading, rows = read(data, HowToRead(encoding=told))
        assert heading.encoding == "windows-1250"
        assert rows[0].cells == ["600123456", "Świętosława Żółć"]
    assert read(data)[1][0].cells != ["600123456", "Świętosława Żółć"]  # by its bytes it could be Vietnamese


def test_C06_a_told_encoding_wins_over_a_mark() -> None:
    heading, _ = read(b"\xef\xbb\xbfphone\n0912\n", HowToRead(encoding="windows-1252"))
    assert heading.encoding == "windows-1252"
    assert heading.headings == ["ï»¿phone"]


@pytest.mark.parametrize("told", ["ebcdic", "utf-7", "", "\0", "rot13", "utf-32"])
def test_C06_an_encoding_that_is_not_read_is_refused_with_those_that_are(told: str) -> None:
    refusal = refused(b"phone\n0912\n", HowToRead(encoding=told))
    assert (refusal.code, refusal.field) == ("bad_argument", "encoding")
    assert "windows-1258" in str(refusal.allowed)


def test_decomposed_accents_of_a_mac_are_composed() -> None:
    heading, rows = read(unicodedata.normalize("NFD", LIST).encode())
    assert heading.headings == ["Số điện thoại", "Họ tên"]
    assert rows[1].cells[1] == "Đặng Văn Ước"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("block", [2, 1 << 17])
def test_C06_any_separator_and_any_ending(separator: str, ending: str, block: int) -> None:
    text = ending.join(
        separator.join(cells)
        for cells in (["a,b" if separator != "," and block > 2 else "ab", "n"], ["1", "x"], ["2", "y"])
    )
    for text_ in (text, text + ending, text + ending * 3):
        heading, rows = read(text_.encode(), block=block)
        assert heading.separator == separator
        assert [(row.number, row.cells) for row in rows] == [(2, ["1", "x"]), (3, ["2", "y"])]


def test_C06_a_separator_inside_quotes_of_the_heading_does_not_count() -> None:
    heading, _ = read(b'"phone, mobile, or home";name\n1;x\n')
    assert heading.separator == ";"
    assert heading.headings == ["phone, mobile, or home", "name"]


def test_C06_a_told_separator_wins_and_a_wrong_one_is_refused() -> None:
    assert read(b"a,b;c\n1,2;3\n", HowToRead(separator=";"))[0].headings == ["a,b", "c"]
    assert refused(b"a\n1\n", HowToRead(separator="x")).field == "separator"


def test_C06_the_separator_line_of_excel_is_obeyed_and_is_no_row() -> None:
    heading, rows = read(b"sep=;\nphone;name, first\n1;x\n")
    assert heading.headings == ["phone", "name, first"]
    assert heading.header_row == 2
    assert rows == [Row(3, ["1", "x"])]


def test_C06_a_bad_byte_spoils_its_row_only_and_its_place_is_told() -> None:
    data = "phone,name\n0911,Ân\n0912,B".encode() + b"\xff" + "ình\n0913,Châu\n".encode()
    heading, rows = read(data)
    assert heading.encoding == "utf-8"
    assert [row.trouble == "" for row in rows] == [True, False, True]
    assert rows[1].trouble == f"byte {data.index(0xFF)} of the file (0xFF) is not utf-8"
    assert rows[1].cells == ["0912", "B\ufffdình"]


@pytest.mark.parametrize("block", [4, 50, 1 << 17])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_C06_many_bad_bytes_each_with_its_own_place(block: int, ending: str) -> None:
    lines = [f"09{n:08d},tên {n}".encode() + (b"\x80" if n % 7 == 3 else b"") for n in range(200)]
    data = ending.encode().join([b"phone,name", *lines])
    _, rows = read(data, block=block)
    assert len(rows) == 200
    at = -1
    for n, row in enumerate(rows):
        if n % 7 == 3:
            at = data.index(b"\x80", at + 1)
            assert row.trouble.startswith(f"byte {at} of the file")
        else:
            assert row.trouble == ""


def test_C06_half_a_character_at_the_end_of_utf_16() -> None:
    data = LIST.encode("utf-16-le") + "0911".encode("utf-16-le") + b"\x41"
    heading, rows = read(data)
    assert heading.encoding == "utf-16-le"
    assert [bool(row.trouble) for row in rows] == [False, False, True]
    assert rows[2].trouble == f"byte {len(data) - 1} of the file (0x41) is not utf-16-le"


def test_C06_half_a_pair_in_utf_16_spoils_its_row_only() -> None:
    data = "phone,name\n1,a\n2,".encode("utf-16-le") + b"\x00\xd8" + "\n3,c\n".encode("utf-16-le")
    _, rows = read(data)
    assert [bool(row.trouble) for row in rows] == [False, True, False]


@pytest.mark.parametrize("how", [HowToRead(), HowToRead(encoding="utf-8"), HowToRead(encoding="cp1258")])
def test_C06_nuls_are_refused(how: HowToRead) -> None:
    assert "NUL" in refused(b"phone,name\n0912,a\0b\n" + b"0912,x\n" * 10, how).message
    assert "NUL" in refused("phone\n0912\0\n".encode("utf-16")).message


def test_C06_a_file_without_rows_is_refused() -> None:
    for data in (b"", b"\n\n\n", b" , , \n", b"\xef\xbb\xbf"):
        assert refused(data).code == "bad_file"


def test_C06_too_many_lines_and_columns_are_refused_before_the_first_row() -> None:
    limits = Limits(rows=100, columns=10)
    with pytest.raises(Refusal) as refusal:
        csv_table(io.BytesIO(b"1\n" * 101), HowToRead(), limits)
    assert (refusal.value.code, refusal.value.allowed) == ("too_large", 100)
    with pytest.raises(Refusal) as refusal:
        csv_table(io.BytesIO(b"a," * 10 + b"a\n"), HowToRead(), limits).begin(None, limits)
    assert (refusal.value.code, refusal.value.allowed) == ("too_large", 10)


# --- quotes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [2, 16, 1 << 17])
def test_C06_an_unclosed_quote_spoils_its_own_line_only(block: int) -> None:
    lines = ["phone,name", '0911,"An', *[f"09{n:02d},x" for n in range(12, 40)], '0950,"Bình']
    _, rows = read("\n".join(lines).encode(), block=block)
    assert [row.number for row in rows if row.trouble] == [2, len(lines)]
    assert {row.trouble for row in rows if row.trouble} == {"a quote is opened and not closed"}
    assert len(rows) == len(lines) - 1


def test_C06_two_stray_quotes_do_not_hide_the_leads_between_them() -> None:
    data = b'phone,name,note\n0911,"An,a\n0912,b,c\n0913,d,e\n0914,"Binh,f\n0915,g,h\n'
    _, rows = read(data)
    assert [(row.number, bool(row.trouble)) for row in rows] == [
        (2, True),
        (3, False),
        (4, False),
        (5, True),
        (6, False),
    ]
    data = b'phone,name,note\n0911,"An,a\n0912,b,c\n0913,d"\n0914,e,f\n'  # closed rightly, but a row of two cells
    _, rows = read(data)
    assert [(row.number, bool(row.trouble)) for row in rows] == [(2, True), (3, False), (4, False), (5, False)]


def test_C06_a_quote_inside_a_cell_is_a_letter() -> None:
    _, rows = read(b'phone,name\n0911,5" tall\n0912,6" tall\n0913,the "boss"\n')
    assert [row.cells[1] for row in rows] == ['5" tall', '6" tall', 'the "boss"']


def test_C06_a_cell_may_go_over_some_lines_and_rows_have_the_number_of_their_first() -> None:
    seven = "\n".join("abcdefg")
    data = f'phone,name\n0911,"{seven}"\n0912,x\n0913,"{seven}\nh\ni"\n0914,y\n'.encode()
    _, rows = read(data)
    assert rows[0] == Row(2, ["0911", seven])
    assert rows[1] == Row(9, ["0912", "x"])
    assert (rows[2].number, rows[2].trouble) == (10, "a quote is opened and not closed")
    assert rows[-1] == Row(19, ["0914", "y"])


def test_C06_a_cell_and_a_line_that_are_too_long_spoil_their_row_only() -> None:
    data = f'a,b\n1,{"x" * CELL}\n2,{"x" * (CELL + 1)}\n3,"{"y" * (CELL + 1)}"\n4,{"z" * (2 * csv_lines.LINE)}\n5,e\n'.encode()
    _, rows = read(data)
    assert [(row.number, bool(row.trouble)) for row in rows] == [
        (2, False),
        (3, True),
        (4, True),
        (5, True),
        (6, False),
    ]
    assert "32767" in rows[1].trouble
    assert "byte" in rows[3].trouble
    assert rows[4].cells == ["5", "e"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be"])
def test_C06_a_file_that_is_one_endless_line_takes_no_memory(codec: str) -> None:
    data = "phone\n".encode(codec) + "9".encode(codec) * (6 * csv_lines.LINE) + "\n0912\n".encode(codec)
    file = io.BytesIO(data)
    table = csv_table(file, HowToRead(encoding=codec), Limits())
    table.begin(None, Limits())
    tracemalloc.start()
    rows = [row for batch in table.batches() for row in batch]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(row.number, bool(row.trouble)) for row in rows] == [(2, True), (3, False)]
    assert peak < 5 * csv_lines.LINE


@pytest.mark.parametrize("line", [b'0912345678,"Nguyen, An"\n', b"0912345678,Nguyen An\n"])
def test_C06_the_memory_does_not_grow_with_the_file(line: bytes) -> None:
    def peak(rows: int) -> int:
        file = io.BytesIO(b'phone,name\n0911,"An\n' + line * (rows - 1))
        tracemalloc.start()
        table = csv_table(file, HowToRead(), Limits())
        table.begin(None, Limits())
        count = sum(len(batch) for batch in table.batches())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return found

    assert peak(100_000) < peak(20_000) * 1.5


# --- the heading row --------------------------------------------------------------------------------------------------


def test_C06_the_heading_is_the_first_row_with_anything_in_it() -> None:
    heading, rows = read(b"\n,,\nphone, full  name ,\n1,x\n")
    assert (heading.header_row, heading.headings, heading.columns) == (3, ["phone", "full name"], 2)
    assert [row.number for row in rows] == [4]


def test_C06_the_heading_row_may_be_told_or_there_may_be_none() -> None:
    data = b"List of June;;\n;;\nphone;name;note\n1;x;\n"
    assert read(data, HowToRead(header_row=3))[0].headings == ["phone", "name", "note"]
    heading, rows = read(b"0911,x\n0912,y,z\n", HowToRead(header_row=0))
    assert (heading.headings, heading.header_row, heading.columns) == ([], 0, 2)
    assert [row.cells[0] for row in rows] == ["0911", "0912"]
    for wrong in (2, 9, -1):
        refusal = refused(data, HowToRead(header_row=wrong))
        assert refusal.field == "header_row"


def test_C06_a_heading_that_cannot_be_read_refuses_the_file() -> None:
    assert "a quote is opened" in refused(b'phone,"name\n1,x\n').message
    assert refused(b"phone,n\xff\n1,x\n", HowToRead(encoding="utf-8")).code == "bad_file"


def test_a_csv_file_has_no_sheets_to_choose_from() -> None:
    assert refused(b"phone\n1\n", HowToRead(sheet=1)).field == "sheet"


# --- laws -------------------------------------------------------------------------------------------------------------

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12).filter(
    lambda text: text.count("\n") < 7
)


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 5),
    data=st.data(),
    separator=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([2, 8, 64, 1 << 17]),
)
def test_C06_valid_csv_is_read_as_csv_reads_it(
    width: int, data: st.DataObject, separator: str, ending: str, block: int
) -> None:
    rows = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=12))
    rows = [cells for cells in rows if sum(cell.count("\n") for cell in cells) < 7]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=ending).writerows([["h"] * width, *rows])
    theirs = list(csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=separator))[1:]
    heading, ours = read(text.getvalue().encode(), HowToRead(separator=separator, encoding="utf-8"), block)
    assert heading.headings == ["h"] * width
    assert all(row.trouble == "" for row in ours)
    assert [row.cells for row in ours] == [
        [unicodedata.normalize("NFC", cell.replace("\r\n", "\n")) for cell in cells]
        for cells in theirs
        if any(cell.strip() for cell in cells)
    ]


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "\r", "a", "1", "é", " "]), max_size=80).map("".join),
    block=st.sampled_from([2, 6, 1 << 17]),
    codec=st.sampled_from(["utf-8", "utf-16-le"]),
)
def test_C06_any_text_is_read_alike_in_blocks_of_any_size_and_no_line_is_lost(
    text: str, block: int, codec: str
) -> None:
    data = ("h,k\n" + text).encode(codec)
    how = HowToRead(separator=",", encoding=codec)
    _, rows = read(data, how, block)
    assert rows == read(data, how)[1]
    lines = io.StringIO("h,k\n" + text, newline=None).readlines()
    numbers = [row.number for row in rows]
    assert numbers == sorted(set(numbers))
    # A line without quotes, whose neighbours have none either, is its own row.
    for n in range(8, len(lines)):
        if '"' not in "".join(lines[n - 8 : n + 1]) and lines[n].strip(" ,\n"):
            assert Row(n + 1, next(csv.reader([lines[n]]))) in rows


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), block=st.sampled_from([2, 1 << 17]))
def test_C06_any_bytes_are_read_or_refused(data: bytes, block: int) -> None:
    try:
        _, rows = read(data, block=block)
    except Refusal:
        return
    for row in rows:
        for cell in row.cells:
            cell.encode()
