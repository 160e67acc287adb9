"""The same commands from a shell: dialerctl for each of them, who may use the socket, and what strangers send into it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dialerd.adapters.socket.server import LONGEST
from dialerd.cli import dialerctl as click_program
from dialerd.cli.steering import POSITIONAL, switch
from dialerd.control.commands import COMMANDS
from tests.contract.dialerctl_program import as_user, at_a_terminal, dialerctl
from tests.contract.house_on_street import STAYS, StreetProcess, campaign, house
from tests.contract.test_command_table import sample
from tests.doubles.daemon_process import DaemonProcess

NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another Unix user")


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreetProcess]:
    with StreetProcess(tmp_path_factory.mktemp("street"), speed=5) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, street: StreetProcess) -> Iterator[DaemonProcess]:
    campaigns = {"c0": campaign(), "c1": campaign(), "c2": campaign()}
    with house(tmp_path_factory.mktemp("house"), street, campaigns=campaigns) as running:
        yield running


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every Unix user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="dialerd-open-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


class TestDialerctl:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_O03_help_tells_a_commands_roles_and_arguments(self, name: str) -> None:
        entry = COMMANDS[name]
        said = CliRunner().invoke(click_program, [entry.resource, entry.verb, "--help"], terminal_width=120)
        assert said.exit_code == 0
        text = " ".join(said.output.split())
        assert f"{entry.summary}. Roles: {', '.join(sorted(entry.roles))}." in text
        for field, about in entry.args.model_fields.items():
            option = f"--{field.replace('_', '-')}"
            assert field.upper() in text if about.is_required() else option in text or f"[{field.upper()}]" in text
            assert " ".join((about.description or "").split()) in text

    def test_O03_help_finds_every_command(self) -> None:
        top = dialerctl("none", "--help")
        assert top.code == 0
        assert all(f"\n  {entry.resource} " in top.out for entry in COMMANDS.values())
        verbs = dialerctl("none", "campaign", "--help").out
        assert all(f"\n  {entry.verb} " in verbs for entry in COMMANDS.values() if entry.resource == "campaign")

    def test_O03_a_shift_and_its_files_are_run_from_the_shell(self, daemon: DaemonProcess, tmp_path: Path) -> None:
        """In an order in which each can work; the JSON it prints is the result that the table promises."""
        leads = tmp_path / "leads.csv"
        leads.write_text(f"phone,name\n{STAYS}101,An\n{STAYS}102,Bình\n", encoding="utf-8")
        policy = tmp_path / "policy.yaml"
        policy.write_text("# as in config/campaigns\nname: New\ntrunks: [main]\nregion: none\nwrap_up_s: 0\n")
        given: set[str] = set()

        def run(*words: str, stdin: bytes = b"") -> dict[str, Any]:
            said = dialerctl(daemon.socket, *words, stdin=stdin)
            assert said.code == 0, (words, said)
            name = f"{words[0]}.{words[1]}"
            given.add(name)
            COMMANDS[name].result.model_validate(said.json)
            assert set(said.json) == set(COMMANDS[name].result.model_fields), name
            return said.json

        assert run("campaign", "create", "new", f"@{policy}", "--draft")["state"] == "draft"
        run("campaign", "submit", "new", "--note", "please")
        run("campaign", "reject", "new", "--note", "too short")
        run("campaign", "update", "new", '{"description": "longer", "lines": 3}')
        run("campaign", "update", "new", "max_attempts: 2\nlines: null")
        run("campaign", "submit", "new")
        assert run("campaign", "approve", "new")["state"] == "approved"
        assert run("lead", "import", "new", f"@{leads}")["added"] == 2
        assert run("lead", "import", "new", "@-", "--dry-run", stdin=leads.read_bytes())["duplicates"] == 2
        assert run("lead", "add", "new", f"{STAYS}103", "--name", "Chi", "--fields", "city: Huế")["added"] == 1
        assert run("lead", "get", "new", f"{STAYS}103")["fields"] == {"city": "Huế"}
        assert [lead["name"] for lead in run("lead", "list", "new", "--state", "new")["leads"]] == ["An", "Bình", "Chi"]
        assert run("lead", "list", "new", "--after", "1", "--limit", "1")["leads"][0]["name"] == "Bình"
        assert run("lead", "explain", "new", f"{STAYS}101")["rule"] == "campaign_state"
        run("campaign", "start", "new")
        assert run("campaign", "pause", "new", "--note", "tea")["state"] == "paused"
        run("campaign", "resume", "new")
        policy_now = run("campaign", "get", "new")["policy"]
        assert (policy_now["max_attempts"], policy_now["lines"], policy_now["description"]) == (2, None, "longer")
        assert run("campaign", "why", "new")["factor"] == "no_agents"
        assert run("agent", "login", "--agent", "1001")["state"] == "not_ready"
        run("agent", "not-ready", "lunch", "--agent", "1001")
        run("agent", "ready", "--agent", "1001")
        self._until_talking(daemon)
        (call,) = run("call", "list", "--campaign", "new")["calls"]
        assert call["state"] == "talking"
        run("agent", "hangup", "--agent", "1001")
        self._until_talking(daemon, not_call=call["call"])
        (call,) = run("call", "list")["calls"]
        run("call", "hangup", call["call"])
        self._until_talking(daemon, not_call=call["call"])
        assert len(run("call", "list", "--ended", "--campaign", "new")["calls"]) == 3
        assert run("campaign", "stats", "new")["connected"] == 3
        assert {row["agent"]: row["state"] for row in run("agent", "list")["agents"]}["1001"] == "on_call"
        assert run("agent", "list", "--state", "on_call")["agents"][0]["agent"] == "1001"
        assert run("campaign", "clone", "new", "copy", "--name", "A copy", "--draft")["state"] == "draft"
        assert run("lead", "copy", "copy", "new")["copying"] >= 2
        assert run("campaign", "list", "--name", "a COPY")["total"] == 1
        arriving = "the leads arrive"
        daemon.until(lambda: dialerctl(daemon.socket, "campaign", "get", "copy").json["leads"], arriving)
        assert (
            json.loads(dialerctl(daemon.socket, "campaign", "delete", "copy").out)["error"]["code"] == "confirm_needed"
        )
        assert run("campaign", "delete", "copy", "--confirm", "copy", "--note", "a try")["state"] == "deleted"
        assert run("audit", "list", "--subject", "copy")["entries"][0]["command"] == "campaign.delete"
        assert run("trunk", "list")["trunks"][0]["in_use"] == 1
        assert run("hotline", "list") == {"hotlines": []}
        assert run("daemon", "drain")["draining"] is True
        assert run("daemon", "drain", "--off")["draining"] is False
        assert run("daemon", "reload")["status"]["needs_restart"] == []
        assert run("daemon", "status")["status"]["live_calls"] == 1
        assert run("daemon", "version")["version"]
        assert run("agent", "logout", "--agent", "1001")["after_call"] is True
        assert run("campaign", "stop", "new")["state"] == "finished"
        assert [row["state"] for row in run("campaign", "list")["campaigns"]].count("finished") == 1
        daemon.ask("agent.hangup", agent="1001")
        assert run("lead", "export", "new", "--states", "new,retry", "--to", str(tmp_path))["state"] == "done"
        assert run("call", "export", "--campaign", "new", "--format", "csv", "--outcomes", "connected")["rows"] >= 2
        assert run("campaign", "export", "--language", "vi")["rows"] == 4
        assert run("lead", "print", "new", f"{STAYS}101")["size"] > 1000
        made = run("campaign", "print", "new")
        assert run("export", "fetch", made["job"], "--limit", "100")["more"] is True
        waiting = [daemon.ask("campaign.print", campaign="new", format="pdf", wait=False)["job"] for _ in range(6)]
        assert run("export", "cancel", waiting[-1])["job"] == waiting[-1]
        assert run("export", "list", "--limit", "1")["exports"][0]["job"] == waiting[-1]
        assert len(given) > 40

    def test_O03_every_command_is_understood_from_the_shell(self, daemon: DaemonProcess) -> None:
        """With the sample's arguments: it is carried out or refused for its subject, never for how it was typed."""
        for entry in COMMANDS.values():
            words = [entry.resource, entry.verb]
            for field, value in sample(entry).items():
                about = entry.args.model_fields[field]
                listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
                said = value if isinstance(value, str) else ",".join(value) if listed else json.dumps(value)
                if about.annotation is bool:
                    words.append(switch(field).split("/")[0 if value else 1])
                elif about.is_required() or field == POSITIONAL:
                    words.append(said)
                else:
                    words += [f"--{field.replace('_', '-')}", said]
            ran = CliRunner().invoke(click_program, ["--socket", daemon.socket, "--json", *words])
            assert ran.exit_code in (0, 1), (words, ran.output, ran.exception)
            if ran.exit_code == 1:
                code = json.loads(ran.stdout)["error"]["code"]
                assert code not in ("bad_argument", "unknown_command", "forbidden"), (words, ran.stdout)
        assert daemon.running

    @staticmethod
    def _until_talking(daemon: DaemonProcess, not_call: str = "") -> None:
        def talking() -> bool:
            calls = daemon.ask("call.list")["calls"]
            return any(row["state"] == "talking" and row["call"] != not_call for row in calls)

        daemon.until(talking, "an agent talks")

    def test_O03_at_a_terminal_it_prints_tables_that_nobody_can_colour(self, daemon: DaemonProcess) -> None:
        """A lead's name is a stranger's text: neither rich's marks nor a terminal's codes come through."""
        daemon.ask("lead.add", campaign="c1", phone="555001", name="[red]Eve[/red] \x1b[2J\x07 \u202eevil")
        said = at_a_terminal(daemon.socket, "lead", "list", "c1")
        assert said.code == 0
        heading, row = said.out.splitlines()[:2]
        assert heading.split()[:4] == ["lead", "phone", "name", "state"]
        assert "555001" in row
        assert "[red]Eve[/red]" in row
        assert not set("\x1b\x07\u202e") & set(said.out)
        assert "draining" in at_a_terminal(daemon.socket, "daemon", "status").out
        assert at_a_terminal(daemon.socket, "hotline", "list").out == "no hotlines\n"
        as_json = at_a_terminal(daemon.socket, "--json", "campaign", "why", "c1")
        assert json.loads(as_json.out)["factor"] == "approved"
        refused = at_a_terminal(daemon.socket, "campaign", "resume", "c1")
        assert refused.code == 1
        assert (
            "refused illegal_move: campaign: c1 is approved: it cannot resume (allowed: delete, start, stop)"
            in refused.out
        )

    def test_O03_a_refusal_ends_with_1_and_its_reason_on_standard_error(self, daemon: DaemonProcess) -> None:
        said = dialerctl(daemon.socket, "campaign", "why", "nobody")
        assert said.code == 1
        assert json.loads(said.out)["error"]["code"] == "unknown_campaign"
        assert said.err.startswith("unknown_campaign: campaign: there is no campaign nobody (allowed: c0, c1, c2")

    def test_O03_wrong_use_ends_with_2_and_says_what_is_right(self, daemon: DaemonProcess) -> None:
        assert "No such command 'strat'" in dialerctl(daemon.socket, "campaign", "strat").err
        said = dialerctl(daemon.socket, "campaign", "start")
        assert (said.code, "Missing argument 'CAMPAIGN'" in said.err) == (2, True)
        said = dialerctl(daemon.socket, "lead", "list", "c1", "--limit", "many")
        assert (said.code, "'many' is not a valid integer" in said.err) == (2, True)

    @pytest.mark.parametrize(
        ("argument", "words"),
        [
            ("@/no/such/file", "No such file"),
            ("@{latin}", "byte 0 is no UTF-8; UTF-8 text is allowed"),
            ("{a: [", "neither YAML nor JSON"),
            ('{"a": ', "neither YAML nor JSON"),
        ],
    )
    def test_O03_an_argument_that_cannot_be_read_is_told(
        self, daemon: DaemonProcess, tmp_path: Path, argument: str, words: str
    ) -> None:
        latin = tmp_path / "latin.yaml"
        latin.write_bytes("name: Huế".encode("utf-16"))
        said = dialerctl(daemon.socket, "campaign", "create", "bad", argument.replace("{latin}", str(latin)))
        assert said.code == 1
        assert words in said.err
        assert "Traceback" not in said.err

    def test_O03_an_id_makes_a_command_happen_once(self, daemon: DaemonProcess) -> None:
        first = dialerctl(daemon.socket, "--id", "shell-1", "campaign", "start", "c2")
        daemon.ask("campaign.pause", campaign="c2")
        again = dialerctl(daemon.socket, "--id", "shell-1", "campaign", "start", "c2")
        assert (again.code, again.out) == (0, first.out)
        assert daemon.ask("campaign.get", campaign="c2")["state"] == "paused"

    def test_O03_bytes_of_another_character_set_are_refused_and_harm_nobody(self, daemon: DaemonProcess) -> None:
        """A terminal in Latin-1 sends half characters; once one of them stopped the whole daemon."""
        note = b"caf\xe9".decode("utf-8", "surrogateescape")
        said = dialerctl(daemon.socket, "campaign", "submit", "c0", "--note", note)
        assert said.code == 1
        assert "found half of a surrogate pair" in said.err
        assert daemon.running

    def test_O03_without_a_daemon_it_says_so(self, tmp_path: Path) -> None:
        for path, words in ((tmp_path / "none.sock", "No such file"), (tmp_path / "dead.sock", "Connection refused")):
            if path.name == "dead.sock":
                with socket.socket(socket.AF_UNIX) as gone:
                    gone.bind(str(path))
            said = dialerctl(str(path), "daemon", "status")
            assert said.code == 1
            assert f"no daemon answers on {path}: {words}" in said.err
            assert said.out == ""


