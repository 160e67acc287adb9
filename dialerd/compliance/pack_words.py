"""Rule packs in plain words, as Markdown: for docs/rules.md and for a lawyer to check.

Never written by hand: a test compares the file in docs with what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from dialerd.compliance.calling_hours import WEEKDAYS
from dialerd.compliance.pack import AbandonRule, AttemptLimit, Lockout, Pack, Ringing, Rule, Sourced, Window
from dialerd.compliance.pack_judgement import EVENTS, time_of

_HEAD = """# Rule packs

Made from the packs by `dialerd rules`; do not edit. Not legal advice: every rule names its source, the day on which somebody looked
it up and how sure that is, so that your lawyer can check and change it.

A campaign names its pack. The gate asks it at the moment of dialing, for calls and messages alike: what it refuses is kept with
the rule, the reason and the moment from which it may be tried again. What a rule needs and dialerd does not know, such as the
past of a number or its time zone, refuses too.

To change a rule, write a file of your own that says only what differs; its name without `.yaml` is the pack's name:

```yaml
extends: vn
title: Viet Nam, as our lawyer wants it
windows:
  ad-call-hours:
    week: {sun: []}
    source: our lawyer's letter
    as_of: 2026-11-21
```

A changed rule needs its own `source` and `as_of`; `in_force: false` puts one out of force and keeps it for the record.
"""
_TERMS = {
    "abandoned": "abandoned calls",
    "connected": "calls given to an agent in time",
    "hung_up": "persons who hung up before the time was over",
    "machine_mistakes": "persons taken for machines (estimate)",
    "abandoned_machines": "machines among the abandoned (estimate)",
    "connected_machines": "machines among the connected",
}


def document(packs: Iterable[Pack]) -> str:
    """All packs in one document."""
    return "\n".join((_HEAD, *(describe(pack) for pack in sorted(packs, key=lambda pack: pack.name))))


def describe(pack: Pack) -> str:
    """One pack in plain words."""
    lines = [f"## {pack.title} (`{pack.name}`, version {pack.version})", "", *_about(pack)]
    for heading, rules in (
        ("Rules", [*_rules(pack)]),
        ("For people to see to", [(name, duty.text, duty) for name, duty in pack.duties.items()]),
    ):
        if rules:
            lines += [f"### {heading}: {pack.title}", "", "| rule | what | source, as of, how sure |", "|---|---|---|"]
            lines += [f"| `{name}` | {_cell(words)} | {_cell(_source(rule))} |" for name, words, rule in rules]
            lines.append("")
    return "\n".join(lines)


def _about(pack: Pack) -> Iterator[str]:
    if not pack.countries:
        yield "Speaks about numbers of any country and form."
    else:
        yield f"Speaks about numbers of {', '.join(pack.countries)}; any other number is refused."
    if any(True for _ in _rules(pack)):
        yield "Hours and days are those of the called party's time zone. A number that may be in several must be within in all."
        if pack.lead_zone == "also":
            yield "Where the lead's own time zone is known, it must be within there too."
        else:
            yield "Where the lead's own time zone is known, it counts instead of the number's."
    if pack.limits:
        yield f"Limits count contacts over all campaigns, but not these outcomes: {', '.join(pack.not_counted) or 'none'}."
    if pack.holidays.add:
        yield f"Further holidays: {', '.join(map(str, pack.holidays.add))}."
    if pack.holidays.remove:
        yield f"No holidays: {', '.join(map(str, pack.holidays.remove))}."
    if pack.areas:
        yield f"Parts told by the first digits of a number: {', '.join(pack.areas)}."
        yield "A number in none of them keeps the rules of all."
    yield ""


def _rules(pack: Pack) -> Iterator[tuple[str, str, Rule]]:
    for name, window in pack.windows.items():
        yield name, _words(pack, window, _window(window)), window
    for name, limit in pack.limits.items():
        yield name, _words(pack, limit, _limit(limit)), limit
    for name, lock in pack.lockouts.items():
        yield name, _words(pack, lock, _lockout(lock)), lock
    for name, ringing in pack.ringing.items():
        yield name, _words(pack, ringing, _ringing(ringing)), ringing
    for name, rule in pack.abandon.items():
        yield name, _words(pack, rule, _abandon(pack, rule)), rule


def _words(pack: Pack, rule: Rule, what: str) -> str:
    who = ", ".join(rule.channels) + (f" for {', '.join(rule.purposes)}" if rule.purposes else "")
    where = f" in {', '.join(pack.areas[area].name for area in rule.areas)}" if rule.areas else ""
    unless = "; not at a time that the called party agreed to" if rule.unless_agreed else ""
    out = "" if rule.in_force else "NOT IN FORCE: "
    return f"{out}{who}{where}: {what}{unless}."


def _window(window: Window) -> str:
    days = [(day, ", ".join(window.week.get(day, ())) or "closed") for day in WEEKDAYS]  # type: ignore[call-overload]
    parts = []
    for spans, run in groupby(days, key=lambda pair: pair[1]):
        names = [day for day, _ in run]
        parts.append(f"{names[0]}{f' to {names[-1]}' if len(names) > 1 else ''} {spans}")
    holidays = f"; closed on the holidays of {', '.join(window.holidays)}" if window.holidays else ""
    return "; ".join(parts) + holidays


def _limit(limit: AttemptLimit) -> str:
    counted = f", counting {' and '.join(limit.counts)}" if limit.counts else ""
    return f"at most {limit.at_most} in {time_of(limit)} to one number{counted}"


def _lockout(lock: Lockout) -> str:
    if lock.for_good:
        length = "for good"
    elif lock.hours is not None:
        length = f"for {lock.hours:g} h"
    else:
        first = "the day itself" if lock.first_day == "event" else "the day after"
        length = f"for {lock.days} calendar days, {first} being the first"
    return f"silence after {EVENTS[lock.after]} {length}" + (
        ", unless an agent is guaranteed" if lock.unless_agent else ""
    )


def _ringing(ringing: Ringing) -> str:
    return f"an unanswered call rings at least {ringing.at_least_s:g} s"


def _abandon(pack: Pack, rule: AbandonRule) -> str:
    when = {
        "calendar_day": f"each calendar day ({pack.zone or 'UTC'})",
        "blocks": f"each block of {rule.block_days} days from the campaign's start",
        "campaign": "the whole campaign",
    }[rule.measured]
    clock = {"answer": "the answer", "greeting_end": "the end of the greeting"}[rule.clock]
    message = "" if rule.message_within_s is None else f"; the message begins within {rule.message_within_s:g} s"
    return (
        f"at most {rule.max_percent:g}% abandoned in {when}, no agent within {rule.agent_within_s:g} s of {clock} being "
        f"abandoned: ({_formula(rule.counted)}) out of ({_formula(rule.out_of)}){message}"
    )


def _formula(terms: Sequence[str]) -> str:
    told = [f"{'less' if term.startswith('-') else 'plus'} {_TERMS[term.removeprefix('-')]}" for term in terms]
    return " ".join(told).removeprefix("plus ")


def _source(rule: Sourced) -> str:
    note = f". {rule.note}" if rule.note else ""
    return f"{rule.source}; {rule.as_of}; {rule.confidence}{note}"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
