"""Reading and writing spreadsheets (.xlsx). A file comes from outside: what it unpacks to is bounded before it is read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import openpyxl
from openpyxl.styles import Font

from workwire.kernel.errors import Invalid

MOST_ROWS, MOST_COLUMNS = 2_000, 200
LAST_LINE = 1_048_576  # that the format has
LARGEST = 32 * 1024 * 1024  # bytes that a file may unpack to
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first sheet of a file: its headings, its lines by number, and whether there are further sheets."""

    headings: tuple[str, ...]
    lines: tuple[tuple[int, tuple[Any, ...]], ...]
    is_one_of_several: bool


def read(file: BinaryIO) -> Sheet:
    """Read the first sheet of a file; raises Invalid for a file that is no spreadsheet, is empty, or holds too much."""
    content = BytesIO(file.read())  # so that what the storage raises is not taken for a fault of the file
    try:
        _check_size(content)
        book = openpyxl.load_workbook(content, read_only=True, data_only=True, keep_links=False)
        lines = list(_lines(book.worksheets[0])) if book.worksheets else []
        several = len(book.worksheets) > 1
    except Invalid:
        raise
    except Exception as error:  # of a broken file the libraries raise whatever they like
        raise Invalid("sheet_unreadable", field="upload") from error
    if not lines:
        raise Invalid("sheet_empty", field="upload")
    (_first, headings), *others = lines
    return Sheet(tuple(str(one or "").strip() for one in headings), tuple(others), several)


def write(headings: Sequence[str], name: str) -> bytes:
    """A file with one sheet that has these headings."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = name[:31]
    sheet.append(list(headings))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = max(14, len(str(cell.value)) + 4)
    sheet.freeze_panes = "A2"
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def _lines(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The lines that hold something."""
    found = 0
    for number, cells in enumerate(
        sheet.iter_rows(max_row=LAST_LINE, max_col=MOST_COLUMNS + 1, values_only=True), start=1
    ):
        if all(one is None or one == "" for one in cells):
            continue
        if len(cells) > MOST_COLUMNS and cells[MOST_COLUMNS] not in (None, ""):
            raise Invalid("sheet_too_wide", field="upload", most=MOST_COLUMNS)
        found += 1
        if found > MOST_ROWS + 1:
            raise Invalid("sheet_too_long", field="upload", most=MOST_ROWS)
        yield number, cells


def _check_size(content: BytesIO) -> None:
    """Unpack a file once, keeping nothing, for what its directory says of sizes need not be so."""
    left = LARGEST
    with zipfile.ZipFile(content) as packed:
        for name in packed.namelist():
            with packed.open(name) as part:
                while piece := part.read(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise Invalid("sheet_too_large", field="upload", most=LARGEST // 1024 // 1024)
