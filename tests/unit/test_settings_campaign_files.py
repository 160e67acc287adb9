"""Campaigns in files of their own, and files that cannot be read (C01, O01)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dialerd.settings.read import read
from dialerd.settings.trouble import LIMIT, Wrong
from tests.unit.test_settings_read import GOOD, errors, settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put_campaign(name: str, text: str = "name: Hue\ntrunks: [carrier]\n") -> None:
    Path("camp").mkdir(exist_ok=True)
    (Path("camp") / name).write_text(text)


def test_C01_campaigns_come_from_files_named_after_them(folder: Path) -> None:
    put_campaign("hue.yaml")
    put_campaign("da-nang.yml")
    for other in (".hidden.yaml", "hue.yaml~", "README.md", ".hue.yaml.swp"):
        put_campaign(other, "{{{")
    found = settings(GOOD + "campaigns_dir: camp\n")
    assert sorted(found.campaigns) == ["da-nang", "hanoi", "hue"]
    assert found.campaigns_dir == f"{folder}/camp"
    assert sorted(settings(GOOD[: GOOD.index("campaigns:")] + "campaigns_dir: camp\ncampaigns:\n").campaigns) == [
        "da-nang",
        "hue",
    ]


def test_C01_errors_in_a_campaign_s_file_name_that_file() -> None:
    put_campaign("a.yaml", "name: A\ntrunks: [carier]\nring_s: 5\nrest:\n  busy: {again: 5}\n")
    put_campaign("b.yaml", "name: B\n\ttrunks: [x]\n")
    put_campaign("c.yaml", "")
    put_campaign("d d.yaml")
    put_campaign("e.yaml", "- x\n")
    put_campaign("hanoi.yaml")
    put_campaign("hue.yaml")
    put_campaign("hue.yml")
    assert errors(GOOD + "campaigns_dir: camp\n") == [
        'camp/a.yaml:2: trunks.0: found "carier", not one of trunks, allowed: carrier; did you mean carrier?',
        "camp/a.yaml:3: ring_s: found 5, allowed: at least 15",
        "camp/a.yaml:5: rest.busy.again: found an unknown key, allowed: again_after_min, at_most",
        "camp/b.yaml:2: found a tab, allowed: spaces",
        "camp/c.yaml: found an empty file, allowed: keys and values",
        'camp/d d.yaml: found a campaign\'s file named "d d.yaml", allowed: letters, digits, _ and -, at most 64, '
        "a letter or digit first, then .yaml",
        "camp/e.yaml:1: found a list, allowed: keys and values",
        "camp/hanoi.yaml:1: found the campaign hanoi twice (first in d.yaml:14), allowed: once",
        "camp/hue.yml:1: found the campaign hue twice (first in camp/hue.yaml:1), allowed: once",
    ]


def test_C01_a_campaign_s_file_that_is_a_pipe_or_a_folder_does_not_hang() -> None:
    put_campaign("a.yaml")
    os.mkfifo("camp/b.yaml")
    Path("camp/c.yaml").mkdir()
    assert errors(GOOD + "campaigns_dir: camp\n") == [
        "camp/b.yaml: found a pipe, socket or device, allowed: a YAML file",
        "camp/c.yaml: found a folder, allowed: a YAML file",
    ]


def test_C01_a_strange_file_name_cannot_write_to_the_terminal() -> None:
    Path("camp").mkdir()
    Path(os.fsdecode(b"camp/\xff\x1b[31m.yaml")).write_text("name: x")
    found = errors(GOOD + "campaigns_dir: camp\n")
    assert len(found) == 1
    assert found[0].isprintable()


# --- files


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.yaml", "none.yaml: found no such file, allowed: a YAML file"),
        (".", ".: found a folder, allowed: a YAML file"),
        ("/dev/zero", "/dev/zero: found a pipe, socket or device, allowed: a YAML file"),
        ("d.yaml/x", "d.yaml/x: found a file that cannot be read (Not a directory), allowed: a YAML file"),
        ("a\0b", "a\\x00b: found a path that no file can have, allowed: a YAML file"),
        ("x" * 300, "x" * 300 + ": found a file that cannot be read (File name too long), allowed: a YAML file"),
    ],
)
def test_O01_a_file_that_cannot_be_read_is_told(path: str, said: str) -> None:
    Path("d.yaml").write_text(GOOD)
    with pytest.raises(Wrong) as wrong:
        read(path, {})
    assert str(wrong.value) == said


def test_O01_a_file_without_permission_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    Path("d.yaml").write_text(GOOD)
    monkeypatch.setattr(os, "open", locked)
    assert errors() == ["d.yaml: found a file that this user may not read, allowed: a YAML file"]


@pytest.mark.parametrize(
    ("text", "found"), [("- a\n", "a list"), ("5\n", "5"), ("main\n", '"main"'), ("[]\n", "an empty list")]
)
def test_O01_a_file_that_is_no_map_is_told(text: str, found: str) -> None:
    assert errors(text) == [f"d.yaml:1: found {found}, allowed: keys and values"]


def test_O01_a_socket_s_path_that_no_kernel_takes_is_told() -> None:
    found = errors(GOOD + f"socket: {{path: /run/{'x' * 110}}}\n")
    assert len(found) == 1
    assert found[0].startswith("d.yaml:19: socket.path: found a path of 115 bytes")


def test_O01_a_moment_that_runs_over_is_an_error_and_no_crash() -> None:
    found = errors(GOOD + "    starts_at: 0001-01-01T00:00:00+14:00\n")
    assert len(found) == 1
    assert found[0].startswith(("d.yaml:14: campaigns.hanoi: found", "d.yaml:19: campaigns.hanoi.starts_at: found"))


def test_O01_ten_thousand_errors_are_told_in_short() -> None:
    text = (
        GOOD[: GOOD.index("agents:")]
        + "agents:\n"
        + "".join(f"  a{i}: {{phone: 5, server: z{i}}}\n" for i in range(10_000))
    )
    with pytest.raises(Wrong) as wrong:
        settings(text)
    assert len(wrong.value.troubles) == LIMIT + 1
    assert str(wrong.value.troubles[-1]).endswith(f"found more troubles than these {LIMIT}, allowed: none")
