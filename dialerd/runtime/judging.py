"""Commands judged in their turn: to intents and an answer.

Never judges a command twice: a repeated id gets the first answer again and nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import BaseModel

from dialerd.campaigns.live import Live
from dialerd.control.commands import COMMANDS
from dialerd.control.permissions import allow
from dialerd.control.table import Decided, Who, find, parse, permit
from dialerd.model.errors import Refusal, StaleError
from dialerd.model.facts import Asked, Reported
from dialerd.model.intents import Answer, AnyIntent, Note

CHANGED_MEANWHILE = ""
"""No answer: what the store told has changed since, and the command is to be asked again."""


def accepted(id_: str, result: BaseModel) -> str:
    """The reply of a command that was carried out."""
    return _text({"id": id_, "ok": True, "result": result.model_dump(mode="json")})


def refused(id_: str, refusal: Refusal) -> str:
    """The reply of a command that was not."""
    return _text({"id": id_, "ok": False, "error": refusal.as_error()})


def _text(reply: dict[str, Any]) -> str:
    return msgspec.json.encode(reply, enc_hook=str).decode()


def same_command(known: tuple[str, str], command: str) -> str:
    """The first answer to a repeated id. Raises Refusal if the id was another command's: that one was not carried out."""
    if known[0] != command:
        raise Refusal("id_used", f"this id was given to {known[0]} before: a command needs an id of its own", "id")
    return known[1]


def judge_asked(live: Live, fact: Asked) -> Iterator[AnyIntent]:
    """What a command leads to, each to be applied before the next is asked for; the last one is its answer."""
    try:
        known = live.replies.get((fact.principal, fact.id))
        if known is not None:
            reply = same_command(known, fact.command)
        else:
            decided = _decide(live, fact)
            yield from decided.intents
            result = decided.result() if callable(decided.result) else decided.result
            reply = accepted(fact.id, result)
    except Refusal as refusal:
        reply = refused(fact.id, refusal)
    except StaleError:
        reply = CHANGED_MEANWHILE
    yield Answer(fact.principal, fact.id, fact.command, reply)


def _decide(live: Live, fact: Asked) -> Decided:
    who = Who(fact.principal, frozenset(fact.roles))
    entry = find(COMMANDS, fact.command)
    permit(entry, who)
    if entry.judge is None:
        raise Refusal("unknown_command", f"{fact.command} is not judged in a turn", "command")
    args = parse(entry, fact.args)
    allow(live, who, entry, args)
    return entry.judge(live, who, args)


def judge_reported(live: Live, fact: Reported) -> Iterator[AnyIntent]:
    """A long command's end: its answer is kept, and who did it is noted."""
    if not fact.audited and (fact.principal, fact.id) not in live.replies:
        yield Note(fact.principal, fact.command, fact.subject)
    yield Answer(fact.principal, fact.id, fact.command, fact.reply)
