"""A day of a Vietnamese call centre, from the campaign's making to the evening's papers; it adds up to the row (C01-C20).

Never asks the code what is right: what must be is worked out here, from how rows were made, what agents said, and the store's rows.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time
from itertools import pairwise

import pytest

from dialerd.campaigns.engine import Engine
from dialerd.model.facts import Configured
from dialerd.model.rows import AttemptRow, LeadRow
from tests.doubles.branch_files import FILES, TOTAL
from tests.doubles.vietnamese_day import Day, Said, lived
from tests.doubles.vietnamese_house import (
    ADMIN,
    AGENTS,
    CARE,
    DIRECTOR,
    OWNER,
    REJECTED,
    SALE,
    SUPERVISOR,
    ZONE,
    at,
)

HOUR, DAY = 3600.0, 86400.0
AT_MOST = {SALE: 3, CARE: 2}
NO_RING = {"unallocated", "congestion"}
"""Outcomes of this street with which no phone rang: the law does not count them."""
KINDS = {
    "busy": "busy", "no_answer": "no_answer", "no_response": "no_answer", "abandoned": "abandoned", "hung_up": "hung_up",
    "connected": "connected", "rejected": "failed", "unallocated": "failed", "congestion": "failed",
}  # fmt: skip
"""Outcomes to what the report calls them."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    made = asyncio.run(lived(tmp_path_factory.mktemp("day")))
    yield made
    made.house.ledger.close()


@pytest.fixture(scope="module")
def calls(day: Day) -> list[AttemptRow]:
    return sorted(day.house.ledger.attempts(None, "", 100_000), key=lambda row: row.placed_at)


@pytest.fixture(scope="module")
def leads(day: Day) -> dict[tuple[str, str], LeadRow]:
    rows = [row for campaign in (SALE, CARE) for row in day.house.ledger.leads(campaign, None, 0, 100_000)]
    found = {(row.campaign, row.phone): row for row in rows}
    assert len(found) == len(rows), "a number is twice in a campaign"
    return found


def clock(instant: float) -> time:
    return datetime.fromtimestamp(instant, ZONE).time()


# --- the morning: the campaign and its list


def test_C01_C03_the_audit_trail_has_every_move_with_who_when_and_why(day: Day) -> None:
    trail = day.sql("SELECT principal, command, note, at FROM audit WHERE subject = ? ORDER BY id", SALE)
    moves = [(who, command, note) for who, command, note, _ in trail if command.startswith("campaign.")]
    assert [move for move in moves if move[1] not in ("campaign.update", "campaign.create")] == [
        (DIRECTOR, "campaign.reject", REJECTED),
        (OWNER, "campaign.submit", "Đã sửa"),
        (DIRECTOR, "campaign.approve", "Được"),
        (ADMIN, "campaign.start", ""),
        (ADMIN, "campaign.stop", "Hết ngày"),
    ]
    assert [(who, command) for who, command, _ in moves[:3]] == [
        (OWNER, "campaign.create"), (DIRECTOR, "campaign.reject"), (OWNER, "campaign.update"),
    ]  # fmt: skip
    assert [clock(instant) for *_, instant in trail if instant < at("07:06")][:2] == [time(6, 40), time(6, 50)]
    assert day.sql("SELECT state, state_by, note FROM campaigns WHERE id = ?", SALE) == [
        ("finished", ADMIN, "Hết ngày")
    ]


def test_C04_what_is_not_somebodys_to_do_is_refused(day: Day) -> None:
    assert day.refused == {
        "agent creates": "forbidden",
        "supervisor approves": "forbidden",
        "admin approves": "forbidden",
        "supervisor rejects": "forbidden",
        "starts a pending one": "illegal_move",
        "imports into a rejected one": "illegal_state",
        "approves a rejected one": "illegal_move",
        "a wrong edit": "bad_argument",
        "another's call": "forbidden",
        "adds one who refused": "suppressed",
    }


