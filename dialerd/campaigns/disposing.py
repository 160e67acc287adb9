"""What dispositions, scripts' answers and people's words change of attempts and leads (C08, C12, C13).

Never moves a lead while its call lives: what is said during a call waits in the attempt until the call ends.
"""

from __future__ import annotations

from dialerd.campaigns import finding, suppressing, tickets
from dialerd.campaigns.live import Live
from dialerd.campaigns.pasts import numbers_of
from dialerd.model import intents as i
from dialerd.model.errors import OurMistakeError
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import AttemptRow, LeadPhoneRow, LeadRow
from dialerd.model.states import DIALABLE


def dispose(live: Live, intent: i.Dispose) -> None:
    lead = finding.lead(live, intent.lead)
    call = _attempt(live, intent.call) if intent.call else None
    lead.disposition = intent.disposition
    if intent.private_to is not None:
        lead.private_to = intent.private_to
    if intent.kind:
        lead.agreed_at = intent.next_at if intent.agreed else None
    if call is not None:
        call.disposition = intent.disposition
        call.disposed_by = intent.principal
        call.disposed_at = live.now
        call.note = intent.note
        if call.live:
            call.then = intent.kind
            lead.next_at = FAR if intent.next_at is None else intent.next_at
        live.mark(call)
    if intent.kind and lead.state != "in_progress":
        move(live, lead, intent.kind, intent.next_at)
    finding.changed(live, lead)
    if call is not None:
        tickets.disposed(live, call, lead)


def after_call(live: Live, lead: LeadRow, call: AttemptRow) -> None:
    """The call has ended, and what was said in it moves its lead now."""
    move(live, lead, call.then, lead.next_at)


def move(live: Live, lead: LeadRow, kind: str, next_at: Instant | None) -> None:
    """Move a lead by a person's word. One who was promised a call has an attempt for it, even if he had used them all up."""
    live.move_lead(lead, kind)
    if kind == "reopen":  # as if he were new; what happened to him stays in his attempts
        lead.attempts = lead.faults = lead.same = lead.tries = 0
        lead.current, lead.bad_phones = "", []
    if kind != "asked_back":
        lead.agreed_at = None
    else:
        lead.attempts = min(lead.attempts, live.policies[lead.campaign].max_attempts - 1)
    if lead.state not in DIALABLE:
        lead.next_at = FAR
    elif next_at is not None:
        lead.next_at = next_at
    elif lead.next_at >= FAR:
        lead.next_at = live.now


def move_lead(live: Live, intent: i.MoveLead) -> None:
    lead = finding.lead(live, intent.lead)
    if lead.state == "in_progress":
        raise OurMistakeError(f"lead {lead.id} is moved by {intent.kind} while it is being called")
    if intent.private_to is not None:
        lead.private_to = intent.private_to
    if intent.kind == "asked_back":
        lead.agreed_at = intent.next_at
    if intent.kind == "refused":
        suppressing.said_no(live, numbers_of(lead), "", "set to do_not_call_back")
    move(live, lead, intent.kind, intent.next_at)
    finding.changed(live, lead)


def change_lead(live: Live, intent: i.ChangeLead) -> None:
    lead = finding.lead(live, intent.lead)
    for key, value in intent.values.items():
        setattr(lead, key, value)
    if intent.fields:
        lead.fields = {key: text for key, text in {**lead.fields, **intent.fields}.items() if text}
    if intent.phones is not None:
        _change_phones(live, lead, intent.phones)
    finding.changed(live, lead)


def _change_phones(live: Live, lead: LeadRow, phones: tuple[str, ...]) -> None:
    """Other further phones. One that is gone is free for another lead; the next to be dialed is one that he has."""
    for phone in lead.phones:
        if phone not in phones:
            live.mark(LeadPhoneRow(lead.campaign, phone, lead.id, False))
            live.lately.forget(("phone", lead.campaign, phone))
    for phone in phones:
        if phone not in lead.phones:
            live.mark(LeadPhoneRow(lead.campaign, phone, lead.id))
            live.lately.note(("phone", lead.campaign, phone), live.seq)
    before = numbers_of(lead)
    lead.phones = list(phones)
    his = numbers_of(lead)
    lead.bad_phones = [phone for phone in lead.bad_phones if phone in his]
    if lead.number in his and lead.number not in lead.bad_phones:
        return
    at = before.index(lead.number) if lead.number in before else 0
    turn = (*before[at:], *(phone for phone in his if phone not in before), *before)
    lead.current = next((phone for phone in turn if phone in his and phone not in lead.bad_phones), "")
    lead.tries = 0


def keep_answers(live: Live, intent: i.KeepAnswers) -> None:
    call = _attempt(live, intent.call)
    call.answers = {key: text for key, text in {**call.answers, **intent.answers}.items() if text}
    live.mark(call)
    if not call.live:  # of an ended attempt the store is asked, by its lead
        finding.changed(live, finding.lead(live, call.lead))


def _attempt(live: Live, call: str) -> AttemptRow:
    row = finding.attempt(live, call)
    if row is None:
        raise OurMistakeError(f"attempt {call} is asked for and was not found before")
    return row
