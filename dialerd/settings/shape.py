"""The shape of the configuration: every key that dialerd.yaml may have, as checked values (O01).

Never reads a file or an environment: `read` does, and gives these with every path made absolute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, PrivateAttr, model_validator

from dialerd.compliance.pack import Pack
from dialerd.model.policies import Floor, Line, Name, Policy, Principal, Role
from dialerd.settings.exports import Exports
from dialerd.settings.imports import Imports
from dialerd.settings.mail import Mail
from dialerd.settings.places import HOST_PATTERN as HOST_PATTERN
from dialerd.settings.places import FilePath, Host, Port

MODE_PATTERN = r"^0?[0-7]{3}$"
Roles = Annotated[list[Role], Field(min_length=1)]
ALWAYS: Final[frozenset[Role]] = frozenset(("owner", "admin", "supervisor", "ops"))
"""The roles of root and of the daemon's own user on the local socket."""


class Store(Policy):
    """The SQLite file that holds leads, attempts, turns and audit (O08)."""

    path: FilePath = "dialerd.sqlite3"
    """From $STATE_DIRECTORY if systemd gives it, else from the folder of this file."""
    synchronous: Literal["full", "normal"] = "full"
    """full: nobody is called twice through a power cut. normal: faster, safe through a crash of the daemon only."""
    keep_turns_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Days that turns are kept for audit and replay."""
    keep_replies_days: Annotated[int, Field(ge=1, le=3650)] = 7
    """Days that a repeated command gets its first answer again."""
    keep_deleted_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days that the leads of a deleted campaign are kept; its calls and the audit are kept for good."""


class Tls(Policy):
    """TLS to the broker; without a ca_file the system's authorities count."""

    ca_file: FilePath | None = None
    """Certificates (PEM) of the authority that signed the broker's."""
    cert_file: FilePath | None = None
    """Our own certificate, if the broker asks for one."""
    key_file: FilePath | None = None
    """Its private key; empty: it is in cert_file."""

    @model_validator(mode="after")
    def _key_has_its_certificate(self) -> Tls:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file without cert_file; both, or neither, are allowed")
        return self


class Mqtt(Policy):
    """The broker of the control channel (O02)."""

    host: Host = "127.0.0.1"
    port: Port = 1883
    """1883, or 8883 with TLS, at most brokers."""
    username: Annotated[Line, Field(min_length=1)] | None = None
    """Empty: no name and no password are sent."""
    password_file: FilePath | None = None
    """A file that holds the password; or name a systemd credential with password_credential."""
    password_credential: Name | None = None
    """The name of a systemd credential (LoadCredential=) that holds the password."""
    tls: Tls | None = None
    """Empty: no TLS."""

    @property
    def has_password(self) -> bool:
        """Whether a password is to be read."""
        return self.password_file is not None or self.password_credential is not None


class LocalSocket(Policy):
    """The local socket for dialerctl (O03): the kernel proves the Unix user, and this says his roles."""

    path: FilePath = "dialerd.sock"
    """From $RUNTIME_DIRECTORY if systemd gives it, else from the folder of the store."""
    mode: Annotated[str, Field(pattern=MODE_PATTERN)] = "0660"
    """Permissions of the socket, octal."""
    users: dict[Principal, Roles] = Field(default_factory=dict)
    """Unix user to roles."""
    groups: dict[Principal, Roles] = Field(default_factory=dict)
    """Unix group to roles; a user has the roles of all his groups."""

    @property
    def mode_bits(self) -> int:
        """`mode` as os.chmod takes it."""
        return int(self.mode, 8)

    def roles_of(self, user: str, groups: Iterable[str], own: bool) -> frozenset[Role]:
        """The roles of a Unix user in `groups`; `own`: he is root or the daemon's own user."""
        roles = set(ALWAYS) if own else set()
        roles.update(self.users.get(user, ()))
        for group in groups:
            roles.update(self.groups.get(group, ()))
        return frozenset(roles)


class Http(Policy):
    """Metrics and health over HTTP (O05)."""

    host: Host = "127.0.0.1"
    port: Port | Literal["off"] = 9464
    """off: no HTTP at all."""


class Logs(Policy):
    """Logs on standard error (O05)."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"
    """json: one object a line, for machines; console: for eyes."""
    mask_numbers: bool = True
    """Telephone numbers in logs show their last three digits only."""


class Drain(Policy):
    """The graceful stop (O04): no new calls, those in progress go on."""

    limit_s: Annotated[float, Field(ge=0, le=86400)] = 300
    """Seconds that calls in progress get before the daemon stops."""


class Settings(Floor):
    """All of dialerd.yaml: the daemon's own keys, and the floor that all campaigns share."""

    instance: Name = "main"
    """The daemon's name: second word of every MQTT topic (dialerd/main/...)."""
    store: Store = Store()
    mqtt: Mqtt | None = None
    """Empty: no broker; the local socket still takes every command."""
    mail: Mail | None = None
    """Empty: notices go on the bus alone."""
    socket: LocalSocket = LocalSocket()
    http: Http = Http()
    logs: Logs = Logs()
    drain: Drain = Drain()
    exports: Exports = Exports()
    imports: Imports = Imports()
    campaigns_dir: FilePath | None = None
    """A folder of YAML files, a campaign each; the file's name without .yaml is the campaign's id."""
    packs_dir: FilePath | None = None
    """A folder of YAML files, a legal rule pack each; the file's name without .yaml is the pack's name."""
    _packs: Mapping[str, Pack] = PrivateAttr(default_factory=dict)

    @property
    def packs(self) -> Mapping[str, Pack]:
        """The rule packs that hold, by name: those that come with dialerd and those of packs_dir."""
        return self._packs

    def with_packs(self, packs: Mapping[str, Pack]) -> Settings:
        """The same settings, with the rule packs that were read for them."""
        made = self.model_copy()
        made._packs = packs
        return made

    def floor(self) -> Floor:
        """What all campaigns share, without the daemon's own keys."""
        return Floor.model_construct(**{name: getattr(self, name) for name in Floor.model_fields})
