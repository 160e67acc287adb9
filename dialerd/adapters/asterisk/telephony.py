"""AsteriskTelephony: keeps the promise of ports.telephony on one Asterisk: intents go out, facts come back, in order.

It must never send an Originate twice, keep an intent for later, wait in `submit`, or send anything before the link is
reconciled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialerd.adapters.asterisk import actions
from dialerd.adapters.asterisk.answers import AmiFailure
from dialerd.adapters.asterisk.auditing import EVERY_S, Audit
from dialerd.adapters.asterisk.hanging_up import HangUps
from dialerd.adapters.asterisk.link import AmiLink
from dialerd.adapters.asterisk.link_settings import Link, LinkSettings
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reading import WANTED, Reading
from dialerd.adapters.asterisk.reconciling import Alive, alive_of, is_end, newer_than_lists, reconciled, startup_of
from dialerd.model.facts import AnyFact, CallEnded, CallNotPlaced, ConnectFailed, LinkLost, PhoneEnded
from dialerd.model.ids import is_call, is_leg
from dialerd.model.intents import CallPhone, Connect, Dial, HangUp, OfferCall, ToTelephony

_log = logging.getLogger("dialerd.telephony")

IN_FLIGHT_S = 0.5
"""Seconds before the lists are asked when the lost link left Originates unanswered: what Asterisk had read of it may
still be coming up, and must be listed."""

LAG_S = 0.05
"""Seconds after the lists in which events that are older than the lists still come in."""

RETRY_S = 1.0
"""Seconds until a reconcile that failed is tried again."""


@dataclass(slots=True)
class TelephonyCounters:
    """What became of intents and links since the start."""

    sent: int = 0  # intents
    not_sent: int = 0  # Dial, OfferCall, CallPhone that were told as not placed
    dropped: int = 0  # other intents while there was no reconciled link
    refused: int = 0  # Originates that Asterisk refused at once
    connect_failed: int = 0
    gone: int = 0  # Hangup, Redirect, Setvar: the channel was not there
    hung_up_late: int = 0  # hang-ups that had to wait for their channel
    leftovers: int = 0  # channels ended because their end was told already
    missed: int = 0  # legs that were gone without their end being told
    links_lost: int = 0
    reconciles: int = 0
    reconcile_failures: int = 0


class AsteriskTelephony:
    """One Asterisk server. Every method is called in the loop that runs `run`; `on_fact` is called there too, in order."""

    def __init__(
        self,
        server: str,
        settings: LinkSettings,
        token: str,
        on_fact: Callable[[AnyFact], None],
        *,
        make_link: Callable[..., Link] = AmiLink,
    ) -> None:
        """`token`: only legs of the store with it are ours; all others on that Asterisk are left alone.

        Facts before Reconciled: only of legs that ended while the lists were asked, and what led to their end; they are
        not in the lists then. Raises ValueError if user name or secret cannot be sent over AMI.
        """
        self.server = server
        self.counters = TelephonyCounters()
        self._token = token
        self._on_fact = on_fact
        self._link = make_link(
            name=server,
            host=settings.host,
            port=settings.port,
            username=settings.username,
            secret=settings.secret,
            on_event=self._event,
            on_up=self._up,
            on_down=self._down,
            on_response=self._response,
            wanted=WANTED,
            ping_every_s=settings.ping_every_s,
            deadline_s=settings.deadline_s,
            reconnect_min_s=settings.reconnect_min_s,
            reconnect_max_s=settings.reconnect_max_s,
        )
        self.reading = Reading(token)
        self._held: list[Packet] | None = []  # events of a link that is not reconciled; None: it is
        self._unanswered: set[str] = set()  # legs whose Originate has no response yet
        self._hang_ups = HangUps()
        self._audit = Audit()
        self._startup: str | None = None
        self._trouble = ""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._reconciling: asyncio.Task[None] | None = None
        self._fault: BaseException | None = None
        self._closing = False

    @property
    def connected(self) -> bool:
        """Whether the link is up and reconciled: intents are carried out."""
        return self._link.connected and self._held is None

    @property
    def status(self) -> str:
        """In words: what it does now, and why it is not connected."""
        if not self._link.connected or self._held is None:
            return self._link.status
        return f"reconciling{f': {self._trouble}' if self._trouble else ''}"

    @property
    def events(self) -> int:
        """AMI events taken since the start."""
        return self._link.counters.events

    @property
    def link(self) -> Link:
        """The AMI link, for its counters."""
        return self._link

    async def run(self) -> None:
        """Keep the link up until `aclose`. Never raises for what the network or Asterisk does."""
        audit = asyncio.get_running_loop().create_task(self._look_round(), name=f"audit {self.server}")
        try:
            await self._link.run()
        finally:
            audit.cancel()
        if self._fault is not None:
            raise self._fault

    async def aclose(self) -> None:
        """End for good; nothing is told any more. Calls on Asterisk go on."""
        self._closing = True
        self._stop_reconciling()
        self._stop_timer()
        await self._link.aclose()

    # --- intents

    def submit(self, intent: ToTelephony) -> None:
        """Send one wish; never waits, never raises for a lost link or for a text that cannot be sent."""
        if not self.connected:
            self._not_sent(intent, f"no link to {self.server}: {self.status}")
            return
        try:
            wanted = actions.actions_of(intent)
        except ValueError as exc:
            _log.error("%s to %s is not sent: %s", type(intent).__name__, self.server, exc)
            self._not_sent(intent, str(exc))
            return
        if not self._link.send_all(wanted):
            self._not_sent(intent, f"{self.server} does not read: {self._link.status}")
            return
        self.counters.sent += 1
        match intent:
            case Dial():
                self._unanswered.add(intent.call)
            case OfferCall() | CallPhone():
                self._unanswered.add(intent.leg)
            case HangUp():
                self._hang_ups.sent(intent.leg, self._now())
            case _:
                pass

    def _not_sent(self, intent: ToTelephony, because: str) -> None:
        """Tell what surely was not sent; what is no call is set right by the next Reconciled."""
        match intent:
            case Dial():
                self.counters.not_sent += 1
                self._tell([_not_placed(intent.call, because)])
            case OfferCall() | CallPhone():
                self.counters.not_sent += 1
                self._tell([_not_placed(intent.leg, because)])
            case Connect() if self.connected:
                self.counters.connect_failed += 1
                self._tell([ConnectFailed(intent.call, intent.leg, because)])
            case _:
                self.counters.dropped += 1

    # --- what the link tells

    def _event(self, packet: Packet) -> None:
        if self._held is not None:
            self._held.append(packet)
        else:
            self._read(packet)
            self._set_timer()

    def _response(self, packet: Packet) -> None:
        action_id = packet.action_id
        leg = actions.leg_of_originate(action_id)
        if leg:
            self._unanswered.discard(leg)
            if not packet.success:
                self.counters.refused += 1
                self._tell([_not_placed(leg, packet.message or "refused without a word")])
            return
        leg = actions.leg_of_hang_up(action_id)
        if leg and self._hang_ups.answered(leg, packet.success):
            self._hang_up_again(leg)
        if packet.success:
            return
        pair = actions.pair_of_bridge(action_id)
        if pair is None:
            self.counters.gone += 1
            return
        self.counters.connect_failed += 1
        self._send(actions.unmark_talk(pair[0]))
        self._tell([ConnectFailed(*pair, packet.message or "refused without a word")])

    def _up(self) -> None:
        self._trouble = ""
        self._stop_reconciling()
        self._reconciling = asyncio.get_running_loop().create_task(self._reconcile(), name=f"reconcile {self.server}")
        self._reconciling.add_done_callback(self._reconcile_over)

    def _down(self, because: str) -> None:
        self._stop_reconciling()
        self._stop_timer()
        was_reconciled = self._held is None
        if was_reconciled:
            self._tell(self.reading.settle(self._now()))  # one half of an end is an end
            self.counters.links_lost += 1
        self._held = []
        self._hang_ups = HangUps()
        self._audit.forget()
        self.reading = Reading(self._token)
        if was_reconciled:
            self._tell([LinkLost(self.server, because)])

    # --- facts

    def _read(self, packet: Packet) -> None:
        facts = self.reading.read(packet, self._now())
        if self._hang_ups and not is_end(packet):
            leg = self.reading.leg_of(packet)
            if self.reading.knows_channel(leg) and self._hang_ups.came_alive(leg):
                self._hang_up_again(leg)
        self._tell(facts)
        self._end_leftovers()

    def _due(self, at: float) -> None:
        self._timer = None
        self._tell(self.reading.due(max(self._now(), at)))  # a timer that fires a hair early must not look early
        self._end_leftovers()
        self._set_timer()

    def _tell(self, facts: Sequence[AnyFact]) -> None:
        for fact in facts:
            if isinstance(fact, CallEnded | CallNotPlaced):
                self._hang_ups.ended(fact.call)
            elif isinstance(fact, PhoneEnded):
                self._hang_ups.ended(fact.leg)
            if not self._closing:
                self._on_fact(fact)

    def _end_leftovers(self) -> None:
        for leg in self.reading.take_leftovers():
            self.counters.leftovers += 1
            self._send(actions.hang_up(leg))

    def _send(self, action: actions.Action) -> None:
        """Send what follows from an answer of Asterisk; if the link goes down meanwhile, Reconciled tells the rest."""
        if not self._link.send(action.headers, action.id):
            self.counters.dropped += 1

    def _hang_up_again(self, leg: str) -> None:
        self._hang_ups.sent(leg, self._now())
        self.counters.hung_up_late += 1
        self._send(actions.hang_up(leg))

    # --- reconciling

    async def _reconcile(self) -> None:
        while True:
            try:
                await self._reconcile_once()
                return
            except AmiFailure as exc:
                self._trouble = str(exc)
            self.counters.reconcile_failures += 1
            _log.warning("%s is not reconciled: %s; trying again in %g s", self.server, self._trouble, RETRY_S)
            # the next lists are newer than all of these but the ends
            self._held = [packet for packet in self._held or () if is_end(packet)]
            await asyncio.sleep(RETRY_S)

    async def _reconcile_once(self) -> None:
        if self._unanswered:
            await asyncio.sleep(IN_FLIGHT_S)
        status = await self._link.ask((("Action", "CoreStatus"),))
        if not status.success:
            raise AmiFailure(f"CoreStatus was refused: {status.message}")
        channels = await self._list("CoreShowChannels")
        bridges = await self._list("BridgeList")
        await asyncio.sleep(LAG_S)
        self._unanswered.clear()
        self._take_over(alive_of(channels, bridges, self._is_ours), startup_of(status))

    async def _list(self, action: str) -> list[Packet]:
        packets = await self._link.ask_list((("Action", action),))
        if not packets[0].success:
            raise AmiFailure(f"{action} was refused: {packets[0].message}")
        return packets[1:]

    async def _look_round(self) -> None:
        """Find legs that are gone though their end was never told: an event filter without Hangup, or an event lost."""
        while True:
            await asyncio.sleep(EVERY_S)
            if not self.connected:
                continue
            reading = self.reading
            known = reading.with_channel()
            try:
                channels = await self._list("CoreShowChannels") if known else []
            except AmiFailure as exc:
                _log.warning("%s was not looked through: %s", self.server, exc)
                continue
            if reading is not self.reading or not self.connected:
                continue
            listed = {packet.get("Uniqueid") for packet in channels}
            for leg in self._audit.looked(known, listed, reading.with_channel()):
                self.counters.missed += 1
                _log.warning("%s: the end of a leg was not told", self.server)
                self._tell(reading.missed(leg, self._now()))

    def _take_over(self, alive: Sequence[Alive], startup: str) -> None:
        """Tell what is alive; events that came meanwhile are read before (of legs that ended) or after (all others)."""
        held, self._held = self._held or [], None
        now = self._now()
        reading = self.reading = Reading(self._token)
        reading.adopt(alive)
        ended = {reading.leg_of(packet) for packet in held if is_end(packet)} - {""}
        fresh = newer_than_lists(held, alive, reading.leg_of)
        for packet in held:
            if reading.leg_of(packet) in ended:
                self._tell(reading.read(packet, now))
        self._tell(reading.settle(now))
        fact = reconciled(self.server, alive, startup, self._startup, ended)
        self._startup = startup or self._startup
        self._trouble = ""
        self.counters.reconciles += 1
        _log.info(
            "%s is reconciled: %d calls, %d phones%s",
            self.server,
            len(fact.calls),
            len(fact.phones),
            ", and was started anew" if fact.restarted else "",
        )
        self._tell([fact])
        for packet in fresh:
            if reading.leg_of(packet) not in ended:
                self._read(packet)
        self._end_leftovers()
        self._set_timer()

    def _reconcile_over(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._fault = task.exception()  # our own mistake: `run` raises it
            self._link.close()

    def _stop_reconciling(self) -> None:
        if self._reconciling is not None:
            self._reconciling.cancel()
            self._reconciling = None

    def _is_ours(self, text: str) -> bool:
        return is_leg(text, self._token)

    # --- time

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _set_timer(self) -> None:
        at = self.reading.next_due()
        if self._timer is not None and at != self._timer_at:
            self._stop_timer()
        if at is not None and self._timer is None:
            self._timer_at = at
            self._timer = asyncio.get_running_loop().call_at(at, self._due, at)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _not_placed(leg: str, because: str) -> AnyFact:
    return CallNotPlaced(leg, because) if is_call(leg) else PhoneEnded(leg, channel=False, because=because)
