"""Assembly: the concrete keepers of promises (store, servers, broker, HTTP), made from what the configuration says.

Never runs what it makes, and never puts a secret into a message.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialerd.adapters.asterisk.link_settings import LinkSettings
from dialerd.adapters.asterisk.telephony import AsteriskTelephony
from dialerd.adapters.exports.csv_text import harmless
from dialerd.adapters.exports.writing import FileExports
from dialerd.adapters.mail.smtp import Account, SmtpMailer
from dialerd.adapters.mqtt.bus import MqttBus
from dialerd.adapters.mqtt.intake import Request
from dialerd.adapters.observe import endpoint
from dialerd.adapters.observe.metrics import Metrics
from dialerd.adapters.sheets.import_folder import ImportFolder
from dialerd.adapters.sheets.limits import MB, Limits
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.campaigns.engine import Engine
from dialerd.model.errors import OurMistakeError
from dialerd.model.facts import AnyFact
from dialerd.model.instants import Instant
from dialerd.ports.exports import ExportFailingError
from dialerd.ports.import_files import Lists
from dialerd.ports.store import StoreFailingError
from dialerd.settings.exports import Exports
from dialerd.settings.imports import Imports
from dialerd.settings.mail import Mail
from dialerd.settings.secrets import NoSecret, secret
from dialerd.settings.shape import Http, Mqtt, Settings, Store


class CannotStartError(Exception):
    """The daemon cannot start; the message says what to mend."""


@dataclass(frozen=True)
class Opened:
    """A store that was opened and read."""

    store: SqliteStore
    engine: Engine
    token: str
    """Part of every leg's id; made once with the store."""


@dataclass(frozen=True)
class Assembly:
    """Makes parts; each method raises CannotStartError, which names the configuration's `file` and key."""

    file: str
    env: Mapping[str, str]

    async def store(self, settings: Store, now: Instant) -> Opened:
        """The store, opened, and the engine as its rows tell."""
        store = SqliteStore(settings.path, settings.synchronous)
        try:
            await store.open()
            kept = await store.load()
            replies = await store.replies(now - settings.keep_replies_days * 86400)
        except (StoreFailingError, OurMistakeError) as trouble:
            await store.close()
            raise CannotStartError(str(trouble)) from None
        engine = Engine(kept)
        engine.live.replies = {(r.principal, r.id): (r.command, r.reply) for r in replies}
        return Opened(store, engine, kept.token)

    async def exports(self, settings: Exports) -> FileExports:
        """The exports folder, made and swept of what killed writers left."""
        templates = None if settings.templates is None else Path(settings.templates)
        exports = FileExports(
            Path(settings.folder), templates=templates, pdf_rows=settings.pdf_rows, at_once=settings.at_once
        )
        try:
            await exports.open()
        except ExportFailingError as trouble:
            raise CannotStartError(f"{self.file}: exports.folder: {trouble}") from None
        return exports

    async def lists(self, settings: Imports, needed: Collection[str]) -> Lists:
        """What reads lists, and the folder of imports, made and swept of all that no job needs."""
        most = settings.max_mb * MB
        # A report shows numbers as they are: 3 to 20 digits, with or without a plus, are no formula.
        files = ImportFolder(
            Path(settings.work_folder), upload_at_most=most, harmless=lambda text: harmless(text, "phone")
        )
        try:
            await asyncio.to_thread(files.open, needed)
        except OSError as trouble:
            told = f"{trouble.filename or settings.work_folder}: {trouble.strerror or trouble}"
            raise CannotStartError(f"{self.file}: imports.work_folder: {told}") from None
        limits = Limits(file=most, rows=settings.max_rows, memory=settings.memory_mb * MB)
        return Lists(SheetFiles([Path(folder) for folder in settings.folders], limits), files)

    def server(
        self, name: str, settings: Settings, token: str, on_fact: Callable[[AnyFact], None]
    ) -> AsteriskTelephony:
        """The telephony of one configured server."""
        server = settings.servers[name]
        password = self._secret(server.secret_file, server.secret_credential, f"servers.{name}: secret")
        file, credential = server.secret_file, server.secret_credential
        source = f"credential {credential}" if credential is not None else f"secret_file {file}"
        link = LinkSettings(
            server.host, server.port, server.username, password, ping_every_s=server.ping_s, login_source=source
        )
        try:
            return AsteriskTelephony(name, link, token, on_fact)
        except ValueError as trouble:
            raise CannotStartError(f"{self.file}: servers.{name}: {trouble}") from None

    def broker(
        self,
        instance: str,
        mqtt: Mqtt,
        *,
        on_request: Callable[[Request], None],
        on_status: Callable[[bool, str], None],
        daemon_state: Callable[[], bytes],
    ) -> MqttBus:
        """The message bus of the configured broker."""
        password: str | None = None
        if mqtt.has_password:
            password = self._secret(mqtt.password_file, mqtt.password_credential, "mqtt: password")
        return MqttBus(
            instance=instance,
            host=mqtt.host,
            port=mqtt.port,
            username=mqtt.username,
            password=password,
            tls=self._tls(mqtt),
            client_id=f"dialerd-{instance}",
            on_request=on_request,
            on_status=on_status,
            daemon_state=daemon_state,
        )

    async def endpoint(
        self, http: Http, metrics: Metrics, health: Callable[[], tuple[bool, dict[str, Any]]]
    ) -> endpoint.Endpoint | None:
        """The metrics and the health by HTTP, listening; None where they are switched off."""
        if http.port == "off":
            return None
        try:
            return await endpoint.start(http.host, http.port, metrics, health)
        except OSError as trouble:
            where = f"{http.host}:{http.port}"
            raise CannotStartError(f"{self.file}: http: cannot listen on {where}: {trouble.strerror}") from None

    def mailer(self, mail: Mail) -> SmtpMailer:
        """Letters to the configured mail server."""
        password: str | None = None
        if mail.has_password:
            password = self._secret(mail.password_file, mail.password_credential, "mail: password")
        try:
            context = None if mail.tls == "none" else ssl.create_default_context(cafile=mail.ca_file)
        except OSError as trouble:
            raise CannotStartError(f"{self.file}: mail.ca_file: {trouble}") from None
        account = Account(
            mail.host,
            mail.port_number,
            mail.from_address,
            mail.from_name,
            mail.tls,
            context,
            mail.username,
            password,
            mail.helo,
            mail.timeout_s,
        )
        return SmtpMailer(account)

    def _secret(self, file: str | None, credential: str | None, key: str) -> str:
        try:
            return secret(file, credential, self.env, Path(self.file).parent)
        except NoSecret as trouble:
            raise CannotStartError(f"{self.file}: {key}: {trouble}") from None

    def _tls(self, mqtt: Mqtt) -> ssl.SSLContext | None:
        if mqtt.tls is None:
            return None
        try:
            tls = ssl.create_default_context(cafile=mqtt.tls.ca_file)
            if mqtt.tls.cert_file is not None:
                tls.load_cert_chain(mqtt.tls.cert_file, mqtt.tls.key_file)
        except OSError as trouble:
            raise CannotStartError(f"{self.file}: mqtt.tls: {trouble}") from None
        return tls
