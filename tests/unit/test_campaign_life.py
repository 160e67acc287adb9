"""A campaign's life: it waits for its start, ends at its end, is cloned and deleted; its money (C01, C03, C15, C19)."""

from __future__ import annotations

from typing import Any

import pytest

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.supply import GONE, name_taken
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.instants import iso
from dialerd.model.notices import NoticeRow
from dialerd.model.rows import AuditRow
from dialerd.runtime.exchange import Exchange
from tests.doubles.desk_of_facts import START, Centre, every, floor

POLICY: dict[str, Any] = {"name": "Summer", "trunks": ["main"], "region": "none"}
HOUR = 3600.0


def centre(**policy: Any) -> Centre:
    """A centre whose campaign `summer`, made by the admin ada, is approved."""
    made = Centre(start=False)
    assert made.ask("campaign.create", "ada", campaign="summer", policy={**POLICY, **policy})["ok"]
    assert made.ask("campaign.approve", campaign="summer")["ok"]
    return made


def state(made: Centre, campaign: str = "summer") -> str:
    return made.live.campaigns[campaign].state


def audits(made: Centre, command: str) -> list[AuditRow]:
    rows = [row for turn in made.turns for row in turn.rows if isinstance(row, AuditRow)]
    return [row for row in rows if row.command == command]


class TestStartAndEnd:
    def test_C01_started_before_its_start_it_waits_and_then_runs_by_itself(self) -> None:
        made = centre(starts_at=iso(START + HOUR))
        assert made.ask("campaign.start", "ada", campaign="summer")["result"]["state"] == "scheduled"
        made.take(after=HOUR / 2)
        assert state(made) == "scheduled"
        assert made.exchange.next_wakeup() == START + HOUR, "nobody has to ask for it"
        made.take(after=HOUR / 2)
        assert state(made) == "running"
        assert made.live.campaigns["summer"].began_at == START + HOUR

    def test_C01_its_start_alone_starts_nothing(self) -> None:
        """It runs only when it is approved AND started AND its start has come."""
        made = Centre(start=False)
        made.ask("campaign.create", "ada", campaign="summer", policy={**POLICY, "starts_at": iso(START + HOUR)})
        made.take(after=2 * HOUR)
        assert state(made) == "pending"
        made.ask("campaign.approve", campaign="summer")
        made.take(after=2 * HOUR)
        assert state(made) == "approved"
        made.ask("campaign.start", campaign="summer")
        assert state(made) == "running"

    def test_C01_it_finishes_at_its_end_with_leads_left(self) -> None:
        made = centre(ends_at=iso(START + HOUR))
        made.take(f.LeadsAdded("summer", (f.NewLead("5000"),), "test", "ada"))
        made.ask("campaign.start", campaign="summer")
        made.take(after=HOUR)
        row = made.live.campaigns["summer"]
        assert (row.state, row.state_by, row.note) == ("finished", "clock", "its end time has come")
        assert row.ended_at == START + HOUR
        assert made.live.lead_states["summer"]["new"] == 1
        assert [a.principal for a in audits(made, "campaign.finish")] == ["clock"]

    @pytest.mark.parametrize("verb", ["start", "pause"])
    def test_C01_waiting_or_paused_it_ends_at_its_end_too(self, verb: str) -> None:
        made = centre(starts_at=iso(START + HOUR), ends_at=iso(START + 2 * HOUR))
        made.ask("campaign.start", campaign="summer")
        if verb == "pause":
            made.ask("campaign.pause", campaign="summer")
        made.take(after=3 * HOUR)
        assert state(made) == "finished"
        assert made.live.campaigns["summer"].began_at is None, "it never ran"

    def test_C01_a_start_that_is_put_off_makes_a_running_campaign_wait_again(self) -> None:
        made = centre()
        made.ask("campaign.start", campaign="summer")
        reply = made.ask("campaign.update", "ada", campaign="summer", policy={"starts_at": iso(START + HOUR)})
        assert reply["result"]["state"] == "scheduled"
        assert "summer" not in made.live.running
        assert [(a.principal, a.note) for a in audits(made, "campaign.put_off")] == [("ada", iso(START + HOUR))]
        made.take(after=HOUR)
        assert state(made) == "running"
        assert made.live.campaigns["summer"].began_at == START, "its first run"

    def test_C01_a_file_campaign_whose_start_is_put_off_waits_too(self) -> None:
        made = Centre()
        assert state(made, "spring") == "running"
        made.take(f.Configured(floor(campaign={"starts_at": START + HOUR})))
        assert state(made, "spring") == "scheduled"

    def test_C01_a_finished_one_gets_a_later_end_and_starts_again(self) -> None:
        made = centre(ends_at=iso(START + HOUR))
        made.ask("campaign.start", campaign="summer")
        made.take(after=2 * HOUR)
        assert made.ask("campaign.start", campaign="summer")["error"]["code"] == "over"
        assert made.ask("campaign.update", "ada", campaign="summer", policy={"ends_at": iso(START + 9 * HOUR)})["ok"]
        assert made.ask("campaign.start", "ada", campaign="summer")["ok"]
        row = made.live.campaigns["summer"]
        assert (row.state, row.ended_at, row.began_at) == ("running", None, START)


