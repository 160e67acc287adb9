"""The folder of imports: staged leads, reports and uploads, also when files are damaged, gone or somebody else's (C06)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from dialerd.adapters.exports.csv_text import harmless
from dialerd.adapters.sheets.import_folder import ImportFolder
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.ports.import_files import ImportFiles, StagedHead

HEAD = StagedHead("spring", "lead.import", "ada", "id-1", b'{"report": ""}', 3)
LEADS = [NewLead("+84912345678", "An", {"Mã": "1"}), NewLead("+84912345679", phones=("+84912345670",)), NewLead("7100")]


def folder(path: Path) -> ImportFolder:
    made = ImportFolder(path / "imports", upload_at_most=100, harmless=lambda text: harmless(text, "phone"))
    made.open(())
    return made


@pytest.fixture
def files(tmp_path: Path) -> ImportFiles:
    return folder(tmp_path)


def test_C06_staged_leads_come_back_as_they_were_in_their_portions(files: ImportFiles) -> None:
    staging = files.stage("job-1")
    staging.add(LEADS[:2])
    staging.add(LEADS[2:])
    staging.finish(HEAD)
    head, portions = files.staged(staging.name)
    assert head == HEAD
    assert list(portions) == [LEADS[:2], LEADS[2:]]


def test_C06_what_is_not_finished_or_dropped_is_not_there(files: ImportFiles, tmp_path: Path) -> None:
    staging = files.stage("job-1")
    staging.add(LEADS)
    with pytest.raises(Refusal):
        files.staged(staging.name)
    staging.finish(HEAD)
    staging.drop()
    staging.drop()
    files.drop_staged(staging.name)
    assert list((tmp_path / "imports" / "staged").iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:3],
        lambda data: b"",
        lambda data: data + b"\xff\xff\xff\x7f",
        lambda data: b"\x00\x00\x00\x05hello" + data[9:],
    ],
)
def test_C06_a_damaged_file_is_refused_and_never_read_as_leads(
    files: ImportFiles, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    staging = files.stage("job-1")
    staging.add(LEADS)
    staging.finish(HEAD)
    path = tmp_path / "imports" / "staged" / staging.name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Refusal) as refusal:
        list(files.staged(staging.name)[1])
    assert refusal.value.code == "staged_gone"


def test_C06_a_start_keeps_what_a_job_needs_and_nothing_else(tmp_path: Path) -> None:
    files = folder(tmp_path)
    for job in ("job-1", "job-2"):
        staging = files.stage(job)
        staging.add(LEADS)
        staging.finish(HEAD)
    half = files.stage("job-3")
    upload = files.begin_upload("ada", "x", 5, 0.0)
    again = ImportFolder(tmp_path / "imports", upload_at_most=100, harmless=str)
    again.open({"job-2.staged"})
    assert [path.name for path in (tmp_path / "imports" / "staged").iterdir()] == ["job-2.staged"]
    with pytest.raises(Refusal):
        again.uploaded(upload, "ada")
    half.drop()


def test_C06_a_folder_that_lets_others_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "imports").mkdir(mode=0o755)
    with pytest.raises(PermissionError):
        folder(tmp_path)


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1", "＝1", "\r\n=1", ' "=1'])
def test_C06_a_report_has_no_cell_that_a_spreadsheet_calculates(files: ImportFiles, cell: str) -> None:
    report = files.report("job-1", [cell])
    report.add([[7, cell, "refused", cell, cell, "+84912345678"]])
    report.close()
    text = files.read_report(report.name, 0, 10_000).content.decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text, newline="")):
        for found in row:
            assert found.strip().strip('"').strip()[:1] not in ("=", "@", "-", "＝") or found.startswith("'")
            assert not found.startswith(("=", "@", "-", "\t")), found
    assert "+84912345678" in text


def test_C06_a_report_is_read_in_pieces_and_by_its_own_name_only(files: ImportFiles, tmp_path: Path) -> None:
    report = files.report("job-1", ["phone"])
    report.add([[n, "x", "refused", "because", "x"] for n in range(100)])
    whole = files.read_report(report.name, 0, 1_000_000)
    pieces = b"".join(files.read_report(report.name, at, 7).content for at in range(0, whole.size, 7))
    assert pieces == whole.content
    report.close()
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(Refusal):
        files.read_report("../../secret", 0, 100)


def test_C06_an_upload_is_its_owners_alone_and_ends_with_its_time(files: ImportFiles) -> None:
    upload = files.begin_upload("ada", "list.csv", 5, 100.0)
    for ask in (
        lambda: files.append_upload(upload, "bob", 0, b"x", 100.0),
        lambda: files.end_upload(upload, "bob", "", 100.0),
        lambda: files.uploaded(upload, "bob"),
        lambda: files.drop_upload(upload, "bob"),
    ):
        with pytest.raises(Refusal) as refusal:
            ask()
        assert refusal.value.code == "unknown_upload"
    assert files.append_upload(upload, "ada", 0, b"hello", 200.0) == 5
    files.end_upload(upload, "ada", "", 200.0)
    assert Path(files.uploaded(upload, "ada").path).read_bytes() == b"hello"
    assert files.expire(150.0, 0.0) == 0
    assert files.expire(250.0, 0.0) == 1
    with pytest.raises(Refusal):
        files.uploaded(upload, "ada")
