"""Where things are, as checked values: paths of files, names of hosts, ports.

Never looks whether anything is there.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

HOST_PATTERN = r"^[A-Za-z0-9_.:%-]{1,253}$"
Host = Annotated[str, Field(pattern=HOST_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _path(text: str) -> str:
    if not text:
        raise ValueError("the path of a file or folder is needed")
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError("control characters are not allowed")
    if text.startswith("~"):
        raise ValueError("~ is not replaced; a path from the root, or from the folder named in the sample, is allowed")
    if text.startswith((":", "file:")) or "://" in text:
        raise ValueError("not the path of a file; a plain path such as /var/lib/dialerd/dialerd.sqlite3 is allowed")
    return text


FilePath: TypeAlias = Annotated[str, AfterValidator(_path), Field(max_length=1024)]