class TestDeleting:
    def test_C19_one_without_leads_goes_at_once_and_its_name_is_not_used_again(self) -> None:
        made = Centre(start=False)
        made.ask("campaign.create", "ada", campaign="summer", policy=POLICY)
        assert made.ask("campaign.delete", "ada", campaign="summer", note="a mistake")["result"]["state"] == "deleted"
        assert [(a.principal, a.note) for a in audits(made, "campaign.delete")] == [("ada", "a mistake")]
        again = made.ask("campaign.create", campaign="summer", policy=POLICY)["error"]
        assert (again["code"], again["field"]) == ("exists", "campaign")
        for verb in ("approve", "start", "delete", "update"):
            more = {"policy": {}} if verb == "update" else {}
            error = made.ask(f"campaign.{verb}", campaign="summer", **more)["error"]
            assert (error["code"], error["allowed"]) == ("unknown_campaign", ["spring"]), verb

    def test_C19_one_with_leads_needs_its_name_once_more(self) -> None:
        made = centre()
        made.take(f.LeadsAdded("summer", (f.NewLead("5000"), f.NewLead("5001")), "test", "ada"))
        error = made.ask("campaign.delete", campaign="summer")["error"]
        assert (error["code"], error["field"], error["allowed"]) == ("confirm_needed", "confirm", ["summer"])
        assert "2 leads (2 new)" in error["message"]
        assert made.ask("campaign.delete", campaign="summer", confirm="spring")["error"]["code"] == "confirm_needed"
        assert state(made) == "approved"
        assert made.ask("campaign.delete", campaign="summer", confirm="summer")["ok"]
        assert made.live.lead_states["summer"].total() == 0
        assert [a.note for a in audits(made, "campaign.delete")] == ["2 leads"]

    def test_C04_one_that_was_dialed_stays_as_a_record_for_owners_too(self) -> None:
        made = centre()
        made.take(f.LeadsAdded("summer", tuple(f.NewLead(str(5000 + n)) for n in range(5)), "test", "ada"))
        made.ask("campaign.start", campaign="summer")
        calls = every(made.agent_ready("1001"), i.Dial)
        assert len(calls) == 1
        made.ask("campaign.pause", campaign="summer")
        for ended in (False, True):
            if ended:
                made.take(f.CallEnded(calls[0].call, cause=17), after=10)
            error = made.ask("campaign.delete", campaign="summer", confirm="summer")["error"]
            assert (error["code"], "summer was dialed" in error["message"]) == ("illegal_state", True)
        assert state(made) == "paused"
        assert made.ask("campaign.stop", campaign="summer")["ok"]
        assert made.ask("campaign.delete", campaign="summer", confirm="summer")["error"]["code"] == "illegal_state"
        assert made.live.lead_states["summer"].total() == 5

    def test_C19_never_dialed_after_it_was_deleted(self) -> None:
        made = centre()
        made.take(f.LeadsAdded("summer", (f.NewLead("5000"),), "test", "ada"))
        made.ask("campaign.start", campaign="summer")
        made.ask("campaign.pause", campaign="summer")
        assert made.ask("campaign.delete", campaign="summer", confirm="summer")["ok"]
        assert every(made.agent_ready("1001"), i.Dial) == []
        assert every(made.take(after=9 * 86400), i.Dial) == []

    @pytest.mark.parametrize("how", ["scheduled", "running"])
    def test_C03_one_that_runs_is_stopped_or_paused_first(self, how: str) -> None:
        made = centre(**({"starts_at": iso(START + HOUR)} if how == "scheduled" else {}))
        made.ask("campaign.start", campaign="summer")
        assert state(made) == how
        error = made.ask("campaign.delete", campaign="summer")["error"]
        assert (error["code"], error["allowed"]) == ("illegal_move", ["pause", "stop"])

    def test_C19_leads_that_come_for_a_deleted_one_are_not_taken(self) -> None:
        made = centre()
        made.ask("campaign.delete", campaign="summer")
        made.take(f.LeadsAdded("summer", (f.NewLead("5000"),), "import", "ada"))
        assert made.live.oddities["leads_added"] == 1
        assert made.live.lead_states["summer"].total() == 0

    def test_C19_a_file_campaign_is_deleted_after_it_was_taken_out_and_does_not_come_back(self) -> None:
        made = Centre(start=False)
        assert made.ask("campaign.delete", campaign="spring")["error"]["code"] == "from_file"
        without = floor()
        policy = without["campaigns"].pop("spring")
        made.take(f.Configured(without))
        assert made.ask("campaign.delete", campaign="spring")["ok"]
        made.take(f.Configured({**without, "campaigns": {"spring": {**policy, "name": "Spring again"}}}))
        assert state(made, "spring") == "deleted"
        assert made.live.policies["spring"].name == "Spring"
        assert name_taken(made.live) == ["spring"]

    def test_C19_what_was_deleted_stays_so_after_a_restart(self) -> None:
        made = centre()
        made.take(f.LeadsAdded("summer", (f.NewLead("5000"),), "test", "ada"))
        made.ask("campaign.delete", campaign="summer", confirm="summer")
        engine = Engine(made.rows.load("00c0ffee"))
        engine.live.now = made.now
        engine.apply(f.Configured(made.configuration))
        assert engine.snapshot() == made.exchange.engine.snapshot()
        assert engine.live.campaigns["summer"].state == "deleted"


