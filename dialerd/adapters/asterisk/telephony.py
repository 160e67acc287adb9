"""AsteriskTelephony: keeps the promise of ports.telephony on one Asterisk: intents go out, facts come back, in order.

It must never send an Originate twice, keep an intent for later, wait in `submit`, or send anything before the link is
reconciled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from dialerd.adapters.asterisk import actions
from dialerd.adapters.asterisk.answers import AmiFailure
from dialerd.adapters.asterisk.auditing import EVERY_S, Audit
from dialerd.adapters.asterisk.counters import TelephonyCounters
from dialerd.adapters.asterisk.hanging_up import HangUps
from dialerd.adapters.asterisk.link import AmiLink
from dialerd.adapters.asterisk.link_settings import Link, LinkSettings
from dialerd.adapters.asterisk.ordinary_calls import OrdinaryCount
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reading import WANTED, Reading
from dialerd.adapters.asterisk.reconciling import is_end, newer_than_lists, reconciled
from dialerd.adapters.asterisk.survey import Listed, Survey
from dialerd.model.facts import AnyFact, CallEnded, CallNotPlaced, ConnectFailed, LinkLost, OrdinaryCalls, PhoneEnded
from dialerd.model.ids import is_call
from dialerd.model.intents import CallPhone, Connect, Dial, HangUp, OfferCall, ToTelephony

_log = logging.getLogger("dialerd.telephony")


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
            login_source=settings.login_source,
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
        self._survey = Survey(
            server,
            self._link,
            token,
            in_flight=lambda: bool(self._unanswered),
            on_listed=self._take_over,
            on_failure=self._not_listed,
        )
        self._ordinary = OrdinaryCount(
            server, token, self._survey.channels, lambda calls: self._tell([OrdinaryCalls(server, dict(calls))])
        )
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
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
        return f"reconciling{f': {self._survey.trouble}' if self._survey.trouble else ''}"

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
        loop = asyncio.get_running_loop()
        audit = loop.create_task(self._look_round(), name=f"audit {self.server}")
        ordinary = loop.create_task(self._ordinary.run(), name=f"ordinary calls {self.server}")
        try:
            await self._link.run()
        finally:
            audit.cancel()
            ordinary.cancel()
        if self._survey.fault is not None:
            raise self._survey.fault

    def count_ordinary(self, prefixes: Mapping[str, str]) -> None:
        """Count from now on the channels on these trunks that are not ours; trunk to how their names begin, such as
        `PJSIP/carrier-`."""
        self._ordinary.prefixes = dict(prefixes)

    async def aclose(self) -> None:
        """End for good; nothing is told any more. Calls on Asterisk go on."""
        self._closing = True
        self._survey.stop()
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
        self._survey.start()

    def _down(self, because: str) -> None:
        self._survey.stop()
        self._ordinary.down()
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

    def _not_listed(self) -> None:
        self.counters.reconcile_failures += 1
        # the next lists are newer than all of these but the ends
        self._held = [packet for packet in self._held or () if is_end(packet)]

    async def _look_round(self) -> None:
        """Find legs that are gone though their end was never told: an event filter without Hangup, or an event lost."""
        while True:
            await asyncio.sleep(EVERY_S)
            if not self.connected:
                continue
            reading = self.reading
            known = reading.with_channel()
            try:
                channels = await self._survey.channels() if known else []
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

    def _take_over(self, listed: Listed) -> None:
        """Tell what is alive; events that came meanwhile are read before (of legs that ended) or after (all others)."""
        held, self._held = self._held or [], None
        alive, startup = listed.alive, listed.startup
        self._unanswered.clear()
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
        self.counters.reconciles += 1
        self.counters.foreign_legs = sum(legs.channels for legs in listed.foreign.values())
        _log.info(
            "%s is reconciled: %d calls, %d phones%s",
            self.server,
            len(fact.calls),
            len(fact.phones),
            ", and was started anew" if fact.restarted else "",
        )
        self._tell([fact])
        self._ordinary.up()
        for packet in fresh:
            if reading.leg_of(packet) not in ended:
                self._read(packet)
        self._end_leftovers()
        self._set_timer()

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
