"""A row of a list, or one lead that was typed in, checked into a lead that may be added, or refused with the reason (C06-C08).

Never keeps a value that it was told to check and found wrong, and never reads a clock: the day is given.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import TypeAdapter, ValidationError

from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.model.mail_addresses import Email
from dialerd.model.phones import MOST_FURTHER_PHONES, normalise, split_phones
from dialerd.model.record_fields import Others, RecordField, read

NAME_LONGEST = 200
TEXT_LONGEST = 500
"""Characters of an address or of what brought a lead here."""
LIST_LONGEST = 64
PRIORITIES = (-100, 100)
PHONE_TOLD = 64
"""Characters of a refused phone that are told."""

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_PRINCIPAL = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,3}")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
"""Line ends within a cell, tabs and the like: a space stands for them."""


class LeadRules(msgspec.Struct, frozen=True):
    """What a campaign, and the one who imports, want of every lead."""

    region: str
    today: str
    """YYYY-MM-DD where the campaign is."""
    migrate_2018: bool = False
    fields: list[dict[str, Any]] = []
    """The campaign's record fields, as JSON of record_fields.RecordField."""
    others: Others = "keep"
    list_name: str = ""
    """The list of leads that name none themselves."""
    priority: int = 0
    """Of leads that name none themselves."""


class GivenLead(msgspec.Struct):
    """What a row says, as text; what is empty is not there."""

    phone: str
    name: str = ""
    phones: list[str] = []
    """Further phones; one text may hold several, parted by semicolons."""
    email: str = ""
    address: str = ""
    zone: str = ""
    owner: str = ""
    action: str = ""
    list_name: str = ""
    priority: str = ""
    contact: str = ""
    fields: dict[str, str] = {}


class LeadCheck:
    """Checks leads for one campaign."""

    def __init__(self, rules: LeadRules) -> None:
        self._rules = rules
        self._today = date.fromisoformat(rules.today)
        self._fields = [RecordField.model_validate(field) for field in rules.fields]

    def lead(self, given: GivenLead) -> NewLead:
        """The lead. Raises Refusal, whose `field` is what is wrong."""
        rules = self._rules
        if not given.phone.strip():
            raise Refusal("bad_phone", "phone: required", "phone")
        phone = normalise(given.phone, rules.region, migrate_2018=rules.migrate_2018)
        return NewLead(
            phone=phone,
            name=_text(given.name, "name", NAME_LONGEST) if given.name else "",
            fields=self._read_fields(given.fields),
            email=_email(given.email) if given.email else "",
            address=_text(given.address, "address", TEXT_LONGEST) if given.address else "",
            list_name=_text(given.list_name, "list", LIST_LONGEST) if given.list_name else rules.list_name,
            action=_text(given.action, "action", TEXT_LONGEST) if given.action else "",
            contact=given.contact,
            owner=_owner(given.owner) if given.owner else "",
            phones=self._further(given.phones, phone) if given.phones else (),
            zone=_zone(given.zone) if given.zone else "",
            priority=_priority(given.priority) if given.priority else rules.priority,
        )

    def _further(self, texts: list[str], first: str) -> tuple[str, ...]:
        rules = self._rules
        found: dict[str, None] = {}
        for text in texts:
            for phone in split_phones(text, rules.region, migrate_2018=rules.migrate_2018):
                found[phone] = None
        found.pop(first, None)
        if len(found) > MOST_FURTHER_PHONES:
            raise Refusal(
                "bad_phone", f"{len(found)} further phones, at most {MOST_FURTHER_PHONES} are allowed", "phones"
            )
        return tuple(found)

    def _read_fields(self, values: dict[str, str]) -> dict[str, str]:
        if not values and not self._fields:
            return values
        plain = {name: _BREAKS.sub(" ", text) for name, text in values.items()}
        return read(self._fields, plain, self._today, others=self._rules.others)


def _text(given: str, field: str, most: int) -> str:
    text = _BREAKS.sub(" ", given).strip()
    if len(text) > most:
        raise Refusal("bad_argument", f"{field}: longer than {most} characters", field)
    return text


def _email(given: str) -> str:
    text = given.strip()
    if not text:
        return ""
    try:
        return _EMAIL.validate_python(text)
    except ValidationError:
        allowed = "one such as an.nguyen@example.vn"
        raise Refusal("bad_argument", f"email: {text[:100]!r} is not an e-mail address", "email", allowed) from None


def _zone(given: str) -> str:
    text = given.strip()
    try:
        if text:
            ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        allowed = "an IANA name such as Asia/Ho_Chi_Minh"
        raise Refusal("bad_argument", f"zone: {text[:100]!r} is not a time zone", "zone", allowed) from None
    return text


def _owner(given: str) -> str:
    text = given.strip()
    if text and not _PRINCIPAL.fullmatch(text):
        allowed = "letters, digits and . _ @ -, at most 64"
        raise Refusal("bad_argument", f"owner: {text[:100]!r} is nobody's name", "owner", allowed)
    return text


def _priority(given: str) -> int:
    text = given.strip()
    low, high = PRIORITIES
    if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise Refusal("bad_argument", f"priority: {text[:40]!r} is not a number from {low} to {high}", "priority")
    return int(text)
