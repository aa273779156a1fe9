"""What is shown of a record that was found: its title and a snippet with the matches marked, why it was found, and where it
belongs. Each kind reads its rows by the query that decides what the actor may see of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workwire.access import queries as access
from workwire.access.models import User
from workwire.kernel.actor import Actor
from workwire.kernel.wording import Statement, statement
from workwire.reactions.finding import marks
from workwire.reactions.finding.asked import Term
from workwire.reactions.finding.documents import searched_names, searched_values, text_of
from workwire.reactions.finding.marks import Marked
from workwire.reactions.finding.models import Kind
from workwire.rooms.conversations import queries as conversations
from workwire.rooms.conversations.models import Communication
from workwire.rooms.parties import queries as parties
from workwire.rooms.parties.models import Contact
from workwire.rooms.work import item_files
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem

Terms = Sequence[Term]


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was found. `item` is the work item that it is or is shown at, `at` when it came; an `is_exact` one has the
    very reference or GUID that was asked for."""

    kind: Kind
    record: Any
    why: Statement
    title: Marked
    snippet: Marked = ()
    item: WorkItem | None = None
    at: datetime | None = None
    is_exact: bool = False


def found_item(row: WorkItem, terms: Terms, why: Statement, *, snippet: Marked = (), is_exact: bool = False) -> Found:
    """A work item that was found."""
    return Found(Kind.ITEM, row, why, marks.marked(row.title, terms), snippet, row, row.created_at, is_exact)


def _items(records: Collection[int], terms: Terms, by: Actor) -> Mapping[int, Found]:
    rows = list(work.items_visible_to(by).filter(pk__in=records)) if records else []
    names = (
        searched_names() if any(row.custom_data or row.private_data or row.family_id for row in rows) else frozenset()
    )
    return {row.pk: _item(row, terms, names) for row in rows}


def _item(row: WorkItem, terms: Terms, names: frozenset[str]) -> Found:
    """A work item, found by its title, what stands in it, or what it lies under."""
    if marks.is_in(row.title, terms):
        return found_item(row, terms, statement("found_by.title"))
    if described := marks.snippet(row.description, terms):
        return found_item(row, terms, statement("found_by.description"), snippet=described)
    for field, value in searched_values(row, names).items():
        if held := marks.snippet(value, terms):
            return found_item(row, terms, statement("found_by.field", name=field), snippet=held)
    if marks.is_in(row.reference or "", terms):
        return found_item(row, terms, statement("found_by.reference"))
    above = " · ".join(
        (row.customer.name, row.contract.supplier.name, row.contract.name, row.service.name, row.work_type.name)
    )
    return found_item(row, terms, statement("found_by.name"), snippet=marks.snippet(above, terms))


def _communications(records: Collection[int], terms: Terms, by: Actor) -> Mapping[int, Found]:
    seen = conversations.visible_to(by).prefetch_related(None).filter(pk__in=records) if records else ()
    rows = list(seen)
    items = _shown_at(rows, by)
    return {row.pk: _communication(row, terms, items[row.pk]) for row in rows if row.pk in items}


def _communication(row: Communication, terms: Terms, item: WorkItem) -> Found:
    said = marks.snippet(text_of(row), terms)
    if not said and not marks.is_in(row.subject, terms):
        said = marks.snippet(" · ".join(_addresses(row)), terms)
    why = statement("found_by.communication", kind=int(row.kind))
    return Found(
        Kind.COMMUNICATION, row, why, marks.marked(row.subject or item.title, terms), said, item, row.logged_at
    )


def _addresses(row: Communication) -> list[str]:
    sender = row.sender.full_name if row.sender else ""
    return [one for one in (sender, row.sender_address, row.recipients, row.copies) if one]


def _files(records: Collection[int], terms: Terms, by: Actor) -> Mapping[int, Found]:
    rows = list(item_files.visible_to(by).prefetch_related(None).filter(pk__in=records)) if records else []
    items = _shown_at(rows, by)
    return {row.pk: _file(row, terms, items[row.pk]) for row in rows if row.pk in items}


def _file(row: Any, terms: Terms, item: WorkItem) -> Found:
    said = marks.snippet(row.note, terms)
    why = statement("found_by.file_note") if said else statement("found_by.file_name")
    return Found(Kind.FILE, row, why, marks.marked(row.file_name, terms), said, item, row.created_at)


def _shown_at(rows: Sequence[Any], by: Actor) -> dict[int, WorkItem]:
    """The item at which each of some rows is shown: its own, or the one that went into, where the actor sees only that."""
    ways = {row.pk: (row.work_item_id, row.work_item.goes_on_in_id) for row in rows}
    numbers = {number for way in ways.values() for number in way if number is not None}
    items = {item.pk: item for item in work.items_visible_to(by).filter(pk__in=numbers)} if numbers else {}
    shown = {pk: next((items[number] for number in way if number in items), None) for pk, way in ways.items()}
    return {pk: item for pk, item in shown.items() if item is not None}


def _contacts(records: Collection[int], terms: Terms, by: Actor) -> Mapping[int, Found]:
    rows = parties.contacts_visible_to(by).filter(pk__in=records, retired=False) if records else ()
    return {
        row.pk: _person(Kind.CONTACT, row, (row.email, row.telephone, row.mobile, row.office), terms) for row in rows
    }


def _accounts(records: Collection[int], terms: Terms, by: Actor) -> Mapping[int, Found]:
    rows = access.users_visible_to(by).prefetch_related(None).filter(pk__in=records) if records else ()
    return {row.pk: _person(Kind.ACCOUNT, row, (row.username, row.email), terms) for row in rows}


def _person(kind: Kind, row: Contact | User, reached: Sequence[str], terms: Terms) -> Found:
    known_by = " · ".join(one for one in reached if one)
    said = marks.snippet(known_by, terms) if not marks.is_in(row.full_name, terms) else ()
    why = statement("found_by.address") if said else statement("found_by.person")
    return Found(kind, row, why, marks.marked(row.full_name, terms), said)


SHOWN: Mapping[Kind, Callable[[Collection[int], Terms, Actor], Mapping[int, Found]]] = {
    Kind.ITEM: _items,
    Kind.COMMUNICATION: _communications,
    Kind.CONTACT: _contacts,
    Kind.ACCOUNT: _accounts,
    Kind.FILE: _files,
}
