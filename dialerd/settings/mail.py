"""The shape of `mail:` in dialerd.yaml: the mail server that takes notices (C05).

Never holds a password: `password_file` and `password_credential` say where it is.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from dialerd.model.mail_addresses import Email, Language
from dialerd.model.policies import Line, Name, Policy, Zone
from dialerd.settings.places import FilePath, Host, Port

HELO_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}


class Mail(Policy):
    """The mail server that takes notices (C05)."""

    host: Host = "127.0.0.1"
    port: Port | None = None
    """Empty: 587 with starttls, 465 with tls, 25 with none."""
    tls: Literal["none", "starttls", "tls"] = "starttls"
    """starttls: a plain connection is made safe before anything is said, or nothing is. tls: safe from its first byte."""
    ca_file: FilePath | None = None
    """Certificates (PEM) of the authority that signed the server's; empty: the system's authorities count."""
    username: Annotated[Line, Field(min_length=1)] | None = None
    """Empty: no login."""
    password_file: FilePath | None = None
    """A file that holds the password; or name a systemd credential with password_credential."""
    password_credential: Name | None = None
    """The name of a systemd credential (LoadCredential=) that holds the password."""
    from_address: Email
    """The address letters come from; what cannot be delivered returns there."""
    from_name: Annotated[Line, Field(max_length=60)] = "dialerd"
    """The name beside it."""
    helo: Annotated[str, Field(pattern=HELO_PATTERN)] | None = None
    """How this host calls itself to the server; empty: its name."""
    language: Language = "en"
    """Of letters to people who have no language of their own: en or vi."""
    time_zone: Zone = "UTC"
    """The zone in which letters tell times."""
    timeout_s: Annotated[float, Field(ge=1, le=300)] = 30
    """Seconds to wait for the connection and for each answer."""
    letters_per_minute: Annotated[int, Field(ge=1, le=1000)] = 30
    """Letters in all."""
    letters_per_person_per_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    """What is more than this waits, and goes together in one letter."""

    @model_validator(mode="after")
    def _fits_together(self) -> Mail:
        if (self.username is None) == self.has_password:
            raise ValueError("a username without a password or a password without one; both, or neither, are allowed")
        if self.tls == "none" and self.ca_file is not None:
            raise ValueError("ca_file without tls; starttls or tls are allowed with it")
        if self.tls == "none" and self.username is not None and not self._on_this_host:
            raise ValueError(
                "a password over a network without tls; starttls, tls, or a host such as 127.0.0.1 are allowed"
            )
        return self

    @property
    def has_password(self) -> bool:
        """Whether a password is to be read."""
        return self.password_file is not None or self.password_credential is not None

    @property
    def port_number(self) -> int:
        """`port`, or the usual one of its kind of connection."""
        return self.port if self.port is not None else _PORTS[self.tls]

    @property
    def _on_this_host(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"
