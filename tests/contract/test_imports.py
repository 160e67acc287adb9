"""Lists imported whole, from folders, uploads and texts, by the socket and by MQTT (C06-C08, C20)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialerd.cli.socket_client import ask
from tests.contract.dialerctl_program import dialerctl
from tests.contract.house_on_street import StreetProcess, campaign, house
from tests.contract.import_lists import HOSTILE, long_csv, workbook
from tests.contract.mqtt_programs import Client, password, sample_broker
from tests.doubles.daemon_process import DaemonProcess, RefusedError
from tests.doubles.mosquitto import Broker

PEOPLE = {"ada": ["admin"], "sam": ["supervisor"], "otto": ["ops"]}
FIELDS = [
    {"name": "debt", "label": "Dư nợ", "kind": "number", "decimal_mark": "point"},
    {"name": "city", "label": "Thành phố", "kind": "choice", "choices": ["Hà Nội", "Huế"]},
]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with sample_broker("dialerd", *PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, lists: Path, broker: Broker) -> Iterator[DaemonProcess]:
    names = ("xlsx", "old", "wide", "rows", "wire", "mqtt", "hostile", "dry", "all", "part", "cancel", "many", "known")
    campaigns = {name: campaign(region="VN") for name in names}
    campaigns["fields"] = campaign(region="VN", fields=FIELDS)
    campaigns["strict"] = campaign(region="VN", fields=FIELDS, other_fields="refuse")
    campaigns["warsaw"] = campaign(region="PL")
    more = {
        "campaigns": campaigns,
        "people": {name: {"roles": roles} for name, roles in PEOPLE.items()},
        "mqtt": {"host": broker.host, "port": broker.port, "username": "dialerd", "password_file": "mqtt.password"},
        "imports": {"folders": [str(lists)], "max_mb": 64},
    }
    with StreetProcess(tmp_path_factory.mktemp("street")) as street:
        running = house(tmp_path_factory.mktemp("house"), street, **more)
        running.secret(password("dialerd"), "mqtt.password")
        with running:
            running.until(
                lambda: running.ask("daemon.status")["status"]["mqtt"]["connected"], "connected to the broker"
            )
            yield running


def error(daemon: DaemonProcess, command: str, **args: Any) -> dict[str, Any]:
    """The error of a command that has to be refused."""
    with pytest.raises(RefusedError) as refused:
        daemon.ask(command, **args)
    return refused.value.error


def phones(daemon: DaemonProcess, name: str) -> set[str]:
    return {lead["phone"] for lead in daemon.leads(name)}


def report(daemon: DaemonProcess, job: str) -> list[dict[str, str]]:
    """The rows of an import's report."""
    content, more = b"", True
    while more:
        piece = daemon.ask("import.fetch", job=job, offset=len(content), limit=1000)
        content, more = content + base64.b64decode(piece["content"]), piece["more"]
    assert len(content) == piece["size"]
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def uploaded(daemon: DaemonProcess, data: bytes, name: str = "list.csv", piece: int = 700_000) -> str:
    """The id of a whole upload by the socket."""
    upload = daemon.ask("upload.begin", name=name, size=len(data))["upload"]
    for at in range(0, len(data), piece):
        text = base64.b64encode(data[at : at + piece]).decode()
        assert daemon.ask("upload.append", upload=upload, at=at, data=text)["got"] == min(at + piece, len(data))
    assert daemon.ask("upload.end", upload=upload, sha256=hashlib.sha256(data).hexdigest())["got"] == len(data)
    return str(upload)


def finished(daemon: DaemonProcess, job: str, within_s: float = 60.0) -> dict[str, Any]:
    """An import that is over."""
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(next(one for one in daemon.ask("import.list")["imports"] if one["job"] == job))
        return found["state"] != "running"

    daemon.until(over, f"{job} is over", within_s)
    return found


