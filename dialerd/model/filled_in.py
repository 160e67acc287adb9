"""What people filled in, read by the fields or questions that it answers: right values, or every fault at once (C08, C12).

Never stops at the first value that is wrong, and never keeps one that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from dialerd.model.errors import Refusal
from dialerd.model.faults import Fault, fault
from dialerd.model.typed_values import TypedValue

_WANTED: Mapping[str, str] = {
    "text": "a text",
    "number": "a number",
    "date": "a day",
    "choice": "one of its choices",
    "pesel": "a PESEL",
    "nip": "a NIP",
    "regon": "a REGON",
}


def read_filled_in(
    asked: Sequence[TypedValue], values: Mapping[str, str], today: date, partial: bool
) -> tuple[dict[str, str], list[Fault]]:
    """The canonical texts of `values` in the order of what is `asked`, and all that is wrong with them.

    An empty text is no value. `partial`: what is not in `values` is not missed, and an empty text clears and comes back empty.
    Names that nobody asked for are left to the caller.
    """
    good: dict[str, str] = {}
    faults: list[Fault] = []
    for spec in asked:
        given = values.get(spec.name)
        if given is None and partial:
            continue
        try:
            plain = spec.read(as_text(given), today)
        except Refusal as refusal:
            faults.append(fault(spec.name, str(given), refusal.message, str(refusal.allowed)))
            continue
        if plain or (partial and not spec.required):
            good[spec.name] = plain
        elif spec.required:
            faults.append(fault(spec.name, "", "it is required", _WANTED[spec.kind]))
    return good, faults


def as_text(given: object) -> str:
    """`given`, a text or nothing. Raises Refusal for a bare number and the like, whose digits are perhaps not all there."""
    if given is None or isinstance(given, str):
        return given or ""
    raise Refusal("bad_argument", "it is not a text", None, "a text in quotes")
