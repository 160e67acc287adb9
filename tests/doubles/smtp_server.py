"""A real SMTP server (aiosmtpd) as a process of its own, which keeps the letters it takes and misbehaves when told to.

Never listens elsewhere than on loopback, never passes a letter on, and never outlives the tests.

`python -m tests.doubles.smtp_server FOLDER PORT [--tls none|starttls|tls] [--user NAME:PASSWORD]`
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import email
import email.policy
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, LoginPassword

from tests.doubles.children import Child
from tests.doubles.loopback_ports import single_tcp_port

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
_ATTEMPTS = 5

HOLD = "hold"
"""Say nothing until the other side is gone."""
CLOSE = "close"
"""Cut the connection without a word; at `data`, after the first line of the letter."""
TAKE_AND_CLOSE = "take and close"
"""At `data`: keep the letter, then cut the connection instead of answering."""


# --- in the test


class Taken(NamedTuple):
    """A letter that the server has taken."""

    sender: str
    recipients: list[str]
    tls: bool
    login: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The letter, read."""
        read = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read

    @property
    def text(self) -> str:
        """Its text, with line feeds alone."""
        content: str = self.message.get_content()
        return content.replace("\r\n", "\n")


class SmtpServerError(RuntimeError):
    """The server could not be started; the text has its own words."""


class SmtpServer:
    """A server of the test's own; a context manager. It keeps its port and its letters through `stop` and `start`."""

    host = HOST

    def __init__(
        self,
        tls: str = "none",
        user: str | None = None,
        password: str = "",
        names: str = f"DNS:localhost,IP:{HOST}",
    ) -> None:
        """`tls`: none, starttls (login only after it) or tls, with a certificate for `names`.

        With a `user` nothing goes without login.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="dialerd-smtp-"))
        self.port = 0
        self._more = ["--tls", tls] + ([] if user is None else ["--user", f"{user}:{password}"])
        self._child: Child | None = None
        if tls != "none":
            make_certificate(self.folder, names)

    @property
    def certificate(self) -> Path:
        """What a client must trust."""
        return self.folder / "cert.pem"

    def __enter__(self) -> SmtpServer:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, timeout_s: float = 20.0) -> None:
        """Start it and wait until it listens. Raises SmtpServerError."""
        attempts = 1 if self.port else _ATTEMPTS
        sign = self.folder / "listening"
        for attempt in range(attempts):
            port = self.port or single_tcp_port(HOST)
            sign.unlink(missing_ok=True)
            argv = [sys.executable, "-m", "tests.doubles.smtp_server", str(self.folder), str(port), *self._more]
            child = self._child = Child(argv, self.folder / "log", cwd=ROOT)
            deadline = time.monotonic() + timeout_s
            while child.alive and not sign.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            if child.alive and sign.exists():
                self.port = port
                return
            child.kill()
            if attempt + 1 == attempts:
                raise SmtpServerError(f"no SMTP server on {HOST}:{port}: {child.said() or 'it said nothing'}")

    def stop(self) -> None:
        """An end as of a killed process: connections are cut."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def order(self, stage: str, what: str, times: int = 1) -> None:
        """At `stage` (connect, noop, mail, rcpt, data) do `what` so often: an answer such as `451 later`, or HOLD, CLOSE, ..."""
        with (self.folder / "orders").open("a") as orders:
            orders.write((json.dumps([stage, what]) + "\n") * times)

    @property
    def letters(self) -> list[Taken]:
        """All letters taken, in order."""
        taken = []
        for path in sorted(self.folder.glob("*.letter")):
            kept = json.loads(path.read_text())
            taken.append(Taken(**{**kept, "content": base64.b64decode(kept["content"])}))
        return taken

    def events(self, name: str) -> int:
        """How often something happened: connected, quit, lost, refused login, order."""
        path = self.folder / "events"
        return path.read_text().splitlines().count(name) if path.exists() else 0


def make_certificate(folder: Path, names: str) -> None:
    """`cert.pem` and `key.pem` for `names` (as openssl's subjectAltName), signed by itself.

    Raises SmtpServerError if there is no openssl.
    """
    if shutil.which("openssl") is None:
        raise SmtpServerError("openssl is missing: `make packages` (scripts/debian-packages) installs it")
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", "/CN=dialerd test", "-addext", f"subjectAltName={names}"),
        *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SmtpServerError(f"openssl: {made.stderr}")


