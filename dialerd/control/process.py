"""Commands on the daemon itself: status, reload, drain, version (O01, O03, O04).

Never stops the process: that is systemd's.
"""

from __future__ import annotations

from typing import Any

from dialerd import __version__
from dialerd.campaigns.live import Live
from dialerd.control.table import EVERYBODY, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.intents import Drain, Note
from dialerd.model.policies import Role

KEEPERS: frozenset[Role] = frozenset({"owner", "ops"})


class DrainArgs(Args):
    """Whether to stop placing calls."""

    on: bool = True
    """false: place calls again."""


class Version(Result):
    """What runs."""

    version: str


class Status(Result):
    """How the process stands."""

    status: dict[str, Any]


class Drained(Result):
    """Whether new calls are held back, and how many are alive."""

    draining: bool
    live_calls: int


async def _status(desk: Desk, who: Who, args: Nothing) -> Status:
    return Status(status=desk.house.status())


async def _reload(desk: Desk, who: Who, args: Nothing) -> Status:
    return Status(status=await desk.house.reload())


async def _version(desk: Desk, who: Who, args: Nothing) -> Version:
    return Version(version=__version__)


def _drain(live: Live, who: Who, args: DrainArgs) -> Decided:
    if live.stopping:
        raise Refusal("stopping", "the daemon is being stopped: it places no new calls any more", "on")
    return Decided(
        Drained(draining=args.on, live_calls=len(live.calls)),
        (Drain(args.on), Note(who.principal, "daemon.drain", "daemon", "on" if args.on else "off")),
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command("daemon.status", "How the daemon stands", EVERYBODY, Nothing, Status, "read", read=_status),
    Command("daemon.reload", "Read the configuration again", KEEPERS, Nothing, Status, "read", read=_reload),
    Command("daemon.drain", "Place no new calls", KEEPERS, DrainArgs, Drained, "turn", judge=_drain),
    Command("daemon.version", "What runs", EVERYBODY, Nothing, Version, "read", read=_version),
)
