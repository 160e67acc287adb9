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

from dialerd.campaigns.contacts import MADE
from dialerd.model.contact_filters import MOST_TAGS, word
from dialerd.model.errors import Refusal
from dialerd.model.mail_addresses import Email
from dialerd.model.phones import normalise
from dialerd.model.policies import Principal
from dialerd.model.record_fields import read
from dialerd.model.rows import ContactRow
from dialerd.model.written_text import read_text

Code = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$", description="letters, digits and _ . : / -")
]
KINDS = ("person", "company")
TEXTS = {"name": 200, "address": 500}
WORDS = ("status", "industry", "channel")
COLUMNS = ("code", "kind", "name", "phone", "email", "address", "status", "industry", "channel", "owner", "tags")
"""What a contact has; any other column of a list is a further field."""
_CODE = TypeAdapter[str](Code)
_EMAIL = TypeAdapter[str](Email)
_PRINCIPAL = TypeAdapter[str](Principal)
_BETWEEN = re.compile(r"[\s,;]+")
MOST_CODES = 100_000
_ANY_DAY = date(2000, 1, 1)
"""No field of a contact is a date that depends on today."""


def changed(row: ContactRow, values: Mapping[str, Any], region: str) -> ContactRow:
    """`row` with other values: name of the field to its text, `fields` to further texts by name; an empty one takes away.

    Raises Refusal that names the field.
    """
    made: dict[str, Any] = {}
    for field, value in values.items():
        if field == "fields":
            merged = {**row.fields, **value}
            made["fields"] = {key: text for key, text in read((), merged, _ANY_DAY).items() if text}
        else:
            made[field] = _CHECKS[field](str(value).strip(), region)
    found = msgspec.structs.replace(row, **made)
    if not (found.phone or found.email or found.name):
        raise Refusal("bad_argument", "a contact needs a name, a phone or an e-mail address", "phone")
    return found


def new_contact(code: str, values: Mapping[str, Any], region: str) -> ContactRow:
    """A contact as if it were not there yet; an empty code: it gets one when it is written. Raises Refusal."""
    if code:
        code = checked_code(code)
    return changed(ContactRow(code, "person", "", "", "", "", "", "", "", "", 0.0, 0.0), values, region)


def refuse_made(code: str) -> None:
    """Raises Refusal for a code of no contact that is as the daemon makes codes itself: it would give it away again."""
    if MADE.fullmatch(code):
        because = f"there is no contact {code}, and the daemon makes such codes itself"
        raise Refusal("bad_argument", because, "code", "another code, or none and one is made")


def checked_code(code: str) -> str:
    """Raises Refusal unless `code` may be one."""
    return _checked(_CODE, code, "code", "letters, digits and _ . : / -, at most 64")


def checked_codes(text: str) -> list[str]:
    """The codes of a list that commas, semicolons or white space part, each once. Raises Refusal (field `codes`)."""
    codes = list(dict.fromkeys(part for part in _BETWEEN.split(text) if part))
    if not codes or len(codes) > MOST_CODES:
        raise Refusal("bad_argument", f"{len(codes)} codes", "codes", f"1 to {MOST_CODES}")
    for code in codes:
        try:
            checked_code(code)
        except Refusal as refusal:
            raise Refusal("bad_argument", refusal.message[:120], "codes", refusal.allowed) from None
    return codes


def _checked(kind: TypeAdapter[str], text: str, field: str, allowed: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError:
        raise Refusal("bad_argument", f"{text[:64]!r} is not one", field, allowed) from None


def _text(field: str) -> Any:
    def check(text: str, region: str) -> str:
        try:
            return read_text(text, TEXTS[field])
        except Refusal as refusal:
            raise Refusal("bad_argument", refusal.message, field, refusal.allowed) from None

    return check


def _word(field: str) -> Any:
    def check(text: str, region: str) -> str:
        try:
            return word(text)
        except ValueError as wrong:
            raise Refusal("bad_argument", str(wrong), field) from None

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
    return _checked(_PRINCIPAL, text, "owner", "a principal: letters, digits and _ . @ -, at most 64") if text else ""


def _tags(text: str, region: str) -> list[str]:
    check = _word("tags")
    tags = list(dict.fromkeys(check(part, region) for part in text.split(";") if part.strip()))
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
    "tags": _tags,
}
