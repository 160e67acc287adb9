"""Why a manager interface cannot be reached or refuses the login, in words that say what to mend.

It must never show the secret, only where it was taken from.
"""

from __future__ import annotations

import errno
import socket

from dialerd.adapters.asterisk.packets import fit_for_a_line

SLOW_S = 2.0
"""Seconds without a link after which it is logged what is waited for. An Asterisk greets within milliseconds."""

_REFUSED = f"[Errno {errno.ECONNREFUSED}]"


def why_unreachable(host: str, port: int, trouble: Exception) -> str:
    """What connecting raised, as a reason."""
    if isinstance(trouble, ConnectionRefusedError) or _REFUSED in str(trouble):  # of a name with several addresses
        why = "connection refused: nothing listens there (a wrong host or port, or Asterisk or its manager is off)"
    elif isinstance(trouble, socket.gaierror):
        why = f"the name of the host is not known ({fit_for_a_line(str(trouble.strerror))})"
    else:
        why = fit_for_a_line(str(trouble))
    return f"cannot reach {fit_for_a_line(host)}:{port}: {why}"


def why_refused(reason: str, *, server: str, place: str, username: str, login_source: str) -> str:
    """A refused login, as a reason. Asterisk's own words are the same for a wrong user, secret or address."""
    return (
        f"{reason} (server {fit_for_a_line(server)} at {fit_for_a_line(place)}, AMI user {fit_for_a_line(username)!r}, "
        f"secret from {fit_for_a_line(login_source)}; compare user, secret and permit with Asterisk's manager.conf)"
    )
