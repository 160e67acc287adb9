"""`dialerd check` tells what stands around a configuration on this host: secrets, certificates, folders (O01, O04)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dialerd.settings.check import Checked, check
from tests.unit.test_settings_read import GOOD

MQTT = "mqtt: {username: dialerd, password_file: mqtt.password, tls: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put("ami.secret", "hunter2\n")
    put("mqtt.password", "hunter3\n")
    for name in ("ca.pem", "c.pem", "k.pem"):
        put(name, "-----BEGIN SOMETHING-----\n")
    return tmp_path


def put(name: str, text: str, mode: int = 0o600) -> None:
    Path(name).write_text(text)
    Path(name).chmod(mode)


def checked(text: str = GOOD + MQTT, env: dict[str, str] | None = None) -> Checked:
    Path("d.yaml").write_text(text)
    return check("d.yaml", env or {})


def told(text: str = GOOD + MQTT, env: dict[str, str] | None = None) -> list[str]:
    return [str(trouble) for trouble in checked(text, env).troubles]


def test_O01_a_good_configuration_is_summed_up(folder: Path) -> None:
    found = checked()
    assert found.troubles == []
    assert found.good
    assert found.summary == [
        "instance  main",
        f"store     {folder}/dialerd.sqlite3 (synchronous full)",
        f"socket    {folder}/dialerd.sock (mode 0660)",
        "mqtt      127.0.0.1:1883 with TLS",
        "mail      none",
        "http      127.0.0.1:9464",
        "floor     servers 1, trunks 1, hotlines 1, hotline_groups 0, schedules 1, scripts 0, dispositions 0, agents 1, "
        "agent_groups 0, people 1, campaigns 1",
        "0 errors, 0 warnings",
    ]
    assert checked(GOOD + "http: {port: off}\n").summary[3:6] == ["mqtt      none", "mail      none", "http      off"]
    assert sorted(os.listdir()) == [
        "ami.secret",
        "c.pem",
        "ca.pem",
        "d.yaml",
        "k.pem",
        "mqtt.password",
    ]  # nothing written


def test_O01_a_wrong_configuration_is_counted() -> None:
    found = checked(GOOD.replace("  an: {roles", "  lan: {roles") + "logs: {level: loud}\n")
    assert [trouble.warning for trouble in found.troubles] == [True, False]
    assert not found.good
    assert found.summary == ["1 error, 1 warning"]
    assert check("none.yaml", {}).summary == ["1 error, 0 warnings"]


def test_O04_a_secret_that_cannot_be_read_is_told_without_its_name(folder: Path) -> None:
    Path("ami.secret").unlink()
    put("mqtt.password", "hunter3\nhunter4\n")
    assert told() == [
        f"d.yaml:2: servers.pbx1.secret_file: found no such file (in {folder}), allowed: a file that holds the secret",
        "d.yaml:19: mqtt.password_file: found control characters or several lines, allowed: one line of printable text",
    ]


def test_O04_a_secret_that_every_user_may_read_is_a_warning() -> None:
    for name in ("ami.secret", "mqtt.password", "k.pem", "ca.pem"):
        Path(name).chmod(0o644)
    found = checked()
    assert [str(trouble) for trouble in found.troubles] == [
        "d.yaml:2: warning: servers.pbx1.secret_file: found a file that every user may read, allowed: permissions such as 0600",
        "d.yaml:19: warning: mqtt.password_file: found a file that every user may read, allowed: permissions such as 0600",
        "d.yaml:19: warning: mqtt.tls.key_file: found a private key that every user may read, allowed: permissions such as 0600",
    ]
    assert found.good
    assert found.summary[-1] == "0 errors, 3 warnings"


def test_O01_what_stands_around_is_told_beside_what_is_wrong_in_its_own_shape(folder: Path) -> None:
    """All that does not belong to the wrong part."""
    Path("ca.pem").unlink()
    Path("ami.secret").unlink()
    text = GOOD + MQTT + "store: {path: /no/a.sqlite3}\nlogs: {level: loud}\n"
    text = text.replace("hotlines: [sales]", "hotlines: [sale]")
    assert [line.split(": found")[0] for line in told(text)] == [
        "d.yaml:1: socket.path",
        "d.yaml:2: servers.pbx1.secret_file",
        "d.yaml:17: campaigns.hanoi.hotlines.0",
        "d.yaml:19: mqtt.tls.ca_file",
        "d.yaml:20: store.path",
        "d.yaml:21: logs.level",
    ]
    assert not any("secret_file" in line for line in told(text.replace("{secret_file:", "{port: x, secret_file:")))


def test_O04_credentials_are_checked_where_systemd_gives_them(folder: Path) -> None:
    text = GOOD.replace("secret_file: ami.secret", "secret_credential: ami")
    assert told(text) == [
        'd.yaml:2: warning: servers.pbx1.secret_credential: found "ami", not checked without $CREDENTIALS_DIRECTORY, '
        "allowed: LoadCredential=ami:... in the systemd unit"
    ]
    assert told(text, {"CREDENTIALS_DIRECTORY": str(folder)}) == [
        f"d.yaml:2: servers.pbx1.secret_credential: found no such file (in {folder}), allowed: a file that holds the secret"
    ]
    put("ami", "hunter2", 0o400)
    assert told(text, {"CREDENTIALS_DIRECTORY": str(folder)}) == []


def test_O02_certificates_are_looked_at(folder: Path) -> None:
    Path("ca.pem").unlink()
    put("c.pem", "nothing")
    put("k.pem", "")
    assert told() == [
        f'd.yaml:19: mqtt.tls.ca_file: found "{folder}/ca.pem": no such file, allowed: a PEM file that this user may read',
        f'd.yaml:19: mqtt.tls.cert_file: found "{folder}/c.pem", which holds no PEM block, allowed: a PEM file',
        f'd.yaml:19: mqtt.tls.key_file: found "{folder}/k.pem", which holds no PEM block, allowed: a PEM file',
    ]


def test_O08_the_folders_of_store_and_socket_must_be_there(folder: Path) -> None:
    text = GOOD + "store: {path: /no/a.sqlite3}\nsocket: {path: /nowhere/s}\n"
    assert told(text) == [
        'd.yaml:19: store.path: found no folder "/no", allowed: a path in a folder that exists',
        'd.yaml:20: socket.path: found no folder "/nowhere", allowed: a path in a folder that exists',
    ]
    assert told(GOOD, {"STATE_DIRECTORY": "/no", "RUNTIME_DIRECTORY": str(folder)}) == [
        'd.yaml:1: store.path: found no folder "/no", allowed: a path in a folder that exists'
    ]


def test_O08_a_folder_where_nothing_may_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith("/usr"))  # root may write everywhere
    assert told(GOOD + f"store: {{path: /usr/a}}\nsocket: {{path: {folder}/s}}\n") == [
        'd.yaml:19: store.path: found the folder "/usr", where this user may not write, allowed: a folder that he may write'
    ]
    put("a.sqlite3", "")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith(".sqlite3"))
    assert len(told(GOOD + "store: {path: a.sqlite3}\n")) == 1


def test_O08_what_stands_in_the_place_of_store_or_socket_is_looked_at() -> None:
    Path("dialerd.sqlite3").mkdir()
    put("dialerd.sock", "")
    found = told(GOOD)
    assert [line.split(": found")[0] for line in found] == ["d.yaml:1: store.path", "d.yaml:1: socket.path"]
    assert found[0].endswith("which is not a file, allowed: a file, or nothing there")
    assert found[1].endswith("which is not a socket, allowed: a socket, or nothing there")


def test_O03_the_socket_of_an_earlier_run_is_fine() -> None:
    with socket.socket(socket.AF_UNIX) as earlier:
        earlier.bind("dialerd.sock")
    put("dialerd.sqlite3", "")
    assert told(GOOD) == []


# --- folders of lists and files


def test_C06_import_folders_that_are_not_there_or_not_to_be_read_are_warnings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may be mounted later: the daemon starts without."""
    Path("lists").mkdir()
    Path("locked").mkdir()
    put("file", "")
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("locked") and may(path, mode))
    text = (
        GOOD
        + f"imports:\n  folders:\n    - {folder}/lists\n"
        + "".join(f"    - {folder}/{name}\n" for name in ("none", "locked", "file"))
    )
    warned = "d.yaml:{}: warning: imports.folders.{}: found "
    assert told(text) == [
        warned.format(22, 1) + f'no folder "{folder}/none", allowed: a folder of lists that exists',
        warned.format(23, 2)
        + f'the folder "{folder}/locked", which this user may not read, allowed: a folder that he may read',
        warned.format(24, 3) + f'"{folder}/file", which is not a folder, allowed: a folder of lists',
    ]
    assert checked(text).good


