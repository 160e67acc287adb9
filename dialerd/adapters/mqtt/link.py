"""One connection to the broker: aiomqtt with the reason code of every PUBACK and a bounded backlog of what came in.

Must never outlive its session (socket, reader and timer end with it) nor hold a flood of commands in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
BACKLOG_MESSAGES = 1000
BACKLOG_BYTES = 64 * 1024 * 1024
FAILURE = 0x80
"""MQTT 5 reason codes from here on are refusals."""


class LinkError(Exception):
    """The connection could not be made, was refused or is lost; the text says why, fit for a log."""


@dataclass(frozen=True)
class Target:
    """Where and as whom to connect. Seconds; `max_packet` in bytes; the will is retained, QoS 1."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    client_id: str
    keepalive_s: int
    session_expiry_s: int
    max_packet: int
    will_topic: str
    will_payload: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the broker, free of the library's types."""

    topic: str
    payload: bytes
    retain: bool
    response_topic: str | None
    correlation: bytes | None


class _Backlog(asyncio.Queue[aiomqtt.Message]):
    """Messages read from the socket and not yet looked at; what exceeds the bounds goes to `refuse` at once.

    What `aside` takes never gets in.
    """

    def __init__(
        self, refuse: Callable[[aiomqtt.Message], None], aside: Callable[[str, bool], bool], maxsize: int = 0
    ) -> None:
        super().__init__(maxsize)
        self._refuse = refuse
        self._aside = aside
        self._bytes = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if self._aside(item.topic.value, not item.payload):
            return
        size = len(item.payload)
        if self.qsize() >= BACKLOG_MESSAGES or (self.qsize() and self._bytes + size > BACKLOG_BYTES):
            self._refuse(item)
            return
        self._bytes += size
        super().put_nowait(item)

    def get_nowait(self) -> aiomqtt.Message:
        item = super().get_nowait()
        self._bytes -= len(item.payload)
        return item


class Link(aiomqtt.Client):
    """A client for one session; `on_puback` gets packet identifier and reason code, `on_overflow` what had no room.

    `aside` gets the topic of every message, and whether it is empty, and says whether it has taken it: then nobody else
    gets it.

    aiomqtt drops the reason code of a PUBACK, waits in a task per message and warns from the eleventh on; so publishing
    goes by `post`, which needs its inner paho client and one of its callbacks (stable over 2.x; the contract tests
    would notice).
    """

    def __init__(
        self,
        target: Target,
        on_puback: Callable[[int, int], None],
        on_overflow: Callable[[Incoming], None],
        aside: Callable[[str, bool], bool],
    ) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = target.session_expiry_s
        properties.MaximumPacketSize = target.max_packet
        self.abandoned = False
        self._on_puback = on_puback
        self._backlog = _Backlog(lambda message: on_overflow(_incoming(message)), aside)
        super().__init__(
            target.host,
            target.port,
            username=target.username,
            password=target.password,
            identifier=target.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=properties,
            keepalive=target.keepalive_s,
            timeout=min(10.0, float(target.keepalive_s)),
            tls_context=target.tls,
            will=aiomqtt.Will(target.will_topic, target.will_payload, 1, True),
            socket_options=NODELAY,
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", self._own_backlog),
        )

    def post(self, topic: str, payload: bytes, retain: bool, correlation: bytes | None) -> int:
        """Sends at QoS 1 without waiting; returns the packet identifier of the PUBACK to come; raises LinkError."""
        properties: Properties | None = None
        if correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = correlation
        info = self._client.publish(topic, payload, 1, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise LinkError(f"cannot publish: {paho.error_string(info.rc)}")
        return info.mid

    async def listen(self, topic_filter: str) -> None:
        """Subscribes at QoS 1 (not to own messages, retained ones marked as such); raises LinkError when refused."""
        options = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True)
        try:
            codes = await self.subscribe([(topic_filter, options)])
        except aiomqtt.MqttError as error:
            raise LinkError(f"cannot subscribe: {reason(error)}") from error
        for code in codes:
            value = code.value if isinstance(code, ReasonCode) else code
            if value >= FAILURE:
                raise SubscriptionRefused(f"the broker refused the subscription to {topic_filter}: {code} ({value:#x})")

    async def stop_listening(self, topic_filter: str) -> None:
        """Unsubscribes; raises LinkError when the broker does not answer."""
        try:
            await self.unsubscribe(topic_filter)
        except aiomqtt.MqttError as error:
            raise LinkError(f"cannot unsubscribe: {reason(error)}") from error

    async def incoming(self) -> AsyncGenerator[Incoming, None]:
        """What arrives, in order, for ever; raises LinkError when the connection is lost and all has been taken."""
        messages = self.messages
        while True:
            try:
                message = await anext(messages)
            except aiomqtt.MqttError as error:
                raise LinkError(reason(error)) from error
            yield _incoming(message)
            while not self._backlog.empty():
                yield _incoming(self._backlog.get_nowait())

    def left_over(self) -> list[Incoming]:
        """What arrived and was not taken by `incoming`."""
        rest: list[Incoming] = []
        while not self._backlog.empty():
            rest.append(_incoming(self._backlog.get_nowait()))
        return rest

    def give_up_connecting(self) -> None:
        """Ends the wait for the broker's CONNACK."""
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("stopped while connecting"))

    def abandon(self) -> None:
        """Closes the socket at once, whatever state the connection is in: the broker will publish the will."""
        self.abandoned = True
        self._client._sock_close()
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # seen: or asyncio complains that nobody looked

    def _own_backlog(self, maxsize: int = 0) -> asyncio.Queue[aiomqtt.Message]:
        return self._backlog

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        super()._on_publish(client, userdata, mid, reason_code, properties)
        self._on_puback(mid, reason_code.value)


