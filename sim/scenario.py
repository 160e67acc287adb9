"""A scenario: who lives on the street, how they behave, and the campaign that calls them, read from YAML and checked.

Never draws chance and never starts anything: a scenario is only what somebody wrote down.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from dialerd.model.facts import NewLead
from dialerd.model.phones import AS_DIALED
from dialerd.model.policies import (
    NAME_PATTERN,
    Agent,
    Campaign,
    Floor,
    Hotline,
    Moment,
    Name,
    Person,
    Policy,
    Schedule,
    Server,
    Trunk,
)
from sim.draws import Spread

SCENARIOS = Path(__file__).parent / "scenarios"
STREET = "street"
"""The name of the one server, and of the one trunk."""
OVERSEER = "overseer"
"""The principal of a floor made here who may do everything but work leads."""

_UNION_TAG = re.compile(r"[^A-Za-z0-9_]")  # pydantic names the branch of a union by its type, such as list[Step]

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=864000)]


class ScenarioError(Exception):
    """A scenario that cannot be played: one line for each fault, with key, what was found and what is allowed."""


class Step(Policy):
    """A value that holds from an hour on."""

    from_h: Annotated[float, Field(ge=0)]
    rate: Share


class Customers(Policy):
    """How those who are called behave; shares are of all calls, and what is left rings without an answer."""

    numbers: Literal["drawn", "scripted"] = "drawn"
    """scripted: a number `7 B RRR HHH xxx` says what happens to it, as on the rig of tests/asterisk (RRR and HHH in tenths
    of a second, +352 may stand before it); others are drawn. B is 0, 1: rings, answers after RRR, hangs up HHH later (000:
    never); 2: rings, response HHH after RRR; 3: answers after RRR without ringing; 4: rings for ever; 5: nothing at all;
    6, 7: answers after RRR and stays; 8: as 1, a machine (a person if the last digit is 1); 9: nothing but 100."""
    answer_rate: Share | Annotated[list[Step], Field(min_length=1)] = 0.4
    """Share that a person would pick up, given time; or steps by the hour."""
    machine: Share = 0.0
    busy: Share = 0.05
    rejected: Share = 0.02
    unallocated: Share = 0.02
    congestion: Share = 0.0
    out_of_order: Share = 0.0
    no_response: Share = 0.0
    """Not even ringing is heard."""
    setup: Spread = Spread(mean_s=1.5, cv=0.4)
    """From the INVITE to the first ring, or to a refusal."""
    pick_up: Spread = Spread(mean_s=9, cv=0.6)
    """From the first ring; a person slower than the daemon lets it ring is not reached."""
    machine_pick_up: Spread = Spread(mean_s=18, cv=0.2)
    patience: Spread = Spread(shape="exponential", mean_s=45)
    """How long a customer waits for an agent before he hangs up."""
    talk: Spread = Spread(mean_s=110, cv=0.9)
    machine_talk: Spread = Spread(mean_s=6, cv=0.5)
    """How long an agent talks to a machine before he notices."""
    hangs_up_first: Share = 0.6
    """Share of talks that the customer ends."""
    message_s: Seconds = 5
    """Length of the information message, if the campaign has one."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Customers:
        rates = [self.answer_rate] if isinstance(self.answer_rate, float) else [s.rate for s in self.answer_rate]
        others = (
            self.machine
            + self.busy
            + self.rejected
            + self.unallocated
            + self.congestion
            + self.out_of_order
            + self.no_response
        )
        if max(rates) + others > 1 + 1e-9:
            raise ValueError(f"the shares add up to {max(rates) + others:g}; at most 1 is allowed")
        if not isinstance(self.answer_rate, float):
            hours = [s.from_h for s in self.answer_rate]
            if hours[0] != 0 or hours != sorted(set(hours)):
                raise ValueError("the steps of answer_rate must begin at from_h 0 and go up")
        return self


