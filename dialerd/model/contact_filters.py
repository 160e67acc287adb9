"""Saved filters of contacts: ALL of a few conditions, and whether a contact meets them (C06).

Never a text to be run: a condition is a value of a known kind, and what is not known is refused.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dialerd.model.errors import Refusal
from dialerd.model.instants import Instant
from dialerd.model.policies import Moment
from dialerd.model.policy_words import Policy, Principal
from dialerd.model.rows import ContactRow
from dialerd.model.written_text import read_text

ContactKind: TypeAlias = Literal["person", "company"]
MOST_TAGS = 50
LONGEST_WORD = 64
"""Characters of a tag, a status, an industry or a channel."""


def word(text: str) -> str:
    """A tag, status, industry or channel as it is kept: one line, capitals do not count. Raises ValueError."""
    try:
        return read_text(text, LONGEST_WORD).casefold()
    except Refusal as refusal:
        raise ValueError(f"{refusal.message}; {refusal.allowed}") from None


def _needed(text: str) -> str:
    if not text:
        raise ValueError("empty; a word is needed")
    return text


def _several(given: object) -> object:
    """`a; b` is a list of two."""
    return [part for part in given.split(";") if part.strip()] if isinstance(given, str) else given


def _once(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))


Word: TypeAlias = Annotated[str, Field(max_length=500), AfterValidator(word), AfterValidator(_needed)]
Words: TypeAlias = Annotated[list[Word], Field(max_length=MOST_TAGS), BeforeValidator(_several), AfterValidator(_once)]
"""A list, or a text in which semicolons part the words."""


class ContactFilter(Policy):
    """Conditions on contacts; ALL that are given must hold, and one with none holds for every contact."""

    kind: ContactKind | None = None
    """person or company."""
    created_from: Moment | None = None
    """Made at this moment or later (ISO 8601 with offset)."""
    created_before: Moment | None = None
    """Made before this moment."""
    code: Annotated[str, Field(max_length=64)] | None = None
    """The beginning of the code (PID)."""
    status: Words | None = None
    """Any of these. So with industry and channel."""
    industry: Words | None = None
    channel: Words | None = None
    tags_any: Words | None = None
    """At least one of these tags."""
    tags_all: Words | None = None
    """All of these tags."""
    owner: Principal | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> ContactFilter:
        begin, end = self.created_from, self.created_before
        if begin is not None and end is not None and end <= begin:
            raise ValueError("created_before must be after created_from")
        return self


def matches(asked: ContactFilter, contact: ContactRow) -> bool:
    """Whether the contact meets all conditions; one that was deleted meets none."""
    tags = set(contact.tags)
    return (
        contact.active
        and asked.kind in (None, contact.kind)
        and _within(asked, contact.created_at)
        and (asked.code is None or contact.id.startswith(asked.code))
        and (asked.status is None or contact.status in asked.status)
        and (asked.industry is None or contact.industry in asked.industry)
        and (asked.channel is None or contact.channel in asked.channel)
        and (asked.tags_any is None or not tags.isdisjoint(asked.tags_any))
        and (asked.tags_all is None or tags.issuperset(asked.tags_all))
        and asked.owner in (None, contact.owner)
    )


def _within(asked: ContactFilter, at: Instant) -> bool:
    if asked.created_from is not None and at < asked.created_from:
        return False
    return asked.created_before is None or at < asked.created_before
