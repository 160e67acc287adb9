"""What is said of a manager interface that cannot be reached or refuses the login, and the pauses between tries (O02)."""

from __future__ import annotations

import errno
import socket

import pytest

from dialerd.adapters.asterisk.pauses import Pauses
from dialerd.adapters.asterisk.reaching import why_refused, why_unreachable

_REFUSED_V4 = f"[Errno {errno.ECONNREFUSED}] Connect call failed ('127.0.0.1', 5039)"
_REFUSED_V6 = f"[Errno {errno.ECONNREFUSED}] Connect call failed ('::1', 5039, 0, 0)"


@pytest.mark.parametrize(
    "trouble",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 5039)"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),  # uvloop's words
        OSError(f"Multiple exceptions: {_REFUSED_V6}, {_REFUSED_V4}"),  # a name with two addresses
    ],
)
def test_O02_a_port_where_nothing_listens_is_called_refused(trouble: OSError) -> None:
    said = why_unreachable("pbx.example", 5039, trouble)
    assert said.startswith("cannot reach pbx.example:5039: connection refused: nothing listens there")


def test_O02_an_unknown_host_and_any_other_trouble_are_named() -> None:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert why_unreachable("pxb", 5038, unknown) == (
        "cannot reach pxb:5038: the name of the host is not known (Name or service not known)"
    )
    far = OSError(errno.EHOSTUNREACH, "No route to host")
    assert why_unreachable("10.0.0.9", 5038, far).endswith("No route to host")
    assert "\n" not in why_unreachable("p\nbx", 5038, OSError("a\nb"))


def test_O02_a_refused_login_names_server_place_user_and_source() -> None:
    said = why_refused(
        "login refused: Authentication failed",
        server="pbx1",
        place="127.0.0.1:5038",
        username="dialerd",
        login_source="secret_file pbx1.secret",
    )
    assert said == (
        "login refused: Authentication failed (server pbx1 at 127.0.0.1:5038, AMI user 'dialerd', "
        "secret from secret_file pbx1.secret; compare user, secret and permit with Asterisk's manager.conf)"
    )


def test_O08_pauses_double_up_to_their_most_and_begin_anew_after_a_link_that_held() -> None:
    pauses = Pauses(lost_s=(0.5, 2.0), refused_s=(5.0, 60.0))
    assert [pauses.after_loss(None) for _ in range(4)] == [0.5, 1.0, 2.0, 2.0]
    assert pauses.after_loss(1.9) == 2.0  # it flaps
    assert pauses.after_loss(2.0) == 0.5


def test_O08_refusals_have_pauses_of_their_own_until_a_login_is_taken() -> None:
    pauses = Pauses(lost_s=(0.5, 2.0), refused_s=(5.0, 15.0))
    assert [pauses.after_refusal() for _ in range(3)] == [5.0, 10.0, 15.0]
    assert pauses.after_loss(None) == 0.5
    assert pauses.after_refusal() == 15.0
    pauses.after_loss(0.1)
    assert pauses.after_refusal() == 5.0
