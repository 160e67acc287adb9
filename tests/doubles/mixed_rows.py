"""Rows as branches send them: good, old, double, barred, broken and empty ones, and what must become of each.

Never asks the code that reads them: what a row is worth is known because it was made so.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field

Cell = str | int | dt.date
COLUMNS = (
    "Mã KH", "Họ và tên", "Số điện thoại", "SĐT khác", "Email", "Ngày sinh", "Dư nợ", "Gói cước", "PESEL", "Ưu tiên",
    "Danh sách", "Hẹn gọi",
)  # fmt: skip
CODE, NAME, PHONE, FURTHER, EMAIL, BORN, DEBT, PLAN, PESEL, PRIORITY, LIST, RECALL = range(12)
PLANS = ("Gói Tiết Kiệm", "Gói Gia Đình", "Gói Doanh Nghiệp")
LISTS = ("Hà Nội", "Sài Gòn", "Đà Nẵng")
FAMILY = (
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Huỳnh",
    "Phan",
    "Vũ",
    "Võ",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Ngô",
    "Dương",
    "Lý",
)
MIDDLE = ("Thị", "Văn", "Hữu", "Đức", "Ngọc", "Quốc", "Thanh", "Minh", "Xuân", "Bảo", "Kim", "Thuỳ")
GIVEN = (
    "An",
    "Bình",
    "Châu",
    "Dũng",
    "Hạnh",
    "Hiếu",
    "Khánh",
    "Lộc",
    "Mỹ",
    "Nghĩa",
    "Phượng",
    "Quỳnh",
    "Sơn",
    "Tuyết",
    "Yến",
)
PREFIXES = ("32", "33", "35", "38", "39", "70", "76", "79", "81", "84", "85", "90", "91", "93", "96", "97", "98", "56")
OLD = {
    "120": "70",
    "121": "79",
    "122": "77",
    "126": "76",
    "128": "78",
    "123": "83",
    "124": "84",
    "125": "85",
    "127": "81",
}
OLD |= {"129": "82", "162": "32", "165": "35", "168": "38", "169": "39", "186": "56", "188": "58"}
"""The first digits of a mobile of before 2018, and those that it has now."""


@dataclass
class Made:
    """A row, and what must become of it."""

    fate: str = "added"
    """added, duplicate, suppressed, refused or empty."""
    why: str = ""
    """Words of the reason for which it is refused."""
    number: str = ""
    """E.164."""
    cells: list[Cell] = field(default_factory=list)
    raw: bytes = b""
    """Instead of cells: the line as it stands in the file."""
    fields: dict[str, str] = field(default_factory=dict)
    name: str = ""
    further: str = ""
    list_name: str = ""
    priority: int = 0
    email: str = ""
    recall: str = ""
    zero_lost: bool = False
    at: int = 0
    """Its row in the file."""


def _spaced(home: str) -> str:
    return f"{home[:4]} {home[4:7]} {home[7:]}"


WRITTEN: tuple[Callable[[str], str], ...] = (
    lambda home: home,
    _spaced,
    lambda home: _spaced(home).replace(" ", "."),
    lambda home: _spaced(home).replace(" ", "-"),
    lambda home: f"({home[:3]}) {home[3:6]}-{home[6:]}",
    lambda home: f"+84{home[1:]}",
    lambda home: f"+84 {home[1:3]} {home[3:6]} {home[6:]}",
    lambda home: f"84{home[1:]}",
    lambda home: f"0084 {_spaced(home)[1:]}",
    lambda home: f"+84 (0){home[1:3]} {home[3:]}",
    lambda home: f"tel:+84{home[1:]}",
    lambda home: f" {home}\u00a0",
)
"""How a Vietnamese number, told as one dials it at home, is written down."""
BROKEN = (
    ("không có", "letters"), ("O912345678", "letters"), ("0912345678 (Zalo)", "letters"), ("0912 345", "not a number in use"),
    ("0912345678/0987654321", "several numbers"), ("0912345678 - 0987654321", "several numbers"), ("8,49123E+10", "cut short"),
    ("091234567890123456", "not a number in use"), ("+999 123 456 789", "no country"), ("0012345678", "not a number in use"),
    ("-", "not a telephone number"), ("", "required"),
)  # fmt: skip
NEVER = (("1900 {}", "premium"), ("1800 {}", "toll-free"), ("11{}", "emergency"), ("9{}", "short number"))
FOREIGN = ("+48 50{}", "+65 91{}", "0049 1512 {}", "+1 415 {}")


class Maker:
    """Makes rows; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._numbers: set[str] = set()
        self._codes = 0
        self.own: list[str] = []
        self.register: list[str] = []
        self._added: list[Made] = []

    def number(self) -> str:
        """A mobile number that was not made yet, as E.164."""
        while True:
            made = f"+84{self.chance.choice(PREFIXES)}{self.chance.randrange(10_000_000):07d}"
            if made not in self._numbers:
                self._numbers.add(made)
                return made

    def row(self, kind: str, default_list: str) -> Made:
        """A row of a kind."""
        if kind in ("empty", "quote", "bytes"):
            return self._plain(kind)
        made = self._person(default_list)
        getattr(self, f"_{kind}")(made)
        if made.fate == "added":
            self._added.append(made)
        return made

    def _plain(self, kind: str) -> Made:
        blank: list[Cell] = [" " if self.chance.random() < 0.2 else "" for _ in COLUMNS]
        if kind == "empty":
            return Made("empty", cells=blank)
        if kind == "quote":
            return Made("refused", "a quote is opened and not closed", raw=b'"KH99;Nguyen Van A;0912345678;;;;;;;;;')
        return Made("refused", "is not windows-1258", raw=b"KH98;Nguy\x8fn;0912345678;;;;;;;;;")

    def _person(self, default_list: str) -> Made:
        chance = self.chance
        self._codes += 1
        name = " ".join(map(chance.choice, (FAMILY, MIDDLE, GIVEN)))
        born = dt.date(1950, 1, 1) + dt.timedelta(chance.randrange(18_000))
        debt = chance.randrange(1, 90) * 100_000
        plan, priority = chance.choice(PLANS), chance.choice((0, 0, 0, 0, 5, 50, -10))
        list_name = chance.choice(("", "", *LISTS))
        number = self.number()
        written = chance.choice(WRITTEN)(f"0{number[3:]}")
        debts = (str(debt), f"{debt:,}".replace(",", "."), f"{debt:,}".replace(",", " "))
        days = (born.isoformat(), born.strftime("%d/%m/%Y"), born.strftime("%d.%m.%Y"))
        code, email = f"KH{self._codes:05d}", f"kh{self._codes}@example.vn" if chance.random() < 0.3 else ""
        cells: list[Cell] = [code, name, written, "", email, chance.choice(days), chance.choice(debts)]
        cells += [chance.choice((plan, plan.upper())), "", str(priority) if priority else "", list_name, ""]
        fields = {"ma_kh": code, "ngay_sinh": born.isoformat(), "du_no": str(debt), "goi": plan}
        return Made(
            number=number, cells=cells, fields=fields, name=name, list_name=list_name or default_list,
            priority=priority, email=email,
        )  # fmt: skip

    # --- rows that are leads

    def _mobile(self, made: Made) -> None:
        pass

    def _old(self, made: Made) -> None:
        """A mobile of eleven digits; since 2018 it has ten."""
        while True:
            was = self.chance.choice(list(OLD))
            tail = f"{self.chance.randrange(10_000_000):07d}"
            if f"+84{OLD[was]}{tail}" not in self._numbers:
                break
        made.number = f"+84{OLD[was]}{tail}"
        self._numbers.add(made.number)
        forms = (f"0{was}{tail}", f"0{was} {tail[:3]} {tail[3:]}", f"+84{was}{tail}", f"84 {was}{tail}")
        made.cells[PHONE] = self.chance.choice(forms)

    def _landline(self, made: Made) -> None:
        tail = f"{self.chance.choice('23')}8{len(self._numbers) % 1_000_000:06d}"
        city = self.chance.choice(("24", "28"))
        made.number = f"+84{city}{tail}"
        self._numbers.add(made.number)
        made.cells[PHONE] = self.chance.choice((f"(0{city}) {tail[:4]} {tail[4:]}", f"+84 {city} {tail}"))

    def _foreign(self, made: Made) -> None:
        before = self.chance.choice(FOREIGN)
        count = 6 if before.startswith("+65") else 7
        digits = f"2{len(self._numbers) % 10 ** (count - 1):0{count - 1}d}"
        made.cells[PHONE] = before.format(digits)
        made.number = "+" + "".join(c for c in str(made.cells[PHONE]) if c.isdigit()).removeprefix("00")
        self._numbers.add(made.number)

    def _two_phones(self, made: Made) -> None:
        made.further = self.number()
        made.cells[FURTHER] = self.chance.choice(WRITTEN)(f"0{made.further[3:]}")

    def _recall(self, made: Made) -> None:
        made.recall = f"{self.chance.choice((9, 10, 14, 15, 16))}:{self.chance.randrange(0, 60, 5):02d}"
        made.cells[RECALL] = made.fields["Hẹn gọi"] = made.recall

    def _lines(self, made: Made) -> None:
        """A line end within a cell."""
        made.cells[NAME] = made.name.replace(" ", "\n", 1)

    def _zero(self, made: Made) -> None:
        """A spreadsheet made a number of it."""
        made.zero_lost = True
        made.cells[PHONE] = int(made.number[3:])

    # --- rows that are none

    def _double(self, made: Made) -> None:
        """A number that a row before has, in another form; an old one perhaps in its new form."""
        made.fate, made.fields = "duplicate", {}
        twin = self.chance.choice(self._added)
        home = f"0{twin.number[3:]}" if twin.number.startswith("+84") else twin.number
        made.number = twin.number
        if not twin.number.startswith("+84"):
            made.cells[PHONE] = twin.number
        elif self.chance.random() < 0.1:
            made.cells[FURTHER] = home
        else:
            made.cells[PHONE] = self.chance.choice(WRITTEN)(home)

    def _barred(self, made: Made) -> None:
        made.fate = "suppressed"
        self.chance.choice((self.own, self.register)).append(made.number)

    def _refuse(self, made: Made, column: int, cell: Cell, why: str) -> None:
        made.fate, made.why, made.cells[column] = "refused", why, cell

    def _never(self, made: Made) -> None:
        text, why = self.chance.choice(NEVER)
        digits = {"emergency": self.chance.choice("345"), "short number": "090"}.get(
            why, f"{self._codes % 9000 + 1000}"
        )
        self._refuse(made, PHONE, text.format(digits), why)

    def _broken(self, made: Made) -> None:
        self._refuse(made, PHONE, *self.chance.choice(BROKEN))

    def _typed(self, made: Made) -> None:
        wrong = (
            (BORN, "31/02/1990", "ngay_sinh"), (BORN, "21/11/2031", "ngay_sinh"), (BORN, "hôm qua", "ngay_sinh"),
            (DEBT, "năm triệu", "du_no"), (DEBT, "-5", "du_no"), (PLAN, "Gói Lạ", "goi"), (CODE, "", "ma_kh"),
            (PESEL, "44051401358", "pesel"), (PESEL, "4405140135", "pesel"), (PESEL, "90023012345", "pesel"),
            (EMAIL, "an@@example", "email"), (PRIORITY, "gấp", "priority"), (PRIORITY, "500", "priority"),
        )  # fmt: skip
        self._refuse(made, *self.chance.choice(wrong))

    def _pesel(self, made: Made) -> None:
        """A good one."""
        made.cells[PESEL], made.fields["pesel"] = "440514-01359", "44051401359"

    def _shifted(self, made: Made) -> None:
        made.fate, made.why = "refused", "cells under 12 headings"
        made.cells.append("thừa")

    def _error(self, made: Made) -> None:
        self._refuse(made, DEBT, "#N/A", "has the error #N/A")
