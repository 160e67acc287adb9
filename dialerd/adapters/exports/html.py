"""Tables and print sheets as HTML: one file that needs nothing else, made by templates, also the ground of the PDF.

Never lets a stranger's text become markup: templates escape all they are given, and the page's own policy forbids scripts,
pictures and addresses.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from dialerd.adapters.exports.captions import captions
from dialerd.adapters.exports.cell_text import CellText, clean
from dialerd.model.errors import Refusal
from dialerd.ports.exports import Batch, Cell, Column, Heading, PrintSheet, Table

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ENDING = ".html.j2"
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_CHUNKS = 2000
"""Pieces of text written at once."""


def render_table(table: Table, batches: Iterable[Batch], style: str = "") -> Iterator[str]:
    """The page piece by piece, as rows come; `style`: more CSS. Raises ValueError for a row without a cell a column."""
    texts = CellText(table.zone)
    kinds = [column.kind for column in table.columns]

    def rows() -> Iterator[list[str]]:
        for batch in batches:
            for row in batch:
                yield [texts.text(cell, kind) for cell, kind in zip(row, kinds, strict=True)]

    headings = [clean(column.heading) for column in table.columns]
    style = _styles("table") + _alignment(table.columns) + style
    told = {"filters": [clean(told) for told in table.filters], "headings": headings, "rows": rows()}
    stream = _environment(None).get_template(f"table{_ENDING}").stream(**_common(table, texts, style), **told)
    stream.enable_buffering(_CHUNKS)
    return iter(stream)


def render_sheet(sheet: PrintSheet, templates: str | None) -> Iterator[str]:
    """The page piece by piece. Raises Refusal for an unknown template, jinja2.TemplateError for a wrong one of the operator's."""
    texts = CellText(sheet.zone)
    blocks = [
        {
            "heading": clean(block.heading),
            "facts": [(clean(fact.label), texts.text(fact.value, fact.kind)) for fact in block.facts],
            "text": clean(block.text),
            "headings": [clean(column.heading) for column in block.columns],
            "kinds": [column.kind for column in block.columns],
            "rows": [_row(texts, row, block.columns) for row in block.rows],
        }
        for block in sheet.blocks
    ]
    environment = _environment(templates)
    known = sorted(name.removesuffix(_ENDING) for name in environment.list_templates() if name.endswith(_ENDING))
    known = [name for name in known if _NAME.fullmatch(name) and name not in ("frame", "table")]
    if sheet.template not in known:
        raise Refusal("bad_argument", f"there is no print template {sheet.template!r}", "template", known)
    template = environment.get_template(sheet.template + _ENDING)
    stream = template.stream(**_common(sheet, texts, _styles("sheet")), blocks=blocks)
    stream.enable_buffering(_CHUNKS)
    return iter(stream)


def write_html(path: Path, pieces: Iterable[str]) -> None:
    """Write a page as it is made. Raises OSError and what `pieces` raises."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


def counted(batches: Iterable[Batch], done: list[int]) -> Iterator[Batch]:
    """The same batches; their rows are added up in `done[0]`."""
    for batch in batches:
        done[0] += len(batch)
        yield batch


def _row(texts: CellText, row: Sequence[Cell], columns: Sequence[Column]) -> list[str]:
    return [texts.text(cell, column.kind) for cell, column in zip(row, columns, strict=True)]


def _common(heading: Heading, texts: CellText, style: str) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "title": clean(heading.title),
        "generated": f"{texts.moment(heading.generated_at)} {heading.zone}",
        "language": heading.language if _LANGUAGE.fullmatch(heading.language) else "und",
        "words": captions(heading.language),
        # The style is ours alone: no text of a stranger is in it.
        "style": Markup(style),  # noqa: S704
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    }


def _alignment(columns: Sequence[Column]) -> str:
    """CSS that sets numbers to the right and keeps numbers, phones and moments on one line."""
    lines = []
    for number, column in enumerate(columns, 1):
        if column.kind in ("number", "duration"):
            lines.append(f"td:nth-child({number}){{text-align:right;white-space:nowrap}}")
        elif column.kind in ("phone", "moment"):
            lines.append(f"td:nth-child({number}){{white-space:nowrap}}")
    return "\n".join(lines)


def _styles(name: str) -> str:
    folder = resources.files("dialerd.adapters.exports") / "templates"
    return "".join((folder / f"{part}.css").read_text("utf-8") for part in ("page", name))


def _environment(own: str | None) -> jinja2.Environment:
    ours = jinja2.PackageLoader("dialerd.adapters.exports")
    return jinja2.Environment(
        loader=ours if own is None else jinja2.ChoiceLoader([jinja2.FileSystemLoader(own), ours]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