class TestCloning:
    def test_C19_a_clone_has_the_policy_and_nothing_of_the_past(self) -> None:
        made = centre(lines=3, starts_at=iso(START - HOUR), business={"budget": 100, "cost": 50, "revenue": 70})
        made.ask("campaign.start", campaign="summer")
        reply = made.ask("campaign.clone", "ada", campaign="summer", to="autumn")
        assert reply["result"] == {"campaign": "autumn", "state": "pending", "copying": 0}
        row, policy = made.live.campaigns["autumn"], made.live.policies["autumn"]
        assert (row.created_by, row.source, row.began_at) == ("ada", "command", None)
        assert (policy.name, policy.lines, policy.starts_at) == ("Summer (copy)", 3, None)
        assert (policy.business.budget, policy.business.cost, policy.business.revenue) == (100, None, None)
        assert made.live.tallies["autumn"].placed == 0
        assert [(a.subject, a.note) for a in audits(made, "campaign.clone")] == [("autumn", "of summer")]

    def test_C19_a_clone_of_a_file_campaign_belongs_to_who_made_it(self) -> None:
        made = Centre(start=False)
        assert made.ask("campaign.clone", "ada", campaign="spring", to="mine", name="Mine", draft=True)["ok"]
        row = made.live.campaigns["mine"]
        assert (row.source, row.created_by, row.state) == ("command", "ada", "draft")
        assert made.ask("campaign.update", "ada", campaign="mine", policy={"lines": 2})["ok"]
        assert made.ask("campaign.delete", "ada", campaign="mine")["ok"]

    def test_C19_a_name_that_is_or_was_a_campaign_s_is_refused(self) -> None:
        made = centre()
        assert made.ask("campaign.clone", campaign="summer", to="spring")["error"]["field"] == "to"
        made.ask("campaign.delete", campaign="summer")
        assert made.ask("campaign.clone", campaign="spring", to="summer")["error"]["code"] == "exists"

    def test_C19_a_long_name_still_fits(self) -> None:
        made = centre(name="x" * 200)
        assert made.ask("campaign.clone", campaign="summer", to="autumn")["ok"]
        assert made.live.policies["autumn"].name == "x" * 193 + " (copy)"

    def test_C19_the_leads_come_portion_by_portion_and_begin_anew(self) -> None:
        made = centre()
        made.take(
            f.LeadsAdded("summer", (f.NewLead("5000", "An", email="an@example.vn"), f.NewLead("5001")), "t", "ada")
        )
        reply = made.ask("campaign.clone", "ada", campaign="summer", to="autumn", leads="all")
        assert reply["result"]["copying"] == 2
        (wanted,) = every(made.turns[-1].turn.intents, i.CopyLeads)
        assert (wanted.campaign, wanted.source, wanted.after) == ("autumn", "summer", 0)
        assert "do_not_call_back" not in wanted.states
        seq = made.live.seq
        first = f.LeadsCopied("autumn", 0, (f.NewLead("5000", "An", email="an@example.vn"),), 1, 0, 0, seq)
        (wanted,) = every(made.take(first), i.CopyLeads)
        assert wanted.after == 1
        assert every(made.take(first), i.CopyLeads) == [], "the same portion twice is not taken twice"
        assert made.live.oddities["leads_copied"] == 1
        made.take(f.LeadsCopied("autumn", 1, (f.NewLead("5001"),), None, 3, 2, made.live.seq))
        assert made.live.lead_states["autumn"]["new"] == 2
        lead = next(row for row in made.rows.leads.values() if row.campaign == "autumn")
        assert (lead.name, lead.email, lead.attempts, lead.source) == ("An", "an@example.vn", 0, "copy:summer")
        assert [a.note for a in audits(made, "lead.copied")] == ["2 from summer; 3 left out, 2 there already"]
        assert made.ask("lead.copy", "ada", campaign="autumn", from_campaign="summer")["ok"], "the first is over"

    def test_C19_somebody_who_came_meanwhile_is_not_taken_twice(self) -> None:
        made = centre()
        made.ask("campaign.clone", campaign="summer", to="autumn", leads="all")
        seq = made.live.seq
        made.take(f.LeadsAdded("autumn", (f.NewLead("5000"),), "import", "ada"))
        made.take(f.LeadsCopied("autumn", 0, (f.NewLead("5000"), f.NewLead("5001")), None, 0, 0, seq))
        assert made.live.lead_states["autumn"]["new"] == 2
        assert [a.note for a in audits(made, "lead.copied")] == ["1 from summer; 0 left out, 1 there already"]

    def test_C19_what_was_read_too_long_ago_is_read_again(self) -> None:
        made = centre()
        made.ask("campaign.clone", campaign="summer", to="autumn", leads="all")
        seq = made.live.seq
        for _ in range(200):
            made.take()
        (wanted,) = every(made.take(f.LeadsCopied("autumn", 0, (f.NewLead("5000"),), None, 0, 0, seq)), i.CopyLeads)
        assert wanted.after == 0
        assert made.live.lead_states["autumn"].total() == 0

    def test_O08_a_copy_goes_on_after_a_restart_where_it_stood(self) -> None:
        made = centre()
        made.ask("campaign.clone", campaign="summer", to="autumn", leads="new")
        made.take(f.LeadsCopied("autumn", 0, (f.NewLead("5000"),), 41, 0, 0, made.live.seq))
        exchange = Exchange(Engine(made.rows.load("00c0ffee")))
        turn = exchange.take([f.Configured(made.configuration)], made.now).turn
        (wanted,) = every(turn.intents, i.CopyLeads)
        assert (wanted.campaign, wanted.after, wanted.states) == ("autumn", 41, ("new",))

    def test_C19_one_copy_at_a_time_and_not_from_itself(self) -> None:
        made = centre()
        made.ask("campaign.clone", campaign="summer", to="autumn", leads="new")
        assert made.ask("lead.copy", campaign="autumn", from_campaign="spring")["error"]["code"] == "illegal_state"
        assert made.ask("lead.copy", campaign="spring", from_campaign="spring")["error"]["field"] == "from_campaign"

    def test_C19_a_copy_into_one_that_is_deleted_meanwhile_ends(self) -> None:
        made = centre()
        made.ask("campaign.clone", campaign="summer", to="autumn", leads="all")
        made.ask("campaign.delete", campaign="autumn")
        assert (
            every(made.take(f.LeadsCopied("autumn", 0, (f.NewLead("5000"),), 1, 0, 0, made.live.seq)), i.CopyLeads)
            == []
        )
        assert made.live.lead_states["autumn"].total() == 0


