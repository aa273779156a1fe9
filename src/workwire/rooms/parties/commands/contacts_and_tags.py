"""Contacts and contact tags."""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.parties import events, queries
from workwire.rooms.parties.commands.companies import language_code, time_zone_name
from workwire.rooms.parties.models import Company, Contact, ContactTag
from workwire.rooms.parties.tags import BUILT_IN

_LINES = {"first_name": 100, "surname": 100, "telephone": 50, "mobile": 50, "office": 200}
LONGEST_ADDRESS = 2000


class ContactFields(TypedDict, total=False):
    """What may be given of a contact beside its mail address."""

    company: Company | None
    first_name: str
    surname: str
    time_zone: str
    telephone: str
    mobile: str
    office: str
    address: str
    language: str


class ContactChanges(ContactFields, total=False):
    """What may be changed of a contact; what is not named stays."""

    email: str
    retired: bool


class TagChanges(TypedDict, total=False):
    """What may be changed of a contact tag; of a built-in one only the description."""

    name: str
    description: str
    allow_multiple: bool
    show_to_self_service: bool
    show_to_call_handling: bool
    retired: bool


@transaction.atomic
def create_contact(email: str, *, by: Actor, **fields: Unpack[ContactFields]) -> Contact:
    """Make a contact of a company the actor sees, or a global one; raises Conflict for a mail address that it has already."""
    require(by, features.WORK_ITEMS)
    contact = Contact()
    _write(contact, cast("ContactChanges", {**fields, "email": email}), by)
    _save(contact)
    record(events.ContactCreated(**_body(contact)), about=_about(contact), by=by, changes=added(contact))
    return contact


@transaction.atomic
def update_contact(
    contact: Contact, *, by: Actor, version: int | None = None, **changes: Unpack[ContactChanges]
) -> Contact:
    """Change a contact; nothing is recorded when nothing differs. Raises Conflict for a version that has passed."""
    require(by, features.WORK_ITEMS)
    Contact.objects.select_for_update().filter(pk=contact.pk).first()
    found = queries.contact(contact.guid, by=by)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.contact")
    before = columns(found)
    _write(found, changes, by)
    if columns(found) != before:
        found.version += 1
        _save(found)
        record(events.ContactUpdated(**_body(found)), about=_about(found), by=by, changes=altered(found, before))
    return found


@transaction.atomic
def make_built_in_tags(*, by: Actor) -> None:
    """Make the contact tags every installation has, where they are missing."""
    present = set(ContactTag.objects.exclude(built_in="").values_list("built_in", flat=True))
    for key, (name, description) in BUILT_IN.items():
        if key not in present:
            tag = ContactTag.objects.create(built_in=key, name=name, description=description, allow_multiple=False)
            _record_tag(events.ContactTagCreated, tag, by, added(tag))


@transaction.atomic
def create_contact_tag(
    name: str, *, by: Actor, description: str = "", allow_multiple: bool = True, supplier: Company | None = None
) -> ContactTag:
    """Make a contact tag, for the work of one supplier when one is named."""
    require(by, features.TAGS)
    if supplier is not None and not supplier.is_supplier:
        raise Invalid("supplier_invalid", field="supplier")
    tag = ContactTag(
        name=text.name(name, longest=100),
        description=text.prose(description, field="description", longest=LONGEST_ADDRESS),
        allow_multiple=allow_multiple,
        supplier=supplier,
    )
    _save_tag(tag)
    _record_tag(events.ContactTagCreated, tag, by, added(tag))
    return tag


@transaction.atomic
def update_contact_tag(
    tag: ContactTag, *, by: Actor, version: int | None = None, **changes: Unpack[TagChanges]
) -> ContactTag:
    """Change a contact tag; raises Conflict for a version that has passed, and for a built-in one."""
    require(by, features.TAGS)
    found = ContactTag.objects.select_for_update().get(pk=tag.pk)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.contact_tag")
    if found.built_in and set(changes) - {"description"}:
        raise Conflict("contact_tag_built_in")
    before = columns(found)
    if "name" in changes:
        found.name = text.name(changes["name"], longest=100)
    if "description" in changes:
        found.description = text.prose(changes["description"], field="description", longest=LONGEST_ADDRESS)
    found.allow_multiple = changes.get("allow_multiple", found.allow_multiple)
    found.show_to_self_service = changes.get("show_to_self_service", found.show_to_self_service)
    found.show_to_call_handling = changes.get("show_to_call_handling", found.show_to_call_handling)
    found.retired = changes.get("retired", found.retired)
    if columns(found) != before:
        found.version += 1
        _save_tag(found)
        _record_tag(events.ContactTagUpdated, found, by, altered(found, before))
    return found


def _write(contact: Contact, changes: ContactChanges, by: Actor) -> None:
    if "email" in changes:
        contact.email = _email(changes["email"])
    if "company" in changes:
        company = changes["company"]
        contact.company = queries.company(company.guid, by=by) if company is not None else None
    for field, longest in _LINES.items():
        if field in changes:
            setattr(contact, field, text.line(str(changes[field]), field=field, longest=longest))  # type: ignore[literal-required]  # a key of _LINES
    if "address" in changes:
        contact.address = text.prose(changes["address"], field="address", longest=LONGEST_ADDRESS)
    if "time_zone" in changes:
        contact.time_zone = time_zone_name(changes["time_zone"]) if changes["time_zone"] else ""
    if "language" in changes:
        contact.language = language_code(changes["language"]) if changes["language"] else ""
    contact.retired = changes.get("retired", contact.retired)


def _email(value: str) -> str:
    value = text.line(value, field="email", longest=254)
    try:
        validate_email(value)
    except ValidationError as error:
        raise Invalid("email_invalid", field="email") from error
    return value


def _save(contact: Contact) -> None:
    try:
        with transaction.atomic():
            contact.save()
    except IntegrityError as error:
        raise Conflict("contact_email_taken", field="email") from error


def _save_tag(tag: ContactTag) -> None:
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError as error:
        raise Conflict("contact_tag_name_taken", field="name") from error


def _body(contact: Contact) -> dict[str, str | None]:
    return {
        "GUID": str(contact.guid),
        "Name": contact.full_name,
        "EmailAddress": contact.email,
        "CompanyGUID": str(contact.company.guid) if contact.company else None,
    }


def _about(contact: Contact) -> Subject:
    company = contact.company.guid if contact.company else None
    return Subject(ObjectType.CONTACT, contact.guid, company=company)


def _record_tag(kind: type[events.PartyBody], tag: ContactTag, by: Actor, changes: list[RowChange]) -> None:
    body, about = kind(GUID=str(tag.guid), Name=tag.name), Subject(ObjectType.CONTACT_TAG, tag.guid)
    record(body, about=about, by=by, changes=changes)