def test_C06_the_imports_add_up_to_ten_thousand_rows(day: Day) -> None:
    assert sum(len(branch.rows) for branch in day.branches) == TOTAL
    for branch, told in zip(day.branches, day.imports, strict=True):
        made = Counter(row.fate for row in branch.rows)
        found = {name: told[name] for name in ("added", "duplicates", "suppressed", "refused")}
        assert found == {
            "added": made["added"], "duplicates": made["duplicate"], "suppressed": made["suppressed"],
            "refused": made["refused"],
        }  # fmt: skip
        assert told["rows"] == sum(found.values()) == len(branch.rows) - made["empty"]
    read = [(told["encoding"], told["separator"], told["sheet"]) for told in day.imports]
    assert read == [("utf-16-le", "\t", ""), ("windows-1258", ";", ""), ("", "", "Khách hàng")]
    lost = sum(row.zero_lost for row in day.rows("added"))
    assert [told["warnings"] for told in day.imports] == [{}, {}, {"leading_zero_lost": lost}]


@pytest.mark.parametrize("n", range(len(FILES)), ids=list(FILES))
def test_C06_each_row_that_was_not_taken_is_told_with_its_own_reason(day: Day, n: int) -> None:
    told = list(csv.DictReader(io.StringIO(day.reports[n].decode("utf-8-sig"))))
    found = {int(line["row"]): (line["result"], line["reason"]) for line in told}
    assert len(found) == len(told)
    wanted = {row.at: row for row in day.branches[n].rows if row.fate not in ("added", "empty")}
    assert {row: result for row, (result, _) in found.items()} == {row: made.fate for row, made in wanted.items()}
    wrong = {row: (made.why, found[row][1]) for row, made in wanted.items() if made.why not in found[row][1]}
    assert wrong == {}
    barred = {found[row][1] for row, made in wanted.items() if made.fate == "suppressed"}
    assert barred == {"on the do-not-call list own", "on the do-not-call list register"}


def test_C06_C08_what_was_taken_is_what_was_written(day: Day, leads: dict[tuple[str, str], LeadRow]) -> None:
    found = {
        phone: (row.name, row.phones, row.email, row.list_name, row.priority, row.fields)
        for (campaign, phone), row in leads.items()
        if campaign == SALE
    }
    wanted = {
        row.number: (row.name, [row.further] if row.further else [], row.email, row.list_name, row.priority, row.fields)
        for row in day.rows("added")
    }
    assert found.keys() == wanted.keys()
    assert {phone: found[phone] for phone in found if found[phone] != wanted[phone]} == {}


# --- the day: when, whom, how often


def test_C02_nobody_is_called_in_the_lunch_break_or_after_the_close(calls: list[AttemptRow]) -> None:
    times = [clock(row.placed_at) for row in calls]
    assert all(time(8) <= one < time(11, 30) or time(13, 30) <= one < time(17, 30) for one in times)
    assert times[0] < time(8, 0, 2), "it begins when the house opens"
    assert any(time(11, 29) <= one < time(11, 30) for one in times), "it goes on to the lunch break"
    assert any(time(13, 30) <= one < time(13, 31) for one in times), "and after it"
    assert len(calls) > 10_000


def test_C10_the_law_on_advertising_is_kept(day: Day, calls: list[AttemptRow]) -> None:
    """Decree 91: from eight to five, once in 24 hours; a call at the time that the customer asked for is none of these."""
    asked: dict[str, list[float]] = {number: [due] for number, due in day.promised.items()}
    for said in day.said:
        if said.call_at is not None:
            asked.setdefault(said.number, []).append(said.call_at)
    rang: dict[str, float] = {}
    late = 0
    for row in (row for row in calls if row.campaign == SALE):
        if any(due <= row.placed_at <= due + HOUR for due in asked.get(row.number, ())):
            late += clock(row.placed_at) >= time(17)
        else:
            assert clock(row.placed_at) < time(17), row
            assert row.number not in rang or row.placed_at >= rang[row.number] + DAY, row
        if row.outcome not in NO_RING:
            rang[row.number] = row.placed_at
    assert late > 3, "whoever asked for it is called after five"


