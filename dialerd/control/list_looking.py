"""A look into a list before it is imported, and an empty one to fill in, of leads and of contacts alike (C06).

Never imports anything.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Any, Literal

from dialerd.control.list_args import FromList, how_of, mapping_shown, source_of
from dialerd.control.table import Args, Desk, Result, Who
from dialerd.ports.sheets import AnyMapping, Format, SheetSeen


class SheetShown(Result):
    """A sheet: its headings, first rows, and what they suggest."""

    sheet: str
    """Empty for CSV."""
    position: int
    """1 is the first."""
    hidden: bool
    header_row: int
    """0: there is no heading."""
    headings: list[str]
    rows: int
    """At most so many rows follow the heading."""
    first_rows: list[list[str]]
    mapping: dict[str, Any]
    """As the import takes it; what no heading tells of is not in it."""
    because: str
    """Why its rows cannot be read; empty if they can."""


class Previewed(Result):
    """What is in a file."""

    kind: str
    """csv, xlsx, xls, xlsb or ods."""
    encoding: str
    separator: str
    sheets: list[SheetShown]


class TemplateFormat(Args):
    """Which kind of file."""

    format: Literal["xlsx", "csv"] = "xlsx"
    """xlsx: with the kinds of columns, choices to pick from, and explained; csv: the headings."""


class Template(Result):
    """An empty list with all columns that the import knows."""

    file: str
    """A name for it."""
    size: int
    content: str
    """Base64."""


async def previewed(desk: Desk, who: Who, args: FromList, suggest: Callable[[Sequence[str]], AnyMapping]) -> Previewed:
    """What is in the list, and which column is what as `suggest` says. Raises Refusal."""
    source = source_of(desk, who, args)
    async with desk.lists.looking:
        seen = await asyncio.to_thread(desk.lists.sheets.sheets, source, how_of(args))
    heading = seen[0].heading

    def shown(position: int, one: SheetSeen) -> SheetShown:
        found = one.heading
        return SheetShown(
            sheet=found.sheet,
            position=position,
            hidden=found.hidden,
            header_row=found.header_row,
            headings=found.headings,
            rows=found.rows,
            first_rows=[[cell[:200] for cell in row.cells[:200]] for row in one.first_rows],
            mapping={} if one.trouble else mapping_shown(suggest(found.headings)),
            because=one.trouble,
        )

    sheets = [shown(position, one) for position, one in enumerate(seen, 1)]
    return Previewed(kind=heading.kind, encoding=heading.encoding, separator=heading.separator, sheets=sheets)


async def made_template(name: str, kind: Format, make: Callable[[Format], bytes]) -> Template:
    """The file that `make` makes. Raises Refusal."""
    content = await asyncio.to_thread(make, kind)
    return Template(file=f"{name}.{kind}", size=len(content), content=base64.b64encode(content).decode())
