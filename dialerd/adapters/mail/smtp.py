"""Letters to a mail server over SMTP by aiosmtplib: one connection for a burst, closed when idle.

Never sends a password in clear over a network, never goes on without the TLS that was asked for, and never raises for
what a server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import aiosmtplib
from aiosmtplib.errors import SMTPRecipientRefused
from aiosmtplib.protocol import SMTPProtocol

from dialerd.adapters.mail.composing import composed
from dialerd.ports.mailer import Delivery, Letter

DATA_TIMEOUT_S = 600.0
"""RFC 5321 4.5.3.2.6: a server may take ten minutes over a letter; who gives up sooner sends it twice."""
IDLE_S = 10.0
GOODBYE_S = 2.0
_LOOK_S = 0.01
_HELO = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ABOUT_US = frozenset({530, 534, 535, 538})
"""Codes that speak of TLS and passwords, whatever command they answer."""
_TOO_LARGE = 552
_LONGEST = 300


@dataclass(frozen=True)
class Account:
    """Where and as whom letters are sent. Seconds.

    `tls`: `starttls` and `tls` need `context`, the authorities that are trusted; without a username there is no login.
    """

    host: str
    port: int
    sender: str
    """The address letters come from, and where a server returns them to."""
    sender_name: str = "dialerd"
    tls: Literal["none", "starttls", "tls"] = "none"
    context: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    helo: str | None = None
    """How this host calls itself; its name if not given."""
    timeout_s: float = 30.0
    """For the connection, and for each answer but the one to the letter itself."""
    data_timeout_s: float = DATA_TIMEOUT_S
    idle_s: float = IDLE_S
    """So long a connection is kept after a letter."""


class SmtpMailer:
    """`dialerd.ports.mailer.Mailer` over SMTP. Raises ValueError for an account that cannot be."""

    def __init__(self, account: Account) -> None:
        if (account.context is not None) != (account.tls != "none"):
            raise ValueError("tls: starttls and tls need a context, none has none")
        if account.username is not None and account.password is None:
            raise ValueError("password: a username needs one")
        self.connections = 0
        """Connections made since start."""
        self._account = account
        self._helo = account.helo or _own_name()
        self._client: aiosmtplib.SMTP | None = None
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        """Connections on their way out."""

    async def send(self, letter: Letter) -> Delivery:
        """Try a letter once, on the connection that stands or on a new one."""
        try:
            content = composed(letter, self._account.sender, self._account.sender_name)
        except ValueError as wrong:
            return Delivery("refused", None, f"the letter cannot be written: {_shown(wrong)}")
        async with self._lock:
            self._stay()
            try:
                client = await self._connected()
            except Exception as trouble:  # noqa: BLE001 - whatever the library meets, the dialer goes on
                return _of_connecting(trouble)
            done = False
            try:
                delivery = await self._hand_over(client, letter.to, content)
                done = True
            except Exception as trouble:  # noqa: BLE001 - see above
                delivery = _of_sending(trouble)
            finally:
                if not done:  # by a trouble or a cancellation: what the server would say next is not known
                    client.close()
            if client.is_connected:
                self._idle = asyncio.get_running_loop().call_later(self._account.idle_s, self._leave)
            else:
                self._client = None
            return delivery

    async def aclose(self) -> None:
        """Say goodbye and close, within GOODBYE_S."""
        async with self._lock:
            self._stay()
            client, self._client = self._client, None
            if client is not None:
                await _goodbye(client)
        while self._leaving:
            await asyncio.wait(self._leaving)

    async def _connected(self) -> aiosmtplib.SMTP:
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            try:
                await client.noop(timeout=self._account.timeout_s)
            except (aiosmtplib.SMTPException, OSError):
                client.close()  # the server has tired of it meanwhile
            except BaseException:
                client.close()
                raise
            else:
                self._client = client
                return client
        client = _Client(self._closing, account=self._account, helo=self._helo)
        self.connections += 1
        await client.connect()
        self._client = client
        return client

    async def _hand_over(self, client: aiosmtplib.SMTP, to: str, content: bytes) -> Delivery:
        account = self._account
        try:
            await client.mail(account.sender)
            await client.rcpt(to)
            answer = await client.data(content, timeout=account.data_timeout_s)
        except (aiosmtplib.SMTPSenderRefused, SMTPRecipientRefused, aiosmtplib.SMTPDataError) as refusal:
            delivery = _of_refusal(refusal)
            if client.is_connected:
                await self._reset(client)
            return delivery
        return Delivery("accepted", answer.code, _line(answer.message))

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            client.close()

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave(self) -> None:
        """Nothing was sent for a while."""
        client, self._client, self._idle = self._client, None, None
        if client is not None:
            self._see_off(_goodbye(client))

    def _closing(self, protocol: SMTPProtocol, transport: asyncio.BaseTransport | None) -> None:
        self._see_off(_gone(protocol, transport))

    def _see_off(self, leaving: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(leaving)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class _Client(aiosmtplib.SMTP):
    """Tells when it closes: TLS takes some turns of the event loop to end, and the loop must not be closed under it."""

    def __init__(
        self,
        on_close: Callable[[SMTPProtocol, asyncio.BaseTransport | None], None],
        *,
        account: Account,
        helo: str,
    ) -> None:
        self._on_close = on_close
        super().__init__(
            hostname=account.host,
            port=account.port,
            local_hostname=helo,
            timeout=account.timeout_s,
            use_tls=account.tls == "tls",
            start_tls=account.tls == "starttls",
            tls_context=account.context,
            username=account.username,
            password=account.password,
        )

    def close(self) -> None:
        protocol, transport = self.protocol, self.transport
        super().close()
        if protocol is not None and protocol.transport is not None:
            self._on_close(protocol, transport)


async def _gone(protocol: SMTPProtocol, transport: asyncio.BaseTransport | None) -> None:
    """Return when a closed connection is gone; cut it if the other side takes too long to agree."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            while protocol.transport is not None:  # noqa: ASYNC110 - the library tells nobody when it is lost
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
            await asyncio.sleep(_LOOK_S)


