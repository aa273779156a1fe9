"""Checking a sheet of new work: what each line is to become, or what is wrong with it. Nothing is written here.

The numbers are those of the documented product; beside each stands a code of ours with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workwire.kernel import folding
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Statement, Value, statement
from workwire.rooms.batches import headings
from workwire.rooms.batches.spreadsheet import Sheet
from workwire.rooms.offering import fields as data
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.data_field_queries import data_fields_named
from workwire.rooms.offering.models import DataField, FieldKind, ProcessType, ProcessVersion
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem

Issue = dict[str, Any]
NUMBERS: Mapping[str, int] = {
    "batch.several_sheets": 3,
    "batch.process_not_live": 5,
    "batch.column_missing": 101,
    "batch.column_unsupported": 102,
    "batch.column_unknown": 103,
    "batch.schedule_unsupported": 200,
    "batch.title_twice_in_sheet": 300,
    "batch.title_taken": 301,
    "batch.value_blank": 302,
    "batch.value_invalid": 303,
    "batch.nobody_at_address": 304,
    "batch.customer_unknown": 305,
    "batch.contract_unknown": 306,
    "batch.service_unknown": 307,
    "batch.process_unknown": 308,
    "batch.category_unknown": 309,
    "batch.category_not_below": 310,
}
_UNSUPPORTED = (FieldKind.TABLE,)
_WRITTEN = ("%d-%m-%Y %H:%M", "%d-%m-%Y %I:%M %p", "%d-%m-%Y")  # as documented


def issue(code: str, column: str = "", **parameters: Value) -> Issue:
    """Something that is wrong: the column it is in, the documented number where there is one, and what it says."""
    return issue_of(statement(code, **parameters), column, NUMBERS.get(code))


def issue_of(said: Statement, column: str = "", number: int | None = None) -> Issue:
    """The same of a statement."""
    return {"column": column, "number": number, **said.as_json()}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet: its title, what to create, and what is wrong with it."""

    number: int
    title: str
    wish: dict[str, Any]
    issues: list[Issue] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked sheet: what is to be said of all of it, and its lines; where a column is wrong there are no lines."""

    issues: list[Issue]
    lines: list[Line]


def check(sheet: Sheet, kind: ProcessType, *, by: Actor, unique_titles: bool) -> Checked:
    """Check a sheet for an actor, who may start what it names and sees whom it names."""
    told = [issue("batch.several_sheets")] if sheet.is_one_of_several else []
    columns, wrong = _columns(sheet.headings, kind)
    if wrong:
        return Checked(told + wrong, [])
    lines = _Lines(kind, columns, by)
    found = [lines.read(number, cells) for number, cells in sheet.lines]
    if unique_titles:
        _refuse_known_titles(found, by)
    return Checked(told, found)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which place each known column and each custom data field has, and what they are called in the sheet."""

    known: dict[str, int]
    data: dict[int, DataField]
    headings: Sequence[str]

    def called(self, name: str) -> str:
        return self.headings[self.known[name]] if name in self.known else name


def _columns(given: Sequence[str], kind: ProcessType) -> tuple[_Columns, list[Issue]]:
    names, wrong, columns = headings.by_heading(kind), [], _Columns({}, {}, given)
    present = [heading for heading in given if heading]
    custom = {folding.key(one.name): one for one in data_fields_named(present).values() if not one.retired}
    taken: set[str] = set()
    for place, heading in enumerate(given):
        key = folding.key(heading)
        if not key:
            continue
        if key in taken:
            wrong.append(issue("batch.column_twice", heading))
        elif key in names:
            columns.known[names[key]] = place
        elif key not in custom:
            wrong.append(issue("batch.column_unknown", heading))
        elif custom[key].kind in _UNSUPPORTED:
            wrong.append(issue("batch.column_unsupported", heading))
        else:
            columns.data[place] = custom[key]
        taken.add(key)
    said = headings.known(kind)
    wrong += [
        issue("batch.column_missing", said[name]) for name in headings.required(kind) if name not in columns.known
    ]
    return columns, wrong


