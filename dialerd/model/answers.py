"""Scripts: the questions an agent asks in order, and how the answers of a call are read (C12).

Never keeps an answer to a question that the script does not ask, and never stops at the first one that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dialerd.model.faults import BadValues, fault
from dialerd.model.filled_in import read_filled_in
from dialerd.model.policy_words import Policy, some_lines
from dialerd.model.typed_values import LONGEST, Shown, TypedValue

MAX_QUESTIONS = 100
Words = Annotated[str, Field(max_length=4000), AfterValidator(some_lines)]


class Question(TypedValue):
    """One question of a script (C12)."""

    kind: Literal["text", "choice", "number", "date"] = "text"
    ask: Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(some_lines)]
    """What the agent asks."""
    hint: Words = ""
    """What he is told beside it."""


def _together(questions: list[Question]) -> list[Question]:
    seen: set[str] = set()
    for question in questions:
        if question.name.casefold() in seen:
            raise ValueError(f"{question.name} is the name of two questions; different names are needed")
        seen.add(question.name.casefold())
    return questions


class Script(Policy):
    """What an agent says and asks in a call (C12)."""

    name: Annotated[Shown, Field(min_length=1)]
    greeting: Words = ""
    """What he says first."""
    questions: Annotated[list[Question], Field(max_length=MAX_QUESTIONS), AfterValidator(_together)] = Field(
        default_factory=list
    )
    """In the order in which they are asked."""
    farewell: Words = ""
    """What he says last."""


def read_answers(script: Script, answers: Mapping[str, str], today: date, *, partial: bool = False) -> dict[str, str]:
    """The canonical texts of `answers` (question's name to text), in the order of the script's questions.

    An empty answer is none. `partial`: the call ended early or is still going on, so that required questions may be open; an
    empty answer then takes back what was said before and comes back empty.

    Raises BadValues with every fault at once; its `field` is `answers.<name>` of the first.
    """
    good, faults = read_filled_in(script.questions, answers, today, partial)
    asked = {question.name for question in script.questions}
    names = ", ".join(question.name for question in script.questions)[:500] or "none"
    faults += [fault(name, "", "the script has no such question", names) for name in answers if name not in asked]
    if faults:
        raise BadValues("answers", faults)
    return good
