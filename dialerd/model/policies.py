"""What people decide: campaigns, schedules, servers, trunks, hotlines, agents, as checked values.

Never reads a file: YAML comes through `settings`, commands through `control`, and both are checked by these same models.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dialerd.model.answers import Script
from dialerd.model.business import Business
from dialerd.model.causes import OUTCOMES
from dialerd.model.dispositions import Disposition
from dialerd.model.lead_order import MAX_LISTS, ListName, Order, Share
from dialerd.model.limits import EVERY, Limits, channel_prefix, not_all
from dialerd.model.mail_addresses import Email, Language
from dialerd.model.phones import AS_DIALED
from dialerd.model.policy_words import NAME_PATTERN as NAME_PATTERN
from dialerd.model.policy_words import Line as Line
from dialerd.model.policy_words import Name as Name
from dialerd.model.policy_words import Policy as Policy
from dialerd.model.policy_words import Principal as Principal
from dialerd.model.policy_words import one_line, some_lines
from dialerd.model.purposes import PLAIN, Purpose
from dialerd.model.quotas import Quota
from dialerd.model.record_fields import Fields, Others
from dialerd.model.ways import Mode, Preview

Role: TypeAlias = Literal["owner", "admin", "supervisor", "agent", "ops"]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone; an IANA name such as Asia/Ho_Chi_Minh is allowed") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]


def _region(code: str) -> str:
    if code != AS_DIALED and code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("not a region; two letters such as VN or PL are allowed, or none for numbers kept as dialed")
    return code


Region = Annotated[str, AfterValidator(_region)]


def _moment(value: object) -> object:
    """An ISO date and time with an offset (or Z), as seconds since the epoch."""
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("not a moment; ISO 8601 such as 2026-11-21T08:00:00+07:00 is allowed") from None
        if at.tzinfo is None:
            raise ValueError("a moment needs its offset, such as 2026-11-21T08:00:00+07:00")
        try:
            return at.astimezone(UTC).timestamp()
        except OverflowError:
            raise ValueError("a moment from 1970 to 3000 is allowed") from None
    return value


Moment = Annotated[float, BeforeValidator(_moment), Field(ge=0, le=32503680000)]


def _span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError("not a span; HH:MM-HH:MM in 24 hours is allowed, such as 08:00-17:30")
    start = int(found[1]) * 60 + int(found[2])
    end = int(found[3]) * 60 + int(found[4])
    if end > 1440:
        raise ValueError("a day ends at 24:00")
    if start >= end:
        raise ValueError("a span ends after it starts; over midnight use two spans on two days")
    return text


Span = Annotated[str, AfterValidator(_span)]


def minutes(span: str) -> tuple[int, int]:
    """The start and end of a checked span, in minutes since midnight."""
    start, end = span.split("-")
    return int(start[:2]) * 60 + int(start[3:]), int(end[:2]) * 60 + int(end[3:])


class Schedule(Policy):
    """Working hours (C02): spans of each weekday in a time zone, and days without work."""

    time_zone: Zone
    week: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], list[Span]]
    """Weekday to spans such as 08:00-12:00; a day that is not named is closed."""
    holidays: list[date] = Field(default_factory=list)
    """Days (YYYY-MM-DD) on which nothing is dialed."""

    @model_validator(mode="after")
    def _no_overlap(self) -> Schedule:
        for day, spans in self.week.items():
            ordered = sorted(minutes(s) for s in spans)
            for (_, end), (start, _) in pairwise(ordered):
                if start < end:
                    raise ValueError(f"the spans of {day} overlap")
        return self


class Server(Policy):
    """One Asterisk, reached by AMI."""

    host: Line = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 5038
    username: Line = "dialerd"
    secret_file: Line | None = None
    """A file that holds the AMI secret; or name a systemd credential with secret_credential."""
    secret_credential: Name | None = None
    """The name of a systemd credential (LoadCredential=) that holds the AMI secret."""
    ping_s: Annotated[float, Field(ge=0.5, le=60)] = 5
    """Seconds between pings that find a half-open link."""


class Trunk(Policy):
    """Lines to a carrier on one server (V09)."""

    server: Name
    dial: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+/[^\s,;&|]*\{number\}[^\s,;&|]*$", max_length=200)]
    """Asterisk's dial string with {number} in it, such as PJSIP/{number}@carrier."""
    lines: Annotated[int, Field(ge=1, le=10000)] = 30
    """Simultaneous calls."""
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 5
    number_format: Literal["e164", "plain", "national"] = "plain"
    """e164: +84912345678; plain: 84912345678; national: 0912345678."""
    prefix: Annotated[str, Field(pattern=r"^[0-9*#]{0,16}$")] = ""
    """Digits put before every number."""
    ordinary_lines: Annotated[int, Field(ge=0, le=9999)] = 0
    """Lines that campaigns leave to ordinary calls, of people who call and are called."""
    count_ordinary: bool = False
    """Whether ordinary calls on it are counted on Asterisk; where they hold more than ordinary_lines, campaigns use fewer."""

    @model_validator(mode="after")
    def _lines_are_left(self) -> Trunk:
        if self.ordinary_lines >= self.lines:
            raise ValueError(f"ordinary_lines must be below lines, which is {self.lines}")
        if self.count_ordinary and not channel_prefix(self.dial):
            raise ValueError(
                "count_ordinary needs a dial string that names its endpoint, such as PJSIP/{number}@carrier or "
                "SIP/carrier/{number}; ordinary_lines is there for the others"
            )
        return self