class TestWhoMayUseIt:
    def test_O03_the_socket_has_the_mode_of_the_configuration(self, tmp_path: Path, street: StreetProcess) -> None:
        with house(tmp_path / "a", street) as by_default:
            assert stat.S_IMODE(os.stat(by_default.socket).st_mode) == 0o660
        with house(tmp_path / "b", street, socket={"mode": "0600"}) as strict:
            assert stat.S_IMODE(os.stat(strict.socket).st_mode) == 0o600
        assert not os.path.exists(strict.socket)  # gone with the daemon

    @only_root
    def test_O03_another_user_has_the_roles_of_the_configuration_and_no_others(
        self, open_folder: Path, street: StreetProcess
    ) -> None:
        """Nobody is nobody; `daemon` is a supervisor by his name, and whoever is in the group `mail` an agent."""
        settings = {"mode": "0666", "users": {"daemon": ["supervisor"]}, "groups": {"mail": ["agent"]}}
        more: dict[str, Any] = {"socket": settings, "campaigns": {"c0": campaign()}}
        with house(open_folder, street, agents={"1001": {"principal": "unix.mail"}}, **more) as daemon:
            refused = as_user(NOBODY, NOBODY, daemon.socket, "campaign", "start", "c0")
            assert refused.code == 1
            assert "forbidden: role: unix.nobody may not campaign.start: its roles are none" in refused.err
            assert as_user(1, 1, daemon.socket, "campaign", "why", "c0").json["factor"] == "approved"
            refused = as_user(1, 1, daemon.socket, "campaign", "start", "c0")
            assert "its roles are supervisor (allowed: admin, owner)" in refused.err
            assert as_user(8, 8, daemon.socket, "agent", "login").json["agent"] == "1001"
            assert "its roles are agent" in as_user(8, 8, daemon.socket, "daemon", "reload").err
            no_such_user = as_user(54321, 54321, daemon.socket, "campaign", "list")
            assert "forbidden: role: unix.uid54321 may not campaign.list: its roles are none" in no_such_user.err
            assert dialerctl(daemon.socket, "campaign", "start", "c0").code == 0  # root
            assert daemon.ask("campaign.get", campaign="c0")["history"][0]["principal"] == "unix.root"

    @only_root
    def test_O03_with_the_mode_of_the_sample_strangers_do_not_get_in(
        self, open_folder: Path, street: StreetProcess
    ) -> None:
        with house(open_folder, street) as daemon:
            said = as_user(NOBODY, NOBODY, daemon.socket, "daemon", "version")
            assert (said.code, "Permission denied" in said.err) == (1, True)


