"""dialerd and dialerctl at the ends of pipes and in poor locales: quiet when the reader has left, never a traceback (O03)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dialerd.control.reference import reference
from dialerd.runtime.replaying import VERSION
from tests.contract.dialerctl_program import at_a_terminal, dialerctl, program

NAME = "Đặng Thị Hà"
LEADS = {"leads": [{"lead": n, "phone": f"5550{n:05d}", "name": NAME} for n in range(5000)]}
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@contextmanager
def answering(folder: Path, result: dict[str, Any], *, ok: bool = True) -> Iterator[str]:
    """A socket on which every command gets this result (or, not `ok`, error)."""
    path = str(folder / "s")
    reply = {"id": "1", "ok": ok, "result" if ok else "error": result}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # closed: the test is over
                    return
                with connection, connection.makefile("rwb") as line:
                    if line.readline():
                        line.write(json.dumps(reply).encode() + b"\n")

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield path
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            server.join(30)


def dialerd(*words: str) -> list[str]:
    return [sys.executable, "-m", "dialerd", *words]


def journal(folder: Path) -> list[str]:
    """A replay that has something to say."""
    path = folder / "journal"
    path.write_text(json.dumps({"journal": VERSION, "token": "abcdef"}) + "\n")
    return dialerd("replay", str(path))


def wrong_configuration(folder: Path) -> list[str]:
    path = folder / "d.yaml"
    path.write_text(f'servers:\n  "{NAME}": {{}}\n', encoding="utf-8")
    return dialerd("check", str(path))


ALL = ("--help", "commands", "asyncapi", "states", "replay", "check", "lead list", "wrong use")


@pytest.fixture
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """The words of a command that prints something."""
    match request.param:
        case "replay":
            yield journal(tmp_path)
        case "check":
            yield wrong_configuration(tmp_path)
        case "lead list":
            with answering(tmp_path, LEADS) as path:
                yield [program(), "--socket", path, "lead", "list", "c"]
        case "wrong use":
            yield [program(), "campaign", "strat"]
        case word:
            yield dialerd(word)


def run(command: list[str], stdout: Any, **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, **environment}
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=env, timeout=60)


@pytest.mark.parametrize("command", ALL, indirect=True)
def test_O03_when_the_reader_has_left_it_ends_quietly(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(command, writing)
    finally:
        os.close(writing)
    printed = done.stderr.decode()
    if "strat" in command or "check" in command:  # what they say goes to standard error, where somebody reads
        assert done.returncode in (2, 141)
        assert printed
    else:
        assert (done.returncode, printed) == (141, "")
    assert "Traceback" not in printed
    assert "Exception ignored" not in printed


def test_O03_a_reader_that_leaves_after_the_first_line_is_no_trouble(tmp_path: Path) -> None:
    with answering(tmp_path, LEADS) as path:
        words = [program(), "--socket", path, "lead", "list", "c"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"{\n"
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == 141


@pytest.mark.parametrize("command", ALL, indirect=True)
def test_O03_a_closed_standard_output_is_no_trouble(command: list[str]) -> None:
    shell = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = run(shell, subprocess.DEVNULL)
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2)


@pytest.mark.parametrize("command", ["commands", "lead list"], indirect=True)
def test_O03_a_full_disk_is_told(command: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(command, full)
    assert (done.returncode, done.stderr) == (1, b"cannot write the output: No space left on device\n")


@pytest.mark.parametrize("command", ALL, indirect=True)
def test_O03_in_an_ascii_locale_letters_are_escaped(command: list[str]) -> None:
    done = run(command, subprocess.PIPE, **ASCII)
    assert b"Traceback" not in done.stderr
    assert done.stdout.isascii()
    if "list" in command:
        assert json.loads(done.stdout) == LEADS, "JSON stays JSON"
    if "asyncapi" in command:
        assert json.loads(done.stdout)["asyncapi"] == "3.0.0"
    if "commands" in command:
        assert done.stdout.decode() == reference().encode("ascii", "backslashreplace").decode()
    if "check" in command:
        assert b"\\u0110\\u1eb7ng Th\\u1ecb" in done.stderr


def test_O03_a_table_and_a_refusal_in_an_ascii_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ASCII.items():
        monkeypatch.setenv(name, value)
    with answering(tmp_path, {"leads": LEADS["leads"][:2]}) as path:
        said = at_a_terminal(path, "lead", "list", "c")
        assert (said.code, "\\u0110\\u1eb7ng" in said.out) == (0, True)
    (tmp_path / "s").unlink()
    with answering(tmp_path, {"code": "exists", "message": f"{NAME} exists"}, ok=False) as path:
        assert "\\u0110\\u1eb7ng" in dialerctl(path, "lead", "list", "c").err
        assert "refused exists: \\u0110\\u1eb7ng" in at_a_terminal(path, "lead", "list", "c").out


def test_O03_instants_are_of_the_terminals_clock_for_eyes_and_utc_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    until = "2026-11-21T01:00:00.000Z"
    why = {"until": until, "because": f"closed until {until}", "name": until}
    with answering(tmp_path, why) as path:
        eyes = at_a_terminal(path, "campaign", "why", "c").out.splitlines()
        assert eyes == [
            "until  2026-11-21 08:00:00+07:00",
            f"because  closed until {until}",
            f"name  {until}",
        ]
        assert json.loads(at_a_terminal(path, "--json", "campaign", "why", "c").out) == why
        assert dialerctl(path, "campaign", "why", "c").json == why
        monkeypatch.setenv("TZ", "UTC")
        assert at_a_terminal(path, "campaign", "why", "c").out.startswith("until  2026-11-21 01:00:00+00:00")
    (tmp_path / "s").unlink()
    rows = {"history": [{"at": until, "principal": "ada", "note": "x"}, {"at": None, "principal": "ada", "note": ""}]}
    with answering(tmp_path, rows) as path:
        assert "2026-11-21 01:00:00+00:00" in at_a_terminal(path, "campaign", "get", "c").out


def test_O03_several_faults_stand_in_lines_of_their_own(tmp_path: Path) -> None:
    message = "policy.ring_s: found 5, allowed: at least 15\npolicy.name: found nothing, allowed: a value\x1b[2J"
    error = {"code": "bad_argument", "message": message, "field": "policy.ring_s", "allowed": "at least 15"}
    with answering(tmp_path, error, ok=False) as path:
        said = dialerctl(path, "campaign", "create", "c", "{}")
        assert (said.code, json.loads(said.out)["error"]) == (1, error)
        assert said.err.splitlines() == [
            "bad_argument: policy.ring_s: found 5, allowed: at least 15",
            "policy.name: found nothing, allowed: a value\ufffd[2J",
        ]


def test_O03_what_is_true_or_false_reads_naturally() -> None:
    for words, options in (
        (("daemon", "drain"), "--on / --off"),
        (("campaign", "create"), "--draft / --no-draft"),
        (("lead", "import"), "--dry-run / --no-dry-run"),
    ):
        assert options in dialerctl("none", *words, "--help").out


def test_O03_standard_input_in_another_character_set_is_told() -> None:
    said = dialerctl("none", "lead", "import", "c", "@-", stdin="Huế".encode("utf-16"))
    assert (said.code, said.err) == (1, "Error: -: byte 0 is no UTF-8; UTF-8 text is allowed\n")