class SubscriptionRefused(LinkError):
    """SUBACK with a reason code of 0x80 or more: the connection stands, but no command will come."""


@contextlib.asynccontextmanager
async def connected(link: Link) -> AsyncIterator[Link]:
    """Connects, and at the end disconnects; raises LinkError when the broker cannot be reached or refuses.

    It disconnects in good form, without the will, unless the body ends by a LinkError or has abandoned the link.
    """
    entering = asyncio.ensure_future(link.__aenter__())
    try:
        # Shielded: paho connects in a thread, which would go on and leave a socket behind if it were cancelled.
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        link.give_up_connecting()
        with contextlib.suppress(aiomqtt.MqttError, OSError, ValueError):
            await entering
        link.abandon()
        raise
    except (aiomqtt.MqttError, OSError, ValueError) as error:  # ValueError: a host name that cannot be encoded
        link.abandon()
        raise LinkError(reason(error)) from error
    try:
        yield link
    except LinkError:
        link.abandon()
        raise
    finally:
        try:
            if not link.abandoned:
                with contextlib.suppress(aiomqtt.MqttError):
                    await link.__aexit__(None, None, None)
        finally:
            link.abandon()


def reason(error: BaseException) -> str:
    """Why, in one printable line of at most 200 characters (a broker may put its own words into it)."""
    cause = error.__cause__ if error.__cause__ is not None else error
    if type(cause) is aiomqtt.MqttCodeError and isinstance(cause.rc, ReasonCode) and cause.rc.value == FAILURE:
        return "the connection was lost"  # paho's "Unspecified error": the broker closed it without a word
    text = str(cause) or type(cause).__name__
    return "".join(mark if mark.isprintable() else " " for mark in text)[:200]


def _incoming(message: aiomqtt.Message) -> Incoming:
    response_topic = getattr(message.properties, "ResponseTopic", None)
    correlation = getattr(message.properties, "CorrelationData", None)
    return Incoming(
        topic=message.topic.value,
        payload=bytes(message.payload),
        retain=bool(message.retain),
        response_topic=response_topic if isinstance(response_topic, str) else None,
        correlation=correlation if isinstance(correlation, bytes) and correlation else None,
    )
