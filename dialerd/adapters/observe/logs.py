"""Structured logs: structlog and orjson on stderr, one event a line, in JSON for the journal or plain for a terminal.

It must never print a secret, never let a value begin a line of its own, and never raise into the code that logs.
"""

from __future__ import annotations

import logging
import os
import sys
import textwrap
from collections.abc import Callable, MutableMapping
from typing import Literal, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from dialerd.adapters.observe.redaction import LONGEST_TEXT, Redaction

Format = Literal["json", "console"]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
FORMATS = ("json", "console")

LONGEST_LINE = 40_000
"""Bytes. journald cuts lines at 48 KiB (LineMax=), and what follows a cut would stand as a line of its own."""

_PRIORITY = {"debug": b"<7>", "info": b"<6>", "warning": b"<4>", "error": b"<3>", "critical": b"<2>"}
"""sd-daemon(3) prefixes: `journalctl -p err -u dialerd` works."""

Render = Callable[[EventDict], bytes]


class LineSink:
    """Where finished lines go. A stream that fails (full disk, closed pipe) costs lines, never a turn."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bytes = getattr(stream, "buffer", None)
        self.dropped = 0
        """Lines that could not be written since start."""

    def msg(self, line: bytes) -> None:
        """Write one line without its end."""
        try:
            if self._bytes is not None:
                self._bytes.write(line + b"\n")
                self._bytes.flush()
            else:
                self._stream.write(line.decode("utf-8", "replace") + "\n")
                self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self.dropped += 1

    debug = info = warning = error = critical = exception = fatal = warn = log = msg


class LibraryLines(logging.Handler):
    """Takes the stdlib log lines of libraries and writes them in the daemon's own form."""

    def __init__(self, sink: LineSink, formatter: logging.Formatter) -> None:
        super().__init__()
        self._sink = sink
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a library's wrong format string must not reach the code that logged
            plain = logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, "", None, None)
            plain.msg = f"{record.msg!s:.{LONGEST_TEXT}} (its arguments do not fit)"
            line = self.format(plain)
        self._sink.msg(line.encode("utf-8", "backslashreplace"))


def configure(level: str, fmt: Format, mask_numbers: bool, stream: TextIO | None = None) -> LineSink:
    """Set up logging for the process; may be called again (a reload changes the level at once).

    `level` is one of debug, info, warning, error, critical. Libraries are heard from `info` up, whatever the level:
    their debug lines carry payloads. `fmt` is json or console. `mask_numbers` leaves the last 3 digits of every phone
    number. `stream` is stderr if None. Returns the sink, whose `dropped` counts lines lost. Raises ValueError that
    names the field, what was found and what is allowed.
    """
    if level not in LEVELS:
        raise ValueError(f"log level: found {level!r}, allowed: {', '.join(LEVELS)}")
    if fmt not in FORMATS:
        raise ValueError(f"log format: found {fmt!r}, allowed: {', '.join(FORMATS)}")
    target = sys.stderr if stream is None else stream
    sink = LineSink(target)
    render = _console(_is_terminal(target)) if fmt == "console" else _json(_is_journal(target, os.environ))
    redact = _redact(Redaction(mask_numbers))
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _named,
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        redact,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, _rendered(render)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: sink,
        # Uncached, so that a new level reaches every logger that a module made when it was imported.
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *before],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _rendered_text(render)],
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LibraryLines)]:
        root.removeHandler(handler)
    root.addHandler(LibraryLines(sink, formatter))
    root.setLevel(max(LEVELS[level], logging.INFO))
    logging.captureWarnings(True)
    return sink


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger for one module; `name` stands in every line as `logger`. Safe to call before `configure`."""
    # `logger` itself is an argument of structlog's own; the step _named turns one into the other.
    return cast(FilteringBoundLogger, structlog.get_logger(logger_name=name))


def _named(_: object, __: str, event: EventDict) -> EventDict:
    if "logger_name" in event:
        event["logger"] = event.pop("logger_name")
    return event


def _redact(redaction: Redaction) -> Processor:
    def process(_: object, __: str, event: EventDict) -> EventDict:
        # Tracebacks alone may keep their line breaks: both renderers see to it that they cannot pass for log lines.
        long = {key: event.pop(key) for key in ("exception", "stack") if isinstance(event.get(key), str)}
        # _record is the stdlib's own; ProcessorFormatter takes it out again after this step.
        inner = {key: event.pop(key) for key in ("_record", "_from_structlog") if key in event}
        clean: MutableMapping[str, object] = dict(redaction.event(event))
        clean.update((key, redaction.traceback(text)) for key, text in long.items())
        clean.update(inner)
        return clean

    return process


def _ordered(event: EventDict) -> EventDict:
    first = {key: event.pop(key) for key in ("timestamp", "level", "logger", "event") if key in event}
    return {**first, **event}


def _json(to_journal: bool) -> Render:
    def render(event: EventDict) -> bytes:
        prefix = _PRIORITY.get(str(event.get("level")), b"<6>") if to_journal else b""
        ordered = _ordered(event)
        line = orjson.dumps(ordered)
        if len(line) > LONGEST_LINE:
            kept = {key: ordered[key] for key in ("timestamp", "level", "logger", "event") if key in ordered}
            line = orjson.dumps({**kept, "left_out": sorted(ordered.keys() - kept.keys()), "bytes": len(line)})
        return prefix + line

    return render


def _console(colors: bool) -> Render:
    renderer = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)

    def render(event: EventDict) -> bytes:
        for key in ("exception", "stack"):
            if key in event:
                event[key] = textwrap.indent(str(event[key]), "    | ", lambda _: True)
        return renderer(None, "", event).encode("utf-8", "backslashreplace")[:LONGEST_LINE]

    return render


def _rendered(render: Render) -> Processor:
    return lambda _, __, event: render(event)


def _rendered_text(render: Render) -> Processor:
    return lambda _, __, event: render(event).decode("utf-8")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _is_journal(stream: TextIO, env: MutableMapping[str, str]) -> bool:
    """True if `stream` is the socket systemd connected to the journal (JOURNAL_STREAM holds its device:inode)."""
    device, _, inode = env.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))
