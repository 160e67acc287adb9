"""Commands judged in their turn: to intents and an answer.

Never judges a command twice: a repeated id gets the first answer again and nothing is done.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel

from dialerd.campaigns.live import Live
from dialerd.control.commands import COMMANDS
from dialerd.control.table import Who, find, parse, permit
from dialerd.model.errors import Refusal
from dialerd.model.facts import Asked, Reported
from dialerd.model.intents import Answer, AnyIntent, Note


def accepted(id_: str, result: BaseModel) -> str:
    """The reply of a command that was carried out."""
    return _text({"id": id_, "ok": True, "result": result.model_dump(mode="json")})


def refused(id_: str, refusal: Refusal) -> str:
    """The reply of a command that was not."""
    return _text({"id": id_, "ok": False, "error": refusal.as_error()})


def _text(reply: dict[str, Any]) -> str:
    return msgspec.json.encode(reply, enc_hook=str).decode()


def judge_asked(live: Live, fact: Asked) -> tuple[AnyIntent, ...]:
    """What a command leads to; the last intent is its answer."""
    known = live.replies.get((fact.principal, fact.id))
    if known is not None:
        return (Answer(fact.principal, fact.id, known),)
    who = Who(fact.principal, frozenset(fact.roles))
    try:
        entry = find(COMMANDS, fact.command)
        permit(entry, who)
        if entry.judge is None:
            raise Refusal("unknown_command", f"{fact.command} is not judged in a turn", "command")
        decided = entry.judge(live, who, parse(entry, fact.args))
    except Refusal as refusal:
        return (Answer(fact.principal, fact.id, refused(fact.id, refusal)),)
    return (*decided.intents, Answer(fact.principal, fact.id, accepted(fact.id, decided.result)))


def judge_reported(live: Live, fact: Reported) -> tuple[AnyIntent, ...]:
    """A long command's end: its answer is kept, and who did it is noted."""
    if (fact.principal, fact.id) in live.replies:
        return (Answer(fact.principal, fact.id, live.replies[fact.principal, fact.id]),)
    return (Note(fact.principal, fact.command, fact.subject), Answer(fact.principal, fact.id, fact.reply))
