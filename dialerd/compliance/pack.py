"""A rule pack: the legal rules of a country as data, each with its source, its date and how sure it is.

Never reads a file (`settings.packs` does), and never says what holds for a call: `judged_rules` picks, the gate judges.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias

import phonenumbers
from pydantic import AfterValidator, Field, model_validator

from dialerd.compliance.holiday_tables import known_calendar
from dialerd.model.causes import OUTCOMES
from dialerd.model.policies import Line, Name, Policy, Span, Zone, minutes
from dialerd.model.purposes import PURPOSES as PURPOSES
from dialerd.model.purposes import Purpose as Purpose

Channel: TypeAlias = Literal["voice", "sms", "email"]
Confidence: TypeAlias = Literal["high", "medium", "low"]
Event: TypeAlias = Literal["refusal", "conversation", "abandoned", "machine"]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CHANNELS: Final[tuple[Channel, ...]] = ("voice", "sms", "email")
NEVER_RANG: Final[tuple[str, ...]] = (
    "unallocated",
    "changed",
    "bad_format",
    "no_route",
    "out_of_order",
    "congestion",
    "service_error",
    "not_placed",
)
"""Outcomes of the network, with which no phone rang (rules.md 7). `absent` is not among them: carriers tell the called
party afterwards that somebody called. Neither are `cancelled` and `lost`: it may have rung."""
MESSAGE_OUTCOMES: Final[tuple[str, ...]] = ("not_sent",)
"""Outcomes that messages have besides those of calls."""


_PREFIX = re.compile(r"\+[1-9][0-9]{1,11}", re.ASCII)


def _country(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("not a country; two letters such as VN or PL are allowed")
    return code


def _calendar(code: str) -> str:
    if not known_calendar(code):
        raise ValueError("not a calendar of holidays; a country such as DE, or a part of one such as US-AL, is allowed")
    return code


def _outcome(name: str) -> str:
    if name not in OUTCOMES and name not in MESSAGE_OUTCOMES:
        raise ValueError(f"not an outcome; allowed: {', '.join((*OUTCOMES, *MESSAGE_OUTCOMES))}")
    return name


def _prefix(digits: str) -> str:
    if not _PREFIX.fullmatch(digits):
        raise ValueError("not the beginning of a number; + and the first 2 to 12 digits, such as +1305, are allowed")
    return digits


Text = Annotated[Line, Field(min_length=3)]
Country = Annotated[str, AfterValidator(_country)]
Calendar = Annotated[str, AfterValidator(_calendar)]
Prefix = Annotated[str, AfterValidator(_prefix)]


class Sourced(Policy):
    """What every rule says of itself."""

    source: Text
    """The law, or whoever says so."""
    as_of: date
    """The day on which somebody last looked it up."""
    confidence: Confidence
    note: Line = ""
    """A remark for people."""


class Duty(Sourced):
    """What the law asks for and dialerd cannot judge at the moment of dialing: people must see to it."""

    text: Text


class Rule(Sourced):
    """What every judged rule has: for which calls and messages it holds."""

    in_force: bool = True
    """false: kept for the record, and not judged."""
    channels: Annotated[list[Channel], Field(min_length=1)]
    purposes: list[Purpose] = Field(default_factory=list)
    """Empty: whatever the purpose."""
    areas: list[Name] = Field(default_factory=list)
    """Parts of the country, by their codes in `areas` of the pack; empty: everywhere."""
    unless_agreed: bool = False
    """Does not hold for a contact at a time that the called party asked for or agreed to."""

    def holds_for(self, channel: str, purpose: str) -> bool:
        """Whether it is judged for contacts of that channel and purpose, somewhere."""
        return self.in_force and channel in self.channels and (not self.purposes or purpose in self.purposes)


class Window(Rule):
    """Hours in which a contact may be made, on the wall clock of the called party."""

    week: dict[Weekday, list[Span]]
    """Weekday to spans such as 08:00-17:00; a day that is not named is closed."""
    holidays: list[Calendar] = Field(default_factory=list)
    """Calendars on whose public holidays it is closed, such as DE or US-AL."""

    @model_validator(mode="after")
    def _no_overlap(self) -> Window:
        for day, spans in self.week.items():
            for (_, end), (start, _) in pairwise(sorted(minutes(span) for span in spans)):
                if start < end:
                    raise ValueError(f"the spans of {day} overlap")
        return self


class AttemptLimit(Rule):
    """How many contacts one number may get within a time, over all campaigns. One of hours, days, months is given."""

    at_most: Annotated[int, Field(ge=1, le=1000)]
    hours: Annotated[float, Field(gt=0, le=8784)] | None = None
    """Within any stretch of so many hours."""
    days: Annotated[int, Field(ge=1, le=400)] | None = None
    """On so many calendar days in a row of the called party, today among them."""
    months: Annotated[int, Field(ge=1, le=12)] | None = None
    """In so many calendar months of the called party, this one among them."""
    counts: list[Channel] = Field(default_factory=list)
    """The channels whose contacts count; empty: those of `channels`."""

    @model_validator(mode="after")
    def _one_time(self) -> AttemptLimit:
        if sum(given is not None for given in (self.hours, self.days, self.months)) != 1:
            raise ValueError("not one time to count in; exactly one of hours, days and months is allowed")
        return self


class Lockout(Rule):
    """Silence after something happened with the number. One of hours, days, for_good is given."""

    after: Event
    hours: Annotated[float, Field(gt=0, le=8784)] | None = None
    days: Annotated[int, Field(ge=1, le=400)] | None = None
    """Calendar days of the called party."""
    first_day: Literal["event", "next"] = "event"
    """Whether the day of the event is the first of `days`, or the day after it."""
    for_good: bool = False
    unless_agent: bool = False
    """Does not hold for a call with an agent kept free for it."""

    @model_validator(mode="after")
    def _one_time(self) -> Lockout:
        if sum((self.hours is not None, self.days is not None, self.for_good)) != 1:
            raise ValueError("not one length of the silence; exactly one of hours, days and for_good is allowed")
        return self


class Ringing(Rule):
    """How long an unanswered call must ring before it is given up (V14)."""

    at_least_s: Annotated[float, Field(gt=0, le=120)]
    """Seconds."""


Term: TypeAlias = Literal[
    "abandoned",
    "connected",
    "hung_up",
    "machine_mistakes",
    "abandoned_machines",
    "connected_machines",
    "-abandoned_machines",
    "-connected_machines",
]
"""A number of `abandon_rule.Tally`; one with a minus is taken off."""


class AbandonRule(Rule):
    """How many answered calls may be abandoned, how that is counted, and what an abandoned customer must be told (V14)."""

    max_percent: Annotated[float, Field(gt=0, le=10)]
    """Of those counted by `out_of`, at most so many hundredths may be those counted by `counted`."""
    counted: Annotated[list[Term], Field(min_length=1)]
    out_of: Annotated[list[Term], Field(min_length=1)]
    measured: Literal["calendar_day", "blocks", "campaign"]
    """Each calendar day; blocks of so many days from the campaign's start, one after the other; or the whole campaign."""
    block_days: Annotated[int, Field(ge=1, le=400)] | None = None
    agent_within_s: Annotated[float, Field(gt=0, le=60)]
    """Seconds in which an agent must be given, or the call counts as abandoned."""
    clock: Literal["answer", "greeting_end"]
    """What these seconds count from: the called party's answer, or the end of his greeting."""
    message_within_s: Annotated[float, Field(gt=0, le=60)] | None = None
    """Seconds in which the information message must begin if there is no agent."""

    @model_validator(mode="after")
    def _blocks_have_days(self) -> AbandonRule:
        if (self.measured == "blocks") != (self.block_days is not None):
            raise ValueError("block_days does not go with measured; with blocks, and only then, block_days is allowed")
        return self


