"""How the rules of a pack judge a dossier: country, window, ringing time, limits, lockouts, abandon rate.

Never lets a contact through because something is not known: a rule that needs what the dossier lacks refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from dialerd.compliance.abandon_rule import is_within, rate
from dialerd.compliance.attempt_limits import full_until
from dialerd.compliance.calling_hours import Hours, WeekHours, all_open, hours_of, hours_of_schedule
from dialerd.compliance.dossier import Dossier
from dialerd.compliance.judged_rules import Case, case_of, reach_s
from dialerd.compliance.lockouts import silent_until
from dialerd.compliance.pack import AttemptLimit, Event, Lockout, Pack
from dialerd.compliance.verdict import Refused
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.policies import Schedule

RETRY_S = 60.0
"""Seconds until a lead is asked about again whose dossier lacked something."""
MISFIT_S = 3600.0
"""Seconds until a lead is asked about again whose number the pack does not speak about: somebody must change one of them."""
NEVER_S = 86400.0
"""Seconds until a lead is asked about again whose hours never open."""


EVENTS: Final[Mapping[Event, str]] = {
    "refusal": "a refusal",
    "conversation": "a conversation",
    "abandoned": "an abandoned call",
    "machine": "an answering machine",
}
"""What silences a number, in words."""


def judge_by_pack(asked: Dossier, now: Instant) -> Refused | None:
    """The first rule of the campaign's pack that refuses. A campaign without a pack is judged by nothing here."""
    for _, refused in answers_by_pack(asked, now):
        if refused is not None:
            return refused
    return None


def answers_by_pack(asked: Dossier, now: Instant) -> Iterator[tuple[str, Refused | None]]:
    """What each rule of the campaign's pack says, by its name: its refusal, or None. In the order in which they are asked."""
    if asked.pack is None:
        if asked.pack_name:
            unknown = f"the rule pack {asked.pack_name} is not known"
            yield asked.pack_name, Refused("rule_pack", unknown, now + RETRY_S)
        return
    pack = asked.pack
    case = _case(pack, asked)
    if case.trouble:
        yield pack.name, Refused("rule_pack", f"{pack.name}: {case.trouble}", now + MISFIT_S)
        return
    for judge in (_windows, _ringing, _limits_and_lockouts, _abandons):
        yield from judge(pack, case, asked, now)


def opens_at(
    pack: Pack,
    number: str,
    at: Instant,
    *,
    channel: str = "voice",
    purpose: str = "marketing",
    schedule: Schedule | None = None,
    zone: str | None = None,
    area: str | None = None,
    agreed: bool = False,
) -> Instant:
    """The first instant from `at` on at which the pack's windows for the number and the working hours are open; FAR: never.

    `zone` and `area` are what is known of the lead besides, as in the dossier.
    """
    hours = pack_hours(
        pack, number, at, channel=channel, purpose=purpose, schedule=schedule, zone=zone, area=area, agreed=agreed
    )
    return at if hours.open else hours.until


def pack_hours(
    pack: Pack,
    number: str,
    at: Instant,
    *,
    channel: str = "voice",
    purpose: str = "marketing",
    schedule: Schedule | None = None,
    zone: str | None = None,
    area: str | None = None,
    agreed: bool = False,
) -> Hours:
    """Whether the pack's windows for the number and the working hours are all open at `at`, and until when that stays so.

    A message must be delivered before `until`. A number that the pack does not speak about is closed for good.
    """
    case = case_of(pack, number, channel, purpose, zone, area)
    if case.trouble:
        return Hours(False, FAR)
    return all_open(_weeks(case, schedule, agreed), at)


def hours_of_dossier(asked: Dossier, at: Instant) -> Hours:
    """The same for a dossier, with or without a pack."""
    case = None if asked.pack is None else _case(asked.pack, asked)
    if case is None or case.trouble:
        return all_open(_weeks(None, asked.schedule, asked.agreed), at)
    return all_open(_weeks(case, asked.schedule, asked.agreed), at)


def opening(asked: Dossier, at: Instant, now: Instant) -> Instant:
    """When to ask again about a lead that could be called from `at` on, were it for hours alone."""
    hours = hours_of_dossier(asked, at)
    when = at if hours.open else hours.until
    return max(at, now + NEVER_S) if when >= FAR else when


def _case(pack: Pack, asked: Dossier) -> Case:
    return case_of(pack, asked.number, asked.channel, asked.purpose, asked.zone, asked.area)


