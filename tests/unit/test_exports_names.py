"""Names that exports get from strangers' texts (C18)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.adapters.exports.folder import ExportsFolder
from dialerd.adapters.exports.names import count_units, cut_units, file_stem, sheet_name
from dialerd.ports.exports import ExportFailingError

DAY = "2026-11-21"


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("leads Khách hàng Đà Nẵng", "leads-Khach-hang-Da-Nang-2026-11-21"),
        ("Zażółć gęślą łódź", "Zazolc-gesla-lodz-2026-11-21"),
        ("../../etc/passwd", "etc-passwd-2026-11-21"),
        ("-rf --no-preserve-root /", "rf-no-preserve-root-2026-11-21"),
        ("a\x00b\r\nContent-Type: x", "a-b-Content-Type-x-2026-11-21"),
        ("$(reboot);`id`|&", "reboot-id-2026-11-21"),
        ("\u202egnp.exe", "gnp-exe-2026-11-21"),
        ("顧客", "export-2026-11-21"),
        ("", "export-2026-11-21"),
        (".part", "part-2026-11-21"),
    ],
)
def test_C18_a_file_name_is_plain_letters_of_the_text(text: str, stem: str) -> None:
    assert file_stem(text, DAY) == stem


@given(st.text(max_size=300))
def test_C18_no_text_makes_a_file_name_that_is_more_than_a_name(text: str) -> None:
    stem = file_stem(text, DAY)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*-2026-11-21", stem)
    assert len(stem) <= 91


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_C18_excel_takes_every_page_name(texts: list[str]) -> None:
    taken: set[str] = set()
    names = [sheet_name(text, taken, "Sheet") for text in texts]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert name.strip()
        assert count_units(name) <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
        assert not name.startswith("'")
        assert not name.endswith("'")
        assert name.lower() != "history"


def test_C18_a_cut_does_not_halve_a_letter() -> None:
    assert cut_units("ab😀😀", 5) == "ab😀"
    assert cut_units("ab😀😀", 6) == "ab😀😀"


# --- the folder


def test_C18_the_folder_is_the_daemons_alone(tmp_path: Path) -> None:
    folder = ExportsFolder(tmp_path / "var" / "exports")
    folder.make()
    assert (tmp_path / "var" / "exports").stat().st_mode & 0o777 == 0o700


def test_C18_a_folder_that_lets_others_in_is_refused_with_its_mode(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(ExportFailingError, match="mode 0755 lets others in; 0700 is needed"):
        ExportsFolder(tmp_path / "open").make()


def test_C18_a_link_or_a_file_is_no_exports_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        with pytest.raises(ExportFailingError, match=name):
            ExportsFolder(tmp_path / name).make()


def test_C18_nothing_is_overwritten_also_by_jobs_side_by_side(tmp_path: Path) -> None:
    folder = ExportsFolder(tmp_path / "exports")
    folder.make()
    (folder.path / "leads.csv").write_text("the first")
    jobs = [folder.begin("leads", "csv") for _ in range(3)]
    for number, job in enumerate(jobs):
        (job.path / "whole").write_text(str(number))
    # Somebody takes the name that the first job had in mind.
    (folder.path / "leads-2.csv").write_text("another's")
    names = [job.publish("whole").name for job in jobs]
    for job in jobs:
        job.drop()
    assert names == ["leads-3.csv", "leads-4.csv", "leads-5.csv"]
    assert (folder.path / "leads.csv").read_text() == "the first"
    assert (folder.path / "leads-2.csv").read_text() == "another's"
    assert [(folder.path / name).read_text() for name in names] == ["0", "1", "2"]
    assert not list(folder.path.glob("*.part"))


def test_C18_what_a_killed_writer_left_is_swept_and_a_living_job_is_not(tmp_path: Path) -> None:
    folder = ExportsFolder(tmp_path / "exports")
    folder.make()
    living = folder.begin("living", "csv")
    dead = folder.begin("dead", "xlsx")
    (dead.path / "whole").write_text("half")
    path = dead.path
    # As the kernel does when the processes that held the lock are killed.

    os.close(dead.lock)
    assert ExportsFolder(folder.path).make() == 1
    assert not path.exists()
    assert living.path.exists()
    living.drop()


def test_C18_old_exports_are_pruned_and_nothing_else(tmp_path: Path) -> None:

    folder = ExportsFolder(tmp_path / "exports")
    folder.make()
    for name, at in (("old.csv", 1000), ("new.csv", 5000), ("notes.txt", 1000), ("old.pdf", 1000)):
        (folder.path / name).write_text("")
        os.utime(folder.path / name, (at, at))
    assert folder.prune(5000) == 2
    assert sorted(path.name for path in folder.path.iterdir()) == ["new.csv", "notes.txt"]
