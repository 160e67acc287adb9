"""Parts of a configuration that do not fit together: errors, and warnings where it may be meant (O01)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.settings.read import look
from dialerd.settings.shape import Settings
from tests.unit.test_settings_read import GOOD, errors, settings, with_line


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{server: pbx1, dial",
            "{server: pbx2, dial",
            'd.yaml:4: trunks.carrier.server: found "pbx2", not one of servers, allowed: pbx1; did you mean pbx1?',
        ),
        (
            "trunks: [carrier]",
            "trunks: [carrier, viettel]",
            'd.yaml:16: campaigns.hanoi.trunks.1: found "viettel", not one of trunks, allowed: carrier',
        ),
        (
            "hotlines: [sales]",
            "hotlines: [sale]",
            'd.yaml:17: campaigns.hanoi.hotlines.0: found "sale", not one of hotlines, allowed: sales; did you mean',
        ),
        (
            "hotlines:\n  sales: {number: 1900}\n",
            "",
            'd.yaml:15: campaigns.hanoi.hotlines.0: found "sales", not one of hotlines, allowed: none, there is noth',
        ),
        (
            "  an: {phone: PJSIP/1001, server: pbx1}\n",
            "  an: {phone: PJSIP/1001, server: pbx1}\n  cu: {phone: pjsip/1001, server: pbx1, principal: an}\n",
            'd.yaml:11: agents.cu.phone: found "pjsip/1001", the same as an\'s (line 10), allowed: a phone that no o',
        ),
        (
            "  sales: {number: 1900}\n",
            "  sales: {number: 84281900}\n  help: {number: +84281900}\n",
            'd.yaml:7: hotlines.help.number: found "+84281900", the same as sales\'s (line 6), allowed: a number tha',
        ),
        (
            "  pbx1: {secret_file: ami.secret}\n",
            "  pbx1: {secret_file: ami.secret}\n  pbx2: {secret_file: ami.secret}\n",
            "d.yaml:3: servers.pbx2.host: found the same as pbx1's (line 2), allowed: a host and port that no other",
        ),
        (
            "{secret_file: ami.secret}",
            "{secret_file: ami.secret, secret_credential: ami}",
            "d.yaml:2: servers.pbx1.secret_credential: found secret_credential beside secret_file (line 2), allowed:",
        ),
        (
            "{secret_file: ami.secret}",
            "{}",
            "d.yaml:2: servers.pbx1: found no secret, allowed: secret_file or secret_credential",
        ),
        (
            "server: pbx1}",
            "server: pbx1, principal: anh}",
            'd.yaml:10: agents.an.principal: found "anh", not one of people, allowed: a name that stands under peopl',
        ),
    ],
)
def test_O01_parts_that_do_not_fit_together_are_told(old: str, new: str, said: str) -> None:
    found = errors(with_line(old, new))
    assert len(found) == 1, found
    assert found[0].startswith(said)


def test_O01_one_wrong_part_does_not_make_names_of_it_unknown() -> None:
    """A name of something that stands there, but wrongly, is no second error."""
    found = errors(with_line("{secret_file: ami.secret}", "{secret_file: ami.secret, port: x}"))
    assert found == ['d.yaml:2: servers.pbx1.port: found "x", allowed: a whole number']
    found = errors(with_line("  pbx1: {secret_file: ami.secret}", "  - pbx1"))
    assert found == ["d.yaml:1: servers: found a list, allowed: keys and values, indented below it"]
    found = errors(with_line('dial: "PJSIP/{number}@carrier"', "dial: PJSIP"))
    assert len(found) == 1
    found = errors(
        with_line("  an: {roles: [agent]}", "  an: {roles: []}").replace(
            "server: pbx1}", "server: pbx1, principal: an}"
        )
    )
    assert len(found) == 1


def test_O01_wrong_names_are_told_beside_what_is_wrong_in_its_own_shape() -> None:
    """Even in a part that is wrong itself, and whichever of its keys are missing."""
    text = with_line("{server: pbx1, dial", "{server: pbx9, lines: many, dial")
    text = text.replace("trunks: [carrier]", 'trunks: [carrier, viettel, "a b", 5]').replace(
        "hotlines: [sales]", "hotlines: [no]"
    )
    text = text.replace("name: ", "title: ", 1).replace("server: pbx1}", "server: pbx8, softphone: rings}")
    found = [line.split(", allowed")[0] for line in errors(text)]
    assert found == [
        'd.yaml:4: trunks.carrier.lines: found "many"',
        'd.yaml:4: trunks.carrier.server: found "pbx9", not one of servers',
        'd.yaml:10: agents.an.softphone: found "rings"',
        'd.yaml:10: agents.an.server: found "pbx8", not one of servers',
        "d.yaml:14: campaigns.hanoi.name: found nothing",
        "d.yaml:15: campaigns.hanoi.title: found an unknown key",
        'd.yaml:16: campaigns.hanoi.trunks.2: found "a b"',
        'd.yaml:16: campaigns.hanoi.trunks.1: found "viettel", not one of trunks',
        'd.yaml:16: campaigns.hanoi.trunks.3: found "5", not one of trunks',
        'd.yaml:17: campaigns.hanoi.hotlines.0: found "no", not one of hotlines',
    ]


def test_O01_the_same_phone_on_two_servers_are_two_softphones() -> None:
    text = with_line(
        "  pbx1: {secret_file: ami.secret}\n", "  pbx1: {secret_file: a}\n  pbx2: {secret_file: b, host: pbx2}\n"
    )
    text = text.replace("people:\n", "  cu: {phone: PJSIP/1001, server: pbx2}\npeople:\n  cu: {roles: [agent]}\n")
    assert settings(text).agents["cu"].server == "pbx2"


# --- warnings


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "  an: {roles: [agent]}",
            "  lan: {roles: [agent]}",
            "d.yaml:10: warning: agents.an: found no person of this name, allowed: people: an: roles: [agent], ",
        ),
        (
            "mon: [08:00-17:30]",
            "mon: []",
            "d.yaml:8: warning: schedules.office.week: found no open hour, allowed: at least one, or nothing is dialed",
        ),
        (
            "server: pbx1}",
            "server: pbx1, campaigns: [all, hanoi, hanio]}",
            'd.yaml:10: warning: agents.an.campaigns.2: found "hanio", not a campaign here, allowed: it if a command',
        ),
        (
            "server: pbx1}",
            "server: pbx1, campaigns: [hue]}",
            "d.yaml:16: warning: campaigns.hanoi.trunks: found no agent of this campaign on pbx1, allowed: an agent",
        ),
    ],
)
def test_O01_what_is_odd_but_may_be_meant_is_a_warning_that_does_not_stop(old: str, new: str, said: str) -> None:
    assert isinstance(settings(with_line(old, new)), Settings)
    found = [str(trouble) for trouble in look("d.yaml", {}).troubles]
    assert len(found) == 1, found
    assert found[0].startswith(said)


def test_O01_a_configuration_without_servers_is_odd() -> None:
    settings("logs: {level: debug}\n")
    assert [str(t) for t in look("d.yaml", {}).troubles] == [
        "d.yaml:1: warning: servers: found no server, allowed: at least one, or nothing is dialed"
    ]


def test_O03_an_agent_may_be_a_unix_user() -> None:
    text = with_line("server: pbx1}", "server: pbx1, principal: bob}")
    assert settings(text + "socket: {users: {bob: [agent]}}\n").agents["an"].principal == "bob"
    assert settings(text + "socket: {groups: {staff: [agent]}}\n").agents["an"].principal == "bob"
    assert [t.warning for t in look("d.yaml", {}).troubles] == [True]


def test_O03_roles_come_from_user_and_groups_and_root_always_has_some() -> None:
    socket = settings(GOOD + "socket: {users: {bob: [ops]}, groups: {staff: [agent], heads: [supervisor]}}\n").socket
    assert socket.roles_of("bob", [], own=False) == {"ops"}
    assert socket.roles_of("bob", ["staff", "heads", "wheel"], own=False) == {"ops", "agent", "supervisor"}
    assert socket.roles_of("eve", ["wheel"], own=False) == frozenset()
    assert socket.roles_of("root", [], own=True) == {"owner", "admin", "supervisor", "ops"}