class Agents(Policy):
    """How those who take calls behave."""

    count: Annotated[int, Field(ge=0, le=5000)] = 8
    first: Annotated[int, Field(ge=100, le=99999)] = 1001
    """The first agent's number; the others follow."""
    softphone: Literal["ring", "nailed_up"] = "ring"
    people: bool = True
    """They log in, take breaks and log out; false: only their phones are there, and always manned."""
    phones: Literal["drawn", "scripted"] = "drawn"
    """scripted: 10xx answer after 0.3 s, but ...9 rings for ever and ...8 is busy; 11xx answers after 2 s; 12xx hangs up 2 s
    after the answer; all others answer after 0.3 s."""
    sign_in_s: Seconds = 60
    """They log in spread evenly over so many seconds."""
    settle: Spread = Spread(mean_s=4, cv=0.4)
    """From the log-in, or from the nailed-up phone's first answer, to being ready."""
    pick_up: Spread = Spread(mean_s=2.5, cv=0.4, least_s=0.3)
    unanswered: Share = 0.0
    """Share of calls to his phone that an agent lets ring."""
    busy: Share = 0.0
    """Share of calls to his phone that find it busy."""
    back: Spread = Spread(mean_s=60, cv=0.5)
    """After a missed call or a lost phone, until he is ready again."""
    breaks_per_hour: Annotated[float, Field(ge=0, le=60)] = 0.0
    break_length: Spread = Spread(mean_s=300, cv=0.5)
    break_reasons: Annotated[tuple[str, ...], Field(min_length=1)] = ("break",)
    goodbye_s: Seconds = 5
    """If the agent is done and the line stays open, the customer hangs up so many seconds later."""

    def numbers(self) -> list[str]:
        """Each agent's number."""
        return [str(self.first + i) for i in range(self.count)]


