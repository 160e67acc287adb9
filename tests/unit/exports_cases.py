"""Hostile and Vietnamese texts for exports, and a table to put them in."""

from __future__ import annotations

from collections.abc import Sequence

from dialerd.ports.exports import Cell, Column, Kind, Table

AT = 1795248000.0  # 2026-11-21T08:00:00Z
VIETNAMESE = "Nguyễn Thị Ngọc Ánh — Thừa Thiên Huế, đường Trần Hưng Đạo"
FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    '"=1+1',
    "'=1+1",
    "\"'=1+1",
    "＝1+1",
    "－1+1",
    '=HYPERLINK("http://evil.example","click")',
]
MARKUP = [
    "<script>alert(1)</script>",
    "</td><img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "<!--",
    "]]>",
    "<a href='javascript:alert(1)'>x</a>",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt;",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
]


def table(*kinds: Kind, title: str = "Khách hàng", filters: tuple[str, ...] = (), language: str = "en") -> Table:
    columns = tuple(Column(f"Cột {number}", kind) for number, kind in enumerate(kinds, 1))
    return Table(
        name="x",
        title=title,
        generated_at=AT,
        zone="Asia/Ho_Chi_Minh",
        columns=columns,
        filters=filters,
        language=language,
    )


def texts(cells: Sequence[Cell]) -> list[list[Cell]]:
    return [[cell] for cell in cells]