def test_C10_no_lead_is_called_more_often_than_his_campaign_allows(day: Day, calls: list[AttemptRow]) -> None:
    """Who asks to be called has one call for it, whatever came before."""
    tried = Counter((row.campaign, row.lead) for row in calls if row.counted)
    promises = Counter((said.campaign, said.lead) for said in day.said if said.call_at is not None)
    assert all(count <= AT_MOST[lead[0]] + promises[lead] for lead, count in tried.items())
    assert max(count for (campaign, _), count in tried.items() if campaign == CARE) == AT_MOST[CARE]


def test_C06_every_number_that_may_be_called_was_and_no_other(day: Day, calls: list[AttemptRow]) -> None:
    called = {row.number for row in calls if row.campaign == SALE}
    foreign = {row.number for row in day.rows("added") if not row.number.startswith("+84")}
    assert len(foreign) >= 30
    assert called.isdisjoint(foreign), "the rule pack vn speaks about Vietnam only: what it does not know it refuses"
    late = {row.number for row in calls if row.placed_at >= at("10:00")}
    assert len(day.barred) == 30
    assert late.isdisjoint(day.barred)
    own = {said.number: said.at for said in day.said if said.disposition == "dung-goi"}
    missing = {row.number for row in day.rows("added")} - called - foreign - set(day.barred)
    assert all(number in own for number in missing), "the care of customers learned first that they want no calls"
    further = {row.further for row in day.rows("added")} - {""}
    assert called - {row.number for row in day.rows("added")} <= further


def dues(day: Day, disposition: str) -> Iterator[Said]:
    """What was promised, but to those who were put on a list or called no more since."""
    gone = {said.number for said in day.said if said.disposition in ("dung-goi", "khong-chao")} | set(day.barred)
    return (said for said in day.said if said.disposition == disposition and said.number not in gone)


def test_C13_recalls_are_made_when_they_are_due_and_never_outside_hours(day: Day, calls: list[AttemptRow]) -> None:
    seen: Counter[str] = Counter()
    by_lead: dict[tuple[str, int], list[AttemptRow]] = {}
    for row in calls:
        by_lead.setdefault((row.campaign, row.lead), []).append(row)
    promised = [(said.lead, said.at, said.call_at or 0.0) for said in dues(day, "hen")]
    for said_lead, said_at, due in promised:
        after = [row.placed_at for row in by_lead[SALE, said_lead] if row.placed_at > said_at]
        if at("11:30") <= due < at("12:30") or due >= at("17:30"):
            assert after == [], "an hour after the time he asked for it is not that time any more"
            seen["not today"] += 1
        elif at("12:30") <= due < at("12:35") or due >= at("17:28"):
            seen["just in time or not"] += 1
        elif at("12:35") <= due < at("13:30"):
            assert at("13:30") <= after[0] < at("13:35"), (said_lead, clock(due), clock(after[0]))
            seen["after lunch"] += 1
        else:
            assert due <= after[0] < due + 180, (said_lead, clock(due), clock(after[0]))
            seen["to the minute"] += 1
    assert min(seen["not today"], seen["after lunch"]) > 5
    assert seen["to the minute"] > 100


def test_C07_C09_recalls_that_the_list_asked_for_are_made(day: Day, calls: list[AttemptRow]) -> None:
    assert len(day.promised) > 40
    for number, due in day.promised.items():
        first = next(row.placed_at for row in calls if row.campaign == SALE and row.number == number)
        assert due <= first < due + 180, (number, clock(due), clock(first))


def test_C13_a_private_lead_is_called_for_his_agent_alone(day: Day, calls: list[AttemptRow]) -> None:
    mine = {said.lead: said for said in dues(day, "hen-rieng")}
    again = [row for row in calls if row.campaign == SALE and row.lead in mine and row.placed_at > mine[row.lead].at]
    talked = [row for row in again if row.connected_at is not None]
    assert len(talked) > 20
    assert {row.agent == mine[row.lead].agent for row in talked} == {True}
    assert all(row.placed_at >= (mine[row.lead].call_at or 0.0) for row in again)
    first = {row.lead: row.placed_at for row in reversed(again)}
    due = {lead: said.call_at or 0.0 for lead, said in mine.items()}
    at_work = {lead for lead in due if due[lead] < at("11:10") or at("13:30") <= due[lead] < at("17:10")}
    late = {lead: first[lead] - due[lead] if lead in first else None for lead in at_work}
    late = {lead: by for lead, by in late.items() if by is None or by >= 20 * 60}
    assert not late, "as soon as he is free"


