"""Commands on scripts: what agents say and ask, and what they were answered in a call (C12).

Never keeps an answer to a question that the campaign's script does not ask.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns.days import today
from dialerd.campaigns.live import Live
from dialerd.campaigns.named import script_of
from dialerd.control.dispositions import subject
from dialerd.control.found_leads import OfContact, find_contact, must_be_his, the_contact
from dialerd.control.named_policies import commands_of
from dialerd.control.table import FLOOR_STAFF, Args, Command, Decided, Result, Who
from dialerd.model.answers import Script, read_answers
from dialerd.model.errors import Refusal
from dialerd.model.intents import KeepAnswers, Note
from dialerd.model.policies import Name


class Which(Args):
    """One script."""

    script: Name
    """What campaigns and commands call it."""


class Make(Which):
    """A new script."""

    content: dict[str, Any]
    """Its keys, as under `scripts` in the configuration."""


class Change(Which):
    """New values for some keys of a script."""

    content: dict[str, Any]
    """Only the keys to change; null takes a key back to its default."""


class Say(OfContact):
    """What a customer answered."""

    answers: dict[str, str] = Field(max_length=100)
    """Question's name to answer; an empty one takes back what was said before."""
    whole: bool = False
    """All required questions must be answered; else some may be open still."""


class Said(Result):
    """All answers of the call."""

    campaign: str
    lead: int
    call: str
    script: str
    answers: dict[str, str]
    open: list[str]
    """Required questions that have no answer yet."""


def _answer(live: Live, who: Who, args: Say) -> Decided:
    lead, call = the_contact(live, who, args)
    must_be_his(live, who, lead, call, "answer its script")
    if call is None:
        raise Refusal("illegal_state", "the lead was never called: answers are kept with a call", "call")
    policy = live.policies[lead.campaign]
    found = script_of(live, policy)
    if found is None:
        name = policy.script or "default"
        raise Refusal(
            "unknown_script", f"campaign {lead.campaign} has no script: there is none called {name}", "campaign"
        )
    name, script = found
    good = read_answers(script, args.answers, today(live, policy, live.now), partial=True)
    together = {key: text for key, text in {**call.answers, **good}.items() if text}
    still_open = [question.name for question in script.questions if question.required and question.name not in together]
    if args.whole and still_open:
        raise Refusal(
            "bad_argument", f"not answered yet: {', '.join(still_open)}", "answers", "every required question"
        )
    said = Said(campaign=lead.campaign, lead=lead.id, call=call.id, script=name, answers=together, open=still_open)
    if together == call.answers:
        return Decided(said)
    note = Note(who.principal, "lead.answer-script", subject(lead), f"{call.id}: {', '.join(good)}"[:1000])
    return Decided(said, (KeepAnswers(call.id, good), note))


COMMANDS: tuple[Command[Any], ...] = (
    *commands_of(
        "script",
        Script,
        Make,
        Change,
        Which,
        "content",
        lambda live: live.floor.scripts,
        lambda live: live.scripts,
    ),
    Command(
        "lead.answer-script",
        "Keep what a customer answered in a call",
        FLOOR_STAFF,
        Say,
        Said,
        "turn",
        judge=_answer,
        find=find_contact,
    ),
)
