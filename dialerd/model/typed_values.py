"""What record fields and questions share: a kind, the bounds that go with it, and how a text is read by them (C08, C12).

Never reads a clock: what `today` is, is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from dialerd.model.errors import Refusal
from dialerd.model.identifiers import check_nip, check_pesel, check_regon
from dialerd.model.policy_words import Name, Policy
from dialerd.model.written_dates import DAY, read_day
from dialerd.model.written_numbers import NUMBER, DecimalMark, plain_number, read_number
from dialerd.model.written_text import read_text

LONGEST = 2000
USUAL_LENGTH = 500
TODAY = "today"
_KINDS_WITH: Mapping[str, tuple[str, ...]] = {
    "choices": ("choice",),
    "max_length": ("text",),
    "min": ("number", "date"),
    "max": ("number", "date"),
    "decimal_mark": ("number",),
}
"""Keys that only some kinds have."""


def _shown(most: int) -> AfterValidator:
    """A text that people are shown: one line, in NFC, at most `most` characters."""

    def check(text: str) -> str:
        try:
            return read_text(text, most)
        except Refusal as refusal:
            raise ValueError(f"{refusal.message}; {refusal.allowed}") from None

    return AfterValidator(check)


def _chosen(text: str) -> str:
    if not text:
        raise ValueError("an empty choice; leave required out where nothing may be chosen")
    return text


def _bound(value: object) -> str:
    """A bound as text: YAML makes numbers and days of what stands there without quotes."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return plain_number(value)
        except Refusal as refusal:
            raise ValueError(f"{refusal.message}; {refusal.allowed}") from None
    raise ValueError("neither a number nor a day; a number, a day such as 2026-01-31, or today is allowed")


Shown = Annotated[str, _shown(200)]
"""A label or another short text for people."""
ShownLong = Annotated[str, _shown(LONGEST)]
Choice = Annotated[str, _shown(200), AfterValidator(_chosen)]
Bound = Annotated[str, BeforeValidator(_bound), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})]


class TypedValue(Policy):
    """A value that people fill in. What is built on it narrows the kinds."""

    name: Name
    """What its key is called, and its column and variable in texts."""
    kind: str
    required: bool = False
    """Whether it must be filled in."""
    choices: Annotated[list[Choice], Field(max_length=200)] = Field(default_factory=list)
    """What may be chosen, only for a choice; capitals do not count."""
    max_length: Annotated[int, Field(ge=1, le=LONGEST)] | None = None
    """Characters, only for text; empty: 500."""
    min: Bound | None = None
    """The least number or the first day; today is allowed for a date."""
    max: Bound | None = None
    """The greatest number or the last day; today is allowed for a date."""
    decimal_mark: DecimalMark | None = None
    """What the one mark in 1.234 or 1,234 is; empty: a number so written is refused, as it may be either."""

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> TypedValue:
        for key, kinds in _KINDS_WITH.items():
            if getattr(self, key) not in (None, []) and self.kind not in kinds:
                raise ValueError(f"{key} is not for a {self.kind}; only for kind {' or '.join(kinds)}")
        if self.kind == "choice":
            if not self.choices:
                raise ValueError("choices are missing; at least one is needed")
            if len(self._by_fold) != len(self.choices):
                raise ValueError("choices has one of them twice; each once, capitals not counted")
        for key in ("min", "max"):
            bound = getattr(self, key)
            try:
                _ = None if bound in (None, TODAY) else self._canonical(bound)
            except Refusal as refusal:
                raise ValueError(f"{key} cannot be read: {refusal.message}; {refusal.allowed}") from None
            if bound == TODAY and self.kind != "date":
                raise ValueError(f"{key} is a day; a number is needed")
        low, high = self._limits
        if low is not None and high is not None and low > high:
            raise ValueError("max is less than min; as much as min, or more, is needed")
        return self

    def read(self, text: str, today: date) -> str:
        """The canonical form of `text` by the kind and its bounds; empty if `text` is.

        Raises Refusal (the message says why, `allowed` in words what may stand there).
        """
        if not text or text.isspace():
            return ""
        return _READERS[self.kind](self, text, today)

    def one_of_choices(self, text: str) -> str:
        """The choice that `text` is. Raises Refusal."""
        chosen = self._by_fold.get(read_text(text, LONGEST).casefold())
        if chosen is None:
            raise Refusal("bad_argument", "it is not one of the choices", None, ", ".join(self.choices)[:500])
        return chosen

    def within(self, plain: str, today: date) -> str:
        """`plain`, a canonical number or day, if it is within `min` and `max`. Raises Refusal."""
        low, high = self._limits
        place = self._place(plain)
        if self.min == TODAY:
            low = Decimal(today.toordinal())
        if self.max == TODAY:
            high = Decimal(today.toordinal())
        if low is not None and place < low:
            raise self._outside("before" if self.kind == "date" else "less than", self.min, today)
        if high is not None and place > high:
            raise self._outside("after" if self.kind == "date" else "more than", self.max, today)
        return plain

    def _outside(self, where: str, bound: str | None, today: date) -> Refusal:
        low, high = (
            today.isoformat() if limit == TODAY else None if limit is None else self._canonical(limit)
            for limit in (self.min, self.max)
        )
        span = f"from {low}" if high is None else f"up to {high}" if low is None else f"from {low} to {high}"
        return Refusal(
            "bad_argument",
            f"it is {where} {today.isoformat() if bound == TODAY else self._canonical(bound or '')}",
            None,
            f"{DAY if self.kind == 'date' else NUMBER}, {span}",
        )

    @cached_property
    def _limits(self) -> tuple[Decimal | None, Decimal | None]:
        """`min` and `max` in order of size, where they are known without a day of today."""
        low, high = (
            None if bound in (None, TODAY) else self._place(self._canonical(bound)) for bound in (self.min, self.max)
        )
        return low, high

    @cached_property
    def _by_fold(self) -> dict[str, str]:
        return {choice.casefold(): choice for choice in self.choices}

    def _canonical(self, bound: str) -> str:
        return read_day(bound) if self.kind == "date" else read_number(bound, self.decimal_mark)

    def _place(self, plain: str) -> Decimal:
        return Decimal(date.fromisoformat(plain).toordinal()) if self.kind == "date" else Decimal(plain)


_Reader: TypeAlias = Callable[[TypedValue, str, date], str]
_READERS: Mapping[str, _Reader] = {
    "text": lambda spec, text, today: read_text(text, spec.max_length or USUAL_LENGTH),
    "number": lambda spec, text, today: spec.within(read_number(text, spec.decimal_mark), today),
    "date": lambda spec, text, today: spec.within(read_day(text), today),
    "choice": lambda spec, text, today: spec.one_of_choices(text),
    "pesel": lambda spec, text, today: check_pesel(text, today),
    "nip": lambda spec, text, today: check_nip(text),
    "regon": lambda spec, text, today: check_regon(text),
}
