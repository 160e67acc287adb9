"""What both programs write to a shell: quiet when the reader has left, with escapes where a character cannot be shown.

Never ends in a traceback for what stands at the other end of the output, and never changes JSON into something else.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
from typing import Any

import click

READER_LEFT = 128 + 13
"""The exit status of a program that SIGPIPE ended, as a shell shows it."""
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG))


class _ReaderLeft(BaseException):
    """Nobody reads what is written; no trouble of ours, so no Exception that anybody might catch."""


class Program(click.Group):
    """A click group that ends as the house's programs end. Exit status 141 when the reader of its output has left."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """As click does it; help is printed here."""
        try:
            return super().make_context(*args, **more)
        except BrokenPipeError:
            raise _ReaderLeft from None

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it; commands are carried out here."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderLeft from None

    def main(self, *args: Any, **more: Any) -> Any:
        """Run, and flush before the interpreter would: what cannot be written is told, or told to nobody."""
        _escape_what_cannot_be_shown()
        try:
            try:
                return super().main(*args, **more)
            finally:
                for stream in (sys.stdout, sys.stderr):
                    if stream is not None:
                        stream.flush()
        except (_ReaderLeft, BrokenPipeError):
            _write_nowhere()
            sys.exit(READER_LEFT)
        except OSError as trouble:
            if trouble.errno not in _NO_ROOM or trouble.filename is not None:
                raise
            with contextlib.suppress(OSError):
                os.write(2, f"cannot write the output: {trouble.strerror}\n".encode())
            _write_nowhere()
            sys.exit(1)


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Print on standard output, or on standard error; nothing if that was closed before we began."""
    print(text, file=sys.stderr if err else sys.stdout, end=end)


def json_text(value: Any) -> str:
    """JSON for standard output: letters as they are where they can be shown, else with JSON's own escapes."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    return json.dumps(value, indent=2, ensure_ascii=encoding != "utf8")


def _escape_what_cannot_be_shown() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write_nowhere() -> None:
    """What is left in the buffers goes nowhere, or the interpreter would complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
