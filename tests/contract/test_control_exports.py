"""Exports and print sheets as people get them: asked for on the socket, written beside calls, fetched and read (C15, C18)."""

from __future__ import annotations

import base64
import csv
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.contract.dialerctl_program import dialerctl
from tests.contract.house_on_street import BUSY, LEAVES, StreetProcess, campaign, house
from tests.doubles.daemon_process import DaemonProcess, RefusedError
from tests.doubles.many_leads import put_leads
from tests.unit.exports_cases import FORMULAS, MARKUP

NOT_A_PHONE_YET = "+8491234{:04d}"
HOSTILE = [text for text in (*FORMULAS, *MARKUP) if text == text.strip() and "\n" not in text and "\r" not in text]
ZONE = "Asia/Ho_Chi_Minh"
DEADLINE = 60.0


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreetProcess]:
    with StreetProcess(tmp_path_factory.mktemp("street"), speed=5) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, street: StreetProcess) -> Iterator[DaemonProcess]:
    hotlines = {"sales": {"number": "+842871234567"}}
    business = {"budget": 1000, "cost": 250.5, "currency": "PLN", "person_in_charge": "ada"}
    fields = [{"name": "city", "label": "Thành phố"}, {"name": "debt", "kind": "number"}]
    campaigns = {
        "spring": campaign(region="VN", fields=fields, time_zone=ZONE),
        "hostile": campaign(region="VN"),
        "calls": campaign(hotlines=["sales"]),
        "money": campaign(name="Kampania <b>", business=business, description="Zażółć\ngęślą jaźń"),
        "big": campaign(region="VN"),
    }
    people = {"ada": {"roles": ["admin"]}}
    folder = tmp_path_factory.mktemp("house")
    with house(folder, street, campaigns=campaigns, hotlines=hotlines, people=people) as running:
        running.stop()
        put_leads(folder / "dialerd.sqlite3", "big", 30_000, at=running.since - 3600)
        running.start()
        add(running, "spring", "0912340001", "Nguyễn Thị Ánh", city="Huế", debt="1200000")
        add(running, "spring", "0912340002", "Bình", nickname="=1+1")
        yield running


def exports_folder(daemon: DaemonProcess) -> Path:
    return daemon.folder / "exports"