class _Lines:
    """Reads the lines of one sheet; what it looks up once holds for all of them."""

    def __init__(self, kind: ProcessType, columns: _Columns, by: Actor) -> None:
        self.kind, self.columns, self.by = kind, columns, by
        self._places: dict[tuple[str, ...], ProcessVersion] = {}
        seen = offering.processes_visible_to(by).filter(work_type__kind=kind)
        self._not_live = {self._keys(row) for row in seen}
        for version in offering.offer(by, kind):
            self._places[self._keys(version.process)] = version
        self._not_live -= set(self._places)
        self._above = {keys[:depth] for keys in (*self._places, *self._not_live) for depth in range(1, 4)}
        self._categories: dict[int, dict[tuple[str, ...], str]] = {}
        self._people: dict[int, dict[str, str]] = {}

    @staticmethod
    def _keys(process: Any) -> tuple[str, ...]:
        contract = process.service.contract
        named = (contract.customer.name, contract.name, process.service.name, process.work_type.name)
        return tuple(folding.key(name) for name in named)

    def read(self, number: int, cells: Sequence[Any]) -> Line:
        """What a line is to become."""
        wrong: list[Issue] = []
        title = self._text(cells, "title")
        version = self._version(cells, wrong)
        for name in headings.required(self.kind):
            if name not in headings.PLACE and not self._text(cells, name):
                wrong.append(issue("batch.value_blank", self.columns.called(name)))
        wish: dict[str, Any] = {"title": title, "description": self._text(cells, "description")}
        if version is not None:
            wish["version"] = str(version.guid)
            if version.schedule_id is not None:
                wrong.append(issue("batch.schedule_unsupported"))
            wish["category"] = self._category(cells, version, wrong)
            wish["contacts"] = self._contacts(cells, version, wrong)
            wish["due_date"] = self._due_date(cells, version, wrong)
        wish["record_count"] = self._count(cells, wrong)
        wish["custom_data"] = self._custom_data(cells, wrong)
        return Line(number, title, wish, wrong)

    def _cell(self, cells: Sequence[Any], name: str) -> Any:
        place = self.columns.known.get(name)
        return cells[place] if place is not None and place < len(cells) else None

    def _text(self, cells: Sequence[Any], name: str) -> str:
        return _written(self._cell(cells, name))

    def _version(self, cells: Sequence[Any], wrong: list[Issue]) -> ProcessVersion | None:
        keys: tuple[str, ...] = ()
        for name in headings.PLACE:
            written = self._text(cells, name)
            if not written:
                wrong.append(issue("batch.value_blank", self.columns.called(name)))
                return None
            keys = (*keys, folding.key(written))
            if len(keys) < len(headings.PLACE) and keys not in self._above:
                wrong.append(issue(f"batch.{name}_unknown", self.columns.called(name), value=written))
                return None
        if keys not in self._places:
            code = "batch.process_not_live" if keys in self._not_live else "batch.process_unknown"
            wrong.append(issue(code, self.columns.called("process"), value=self._text(cells, "process")))
        return self._places.get(keys)

    def _category(self, cells: Sequence[Any], version: ProcessVersion, wrong: list[Issue]) -> str | None:
        if self.kind != ProcessType.TICKET:
            return None
        if version.pk not in self._categories:
            self._categories[version.pk] = _paths(offering.categories_of(version))
        known = self._categories[version.pk]
        path: tuple[str, ...] = ()
        for name in headings.CATEGORIES:
            written = self._text(cells, name)
            if not written:
                break
            path = (*path, folding.key(written))
            if path not in known:
                code = "batch.category_unknown" if len(path) == 1 else "batch.category_not_below"
                wrong.append(issue(code, self.columns.called(name), value=written))
                return None
        return known.get(path)

    def _contacts(self, cells: Sequence[Any], version: ProcessVersion, wrong: list[Issue]) -> dict[str, str]:
        customer, found = version.process.service.contract.customer, {}
        for name in headings.CONTACTS:
            written = self._text(cells, name)
            if not written:
                continue
            if customer.pk not in self._people:
                people = parties.contacts_of_customer(customer).values_list("email_key", "guid")
                self._people[customer.pk] = {key: str(guid) for key, guid in people}
            guid = self._people[customer.pk].get(folding.address_key(written))
            if guid is None:
                wrong.append(issue("batch.nobody_at_address", self.columns.called(name), value=written))
            else:
                found[name] = guid
        return found

    def _due_date(self, cells: Sequence[Any], version: ProcessVersion, wrong: list[Issue]) -> str | None:
        cell = self._cell(cells, "due_date")
        if cell in (None, ""):
            return None
        zone = ZoneInfo(version.process.service.contract.time_zone)
        moment = _moment(cell)
        if moment is None:
            wrong.append(issue("batch.value_invalid", self.columns.called("due_date"), value=_written(cell)))
            return None
        return moment.replace(tzinfo=zone).isoformat()

    def _count(self, cells: Sequence[Any], wrong: list[Issue]) -> int | None:
        written = self._text(cells, "record_count")
        if not written:
            return None
        if not (written.isascii() and written.isdigit() and len(written) < 10 and int(written) > 0):
            wrong.append(issue("batch.value_invalid", self.columns.called("record_count"), value=written))
            return None
        return int(written)

    def _custom_data(self, cells: Sequence[Any], wrong: list[Issue]) -> dict[str, Any]:
        found = {}
        for place, one in self.columns.data.items():
            cell = cells[place] if place < len(cells) else None
            if cell is None or cell == "":
                continue
            try:
                found[one.name] = data.read(one, _value(one, cell))
            except Invalid as refusal:
                wrong.append(issue_of(refusal.statement, one.name, NUMBERS["batch.value_invalid"]))
        return found


