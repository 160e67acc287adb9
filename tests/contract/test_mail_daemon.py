"""Notices by letter from the real daemon, over a real SMTP server: through TLS, kills and a server that comes and goes (C05)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.doubles.daemon_process import DaemonProcess, RefusedError
from tests.doubles.loopback_ports import single_tcp_port
from tests.doubles.smtp_server import HOLD, HOST, TAKE_AND_CLOSE, SmtpServer

SECRET = "a secret word"
POLICY = {"name": "Xuân", "trunks": ["main"], "region": "none"}
SPEED = 60.0
"""A minute's pause after a try in vain is over in a second."""


def house(folder: Path, server: SmtpServer, speed: float = 1.0, **mail: Any) -> DaemonProcess:
    """A daemon whose owners are olga (a letter box, Vietnamese) and otto (none); the test itself is `unix.root` or so."""
    made = DaemonProcess(folder / "house", {}, speed=speed)
    made.secret(SECRET, "mail.secret")
    made.secret("x")
    made.write(
        {
            "http": {"port": "off"},
            "drain": {"limit_s": 1},
            "servers": {"pbx": {"secret_file": "ami.secret", "port": single_tcp_port(HOST)}},
            "trunks": {"main": {"server": "pbx", "dial": "PJSIP/{number}@m"}},
            "people": {
                "olga": {"roles": ["owner"], "email": "olga@example.vn", "language": "vi"},
                "otto": {"roles": ["owner"]},
            },
            "mail": {"host": HOST, "port": server.port, "from_address": "dialerd@example.vn", "tls": "none", **mail},
        }
    )
    return made


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def daemon(tmp_path: Path, server: SmtpServer) -> Iterator[DaemonProcess]:
    made = house(tmp_path, server, SPEED)
    try:
        yield made.start(linked=False)
    finally:
        made.kill()


def status(daemon: DaemonProcess) -> dict[str, Any]:
    mail: dict[str, Any] = daemon.ask("daemon.status")["status"]["mail"]
    return mail


def test_C05_a_command_becomes_a_letter_through_tls_and_a_login(tmp_path: Path) -> None:
    with SmtpServer("starttls", user="dialerd", password=SECRET) as server:
        login = {"username": "dialerd", "password_file": "mail.secret", "ca_file": str(server.certificate)}
        daemon = house(tmp_path, server, tls="starttls", **login)
        try:
            daemon.start(linked=False)
            daemon.ask("campaign.create", campaign="spring", policy=POLICY)
            daemon.until(lambda: len(server.letters) == 1, "the letter")
            (letter,) = server.letters
            assert (letter.recipients, letter.tls, letter.login) == (["olga@example.vn"], True, "dialerd")
            assert letter.message["Subject"] == "[main] Chiến dịch “Xuân” vừa được tạo"
            daemon.until(lambda: status(daemon)["sent"] == 1, "it is known as sent")
            assert status(daemon)["configured"] is True
            assert daemon.stop() == 0
            assert SECRET not in daemon.log
            assert "notice.sent" in daemon.log
        finally:
            daemon.kill()


def test_C05_a_notice_survives_a_kill_between_its_commit_and_its_letter(
    daemon: DaemonProcess, server: SmtpServer
) -> None:
    server.stop()
    daemon.ask("campaign.create", campaign="spring", policy=POLICY)
    daemon.kill()
    server.start()
    daemon.start(linked=False)
    daemon.until(lambda: len(server.letters) == 1, "the letter after the kill")
    daemon.until(lambda: status(daemon)["queued"] == 0, "nothing waits")
    assert [letter.recipients for letter in server.letters] == [["olga@example.vn"]]


def test_C05_a_kill_while_the_server_takes_the_letter_sends_the_same_letter_again(
    daemon: DaemonProcess, server: SmtpServer
) -> None:
    """At least once, and a letter box can tell that it is the same: its Message-ID is."""
    server.order("data", TAKE_AND_CLOSE)
    daemon.ask("campaign.create", campaign="spring", policy=POLICY)
    daemon.until(lambda: len(server.letters) == 1, "the server has it")
    daemon.kill()
    daemon.start(linked=False)
    daemon.until(lambda: len(server.letters) == 2, "it comes again")
    daemon.until(lambda: status(daemon)["queued"] == 0, "nothing waits")
    first, second = server.letters
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.content == second.content


def test_C05_a_kill_while_the_server_says_nothing_loses_nothing(daemon: DaemonProcess, server: SmtpServer) -> None:
    server.order("data", HOLD)
    daemon.ask("campaign.create", campaign="spring", policy=POLICY)
    daemon.until(lambda: server.events("order") == 1, "the letter is on its way")
    daemon.ask("campaign.create", campaign="summer", policy={**POLICY, "name": "Hè"})
    daemon.kill()
    daemon.start(linked=False)
    daemon.until(lambda: status(daemon)["queued"] == 0 and len(server.letters) >= 1, "nothing waits")
    text = "\n".join(letter.text for letter in server.letters)
    assert ("Xuân" in text, "Hè" in text) == (True, True)


def test_O01_new_addresses_hold_after_a_reload_and_the_mail_server_after_a_restart(
    daemon: DaemonProcess, server: SmtpServer
) -> None:
    settings = yaml.safe_load(daemon.config.read_text(encoding="utf-8"))
    settings["people"]["otto"]["email"] = "otto@example.vn"
    settings["mail"]["from_name"] = "Tổng đài"
    daemon.write(settings)
    assert daemon.ask("daemon.reload")["status"]["needs_restart"] == ["mail"]
    daemon.ask("campaign.create", campaign="spring", policy=POLICY)
    daemon.until(lambda: len(server.letters) == 2, "both owners")
    assert sorted(letter.recipients[0] for letter in server.letters) == ["olga@example.vn", "otto@example.vn"]
    settings["people"]["otto"]["email"] = "otto@"
    daemon.write(settings)
    with pytest.raises(RefusedError, match=r"people\.otto\.email"):
        daemon.ask("daemon.reload")


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        ({"password_file": "none.secret", "username": "u"}, "mail: password"),
        ({"tls": "starttls", "ca_file": "none.pem"}, "mail.ca_file"),
    ],
)
def test_O01_a_mail_server_that_cannot_be_used_is_told_at_the_start(
    tmp_path: Path, server: SmtpServer, mail: dict[str, Any], words: str
) -> None:
    daemon = house(tmp_path, server, **mail)
    process = daemon.spawn()
    assert process.wait(30) != 0
    assert words in daemon.log