async def _goodbye(client: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=GOODBYE_S)
    client.close()


def _of_refusal(
    refusal: aiosmtplib.SMTPSenderRefused | SMTPRecipientRefused | aiosmtplib.SMTPDataError,
) -> Delivery:
    """A `no` to a command of the letter. A 5xx to the sender is about us: after it is mended, the letter goes."""
    code, because = refusal.code, f"{refusal.code} {_line(refusal.message)}"
    if isinstance(refusal, aiosmtplib.SMTPSenderRefused) and code != _TOO_LARGE:
        return Delivery("later", code, f"the sender was refused: {because}", away=True)
    if 500 <= code < 600 and code not in _ABOUT_US:
        return Delivery("refused", code, because)
    return Delivery("later", code, because, away=code == 421 or code in _ABOUT_US)


def _of_connecting(trouble: Exception) -> Delivery:
    code = trouble.code if isinstance(trouble, aiosmtplib.SMTPResponseException) else None
    doing = "the login was refused" if isinstance(trouble, aiosmtplib.SMTPAuthenticationError) else "cannot connect"
    return Delivery("later", code, f"{doing}: {_shown(trouble)}", away=True)


def _of_sending(trouble: Exception) -> Delivery:
    code = trouble.code if isinstance(trouble, aiosmtplib.SMTPResponseException) else None
    return Delivery("later", code, f"the connection failed under the letter: {_shown(trouble)}", away=code is None)


def _shown(trouble: Exception) -> str:
    if isinstance(trouble, aiosmtplib.SMTPResponseException):
        return f"{trouble.code} {_line(trouble.message)}"
    return _line(str(trouble)) or type(trouble).__name__


def _line(text: str) -> str:
    """A server's words in one line of printable characters, cut."""
    words = " ".join(text[: 4 * _LONGEST].split())
    return "".join(c if c.isprintable() else "?" for c in words)[:_LONGEST]


def _own_name() -> str:
    name = socket.gethostname()
    return name if _HELO.fullmatch(name) else "localhost"
