"""What the rule pack of a campaign asks for: worked out once, when the campaign, its pack or the configuration changes.

Never judges a call: that is the gate's.
"""

from __future__ import annotations

import msgspec

from dialerd.campaigns.law import Law
from dialerd.campaigns.live import Live
from dialerd.compliance.calling_hours import Hours, all_open, week_hours
from dialerd.compliance.judged_rules import longest_period
from dialerd.compliance.place import zones_of_country
from dialerd.model.instants import FAR
from dialerd.model.intents import WantLeads
from dialerd.model.rows import LeadRow


def law_of(live: Live, campaign: str) -> Law:
    """The law of a campaign. Raises KeyError for an unknown one."""
    law = live.laws.get(campaign)
    if law is None:
        law = live.laws[campaign] = _made(live, campaign)
    return law


def renew(live: Live) -> None:
    """The packs have changed; a changed policy is seen to by `Live.put_campaign`."""
    live.laws.clear()
    live.legal_hours.clear()


def _made(live: Live, campaign: str) -> Law:
    policy = live.policies[campaign]
    pack = live.packs.get(policy.pack)
    if pack is None:
        return Law(policy.pack, None, policy.purpose, None, 0.0, (), False, False, False)
    channel, purpose = policy.channel, policy.purpose
    rules = [*pack.limits.values(), *pack.lockouts.values()]
    asks = any(rule.holds_for(channel, purpose) for rule in rules)
    windows = [one for one in pack.windows.values() if one.holds_for(channel, purpose) and not one.areas]
    return Law(
        policy.pack,
        pack,
        purpose,
        longest_period(pack, channel) if asks else None,
        max((one.at_least_s for one in pack.ringing.values() if one.holds_for(channel, purpose)), default=0.0),
        tuple(
            (name, f"{pack.name}/{name} {rule.agent_within_s:g}s", rule)
            for name, rule in pack.abandon.items()
            if rule.holds_for(channel, purpose)
        ),
        closes=bool(windows) and bool(pack.countries),
        spares_agreed=any(one.unless_agreed for one in windows),
        spares_zoned=pack.lead_zone == "instead",
    )


def with_pasts(live: Live, want: WantLeads) -> WantLeads:
    """A question for leads, with what the gate will have to know of their numbers. A plain campaign of a house without lists
    asks for nothing more."""
    past_s = law_of(live, want.campaign).past_s
    if past_s is None and not live.dnc:
        return want
    since = None if past_s is None else live.now - past_s
    return msgspec.structs.replace(want, since=since, lists=bool(live.dnc))


def is_closed(live: Live, campaign: str, lead: LeadRow) -> bool:
    """Whether the law keeps a campaign from dialing the lead it has next, before any rule is asked about him."""
    law = law_of(live, campaign)
    if law.pack is None:
        return True
    hours = legal_hours(live, campaign)
    return hours is not None and not hours.open and not is_spared(live, campaign, lead)


def legal_hours(live: Live, campaign: str) -> Hours | None:
    """How the hours of the pack stand for all its numbers at once: closed only if they are closed for every one.

    None: the pack has no hours of that kind. Remembered until it changes.
    """
    law = law_of(live, campaign)
    if not law.closes:
        return None
    known = live.legal_hours.get(campaign)
    if known is not None and known[0] <= live.now < known[1].until:
        return known[1]
    hours = _hours(law, live)
    live.legal_hours[campaign] = (live.now, hours)
    return hours


def _hours(law: Law, live: Live) -> Hours:
    assert law.pack is not None
    pack, channel = law.pack, "voice"
    weeks = [
        week_hours(
            {str(day): list(spans) for day, spans in one.week.items()},
            one.holidays,
            pack.holidays.add if one.holidays else (),
            pack.holidays.remove if one.holidays else (),
        )
        for one in pack.windows.values()
        if one.holds_for(channel, law.purpose) and not one.areas
    ]
    zones = dict.fromkeys(zone for country in pack.countries for zone in zones_of_country(country))
    told = [all_open([(week, zone) for week in weeks], live.now) for zone in zones]
    open_somewhere = any(hours.open for hours in told)
    return Hours(open_somewhere or not told, min((hours.until for hours in told), default=FAR))


def is_spared(live: Live, campaign: str, lead: LeadRow) -> bool:
    """Whether a lead may be dialed though the hours of the pack are closed for all others."""
    law = law_of(live, campaign)
    agreed = lead.agreed_at is not None and lead.state == "callback"
    return (law.spares_agreed and agreed) or (law.spares_zoned and lead.zone != "")