class TestContacts:
    def test_C06_contacts_come_from_workbooks_old_encodings_and_uploads_too(
        self, daemon: DaemonProcess, lists: Path
    ) -> None:
        rows: list[list[object]] = [
            ["Mã KH", "Họ tên", "SĐT", "Hạng"],
            ["w1", "Ân", 912900001.0, "vàng"],
            ["w 2", "x", "", ""],
        ]
        (lists / "contacts.xlsx").write_bytes(workbook(("Notes", [["read me"]]), ("Khách", rows)))
        seen = daemon.ask("contact.import-preview", file="contacts.xlsx")["sheets"][1]
        assert (seen["sheet"], seen["mapping"]["code"]) == ("Khách", "Mã KH")
        dry = daemon.ask("contact.import", file="contacts.xlsx", sheet="Khách", dry_run=True)
        done = daemon.ask("contact.import", file="contacts.xlsx", sheet="2", mapping=seen["mapping"])
        for one in (dry, done):
            assert (one["rows"], one["added"], one["refused"], one["sheet"]) == (2, 1, 1, "Khách")
            assert one["warnings"] == {"leading_zero_lost": 1}
        (bad,) = report(daemon, done["job"])
        assert (bad["row"], bad["result"], bad["Mã KH"]) == ("3", "refused", "w 2")
        shown = daemon.ask("contact.find", code="w1")["contacts"][0]
        assert (shown["phone"], shown["fields"]) == ("+84912900001", {"Hạng": "vàng"})
        text = "phone;name\r\n0912900002;Đào Thu Hà\r\n"
        upload = uploaded(daemon, text.encode("cp1258"))
        assert daemon.ask("contact.import", upload=upload, encoding="windows-1258")["added"] == 1
        assert daemon.ask("contact.find", phone="0912900002")["contacts"][0]["name"] == "Đào Thu Hà"

    def test_C06_dialerctl_brings_a_list_of_contacts(self, daemon: DaemonProcess, tmp_path: Path) -> None:
        made = dialerctl(
            daemon.socket, "contact", "import-template", "--format", "csv", "--to", str(tmp_path / "c.csv")
        )
        assert made.code == 0, made
        path = tmp_path / "c.csv"
        path.write_bytes(path.read_bytes() + b"d1,An,0912900003,,,,,,,,\r\n")
        done = dialerctl(daemon.socket, "contact", "import", "--file", str(path)).json
        assert (done["added"], done["mapping"]["code"]) == (1, "Code")

    def test_C06_an_import_of_contacts_is_cancelled(self, daemon: DaemonProcess) -> None:
        data = "code,name\n" + "".join(f"long-{n},N {n}\n" for n in range(60_000))
        upload = uploaded(daemon, data.encode())
        job = daemon.ask("contact.import", upload=upload, wait=False)["job"]
        cancelled = daemon.ask("import.cancel", job=job)
        daemon.ask("upload.drop", upload=upload)
        assert cancelled["state"] == "cancelled"
        assert cancelled["rows"] == cancelled["added"] == max(cancelled["row"] - 1, 0)