def test_C13_C20_who_wants_no_more_calls_gets_none(
    day: Day, calls: list[AttemptRow], leads: dict[tuple[str, str], LeadRow]
) -> None:
    numbers = {row.id: (row.phone, *row.phones) for row in leads.values()}
    own, here = (
        {number: said.at for said in day.said if said.disposition == word for number in numbers[said.lead]}
        for word in ("dung-goi", "khong-chao")
    )
    refused_before_care = [number for number in own if number in day.care and own[number] < at("13:25")]
    assert len(own) > 100
    assert len(refused_before_care) > 3
    for row in calls:
        assert row.placed_at <= own.get(row.number, row.placed_at), "in no campaign"
        assert row.campaign == CARE or row.placed_at <= here.get(row.number, row.placed_at), "in this campaign"
    assert any(row.campaign == CARE and row.placed_at > here.get(row.number, DAY * 1e6) for row in calls)
    states = {leads[SALE, number].state for number in own if (SALE, number) in leads}
    assert states <= {"blocked", "succeeded", "do_not_call_back", "retry", "exhausted", "failed", "callback"}
    assert {leads[CARE, number].state for number in refused_before_care} == {"blocked"}
    listed = day.sql("SELECT number FROM suppressions WHERE list_name = 'own' AND channel = 'all' AND active = 1")
    assert {number for (number,) in listed} == own.keys() | set(day.maker.own) | set(day.barred)


def test_C10_after_a_word_that_rules_out_calls_for_days_nobody_is_called(day: Day, calls: list[AttemptRow]) -> None:
    rest = {said.lead: said.at for said in day.said if said.disposition in ("de-sau", "khong-mua")}
    assert len(rest) > 500
    assert all(row.placed_at <= rest.get(row.lead, row.placed_at) for row in calls if row.campaign == SALE)


# --- the evening: what the report says


@pytest.mark.parametrize("campaign", [SALE, CARE])
def test_C15_the_report_equals_the_calls_counted_row_by_row(day: Day, campaign: str) -> None:
    stats = day.stats[campaign]
    rows = day.sql("SELECT outcome, answered_at, connected_at, ended_at FROM attempts WHERE campaign = ?", campaign)
    kinds = Counter(KINDS[outcome] for outcome, *_ in rows)
    reported = ("connected", "abandoned", "hung_up", "busy", "no_answer", "failed")
    assert {name: stats[name] for name in reported} == {name: kinds[name] for name in reported}
    assert stats["placed"] == len(rows) == sum(kinds.values())
    assert stats["answered"] == sum(answered is not None for _, answered, *_ in rows)
    assert stats["answered"] == stats["connected"] + stats["abandoned"] + stats["hung_up"]
    talk = sum(ended - connected for *_, connected, ended in rows if connected is not None)
    assert stats["talk_s"] == pytest.approx(talk, abs=1)
    waits = [connected - answered for _, answered, connected, _ in rows if connected is not None]
    assert stats["mean_wait_s"] == pytest.approx(sum(waits) / len(waits), abs=0.01)
    rate = stats["abandoned"] / (stats["abandoned"] + stats["connected"])
    assert stats["abandon_rate"] == pytest.approx(rate)
    assert stats["lost"] == stats["live_calls"] == 0


@pytest.mark.parametrize("campaign", [SALE, CARE])
def test_C09_every_lead_has_one_state_and_the_states_add_up(
    day: Day, leads: dict[tuple[str, str], LeadRow], campaign: str
) -> None:
    counted = Counter(row.state for (where, _), row in leads.items() if where == campaign)
    assert {state: count for state, count in day.stats[campaign]["leads"].items() if count} == counted
    assert counted.total() == {SALE: len(day.rows("added")), CARE: len(day.care)}[campaign]
    assert counted["in_progress"] == 0
    assert (
        counted["new"] == {SALE: sum(not row.number.startswith("+84") for row in day.rows("added")), CARE: 0}[campaign]
    )


