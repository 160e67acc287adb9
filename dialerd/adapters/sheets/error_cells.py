"""Where a sheet has error cells such as #N/A, which calamine gives as empty ones.

Never holds a sheet in memory: its part is unpacked as a stream, and looked at closely only if it has an error at all.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import IO, Any, BinaryIO, TypeAlias
from xml.parsers import expat

from dialerd.adapters.sheets.error_records import errors_in_xls, errors_in_xlsb, parts_in_xlsb
from dialerd.adapters.sheets.letters import letters
from dialerd.adapters.sheets.letters import position as column_at
from dialerd.model.errors import Refusal

ErrorCells: TypeAlias = dict[int, str]
"""Row (from 0) to what is wrong in its first error cell."""
_BLOCK = 1 << 18
_TAIL = 40
"""Bytes of a block that the sign may have begun in."""
_SMALL = 20_000_000
"""Bytes of a part that is read at once."""
_SIGNS = {
    "xlsx": (re.compile(rb"""\bt\s*=\s*["']e["']"""), (b'"e"', b"'e'")),
    "ods": (re.compile(rb"""value-type\s*=\s*["']error["']"""), (b'"error"', b"'error'")),
}
"""Of an error cell in XML, and the words in it."""
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_PARTS = (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, NotImplementedError, zlib.error)


def error_cells(file: BinaryIO, kind: str, position: int) -> ErrorCells:
    """Error cells of the sheet at `position` (0 is the first). Raises Refusal for a damaged workbook."""
    try:
        file.seek(0)
        if kind == "xls":
            found = errors_in_xls(file.read(), position)
        else:
            with zipfile.ZipFile(file) as archive:
                found = _in_archive(archive, kind, position)
    except (*_PARTS, expat.ExpatError, IndexError) as trouble:
        raise Refusal("bad_file", f"the workbook is damaged: {str(trouble)[:200]}", "file") from None
    finally:
        file.seek(0)
    cells: ErrorCells = {}
    for row, column, word in found:
        cells.setdefault(row, f"cell {letters(column)}{row + 1} has the error {word}")
    return cells


def _in_archive(archive: zipfile.ZipFile, kind: str, position: int) -> list[tuple[int, int, str]]:
    if kind == "xlsb":
        part = parts_in_xlsb(_small(archive, "xl/workbook.bin"), _targets(archive, "xl/_rels/workbook.bin.rels"))
        with archive.open(part[position]) as stream:
            return errors_in_xlsb(stream)
    part_name = "content.xml" if kind == "ods" else _xlsx_part(archive, position)
    with archive.open(part_name) as stream:
        if not _has(stream, *_SIGNS[kind]):
            return []
    reader = _OdsErrors(position) if kind == "ods" else _XlsxErrors()
    with archive.open(part_name) as stream:
        reader.read(stream)
    return reader.found


def _has(stream: IO[bytes], sign: re.Pattern[bytes], words: tuple[bytes, bytes]) -> bool:
    tail = b""
    while block := stream.read(_BLOCK):
        block = tail + block
        # Looking for a word is much faster than for a pattern, and most sheets have none.
        if (words[0] in block or words[1] in block) and sign.search(block):
            return True
        tail = block[-_TAIL:]
    return False


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        return stream.read(_SMALL)


def _targets(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Relation id to the name of a part."""
    found: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == "Relationship":
            target = attributes.get("Target", "")
            found[attributes.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"

    parser = _parser(start)
    parser.Parse(_small(archive, name), True)
    return found


def _xlsx_part(archive: zipfile.ZipFile, position: int) -> str:
    ids: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == "sheet":
            ids.append(next((value for key, value in attributes.items() if key.endswith(":id")), ""))

    parser = _parser(start)
    parser.Parse(_small(archive, "xl/workbook.xml"), True)
    return _targets(archive, "xl/_rels/workbook.xml.rels")[ids[position]]


def _parser(start: Any) -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise ValueError("a document type in a workbook")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


class _XlsxErrors:
    """Cells of type `e`; rows and cells may say where they are, or else follow the one before."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int, str]] = []
        self._row = self._column = -1
        self._in_error = self._in_value = False
        self._word = ""

    def read(self, stream: IO[bytes]) -> None:
        parser = _parser(self._start)
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.buffer_text = True
        parser.ParseFile(stream)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = _local(tag)
        if tag == "c":
            place = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = column_at(place[1]) if place else self._column + 1
            self._in_error = attributes.get("t") == "e"
            self._word = ""
        elif tag == "row":
            row = attributes.get("r", "")
            self._row = int(row) - 1 if row else self._row + 1
            self._column = -1
        elif tag == "v":
            self._in_value = self._in_error

    def _text(self, text: str) -> None:
        if self._in_value:
            self._word = (self._word + text)[:20]

    def _end(self, tag: str) -> None:
        tag = _local(tag)
        if tag == "v":
            self._in_value = False
        elif tag == "c" and self._in_error:
            self._in_error = False
            self.found.append((self._row, self._column, self._word))


class _OdsErrors:
    """Cells of value type `error`, in the table at a position; rows and cells may be repeated."""

    def __init__(self, position: int) -> None:
        self.found: list[tuple[int, int, str]] = []
        self._position = position
        self._table = -1
        self._depth = 0
        self._row = self._column = 0
        self._in_error = False
        self._word = ""

    def read(self, stream: IO[bytes]) -> None:
        parser = _parser(self._start)
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.ParseFile(stream)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._depth += 1
            if self._depth == 1:
                self._table += 1
                self._row = 0
        if self._table != self._position or self._depth != 1:
            return
        if tag == "table:table-row":
            self._column = 0
            self._rows = int(attributes.get("table:number-rows-repeated", "1"))
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._cells = int(attributes.get("table:number-columns-repeated", "1"))
            self._in_error = attributes.get("calcext:value-type") == "error"
            self._word = ""

    def _text(self, text: str) -> None:
        if self._in_error:
            self._word = (self._word + text.strip())[:20]

    def _end(self, tag: str) -> None:
        if self._table == self._position and self._depth == 1:
            if tag == "table:table-row":
                self._row += self._rows
            elif tag in ("table:table-cell", "table:covered-table-cell"):
                if self._in_error:
                    for row in range(self._row, self._row + min(self._rows, 10_000)):
                        self.found.append((row, self._column, self._word))
                self._in_error = False
                self._column += self._cells
        if tag == "table:table":
            self._depth -= 1
