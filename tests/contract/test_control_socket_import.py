"""A long list of leads from the shell: what spreadsheets make of one, and each bad row told with its number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.dialerctl_program import dialerctl
from tests.contract.house_on_street import StreetProcess, campaign, house
from tests.doubles.daemon_process import DaemonProcess

ROWS = 10_000
WRITTEN = (
    "+8490{n:07d}",
    "8490{n:07d}",
    "090{n:07d}",
    "90{n:07d}",
    "90{n:07d}.0",
    "8490{n:07d},00",
    "0084 90 {n:07d}",
    "090-{n:07d}",
    "(090) {n:07d}",
    " 090{n:07d} ",
)
"""One number in the ways people and spreadsheets write it."""
BAD = {
    3: ("", "phone: required"),
    100: ("no number", "is not a telephone number"),
    101: ("8.49012346E+10", "cut short"),
    102: ("8,49012346E10", "cut short"),
    2000: ("113", "an emergency number"),
    2001: ("1900123456", "premium rate"),
    2002: ("0901", "is a short number"),
    5000: ("+999123456789", "is not a telephone number"),
    5001: ("09012345678901234567890", "is not a telephone number"),
    9999: ("<script>", "is not a telephone number"),
}
"""Line to the phone there and why it is refused."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    campaigns = {name: campaign(region="VN") for name in ("big", "small", "wide", "dry")}
    with (
        StreetProcess(tmp_path_factory.mktemp("street")) as street,
        house(tmp_path_factory.mktemp("house"), street, campaigns=campaigns) as running,
    ):
        yield running


def big_list() -> tuple[str, dict[str, str]]:
    """A text with a byte order mark, semicolons, CRLF, quotes and names over two lines; and number to name."""
    lines = ['"Số điện thoại";Tên;Ghi chú']
    wanted: dict[str, str] = {}
    line = 2
    for n in range(ROWS):
        if line in BAD:
            written, name = BAD[line][0], "Bad"
        else:
            written, name = WRITTEN[n % len(WRITTEN)].format(n=n), f"Nguyễn; {n}"
            wanted[f"+8490{n:07d}"] = name
        if n % 1000 == 7:
            wanted[f"+8490{n:07d}"] = f"{name} hai dòng"  # a name is one line
            name = f"{name}\r\nhai dòng"
            line += 1
        quoted = name.replace('"', '""')
        lines.append(f'"{written}";"{quoted}";"he said ""yes"""')
        line += 1
    return "\ufeff" + "\r\n".join(lines) + "\r\n", wanted


def test_C06_ten_thousand_rows_are_added_and_each_bad_one_told(daemon: DaemonProcess, tmp_path: Path) -> None:
    text, wanted = big_list()
    file = tmp_path / "leads.csv"
    file.write_bytes(text.encode("utf-8"))
    words = ("lead", "import", "big", f"@{file}", "--phone", "số điện thoại", "--name", "TÊN")
    report = dialerctl(daemon.socket, *words).json
    assert (report["rows"], report["added"], report["duplicates"], report["refused"]) == (
        ROWS,
        len(wanted),
        0,
        len(BAD),
    )
    told = {row["row"]: row for row in report["refusals"]}
    assert set(told) == set(BAD)
    for line, (phone, because) in BAD.items():
        assert told[line]["phone"] == phone
        assert because in told[line]["because"], told[line]
    leads = daemon.leads("big")
    assert {lead["phone"]: lead["name"] for lead in leads} == wanted
    assert {lead["fields"]["Ghi chú"] for lead in leads} == {'he said "yes"'}

    again = dialerctl(daemon.socket, *words).json  # nobody is added twice
    assert (again["added"], again["duplicates"], again["refused"]) == (0, len(wanted), len(BAD))
    assert len(daemon.leads("big")) == len(wanted)


def test_C06_a_dry_run_tells_the_same_and_adds_nobody(daemon: DaemonProcess, tmp_path: Path) -> None:
    text, wanted = big_list()
    file = tmp_path / "leads.csv"
    file.write_bytes(text.encode("utf-8"))
    words = ("lead", "import", "dry", f"@{file}", "--phone", "Số điện thoại", "--dry-run")
    report = dialerctl(daemon.socket, *words).json
    assert (report["dry_run"], report["added"], report["refused"]) == (True, len(wanted), len(BAD))
    assert daemon.leads("dry") == []


def test_C06_more_bad_rows_than_are_told_are_counted(daemon: DaemonProcess) -> None:
    text = "phone\n" + "".join(f"bad {n}\n" for n in range(250)) + "0901234567\n"
    report = dialerctl(daemon.socket, "lead", "import", "small", text).json
    assert (report["rows"], report["added"], report["refused"]) == (251, 1, 250)
    assert [row["row"] for row in report["refusals"]] == list(range(2, 102))


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("tal,name\n0901234567,An\n", "phone", "no column is named for the phone (allowed: tal, name)"),
        ("", "file", "there are no rows"),
        ("phone," + ",".join(f"c{n}" for n in range(120)) + "\n0901234567\n", "mapping", "120 fields, at most 100"),
    ],
)
def test_C06_a_text_that_is_no_list_is_refused_as_a_whole(
    daemon: DaemonProcess, text: str, field: str, words: str
) -> None:
    said = dialerctl(daemon.socket, "lead", "import", "small", text)
    assert said.code == 1
    assert f": {field}: {words}" in said.err


def test_C06_odd_rows_are_told_and_the_next_is_read(daemon: DaemonProcess) -> None:
    """Too many cells, too few, a field without end, an open quote at the end; blank lines are no rows."""
    long = "x" * 2001
    text = (
        "name,phone,note\n"  # 1
        "An,0911000001,a,b\n"  # 2: one cell too many
        "\n  ,  ,\n"  # 3, 4: blank
        "Ba,0911000002\n"  # 5: no note, which is allowed
        f"Cu,0911000003,{long}\n"  # 6
        f"{'y' * 201},0911000004,\n"  # 7
        "Em,0911000005,ok\n"  # 8
        'Gi,0911000006,"never closed\n'  # 9
    )
    report = dialerctl(daemon.socket, "lead", "import", "wide", text).json
    told = {row["row"]: row["because"] for row in report["refusals"]}
    for row, because in {
        2: "4 cells under 3 headings",
        6: "it has 2001 characters",
        7: "name: longer than 200 characters",
        9: "a quote is opened and not closed",
    }.items():
        assert because in told.pop(row)
    assert told == {}
    assert [lead["name"] for lead in daemon.leads("wide")] == ["Ba", "Em"]