class Leads(Policy):
    """The list that is called: so many numbers from the first one on, or the ones given, or scripts."""

    count: Annotated[int, Field(ge=0, le=2_000_000)] = 0
    first: Annotated[str, Field(pattern=r"^\+?[1-9][0-9]{5,14}$")] = "+84900000000"
    numbers: tuple[Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$")], ...] = ()
    scripts: dict[Annotated[str, Field(pattern=r"^(\+352)?7[0-9]{7}$")], Annotated[int, Field(ge=1, le=100_000)]] = (
        Field(default_factory=dict)
    )
    """`7BRRRHHH` to how many numbers of that script; they end in 001, 002 ..."""

    def phones(self) -> list[str]:
        """Every number, in the order of the list."""
        plus = "+" if self.first.startswith("+") else ""
        start = int(self.first)
        made = [f"{plus}{start + i}" for i in range(self.count)]
        made.extend(self.numbers)
        for script, count in self.scripts.items():
            made.extend(f"{script}{i:03d}" for i in range(1, count + 1))
        return made


class Outage(Policy):
    """A span in which no call can be made: the trunk is known to be dead."""

    from_s: Seconds
    until_s: Seconds

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Outage:
        if self.until_s <= self.from_s:
            raise ValueError(f"until_s must be after from_s ({self.from_s:g}), found {self.until_s:g}")
        return self


class Lines(Policy):
    """The carrier, and what the daemon is told of it."""

    limit: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Calls at once that the carrier takes; the next one gets congestion. Empty: any number."""
    calls_per_second: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """New calls in any second that the carrier takes; the next one gets congestion. Empty: any number."""
    outages: tuple[Outage, ...] = ()
    told_lines: Annotated[int, Field(ge=1, le=10_000)] = 30
    told_calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 10


class Scenario(Policy):
    """All of it."""

    name: Name
    about: str = ""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 1
    hours: Annotated[float, Field(gt=0, le=720)] = 1
    start: Moment = 1795395600.0  # 2026-11-23T08:00+07:00, a Monday
    agents: Agents = Agents()
    customers: Customers = Customers()
    leads: Leads = Leads()
    lines: Lines = Lines()
    schedules: dict[Name, Schedule] = Field(default_factory=dict)
    hotlines: dict[Name, Hotline] = Field(default_factory=dict)
    campaign: Campaign

    @model_validator(mode="before")
    @classmethod
    def _campaign_on_the_street(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("campaign", {}), dict):
            default = {"name": given.get("name", STREET), "trunks": [STREET]}
            return {**given, "campaign": {**default, **given.get("campaign", {})}}
        return given

    @model_validator(mode="after")
    def _names_are_known(self) -> Scenario:
        wrong = floor_of(self).unknown_names()
        if wrong:
            told = [
                f"{'.'.join(path)}: found {found!r}, allowed: {', '.join(allowed) or 'none'}"
                for path, found, allowed in wrong
            ]
            raise ValueError("; ".join(told))
        bare = [script for script in self.leads.scripts if not script.startswith("+")]
        if bare and self.campaign.region != AS_DIALED:
            raise ValueError(
                f"leads.scripts: found {bare[0]}, allowed: with +352 before it, or campaign.region {AS_DIALED} (numbers kept"
                f" as dialed) instead of {self.campaign.region}"
            )
        return self


def read_scenario(source: str | Path) -> Scenario:
    """The scenario of a file, or the one of that name under sim/scenarios. Raises ScenarioError."""
    path = Path(source)
    if isinstance(source, str) and re.match(NAME_PATTERN, source):
        path = SCENARIOS / f"{source}.yaml"
        if not path.is_file():
            raise ScenarioError(f"scenario: found {source!r}, allowed: {', '.join(scenario_names())}, or a YAML file")
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as trouble:
        raise ScenarioError(f"scenario: {path} cannot be read: {trouble}") from None
    return check_scenario(given)


def check_scenario(given: object) -> Scenario:
    """The scenario of a mapping. Raises ScenarioError."""
    if not isinstance(given, dict):
        raise ScenarioError(f"scenario: found {type(given).__name__}, allowed: a mapping of keys")
    try:
        return Scenario.model_validate(given)
    except ValidationError as trouble:
        lines = [_told(e["loc"], e["type"], e["msg"], e["input"]) for e in trouble.errors(include_url=False)]
        raise ScenarioError("\n".join(lines)) from None


def scenario_names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(p.stem for p in SCENARIOS.glob("*.yaml"))


def floor_of(scenario: Scenario, *, host: str = "127.0.0.1", port: int = 5038, secret_file: str | None = None) -> Floor:
    """The floor that a daemon needs to call this street: server and trunk `street`, agents, people, the campaign."""
    agents = {
        number: Agent(
            phone=f"PJSIP/{number}", server=STREET, softphone=scenario.agents.softphone, name=f"Agent {number}"
        )
        for number in scenario.agents.numbers()
    }
    people = {number: Person(roles=["agent"]) for number in agents}
    people[OVERSEER] = Person(roles=["owner", "admin", "supervisor", "ops"])
    trunk = Trunk(
        server=STREET,
        dial=f"PJSIP/{{number}}@{STREET}",
        lines=scenario.lines.told_lines,
        calls_per_second=scenario.lines.told_calls_per_second,
    )
    return Floor(
        servers={STREET: Server(host=host, port=port, secret_file=secret_file)},
        trunks={STREET: trunk},
        hotlines=scenario.hotlines,
        schedules=scenario.schedules,
        agents=agents,
        people=people,
        campaigns={scenario.name: scenario.campaign},
    )


def leads_of(scenario: Scenario) -> list[NewLead]:
    """The leads to import, with names to tell them apart."""
    return [NewLead(phone=phone, name=f"Customer {i}") for i, phone in enumerate(scenario.leads.phones(), 1)]


def _told(loc: tuple[int | str, ...], kind: str, message: str, found: object) -> str:
    path = ".".join(str(part) for part in loc if not _UNION_TAG.search(str(part))) or "scenario"
    message = message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{path}: unknown key; allowed: {', '.join(_keys_beside(loc))}"
    if kind == "missing":
        return f"{path}: missing; {message}"
    shown = "" if isinstance(found, (dict, BaseModel)) else f"found {found!r}, "
    return f"{path}: {shown}{message[0].lower()}{message[1:]}"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Scenario
    for part in loc[:-1]:
        field = model.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field is not None else None
        model = inner or model
    return sorted(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None
