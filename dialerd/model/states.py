"""What may happen to a call, an agent, a campaign and a lead: four tables, state x kind -> state.

Never holds an instance's state or decides anything: diagrams (`docs/states.md`) and the exhaustive tests are made from here.
"""

from __future__ import annotations

from collections.abc import Mapping

Table = Mapping[str, Mapping[str, str]]

# A customer's leg. `dropping`: sent to the information message. `ended` is final.
CALL: Table = {
    "dialing": {
        "ringing": "ringing",
        "answered": "answered",
        "waiting": "waiting",
        "bridged": "talking",
        "left": "dropping",
        "ended": "ended",
    },
    "ringing": {
        "answered": "answered",
        "waiting": "waiting",
        "bridged": "talking",
        "left": "dropping",
        "ended": "ended",
    },
    "answered": {"waiting": "waiting", "bridged": "talking", "drop": "dropping", "left": "dropping", "ended": "ended"},
    "waiting": {
        "offer": "offered",
        "connect": "connecting",
        "bridged": "talking",
        "drop": "dropping",
        "left": "dropping",
        "ended": "ended",
    },
    "offered": {
        "offer_failed": "waiting",
        "connect": "connecting",
        "bridged": "talking",
        "drop": "dropping",
        "left": "dropping",
        "ended": "ended",
    },
    "connecting": {
        "bridged": "talking",
        "connect_failed": "waiting",
        "drop": "dropping",
        "left": "dropping",
        "ended": "ended",
    },
    "talking": {"left": "talking", "ended": "ended"},
    "dropping": {"left": "dropping", "bridged": "talking", "ended": "ended"},
    "ended": {},
}

# An agent (V10). `connecting`: the nailed-up softphone is being called for the shift.
AGENT: Table = {
    "logged_out": {"login": "not_ready", "login_nailed_up": "connecting"},
    "connecting": {
        "phone_idle": "not_ready",
        "phone_lost": "not_ready",
        "logout": "logged_out",
    },
    "not_ready": {
        "ready": "ready",
        "connect_phone": "connecting",
        "not_ready": "not_ready",
        "phone_lost": "not_ready",
        "logout": "logged_out",
        "bridged": "on_call",
    },
    "ready": {
        "ready": "ready",
        "not_ready": "not_ready",
        "offer": "ringing",
        "connect": "ringing",
        "bridged": "on_call",
        "phone_lost": "not_ready",
        "connect_phone": "connecting",
        "logout": "logged_out",
    },
    "ringing": {
        "offer_failed": "not_ready",
        "withdrawn": "ready",
        "connect": "ringing",
        "bridged": "on_call",
        "phone_lost": "not_ready",
        "logout": "logged_out",
    },
    "on_call": {"call_ended": "wrap_up", "phone_lost": "wrap_up"},
    "wrap_up": {
        "wrap_over": "ready",
        "ready": "ready",
        "not_ready": "not_ready",
        "phone_lost": "not_ready",
        "connect_phone": "connecting",
        "logout": "logged_out",
    },
}

# A campaign (C03). Moves made by a person: all but `began` and `ended`, which the clock makes.
CAMPAIGN: Table = {
    "draft": {"submit": "pending"},
    "pending": {"approve": "approved", "reject": "rejected"},
    "rejected": {"submit": "pending"},
    "approved": {"start": "scheduled", "stop": "finished"},
    "scheduled": {"began": "running", "pause": "paused", "stop": "finished", "ended": "finished"},
    "running": {"pause": "paused", "stop": "finished", "ended": "finished"},
    "paused": {"resume": "scheduled", "stop": "finished", "ended": "finished"},
    "finished": {"start": "scheduled"},
}

# A lead (C09). Outcomes of attempts move it out of `in_progress`; the rest are moves by people and rules.
_AFTER_CALL = {
    "reached": "succeeded",
    "unreached": "retry",
    "used_up": "exhausted",
    "bad_number": "failed",
    "asked_back": "callback",
    "refused": "do_not_call_back",
}
_SET_ASIDE = {"hold": "held", "block": "blocked", "register": "dnc"}
LEAD: Table = {
    "new": {
        "dial": "in_progress",
        "used_up": "exhausted",
        "bad_number": "failed",
        "refused": "do_not_call_back",
        **_SET_ASIDE,
    },
    "in_progress": _AFTER_CALL,
    "retry": {
        "dial": "in_progress",
        "used_up": "exhausted",
        "bad_number": "failed",
        "refused": "do_not_call_back",
        **_SET_ASIDE,
    },
    "callback": {
        "dial": "in_progress",
        "used_up": "exhausted",
        "bad_number": "failed",
        "refused": "do_not_call_back",
        **_SET_ASIDE,
    },
    "held": {"release": "retry", "block": "blocked", "register": "dnc"},
    "succeeded": {"asked_back": "callback", "refused": "do_not_call_back", "block": "blocked"},
    "exhausted": {"asked_back": "callback", "refused": "do_not_call_back", "block": "blocked"},
    "failed": {},
    "do_not_call_back": {},
    "blocked": {},
    "dnc": {},
}

DIALABLE = frozenset({"new", "retry", "callback"})
"""States in which a lead may be dialed once its rest is over."""

TABLES: Mapping[str, Table] = {"call": CALL, "agent": AGENT, "campaign": CAMPAIGN, "lead": LEAD}


def after(table: Table, state: str, kind: str) -> str | None:
    """The state that `kind` leads to from `state`, or None where the table does not allow it."""
    return table[state].get(kind)


def moves(table: Table, state: str) -> list[str]:
    """The kinds that are legal in `state`, sorted."""
    return sorted(table[state])
