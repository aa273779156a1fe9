"""The contacts of a work item and their tags: wishes of a command, fulfilled inside it.

A tag that only one contact may hold moves to the last one given it; two in one wish list are refused. The contacts of an
action are those of its case, whose row is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from workwire.access.models import User
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Value
from workwire.outbox.changes import RowChange, added, related, removed
from workwire.rooms.parties import queries as parties
from workwire.rooms.parties.models import Contact, ContactTag, Contract
from workwire.rooms.work import families
from workwire.rooms.work.models import ItemContact, WorkItem

MOST_CONTACTS = 100


@dataclass(frozen=True, slots=True)
class TagWish:
    """A contact tag to give, or to take away."""

    guid: UUID
    retired: bool = False


@dataclass(frozen=True, slots=True)
class ContactWish:
    """A contact or an account, by GUID, to add to a work item with tags, or to remove."""

    guid: UUID
    tags: tuple[TagWish, ...] = ()
    retired: bool = False


def requester(guid: UUID) -> ContactWish:
    """The wish that gives a requester all their tags: original requester, primary contact and subject."""
    built_in = parties.contact_tags().exclude(built_in="")
    return ContactWish(guid, tuple(TagWish(tag.guid) for tag in built_in))


def set_contacts(item: WorkItem, wishes: Sequence[ContactWish], *, by: Actor, at: datetime) -> list[RowChange]:
    """Fulfil wishes for the contacts of a locked item; returns what changed. Raises Invalid
    (field contacts or below it)."""
    if len(wishes) > MOST_CONTACTS:
        raise _invalid("too_many_contacts", most=MOST_CONTACTS)
    known = _known_tags(wishes)
    _check_single_holders(wishes, known)
    present = {_guid(row): row for row in _rows(item)}
    changes: list[RowChange] = []
    for wish in wishes:
        row = present.get(wish.guid)
        if wish.retired:
            if row is not None:
                changes += removed(row, tags=row.tags.values_list("pk", flat=True))
                row.delete()
            continue
        if row is None and wish.tags and all(tag.retired for tag in wish.tags):
            continue
        if row is None:
            row, held = _added(item, wish.guid, by=by, at=at), set()
            changes += added(row)
        else:
            held = set(row.tags.values_list("guid", flat=True))
        changes += _tag(item, row, wish.tags, known, held)
    return changes


def copy(origin: WorkItem, item: WorkItem, *, by: Actor, at: datetime) -> list[RowChange]:
    """Give a new item the contacts of another one with their tags, as far as they may stand there; returns what changed."""
    rows = list(_rows(origin).prefetch_related("tags"))
    if not rows:
        return []
    allowed = parties.contacts_of_customer(item.customer).filter(pk__in=[row.contact_id or 0 for row in rows])
    known = set(allowed.values_list("pk", flat=True))
    copied = [row for row in rows if row.contact_id in known or (row.user is not None and row.user.is_active)]
    made = ItemContact.objects.bulk_create(
        ItemContact(item=item, contact=row.contact, user=row.user, added_by_id=by.user_id, added_at=at)
        for row in copied
    )
    held = [[tag for tag in row.tags.all() if _fits(tag, item.contract)] for row in copied]
    through = ItemContact.tags.through
    through.objects.bulk_create(
        through(itemcontact_id=row.pk, contacttag_id=tag.pk)
        for row, tags in zip(made, held, strict=True)
        for tag in tags
    )
    return [
        change for row, tags in zip(made, held, strict=True) for change in added(row, tags=[tag.pk for tag in tags])
    ]


def _fits(tag: ContactTag, contract: Contract) -> bool:
    return not tag.retired and tag.supplier_id in (None, contract.supplier_id)


def has_tag(item: WorkItem, built_in: str) -> bool:
    """Whether some contact of an item holds a built-in tag."""
    return ItemContact.objects.filter(item=families.keeps_contacts(item), tags__built_in=built_in).exists()


def _rows(item: WorkItem) -> QuerySet[ItemContact]:
    return ItemContact.objects.filter(item=families.keeps_contacts(item)).select_related("contact", "user")


def _guid(row: ItemContact) -> UUID:
    someone = row.contact or row.user
    if someone is None:
        raise LookupError(f"item contact {row.pk} is nobody")
    return someone.guid


def _known_tags(wishes: Sequence[ContactWish]) -> dict[UUID, ContactTag]:
    wanted = {tag.guid for wish in wishes for tag in wish.tags}
    known = {tag.guid: tag for tag in parties.contact_tags().filter(guid__in=wanted)} if wanted else {}
    if wanted - set(known):
        raise _invalid("contact_tag_not_found", field="contacts.tags")
    return known


def _check_single_holders(wishes: Sequence[ContactWish], known: dict[UUID, ContactTag]) -> None:
    held: dict[UUID, UUID] = {}
    for wish in wishes:
        for tag in wish.tags:
            if wish.retired or tag.retired or known[tag.guid].allow_multiple:
                continue
            if held.setdefault(tag.guid, wish.guid) != wish.guid:
                raise _invalid(
                    "contact_tag_held_twice",
                    field="contacts.tags",
                    tag=known[tag.guid].name,
                )


def _added(item: WorkItem, guid: UUID, *, by: Actor, at: datetime) -> ItemContact:
    contact = Contact.objects.filter(guid=guid).first()
    user = None
    if contact is not None:
        if contact.retired:
            raise _invalid("contact_retired", field="contacts.guid")
        if not parties.contacts_of_customer(item.customer).filter(pk=contact.pk).exists():
            raise _invalid("contact_of_other_company", field="contacts.guid")
    else:
        user = User.objects.filter(guid=guid).first()
        if user is None:
            raise _invalid("contact_not_found", field="contacts.guid")
        if not user.is_active:
            raise _invalid("contact_retired.account", field="contacts.guid")
    keeper = families.keeps_contacts(item)
    return ItemContact.objects.create(item_id=keeper, contact=contact, user=user, added_by_id=by.user_id, added_at=at)


def _tag(
    item: WorkItem, row: ItemContact, wishes: Sequence[TagWish], known: dict[UUID, ContactTag], held: set[UUID]
) -> list[RowChange]:
    """Give and take tags of a contact that has the tags `held`."""
    changes: list[RowChange] = []
    for wish in wishes:
        tag = known[wish.guid]
        if wish.retired and wish.guid in held:
            row.tags.remove(tag)
            held.discard(wish.guid)
            changes += related(row, "tags", [tag.pk], [])
        elif not wish.retired and wish.guid not in held:
            _check_tag(item, tag)
            if not tag.allow_multiple:
                for other in ItemContact.objects.filter(item=row.item_id, tags=tag):
                    other.tags.remove(tag)
                    changes += related(other, "tags", [tag.pk], [])
            row.tags.add(tag)
            held.add(wish.guid)
            changes += related(row, "tags", [], [tag.pk])
    return changes


def _check_tag(item: WorkItem, tag: ContactTag) -> None:
    if tag.retired:
        raise _invalid("contact_tag_retired", field="contacts.tags", tag=tag.name)
    if tag.supplier_id is not None and tag.supplier_id != item.contract.supplier_id:
        raise _invalid(
            "contact_tag_of_other_company",
            field="contacts.tags",
            tag=tag.name,
        )


def _invalid(code: str, *, field: str = "contacts", **parameters: Value) -> Invalid:
    return Invalid(code, field=field, **parameters)
