"""What `mail:` may hold, and which addresses people may have (C05, O01)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from dialerd.model.mail_addresses import Email
from dialerd.settings.mail import Mail

EMAIL: TypeAdapter[str] = TypeAdapter(Email)
LEAST: dict[str, Any] = {"from_address": "dialerd@example.vn"}


@pytest.mark.parametrize(
    "good", ["an.nguyen@example.vn", "a+b@mail.example.co.uk", "root@localhost", "x@xn--bcher-kva.de"]
)
def test_C05_an_address_is_taken_as_it_is(good: str) -> None:
    assert EMAIL.validate_python(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        *("", "an", "@example.vn", "an@", "an@@example.vn", "a b@example.vn", ".an@example.vn", "an.@example.vn"),
        *("an@exa mple.vn", "an@-example.vn", "an@example..vn", "an@example.vn.", '"a b"@example.vn', "an@[127.0.0.1]"),
        *("An <an@example.vn>", "an@example.vn\n", "an@example.vn\r\nBcc: b@example.vn", "an@exam\u0000ple.vn"),
        *("ân@example.vn", "an@bücher.de", f"{'a' * 65}@example.vn", f"a@{'a' * 64}.vn", f"a@{'a.' * 130}vn"),
        "a@example.vn,b@example.vn",
    ],
)
def test_C05_what_is_no_plain_address_is_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        EMAIL.validate_python(bad)


@pytest.mark.parametrize(("tls", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_C05_the_port_follows_the_kind_of_connection(tls: str, port: int) -> None:
    assert Mail.model_validate({**LEAST, "tls": tls}).port_number == port
    assert Mail.model_validate({**LEAST, "tls": tls, "port": 2525}).port_number == 2525


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_C05_a_password_may_go_in_clear_on_this_host_only(host: str) -> None:
    login = {"tls": "none", "username": "dialerd", "password_file": "secrets/mail"}
    assert Mail.model_validate({**LEAST, **login, "host": host}).has_password
    for far in ("mail.example.vn", "10.0.0.1", "localhost.example.vn"):
        with pytest.raises(ValidationError, match="without tls"):
            Mail.model_validate({**LEAST, **login, "host": far})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"username": "dialerd"}, "a username without a password"),
        ({"password_file": "secrets/mail"}, "a password without one"),
        ({"tls": "none", "ca_file": "ca.pem"}, "ca_file without tls"),
        ({"helo": "mail example"}, "helo"),
        ({"from_name": "dialerd\nBcc: x"}, "control characters"),
        ({"language": "fr"}, "language"),
        ({"time_zone": "Nowhere"}, "time zone"),
        ({"letters_per_minute": 0}, "letters_per_minute"),
        ({"password": "secret"}, "password"),
    ],
)
def test_C05_what_does_not_fit_is_refused_and_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Mail.model_validate({**LEAST, **more})