class Hotline(Policy):
    """A caller id that customers see (V08)."""

    number: Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")]
    name: Annotated[str, Field(pattern=r'^[^"<>;\\\x00-\x1f\x7f]{0,60}$')] = ""
    """Shown beside the number; quotes, angle brackets, semicolon and backslash are not allowed."""


class Agent(Policy):
    """A person with a softphone (V10, V11)."""

    name: Line = ""
    phone: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+/[A-Za-z0-9_.@+-]{1,80}$")]
    """The softphone as Asterisk dials it, such as PJSIP/1001."""
    server: Name
    softphone: Literal["ring", "nailed_up"] = "ring"
    """ring: called for each customer. nailed_up: called once at log-in and bridged at once for the shift."""
    principal: Principal | None = None
    """Whose commands move this agent; the agent's own id if not given."""
    campaigns: list[Name] | Literal["all"] = "all"
    """The campaigns whose calls he takes; those that name their agents must name him too."""


class Person(Policy):
    """Somebody who gives commands, proven by the broker or by the local socket."""

    roles: Annotated[list[Role], Field(min_length=1)]
    email: Email | None = None
    """Where notices reach him by letter; empty: on the bus alone."""
    language: Language | None = None
    """Of his letters: en or vi; empty: mail.language."""


class Rest(Policy):
    """What comes after an attempt with one outcome (C10)."""

    again_after_min: Annotated[float, Field(ge=0, le=525600)] | None = None
    """Minutes of rest before the next attempt; empty: never again."""
    at_most: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Attempts with this outcome in a row after which the lead is not dialed again; empty: only max_attempts counts."""


def _rest(minutes_of_rest: float | None, at_most: int | None = None) -> Rest:
    return Rest(again_after_min=minutes_of_rest, at_most=at_most)


DEFAULT_REST: dict[str, Rest] = {
    "busy": _rest(15),
    "no_answer": _rest(180),
    "no_response": _rest(60),
    "hung_up": _rest(60),
    "abandoned": _rest(4320),
    "rejected": _rest(1440, 2),
    "unallocated": _rest(None),
    "changed": _rest(None),
    "bad_format": _rest(None),
    "absent": _rest(120),
    "no_route": _rest(15),
    "out_of_order": _rest(60),
    "congestion": _rest(5),
    "service_error": _rest(60),
    "unwanted": _rest(None),
    "unknown": _rest(30),
    "not_placed": _rest(1),
    "cancelled": _rest(5),
    "lost": _rest(30),
}
"""Rests by outcome where a campaign names none (rules.md 7); `abandoned` is 72 h, V14."""


def _known_outcomes(rests: dict[str, Rest]) -> dict[str, Rest]:
    for outcome in rests:
        if outcome not in DEFAULT_REST:
            allowed = ", ".join(o for o in OUTCOMES if o in DEFAULT_REST)
            raise ValueError(f"{outcome!r} is not an outcome; allowed: {allowed}")
    return rests


class Campaign(Policy):
    """A campaign's policy (C01, C02, C10, V03, V09): all that people set and may edit."""

    name: Annotated[str, AfterValidator(one_line), Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=4000), AfterValidator(some_lines)] = ""
    channel: Literal["voice"] = "voice"
    mode: Mode = "progressive"
    """How it dials. manual: the agent takes a lead and says when. preview: a lead is shown to a free agent and dialed by itself.
    progressive: one call for each ready agent, never more. predictive: as many as keep agents busy within max_abandon_rate.
    callback: as progressive, the agent's phone first, before all others."""
    preview: Preview = Preview()
    """How leads are shown in manual and preview mode."""
    starts_at: Moment | None = None
    """Not before this moment, even if started (ISO 8601 with offset)."""
    ends_at: Moment | None = None
    """It finishes at this moment even with leads left."""
    schedule: Name | None = None
    """The working hours; empty: always open."""
    trunks: Annotated[list[Name], Field(min_length=1)]
    """The trunks it may use, in order of preference."""
    hotlines: list[Name] = Field(default_factory=list)
    """Caller ids that its calls show; without any, and without a group, the trunk's own."""
    hotline_group: Name | None = None
    """A group of hotlines that they show too; all: every hotline of the house."""
    hotline_choice: Literal["in_turn", "random"] | None = None
    """Which of them a call shows; empty: in_turn, or random with a group."""
    agents: list[Name] = Field(default_factory=list)
    """The agents who take its calls; without any, and without a group, all whose own list of campaigns lets them."""
    agent_groups: list[Name] = Field(default_factory=list)
    """Groups of agents who take its calls too."""
    share: Annotated[float, Field(ge=0.01, le=1000)] = 1
    """Its weight among campaigns that share agents or lines: with 3 it places three calls where one with 1 places one."""
    region: Region = "VN"
    """Where numbers without a country code belong; none: numbers are kept as dialed."""
    migrate_2018: bool = False
    """Whether Vietnamese mobiles of eleven digits become those of 2018; one so old may have another owner by now."""
    fields: Fields = Field(default_factory=list)
    """The record's own fields, in the order in which people see them (C08)."""
    other_fields: Others = "keep"
    """Columns that are no field: kept as text, refused, or dropped."""
    time_zone: Zone | None = None
    """Where its days begin, for dates and quotas; empty: its schedule's, else UTC."""
    script: Name | None = None
    """What its agents say and ask; empty: the script called default, if there is one (C12)."""
    dispositions: list[Name] | Literal["all"] = "all"
    """What its agents may say of a contact (C13)."""
    dispose_within_min: Annotated[float, Field(ge=0, le=10080)] = 30
    """Minutes after a call in which its agent may still give or change its disposition and answers."""
    quota: Quota = Quota()
    """Leads that an agent is handed in a day (C11)."""
    lines: Annotated[int, Field(ge=1, le=10000)] | None = None
    """Simultaneous calls of this campaign; empty: the trunks' lines."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    tries_per_phone: Annotated[int, Field(ge=1, le=100)] = 1
    """Attempts in a row on one phone of a lead that has several; then his next one is dialed (C07)."""
    order: Order = Order()
    """In which order its leads are dialed."""
    lists: Annotated[dict[ListName, Share], Field(max_length=MAX_LISTS)] = Field(default_factory=dict)
    """Shares of its lists of leads: of 3 and 1, three leads of the one go before each of the other. A list that is not named
    has share 1; one with share 0 is paused."""
    rest: Annotated[dict[str, Rest], AfterValidator(_known_outcomes)] = Field(default_factory=dict)
    """Outcome to rest; outcomes not named take the defaults."""
    ring_s: Annotated[float, Field(ge=15, le=120)] = 30
    """Seconds a customer's phone rings; V14: at least 15."""
    max_wait_s: Annotated[float, Field(ge=0.5, le=300)] = 20
    """Seconds an answered customer may wait for an agent before the information message."""
    agent_ring_s: Annotated[float, Field(ge=3, le=120)] = 10
    """Seconds an agent's softphone rings before he is put not ready and the customer goes to the next agent."""
    wrap_up_s: Annotated[float, Field(ge=0, le=3600)] = 10
    """Seconds of rest for the agent after a call (C11)."""
    waiting_sound: Literal["music", "ringing", "silence"] = "music"
    drop_prompt: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$", max_length=120)] = ""
    """Sound played to a customer whom nobody can take; empty: none."""
    max_abandon_rate: Annotated[float, Field(gt=0, le=0.10)] = 0.03
    """Abandoned of all answered by a person; never above 0.10."""
    pack: Name = PLAIN
    """The rule pack whose legal rules it keeps, such as vn; plain: none."""
    purpose: Purpose = "marketing"
    """What its calls are for: rules differ by it."""
    finish_when_done: bool = False
    """Finish by itself when no lead can be dialed any more."""
    supervisors: list[Principal] | Literal["all"] = "all"
    """Who oversees it: see it, edit it; those who are named may pause it too. all: every supervisor sees and edits it."""
    business: Business = Business()
    account_manager: Literal["none", "on_contact"] = "none"
    """on_contact: the first agent who talks with a lead that has no account manager becomes it (C16)."""
    tickets: Literal["none", "each_call", "connected"] = "none"
    """A ticket when a call ends (C16): of each call that was placed, or only of those in which a customer was reached."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Campaign:
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    def people(self) -> list[tuple[tuple[str, ...], str]]:
        """The principals it names: (path of the key, name)."""
        named = [] if self.supervisors == "all" else self.supervisors
        found: list[tuple[tuple[str, ...], str]] = [(("supervisors", str(i)), one) for i, one in enumerate(named)]
        if self.business.person_in_charge is not None:
            found.append((("business", "person_in_charge"), self.business.person_in_charge))
        return found

    def rest_after(self, outcome: str) -> Rest:
        """The rest after an attempt with `outcome`."""
        return self.rest.get(outcome) or DEFAULT_REST.get(outcome) or _rest(None)


class Floor(Policy):
    """All that campaigns share: servers, trunks, hotlines, schedules, agents, people, and campaigns kept in files."""

    servers: dict[Name, Server] = Field(default_factory=dict)
    trunks: dict[Name, Trunk] = Field(default_factory=dict)
    hotlines: dict[Name, Hotline] = Field(default_factory=dict)
    hotline_groups: dict[Annotated[Name, AfterValidator(not_all)], Annotated[list[Name], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """Group to its hotlines (V08); `all` is every hotline there is and not a name for one."""
    limits: Limits = Limits()
    schedules: dict[Name, Schedule] = Field(default_factory=dict)
    scripts: dict[Name, Script] = Field(default_factory=dict)
    dispositions: dict[Name, Disposition] = Field(default_factory=dict)
    agents: dict[Name, Agent] = Field(default_factory=dict)
    agent_groups: dict[Name, list[Name]] = Field(default_factory=dict)
    """Group to its agents (C16)."""
    people: dict[Principal, Person] = Field(default_factory=dict)
    campaigns: dict[Name, Campaign] = Field(default_factory=dict)

    def counted_on(self, server: str) -> dict[str, str]:
        """The server's trunks on which ordinary calls are counted, and how the names of their channels begin (V09)."""
        return {
            name: channel_prefix(trunk.dial)
            for name, trunk in self.trunks.items()
            if trunk.server == server and trunk.count_ordinary
        }

    def unknown_names(self) -> list[tuple[tuple[str, ...], str, list[str]]]:
        """Names that point at nothing: (path of the key, what was found, what is allowed)."""
        wrong: list[tuple[tuple[str, ...], str, list[str]]] = []

        def need(path: tuple[str, ...], found: str, among: dict[str, Any]) -> None:
            if found not in among:
                wrong.append((path, found, sorted(among)))

        for key, trunk in self.trunks.items():
            need(("trunks", key, "server"), trunk.server, self.servers)
        for key, agent in self.agents.items():
            need(("agents", key, "server"), agent.server, self.servers)
        for key, group in self.hotline_groups.items():
            for i, hotline in enumerate(group):
                need(("hotline_groups", key, str(i)), hotline, self.hotlines)
        for key, group in self.agent_groups.items():
            for i, name in enumerate(group):
                need(("agent_groups", key, str(i)), name, self.agents)
        for key, campaign in self.campaigns.items():
            wrong += [(("campaigns", key, *path), found, allowed) for path, found, allowed in self.unknown_in(campaign)]
        return wrong

    def unknown_in(self, campaign: Campaign) -> list[tuple[tuple[str, ...], str, list[str]]]:
        """The same for one campaign."""
        wrong: list[tuple[tuple[str, ...], str, list[str]]] = []
        if campaign.schedule is not None and campaign.schedule not in self.schedules:
            wrong.append((("schedule",), campaign.schedule, sorted(self.schedules)))
        for i, trunk in enumerate(campaign.trunks):
            if trunk not in self.trunks:
                wrong.append((("trunks", str(i)), trunk, sorted(self.trunks)))
        for i, hotline in enumerate(campaign.hotlines):
            if hotline not in self.hotlines:
                wrong.append((("hotlines", str(i)), hotline, sorted(self.hotlines)))
        group = campaign.hotline_group
        if group is not None and group != EVERY and group not in self.hotline_groups:
            wrong.append((("hotline_group",), group, [EVERY, *sorted(self.hotline_groups)]))
        for i, agent in enumerate(campaign.agents):
            if agent not in self.agents:
                wrong.append((("agents", str(i)), agent, sorted(self.agents)))
        for i, one in enumerate(campaign.agent_groups):
            if one not in self.agent_groups:
                wrong.append((("agent_groups", str(i)), one, sorted(self.agent_groups)))
        return wrong