class TestFiles:
    def test_C06_a_workbook_with_numbers_as_numbers_and_a_choice_of_sheet(
        self, daemon: DaemonProcess, lists: Path
    ) -> None:
        """A spreadsheet has taken the first 0 from them, made 84... of a text and cut a long id."""
        rows: list[list[object]] = [
            ["Số điện thoại", "Họ tên", "Mã"],
            [912345678.0, "An", 12],
            [84912345679.0, "Bình", 1234567890123456789],
            ["0912345680", "Chi", 13.5],
            [912345678, "An lần hai", 14],
            [12, "Dũng", 15],
        ]
        (lists / "spring.xlsx").write_bytes(workbook(("Notes", [["read me"], ["nothing here"]]), ("Khách", rows)))
        done = daemon.ask("lead.import", campaign="xlsx", file="spring.xlsx", sheet="Khách")
        assert (done["rows"], done["added"], done["duplicates"], done["refused"]) == (5, 3, 1, 1)
        assert done["warnings"] == {"leading_zero_lost": 1, "digits_lost": 1}
        assert done["mapping"]["phone"] == "Số điện thoại"
        assert (done["sheet"], done["state"]) == ("Khách", "done")
        assert [row["row"] for row in done["refusals"]] == [6]
        leads = {lead["phone"]: lead for lead in daemon.leads("xlsx")}
        assert set(leads) == {"+84912345678", "+84912345679", "+84912345680"}
        assert leads["+84912345680"]["fields"] == {"Mã": "13.5"}
        assert error(daemon, "lead.import", campaign="xlsx", file="spring.xlsx", sheet="Khac")["field"] == "sheet"

    def test_C06_nine_digits_are_no_lost_zero_outside_vietnam(self, daemon: DaemonProcess, lists: Path) -> None:
        (lists / "warsaw.xlsx").write_bytes(workbook(("Lista", [["Telefon"], [512345678.0]])))
        done = daemon.ask("lead.import", campaign="warsaw", file="warsaw.xlsx")
        assert (done["added"], done["warnings"]) == (1, {})

    @pytest.mark.parametrize("encoding", ["cp1258", "utf-16", "utf-8-sig"])
    def test_C06_lists_of_old_programs(self, daemon: DaemonProcess, lists: Path, encoding: str) -> None:
        """Windows-1258 writes tones as marks of their own; the name is the same."""
        number = {"cp1258": "0912000001", "utf-16": "0912000002", "utf-8-sig": "0912000003"}[encoding]
        name = "Đào Thu Hà" if encoding == "cp1258" else "Nguyễn Thị Huế"
        text = f"phone;name\r\n{number};{name}\r\n"
        (lists / f"{encoding}.csv").write_bytes(text.encode(encoding))
        done = daemon.ask("lead.import", campaign="old", file=f"{encoding}.csv")
        assert (done["added"], done["separator"]) == (1, ";")
        assert daemon.ask("lead.get", campaign="old", phone=number)["name"] == name

    @pytest.mark.parametrize(
        ("args", "field"),
        [
            ({"file": "/etc/passwd"}, "file"),
            ({"file": "../house/dialerd.yaml"}, "file"),
            ({"file": "nowhere.csv"}, "file"),
            ({"file": "out.csv"}, "file"),
            ({"upload": "upload-0000000000000000"}, "upload"),
            ({}, "csv"),
            ({"file": "utf-16.csv", "csv": "phone\n1\n"}, "file"),
            ({"csv": "phone\n0912345678\n", "sheet": "2"}, "sheet"),
            ({"csv": "phone\n0912345678\n", "encoding": "klingon"}, "encoding"),
            ({"csv": "phone\n0912345678\n", "header_row": 7}, "header_row"),
            ({"csv": "phone\n0912345678\n", "mapping": {"phone": "tel"}}, "phone"),
        ],
    )
    def test_C06_a_list_that_cannot_be_read_is_refused_with_its_argument(
        self, daemon: DaemonProcess, lists: Path, args: dict[str, Any], field: str
    ) -> None:
        link = lists / "out.csv"
        if not link.is_symlink():
            link.symlink_to("/etc/passwd")
        assert error(daemon, "lead.import", campaign="old", **args)["field"] == field

    def test_C06_a_preview_shows_sheets_first_rows_and_what_the_headings_mean(
        self, daemon: DaemonProcess, lists: Path
    ) -> None:
        rows = [["SĐT", "Tên KH", "Dư nợ", "Email"], ["0912345678", "An", "5", "an@example.vn"]]
        (lists / "fields.xlsx").write_bytes(workbook(("Một", rows), ("Hai", [["x"]])))
        seen = daemon.ask("lead.import-preview", campaign="fields", file="fields.xlsx")
        assert [sheet["sheet"] for sheet in seen["sheets"]] == ["Một", "Hai"]
        first = seen["sheets"][0]
        assert first["first_rows"] == [rows[1]]
        assert first["mapping"] == {
            "phone": "SĐT",
            "name": "Tên KH",
            "email": "Email",
            "fields": {"debt": "Dư nợ"},
            "others": "keep",
        }
        done = daemon.ask("lead.import", campaign="fields", file="fields.xlsx", mapping=first["mapping"])
        assert (done["added"], done["mapping"]) == (1, first["mapping"])
        lead = daemon.ask("lead.get", campaign="fields", phone="0912345678")
        assert (lead["email"], lead["fields"]) == ("an@example.vn", {"debt": "5"})

    @pytest.mark.parametrize("kind", ["xlsx", "csv"])
    def test_C06_the_template_filled_in_comes_back_as_leads(
        self, daemon: DaemonProcess, tmp_path: Path, kind: str
    ) -> None:
        saved = dialerctl(
            daemon.socket, "lead", "import-template", "fields", "--format", kind, "--to", str(tmp_path)
        ).json
        path = tmp_path / f"leads-fields.{kind}"
        assert saved["file"] == str(path)
        seen = daemon.ask(
            "lead.import-preview", campaign="fields", upload=uploaded(daemon, path.read_bytes(), path.name)
        )
        headings = seen["sheets"][0]["headings"]
        assert headings[:4] == ["Phone", "Name", "Other phone", "Email"]
        assert headings[-2:] == ["Dư nợ", "Thành phố"]
        empty = "," * (len(headings) - 4)
        number = "0913000100" if kind == "xlsx" else "0913000200"
        text = ",".join(headings) + f"\n{number},An,{number[:-1]}9{empty}12.5,hà nội\n{number[:-1]}5,Ba,{empty}x,\n"
        done = daemon.ask("lead.import", campaign="fields", csv=text)
        assert (done["added"], done["refused"]) == (1, 1)
        assert "debt" in done["refusals"][0]["because"]
        assert daemon.ask("lead.get", campaign="fields", phone=number)["fields"] == {"debt": "12.5", "city": "Hà Nội"}

    def test_C08_columns_that_are_no_field_are_refused_where_the_campaign_wants_none(
        self, daemon: DaemonProcess
    ) -> None:
        said = error(daemon, "lead.import", campaign="strict", csv="phone,shoe size\n0912345678,42\n")
        assert "'shoe size' is no field" in said["message"]
        mapping = {"phone": "phone", "ignore": ["shoe size"]}
        csv_text = "phone,shoe size\n0912345678,42\n"
        assert daemon.ask("lead.import", campaign="strict", csv=csv_text, mapping=mapping)["added"] == 1


