"""Survey: asks one Asterisk what lives on it: after each login, again and again until it has told, and whenever wanted.

It must never touch a channel, give out half an answer, or go on when the link it asked on is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialerd.adapters.asterisk.answers import AmiFailure
from dialerd.adapters.asterisk.link_settings import Link
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reconciling import Alive, ForeignLegs, alive_of, foreign_legs, startup_of
from dialerd.model.ids import is_leg

_log = logging.getLogger("dialerd.telephony")

IN_FLIGHT_S = 0.5
"""Seconds before the lists are asked when the lost link left Originates unanswered: what Asterisk had read of it may
still be coming up, and must be listed."""

LAG_S = 0.05
"""Seconds after the lists in which events that are older than the lists still come in."""

RETRY_S = 1.0
"""Seconds until a reconcile that failed is tried again."""

_TOKENS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """What lives on an Asterisk, by its own lists."""

    alive: list[Alive]
    startup: str
    """When this Asterisk was started, in its own words."""
    foreign: Mapping[str, ForeignLegs]
    """Legs of other stores, by their tokens."""


class Survey:
    """Asks over one link. Every method is called in the link's loop."""

    def __init__(
        self,
        server: str,
        link: Link,
        token: str,
        *,
        in_flight: Callable[[], bool],
        on_listed: Callable[[Listed], None],
        on_failure: Callable[[], None],
    ) -> None:
        """`in_flight`: whether Originates are unanswered. `on_listed` is told once after each `start`; `on_failure` each
        time Asterisk did not tell, before it is asked again."""
        self.trouble = ""
        """Why it was not told yet, empty if it was not tried or was told."""
        self.fault: BaseException | None = None
        """Our own mistake, for which the link was closed."""
        self._server, self._link, self._token = server, link, token
        self._in_flight, self._on_listed, self._on_failure = in_flight, on_listed, on_failure
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The link is up: ask until told."""
        self.trouble = ""
        self.stop()
        self._task = asyncio.get_running_loop().create_task(self._until_told(), name=f"reconcile {self._server}")
        self._task.add_done_callback(self._over)

    def stop(self) -> None:
        """The link is lost: tell nothing."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def channels(self) -> list[Packet]:
        """All channels of this Asterisk. Raises AmiFailure."""
        return await self._list("CoreShowChannels")

    async def _until_told(self) -> None:
        while True:
            try:
                listed = await self._ask()
                break
            except AmiFailure as exc:
                self.trouble = str(exc)
            _log.warning("%s is not reconciled: %s; trying again in %g s", self._server, self.trouble, RETRY_S)
            self._on_failure()
            await asyncio.sleep(RETRY_S)
        self.trouble = ""
        self._warn_of(listed.foreign)
        self._on_listed(listed)

    async def _ask(self) -> Listed:
        if self._in_flight():
            await asyncio.sleep(IN_FLIGHT_S)
        status = await self._link.ask((("Action", "CoreStatus"),))
        if not status.success:
            raise AmiFailure(f"CoreStatus was refused: {status.message}")
        channels = await self.channels()
        bridges = await self._list("BridgeList")
        await asyncio.sleep(LAG_S)
        alive = alive_of(channels, bridges, lambda text: is_leg(text, self._token))
        return Listed(alive, startup_of(status), foreign_legs(channels, self._token))

    async def _list(self, action: str) -> list[Packet]:
        packets = await self._link.ask_list((("Action", action),))
        if not packets[0].success:
            raise AmiFailure(f"{action} was refused: {packets[0].message}")
        return packets[1:]

    def _warn_of(self, foreign: Mapping[str, ForeignLegs]) -> None:
        if not foreign:
            return
        tokens = ", ".join(sorted(foreign)[:_TOKENS_NAMED]) + (", ..." if len(foreign) > _TOKENS_NAMED else "")
        _log.warning(
            "%d channels of another dialerd store (token %s) are alive on server %s, %d of them softphones: they are left "
            "alone; agents on them may be busy, and hear calls of that store, until it or they hang up",
            sum(legs.channels for legs in foreign.values()),
            tokens,
            self._server,
            sum(legs.phones for legs in foreign.values()),
        )

    def _over(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.fault = task.exception()
            self._link.close()
