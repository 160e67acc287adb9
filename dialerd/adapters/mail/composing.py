"""A letter as the bytes that SMTP carries (RFC 5322, MIME), in ASCII whatever language it is in.

Never lets a value end its line of the head, and makes the same bytes of the same letter.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email.generator import BytesGenerator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO

from dialerd.ports.mailer import Letter

_ID = re.compile(r"[A-Za-z0-9.-]{1,128}")
_SUBJECT_LONGEST = 200
_PLACE = "here"
_WORD_LONGEST = 39
"""Bytes of one encoded word: with `Subject: ` before it the line keeps to 76."""


def composed(letter: Letter, sender: str, sender_name: str) -> bytes:
    """The letter from `sender` (an address); raises ValueError for an id, address or name that cannot stand in a head."""
    if not _ID.fullmatch(letter.id):
        raise ValueError(f"a letter's id is of A-Z a-z 0-9 . and -, found {letter.id[:40]!r}")
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    message["Date"] = datetime.fromtimestamp(letter.at, UTC).replace(microsecond=0)
    message["From"] = Address(sender_name, addr_spec=sender)
    message["To"] = Address(addr_spec=letter.to)
    subject = letter.subject[:_SUBJECT_LONGEST]
    message["Subject"] = subject if subject.isascii() else _PLACE
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, charset="utf-8", cte="quoted-printable")
    with BytesIO() as flat:
        BytesGenerator(flat, policy=SMTP).flatten(message)
        return flat.getvalue().replace(
            b"\r\nSubject: %b\r\n" % _PLACE.encode(), b"\r\nSubject: %b\r\n" % _in_words(subject), 1
        )


def _in_words(text: str) -> bytes:
    """Text as encoded words (RFC 2047), a line each. The library's own folding loses a space that stands between two words."""
    words: list[bytes] = []
    part = b""
    for one in text:
        character = one.encode()
        if len(part) + len(character) > _WORD_LONGEST:
            words.append(part)
            part = b""
        part += character
    return b"\r\n ".join(b"=?utf-8?b?%b?=" % base64.b64encode(word) for word in (*words, part))