def test_C09_what_an_agent_said_last_is_where_his_lead_stands(
    day: Day, leads: dict[tuple[str, str], LeadRow], calls: list[AttemptRow]
) -> None:
    by_id = {(row.campaign, row.id): row for row in leads.values()}
    newest = {(row.campaign, row.lead): row.id for row in calls}
    wanted = {"mua": "succeeded", "khong-mua": "do_not_call_back", "dung-goi": "blocked", "khong-chao": "blocked"}
    wanted |= {
        "hen": "callback",
        "hen-rieng": "callback",
        "dang-ban": "callback",
        "de-sau": "retry",
        "ghi-chu": "succeeded",
    }
    gone = {said.number for said in day.said if said.disposition == "dung-goi"} | set(day.barred)
    last = [said for said in day.said if newest[said.campaign, said.lead] == said.call]
    found = [(said, by_id[said.campaign, said.lead]) for said in last]
    wrong = [
        (said, row.state) for said, row in found if row.state != wanted[said.disposition] and row.phone not in gone
    ]
    assert wrong == []
    assert len(found) > 2500
    assert all(row.disposition == said.disposition for said, row in found)


def test_V10_the_agents_figures_add_up_to_the_campaigns(day: Day, calls: list[AttemptRow]) -> None:
    """Each agent's talk is what his softphone lived through on the street, which knows nothing of the daemon's rows."""
    talk: defaultdict[str, float] = defaultdict(float)
    talks: Counter[str] = Counter()
    for row in calls:
        if row.connected_at is not None and row.ended_at is not None:
            talk[row.agent] += row.ended_at - row.connected_at
            talks[row.agent] += 1
    books = day.house.shift.street.books
    assert len(talks) == AGENTS
    assert talks == Counter(agent for _, agent in books.pairs)
    assert dict(talk) == pytest.approx(books.agents, abs=1)
    assert sum(talk.values()) == pytest.approx(sum(stats["talk_s"] for stats in day.stats.values()), abs=1)
    assert talks.total() == sum(stats["connected"] for stats in day.stats.values())
    handed = dict(day.sql("SELECT agent, handed FROM quotas WHERE campaign = ?", SALE))
    assert handed == Counter(row.agent for row in calls if row.campaign == SALE and row.connected_at is not None)
    given = Counter((row.agent, row.disposition) for row in calls if row.disposition)
    assert given == Counter((said.agent, said.disposition) for said in day.said)


