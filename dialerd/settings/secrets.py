"""Secrets: one line out of a file or a systemd credential (O04).

Never shows a secret, nor a piece of one, in an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from dialerd.model.wording import clean
from dialerd.settings.files import Unreadable, read_bytes

LONGEST = 4096
"""Bytes a secret may have."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")


class NoSecret(Exception):
    """A secret that cannot be had: `found` and `allowed` say why, without a piece of it."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(f"found {found}, allowed: {allowed}")
        self.found = found
        self.allowed = allowed


def secret_path(file: str | None, credential: str | None, env: Mapping[str, str], base: Path) -> Path:
    """Where a secret is: `file` (from `base` if it is relative), or `credential` in $CREDENTIALS_DIRECTORY.

    Raises NoSecret if neither or both are given, or the credential cannot be.
    """
    if file is not None and credential is not None:
        raise NoSecret("a secret file and a credential", "only one of the two")
    if file is not None:
        return base / file
    if credential is None:
        raise NoSecret("neither a secret file nor a credential", "one of the two")
    if not _CREDENTIAL.fullmatch(credential):
        raise NoSecret("a strange credential name", "letters, digits, _ . and -")
    folder = env.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise NoSecret("no $CREDENTIALS_DIRECTORY", f"LoadCredential={credential}:... in the systemd unit, or a file")
    return Path(folder) / credential


def secret(file: str | None, credential: str | None, env: Mapping[str, str], base: Path) -> str:
    """The secret in `file` (from `base` if it is relative) or in the systemd credential, without one newline at its end.

    Raises NoSecret: neither or both given, unreadable, empty, too long, not UTF-8, or with control characters in it.
    """
    path = secret_path(file, credential, env, base)
    # The name is not shown: a password written into secret_file by mistake would be.
    where = clean(os.path.dirname(path) or ".", 200)
    try:
        content = read_bytes(path, LONGEST)
    except Unreadable as trouble:
        raise NoSecret(f"{trouble} (in {where})", "a file that holds the secret") from None
    if len(content) > LONGEST:
        raise NoSecret(f"more than {LONGEST} bytes", "one line")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise NoSecret("bytes that are no UTF-8", "text") from None
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\r\n") else text.removesuffix("\n")
    if not text:
        raise NoSecret("an empty file", "a file that holds the secret")
    if _CONTROL.search(text):
        raise NoSecret("control characters or several lines", "one line of printable text")
    return text
