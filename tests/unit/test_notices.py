"""Who is told of what happens to a campaign, and in which words (C05)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.campaigns.notice_texts import SHOWN, one_line, subject, text
from dialerd.campaigns.notices import Noticing
from dialerd.model import facts as f
from dialerd.model.mail_addresses import Language
from dialerd.model.notices import Notice, NoticeKind, NoticeRow
from tests.doubles.desk_of_facts import START, Centre, floor

POLICY = {"name": "Summer", "trunks": ["main"], "region": "none"}
PEOPLE = {"otto": {"roles": ["owner"]}}


class Desk:
    """A centre with two owners (olga, otto), an admin (ada) and a supervisor (sam), and the notices of each of its turns."""

    def __init__(self, **configuration: object) -> None:
        self.centre = Centre(floor(**{"people": PEOPLE, **configuration}), start=False)  # type: ignore[arg-type]
        self.noticing = Noticing(self.centre.live, lambda principal: principal != "sam")
        self._seen = len(self.centre.turns)

    def told(self) -> list[Notice]:
        """The notices of the turns since the last call."""
        turns, self._seen = self.centre.turns[self._seen :], len(self.centre.turns)
        return [notice for turn in turns for notice in self.noticing.notices(turn.turn, turn.rows)]

    def ask(self, verb: str, who: str, note: str = "", campaign: str = "summer") -> list[Notice]:
        reply = self.centre.ask(f"campaign.{verb}", who, campaign=campaign, **({"note": note} if note else {}))
        assert reply["ok"], reply
        return self.told()

    def create(self, who: str, *, draft: bool = False) -> list[Notice]:
        reply = self.centre.ask("campaign.create", who, campaign="summer", policy=POLICY, draft=draft)
        assert reply["ok"], reply
        return self.told()


def brief(notices: Sequence[Notice]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(notice.kind, notice.by, notice.to) for notice in notices]


def test_C05_a_new_campaign_is_told_to_the_owners_and_not_to_the_owner_who_made_it() -> None:
    assert brief(Desk().create("ada")) == [("created", "ada", ("olga", "otto"))]
    (made,) = Desk().create("olga", draft=True)
    assert (made.to, made.note, made.name, made.campaign) == (("otto",), "draft", "Summer", "summer")


@pytest.mark.parametrize(("verb", "kind"), [("approve", "approved"), ("reject", "rejected")])
def test_C05_its_maker_hears_of_approval_and_rejection_with_the_note(verb: str, kind: str) -> None:
    desk = Desk()
    desk.create("ada")
    (notice,) = desk.ask(verb, "olga", "the list is old")
    assert (notice.kind, notice.by, notice.to, notice.note) == (kind, "olga", ("ada",), "the list is old")


def test_C05_who_does_it_himself_is_not_told() -> None:
    desk = Desk()
    desk.create("olga")
    assert desk.ask("approve", "olga") == []


def test_C05_a_run_is_told_to_maker_and_owners_even_to_the_one_who_starts_and_stops_it() -> None:
    desk = Desk()
    desk.create("ada")
    desk.ask("approve", "olga")
    assert brief(desk.ask("start", "ada")) == [("run_began", "clock", ("ada", "olga", "otto"))]
    (ended,) = desk.ask("stop", "olga", "all sold")
    assert (ended.kind, ended.by, ended.note, ended.to) == ("run_ended", "olga", "all sold", ("ada", "olga", "otto"))
    assert brief(desk.ask("start", "ada")) == [("run_began", "clock", ("ada", "olga", "otto"))], "a second run"


def test_C05_a_pause_and_what_follows_are_told_to_the_maker_and_are_no_new_run() -> None:
    desk = Desk()
    desk.create("ada")
    desk.ask("approve", "olga")
    desk.ask("start", "ada")
    assert brief(desk.ask("pause", "olga", "complaints")) == [("paused", "olga", ("ada",))]
    assert brief(desk.ask("resume", "olga")) == [("resumed", "olga", ("ada",))]
    assert desk.ask("pause", "ada") == []
    assert brief(desk.ask("stop", "ada")) == [("run_ended", "ada", ("ada", "olga", "otto"))]


def test_C05_a_run_that_ends_by_the_clock_says_why() -> None:
    desk = Desk()
    policy = {**POLICY, "ends_at": "2026-11-23T09:00:00+07:00"}
    assert desk.centre.ask("campaign.create", "ada", campaign="summer", policy=policy)["ok"]
    for verb in ("approve", "start"):
        desk.ask(verb, "olga")
    desk.centre.take(after=7200.0)
    (ended,) = desk.told()
    assert (ended.kind, ended.by, ended.to) == ("run_ended", "clock", ("ada", "olga", "otto"))
    assert "end time" in ended.note


def test_C05_a_campaign_that_never_ran_ends_without_a_word() -> None:
    desk = Desk()
    desk.create("ada")
    desk.ask("approve", "olga")
    assert desk.ask("stop", "olga") == []


def test_C05_paused_before_its_start_and_resumed_after_it_still_begins() -> None:
    desk = Desk()
    policy = {**POLICY, "starts_at": "2026-11-23T09:00:00+07:00"}
    assert desk.centre.ask("campaign.create", "ada", campaign="summer", policy=policy)["ok"]
    desk.told()
    desk.ask("approve", "olga")
    assert desk.ask("start", "ada") == []
    assert brief(desk.ask("pause", "ada")) == []
    desk.centre.take(after=7200.0)
    assert brief(desk.ask("resume", "ada")) == [("run_began", "clock", ("ada", "olga", "otto"))]


def test_C05_a_campaign_out_of_the_configuration_tells_its_owners_what_its_maker_would_hear() -> None:
    desk = Desk()
    assert brief(desk.ask("start", "ada", campaign="spring")) == [("run_began", "clock", ("olga", "otto"))]
    assert brief(desk.ask("pause", "ada", campaign="spring")) == [("paused", "ada", ("olga", "otto"))]
    desk.ask("resume", "olga", campaign="spring")
    gone = floor(people=PEOPLE)
    gone["campaigns"] = {}
    desk.centre.take(f.Configured(gone))
    assert brief(desk.told()) == [("paused", "configuration", ("olga", "otto"))]


def test_C05_a_campaign_that_the_configuration_brings_later_is_followed_too() -> None:
    desk = Desk()
    more = floor(people=PEOPLE)
    more["campaigns"]["autumn"] = {"name": "Autumn", "trunks": ["main"], "region": "none"}
    desk.centre.take(f.Configured(more))
    assert desk.told() == [], "whoever writes the configuration approves it himself"
    kinds = [notice.kind for verb in ("start", "stop") for notice in desk.ask(verb, "ada", campaign="autumn")]
    assert kinds == ["run_began", "run_ended"]


def test_C05_several_moves_in_one_turn_are_told_one_by_one_in_their_order() -> None:
    desk = Desk()
    desk.create("ada")
    asked = [
        f.Asked(f"m{n}", who, ("owner", "admin"), f"campaign.{verb}", {"campaign": "summer"})
        for n, (verb, who) in enumerate((("approve", "olga"), ("start", "ada"), ("pause", "otto"), ("resume", "otto")))
    ]
    desk.centre.take(*asked)
    assert [notice.kind for notice in desk.told()] == ["approved", "paused", "resumed", "run_began"]


def test_C05_started_again_the_daemon_does_not_tell_of_a_run_that_began_before() -> None:
    desk = Desk()
    desk.create("ada")
    desk.ask("approve", "olga")
    desk.ask("start", "ada")
    desk.noticing = Noticing(desk.centre.live)
    assert [notice.kind for notice in desk.ask("pause", "olga")] == ["paused"]
    assert [notice.kind for notice in desk.ask("resume", "olga")] == ["resumed"]
    assert [notice.kind for notice in desk.ask("stop", "olga")] == ["run_ended"]


def test_C05_turns_without_campaigns_tell_nothing() -> None:
    desk = Desk()
    desk.centre.agent_ready("1001")
    desk.centre.add_leads(3)
    assert desk.told() == []


def test_C05_a_row_for_each_person_and_letters_only_for_those_with_an_address() -> None:
    desk = Desk(people={"sam": {"roles": ["owner"]}})
    desk.centre.ask("campaign.create", "ada", campaign="summer", policy=POLICY)
    turn = desk.centre.turns[-1]
    olga, sam = desk.noticing.rows(turn.turn, turn.rows)
    assert (olga.to, olga.channel, olga.state) == ("olga", "mail", "waiting")
    assert (sam.to, sam.channel, sam.state) == ("sam", "bus", "sent")
    assert olga.notice == sam.notice
    assert olga.id != sam.id
    assert olga.next_at == olga.at == turn.turn.at


# --- words

KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
LANGUAGES: tuple[Language, ...] = get_args(Language)


def row(
    kind: NoticeKind = "approved",
    number: int = 1,
    *,
    campaign: str = "summer",
    name: str = "Xuân hè",
    by: str = "olga",
    note: str = "",
) -> NoticeRow:
    first = f"{number:011d}-0001"
    return NoticeRow(
        f"{first}-001", first, START, kind, campaign, name, by, note, "ada", "mail", "waiting", next_at=START
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_C05_every_notice_has_words_in_every_language(kind: NoticeKind, language: Language) -> None:
    others = [one for one in LANGUAGES if one != language]
    head = subject([row(kind)], language, "main")
    assert head.startswith("[main] ")
    assert "“Xuân hè”" in head
    assert head not in [subject([row(kind)], other, "main") for other in others]
    assert head not in [subject([row(other)], language, "main") for other in KINDS if other != kind]
    body = text([row(kind, note="vì sao")], language, "main", "Asia/Ho_Chi_Minh")
    assert "summer" in body
    assert "2026-11-23 08:00:00 (Asia/Ho_Chi_Minh)" in body
    assert ("vì sao" in body) == (kind != "created")
    assert "{" not in head + body


def test_C05_a_new_campaign_says_whether_it_waits_for_approval() -> None:
    assert "waits for approval" in text([row("created", note="pending")], "en", "main", "UTC")
    assert "bản nháp" in text([row("created", note="draft")], "vi", "main", "UTC")


def test_C05_the_clock_is_named_in_words() -> None:
    assert "by the clock" in text([row("run_began", by="clock")], "en", "main", "UTC")
    assert "theo lịch" in text([row("run_began", by="clock")], "vi", "main", "UTC")


def test_C05_several_notices_stand_in_one_letter_in_their_order_and_very_many_are_counted() -> None:
    rows = [row("paused", 1), row("resumed", 2)]
    assert subject(rows, "en", "main") == "[main] 2 notices about campaign “Xuân hè”"
    assert subject([*rows, row("paused", 3, campaign="other")], "vi", "main") == "[main] 3 thông báo về các chiến dịch"
    body = text(rows, "en", "main", "UTC")
    assert body.index("was paused") < body.index("goes on")
    many = text([row("paused", n, note=f"number {n}.") for n in range(1, SHOWN + 8)], "en", "main", "UTC")
    assert many.startswith("7 earlier notices are not shown.")
    assert "number 7." not in many
    assert "number 8." in many
    assert f"number {SHOWN + 7}." in many


NASTY = "Sale\r\nBcc: all@example.com\r\n\r\n\u2028\x00\u202e\ud800 {name} %s\x1b[31m"


def test_C05_a_campaigns_name_cannot_leave_its_line() -> None:
    head = subject([row(name=NASTY)], "en", "main")
    assert head == "[main] Campaign “Sale Bcc: all@example.com � {name} %s [31m” was approved"
    body = text([row(name=NASTY, note=f"one\n.\n{NASTY}", by=NASTY)], "en", "main", "UTC")
    assert all(line.isprintable() for line in body.split("\n"))
    assert not [line for line in body.split("\n") if line.startswith((".", "Bcc"))]


@given(st.text(), st.integers(1, 50))
def test_C05_one_line_is_one_line_of_the_length_allowed(anything: str, longest: int) -> None:
    made = one_line(anything, longest)
    assert len(made) <= longest
    assert len(made.splitlines()) <= 1
    made.encode()