class TestRows:
    def test_C07_all_that_a_list_can_tell_of_a_lead(self, daemon: DaemonProcess) -> None:
        text = (
            "tel,who,tel2,more,mail,street,zone,manager,how,batch,rank\n"
            "0914000001,An,0914000002,0914000003;0914000004,an@example.vn,1 Lê Lợi,Asia/Tokyo,olga,fair,walkers,7\n"
            "0914000005,Ba,,,,,,,,,\n"
            "0914000003,Cu,,,,,,,,,\n"
        )
        mapping = {
            "phone": "tel",
            "name": "who",
            "phones": ["tel2", "more"],
            "email": "mail",
            "address": "street",
            "zone": "zone",
            "owner": "manager",
            "action": "how",
            "list": "batch",
            "priority": "11",
        }
        done = daemon.ask("lead.import", campaign="wide", csv=text, mapping=mapping, list="others", priority=-2)
        assert (done["added"], done["duplicates"]) == (2, 1)
        lead = daemon.ask("lead.get", campaign="wide", phone="0914000001")
        assert lead["phones"] == ["+84914000002", "+84914000003", "+84914000004"]
        assert (lead["email"], lead["address"], lead["owner"]) == ("an@example.vn", "1 Lê Lợi", "olga")
        assert (lead["action"], lead["list"], lead["priority"]) == ("fair", "walkers", 7)
        other = daemon.ask("lead.get", campaign="wide", phone="0914000005")
        assert (other["list"], other["priority"]) == ("others", -2)
        again = daemon.ask("lead.import", campaign="wide", csv="phone\n0914000002\n")  # known by a further phone
        assert (again["added"], again["duplicates"]) == (0, 1)

    def test_C06_every_row_not_taken_is_in_the_report_and_no_formula_comes_alive(
        self, daemon: DaemonProcess, lists: Path
    ) -> None:
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        writer.writerow(["phone", "=cmd()", "name"])
        for n, cell in enumerate(HOSTILE):
            writer.writerow([cell, cell[:200], "Eve"])
            writer.writerow([f"09150000{n:02d}", "kept", "Mallory"])
        (lists / "hostile.csv").write_text(file.getvalue(), encoding="utf-8", newline="")
        done = daemon.ask("lead.import", campaign="hostile", file="hostile.csv")
        assert (done["added"], done["refused"], done["rows"]) == (len(HOSTILE), len(HOSTILE), 2 * len(HOSTILE))
        assert phones(daemon, "hostile") == {f"+849150000{n:02d}" for n in range(len(HOSTILE))}
        rows = report(daemon, done["job"])
        assert [row["result"] for row in rows] == ["refused"] * len(HOSTILE)
        assert [row["row"] for row in rows] == [str(row["row"]) for row in done["refusals"]]
        for row in rows:
            assert row["reason"]
            for cell in row.values():
                assert str(cell).lstrip()[:1] not in ("=", "+", "-", "@"), cell
                assert not {"\x1b", "\x07", "\u202e"} & set(str(cell))
        assert len(json.dumps(done)) < 20_000

    def test_C06_more_bad_rows_than_the_answer_tells_are_in_the_report(self, daemon: DaemonProcess) -> None:
        done = daemon.ask("lead.import", campaign="rows", upload=uploaded(daemon, long_csv(0, 2000, every_bad=4)))
        assert (done["rows"], done["added"], done["refused"]) == (2000, 1500, 500)
        assert len(done["refusals"]) == 100
        assert len(report(daemon, done["job"])) == 500
        view = next(one for one in daemon.ask("import.list", campaign="rows")["imports"] if one["job"] == done["job"])
        assert (view["state"], view["rows"], view["refused"]) == ("done", 2000, 500)
        assert view["report"] == done["report"]

    def test_C07_duplicates_are_counted_or_reported_and_never_added(self, daemon: DaemonProcess) -> None:
        text = "phone,name\n0916000001,An\n0916000002,Ba\n0916000001,An again\n"
        first = daemon.ask("lead.import", campaign="known", csv=text)
        assert (first["added"], first["duplicates"], first["report"]) == (2, 1, "")
        kept = daemon.ask("lead.import", campaign="known", csv=text, duplicates="keep")
        assert (kept["added"], kept["duplicates"]) == (0, 3)
        assert [(row["row"], row["result"]) for row in kept["refusals"]] == [
            (2, "duplicate"),
            (3, "duplicate"),
            (4, "duplicate"),
        ]
        assert [row["name"] for row in report(daemon, kept["job"])] == ["An", "Ba", "An again"]
        assert len(daemon.leads("known")) == 2

    def test_C20_numbers_on_a_do_not_call_list_do_not_join(self, daemon: DaemonProcess) -> None:
        daemon.ask("dnc.add", phone="0917000001")
        daemon.ask("dnc.add", phone="0917000009")
        text = "phone,phones\n0917000001,\n0917000002,0917000009\n0917000003,\n"
        done = daemon.ask("lead.import", campaign="known", csv=text)
        assert (done["added"], done["suppressed"], done["rows"]) == (1, 2, 3)
        assert [row["result"] for row in done["refusals"]] == ["suppressed", "suppressed"]
        assert error(daemon, "lead.add", campaign="known", phone="0917000001")["code"] == "suppressed"

    def test_C06_a_dry_run_tells_every_row_and_adds_nobody(self, daemon: DaemonProcess) -> None:
        daemon.ask("lead.import", campaign="dry", csv="phone\n0918000001\n")
        text = "phone\n0918000001\n0918000002\nx\n0918000002\n"
        done = daemon.ask("lead.import", campaign="dry", csv=text, dry_run=True)
        assert (done["rows"], done["added"], done["duplicates"], done["refused"]) == (4, 1, 2, 1)
        assert [row["result"] for row in done["refusals"]] == ["duplicate", "refused", "duplicate"]
        assert phones(daemon, "dry") == {"+84918000001"}

    def test_C06_all_or_nothing_adds_nobody_for_one_bad_row_and_all_without(self, daemon: DaemonProcess) -> None:
        bad = long_csv(100_000, 1000, every_bad=1000)
        done = daemon.ask("lead.import", campaign="all", upload=uploaded(daemon, bad), all_or_nothing=True)
        assert (done["state"], done["rows"], done["added"], done["refused"]) == ("nothing", 1000, 0, 1)
        assert daemon.leads("all") == []
        good = long_csv(100_000, 1000)
        done = daemon.ask("lead.import", campaign="all", upload=uploaded(daemon, good), all_or_nothing=True)
        assert (done["state"], done["rows"], done["added"], done["duplicates"]) == ("done", 1000, 1000, 0)
        assert len(daemon.leads("all")) == 1000
        again = daemon.ask("lead.import", campaign="all", csv=good.decode(), all_or_nothing=True)
        assert (again["added"], again["duplicates"]) == (0, 1000)


