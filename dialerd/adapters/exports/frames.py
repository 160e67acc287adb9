"""What the daemon and its writer tell each other over a pipe: one job, rows, an end; and back one answer.

Never carries an object that could run: frames are msgpack of checked shapes, a length before each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any, TypeAlias

import msgspec

from dialerd.model.errors import Refusal
from dialerd.ports.exports import Batch, Cell, Format, PrintSheet, Separator, Table

END = (0).to_bytes(4, "big")
"""The frame without content: all rows were sent."""
ROWS_IN_XLSX_SHEET = 1_048_575
"""Below the heading."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written: a table, whose rows follow, or a print sheet."""

    form: Format
    table: Table | None = None
    sheet: PrintSheet | None = None
    separator: Separator = ","
    templates: str | None = None
    """The folder of the operator's own templates."""
    pdf_characters: int
    xlsx_rows: int = ROWS_IN_XLSX_SHEET


class Done(msgspec.Struct, frozen=True, tag=True):
    """The file is whole and on the disk."""

    rows: int
    sheets: int = 1
    cut: int = 0


class Refused(msgspec.Struct, frozen=True, tag=True):
    """A Refusal of the writer, to be raised again in the daemon."""

    code: str
    message: str
    field: str | None
    allowed: list[str] | None

    def again(self) -> Refusal:
        """The Refusal itself."""
        return Refusal(self.code, self.message, self.field, self.allowed)


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The file could not be written now."""

    because: str


Answer: TypeAlias = Done | Refused | Failed

_pack = msgspec.msgpack.Encoder()
_rows = msgspec.msgpack.Decoder(list[list[Cell]])
_job = msgspec.msgpack.Decoder(Job)


def frame(content: Job | Batch) -> bytes:
    """A frame. What a stranger may have sent but no file can hold (half a surrogate, a number past 64 bits) is replaced."""
    try:
        packed = _pack.encode(content)
    except (UnicodeEncodeError, OverflowError):
        packed = _pack.encode(_storable(msgspec.to_builtins(content)))
    return len(packed).to_bytes(4, "big") + packed


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    if isinstance(value, dict):
        return {key: _storable(part) for key, part in value.items()}
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def read_job(stream: IO[bytes]) -> Job:
    """The first frame. Raises EOFError if the daemon went away, msgspec.DecodeError for what is no job."""
    content = _read(stream)
    if content is None:
        raise EOFError
    return _job.decode(content)


def read_batches(stream: IO[bytes]) -> Iterator[list[list[Cell]]]:
    """The rows up to the end. Raises EOFError if the daemon went away before it."""
    while (content := _read(stream)) is not None:
        yield _rows.decode(content)


def _read(stream: IO[bytes]) -> bytes | None:
    length = int.from_bytes(_exactly(stream, 4), "big")
    return _exactly(stream, length) if length else None


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content