class TestBusiness:
    @pytest.mark.parametrize(
        ("business", "field"),
        [
            ({"budget": -1}, "policy.business.budget"),
            ({"cost": "much"}, "policy.business.cost"),
            ({"currency": "dong"}, "policy.business.currency"),
            ({"profit": 1}, "policy.business.profit"),
            ({"person_in_charge": "nobody"}, "policy.business.person_in_charge"),
            ({"revenue": float("inf")}, "policy.business.revenue"),
        ],
    )
    def test_C15_what_is_no_figure_is_refused_and_named(self, business: dict[str, Any], field: str) -> None:
        made = Centre(start=False)
        error = made.ask("campaign.create", campaign="x", policy={**POLICY, "business": business})["error"]
        assert (error["code"], error["field"]) == ("bad_argument", field)

    def test_C15_figures_are_changed_one_by_one_also_after_the_end(self) -> None:
        made = centre(business={"budget": 1000, "person_in_charge": "ada"})
        made.ask("campaign.start", campaign="summer")
        made.ask("campaign.stop", campaign="summer")
        assert made.ask("campaign.update", "ada", campaign="summer", policy={"business": {"cost": 12.5}})["ok"]
        business = made.live.policies["summer"].business
        assert (business.budget, business.cost, business.person_in_charge) == (1000, 12.5, "ada")
        assert made.ask("campaign.update", "ada", campaign="summer", policy={"business": {"budget": None}})["ok"]
        assert made.live.policies["summer"].business.budget is None


