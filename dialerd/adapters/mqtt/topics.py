"""The topic tree of one daemon: how a topic is read, and how one is built from names and ids.

Must never put a stranger's character into a topic unchanged, nor answer into the topics of another principal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

NAME_ALLOWED = "1 to 64 of A-Z a-z 0-9 _ . @ -"

Tail = str | tuple[str, ...]
"""What follows `event/` or `state/`: a text with `/` between its levels, or the levels themselves."""

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_WORD = re.compile(r"[a-z][a-z0-9-]{0,31}")
_RESPONSE_TAIL = re.compile(r"[A-Za-z0-9_.:@~%-]+(?:/[A-Za-z0-9_.:@~%-]+){0,7}")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@~-")
_LEVEL_LIMIT = 512
_RESPONSE_LIMIT = 1024
_LEVELS = 8


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """What a topic under `cmd/` says: who (proven by the broker's ACL) and which command, or why it says nothing.

    `principal` is None when the topic names nobody who could be answered; `command` is None when `fault` is set.
    """

    principal: str | None
    command: str | None
    fault: str | None


def is_name(text: str) -> bool:
    """Whether `text` may stand for an instance or a principal in a topic (and in an ACL pattern)."""
    return _NAME.fullmatch(text) is not None


def level(text: str) -> str:
    """One level of a topic made of any text: `/`, `+`, `#`, NUL, `%` and all that is not plain ASCII become %XX.

    Two different texts never give the same level; a level is never empty and never longer than 512 characters.
    """
    if not text:
        return "%"
    raw = text.encode("utf-8", "surrogatepass")
    coded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)
    if len(coded) <= _LEVEL_LIMIT:
        return coded
    return f"{coded[:400]}%%{sha256(raw).hexdigest()}"


def tail_text(tail: Tail) -> str:
    """The tail of a topic, made harmless: 1 to 8 levels.

    In a text `/` divides levels (from the eighth on it is coded); in a tuple each item is one level, whatever it
    holds: `("call", "7/8", "ended")` is `call/7%2F8/ended`.
    """
    levels = tail.split("/", _LEVELS - 1) if isinstance(tail, str) else tail
    if len(levels) > _LEVELS:
        levels = (*levels[: _LEVELS - 1], "/".join(levels[_LEVELS - 1 :]))
    return "/".join(level(one) for one in levels) or "%"


class Topics:
    """All topics of the daemon called `instance`; raises ValueError when that name is not fit for a topic."""

    def __init__(self, instance: str) -> None:
        if not is_name(instance):
            raise ValueError(f"instance: {instance!r:.80} is not a name: allowed are {NAME_ALLOWED}")
        self.root = f"dialerd/{instance}"
        self.commands = f"{self.root}/cmd/#"
        self.state_prefix = f"{self.root}/state/"
        self._command_prefix = f"{self.root}/cmd/"

    def event(self, tail: Tail) -> str:
        """`event/<resource>/<id>/<what>`; `tail` begins at the resource."""
        return f"{self.root}/event/{tail_text(tail)}"

    def state(self, tail: Tail) -> str:
        """`state/<resource>/<id>`; `tail` begins at the resource."""
        return f"{self.root}/state/{tail_text(tail)}"

    def reply(self, principal: str, request_id: str) -> str:
        """Where the answer goes when the request names no fitting response topic."""
        return f"{self.root}/reply/{principal}/{level(request_id)}"

    def response_allowed(self, principal: str) -> str:
        """The rule for response topics of `principal`, in words for an error reply."""
        return f"{self.root}/reply/{principal}/ and 1 to 8 levels of A-Z a-z 0-9 _ . : @ ~ % -"

    def may_respond(self, principal: str, response_topic: str) -> bool:
        """Whether `principal` may ask for its answer in `response_topic`.

        Only under `reply/<principal>/` of this very instance: the ACL lets nobody else read there, and the daemon,
        which may write all replies, cannot be used to write where the asker itself may not.
        """
        prefix = f"{self.root}/reply/{principal}/"
        if not response_topic.startswith(prefix) or len(response_topic) > _RESPONSE_LIMIT:
            return False
        return _RESPONSE_TAIL.fullmatch(response_topic, len(prefix)) is not None

    def read_command(self, topic: str) -> CommandTopic:
        """Reads `cmd/<principal>/<resource>/<verb>`; never raises."""
        if not topic.startswith(self._command_prefix):
            return CommandTopic(None, None, "the topic is not under cmd/")
        levels = topic[len(self._command_prefix) :].split("/")
        principal = levels[0]
        if not is_name(principal):
            return CommandTopic(None, None, f"the principal in the topic must be {NAME_ALLOWED}")
        if len(levels) != 3:
            return CommandTopic(principal, None, f"found {len(levels) - 1} levels after the principal")
        resource, verb = levels[1], levels[2]
        for what, word in (("resource", resource), ("verb", verb)):
            if _WORD.fullmatch(word) is None:
                return CommandTopic(principal, None, f"{what} {word!r:.40} is not a word")
        return CommandTopic(principal, f"{resource}.{verb}", None)
