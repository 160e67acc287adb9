"""Dispositions: what an agent says of a contact, and what that makes of the lead (C13).

Never silently leaves out what it asks for: an action that dialerd cannot do yet is refused when it is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, Field, model_validator

from dialerd.model.policy_words import Name, Policy
from dialerd.model.typed_values import Shown

Contact: TypeAlias = Literal["answered", "no_answer", "busy", "error", "sms", "email"]
"""What a contact came to, as far as dispositions tell it apart."""
CONTACTS: Final[tuple[str, ...]] = get_args(Contact)
BY_DEFAULT: Final[tuple[Contact, ...]] = ("answered",)
SuppressedOn: TypeAlias = Literal["voice", "sms", "email", "all"]
OfWhom: TypeAlias = Literal["own", "campaign"]
"""Which list of numbers: the house's own, which holds in all campaigns, or the campaign's."""

LATER: Final[Mapping[str, str]] = {"send_sms": "an SMS", "send_email": "an e-mail"}
"""Actions that come with the message module; until then a disposition with one is refused."""

_CONTACT_OF: Final[Mapping[str, Contact]] = {
    "connected": "answered",
    "abandoned": "answered",
    "hung_up": "answered",
    "busy": "busy",
    "rejected": "busy",
    "no_answer": "no_answer",
    "no_response": "no_answer",
    "absent": "no_answer",
    "cancelled": "no_answer",
}


def contact_of(outcome: str) -> Contact:
    """What a call that ended with `outcome` came to; `error` for all that is neither reached, unanswered nor busy."""
    return _CONTACT_OF.get(outcome, "error")


def _once(contacts: list[Contact]) -> list[Contact]:
    return list(dict.fromkeys(contacts))


class Disposition(Policy):
    """What an agent says of a contact (C13). One that neither closes nor asks for a recall is a remark: the lead stays as it is."""

    title: Annotated[Shown, Field(min_length=1)]
    """What people read."""
    recontact: bool = False
    """The lead is called again, at a time that is given or by recall_after_min."""
    closes: bool = False
    """The lead is not called back in this campaign."""
    success: bool = False
    """The aim was reached; it closes the lead too."""
    needs_no_call: bool = False
    """Whether it may be given without a call."""
    outcomes: Annotated[list[Contact], AfterValidator(_once), Field(min_length=1)] = Field(
        default_factory=lambda: list(BY_DEFAULT)
    )
    """The contacts it may be given for."""
    recall_after_min: Annotated[int, Field(ge=1, le=527040)] | None = None
    """Minutes after which the lead is called again by itself; empty: the agent gives the time."""
    recall_within_days: Annotated[int, Field(ge=1, le=366)] | None = None
    """The agent's time may be so many days ahead at most; empty: 366."""
    move_to: Name | None = None
    """A campaign that gets the lead as a new one; here it is closed."""
    blacklist: OfWhom | None = None
    """Puts all the lead's numbers on that list, for good."""
    blacklist_channel: SuppressedOn = "all"
    """What may not reach them any more."""
    not_again_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days in which nobody calls the lead: his numbers stand on a list for so long."""
    not_again_in: OfWhom = "campaign"
    """Which list that is."""
    refusal: bool = False
    """He does not want to be called: rule packs silence his numbers for it in all campaigns. blacklist and not_again_days
    mean it too, but beside success."""
    private: bool = False
    """From now on only one agent works the lead: the one who is named, or who talked with him."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_that_comes_later(cls, given: Any) -> Any:
        for key, what in LATER.items():
            if isinstance(given, Mapping) and given.get(key) is not None:
                raise ValueError(f"{key} is not available yet: {what} by a disposition comes with the message module")
        if isinstance(given, Mapping) and not given.keys().isdisjoint(LATER):
            return {key: value for key, value in given.items() if key not in LATER}
        return given

    @model_validator(mode="after")
    def _holds_together(self) -> Disposition:
        ends = [key for key in ("closes", "success", "blacklist") if getattr(self, key)]
        if self.recontact and ends:
            raise ValueError(f"recontact beside {ends[0]}; a lead is either called again or done with")
        if self.recontact and self.not_again_days is not None:
            raise ValueError("recontact beside not_again_days; a lead is either called again or left alone")
        for key in ("recall_after_min", "recall_within_days"):
            if getattr(self, key) is not None and not self.recontact:
                raise ValueError(f"{key} without recontact; recontact: true is needed")
        if self.private and (self.closes or self.success or self.blacklist):
            raise ValueError("private beside what closes the lead; nobody works it any more")
        return self

    @property
    def ends(self) -> bool:
        """Whether the lead is done with in its campaign."""
        return self.closes or self.success or self.blacklist is not None or self.move_to is not None

    @property
    def kind(self) -> str:
        """The kind of the lead table by which the lead is moved; empty: it stays as it is."""
        if self.blacklist is not None:
            return "block"
        if self.success:
            return "reached"
        if self.closes or self.move_to is not None:
            return "refused"
        if self.recontact:
            return "asked_back"
        return "rest" if self.not_again_days is not None else ""
