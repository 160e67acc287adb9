"""The real mosquitto of the tests: what its caller configures holds, and its port outlives it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.doubles.mosquitto import Broker, BrokerError

pytestmark = pytest.mark.broker

_CONFIGURATION = """
allow_anonymous false
password_file @DIR@/passwords
acl_file @DIR@/acl
"""


def _passwords(directory: Path, **users: str) -> str:
    file = directory / "passwords"
    file.touch()
    for user, password in users.items():
        subprocess.run(["mosquitto_passwd", "-b", str(file), user, password], check=True, capture_output=True)
    return file.read_text()


def _publishes(broker: Broker, user: str, password: str) -> bool:
    words = ["-h", broker.host, "-p", str(broker.port), "-u", user, "-P", password]
    done = subprocess.run(["mosquitto_pub", *words, "-t", "a/b", "-m", "x", "-q", "1"], capture_output=True, timeout=10)
    return done.returncode == 0


def test_O02_only_who_is_in_the_password_file_gets_in_also_after_a_restart_and_a_kill(tmp_path: Path) -> None:
    files = {"passwords": _passwords(tmp_path, ann="secret"), "acl": "user ann\ntopic readwrite a/#\n"}
    with Broker(_CONFIGURATION, files) as broker:
        port, first = broker.port, broker.pid
        assert _publishes(broker, "ann", "secret")
        assert not _publishes(broker, "ann", "wrong")
        broker.restart()
        assert (broker.port, broker.pid == first) == (port, False)
        assert _publishes(broker, "ann", "secret")
        broker.kill()
        assert not broker.running
        assert not _publishes(broker, "ann", "secret")
        broker.start()
        assert broker.port == port
        assert _publishes(broker, "ann", "secret")
        directory = broker.directory
    assert not broker.running
    assert not directory.exists()


def test_two_brokers_run_side_by_side() -> None:
    with Broker("allow_anonymous true") as one, Broker("allow_anonymous true") as two:
        assert one.port != two.port
        assert one.running
        assert two.running


def test_O01_a_configuration_mosquitto_refuses_is_an_error_in_its_own_words() -> None:
    with pytest.raises(BrokerError, match="no_such_setting"), Broker("no_such_setting true"):
        raise AssertionError("it must not start")


def test_a_missing_mosquitto_is_an_error_that_names_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    with pytest.raises(BrokerError, match="make packages"), Broker(""):
        raise AssertionError("it must not start")
