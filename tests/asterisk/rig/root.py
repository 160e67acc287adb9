"""The Asterisk root: where it is, and the words that start the Asterisk in it.

Never makes one: that takes the network and half a minute, and belongs to `make asterisk-root`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SUITES = {"sid": 22, "bullseye": 16}
"""Debian suites that can be had, and the Asterisk in each."""


class RigError(RuntimeError):
    """The rig cannot do what was asked; the text says what is missing and what helps."""


@dataclass(frozen=True, slots=True)
class AsteriskRoot:
    """A directory with a whole Asterisk, made by rig/root.sh."""

    directory: Path
    suite: str
    version: str
    modules: Path
    argv: tuple[str, ...]

    @property
    def sounds(self) -> Path:
        return self.directory / "usr/share/asterisk/sounds/en_US_f_Allison"

    @property
    def documentation(self) -> Path:
        return self.directory / "usr/share/asterisk/documentation"


def wanted_suite() -> str:
    """The suite the tests are to run on: DIALERD_TEST_ASTERISK_SUITE, or sid."""
    return os.environ.get("DIALERD_TEST_ASTERISK_SUITE") or "sid"


def root_directory(suite: str) -> Path:
    """Where the root of `suite` is kept; rig/root.sh uses the same rule. Raises RigError for an unknown suite."""
    if suite not in SUITES:
        raise RigError(f"DIALERD_TEST_ASTERISK_SUITE: {suite!r} is not known; allowed: {', '.join(SUITES)}")
    named = os.environ.get("DIALERD_ASTERISK_ROOT")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    base = Path(named) if named else cache / "dialerd/asterisk-root"
    return base if suite == "sid" else base.with_name(f"{base.name}-{suite}")


def find_root(suite: str) -> AsteriskRoot:
    """The root of `suite`. Raises RigError when it was not made."""
    directory = root_directory(suite)
    stamp = directory / ".dialerd-root"
    if not stamp.exists():
        hint = "make asterisk-root" if suite == "sid" else f"scripts/asterisk-root {suite}"
        raise RigError(
            f"there is no Asterisk of suite {suite} in {directory}: `{hint}` makes it (no root rights needed)"
        )
    facts = dict(line.split("=", 1) for line in stamp.read_text().splitlines() if "=" in line)
    libraries = ":".join(str(directory / part) for part in facts["libraries"].split(":"))
    return AsteriskRoot(
        directory=directory,
        suite=facts["suite"],
        version=facts["version"],
        modules=directory / facts["modules"],
        # The root's own ld.so: this machine's libc plays no part.
        argv=(
            str(directory / facts["loader"]),
            "--library-path",
            libraries,
            str(directory / "usr/sbin/asterisk"),
        ),
    )