class TestOneDaemonOneSocket:
    def test_O04_the_socket_of_a_killed_daemon_is_taken_over(self, tmp_path: Path, street: StreetProcess) -> None:
        with house(tmp_path, street) as daemon:
            daemon.kill()
            assert stat.S_ISSOCK(os.stat(daemon.socket).st_mode)
            daemon.start()
            assert daemon.ask("daemon.version")["version"]

    def test_O04_a_second_daemon_is_refused_and_the_first_goes_on(self, tmp_path: Path, street: StreetProcess) -> None:
        with house(tmp_path / "a", street) as first:
            store = str(first.folder / "dialerd.sqlite3")
            second = house(tmp_path / "b", street, socket={"path": first.socket})
            assert f"socket {first.socket}: another daemon listens there" in self._cannot_start(second)
            third = house(tmp_path / "c", street, store={"path": store})
            words = self._cannot_start(third)
            assert store in words
            assert "another" in words
            assert first.ask("daemon.version")["version"]

    def test_O04_what_is_no_socket_is_left_alone(self, tmp_path: Path, street: StreetProcess) -> None:
        daemon = house(tmp_path, street)
        Path(daemon.socket).write_text("precious")
        assert "something that is no socket is there already" in self._cannot_start(daemon)
        assert Path(daemon.socket).read_text() == "precious"

    def test_O04_a_path_too_long_for_a_socket_is_told(self, tmp_path: Path, street: StreetProcess) -> None:
        daemon = house(tmp_path, street, socket={"path": str(tmp_path / ("x" * 120))})
        assert "107 bytes" in self._cannot_start(daemon)

    @staticmethod
    def _cannot_start(daemon: DaemonProcess) -> str:
        """The words with which it ends."""
        done = subprocess.run(
            [sys.executable, "-m", "dialerd", "run", str(daemon.config)], capture_output=True, timeout=60
        )
        words = done.stderr.decode()
        assert done.returncode in (1, 2), words
        assert "Traceback" not in words, words
        return words