class TestWayOfAnUpload:
    def test_C06_a_piece_sent_twice_does_no_harm_and_a_gap_is_refused(self, daemon: DaemonProcess) -> None:
        data = b"phone\n0919000001\n0919000002\n"
        upload = daemon.ask("upload.begin", name="a.csv", size=len(data))["upload"]

        def piece(start: int, end: int) -> dict[str, Any]:
            return {"upload": upload, "at": start, "data": base64.b64encode(data[start:end]).decode()}

        daemon.ask("upload.append", **piece(0, 10))
        assert daemon.ask("upload.append", **piece(0, 10))["got"] == 10
        assert error(daemon, "upload.append", **piece(12, 15))["allowed"] == 10
        assert error(daemon, "upload.end", upload=upload)["allowed"] == 10
        assert error(daemon, "lead.import", campaign="wire", upload=upload)["code"] == "illegal_state"
        assert daemon.ask("upload.append", **piece(5, len(data)))["got"] == len(data)
        assert error(daemon, "upload.end", upload=upload, sha256="0" * 64)["field"] == "sha256"
        daemon.ask("upload.end", upload=upload)
        assert daemon.ask("lead.import", campaign="wire", upload=upload)["added"] == 2
        daemon.until(
            lambda: ask(daemon.socket, "upload.drop", {"upload": upload})["ok"] is False, "what was imported is dropped"
        )

    @pytest.mark.parametrize(
        ("args", "field"),
        [
            ({"at": 0, "data": "not base64!"}, "data"),
            ({"at": 0, "data": base64.b64encode(b"x" * 6).decode()}, "data"),
            ({"at": -1, "data": "aGk="}, "at"),
            ({"at": 0, "data": ""}, "data"),
        ],
    )
    def test_C06_a_piece_that_does_not_fit_is_refused(
        self, daemon: DaemonProcess, args: dict[str, Any], field: str
    ) -> None:
        upload = daemon.ask("upload.begin", name="../../x\x1b.csv", size=5)["upload"]
        assert error(daemon, "upload.append", upload=upload, **args)["field"] == field
        daemon.ask("upload.drop", upload=upload)

    def test_C06_nobody_has_more_uploads_or_bytes_than_are_allowed(self, daemon: DaemonProcess) -> None:
        assert error(daemon, "upload.begin", name="x", size=64_000_001)["code"] == "too_large"
        begun = [daemon.ask("upload.begin", name="x", size=5)["upload"] for _ in range(4)]
        reply: dict[str, Any] = {"ok": True}
        while reply["ok"]:
            assert len(begun) < 20
            reply = ask(daemon.socket, "upload.begin", {"name": "x", "size": 5})
            begun += [reply["result"]["upload"]] if reply["ok"] else []
        assert reply["error"]["code"] == "busy"
        for upload in begun:
            daemon.ask("upload.drop", upload=upload)

    def test_O03_the_shell_brings_a_local_workbook_in_pieces(self, daemon: DaemonProcess, tmp_path: Path) -> None:
        rows: list[list[object]] = [["phone", "name"]]
        rows += [[f"0921{n:06d}", f"Nguyễn {n} {hashlib.sha256(str(n).encode()).hexdigest()}"] for n in range(15_000)]
        path = tmp_path / "local.xlsx"
        path.write_bytes(workbook(("A", rows)))
        assert path.stat().st_size > 800_000  # more than one piece
        done = dialerctl(daemon.socket, "lead", "import", "wire", "--file", str(path), "--list", "shell").json
        assert (done["added"], done["state"]) == (15_000, "done")
        said = dialerctl(daemon.socket, "lead", "import", "wire", "--file", str(tmp_path / "none.xlsx"))
        assert (said.code, "No such file" in said.err) == (1, True)

    def test_O03_the_shell_saves_a_report(self, daemon: DaemonProcess, tmp_path: Path) -> None:
        done = dialerctl(daemon.socket, "lead", "import", "wire", "phone\nx\n").json
        target = tmp_path / "report.csv"
        dialerctl(daemon.socket, "import", "fetch", done["job"], "--to", str(target))
        assert "refused" in target.read_text("utf-8-sig")

    def test_O02_a_list_comes_by_mqtt_and_its_progress_is_told(self, daemon: DaemonProcess, broker: Broker) -> None:
        ada, sam = Client(broker, "ada"), Client(broker, "sam")
        data = long_csv(200_000, 20_000, every_bad=1000)
        upload = ada.result("upload.begin", {"name": "mqtt.csv", "size": len(data)})["upload"]
        for at in range(0, len(data), 80_000):
            piece = base64.b64encode(data[at : at + 80_000]).decode()
            ada.result("upload.append", {"upload": upload, "at": at, "data": piece})
        ada.result("upload.end", {"upload": upload})
        # what Ada brought is nobody else's
        assert sam.error("lead.import", {"campaign": "mqtt", "upload": upload})["code"] == "unknown_upload"
        with Client(broker, "otto").listen("event/job/#") as events:
            begun = ada.result("lead.import", {"campaign": "mqtt", "upload": upload, "wait": False})
            assert begun["state"] == "running"
            done = finished(daemon, begun["job"])
            assert (done["rows"], done["added"], done["refused"]) == (20_000, 19_980, 20)
            events.until(f"event/job/{begun['job']}/done")
            told = [message.json for message in events.on(f"event/job/{begun['job']}/progress")]
        assert told
        for one in told:
            counts = one["counts"]
            assert counts["rows"] == sum(
                counts.get(name, 0) for name in ("added", "duplicates", "suppressed", "refused")
            )


