"""The words of notices in a letter: subject and text, in English and Vietnamese (C05).

Never lets a control character of a campaign's name or a person's note through to the subject or out of its own line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dialerd.campaigns.notices import CLOCK, CONFIGURATION
from dialerd.model.instants import local
from dialerd.model.mail_addresses import Language
from dialerd.model.notices import NoticeKind, NoticeRow

SHOWN = 50
"""Notices told one by one in a letter, the newest ones; those before them are only counted."""
_NAME_LONGEST = 120
_NOTE_LONGEST = 2000


class _Words(NamedTuple):
    headlines: Mapping[NoticeKind, str]
    created: Mapping[str, str]
    several: str
    several_of_one: str
    earlier: str
    campaign: str
    when: str
    by: str
    note: str
    reason: str
    nobody: Mapping[str, str]
    ending: str


_WORDS: Mapping[Language, _Words] = {
    "en": _Words(
        headlines={
            "created": "Campaign “{name}” was created",
            "approved": "Campaign “{name}” was approved",
            "rejected": "Campaign “{name}” was rejected",
            "paused": "Campaign “{name}” was paused",
            "resumed": "Campaign “{name}” goes on",
            "run_began": "Campaign “{name}” began to run",
            "run_ended": "Campaign “{name}” has ended",
            "no_provider": "Campaign “{name}” began with no active provider",
        },
        created={"pending": "It waits for approval.", "draft": "It is a draft."},
        several="{count} notices about campaigns",
        several_of_one="{count} notices about campaign “{name}”",
        earlier="{count} earlier notices are not shown.",
        campaign="Campaign",
        when="When",
        by="By",
        note="Note",
        reason="Reason",
        nobody={CLOCK: "dialerd, by the clock", CONFIGURATION: "the configuration"},
        ending="This letter was made by dialerd ({instance}). Answers to it are not read.",
    ),
    "vi": _Words(
        headlines={
            "created": "Chiến dịch “{name}” vừa được tạo",
            "approved": "Chiến dịch “{name}” đã được duyệt",
            "rejected": "Chiến dịch “{name}” đã bị từ chối",
            "paused": "Chiến dịch “{name}” đã tạm dừng",
            "resumed": "Chiến dịch “{name}” đã chạy tiếp",
            "run_began": "Chiến dịch “{name}” đã bắt đầu chạy",
            "run_ended": "Chiến dịch “{name}” đã kết thúc",
            "no_provider": "Chiến dịch “{name}” đã bắt đầu nhưng không có nhà cung cấp nào hoạt động",
        },
        created={"pending": "Chiến dịch đang chờ duyệt.", "draft": "Chiến dịch còn là bản nháp."},
        several="{count} thông báo về các chiến dịch",
        several_of_one="{count} thông báo về chiến dịch “{name}”",
        earlier="{count} thông báo trước đó không được hiển thị.",
        campaign="Mã chiến dịch",
        when="Thời gian",
        by="Người thực hiện",
        note="Ghi chú",
        reason="Lý do",
        nobody={CLOCK: "dialerd, theo lịch", CONFIGURATION: "tệp cấu hình"},
        ending="Thư này do dialerd ({instance}) gửi tự động. Vui lòng không trả lời.",
    ),
}


def subject(rows: Sequence[NoticeRow], language: Language, instance: str) -> str:
    """The subject of a letter with these notices, in one line."""
    words = _WORDS[language]
    names = {row.campaign: row.name for row in rows}
    name = one_line(next(reversed(names.values())), _NAME_LONGEST)
    several = words.several_of_one if len(names) == 1 else words.several
    headline = words.headlines[rows[0].kind] if len(rows) == 1 else several
    return f"[{instance}] {headline.format(name=name, count=len(rows))}"


def text(rows: Sequence[NoticeRow], language: Language, instance: str, zone: str) -> str:
    """The text of a letter with these notices, the oldest first; `zone`: IANA name of the zone its times are told in."""
    words = _WORDS[language]
    shown = rows[-SHOWN:]
    parts = [words.earlier.format(count=len(rows) - len(shown))] if len(rows) > len(shown) else []
    parts += [_one(row, words, zone) for row in shown]
    return "\n\n".join((*parts, words.ending.format(instance=instance))) + "\n"


def _one(row: NoticeRow, words: _Words, zone: str) -> str:
    lines = [words.headlines[row.kind].format(name=one_line(row.name, _NAME_LONGEST)) + "."]
    if row.kind == "created":
        lines[0] += f" {words.created[row.note]}" if row.note in words.created else ""
    lines += [
        f"  {words.campaign}: {row.campaign}",
        f"  {words.when}: {local(row.at, zone):%Y-%m-%d %H:%M:%S} ({zone})",
        f"  {words.by}: {words.nobody.get(row.by) or one_line(row.by, 100)}",
    ]
    if row.note and row.kind != "created":
        label = words.reason if row.kind in ("run_ended", "no_provider") else words.note
        first, *more = _lines(row.note, _NOTE_LONGEST)
        lines += [f"  {label}: {first}", *(f"    {line}" for line in more)]
    return "\n".join(lines)


def one_line(text: str, longest: int) -> str:
    """`text` without anything that could break a line, turn the writing round or be no character; cut at `longest`."""
    shown = " ".join("".join(_harmless(c) for c in text).split())
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def _lines(text: str, longest: int) -> list[str]:
    return [one_line(line, longest) for line in text[:longest].splitlines() if line.strip()] or [""]


def _harmless(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cs" | "Co" | "Cn":
            return "\N{REPLACEMENT CHARACTER}"
        case "Cf":
            return "" if character not in "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}" else character
        case _:
            return character