def lines(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def cells(path: Path) -> list[list[Any]]:
    book = openpyxl.load_workbook(path)
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def refused(daemon: DaemonProcess, command: str, **args: Any) -> dict[str, Any]:
    with pytest.raises(RefusedError) as raised:
        daemon.ask(command, **args)
    return raised.value.error


def unfinished(daemon: DaemonProcess) -> list[str]:
    return sorted(path.name for path in exports_folder(daemon).glob("*.part"))


def job_of(daemon: DaemonProcess, job: str) -> dict[str, Any]:
    (found,) = [row for row in daemon.ask("export.list")["exports"] if row["job"] == job]
    return dict(found)


def add(daemon: DaemonProcess, to: str, phone: str, name: str = "", **fields: str) -> None:
    assert daemon.ask("lead.add", campaign=to, phone=phone, name=name, fields=fields)["added"] == 1


class TestLeads:
    def test_C18_a_spreadsheet_has_every_lead_with_its_fields(self, daemon: DaemonProcess) -> None:
        made = daemon.ask("lead.export", campaign="spring", language="vi")
        assert (made["state"], made["rows"]) == ("done", 2)
        assert Path(made["path"]).parent == exports_folder(daemon)
        assert Path(made["path"]).stat().st_size == made["size"]
        heading, *rows = cells(Path(made["path"]))
        first = dict(zip(heading, rows[0], strict=True))
        assert heading[:7] == ["Mã khách", "Điện thoại", "Số khác", "Tên", "Email", "Địa chỉ", "Trạng thái"]
        assert heading[-3:] == ["Thành phố", "debt", "nickname"]
        assert (first["Điện thoại"], first["Tên"]) == ("+84912340001", "Nguyễn Thị Ánh")
        assert (first["Trạng thái"], first["Thành phố"], first["debt"]) == ("mới", "Huế", 1200000)
        joined = first["Tham gia lúc"]
        now = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=7)  # the campaign's zone, without an offset
        assert abs(now - joined) < timedelta(hours=2)  # the daemon's clock runs fast
        assert dict(zip(heading, rows[1], strict=True))["nickname"] == "=1+1"

    def test_C18_leads_are_chosen_by_state_and_by_joining_time(self, daemon: DaemonProcess) -> None:
        def numbers(**chosen: Any) -> list[str]:
            made = daemon.ask("lead.export", campaign="spring", format="csv", **chosen)
            return [line["Phone"] for line in lines(Path(made["path"]))]

        both = ["+84912340001", "+84912340002"]
        assert numbers(states=["new", "retry"]) == numbers(states="new,retry") == both
        assert numbers(states=["succeeded"]) == []
        made = daemon.ask("lead.export", campaign="spring", format="csv")
        second = lines(Path(made["path"]))[1]["Joined at"]  # in seconds: half of one is between the two at most
        at = datetime.fromisoformat(second)
        assert numbers(joined_from=(at - timedelta(hours=1)).isoformat()) == both
        assert numbers(joined_to=(at - timedelta(hours=1)).isoformat()) == []
        assert numbers(joined_from=(at + timedelta(hours=1)).isoformat()) == []
        assert numbers(list_name="nowhere") == []
        assert numbers(list_name="") == both

    @pytest.mark.parametrize(("separator", "sign"), [("semicolon", ";"), ("tab", "\t")])
    def test_C18_csv_with_another_separator(self, daemon: DaemonProcess, separator: str, sign: str) -> None:
        made = daemon.ask("lead.export", campaign="spring", format="csv", separator=separator)
        assert [line["Name"] for line in lines(Path(made["path"]), sign)] == ["Nguyễn Thị Ánh", "Bình"]

    def test_C18_a_page_and_a_pdf_say_what_was_chosen(self, daemon: DaemonProcess) -> None:
        page = Path(daemon.ask("lead.export", campaign="spring", format="html", states=["new"])["path"]).read_text(
            "utf-8"
        )
        assert "State: new" in page
        assert "Campaign: spring" in page
        assert "Nguyễn Thị Ánh" in page
        pdf = Path(daemon.ask("lead.export", campaign="spring", format="pdf")["path"]).read_bytes()
        assert pdf.startswith(b"%PDF-")

    def test_C18_hostile_fields_come_back_as_texts_and_never_as_formulas(self, daemon: DaemonProcess) -> None:
        for number, text in enumerate(HOSTILE):
            add(daemon, "hostile", NOT_A_PHONE_YET.format(number), text[:200], note=text)
        made = daemon.ask("lead.export", campaign="hostile")
        book = openpyxl.load_workbook(made["path"])
        sheet = book.worksheets[0]
        heading = [cell.value for cell in sheet[1]]
        for row, text in zip(sheet.iter_rows(min_row=2), HOSTILE, strict=True):
            for at in (heading.index("Name"), heading.index("note")):
                assert (row[at].data_type, row[at].value) == ("s", text)
        made = daemon.ask("lead.export", campaign="hostile", format="csv")
        for line, text in zip(lines(Path(made["path"])), HOSTILE, strict=True):
            assert line["note"].replace("'", "") == text.replace("'", "")
            assert line["note"].lstrip(" \"'\u200b\ufeff")[:1] not in tuple("=+-@＝＋－＠") or line["note"].startswith(
                "'"
            )
        page = Path(daemon.ask("lead.export", campaign="hostile", format="html")["path"]).read_text("utf-8")
        assert "<script>alert" not in page
        assert "<img" not in page
        sheet_page = daemon.ask("lead.print", campaign="hostile", phone=NOT_A_PHONE_YET.format(len(FORMULAS)))
        assert "<script>alert" not in Path(sheet_page["path"]).read_text("utf-8")

    def test_C18_a_lead_is_printed_with_its_record(self, daemon: DaemonProcess) -> None:
        made = daemon.ask("lead.print", campaign="spring", phone="0912340001", language="pl")
        page = Path(made["path"]).read_text("utf-8")
        assert made["file"].endswith(".html")
        for words in ("Nguyễn Thị Ánh", "Thành phố", "Huế", "Telefon", "+84912340001"):
            assert words in page
        assert Path(daemon.ask("lead.print", campaign="spring", phone="0912340001", format="pdf")["path"]).exists()
        error = refused(daemon, "lead.print", campaign="spring", phone="0912349999")
        assert (error["code"], error["field"]) == ("unknown_lead", "phone")
        error = refused(daemon, "lead.print", campaign="spring", phone="0912340001", template="nice")
        assert (error["code"], error["field"], error["allowed"]) == ("bad_argument", "template", ["sheet"])

    @pytest.mark.parametrize(
        ("args", "code", "field"),
        [
            ({"campaign": "autumn"}, "unknown_campaign", "campaign"),
            ({"states": ["asleep"]}, "bad_argument", "states"),
            ({"zone": "Mars/Base"}, "bad_argument", "zone"),
            ({"format": "docx"}, "bad_argument", "format"),
            ({"language": "fr"}, "bad_argument", "language"),
            ({"joined_from": "yesterday"}, "bad_argument", "joined_from"),
            (
                {"joined_from": "2026-01-02T00:00:00Z", "joined_to": "2026-01-01T00:00:00Z"},
                "bad_argument",
                "joined_to",
            ),
        ],
    )
    def test_C18_what_cannot_be_exported_is_refused_by_name(
        self, daemon: DaemonProcess, args: dict[str, Any], code: str, field: str
    ) -> None:
        before = len(daemon.ask("export.list", limit=1000)["exports"])
        error = refused(daemon, "lead.export", **{"campaign": "spring", **args})
        assert (error["code"], error["field"]) == (code, field)
        assert len(daemon.ask("export.list", limit=1000)["exports"]) == before

    def test_C18_more_rows_than_a_pdf_holds_are_refused_and_told_in_the_list(self, daemon: DaemonProcess) -> None:
        error = refused(daemon, "lead.export", campaign="big", format="pdf")
        assert error["code"] == "too_many_rows"
        newest = daemon.ask("export.list", limit=1)["exports"][0]
        assert (newest["state"], newest["because"]) == ("failed", error["message"])
        assert unfinished(daemon) == []


