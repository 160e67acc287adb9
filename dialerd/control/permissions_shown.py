"""The table of permissions as Markdown for docs/control.md (C04).

Never written by hand: every cell is read from `permissions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialerd.control.permissions import (
    CHANNELS,
    DELETABLE,
    EDITABLE,
    NEVER_ONCE_SENT,
    RULES,
    SCOPES,
    SEES,
    STATES,
    Rule,
    rules_of,
)
from dialerd.control.table import Command

_HEAD = """
## Who may do what

A command needs a role, and most are about a campaign: then it matters whose that is. Several roles add up. What somebody does not
see is answered as if it was not there (`unknown_campaign`), in lists, in counts and one by one; only a name that is taken
is refused to everybody (`exists`).
"""
_WHY = """
Why it is so:

* **The owner decides.** He alone approves and rejects, and what he paused stays paused until he resumes it.
* **Who launches a dialer can stop it.** An admin pauses and stops his own campaigns at once, whoever started them, and a
  supervisor whom a campaign names pauses it: complaints do not wait for an owner. But to resume is to launch, so both
  resume only what they paused themselves (or what the configuration paused). A supervisor of `supervisors: all` sees and
  edits and pauses nothing: nobody gave him that campaign.
* **A supervisor creates and edits, and cannot launch.** What he made an owner starts, or the admin in whose charge it is. Of a
  campaign that is there he cannot say whose it is (`supervisors`, `business.person_in_charge`), or he would name himself.
* **A campaign kept in the configuration belongs to nobody.** Whoever writes the configuration has approved it, so every admin may
  start, pause and stop it as his own. It is edited there and nowhere else (`from_file`), and deleted only after it was
  taken out there.
* **Of a message nothing is changed once it was sent**; a voice campaign may be edited while it runs (the audit trail has who and
  what). `description` and `business` stay open for good: what a campaign brought is known after its end.
* **Deleted** is for good: hidden from everybody, never dialed, its id never used again. Its leads are purged after
  `store.keep_deleted_days`; its audit is a record and stays. Only what never dialed or sent anything is deleted: a campaign that
  has called somebody is itself the record of it, and ends as `finished`.

On the bus the broker's ACL decides (config/mosquitto/acl). It knows nothing of campaigns: whoever may read `event/#` hears of all.
"""
ROLES = tuple(SEES)


def permissions_shown(entries: Sequence[Command[Any]]) -> str:
    """The section of the reference."""
    lines = [_HEAD, "| a role sees | |", "|---|---|"]
    lines += [f"| {role} | {SCOPES[scope]} |" for role, scope in SEES.items()]
    by_name = {entry.name: entry for entry in entries}
    lines += ["", f"| command | {' | '.join(ROLES)} |", f"|---{'|---' * len(ROLES)}|"]
    for name in RULES:
        rules = rules_of(by_name[name])
        lines.append(f"| `{name}` | {' | '.join(_cell(rules.get(role)) for role in ROLES)} |")
    lines += ["", "All other commands about a campaign: whoever has the role, for the campaigns that he sees.", ""]
    lines += ["| scope | |", "|---|---|", *(f"| {scope} | {words} |" for scope, words in SCOPES.items())]
    for verb, table, unsent in (("edited", EDITABLE, NEVER_ONCE_SENT), ("deleted", DELETABLE, CHANNELS)):
        lines += ["", f"| channel | may be {verb} while |", "|---|---|"]
        lines += [f"| {channel} | {_while(channel, table, unsent)} |" for channel in table]
    return "\n".join([*lines, _WHY])


def _cell(rule: Rule | None) -> str:
    if rule is None:
        return "–"
    limits = ["that he paused"] if rule.own_pause else []
    if rule.states is not None and rule.states is not EDITABLE and rule.states is not DELETABLE:
        limits.append(" or ".join(sorted(set().union(*rule.states.values()))))
    return ", ".join([rule.scope, *limits])


def _while(channel: str, table: Mapping[str, frozenset[str]], unsent: frozenset[str]) -> str:
    words = "in every state" if table[channel] == STATES else ", ".join(sorted(table[channel]))
    nothing = "nothing was dialed" if channel == "voice" else "nothing was sent"
    return words + (f", and {nothing}" if channel in unsent else "")