def _weeks(case: Case | None, schedule: Schedule | None, agreed: bool) -> Iterator[tuple[WeekHours, str]]:
    if schedule is not None:
        yield hours_of_schedule(schedule), schedule.time_zone
    if case is not None:
        for _, window, hours in case.rules.windows:
            if not (agreed and window.unless_agreed):
                for zone in case.zones:
                    yield hours, zone


_Answers: TypeAlias = Iterator[tuple[str, Refused | None]]


def _windows(pack: Pack, case: Case, asked: Dossier, now: Instant) -> _Answers:
    for name, window, hours in case.rules.windows:
        closed = None
        if not (asked.agreed and window.unless_agreed):
            closed = next((zone for zone in case.zones if not hours_of(hours, zone, now).open), None)
        if closed is None:
            yield name, None
            continue
        opens = opening(asked, now, now)
        told = f"{pack.name}/{name}: closed for {asked.channel} in {closed}, open again at {iso(opens)}"
        yield name, Refused("calling_window", told, opens)


def _ringing(pack: Pack, case: Case, asked: Dossier, now: Instant) -> _Answers:
    for name, ringing in case.rules.ringing:
        if asked.channel == "voice" and asked.policy.ring_s < ringing.at_least_s:
            too_short = f"the campaign rings {asked.policy.ring_s:g} s, at least {ringing.at_least_s:g} s are needed"
            yield name, Refused("ringing_time", f"{pack.name}/{name}: {too_short}", now + RETRY_S)
        else:
            yield name, None


def _limits_and_lockouts(pack: Pack, case: Case, asked: Dossier, now: Instant) -> _Answers:
    limits = [(n, limit) for n, limit in case.rules.limits if not (asked.agreed and limit.unless_agreed)]
    locks = [
        (name, lock)
        for name, lock in case.rules.lockouts
        if not (asked.agreed and lock.unless_agreed) and not (asked.agent_guaranteed and lock.unless_agent)
    ]
    if not limits and not locks:
        return
    history = asked.history
    reach = max([reach_s(limit) for _, limit in limits] + [reach_s(lock) for _, lock in locks])
    if history is None or history.since > now - reach:
        missing = "is not known" if history is None else f"is known since {iso(history.since)} only"
        told = f"{pack.name}: what came before with this number {missing}"
        yield "history", Refused("history", told, now + RETRY_S)
        return
    for name, lock in locks:
        until = silent_until(lock, history, case.zones, now)
        yield name, None if until is None else _locked(pack, name, lock, asked, until, now)
    for name, limit in limits:
        until = full_until(limit, history.contacts, case.rules.not_counted, case.zones, now)
        yield name, None if until is None else _full(pack, name, limit, asked, until, now)


def _locked(pack: Pack, name: str, lock: Lockout, asked: Dossier, until: Instant, now: Instant) -> Refused:
    because = f"{pack.name}/{name}: no {asked.channel} after {EVENTS[lock.after]}"
    if until >= FAR:
        return Refused("lockout", f"{because}, for good", None)
    agent = " unless an agent is guaranteed" if lock.unless_agent else ""
    return Refused("lockout", f"{because} until {iso(until)}{agent}", opening(asked, until, now))


def _full(pack: Pack, name: str, limit: AttemptLimit, asked: Dossier, until: Instant, now: Instant) -> Refused:
    because = f"{pack.name}/{name}: at most {limit.at_most} in {time_of(limit)}, the next from {iso(until)}"
    return Refused("attempt_limit", because, opening(asked, until, now))


def _abandons(pack: Pack, case: Case, asked: Dossier, now: Instant) -> _Answers:
    if asked.agent_guaranteed or asked.channel != "voice":
        return
    for name, rule in case.rules.abandon:
        tally = None if asked.abandons is None else asked.abandons.get(name)
        if tally is None:
            unknown = f"{pack.name}/{name}: the abandon rate is not known"
            yield name, Refused("abandon_rate", unknown, now + RETRY_S)
        elif is_within(rule, tally):
            yield name, None
        else:
            found = rate(rule, tally)
            told = f"{found.abandoned:g} of {found.answered:g} abandoned, more than {rule.max_percent:g}%"
            because = f"{pack.name}/{name}: {told}, only with an agent kept free"
            yield name, Refused("abandon_rate", because, now + RETRY_S)


def time_of(limit: AttemptLimit) -> str:
    """The time that a limit counts in, in words."""
    if limit.hours is not None:
        return f"{limit.hours:g} h"
    number, unit = (limit.days, "day") if limit.days is not None else (limit.months or 0, "month")
    return f"{number} calendar {unit}{'' if number == 1 else 's'}"
