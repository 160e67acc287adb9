"""What a contact may be: texts that people type or lists bring, checked and put into one form (C06).

Never keeps a value that is refused, and never looks a contact up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec
from pydantic import Field, TypeAdapter, ValidationError

from dialerd.model.contact_filters import MOST_TAGS, word
from dialerd.model.errors import Refusal
from dialerd.model.mail_addresses import Email
from dialerd.model.phones import normalise
from dialerd.model.record_fields import read
from dialerd.model.rows import ContactRow
from dialerd.model.written_text import read_text

Code = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$", description="letters, digits and _ . : / -")
]
KINDS = ("person", "company")
TEXTS = {"name": 200, "address": 500}
WORDS = ("status", "industry", "channel")
_CODE = TypeAdapter[str](Code)
_EMAIL = TypeAdapter[str](Email)
_PRINCIPAL = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_ANY_DAY = date(2000, 1, 1)
"""No field of a contact is a date that depends on today."""


class ContactGiven(msgspec.Struct, frozen=True):
    """What is said of a contact, checked: what is not given stays as it is, an empty text takes away."""

    code: str = ""
    """Empty: it gets one when it is written."""
    values: dict[str, str] = {}
    tags: list[str] | None = None
    fields: dict[str, str] = {}

    @property
    def phone(self) -> str:
        """Empty if none is given."""
        return self.values.get("phone", "")


def given(code: str, texts: Mapping[str, Any], region: str) -> ContactGiven:
    """Texts by the name of the field, `fields` being further texts by name, as what is said. Raises Refusal naming the field."""
    values: dict[str, str] = {}
    tags: list[str] | None = None
    fields: dict[str, str] = {}
    for field, value in texts.items():
        if field == "fields":
            fields = dict(value)
        elif field == "tags":
            tags = _tags(str(value))
        else:
            values[field] = _CHECKS[field](str(value).strip(), region)
    return ContactGiven(checked_code(code) if code else "", values, tags, fields)


def merged(row: ContactRow, said: ContactGiven) -> ContactRow:
    """`row` with what is said. Raises Refusal, also for one that has neither a name nor a phone nor an e-mail address then."""
    made: dict[str, Any] = dict(said.values)
    if said.tags is not None:
        made["tags"] = said.tags
    if said.fields:
        texts = read((), {**row.fields, **said.fields}, _ANY_DAY)
        made["fields"] = {key: text for key, text in texts.items() if text}
    found = msgspec.structs.replace(row, **made)
    if not (found.phone or found.email or found.name):
        raise Refusal("bad_argument", "a contact needs a name, a phone or an e-mail address", "phone")
    return found


def nobody(code: str) -> ContactRow:
    """A contact of whom nothing is known yet, as one that is not there."""
    return ContactRow(code, "person", "", "", "", "", "", "", "", "", 0.0, 0.0)


def checked_code(code: str) -> str:
    """Raises Refusal unless `code` may be one."""
    return _checked(_CODE, code, "code", "letters, digits and _ . : / -, at most 64")


def _checked(kind: TypeAdapter[str], text: str, field: str, allowed: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError:
        raise Refusal("bad_argument", f"{field}: {text[:64]!r} is not one", field, allowed) from None


def _text(field: str) -> Any:
    def check(text: str, region: str) -> str:
        try:
            return read_text(text, TEXTS[field])
        except Refusal as refusal:
            raise Refusal("bad_argument", f"{field}: {refusal.message}", field, refusal.allowed) from None

    return check


def _word(field: str) -> Any:
    def check(text: str, region: str) -> str:
        try:
            return word(text)
        except ValueError as wrong:
            raise Refusal("bad_argument", f"{field}: {wrong}", field) from None

    return check


def _kind(text: str, region: str) -> str:
    kind = text.casefold() or "person"
    if kind not in KINDS:
        raise Refusal("bad_argument", f"{text[:64]!r} is not a kind of contact", "kind", list(KINDS))
    return kind


def _phone(text: str, region: str) -> str:
    return normalise(text, region) if text else ""


def _email(text: str, region: str) -> str:
    return _checked(_EMAIL, text, "email", "an address such as an.nguyen@example.vn").casefold() if text else ""


def _owner(text: str, region: str) -> str:
    if text and not _PRINCIPAL.fullmatch(text):
        allowed = "a principal: letters, digits and _ . @ -, at most 64"
        raise Refusal("bad_argument", f"owner: {text[:64]!r} is not one", "owner", allowed)
    return text


def _tags(text: str) -> list[str]:
    check = _word("tags")
    tags = list(dict.fromkeys(check(part, "") for part in text.split(";") if part.strip()))
    if len(tags) > MOST_TAGS:
        raise Refusal("bad_argument", f"{len(tags)} tags", "tags", f"at most {MOST_TAGS}")
    return tags


_CHECKS = {
    "kind": _kind,
    "name": _text("name"),
    "phone": _phone,
    "email": _email,
    "address": _text("address"),
    **{field: _word(field) for field in WORDS},
    "owner": _owner,
}
