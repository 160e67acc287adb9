"""The MQTT control channel: takes commands from the broker and publishes replies, events and states.

Must never stop the daemon because the broker is away, and never decide who may do what: it only says who asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Callable, Collection

from dialerd.adapters.mqtt.intake import Counters, Intake, Request
from dialerd.adapters.mqtt.link import FAILURE, Incoming, Link, LinkError, SubscriptionRefused, Target, connected
from dialerd.adapters.mqtt.outbox import Outbox, Outgoing
from dialerd.adapters.mqtt.sweeping import Sweeping
from dialerd.adapters.mqtt.topics import NAME_ALLOWED, Tail, Topics, is_name
from dialerd.control.envelopes import MAX_PAYLOAD

PUBACK_S = 10.0
FAREWELL_S = 2.0
OFFLINE = b'{"state":"offline"}'
_LARGEST_PACKET = 268_435_455

_CHANCE = secrets.SystemRandom()


class MqttBus:
    """One client on one broker, for one daemon. All methods are called from the event loop.

    `on_request` gets every well-formed command and must not raise; `on_status` gets (connected, why) whenever that
    changes; `daemon_state` gives the JSON of `state/daemon` at each connection, `offline` is what stands there
    otherwise. Seconds; `max_payload` in bytes. Raises ValueError naming the argument that is out of range.
    """

    def __init__(
        self,
        *,
        instance: str,
        host: str,
        port: int,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        client_id: str,
        on_request: Callable[[Request], None],
        on_status: Callable[[bool, str], None],
        daemon_state: Callable[[], bytes],
        queue_limit: int = 10_000,
        keepalive_s: int = 15,
        session_expiry_s: int = 3600,
        backoff_s: tuple[float, float] = (1.0, 30.0),
        max_payload: int = MAX_PAYLOAD,
        offline: bytes = OFFLINE,
    ) -> None:
        topics = Topics(instance)
        if not is_name(client_id):
            raise ValueError(f"client_id: {client_id!r:.80} is not a name: allowed are {NAME_ALLOWED}")
        if not host:
            raise ValueError("host: found nothing, allowed is a host name or an address")
        _within("port", port, 1, 65535)
        _within("keepalive_s", keepalive_s, 1, 65535)
        _within("session_expiry_s", session_expiry_s, 0, 2**32 - 1)
        _within("max_payload", max_payload, 1, _LARGEST_PACKET // 2)
        if not 0 < backoff_s[0] <= backoff_s[1]:
            raise ValueError(f"backoff_s: found {backoff_s}, allowed is (first, longest), both above 0")
        self.counters = Counters()
        self._topics = topics
        self._target = Target(
            host=host,
            port=port,
            username=username,
            password=password,
            tls=tls,
            client_id=client_id,
            keepalive_s=keepalive_s,
            session_expiry_s=session_expiry_s,
            max_packet=min(2 * max_payload + 65536, _LARGEST_PACKET),
            will_topic=topics.state("daemon"),
            will_payload=offline,
        )
        self._on_request = on_request
        self._on_status = on_status
        self._daemon_state = daemon_state
        self._backoff_s = backoff_s
        self._max_payload = max_payload
        self._outbox = Outbox(queue_limit)
        self._intake = Intake(topics, self.counters, self._send_reply, max_payload)
        self._sweeping = Sweeping(topics, self._clear)
        self._under_way: dict[int, tuple[Outgoing, float]] = {}
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._sessions = 0
        self._status: tuple[bool, str] | None = None
        self._denials: set[str] = set()

    async def run(self) -> None:
        """Serves for ever, connecting again and again; on cancel publishes what waits and `offline`, then ends."""
        delay = self._backoff_s[0]
        loop = asyncio.get_running_loop()
        while True:
            began, before = loop.time(), self._sessions
            try:
                await self._session()
            except LinkError as lost:
                why = str(lost)
            else:
                why = "the connection ended"
            now = loop.time()
            self._under_way.clear()
            for topic in self._outbox.connection_lost(now):
                why = f"{why}; gave up publishing to {topic[:120]}: three connections broke over it"
            self._count_dropped()
            self._tell(False, why)
            if self._sessions > before and now - began >= self._backoff_s[1]:
                delay = self._backoff_s[0]  # it held for a while: begin anew
            await asyncio.sleep(delay * _CHANCE.uniform(0.75, 1.0))
            delay = min(2 * delay, self._backoff_s[1])

    def publish_event(self, topic_tail: Tail, payload: bytes) -> None:
        """Publishes `event/<topic_tail>`, QoS 1; waits in a bounded queue while the broker is away.

        A payload above `max_payload` is denied (counted and told in the status), here and for states.
        """
        topic = self._topics.event(topic_tail)
        if self._too_long(topic, payload):
            return
        self._outbox.event(topic, payload)
        self._count_dropped()
        self._wake.set()

    def publish_state(self, topic_tail: Tail, payload: bytes | None) -> None:
        """Makes `payload` the retained `state/<topic_tail>`, at most once a second; None clears it."""
        topic = self._topics.state(topic_tail)
        if payload is not None and self._too_long(topic, payload):
            return
        self._outbox.state(topic, payload, asyncio.get_running_loop().time())
        self._wake.set()

    def keep_states(self, known: Callable[[str], bool]) -> None:
        """Clears at the broker, now and at every connection, the retained states that `known(topic_tail)` says no to.

        So a subject that was deleted while nobody was connected goes there too. What was published in this process
        stays anyhow.
        """
        self._sweeping.keep(known)

    async def _clear(self, topics: Collection[str]) -> None:
        now = asyncio.get_running_loop().time()
        for topic in sorted(topics):
            if not self._outbox.has_state(topic):
                self.counters.swept += 1
                self._outbox.state(topic, None, now)
        self._wake.set()
        while self._outbox.states_wait:
            self._answered.clear()
            await self._answered.wait()

    async def _session(self) -> None:
        async with connected(Link(self._target, self._on_puback, self._on_overflow, self._sweeping.hear)) as link:
            listening = await self._listen(link)
            self._sessions += 1
            self.counters.reconnects = self._sessions - 1
            self._denials.clear()
            self.publish_state("daemon", self._daemon_state())
            self._outbox.connected(asyncio.get_running_loop().time())
            reading = asyncio.create_task(self._read(link, listening), name="mqtt-read")
            writing = asyncio.create_task(self._write(link), name="mqtt-write")
            sweeping = asyncio.create_task(self._sweep(link), name="mqtt-sweep")
            try:
                await asyncio.wait({reading, writing, sweeping}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                await _stop(reading, sweeping)
                await self._farewell(link, writing)
                raise
            finally:
                await _stop(reading, writing, sweeping)
                self._turn_away(link.left_over())
            for ended in (reading, writing, sweeping):
                if not ended.cancelled():
                    ended.result()

    async def _listen(self, link: Link) -> bool:
        try:
            await link.listen(self._topics.commands)
        except SubscriptionRefused as refused:
            self._tell(False, str(refused))
            return False
        self._tell(True, f"connected to {self._target.host}:{self._target.port}")
        return True

    async def _read(self, link: Link, listening: bool) -> None:
        while not listening:  # refused: events and states still go out, and the ACL may be mended meanwhile
            await asyncio.sleep(self._backoff_s[1])
            listening = await self._listen(link)
        async with contextlib.aclosing(link.incoming()) as messages:
            async for message in messages:
                try:
                    request = await self._intake.read(message)
                except asyncio.CancelledError:
                    self._turn_away([message])
                    raise
                if request is not None:
                    self._on_request(request)

    async def _sweep(self, link: Link) -> None:
        self._sweeping.connected()
        while True:
            try:
                await self._sweeping.run(link)
            except SubscriptionRefused as refused:  # all else goes on; the states of the past stay where they are
                self._deny("sweep", str(refused))

    async def _write(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            while (item := self._outbox.take(now)) is not None:
                packet = link.post(item.topic, item.payload, item.retain, item.correlation)
                self._under_way[packet] = (item, now + PUBACK_S)
            deadline = next((until for _, until in self._under_way.values()), None)
            if deadline is not None and deadline <= now:
                raise LinkError(f"the broker has not acknowledged a message for {PUBACK_S:g} s")
            moments = [moment for moment in (deadline, self._outbox.next_due()) if moment is not None]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(moments, default=None)):
                    await self._wake.wait()

    async def _farewell(self, link: Link, writing: asyncio.Task[None]) -> None:
        self._turn_away(link.left_over())
        await self._flush(writing)
        self.publish_state("daemon", self._target.will_payload)
        await self._flush(writing)
        if not self._outbox.idle:
            link.abandon()  # `offline` may not have got there: leave it to the will

    async def _flush(self, writing: asyncio.Task[None]) -> None:
        self._outbox.hurry(asyncio.get_running_loop().time())
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                while not self._outbox.idle and not writing.done():
                    self._answered.clear()
                    await self._answered.wait()

    def _turn_away(self, messages: list[Incoming]) -> None:
        for message in messages:
            self._intake.turn_away(message, "unavailable", "not carried out: send it again with the same id")

    def _send_reply(self, topic: str, payload: bytes, correlation: bytes | None) -> None:
        self._outbox.reply(topic, payload, correlation)
        self._count_dropped()
        self._wake.set()

    def _on_puback(self, packet: int, code: int) -> None:
        item, _ = self._under_way.pop(packet, (None, 0.0))
        if item is not None:
            self._settle(item, code)

    def _settle(self, item: Outgoing, code: int) -> None:
        self._outbox.settle(item, asyncio.get_running_loop().time())
        self._wake.set()
        self._answered.set()
        if code < FAILURE:
            self.counters.published += 1
            return
        why = f"the broker refused a message to {item.topic[:120]} ({code:#x}): see its ACL and limits"
        self._deny(f"{item.lane.value} {code}", why)

    def _too_long(self, topic: str, payload: bytes) -> bool:
        if len(payload) <= self._max_payload:
            return False
        self._deny(
            "length", f"{topic[:120]}: found {len(payload)} bytes, allowed are {self._max_payload}: not published"
        )
        return True

    def _deny(self, kind: str, why: str) -> None:
        """Counts each, tells the first of a kind in a session."""
        self.counters.denied += 1
        if kind not in self._denials:
            self._denials.add(kind)
            self._tell(self._status is not None and self._status[0], why)

    def _on_overflow(self, message: Incoming) -> None:
        self._intake.turn_away(message, "busy", "too many commands wait: send it again with the same id")

    def _count_dropped(self) -> None:
        self.counters.dropped = self._outbox.dropped

    def _tell(self, up: bool, why: str) -> None:
        if self._status != (up, why):
            self._status = (up, why)
            self._on_status(up, why)


async def _stop(*tasks: asyncio.Task[None]) -> None:
    """Cancels and waits; what a task raised stays in it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _within(name: str, found: int, low: int, high: int) -> None:
    if not low <= found <= high:
        raise ValueError(f"{name}: found {found}, allowed is {low} to {high}")
