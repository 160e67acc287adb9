"""Assembly: the concrete keepers of promises (store, servers, broker, HTTP), made from what the configuration says.

Never runs what it makes, and never puts a secret into a message.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialerd.adapters.asterisk.link_settings import LinkSettings
from dialerd.adapters.asterisk.telephony import AsteriskTelephony
from dialerd.adapters.mqtt.bus import MqttBus
from dialerd.adapters.mqtt.intake import Request
from dialerd.adapters.observe import endpoint
from dialerd.adapters.observe.metrics import Metrics
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.campaigns.engine import Engine
from dialerd.model.errors import OurMistakeError
from dialerd.model.facts import AnyFact
from dialerd.model.instants import Instant
from dialerd.ports.store import StoreFailingError
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
