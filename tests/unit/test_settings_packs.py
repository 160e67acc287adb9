"""Rule packs of a configuration: packs_dir, and campaigns against the packs they name (O01, V14)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.daemon.reloading import configured, reloaded
from dialerd.settings.read import look, read

OWN = """
extends: gb
title: Britain, as our lawyer wants it
ringing:
  fifteen-seconds: {at_least_s: 25, source: our lawyer's letter, as_of: 2026-11-21}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "packs").mkdir()
    (tmp_path / "ami").write_text("secret")
    return tmp_path


def written(folder: Path, packs: dict[str, str], **policy: Any) -> Path:
    for name, text in packs.items():
        (folder / "packs" / f"{name}.yaml").write_text(text)
    settings: dict[str, Any] = {
        "servers": {"pbx": {"secret_file": "ami"}},
        "trunks": {"main": {"server": "pbx", "dial": "PJSIP/{number}@main"}},
        "agents": {"an": {"phone": "PJSIP/1001", "server": "pbx"}},
        "people": {"an": {"roles": ["agent"]}},
        "packs_dir": "packs",
        "campaigns": {"c": {"name": "C", "trunks": ["main"], **policy}},
    }
    file = folder / "d.yaml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return file


def told(file: Path) -> list[str]:
    return [str(trouble).removeprefix(f"{file.parent}/") for trouble in look(file, {}).troubles]


def test_O01_an_operators_pack_is_read_and_holds(folder: Path) -> None:
    file = written(folder, {"ours": OWN}, pack="ours", ring_s=25, max_wait_s=2, drop_prompt="sorry")
    assert told(file) == []
    settings = read(file, {})
    assert settings.packs["ours"].ringing["fifteen-seconds"].at_least_s == 25
    assert settings.packs_dir == str(folder / "packs")
    engine = Engine(nothing_kept("00c0ffee"))
    engine.apply(configured(settings))
    assert engine.live.packs == dict(settings.packs)


def test_V14_a_campaign_against_its_pack_is_an_error_and_what_is_not_good_a_warning(folder: Path) -> None:
    found = told(written(folder, {"ours": OWN}, pack="ours", ring_s=20, max_abandon_rate=0.1))
    errors = [line for line in found if "warning" not in line]
    assert len(errors) == 2
    assert "campaigns.c.ring_s: found 20, allowed: at least 25 by the rule ours/fifteen-seconds" in errors[0]
    assert "campaigns.c.max_abandon_rate: found 0.1, allowed: at most 0.03 by the rule ours/three-percent" in errors[1]
    warnings = [line for line in found if "warning" in line]
    assert ["max_wait_s" in warnings[0] or "drop_prompt" in warnings[0], len(warnings)] == [True, 2]


def test_O01_a_pack_that_is_none_is_told_with_what_was_meant(folder: Path) -> None:
    (error,) = told(written(folder, {}, pack="plian"))
    assert 'campaigns.c.pack: found "plian", not one of the rule packs, allowed: ' in error
    assert "did you mean plain?" in error


def test_O01_a_pack_with_an_error_is_told_once_and_not_taken(folder: Path) -> None:
    """Neither the shipped one in its place nor another trouble in the campaign that names it."""
    found = told(written(folder, {"gb": OWN.replace("25", "a while")}, pack="gb", ring_s=15))
    assert len(found) == 1
    assert found[0].startswith("packs/gb.yaml:5: ringing.fifteen-seconds.at_least_s: found ")


def test_O01_a_folder_that_is_not_there_is_told_at_its_key(folder: Path) -> None:
    file = written(folder, {})
    file.write_text(file.read_text().replace("packs_dir: packs", "packs_dir: nowhere"))
    (error,) = told(file)
    assert "packs_dir: found" in error
    assert "(No such file or directory), allowed: a folder that this user may read" in error


def test_O01_packs_take_effect_with_a_reload(folder: Path) -> None:
    old = read(written(folder, {}), {})
    new = read(written(folder, {"ours": OWN}, pack="ours", ring_s=25), {})
    settings, needs_restart = reloaded(old, new)
    assert needs_restart == []
    assert "ours" in settings.packs
    assert "ours" in configured(settings).packs
