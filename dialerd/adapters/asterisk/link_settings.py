"""What AsteriskTelephony needs for a link: where and as whom to log in, and what it uses of AmiLink.

It must never hold a connection, or show the secret.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dialerd.adapters.asterisk.packets import Packet


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where and as whom to log in. Times are seconds."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    login_source: str = "its configuration"
    """Where the secret was read (file or credential), to be named when the login is refused."""
    ping_every_s: float = 5.0
    deadline_s: float = 10.0
    reconnect_min_s: float = 0.5
    reconnect_max_s: float = 15.0


class LinkCounters(Protocol):
    """What is read of a link's counters."""

    @property
    def events(self) -> int: ...


class Link(Protocol):
    """What is used of AmiLink."""

    @property
    def connected(self) -> bool: ...
    @property
    def status(self) -> str: ...
    @property
    def counters(self) -> LinkCounters: ...
    async def run(self) -> None: ...
    def close(self) -> None: ...
    async def aclose(self) -> None: ...
    def send(self, action: Sequence[tuple[str, str]], action_id: str | None = None) -> bool: ...
    def send_all(self, actions: Sequence[tuple[Sequence[tuple[str, str]], str | None]]) -> bool: ...
    def ask(self, action: Sequence[tuple[str, str]], *, deadline_s: float | None = None) -> Awaitable[Packet]: ...
    def ask_list(
        self, action: Sequence[tuple[str, str]], *, deadline_s: float | None = None
    ) -> Awaitable[list[Packet]]: ...