class TestCallsAndCampaigns:
    def test_O06_calls_are_exported_with_caller_id_times_and_cause(self, daemon: DaemonProcess, tmp_path: Path) -> None:
        add(daemon, "calls", f"{LEAVES}001")
        add(daemon, "calls", f"{BUSY}001")
        daemon.ask("campaign.start", campaign="calls")
        daemon.ask("agent.login", agent="1001")
        daemon.ask("agent.ready", agent="1001")
        daemon.until(lambda: sum(_ended(daemon).values()) == 2, "both calls are over", DEADLINE)
        daemon.ask("agent.logout", agent="1001")
        made = daemon.ask("call.export", campaign="calls", format="csv")
        found = {line["Number"]: line for line in lines(Path(made["path"]))}
        busy, talked = found[f"{BUSY}001"], found[f"{LEAVES}001"]
        assert busy["Outcome"] == "busy"
        assert busy["SIP code"] in ("486", "")
        assert busy["Cause (Q.850)"] == "17"
        assert (talked["Outcome"], talked["Agent"]) == ("connected", "1001")
        assert talked["Caller id"] == "+842871234567"
        placed, ended = (datetime.fromisoformat(talked[key]) for key in ("Placed at", "Ended at"))
        assert placed <= ended
        only = daemon.ask("call.export", format="csv", outcomes=["busy"], placed_from=placed.isoformat())
        assert [line["Number"] for line in lines(Path(only["path"]))] in ([f"{BUSY}001"], [])
        later = (ended + timedelta(days=1)).isoformat()
        assert daemon.ask("call.export", campaign="calls", placed_from=later, format="csv")["rows"] == 0
        error = refused(daemon, "call.export", outcomes=["sleepy"])
        assert (error["code"], error["field"]) == ("bad_argument", "outcomes")

    def test_C15_campaigns_are_exported_with_their_figures(self, daemon: DaemonProcess) -> None:
        heading, *rows = cells(Path(daemon.ask("campaign.export", language="pl")["path"]))
        found = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}
        assert sorted(found) == ["big", "calls", "hostile", "money", "spring"]
        money = found["money"]
        assert (money["Budżet"], money["Koszt"], money["Waluta"]) == (1000, 250.5, "PLN")
        assert (money["Nazwa"], money["Odpowiedzialny"]) == ("Kampania <b>", "ada")
        assert (found["big"]["Leady"], found["big"]["Leady: nowy"]) == (30_000, 30_000)
        made = daemon.ask("campaign.export", states=["finished"], format="csv")
        assert made["rows"] == 0

    def test_C18_a_campaign_is_printed_with_its_money_and_history(self, daemon: DaemonProcess) -> None:
        page = Path(daemon.ask("campaign.print", campaign="money", language="pl")["path"]).read_text("utf-8")
        for words in ("Kampania &lt;b&gt;", "gęślą jaźń", "Budżet", "250.5"):
            assert words in page
        assert "Kampania <b>" not in page


