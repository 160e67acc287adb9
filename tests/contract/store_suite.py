"""What every store promises (dialerd.ports.store), as tests that a store's own test module inherits.

Never names a database: a new one joins by a `place` fixture of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec
import pytest

from dialerd.model.errors import OurMistakeError
from dialerd.model.facts import CallAnswered, CallRinging, Woke
from dialerd.model.ids import CALL, is_token, leg_id
from dialerd.model.intents import Answer, HangUp
from dialerd.model.lead_order import DEFAULT_ORDER, Due, LeadOrder
from dialerd.model.rows import (
    AgentRow,
    AttemptRow,
    AuditRow,
    CampaignRow,
    CounterRow,
    HotlineHourRow,
    HotlineRow,
    JobRow,
    LeadPhoneRow,
    LeadRow,
    QuotaRow,
    ReplyRow,
    Row,
    SuppressionRow,
    TallyRow,
)
from dialerd.model.states import DIALABLE
from dialerd.model.states import LEAD as LEAD_TABLE
from dialerd.model.turn import Committed, Turn
from dialerd.ports.store import Kept, LiveAttemptError, Store

T0 = 1_700_000_000.0
TOKEN = "0123abcd"


class Place(Protocol):
    """Where stores of one kind live. Two stores of a lasting place see the same data, one after the other."""

    lasts: bool

    def store(self) -> Store: ...


def turn(seq: int, *rows: Row, at: float | None = None) -> Committed:
    at = T0 + seq if at is None else at
    call = leg_id(CALL, TOKEN, seq, 1)
    return Committed(Turn(seq, at, (CallRinging(call), Woke()), (HangUp(call, "ast1", "test"),)), rows)


def campaign(name: str = "spring", **more: Any) -> CampaignRow:
    made = CampaignRow(name, {"name": "Mùa xuân", "pacing": {"max": 0.1}}, "running", "file", "owner", T0, T0, "owner")
    return msgspec.structs.replace(made, **more)


def lead(n: int, state: str = "new", campaign: str = "spring", **more: Any) -> LeadRow:
    made = LeadRow(n, campaign, f"+8490{n:07d}", state, T0, T0 + n)
    return msgspec.structs.replace(made, **more)


def attempt(n: int, lead: int, state: str = "dialing", number: str | None = None, **more: Any) -> AttemptRow:
    number = f"+8490{lead:07d}" if number is None else number
    made = AttemptRow(leg_id(CALL, TOKEN, n, 1), "spring", lead, number, "ast1", "viettel", "+8424", state, T0 + n)
    return msgspec.structs.replace(made, **more)


async def ids_due(store: Store, now: float, order: LeadOrder = DEFAULT_ORDER) -> tuple[list[int], float | None]:
    """The leads of `spring` that are due, and when the next beyond them is."""
    told = await store.due("spring", now, 1000, order)
    return [row.id for row in told.leads], told.next_due


async def every_row(store: Store) -> dict[str, list[Any]]:
    """All that a store tells about campaigns, leads and attempts."""
    kept = await store.load()
    leads = [row for held in kept.campaigns for row in await store.leads(held.id, None, 0, 10_000)]
    return {
        "campaigns": kept.campaigns,
        "tallies": kept.tallies,
        "agents": kept.agents,
        "counters": kept.counters,
        "leads": sorted(leads, key=lambda row: row.id),
        "attempts": await store.attempts(None, "", 10_000),
    }


class StoreSuite:
    """The promises, one test each."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError("the inheriting class says where its stores live")

    @pytest.fixture
    async def store(self, place: Place) -> AsyncIterator[Store]:
        made = place.store()
        await made.open()
        yield made
        await made.close()

    # --- turns

    async def test_O08_a_new_store_holds_nothing_but_its_token(self, store: Store) -> None:
        kept = await store.load()
        assert is_token(kept.token)
        assert kept == Kept(kept.token, 0, [], [], [], [], [], [], [], [])
        assert await store.turns(0, 10) == []
        assert (await store.load()).token == kept.token

    async def test_O08_turns_are_read_back_as_they_were_taken(self, store: Store) -> None:
        taken = [
            Committed(Turn(1, T0, (), ()), ()),
            Committed(
                Turn(2, T0 + 0.25, (CallAnswered("c1"),), (Answer("an", "7", "lead.add", '{"ok": "ă\\u0000\'"}'),)), ()
            ),
            turn(3),
        ]
        await store.commit(taken[:1])
        await store.commit(taken[1:])
        assert await store.turns(0, 10) == [one.turn for one in taken]
        assert await store.turns(1, 1) == [taken[1].turn]
        assert (await store.load()).seq == 3

    async def test_O08_an_empty_batch_is_no_turn(self, store: Store) -> None:
        await store.commit([])
        assert (await store.load()).seq == 0

    @pytest.mark.parametrize("seqs", [[4], [2], [1], [3, 5], [3, 3], [0]])
    async def test_O08_a_turn_out_of_order_is_our_mistake_and_changes_nothing(
        self, store: Store, seqs: list[int]
    ) -> None:
        await store.commit([turn(1), turn(2)])
        with pytest.raises(OurMistakeError, match=r"turn \d"):
            await store.commit([turn(seq, campaign()) for seq in seqs])
        assert (await store.load()).campaigns == []
        await store.commit([turn(3, campaign())])
        assert [one.seq for one in await store.turns(0, 10)] == [1, 2, 3]

    # --- portions and jobs

    async def test_C18_leads_are_read_in_portions_by_their_joining_time(self, store: Store) -> None:
        rows = [
            lead(n, created_at=T0 + n // 2, state="retry" if n % 3 == 0 else "new", list_name="b" if n > 8 else "a")
            for n in range(1, 11)
        ]
        rows[3].fields = {"city": "Huế"}
        rows[9].fields = {"debt": "1"}
        await store.commit([turn(1, campaign(), campaign("autumn"), *rows, lead(11, campaign="autumn"))])

        async def read(
            start: float = 0.0, before: float = T0 + 99, states: Any = (), name: str | None = None
        ) -> list[int]:
            found: list[int] = []
            mark: Any = (start, 0)
            while mark is not None:
                portion, mark = await store.leads_joined("spring", mark, before, 3, states, name)
                assert len(portion) <= 3
                found += [row.id for row in portion]
            return found

        assert await read() == list(range(1, 11))
        assert await read(T0 + 2, T0 + 4) == [4, 5, 6, 7]
        assert await read(states={"retry"}) == [3, 6, 9]
        assert await read(name="b") == [9, 10]
        assert await read(name="") == []
        assert await store.leads_joined("winter", (0.0, 0), T0 + 99, 3, (), None) == ([], None)
        assert await store.field_names("spring", (0.0, 0), T0 + 99, 100) == ({"city", "debt"}, None)
        names, mark = await store.field_names("spring", (0.0, 0), T0 + 99, 5)
        assert (names, mark) == ({"city"}, (T0 + 2, 5))

    async def test_O06_attempts_are_read_in_portions_by_their_time(self, store: Store) -> None:
        made = [attempt(n, n, "ended", outcome="busy" if n % 2 else "connected") for n in range(1, 8)]
        await store.commit([turn(1, campaign(), *(lead(n) for n in range(1, 8)), *made)])

        async def read(start: float, before: float, outcomes: Any = ()) -> list[int]:
            found: list[int] = []
            mark: Any = (start, "")
            while mark is not None:
                portion, mark = await store.attempts_placed("spring", mark, before, 2, outcomes)
                found += [row.lead for row in portion]
            return found

        assert await read(0.0, T0 + 99) == list(range(1, 8))
        assert await read(T0 + 3, T0 + 6) == [3, 4, 5]
        assert await read(0.0, T0 + 99, {"busy"}) == [1, 3, 5, 7]
        assert await store.attempts_placed("winter", (0.0, ""), T0 + 99, 2, ()) == ([], None)

    async def test_C18_jobs_are_listed_newest_first_and_those_under_way_are_kept(self, store: Store) -> None:
        jobs = [
            JobRow(f"job-{n}", "export" if n < 5 else "import", "spring" if n % 2 else "", "done", "ada", T0 + n)
            for n in range(1, 7)
        ]
        jobs[1].state = "running"
        jobs[1].counts = {"rows": 500}
        await store.commit([turn(1, *jobs)])
        assert [row.id for row in await store.jobs("export", None, 10)] == ["job-4", "job-3", "job-2", "job-1"]
        assert [row.id for row in await store.jobs("export", "spring", 10)] == ["job-3", "job-1"]
        assert [row.id for row in await store.jobs("export", None, 1)] == ["job-4"]
        assert await store.job("job-2") == jobs[1]
        assert await store.job("job-7") is None
        assert (await store.load()).jobs == [jobs[1]]

    # --- rows

    async def test_O08_each_kind_of_row_is_read_back_as_written(self, store: Store) -> None:
        full_lead = LeadRow(
            7, "spring", "+84901", "callback", T0, T0 + 1.5, 3, 1, 2, "busy", T0 - 1, "Ân ☎", {"x": '"; --'}, "a.csv"
        )
        full_attempt = attempt(
            2, 7, "talking", booked="an", agent="an", agent_leg="p1", offered_at=1.0, ringing_at=2.0, answered_at=3.0,
            waiting_at=4.0, connected_at=5.0, ended_at=None, outcome="connected", cause=16, sip=200, because="b",
            counted=False, hangup="h",
        )  # fmt: skip
        agent = AgentRow("an", "on_call", T0, "r", "p1", "talking", full_attempt.id, "not_ready", "lunch", T0, T0 - 9)
        tally = TallyRow("spring", 9, 8, 7, 6, 5, 4, 3, 2, 1, 0.5, 1.25)
        audit = AuditRow("a1", T0, "owner", "campaign.start", "spring", "go")
        reply = ReplyRow("owner", "r1", T0, "campaign.start", '{"ok":true}')
        rows: tuple[Row, ...] = (
            campaign(), tally, full_lead, full_attempt, agent, audit, reply, CounterRow("lead", 2**60)
        )  # fmt: skip
        await store.commit([turn(1, *rows)])
        kept = await store.load()
        assert kept.campaigns == [campaign()]
        assert kept.tallies == [tally]
        assert kept.agents == [agent]
        assert kept.live == [full_attempt]
        assert kept.live[0].counted is False
        assert kept.leads == [full_lead]
        assert kept.counters == [CounterRow("lead", 2**60)]
        assert kept.lead_states == [("spring", "callback", 1)]
        assert kept.trunk_last == [("viettel", T0 + 2)]
        assert await store.audit("spring", 10) == [audit]
        assert await store.replies(0) == [reply]

    async def test_O08_a_row_written_again_takes_the_place_of_the_first(self, store: Store) -> None:
        await store.commit(
            [turn(1, campaign(), TallyRow("spring"), lead(1), attempt(1, 1), AgentRow("an", "ready", T0))]
        )
        changed: list[Any] = [
            campaign(policy={}, state="paused", note="n"), TallyRow("spring", placed=1), lead(1, "retry", attempts=1),
            attempt(1, 1, "ended", cause=17), AgentRow("an", "wrap_up", T0 + 1), CounterRow("lead", 1),
        ]  # fmt: skip
        await store.commit([turn(2, *changed)])
        assert list((await every_row(store)).values()) == [[row] for row in (*changed[:2], *changed[4:], *changed[2:4])]

    async def test_O08_of_a_row_twice_in_a_batch_the_last_wins(self, store: Store) -> None:
        first = (campaign(), lead(1), lead(2), attempt(1, 1), lead(1, "in_progress"), CounterRow("lead", 1))
        then = (lead(1, "succeeded"), attempt(1, 1, "ringing"), attempt(1, 1, "ended"), CounterRow("lead", 2))
        await store.commit([turn(1, *first), turn(2, *then)])
        held = await every_row(store)
        assert held["leads"] == [lead(1, "succeeded"), lead(2)]
        assert held["attempts"] == [attempt(1, 1, "ended")]
        assert held["counters"] == [CounterRow("lead", 2)]

    async def test_O08_rows_may_change_as_soon_as_the_commit_has_begun(self, store: Store) -> None:
        row = lead(1, fields={"sum": "1"})
        commit = asyncio.ensure_future(store.commit([turn(1, campaign(), row)]))
        await asyncio.wait([commit], timeout=0)  # lets the task run to its first await
        row.state = "dnc"
        row.fields["sum"] = "2"
        await commit
        assert await store.lead_by_id(1) == lead(1, fields={"sum": "1"})

    @pytest.mark.parametrize(
        "rows",
        [
            (lead(3, phone=lead(1).phone),),
            (lead(3, campaign="unknown"),),
            (attempt(9, 99),),
            (TallyRow("unknown"),),
            (lead(3, next_at=float("nan")),),
            (lead(3, name="half a \ud83d"),),
            (CounterRow("lead", 2**63),),
            (lead(3, phone=None),),
        ],
        ids=["phone-twice", "no-campaign", "no-lead", "tally", "nan", "surrogate", "too-big", "none"],
    )
    async def test_C07_a_row_that_the_schema_forbids_is_our_mistake_and_changes_nothing(
        self, store: Store, rows: tuple[Row, ...]
    ) -> None:
        await store.commit([turn(1, campaign(), lead(1))])
        before = await every_row(store)
        with pytest.raises(OurMistakeError, match="turns 2 to 3"):
            await store.commit([turn(2, lead(2)), turn(3, *rows)])
        assert await every_row(store) == before
        assert (await store.load()).seq == 1
        await store.commit([turn(2, lead(2))])
        assert await store.lead_by_id(2) == lead(2)

    async def test_C07_one_phone_may_be_in_two_campaigns(self, store: Store) -> None:
        await store.commit(
            [turn(1, campaign(), campaign("autumn"), lead(1), lead(2, campaign="autumn", phone=lead(1).phone))]
        )
        assert await store.lead("spring", lead(1).phone) == lead(1)
        assert (await store.lead("autumn", lead(1).phone) or lead(0)).id == 2

    # --- nobody is called twice

    async def test_O08_a_second_live_attempt_on_a_number_is_refused(self, store: Store) -> None:
        await store.commit([turn(1, campaign(), lead(1), lead(2), attempt(1, 1))])
        with pytest.raises(LiveAttemptError, match=rf"{attempt(2, 2).id} .*\+84900000001.* {attempt(1, 1).id}"):
            await store.commit([turn(2, lead(2, "in_progress"), attempt(2, 2, number=lead(1).phone))])
        kept = await store.load()
        assert (kept.seq, kept.live) == (1, [attempt(1, 1)])
        assert await store.lead_by_id(2) == lead(2)
        await store.commit([turn(2, attempt(1, 1, "ended")), turn(3, attempt(2, 2, number=lead(1).phone))])
        assert [row.id for row in (await store.load()).live] == [attempt(2, 2).id]

    async def test_O08_two_live_attempts_within_a_batch_are_refused(self, store: Store) -> None:
        await store.commit([turn(1, campaign(), lead(1))])
        with pytest.raises(LiveAttemptError, match="second live attempt"):
            await store.commit([turn(2, attempt(2, 1)), turn(3, attempt(3, 1, "ringing"))])
        with pytest.raises(LiveAttemptError):
            await store.commit([turn(2, attempt(2, 1), attempt(3, 1))])
        assert await store.attempts(None, "", 9) == []

    async def test_O08_a_second_attempt_that_ends_within_the_batch_is_refused_too(self, store: Store) -> None:
        await store.commit([turn(1, campaign(), lead(1), attempt(1, 1))])
        with pytest.raises(LiveAttemptError):
            await store.commit([turn(2, attempt(2, 1)), turn(3, attempt(2, 1, "ended"))])
        with pytest.raises(LiveAttemptError):
            await store.commit([turn(2, attempt(2, 1)), turn(3, attempt(1, 1, "ended"))])
        assert await store.attempts(None, "", 9) == [attempt(1, 1)]

    @pytest.mark.parametrize("reverse", [False, True])
    async def test_O08_an_attempt_may_follow_an_ended_one_in_the_same_turn(self, store: Store, reverse: bool) -> None:
        await store.commit([turn(1, campaign(), lead(1), attempt(1, 1))])
        rows = [attempt(1, 1, "ended"), attempt(2, 1)]
        await store.commit([turn(2, *(reversed(rows) if reverse else rows)), turn(3, attempt(2, 1, "ringing"))])
        assert (await store.load()).live == [attempt(2, 1, "ringing")]

    # --- leads by index

    async def test_C09_leads_due_come_earliest_first_with_the_next_instant_beyond(self, store: Store) -> None:
        leads = [lead(i, next_at=T0 + 100 - 10 * i) for i in range(1, 6)]  # the last is due first, at T0 + 50
        late = lead(6, next_at=T0 + 50)
        await store.commit([turn(1, campaign(), *leads, late)])
        assert await store.due("spring", T0 + 49, 10) == Due([], T0 + 50)
        assert await store.due("spring", T0 + 50, 10) == Due([leads[4], late], T0 + 60)
        assert await store.due("spring", T0 + 99, 3) == Due([leads[4], late, leads[3]], T0 + 99)  # more are due already
        assert await store.due("spring", T0 + 99, 6) == Due([leads[4], late, *leads[3::-1]], None)
        assert await store.due("spring", T0 + 99, 0) == Due([], T0 + 99)
        assert await store.due("spring", T0 + 99, -1) == Due([], T0 + 99)
        assert await store.due("autumn", T0 + 99, 6) == Due([], None)

    @pytest.mark.parametrize("state", sorted(LEAD_TABLE))
    async def test_C09_only_leads_in_a_dialable_state_are_due(self, store: Store, state: str) -> None:
        await store.commit([turn(1, campaign(), lead(1, state), lead(2, state, next_at=T0 + 500))])
        expected = ([1], T0 + 500) if state in DIALABLE else ([], None)
        assert await ids_due(store, T0 + 1) == expected
        await store.commit([turn(2, lead(1, "in_progress"), lead(2, "in_progress"))])
        assert await store.due("spring", T0 + 999, 10) == Due([], None)

    async def test_C09_leads_never_called_go_oldest_or_newest_first(self, store: Store) -> None:
        rows = [lead(n, created_at=T0 + n, next_at=T0 + n) for n in (1, 2, 3)]
        await store.commit([turn(1, campaign(), *reversed(rows))])
        assert await ids_due(store, T0 + 9) == ([1, 2, 3], None)
        assert await ids_due(store, T0 + 9, LeadOrder(newest=True)) == ([3, 2, 1], None)

    async def test_C10_retries_go_after_fresh_leads_or_before_or_among_them(self, store: Store) -> None:
        fresh = [lead(n, created_at=T0, next_at=T0) for n in range(1, 7)]
        retries = [lead(n, "retry", next_at=T0 - n) for n in range(11, 15)]
        await store.commit([turn(1, campaign(), *fresh, *retries)])
        assert (await ids_due(store, T0))[0] == [1, 2, 3, 4, 5, 6, 14, 13, 12, 11]
        assert (await ids_due(store, T0, LeadOrder(mix=(0, 1))))[0] == [14, 13, 12, 11, 1, 2, 3, 4, 5, 6]
        assert (await ids_due(store, T0, LeadOrder(mix=(2, 1))))[0] == [1, 14, 2, 3, 13, 4, 5, 12, 6, 11]

    async def test_C10_retries_go_by_their_time_or_by_their_attempts(self, store: Store) -> None:
        tried = {1: 2, 2: 1, 3: 3, 4: 1}
        rows = [lead(n, "retry", next_at=T0 - 10 * n, attempts=attempts) for n, attempts in tried.items()]
        await store.commit([turn(1, campaign(), *rows)])
        assert (await ids_due(store, T0))[0] == [4, 3, 2, 1]
        assert (await ids_due(store, T0, LeadOrder(fewest_attempts=True)))[0] == [4, 2, 1, 3]

    async def test_C13_promised_recalls_go_first_or_among_the_retries(self, store: Store) -> None:
        rows = [
            lead(1, created_at=T0, next_at=T0, priority=100),
            lead(2, "callback", next_at=T0 - 5, priority=-100),
            lead(3, "callback", next_at=T0 + 5),
            lead(4, "retry", next_at=T0 - 9, priority=-100),
        ]
        await store.commit([turn(1, campaign(), *rows)])
        assert await ids_due(store, T0) == ([2, 1, 4], T0 + 5)
        assert await ids_due(store, T0, LeadOrder(recalls_first=False)) == ([1, 4, 2], T0 + 5)
        assert (await store.due("spring", T0, 2)).next_urgent == T0 + 5

    async def test_C09_a_greater_priority_goes_first_whatever_the_list(self, store: Store) -> None:
        rows = [
            lead(n, created_at=T0, next_at=T0, priority=priority, list_name=name)
            for n, (priority, name) in enumerate([(0, "a"), (-1, "a"), (50, "b"), (0, "b"), (50, "a")], 1)
        ]
        await store.commit([turn(1, campaign(), *rows)])
        assert (await ids_due(store, T0))[0] == [5, 3, 1, 4, 2]
        assert (await ids_due(store, T0, LeadOrder(outranking=0)))[0] == [5, 3]
        await store.commit([turn(2, lead(2, created_at=T0, next_at=T0, priority=51, list_name="a"))])
        assert (await ids_due(store, T0))[0] == [2, 3, 5, 4, 1]  # of the same priority the other list is next

    async def test_C09_lists_are_mixed_by_their_shares_and_one_without_a_share_is_paused(self, store: Store) -> None:
        rows = [lead(n, created_at=T0, next_at=T0, list_name="gold" if n <= 8 else "lead") for n in range(1, 13)]
        rows += [lead(n, "callback", next_at=T0 - 1, list_name="off") for n in (20, 21)]
        await store.commit([turn(1, campaign(), *rows)])
        order = LeadOrder(shares=(("gold", 3), ("off", 0)))
        assert await ids_due(store, T0, order) == ([1, 9, 2, 3, 4, 10, 5, 6, 7, 11, 8, 12], None)
        assert (await ids_due(store, T0))[0][:2] == [20, 21]
        kept = await store.load()
        assert sorted(kept.open_lists) == [("spring", "gold", 8), ("spring", "lead", 4), ("spring", "off", 2)]

    async def test_C13_leads_private_to_an_agent_are_told_to_him_alone(self, store: Store) -> None:
        rows = [lead(1, "retry", next_at=T0, private_to="an"), lead(2, "callback", next_at=T0 + 5, private_to="an")]
        await store.commit([turn(1, campaign(), *rows, lead(3, created_at=T0, next_at=T0))])
        assert await ids_due(store, T0) == ([3], None)
        assert await ids_due(store, T0, LeadOrder(private_to="an")) == ([1], T0 + 5)
        assert await ids_due(store, T0, LeadOrder(private_to="binh")) == ([], None)
        assert (await store.load()).private_to == [("spring", "an")]
        await store.commit([turn(2, *(msgspec.structs.replace(row, private_to="") for row in rows))])
        assert await ids_due(store, T0) == ([3, 1], T0 + 5)
        assert (await store.load()).private_to == []

    async def test_C06_phones_that_a_campaign_has_are_known(self, store: Store) -> None:
        leads = [lead(i) for i in range(1, 801)]
        await store.commit([turn(1, campaign(), campaign("autumn"), lead(2000, campaign="autumn"), *leads)])
        asked = [lead(i).phone for i in range(700, 1400)]
        assert await store.known_phones("spring", asked) == {row.phone for row in leads[699:]}
        assert await store.known_phones("autumn", asked) == set()
        assert await store.known_phones("spring", []) == set()
        assert await store.known_phones("spring", [*asked[:1] * 3, "half a \ud83d", "' OR 1=1 --"]) == {asked[0]}

    async def test_C07_a_lead_is_found_by_any_of_his_phones(self, store: Store) -> None:
        first = lead(1, phones=["+84911", "+84912"])
        further = [LeadPhoneRow("spring", phone, 1) for phone in first.phones]
        await store.commit([turn(1, campaign(), campaign("autumn"), first, *further)])
        for phone in (first.phone, "+84911", "+84912"):
            assert await store.lead("spring", phone) == first
            assert await store.lead("autumn", phone) is None
        asked = [first.phone, "+84911", "+84912", "+84913"]
        assert await store.known_phones("spring", asked) == set(asked[:3])
        assert await store.known_phones("autumn", asked) == set()
        taken = [LeadPhoneRow("spring", "+84911", 1, False)]
        await store.commit([turn(2, msgspec.structs.replace(first, phones=["+84912"]), *taken)])
        assert await store.lead("spring", "+84911") is None, "a phone that was taken from him is nobody's"
        assert await store.known_phones("spring", asked) == {first.phone, "+84912"}
        second = lead(2, phones=["+84911"])
        await store.commit([turn(3, second, LeadPhoneRow("spring", "+84911", 2))])
        assert await store.lead("spring", "+84911") == second

    async def test_C13_an_attempt_is_told_by_its_id(self, store: Store) -> None:
        ended = attempt(1, 1, "ended", disposition="sale", answers={"happy": "yes"}, then="reached")
        await store.commit([turn(1, campaign(), lead(1), ended)])
        assert await store.attempt(ended.id) == ended
        assert await store.attempt("c-unknown") is None
        assert await store.attempt("\ud83d") is None

    async def test_C20_the_entries_of_numbers_are_told_from_all_lists(self, store: Store) -> None:
        entries = [
            SuppressionRow("own", "+84911", "all", T0, "olga", "sale"),
            SuppressionRow("campaign:spring", "+84911", "voice", T0, "olga", "angry", T0 + 9, active=False),
            SuppressionRow("own", "+84912", "sms", T0, "olga", "stop"),
        ]
        await store.commit([turn(1, *entries)])
        told = await store.suppressions_of(["+84911", "+84913"])
        assert sorted(told, key=lambda row: row.list_name) == [entries[1], entries[0]]
        assert await store.suppressions_of([]) == []

    async def test_V08_hotlines_are_loaded_and_their_figures_of_the_newest_day(self, store: Store) -> None:
        lines = [
            HotlineRow("care", True, "configuration", T0),
            HotlineRow("sales", False, "sam", T0, T0 + 60, 2, "quarantined", "0.3 times what its fellows get"),
        ]
        hours = [HotlineHourRow("sales", "spring", 472_000 + n, 9, 8, 3, 1, 1, 1, 1, 90.5) for n in range(30)]
        await store.commit([turn(1, campaign(), *lines, *hours)])
        kept = await store.load()
        assert kept.hotlines == lines
        assert sorted(kept.hotline_hours, key=lambda row: row.hour) == hours[-25:], "24 hours before the newest one"

    async def test_C11_what_was_handed_out_lately_is_loaded(self, store: Store) -> None:
        days = ("2023-11-12", "2023-11-13", "2023-11-14", "2023-11-15")  # the turn is of the 14th
        rows = [QuotaRow("spring", "1001", day, n) for n, day in enumerate(days)]
        await store.commit([turn(1, campaign(), *rows)])
        assert (await store.load()).quotas == rows[1:]

    async def test_C17_leads_are_listed_by_id_and_state(self, store: Store) -> None:
        leads = [lead(i, "new" if i % 2 else "held") for i in range(1, 8)]
        other = lead(8, campaign="autumn")
        await store.commit([turn(1, campaign(), campaign("autumn"), other, *reversed(leads))])
        assert await store.leads("spring", None, 0, 100) == leads
        assert await store.leads("spring", None, 2, 3) == leads[2:5]
        assert await store.leads("spring", "held", 2, 2) == [leads[3], leads[5]]
        assert await store.leads("autumn", None, 0, 100) == [other]
        assert await store.leads("spring", None, 0, -1) == []
        assert await store.leads("spring", None, 2**70, 10) == []
        assert await store.lead("spring", leads[3].phone) == leads[3]
        assert await store.lead("spring", other.phone) is None
        assert await store.lead_by_id(8) == other
        assert await store.lead_by_id(9) is None
        assert await store.lead_by_id(2**70) is None

    @pytest.mark.parametrize("text", ["'; DROP TABLE leads; --", '" OR ""="', "%", "_", "\x00", "\ud83d", "", "☎"])
    async def test_C17_what_a_stranger_asks_for_is_only_text(self, store: Store, text: str) -> None:
        await store.commit([turn(1, campaign(), lead(1), attempt(1, 1))])
        assert await store.lead(text, text) is None
        assert await store.lead("spring", text) is None
        assert await store.leads("spring", text, 0, 10) == []
        assert await store.due(text, T0 + 99, 10) == Due([], None)
        assert await store.due("spring", T0 + 99, 10, LeadOrder(private_to=text or "☎")) == Due([], None)
        assert (await ids_due(store, T0 + 99, LeadOrder(shares=((text, 0),))))[0] == ([] if text == "" else [1])
        assert await store.attempts(text, "", 10) == []
        assert await store.audit(text, 10) == []
        assert await store.leads("spring", None, 0, 10) == [lead(1)]

    # --- what was

    async def test_O06_attempts_are_told_by_lead_and_by_campaign(self, store: Store) -> None:
        ended = [attempt(i, 1 + i % 2, "ended", placed_at=T0 - i) for i in range(1, 6)]
        await store.commit([turn(1, campaign(), campaign("autumn"), lead(1), lead(2), lead(3, campaign="autumn"))])
        other = attempt(9, 3, "ended", campaign="autumn")
        await store.commit([turn(2, *ended, other)])
        assert await store.attempts_of(2) == [ended[4], ended[2], ended[0]]
        assert await store.attempts_of(77) == []
        assert await store.attempts(None, "", 100) == [*ended, other]
        assert await store.attempts("spring", ended[0].id, 2) == ended[1:3]
        assert await store.attempts("autumn", "", 100) == [other]

    async def test_C03_the_audit_trail_is_told_newest_first(self, store: Store) -> None:
        entries = [AuditRow(f"a{i}", T0 + i // 2, "owner", "campaign.pause", f"c{i % 2}") for i in range(8)]
        await store.commit([turn(1, *entries)])
        assert await store.audit("c1", 10) == [entries[7], entries[5], entries[3], entries[1]]
        assert await store.audit("c0", 2) == [entries[6], entries[4]]

    async def test_O02_the_newest_replies_are_told(self, store: Store) -> None:
        replies = [ReplyRow("an", f"r{i}", T0 + i, "lead.add", "{}") for i in range(10_050)]
        await store.commit([turn(1, *replies, ReplyRow("binh", "r1", T0 - 1, "lead.add", "{}"))])
        assert await store.replies(T0 + 10_040) == replies[:10_039:-1]
        assert await store.replies(0) == replies[:49:-1]

    async def test_O08_live_state_can_be_rebuilt(self, store: Store) -> None:
        leads = [lead(1, "in_progress"), lead(2, "in_progress"), lead(3), lead(4, "succeeded")]
        calls = [
            attempt(1, 1, "ended"),
            attempt(2, 2, "talking"),
            attempt(3, 1, "waiting", trunk="vina", placed_at=5.0),
        ]
        await store.commit([turn(1, campaign(), campaign("autumn"), *leads, lead(5, campaign="autumn"), *calls)])
        kept = await store.load()
        assert kept.live == calls[1:]
        assert kept.leads == leads[:2]
        assert kept.trunk_last == [("viettel", T0 + 2), ("vina", 5.0)]
        assert sorted(kept.lead_states) == [
            ("autumn", "new", 1), ("spring", "in_progress", 2), ("spring", "new", 1), ("spring", "succeeded", 1)
        ]  # fmt: skip

    async def test_O08_random_turns_leave_the_rows_a_dictionary_would_hold(self, store: Store) -> None:
        chance = random.Random(20261121)
        model: dict[str, dict[Any, Any]] = {"leads": {}, "attempts": {}, "agents": {}, "counters": {}}
        tables = ((LeadRow, "leads"), (AttemptRow, "attempts"), (AgentRow, "agents"), (CounterRow, "counters"))
        await store.commit([turn(1, campaign())])
        seq = 1
        for _ in range(60):
            batch = []
            for _ in range(chance.randrange(1, 5)):
                seq += 1
                rows: list[Any] = []
                for _ in range(chance.randrange(6)):
                    n = chance.randrange(1, 30)
                    new = [
                        lead(n, chance.choice(sorted(LEAD_TABLE)), next_at=T0 + chance.random(), same=seq),
                        AgentRow(f"agent{n}", "ready", T0 + seq),
                        CounterRow(f"counter{n % 3}", seq),
                    ]
                    calls = model["attempts"].values()
                    if n in model["leads"] and not any(call.live and call.lead == n for call in calls):
                        new.append(attempt(seq * 100 + len(rows), n))
                    live = [call for call in calls if call.live]
                    if live:
                        new.append(msgspec.structs.replace(chance.choice(live), state="ended", ended_at=T0 + seq))
                    row: Any = chance.choice(new)
                    table = next(name for kind, name in tables if isinstance(row, kind))
                    model[table][getattr(row, "id", None) or row.name] = row
                    rows.append(row)
                batch.append(turn(seq, *rows))
            await store.commit(batch)
            held = await every_row(store)
            for table, expected in model.items():
                assert held[table] == [expected[key] for key in sorted(expected)], table
            told = await store.due("spring", T0 + 0.5, 1000, LeadOrder(recalls_first=False))
            found, beyond = told.leads, told.next_due
            dialable = sorted(
                (r for r in model["leads"].values() if r.state in DIALABLE), key=lambda r: (r.next_at, r.id)
            )
            assert found == [row for row in dialable if row.next_at <= T0 + 0.5]
            assert beyond == next((row.next_at for row in dialable if row.next_at > T0 + 0.5), None)
        assert [one.seq for one in await store.turns(0, 1000)] == list(range(1, seq + 1))

    # --- pruning

    async def test_O08_old_turns_go_but_never_the_last(self, store: Store) -> None:
        await store.commit([turn(i, CounterRow("lead", i)) for i in range(1, 1301)])
        assert await store.prune(T0 + 1101, 0) == 1100
        assert [one.seq for one in await store.turns(0, 2)] == [1101, 1102]
        assert await store.prune(T0 + 1101, 0) == 0
        assert await store.prune(T0 + 9999, 0) == 199
        kept = await store.load()
        assert (kept.seq, kept.counters) == (1300, [CounterRow("lead", 1300)])
        await store.commit([turn(1301)])
        assert [one.seq for one in await store.turns(0, 9)] == [1300, 1301]

    async def test_O08_a_turn_of_a_wrong_clock_does_not_hold_up_pruning(self, store: Store) -> None:
        await store.commit([turn(1), turn(2, at=T0 + 1e9), turn(3), turn(4)])
        assert await store.prune(T0 + 4, 0) == 2
        assert [one.seq for one in await store.turns(0, 9)] == [2, 4]

    async def test_O02_old_replies_go(self, store: Store) -> None:
        replies = [ReplyRow("an", f"r{i}", T0 + i, "lead.add", "{}") for i in range(1200)]
        await store.commit([turn(1, *replies)])
        assert await store.prune(0, T0 + 1190) == 0
        assert await store.replies(0) == replies[:1189:-1]

    # --- many at once

    async def test_O08_questions_are_answered_while_turns_are_written(self, store: Store) -> None:
        await store.commit([turn(1, campaign(), lead(1))])

        async def write() -> None:
            for seq in range(2, 120):
                await store.commit([turn(seq, lead(seq), CounterRow("lead", seq), CounterRow("again", seq))])

        async def ask() -> None:
            newest = 0
            while newest < 119:
                kept = await store.load()
                counters = kept.counters
                assert {row.value for row in counters} <= {kept.seq}  # never half a turn
                found = (await store.due("spring", T0 + 999, 1000)).leads
                assert len(found) >= max((row.value for row in counters), default=1)
                assert len(found) >= newest  # never back in time
                newest = len(found)

        await asyncio.gather(write(), ask(), ask())

    async def test_O08_a_store_that_is_not_open_says_so(self, place: Place) -> None:
        store = place.store()
        with pytest.raises(OurMistakeError, match="not open"):
            await store.load()
        await store.open()
        with pytest.raises(OurMistakeError, match="open already"):
            await store.open()
        await store.commit([turn(1)])
        await store.close()
        await store.close()
        with pytest.raises(OurMistakeError, match="not open"):
            await store.commit([turn(2)])

    async def test_O08_what_was_committed_is_there_after_a_restart(self, place: Place) -> None:
        store = place.store()
        await store.open()
        await store.commit([turn(1, campaign(), lead(1), attempt(1, 1)), turn(2, lead(2))])
        before, kept = await every_row(store), await store.load()
        await store.close()
        again = place.store()
        await again.open()
        if place.lasts:
            assert await again.load() == kept
            assert await every_row(again) == before
            await again.commit([turn(3)])
            assert [one.seq for one in await again.turns(0, 9)] == [1, 2, 3]
        else:
            assert (await again.load()).seq == 0
        await again.close()
