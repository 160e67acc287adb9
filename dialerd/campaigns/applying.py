"""The table of what each fact and each intent changes.

Never decides, and never lets a word of the vocabulary be without an entry (a test holds that).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dialerd.campaigns import calls, phones, supply, wishes
from dialerd.campaigns.live import Live
from dialerd.campaigns.reconciling import reconcile
from dialerd.model import facts as f
from dialerd.model import intents as i

APPLY: dict[type, Callable[[Live, Any], None]] = {
    f.CallRinging: calls.call_ringing,
    f.CallAnswered: calls.call_answered,
    f.CallWaiting: calls.call_waiting,
    f.CallBridged: calls.call_bridged,
    f.CallLeft: calls.call_left,
    f.CallEnded: calls.call_ended,
    f.CallNotPlaced: calls.call_not_placed,
    f.ConnectFailed: calls.connect_failed,
    f.PhoneRinging: phones.phone_ringing,
    f.PhoneIdle: phones.phone_idle,
    f.PhoneEnded: phones.phone_ended,
    f.LinkLost: supply.link_lost,
    f.Reconciled: reconcile,
    f.LeadsAdded: supply.leads_added,
    f.LeadsOffered: supply.leads_offered,
    f.Asked: supply.nothing,
    f.Reported: supply.nothing,
    f.Configured: supply.configured,
    f.DrainBegan: supply.drain_began,
    f.Woke: supply.nothing,
    i.Dial: wishes.dial,
    i.OfferCall: wishes.offer_call,
    i.CallPhone: wishes.call_phone,
    i.Connect: wishes.connect,
    i.HangUp: wishes.hang_up,
    i.Drop: wishes.drop,
    i.WantLeads: wishes.want_leads,
    i.Answer: wishes.answer,
    i.Book: wishes.book,
    i.Refuse: wishes.refuse,
    i.Begin: wishes.begin,
    i.Finish: wishes.finish,
    i.EndWrapUp: wishes.end_wrap_up,
    i.GiveUp: wishes.give_up,
    i.WriteCampaign: wishes.write_campaign,
    i.MoveCampaign: wishes.move_campaign,
    i.MoveAgent: wishes.move_agent,
    i.Note: wishes.note,
    i.Drain: wishes.drain,
}
"""What each fact and intent does; a test holds that none of the vocabulary is missing."""