class TestEnds:
    def test_C06_a_cancelled_import_says_what_was_added_and_that_is_there(self, daemon: DaemonProcess) -> None:
        upload = uploaded(daemon, long_csv(300_000, 150_000))
        job = daemon.ask("lead.import", campaign="cancel", upload=upload, wait=False)["job"]

        def under_way() -> bool:
            return bool(next(one for one in daemon.ask("import.list")["imports"] if one["job"] == job)["added"])

        daemon.until(under_way, "some leads are added")
        done = daemon.ask("import.cancel", job=job)
        assert (done["state"], done["because"]) == ("cancelled", "cancelled by unix.root")
        assert 0 < done["added"] < 150_000
        assert done["rows"] == done["added"]
        assert sum(daemon.ask("campaign.get", campaign="cancel")["leads"].values()) == done["added"]
        assert error(daemon, "import.cancel", job=job)["code"] == "illegal_state"
        assert daemon.ask("lead.import", campaign="cancel", csv="phone\n0912345678\n")["added"] == 1

    def test_C06_a_cancelled_all_or_nothing_adds_nobody(self, daemon: DaemonProcess) -> None:
        upload = uploaded(daemon, long_csv(300_000, 150_000))
        args = {"campaign": "part", "upload": upload, "wait": False, "all_or_nothing": True}
        job = daemon.ask("lead.import", **args)["job"]
        time.sleep(0.5)
        done = daemon.ask("import.cancel", job=job)
        assert (done["state"], done["added"]) == ("cancelled", 0)
        assert daemon.leads("part") == []

    def test_C07_lists_that_meet_and_single_leads_between_them_add_nobody_twice(self, daemon: DaemonProcess) -> None:
        data = long_csv(500_000, 6000)
        jobs = [
            daemon.ask("lead.import", campaign="many", upload=uploaded(daemon, data), wait=False, **more)["job"]
            for more in ({}, {"all_or_nothing": True}, {})
        ]
        single = [daemon.ask("lead.add", campaign="many", phone=f"090{n:07d}") for n in range(505_990, 506_010)]
        done = [finished(daemon, job) for job in jobs]
        assert all(one["rows"] == one["added"] + one["duplicates"] == 6000 for one in done)
        added = sum(one["added"] for one in done) + sum(one["added"] for one in single)
        assert added == 6010 == len(daemon.leads("many"))

    def test_O05_the_daemon_tells_how_long_it_was_kept_from_running(self, daemon: DaemonProcess) -> None:
        stalls = daemon.ask("daemon.status")["status"]["stalls"]
        assert stalls["turn_since_start_ms"] >= stalls["turn_ms"] >= stalls["turn_last_second_ms"] >= 0
        assert stalls["turn_since_start_ms"] > 0
        assert stalls["loop_since_start_ms"] >= stalls["loop_ms"]

    def test_C04_an_import_is_told_to_those_who_see_its_campaign(self, daemon: DaemonProcess, broker: Broker) -> None:
        job = daemon.ask("lead.import", campaign="rows", csv="phone\nx\n")["job"]
        assert Client(broker, "otto").result("import.fetch", {"job": job})["size"] > 0
        assert Client(broker, "sam").error("import.cancel", {"job": job})["code"] in ("forbidden", "illegal_state")
        assert Client(broker, "ada").error("import.fetch", {"job": "job-99999"})["code"] == "unknown_job"