def _ended(daemon: DaemonProcess) -> dict[str, int]:
    stats = daemon.ask("campaign.stats", campaign="calls")
    return {key: 0 if stats["live_calls"] else stats[key] for key in ("connected", "busy")}


class TestFiles:
    def test_C18_a_file_is_fetched_piece_by_piece(self, daemon: DaemonProcess) -> None:
        made = daemon.ask("lead.export", campaign="big", format="csv")
        assert made["rows"] == 30_000
        assert made["size"] > 2 * 1_048_576
        content, more = b"", True
        while more:
            piece = daemon.ask("export.fetch", job=made["job"], offset=len(content))
            assert piece["size"] == made["size"]
            part = base64.b64decode(piece["content"])
            assert len(part) <= 1_048_576
            content, more = content + part, piece["more"]
        assert content == Path(made["path"]).read_bytes()
        names = [line["Name"] for line in csv.DictReader(content.decode("utf-8-sig").splitlines())]
        assert names == [f"Nguyễn Văn {n}" for n in range(1, 30_001)]

    def test_C18_dialerctl_brings_the_file_home(self, daemon: DaemonProcess, tmp_path: Path) -> None:
        target = tmp_path / "danh sách.csv"
        target.write_text("what was there before")
        said = dialerctl(daemon.socket, "lead", "export", "big", "--format", "csv", "--to", str(target))
        assert said.code == 0, said
        assert said.json["path"] == str(target)
        assert target.read_bytes() == (exports_folder(daemon) / said.json["file"]).read_bytes()
        said = dialerctl(daemon.socket, "campaign", "print", "money", "--to", str(tmp_path))
        assert (tmp_path / said.json["file"]).exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([target.name, said.json["file"]])
        said = dialerctl(daemon.socket, "lead", "export", "money", "--to", str(tmp_path / "no" / "such"))
        assert said.code == 1
        assert "No such file" in said.err
        said = dialerctl(daemon.socket, "lead", "export", "money", "--no-wait", "--to", str(target))
        assert said.code == 1
        assert "--wait" in said.err

    def test_C18_a_file_that_is_gone_and_a_job_that_is_none_are_told(self, daemon: DaemonProcess) -> None:
        made = daemon.ask("campaign.export", format="csv")
        Path(made["path"]).unlink()
        assert refused(daemon, "export.fetch", job=made["job"])["code"] == "unknown_file"
        for command in ("export.fetch", "export.cancel"):
            error = refused(daemon, command, job="job-0")
            assert (error["code"], error["field"]) == ("unknown_job", "job")
        assert refused(daemon, "export.cancel", job=made["job"])["code"] == "illegal_state"

    def test_C18_the_folder_is_the_daemons_alone(self, daemon: DaemonProcess) -> None:
        made = daemon.ask("campaign.export", format="csv")
        assert os.stat(exports_folder(daemon)).st_mode & 0o777 == 0o700
        assert os.stat(made["path"]).st_mode & 0o777 == 0o600