class TestNoticesInTheTurn:
    def test_C05_notices_are_rows_of_the_turn_that_caused_them(self) -> None:
        made = Centre(start=False)
        made.ask("campaign.create", "ada", campaign="summer", policy=POLICY)
        rows = [row for row in made.turns[-1].rows if isinstance(row, NoticeRow)]
        assert [(row.kind, row.to, row.state) for row in rows] == [("created", "olga", "sent")]
        assert isinstance(made.turns[-1].rows[-1], NoticeRow), "they come last"

    def test_C05_a_turn_without_a_campaign_asks_for_no_notices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = Centre(leads=5)
        asked: list[int] = []
        monkeypatch.setattr(
            type(made.exchange._noticing), "rows", lambda self, turn, rows: asked.append(turn.seq) or ()
        )
        made.agent_ready("1001")
        assert asked == []
        made.ask("campaign.pause", campaign="spring")
        assert len(asked) == 1

    def test_C05_a_gone_file_campaign_is_told_as_paused(self) -> None:
        made = Centre()
        without = floor()
        del without["campaigns"]["spring"]
        made.take(f.Configured(without))
        rows = [row for row in made.turns[-1].rows if isinstance(row, NoticeRow)]
        assert [(row.kind, row.by, row.note) for row in rows] == [("paused", "configuration", GONE)]
