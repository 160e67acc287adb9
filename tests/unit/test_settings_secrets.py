"""Secrets come out of files and systemd credentials, and never out of an error (O04)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dialerd.settings.files import world_readable
from dialerd.settings.secrets import LONGEST, NoSecret, secret


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" hunter 2 \n", " hunter 2 "),
        ("mật khẩu\n".encode(), "mật khẩu"),
        (b"x" * LONGEST, "x" * LONGEST),
    ],
)
def test_O04_a_secret_is_the_file_without_one_newline(tmp_path: Path, content: bytes, meant: str) -> None:
    put(tmp_path / "ami.secret", content)
    assert secret("ami.secret", None, {}, tmp_path) == meant
    assert secret(str(tmp_path / "ami.secret"), None, {}, Path("/nowhere")) == meant


def test_O04_a_secret_comes_from_a_systemd_credential(tmp_path: Path) -> None:
    put(tmp_path / "ami", b"hunter2\n")
    assert secret(None, "ami", {"CREDENTIALS_DIRECTORY": str(tmp_path)}, Path("/nowhere")) == "hunter2"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\n", "an empty file"),
        (b"\r\n", "an empty file"),
        (b"hunter2\n\n", "control characters or several lines"),
        (b"hunter2\r", "control characters or several lines"),
        (b"hun\x00ter2", "control characters or several lines"),
        (b"hun\r\nAction: Command", "control characters or several lines"),
        (b"hunter2\xff", "bytes that are no UTF-8"),
        (b"hunter2" * 1000, "more than 4096 bytes"),
    ],
)
def test_O04_a_bad_secret_is_refused_without_being_shown(tmp_path: Path, content: bytes, found: str) -> None:
    put(tmp_path / "ami.secret", content)
    with pytest.raises(NoSecret) as refused:
        secret("ami.secret", None, {}, tmp_path)
    assert refused.value.found == found
    assert "hun" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_O04_what_is_no_readable_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it must not wait for a writer
    (tmp_path / "locked").touch()
    for name, found in (
        ("none", "no such file"),
        (".", "a folder"),
        ("pipe", "a pipe, socket or device"),
        ("a\0b", "a path"),
    ):
        with pytest.raises(NoSecret, match=f"^found {found}"):
            secret(name, None, {}, tmp_path)
    really = os.open

    def locked(path: str | os.PathLike[str], *rest: int) -> int:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return really(path, *rest)

    monkeypatch.setattr(os, "open", locked)
    with pytest.raises(NoSecret, match="may not read"):
        secret("locked", None, {}, tmp_path)


def test_O04_a_password_written_in_place_of_the_file_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(NoSecret) as refused:
        secret("hunter2", None, {}, tmp_path)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("file", "credential", "found"),
    [
        (None, None, "neither a secret file nor a credential"),
        ("a", "b", "a secret file and a credential"),
        (None, "ami", "no $CREDENTIALS_DIRECTORY"),
        (None, "../shadow", "a strange credential name"),
        (None, "a/b", "a strange credential name"),
        (None, "", "a strange credential name"),
    ],
)
def test_O04_a_secret_is_given_in_exactly_one_way(file: str | None, credential: str | None, found: str) -> None:
    with pytest.raises(NoSecret) as refused:
        secret(file, credential, {}, Path("/nowhere"))
    assert refused.value.found == found


@pytest.mark.parametrize(("mode", "all_may"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_O04_a_file_that_every_user_may_read_is_known(tmp_path: Path, mode: int, all_may: bool) -> None:
    path = put(tmp_path / "ami.secret", b"x")
    path.chmod(mode)
    assert world_readable(path) is all_may