class TestJobs:
    def test_C18_an_export_that_nobody_waits_for_is_listed_until_it_is_done(self, daemon: DaemonProcess) -> None:
        begun = daemon.ask("lead.export", campaign="big", wait=False, id_="once")
        assert (begun["state"], begun["file"]) == ("running", "")
        assert daemon.ask("lead.export", campaign="big", wait=False, id_="once") == begun
        error = refused(daemon, "export.fetch", job=begun["job"])
        assert error["code"] == "illegal_state"
        daemon.until(lambda: job_of(daemon, begun["job"])["state"] == "done", "it is done", DEADLINE)
        done = job_of(daemon, begun["job"])
        assert (done["rows"], done["command"], done["campaign"]) == (30_000, "lead.export", "big")
        assert (exports_folder(daemon) / done["file"]).exists()

    def test_C18_an_export_is_cancelled_and_leaves_nothing(self, daemon: DaemonProcess) -> None:
        before = sorted(os.listdir(exports_folder(daemon)))
        begun = daemon.ask("lead.export", campaign="big", wait=False)
        daemon.until(lambda: unfinished(daemon) != [], "it is being written", DEADLINE)
        daemon.ask("export.cancel", job=begun["job"])
        daemon.until(lambda: job_of(daemon, begun["job"])["state"] != "running", "it is over", DEADLINE)
        assert job_of(daemon, begun["job"])["state"] == "cancelled"
        assert "cancelled by unix." in job_of(daemon, begun["job"])["because"]
        daemon.until(lambda: sorted(os.listdir(exports_folder(daemon))) == before, "nothing of it is left", DEADLINE)

    def test_C18_a_killed_daemon_leaves_no_half_file_and_no_running_job(self, daemon: DaemonProcess) -> None:
        """With kill -9 in the middle; the next start says what became of it."""
        begun = daemon.ask("lead.export", campaign="big", wait=False)
        daemon.until(lambda: unfinished(daemon) != [], "it is being written", DEADLINE)
        daemon.kill()
        assert len(unfinished(daemon)) == 1
        daemon.until(lambda: not _writers(exports_folder(daemon)), "its writer is gone", DEADLINE)
        daemon.start()
        assert unfinished(daemon) == []
        job = job_of(daemon, begun["job"])
        assert (job["state"], job["because"], job["file"]) == ("failed", "the daemon stopped", "")
        again = daemon.ask("lead.export", campaign="big", format="csv")
        assert int(again["job"].removeprefix("job-")) > int(begun["job"].removeprefix("job-"))
        assert again["rows"] == 30_000

    def test_C18_a_daemon_that_is_stopped_ends_its_exports(self, daemon: DaemonProcess) -> None:
        begun = daemon.ask("lead.export", campaign="big", wait=False)
        daemon.until(lambda: unfinished(daemon) != [], "it is being written", DEADLINE)
        assert daemon.stop() == 0
        assert unfinished(daemon) == []
        daemon.start()
        job = job_of(daemon, begun["job"])
        assert (job["state"], job["because"]) == ("failed", "the daemon stopped")

    def test_C18_a_folder_that_is_open_to_others_stops_the_start(self, daemon: DaemonProcess) -> None:
        daemon.stop()
        exports_folder(daemon).chmod(0o755)
        try:
            process = daemon.spawn()
            assert process.wait(30) == 1
            assert "exports.folder: exports folder" in daemon.log
            assert "0700 is needed" in daemon.log
        finally:
            exports_folder(daemon).chmod(0o700)
            daemon.start()

    def test_C05_who_exported_what_stands_in_the_audit(self, daemon: DaemonProcess) -> None:
        made = daemon.ask("lead.export", campaign="money", format="csv")
        history = daemon.ask("campaign.get", campaign="money")["history"]
        (entry,) = [one for one in history if made["job"] == one["note"]]
        assert (entry["command"], entry["principal"][:5]) == ("lead.export", "unix.")


def _writers(folder: Path) -> list[int]:
    """Processes at work in a folder below `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and Path(os.readlink(entry / "cwd").removesuffix(" (deleted)")).parent == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return found
