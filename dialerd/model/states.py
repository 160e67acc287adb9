"""What may happen to a call, an agent, a campaign, a lead, a participation and a ticket: tables, state x kind -> state.

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

# An agent (V10). `connecting`: the nailed-up softphone is being called for the shift. `previewing`: a lead is before him and
# nothing is dialed. `calling`: a customer is called for him by his word or in a callback, his own phone first.
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
        "show": "previewing",
        "ready": "ready",
        "not_ready": "not_ready",
        "offer": "ringing",
        "connect": "ringing",
        "bridged": "on_call",
        "phone_lost": "not_ready",
        "connect_phone": "connecting",
        "logout": "logged_out",
    },
    "previewing": {
        "call": "calling",
        "put_back": "ready",
        "not_ready": "not_ready",
        "offer": "ringing",
        "connect": "ringing",
        "bridged": "on_call",
        "phone_lost": "not_ready",
        "connect_phone": "connecting",
        "logout": "logged_out",
    },
    "calling": {
        "keep": "previewing",
        "put_back": "ready",
        "connect": "ringing",
        "bridged": "on_call",
        "phone_lost": "not_ready",
        "not_ready": "not_ready",
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

# A campaign (C03). Moves made by a person: all but `began` and `ended`, which the clock makes, and `put_off`: the start of
# one that runs was moved into the future. `deleted` is final: it is hidden and its name is not used again.
CAMPAIGN: Table = {
    "draft": {"submit": "pending", "delete": "deleted"},
    "pending": {"approve": "approved", "reject": "rejected", "delete": "deleted"},
    "rejected": {"submit": "pending", "delete": "deleted"},
    "approved": {"start": "scheduled", "stop": "finished", "delete": "deleted"},
    "scheduled": {"began": "running", "pause": "paused", "stop": "finished", "ended": "finished"},
    "running": {"put_off": "scheduled", "pause": "paused", "stop": "finished", "ended": "finished"},
    "paused": {"resume": "scheduled", "stop": "finished", "ended": "finished", "delete": "deleted"},
    "finished": {"start": "scheduled", "delete": "deleted"},
    "deleted": {},
}

# A lead (C09). Outcomes of attempts move it out of `in_progress`; the rest are moves by people, their dispositions and rules.
# `rest`: nobody calls it for some days; `release`: out of held; `reopen`: back to those who are called, by a person's word.
_SAID = {
    "reached": "succeeded",
    "asked_back": "callback",
    "refused": "do_not_call_back",
    "rest": "retry",
    "bad_number": "failed",
    "block": "blocked",
}
_TO_BE_CALLED = {"dial": "in_progress", "used_up": "exhausted", **_SAID, "hold": "held", "register": "dnc"}
_DONE = {**_SAID, "register": "dnc", "reopen": "retry"}
LEAD: Table = {
    "new": _TO_BE_CALLED,
    "in_progress": {**_SAID, "unreached": "retry", "used_up": "exhausted"},
    "retry": _TO_BE_CALLED,
    "callback": _TO_BE_CALLED,
    "held": {**_SAID, "rest": "held", "release": "retry", "register": "dnc"},
    "succeeded": _DONE,
    "exhausted": {**_DONE, "rest": "exhausted"},
    "failed": {**_DONE, "rest": "failed"},
    "do_not_call_back": {**_DONE, "rest": "do_not_call_back"},
    "blocked": {**_DONE, "rest": "blocked"},
    "dnc": {"reopen": "retry"},
}

# What a lead says of taking part (C14); the empty state is that of a lead who has not said anything.
PARTICIPATION: Table = {
    "none": {"register": "registered"},
    "registered": {"confirm": "confirmed", "join": "joined", "cancel": "cancelled"},
    "confirmed": {"join": "joined", "cancel": "cancelled"},
    "joined": {"cancel": "cancelled"},
    "cancelled": {},
}

# A ticket (C16). A new one is open as soon as somebody took it up.
TICKET: Table = {"new": {"open": "open", "close": "closed"}, "open": {"close": "closed"}, "closed": {}}

DIALABLE = frozenset({"new", "retry", "callback"})
"""States in which a lead may be dialed once its rest is over."""

TABLES: Mapping[str, Table] = {
    "call": CALL,
    "agent": AGENT,
    "campaign": CAMPAIGN,
    "lead": LEAD,
    "participation": PARTICIPATION,
    "ticket": TICKET,
}


def after(table: Table, state: str, kind: str) -> str | None:
    """The state that `kind` leads to from `state`, or None where the table does not allow it."""
    return table[state].get(kind)


def moves(table: Table, state: str) -> list[str]:
    """The kinds that are legal in `state`, sorted."""
    return sorted(table[state])