def _refuse_known_titles(lines: Iterable[Line], by: Actor) -> None:
    """Say which titles are in the sheet before, or of work of the same process that the actor sees."""
    first: dict[str, Line] = {}
    for line in lines:
        if not line.title:
            continue
        key = folding.key(line.title)
        if key in first:
            line.issues.append(issue("batch.title_twice_in_sheet", value=line.title, line=first[key].number))
        first.setdefault(key, line)
    known = WorkItem.objects.filter(title__in=[line.title for line in first.values()])
    taken = set(work.visible(known, by).values_list("title", flat=True))
    for line in first.values():
        if line.title in taken:
            line.issues.append(issue("batch.title_taken", value=line.title))


def _paths(categories: Iterable[Any]) -> dict[tuple[str, ...], str]:
    """The GUIDs of the categories of a version, by the keys of their names from the top."""
    rows = {row.pk: row for row in categories}
    found: dict[tuple[str, ...], str] = {}
    for row in rows.values():
        path: tuple[str, ...] = ()
        at = row
        while at is not None:
            path, at = (folding.key(at.name), *path), rows.get(at.parent_id)
        found[path] = str(row.guid)
    return found


def _written(cell: Any) -> str:
    """What a cell says as a text; whole numbers without a fraction."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _moment(cell: Any) -> datetime | None:
    """The wall time that a cell says, a date or a text as documented or as ISO 8601; None for anything else."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    for form in _WRITTEN:
        try:
            return datetime.strptime(str(cell).strip(), form)  # noqa: DTZ007 - a wall time; its zone comes later
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(str(cell).strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _value(one: DataField, cell: Any) -> Any:
    """A cell as its custom data field reads it."""
    if one.kind in (FieldKind.DATE, FieldKind.DATE_TIME):
        moment = _moment(cell)
        if moment is None:
            return _written(cell)
        return moment.date().isoformat() if one.kind == FieldKind.DATE else moment.isoformat()
    if isinstance(cell, (time, timedelta)):
        return str(cell)
    if one.kind in (FieldKind.DECIMAL, FieldKind.WHOLE_NUMBER) and isinstance(cell, (int, float)):
        return int(cell) if float(cell).is_integer() else cell
    return cell if isinstance(cell, bool) else _written(cell)
