"""Contacts, contact tags, and the accounts one works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.access import queries as access
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, answers, given, listing
from workwire.api.v1.spelling import UserTypeName, spelled
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.pages import page
from workwire.rooms.parties import commands, queries

if TYPE_CHECKING:
    from workwire.access.models import User
    from workwire.rooms.parties.models import Contact, ContactTag

router = Router(tags=["contacts"])


class ContactFields(In):
    """What is known of a contact beside the mail address."""

    first_name: str = LEFT_OUT
    surname: str = LEFT_OUT
    time_zone: str = LEFT_OUT
    telephone: str = LEFT_OUT
    mobile: str = LEFT_OUT
    office: str = LEFT_OUT
    address: str = LEFT_OUT
    language: str = LEFT_OUT


class ContactIn(ContactFields):
    """A contact to create: of a company or, without one, global."""

    email: str = Field(min_length=3, max_length=254)
    company: UUID | None = None


class ContactChange(ContactFields):
    """Changes to a contact; what is left out stays."""

    email: Annotated[str, Field(min_length=3, max_length=254)] = LEFT_OUT
    retired: bool = LEFT_OUT


class ContactSearch(Schema):
    """Words that are all in the name or the mail address."""

    search: str = Field("", max_length=200)

    @property
    def words(self) -> str:
        """The words as a database can look for them."""
        return self.search.replace("\x00", " ")


class ContactFilter(ContactSearch):
    """Which contacts are wanted: those that match, those of a company."""

    company: UUID | None = None


class ContactOut(Schema):
    """A contact."""

    guid: Guid
    email: str
    full_name: str
    first_name: str
    surname: str
    company: Guid | None
    time_zone: str
    telephone: str
    mobile: str
    office: str
    address: str
    language: str
    retired: bool
    version: int


class AccountOut(Schema):
    """An account that work may be assigned to, or that may be added to a work item."""

    guid: Guid
    full_name: str
    email: str
    user_type: UserTypeName


class ContactTagIn(In):
    """A contact tag to make, for the work of one supplier when one is named."""

    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    allow_multiple: bool = True
    supplier: UUID | None = None


class ContactTagChange(In):
    """Changes to a contact tag; of a built-in one only the description."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = LEFT_OUT
    description: str = LEFT_OUT
    allow_multiple: bool = LEFT_OUT
    show_to_self_service: bool = LEFT_OUT
    show_to_call_handling: bool = LEFT_OUT
    retired: bool = LEFT_OUT


class ContactTagOut(Schema):
    """A contact tag; a built-in one names what it is."""

    guid: Guid
    name: str
    description: str
    built_in: str | None
    supplier: Guid | None
    allow_multiple: bool
    show_to_self_service: bool
    show_to_call_handling: bool
    retired: bool
    version: int


@router.get("/contacts", response=answers(Listing[ContactOut]), operation_id="list_contacts")
def list_contacts(request: HttpRequest, paging: Query[PageQuery], wanted: Query[ContactFilter]) -> dict[str, Any]:
    """List the contacts you may see: global ones and those of your companies."""
    by = actor(request)
    found = queries.contacts_visible_to(by).filter(queries.contacts_matching(wanted.words))
    if wanted.company is not None:
        found = found.filter(company__guid=wanted.company)
    return listing(page(found, **paging.arguments()), _contact, by)


@router.post("/contacts", response=answers(ContactOut, 201), operation_id="create_contact")
def create_contact(request: HttpRequest, wish: ContactIn) -> Status[dict[str, Any]]:
    """Create a contact."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = given(wish)
        company = queries.company(fields["company"], by=by) if fields.get("company") else None
        return _contact(commands.create_contact(by=by, **(fields | {"company": company})), by)

    return Status(201, once(request, create))


@router.get("/contacts/{uuid:guid}", response=answers(ContactOut), operation_id="get_contact")
def get_contact(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one contact."""
    found = queries.contact(guid, by=actor(request))
    etags.tag(response, found.version)
    return _contact(found, actor(request))


@router.patch("/contacts/{uuid:guid}", response=answers(ContactOut), operation_id="update_contact")
def update_contact(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ContactChange]
) -> dict[str, Any]:
    """Change a contact; a retired contact cannot be added to work items."""
    by = actor(request)
    found = queries.contact(guid, by=by)
    changed = commands.update_contact(found, by=by, version=etags.wanted(request), **given(wish))
    etags.tag(response, changed.version)
    return _contact(changed, by)


@router.get("/accounts", response=answers(Listing[AccountOut]), operation_id="list_accounts")
def list_accounts(request: HttpRequest, paging: Query[PageQuery], wanted: Query[ContactSearch]) -> dict[str, Any]:
    """List active accounts, optionally those whose name or mail address contains every search word."""
    by = actor(request)
    return listing(page(access.users_matching(by, wanted.words), **paging.arguments()), _account, by)


@router.get("/contact-tags", response=answers(Listing[ContactTagOut]), operation_id="list_contact_tags")
def list_contact_tags(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the contact tags you may see."""
    by = actor(request)
    return listing(page(queries.contact_tags_for(by), **paging.arguments()), _tag, by)


@router.post("/contact-tags", response=answers(ContactTagOut, 201), operation_id="create_contact_tag")
def create_contact_tag(request: HttpRequest, wish: ContactTagIn) -> Status[dict[str, Any]]:
    """Create a contact tag."""
    by = actor(request)

    def create() -> dict[str, Any]:
        supplier = queries.company(wish.supplier, by=by) if wish.supplier is not None else None
        fields = wish.dict(exclude={"supplier"})
        return _tag(commands.create_contact_tag(by=by, supplier=supplier, **fields), by)

    return Status(201, once(request, create))


@router.patch("/contact-tags/{uuid:guid}", response=answers(ContactTagOut), operation_id="update_contact_tag")
def update_contact_tag(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ContactTagChange]
) -> dict[str, Any]:
    """Change a contact tag."""
    by = actor(request)
    found = queries.contact_tag(guid, by=by)
    changed = commands.update_contact_tag(found, by=by, version=etags.wanted(request), **given(wish))
    etags.tag(response, changed.version)
    return _tag(changed, by)


def _contact(row: Contact, _actor: Actor) -> dict[str, Any]:
    names = ("first_name", "surname", "time_zone", "telephone", "mobile", "office", "address", "language")
    return {name: getattr(row, name) for name in names} | {
        "guid": str(row.guid),
        "email": row.email,
        "full_name": row.full_name,
        "company": str(row.company.guid) if row.company else None,
        "retired": row.retired,
        "version": row.version,
    }


def _account(row: User, _actor: Actor) -> dict[str, Any]:
    kind = spelled(UserType(row.user_type))
    return {"guid": str(row.guid), "full_name": row.full_name, "email": row.email, "user_type": kind}


def _tag(row: ContactTag, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "built_in": row.built_in or None,
        "supplier": str(row.supplier.guid) if row.supplier else None,
        "allow_multiple": row.allow_multiple,
        "show_to_self_service": row.show_to_self_service,
        "show_to_call_handling": row.show_to_call_handling,
        "retired": row.retired,
        "version": row.version,
    }
