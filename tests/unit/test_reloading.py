"""A reload: what holds at once, and what is told to need a restart (O01)."""

from __future__ import annotations

from typing import Any

from dialerd.daemon.reloading import reloaded
from dialerd.settings.shape import Settings

PBX = {"username": "dialerd", "secret_file": "ami.secret"}


def settings(**more: Any) -> Settings:
    return Settings.model_validate({"servers": {"pbx": PBX}, **more})


def test_O01_a_reload_of_the_same_needs_nothing() -> None:
    assert reloaded(settings(), settings()) == (settings(), [])


def test_O01_what_is_made_once_is_kept_as_it_was_and_named() -> None:
    new = settings(instance="other", http={"port": "off"}, drain={"limit_s": 5})
    holds, needs_restart = reloaded(settings(), new)
    assert needs_restart == ["instance", "http"]
    assert (holds.instance, holds.http, holds.drain) == ("main", settings().http, new.drain)


def test_O01_a_new_server_is_taken_in_a_changed_or_removed_one_needs_a_restart() -> None:
    old = settings(servers={"pbx": PBX, "gone": PBX})
    new = settings(servers={"pbx": {**PBX, "port": 5039}, "more": PBX})
    holds, needs_restart = reloaded(old, new)
    assert needs_restart == ["servers.pbx", "servers.gone"]
    assert sorted(holds.servers) == ["gone", "more", "pbx"]
    assert holds.servers["pbx"] == old.servers["pbx"]