def test_C18_a_folder_of_templates_that_is_not_there_is_a_warning(folder: Path) -> None:
    assert told(GOOD + "exports: {templates: print}\n") == [
        f'd.yaml:19: warning: exports.templates: found no folder "{folder}/print", allowed: a folder of templates that exists'
    ]


@pytest.mark.parametrize(("section", "key"), [("imports", "work_folder"), ("exports", "folder")])
def test_C18_folders_that_the_daemon_makes_have_to_be_possible(
    folder: Path, monkeypatch: pytest.MonkeyPatch, section: str, key: str
) -> None:
    def found(path: str) -> list[str]:
        return told(GOOD + f"{section}: {{{key}: {path}}}\n")

    where = f"d.yaml:19: {section}.{key}: found "
    assert found("a/b/c") == [], "it is made"
    assert not Path("a").exists(), "but not by the check"
    put("file", "")
    assert found("file") == [where + f'"{folder}/file", which is not a folder, allowed: a folder, or nothing there']
    assert len(found("file/in")) == 1
    Path("open").mkdir(mode=0o755)
    Path("open").chmod(0o755)
    assert found("open") == [
        where + f'the folder "{folder}/open" of mode 0755, which lets others in, allowed: mode 0700'
    ]
    Path("own").mkdir(mode=0o700)
    assert found("own") == []
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith(("own", "usr")) and may(path, mode))
    assert found("own") == [
        where + f'the folder "{folder}/own", which this user may not read and write, allowed: a folder of his own'
    ]
    assert found("/usr/none/deep") == [
        where + 'no folder "/usr/none/deep", and "/usr", where this user may not write, '
        "allowed: a folder that exists, or one that he may make"
    ]