def test_V08_the_hotlines_figures_add_up_to_the_campaigns(day: Day, calls: list[AttemptRow]) -> None:
    """A call is counted in the hour in which it ends."""
    hours = day.sql("SELECT hotline, hour, placed, answered FROM hotline_hours WHERE campaign = ?", SALE)
    ended = [(row.hotline, row.ended_at or 0.0) for row in calls if row.campaign == SALE]
    counted = Counter((hotline, int(instant // HOUR)) for hotline, instant in ended)
    assert {(hotline, hour): placed for hotline, hour, placed, _ in hours if placed} == counted
    assert sum(answered for *_, answered in hours) == day.stats[SALE]["answered"]
    assert len({hotline for hotline, _ in counted}) == 2


def test_V01_the_street_lived_through_what_the_rows_tell(day: Day, calls: list[AttemptRow]) -> None:
    books = day.house.shift.street.books
    assert books.misuses == {}
    assert books.calls == len(calls) == sum(books.invites.values())
    assert books.invites == Counter(row.number.lstrip("+") for row in calls)
    assert books.connected == sum(row.connected_at is not None for row in calls)
    assert books.live_calls == {}
    assert not any(row.live for row in calls)
    for earlier, later in pairwise(sorted(calls, key=lambda row: (row.number, row.placed_at))):
        assert earlier.number != later.number or (earlier.ended_at or 0.0) <= later.placed_at


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_C09_why_a_lead_is_not_called_is_told(day: Day, calls: list[AttemptRow]) -> None:
    told = day.explained
    number = told["unreached"]["lead"]["phone"]
    rang = next(row.placed_at for row in calls if row.campaign == SALE and row.number == number)
    refusing = {
        what: {one["rule"]: one["because"] for one in each["rules"] if not one["allows"]} for what, each in told.items()
    }
    assert "at most 1 in 24 h" in refusing["unreached"]["vn/ad-calls"]
    assert datetime.fromisoformat(told["unreached"]["may_be_dialed_at"]).timestamp() >= rang + DAY
    assert any("speaks about VN only" in because for because in refusing["foreign"].values())
    assert told["barred"]["lead"]["state"] == "blocked"
    assert [one["dialable"] for one in told.values()] == [False, False, False]


def test_O08_the_rows_tell_all_of_it(day: Day) -> None:
    house = day.house
    engine = Engine(house.ledger.load())
    engine.live.now = house.now
    engine.apply(Configured(house.live.floor.model_dump(mode="json"), house.live.packs_told))
    assert engine.snapshot() == house.shift.exchange.engine.snapshot()


def test_C18_the_exports_hold_every_row(
    day: Day, calls: list[AttemptRow], leads: dict[tuple[str, str], LeadRow]
) -> None:
    sale = {phone: row for (campaign, phone), row in leads.items() if campaign == SALE}
    told = table(day.exported["leads"])
    assert len(told) == len(sale)
    assert {line["Điện thoại"]: line["Tên"] for line in told} == {phone: row.name for phone, row in sale.items()}
    assert {line["Mã khách"] for line in told} >= {f"KH{n:05d}" for n in (1, 2, 3)}
    sold = table(day.exported["sold"])
    assert {line["Điện thoại"] for line in sold} == {phone for phone, row in sale.items() if row.state == "succeeded"}
    assert len(sold) == day.stats[SALE]["leads"]["succeeded"]
    lines = table(day.exported["calls"])
    assert {line["Cuộc gọi"] for line in lines} == {row.id for row in calls}
    assert len(lines) == len(calls)
    by_call = {line["Cuộc gọi"]: line for line in lines}
    words = {(row.outcome, by_call[row.id]["Kết quả cuộc gọi"]) for row in calls}
    assert len(words) == len({outcome for outcome, _ in words}) == len({word for _, word in words})
    both = {line["Chiến dịch"]: line for line in table(day.exported["campaigns"])}
    assert {name: int(line["Số cuộc đã gọi"]) for name, line in both.items()} == {
        name: stats["placed"] for name, stats in day.stats.items()
    }


def test_C03_C13_the_audit_trail_has_each_agents_word(day: Day) -> None:
    trail = day.sql("SELECT principal, subject, note FROM audit WHERE command = 'lead.dispose'")
    assert Counter((who, subject) for who, subject, _ in trail) == Counter(
        (said.agent, f"lead {said.lead}") for said in day.said
    )
    assert Counter(note.split(",")[0] for *_, note in trail) == Counter(said.disposition for said in day.said)
    imports = day.sql("SELECT principal, command, subject FROM audit WHERE command IN ('lead.import', 'dnc.import')")
    assert Counter(imports)[SUPERVISOR, "lead.import", SALE] == len(FILES)
    assert sum(command == "dnc.import" for _, command, _ in imports) == 2
    called_back = day.sql("SELECT principal FROM audit WHERE command = 'lead.callback'")
    assert called_back == [(SUPERVISOR,)] * len(day.promised)
    added_to = day.sql("SELECT subject FROM audit WHERE command = 'dnc.add' AND principal = ?", SUPERVISOR)
    assert {number for (number,) in added_to} == set(day.barred)


def test_C03_the_care_of_customers_finishes_by_itself(day: Day) -> None:
    assert day.sql("SELECT state, state_by FROM campaigns WHERE id = ?", CARE) == [("finished", "clock")]