class Area(Policy):
    """A part of the country, told by the first digits of its numbers."""

    name: Text
    prefixes: Annotated[list[Prefix], Field(min_length=1)]


class HolidayChanges(Policy):
    """Corrections of the calendars, for days that a government moves."""

    add: list[date] = Field(default_factory=list)
    remove: list[date] = Field(default_factory=list)


class Pack(Policy):
    """All rules of one country, or an operator's version of them."""

    name: Name
    title: Text
    version: date
    countries: list[Country] = Field(default_factory=list)
    """Whose numbers it speaks about; others are refused. Empty: any number, whatever its form."""
    zone: Zone | None = None
    """Where calendar days of abandon rules begin; empty: UTC."""
    lead_zone: Literal["also", "instead"] = "also"
    """A zone known of the lead: it must be open there `also`, or it counts `instead` of the number's zones."""
    not_counted: list[Annotated[str, AfterValidator(_outcome)]] = Field(default_factory=lambda: list(NEVER_RANG))
    """Outcomes of contacts that no limit counts."""
    areas: dict[Name, Area] = Field(default_factory=dict)
    """Parts of the country that have rules of their own. A number in none of them is judged by the rules of all."""
    holidays: HolidayChanges = HolidayChanges()
    windows: dict[Name, Window] = Field(default_factory=dict)
    limits: dict[Name, AttemptLimit] = Field(default_factory=dict)
    lockouts: dict[Name, Lockout] = Field(default_factory=dict)
    ringing: dict[Name, Ringing] = Field(default_factory=dict)
    abandon: dict[Name, AbandonRule] = Field(default_factory=dict)
    duties: dict[Name, Duty] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self.version))

    def unknown_names(self) -> list[tuple[tuple[str, ...], str, list[str]]]:
        """Areas that point at nothing, and prefixes of two areas: (path of the key, what was found, what is allowed)."""
        wrong: list[tuple[tuple[str, ...], str, list[str]]] = []
        for section in SECTIONS:
            rules: dict[str, Rule] = getattr(self, section)
            for name, rule in rules.items():
                for i, area in enumerate(rule.areas):
                    if area not in self.areas:
                        wrong.append(((section, name, "areas", str(i)), area, sorted(self.areas)))
        first: dict[str, str] = {}
        for code, area_ in self.areas.items():
            for i, prefix in enumerate(area_.prefixes):
                if first.setdefault(prefix, code) != code:
                    found = f"{prefix}, which is in {first[prefix]} too"
                    wrong.append((("areas", code, "prefixes", str(i)), found, ["one area"]))
        return wrong


SECTIONS: Final[tuple[str, ...]] = ("windows", "limits", "lockouts", "ringing", "abandon")
"""The sections of a pack that hold judged rules."""