class TestRawLines:
    """What a program, or a fool, writes into the socket by itself."""

    @staticmethod
    def _answers(daemon: DaemonProcess, sent: bytes, count: int = 1) -> list[dict[str, Any]]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(daemon.socket)
            connection.sendall(sent)
            with connection.makefile("rb") as lines:
                return [json.loads(lines.readline()) for _ in range(count)]

    @pytest.mark.parametrize(
        ("line", "field", "words"),
        [
            (b"", "payload", "not JSON"),
            (b"GET / HTTP/1.1\r", "payload", "not JSON"),
            (b"\xff\xfe\x00", "payload", "NUL"),
            (b"\xff\xfe", "payload", "not UTF-8"),
            (b"[]", "payload", "found a JSON array"),
            (b"{}", "command", "a text such as campaign.list is needed"),
            (b'{"command": 5}', "command", "a text such as campaign.list is needed"),
            (b'{"command": "daemon.version", "args": []}', "args", "an object is allowed"),
            (b'{"command": "daemon.version", "id": 5}', "id", "found a JSON number"),
            (b'{"command": "daemon.version", "id": "' + b"x" * 65 + b'"}', "id", "found 65 characters"),
            (b'{"command": "daemon.version", "command": "daemon.drain"}', "command", "stands twice"),
            (b'{"command": "campaign.start", "args": {"campaign": "c0", "note": "\\ud800"}}', "note", "surrogate"),
            (b'{"command": "campaign.start", "args": {"campaign": "c0", "note": "\\u0000"}}', "note", "NUL"),
            (b'{"command": "campaign.start", "args": {"campaign": NaN}}', "payload", "NaN"),
            (b'{"command": "campaign.create", "args": ' + b'{"a":' * 9000 + b"1" + b"}" * 9001, "payload", "nested"),
            (b'{"command": "campaign.create", "args": ' + b'{"a":' * 90 + b"1" + b"}" * 91, None, "nested too deep"),
            (b'{"command": "campaign.nonsense"}', "command", "there is no command 'campaign.nonsense'"),
        ],
        ids=lambda value: ascii(value)[:40],
    )
    def test_O03_a_line_that_is_no_command_is_told_why(
        self, daemon: DaemonProcess, line: bytes, field: str | None, words: str
    ) -> None:
        good = b'{"command": "daemon.version", "id": "after"}\n'
        bad, after = self._answers(daemon, line + b"\n" + good, 2)
        assert bad["ok"] is False
        assert words in bad["error"]["message"], bad
        assert field is None or bad["error"]["field"] == field
        assert (after["id"], after["ok"]) == ("after", True)  # the connection goes on
        assert daemon.ask("campaign.get", campaign="c0")["state"] == "approved"

    def test_O03_many_commands_on_one_connection_are_answered_in_order(self, daemon: DaemonProcess) -> None:
        asked = [f"n-{n}" for n in range(200)]
        lines = b"".join(
            json.dumps({"command": "campaign.why", "id": id_, "args": {"campaign": "c0"}}).encode() + b"\n"
            for id_ in asked
        )
        assert [answer["id"] for answer in self._answers(daemon, lines, 200)] == asked

    def test_O03_a_line_without_end_is_refused_and_the_daemon_goes_on(self, daemon: DaemonProcess) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(daemon.socket)
            block = b"x" * (1 << 20)
            try:
                for _ in range(4 * LONGEST // len(block)):
                    connection.sendall(block)
            except (BrokenPipeError, ConnectionResetError):
                pass
            else:
                raise AssertionError("it read more than it ever takes")
        assert daemon.ask("daemon.version")["version"]

    def test_O03_a_request_as_long_as_allowed_is_read_and_a_longer_one_told(self, daemon: DaemonProcess) -> None:
        head, tail = b'{"command": "lead.import", "args": {"campaign": "c0", "csv": "', b'"}}'
        room = LONGEST - len(head) - len(tail)
        (read,) = self._answers(daemon, head + b"x" * room + tail + b"\n")
        assert f"csv: found {room} characters, allowed: at most " in read["error"]["message"]
        (longer,) = self._answers(daemon, head + b"x" * (room + 1) + tail + b"\n")
        assert f"a request is longer than {LONGEST} bytes" in longer["error"]["message"]

    def test_O03_those_who_leave_in_the_middle_or_never_read_hold_nobody_up(self, daemon: DaemonProcess) -> None:
        silent: list[socket.socket] = []
        for n in range(50):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(daemon.socket)
            connection.sendall(b'{"command": "campaign.list"}\n' * (n % 3) + b'{"command": "campaign.l')
            if n % 2:
                connection.close()
            else:
                silent.append(connection)
        assert daemon.ask("daemon.version")["version"]
        for connection in silent:
            connection.close()
        assert daemon.ask("daemon.version")["version"]