# --- in the server's process


class _Book:
    """What is kept in the folder, and the orders that are read there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = len(self._orders()) if (folder / "events").exists() else 0
        self._open: list[list[str]] = []

    def _orders(self) -> list[list[str]]:
        path = self._folder / "orders"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def order(self, stage: str) -> str | None:
        orders = self._orders()
        self._open += orders[self._done :]
        self._done = len(orders)
        for order in self._open:
            if order[0] == stage:
                self._open.remove(order)
                self.event("order")
                return order[1]
        return None

    def event(self, name: str) -> None:
        with (self._folder / "events").open("a") as events:
            events.write(name + "\n")

    def keep(self, letter: dict[str, Any]) -> None:
        number = len(list(self._folder.glob("*.letter"))) + 1
        part = self._folder / "part"
        part.write_text(json.dumps(letter))
        part.rename(self._folder / f"{number:05d}.letter")


class _Session(SMTP):
    """One connection."""

    def __init__(self, book: _Book, handler: _Handler, **how: Any) -> None:
        super().__init__(handler, hostname="mail.example", **how)
        self._book = book

    async def _handle_client(self) -> None:
        self._book.event("connected")
        order = self._book.order("connect")
        if order in (HOLD, CLOSE):
            try:
                await self.obey(order)
            finally:
                self.cut()
        elif order is not None:
            await self.push(order)
            self.cut()
        else:
            await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:
        order = self._book.order("data")
        if order == CLOSE:
            await self.push("354 go on")
            await self._reader.readline()
            self.cut()
            return
        self.event_handler.answer = order
        await super().smtp_DATA(arg)

    def connection_lost(self, error: Exception | None) -> None:
        self._book.event("lost")
        super().connection_lost(error)

    async def obey(self, order: str) -> str:
        """An order as an answer; HOLD never gives one, CLOSE gives it to nobody."""
        if order == HOLD:
            await asyncio.Event().wait()
        if order == CLOSE:
            self.cut()
            await asyncio.Event().wait()
        return order

    def cut(self) -> None:
        """End the connection without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()


class _Handler:
    """What the server answers where it is asked."""

    def __init__(self, book: _Book) -> None:
        self.answer: str | None = None
        self._book = book

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> Any:
        order = self._book.order("mail")
        if order is not None:
            return await server.obey(order)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> Any:
        order = self._book.order("rcpt")
        if order is not None:
            return await server.obey(order)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> Any:
        if self.answer is not None and self.answer != TAKE_AND_CLOSE:
            return await server.obey(self.answer)
        login = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else ""
        self._book.keep(
            {
                "sender": envelope.mail_from,
                "recipients": envelope.rcpt_tos,
                "tls": bool(server.transport.get_extra_info("sslcontext")),
                "login": login,
                "content": base64.b64encode(envelope.original_content).decode(),
            }
        )
        if self.answer == TAKE_AND_CLOSE:
            server.cut()
            await asyncio.Event().wait()
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> Any:
        self._book.event("quit")
        return "221 Bye"

    async def handle_NOOP(self, server: Any, session: Any, envelope: Any, arg: str) -> Any:
        order = self._book.order("noop")
        return await server.obey(order) if order is not None else MISSING


async def _serve(folder: Path, port: int, tls: str, user: str | None) -> None:
    book = _Book(folder)
    context: ssl.SSLContext | None = None
    if tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and f"{data.login.decode()}:{data.password.decode()}" == user
        if not good:
            book.event("refused login")
        return AuthResult(success=good, handled=False, auth_data=data)

    how: dict[str, Any] = {"timeout": 3600}
    if user is not None:
        how |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": tls == "starttls"}
    if tls == "starttls":
        how |= {"tls_context": context, "require_starttls": True}
    server = await asyncio.get_running_loop().create_server(
        lambda: _Session(book, _Handler(book), **how), HOST, port, ssl=context if tls == "tls" else None
    )
    (folder / "listening").touch()
    async with server:
        await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--tls", choices=("none", "starttls", "tls"), default="none")
    parser.add_argument("--user")
    given = parser.parse_args()
    asyncio.run(_serve(given.folder, given.port, given.tls, given.user))


if __name__ == "__main__":
    _main()
