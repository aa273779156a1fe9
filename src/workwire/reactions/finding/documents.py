"""What the index holds of each kind of record, made of the records as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from workwire.access.models import User
from workwire.reactions.finding.full_text import Document
from workwire.reactions.finding.models import Kind
from workwire.reactions.finding.text_words import words_of
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import Communication
from workwire.rooms.files.models import ItemFile
from workwire.rooms.offering.models import DataField
from workwire.rooms.parties.models import Contact
from workwire.rooms.work.models import WorkItem

GLOBAL = "g"  # the scope of contacts of no company
_ABOVE = (
    ("c", "customer_id"),
    ("k", "contract_id"),
    ("v", "service_id"),
    ("p", "process_id"),
    ("w", "work_type_id"),
    ("b", "started_by_id"),
)  # a scope is the letter of what an item lies under, or was started by, and its number
_OF_ITEM = tuple(column for _, column in _ABOVE)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the documents of a kind come from: the rows that have one, and what is made of some of them."""

    rows: Callable[[], QuerySet[Any]]
    documents: Callable[[QuerySet[Any]], Iterable[Document]]


def documents_of(kind: Kind, records: Iterable[int]) -> tuple[list[Document], set[int]]:
    """The documents of some records as they are now, and those of them that have none."""
    wanted = set(records)
    source = SOURCES[kind]
    found = list(source.documents(source.rows().filter(pk__in=wanted)))
    return found, wanted - {one.record for one in found}


def searched_values(item: WorkItem, names: frozenset[str]) -> dict[str, str]:
    """What an item has in the fields that may be searched: its private values, and of those of its family what was written at
    it, so that who finds an item by a value may see where that came from."""
    holder = item.family if item.family is not None else item
    origins = holder.data_origins
    own = {name: value for name, value in holder.custom_data.items() if origins.get(name, holder.pk) == item.pk}
    return {name: str(value) for name, value in {**own, **item.private_data}.items() if name in names}


def searched_names() -> frozenset[str]:
    """The names of the fields that may be searched: those with a short code."""
    return frozenset(DataField.objects.exclude(short_code="").values_list("name", flat=True))


def text_of(communication: Communication) -> str:
    """What a communication says, as plain text."""
    return communication.body or conversations.plain(communication.html_body)


def _items(rows: QuerySet[WorkItem]) -> Iterator[Document]:
    names = searched_names()
    read = ("reference", "title", "description", "custom_data", "private_data", "data_origins", *_OF_ITEM)
    family = ("family__custom_data", "family__data_origins")
    for item in rows.select_related("family").only(*read, *family):
        said = (item.reference or "", item.description, *searched_values(item, names).values())
        yield Document(item.pk, words_of(item.title), _words(said), _scopes(_above(item)))


def _communications(rows: QuerySet[Communication]) -> Iterator[Document]:
    items = [f"work_item__{column}" for column in _OF_ITEM]
    takers = [f"work_item__goes_on_in__{column}" for column in _OF_ITEM]
    read = ("subject", "body", "html_body", "sender_address", "recipients", "copies", "sender__full_name")
    for row in rows.values("pk", *read, *items, *takers):
        body = row["body"] or conversations.plain(row["html_body"])
        said = (body, row["sender_address"], row["sender__full_name"] or "", row["recipients"], row["copies"])
        yield Document(row["pk"], words_of(row["subject"]), _words(said), _scopes_at(row))


def _files(rows: QuerySet[ItemFile]) -> Iterator[Document]:
    items = [f"work_item__{column}" for column in _OF_ITEM]
    takers = [f"work_item__goes_on_in__{column}" for column in _OF_ITEM]
    for row in rows.values("pk", "file_name", "note", *items, *takers):
        yield Document(row["pk"], words_of(row["file_name"]), words_of(row["note"]), _scopes_at(row))


def _contacts(rows: QuerySet[Contact]) -> Iterator[Document]:
    for one in rows:
        names = f"{one.first_name} {one.surname}"
        said = (one.email, one.telephone, one.mobile, one.office)
        scope = GLOBAL if one.company_id is None else f"c{one.company_id}"
        yield Document(one.pk, words_of(names), _words(said), [scope])


def _accounts(rows: QuerySet[User]) -> Iterator[Document]:
    for one in rows.only("full_name", "username", "email"):
        yield Document(one.pk, words_of(one.full_name), _words((one.username, one.email)), [])


def _words(texts: Iterable[str]) -> list[str]:
    return [word for text in texts if text for word in words_of(text)]


def _above(item: WorkItem) -> dict[str, int | None]:
    return {letter: getattr(item, column) for letter, column in _ABOVE}


def _scopes(above: Mapping[str, int | None]) -> list[str]:
    return [f"{letter}{number}" for letter, number in above.items() if number is not None]


def _scopes_at(row: Mapping[str, Any]) -> Sequence[str]:
    """The scopes of what is kept at an item: those of the item, and of the one it went into, at which it is shown, too."""
    scopes = []
    for path in ("work_item__", "work_item__goes_on_in__"):
        scopes += _scopes({letter: row[f"{path}{column}"] for letter, column in _ABOVE})
    return list(dict.fromkeys(scopes))


SOURCES: Mapping[Kind, Source] = {
    Kind.ITEM: Source(WorkItem.objects.all, _items),
    Kind.COMMUNICATION: Source(Communication.objects.all, _communications),
    Kind.CONTACT: Source(lambda: Contact.objects.filter(retired=False), _contacts),
    Kind.ACCOUNT: Source(User.objects.all, _accounts),
    Kind.FILE: Source(lambda: ItemFile.objects.filter(retired=False), _files),
}
