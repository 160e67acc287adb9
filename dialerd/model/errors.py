"""The two kinds of trouble: our own mistakes, and what a stranger asks that cannot be done.

An oddity of the outside (a late, doubled or unknown fact) is neither: it is counted and passed by, never raised.
"""

from __future__ import annotations


class OurMistakeError(Exception):
    """An engine wanted something illegal in its state: the daemon stops, is started again, and recovers."""


class StaleError(Exception):
    """What the store told has changed since: it is asked again, and nobody is told."""


class Refusal(Exception):
    """A command that cannot be carried out, said in words for the one who gave it.

    `code` is one of the stable words of `docs/control.md`; `field` names the argument at fault; `allowed` what it may be.
    """

    def __init__(self, code: str, message: str, field: str | None = None, allowed: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.allowed = allowed

    def as_error(self) -> dict[str, object]:
        """The `error` object of a reply."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        if self.allowed is not None:
            error["allowed"] = self.allowed
        return error
