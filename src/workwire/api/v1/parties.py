"""Companies, contracts and services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.commitments import queries as commitments
from workwire.rooms.offering import queries as offering
from workwire.rooms.parties import commands, queries

if TYPE_CHECKING:
    from workwire.rooms.parties.models import Company, Contract, Service

router = Router(tags=["parties"])


class CompanyIn(In):
    """A company to make."""

    name: Name
    description: str = ""
    external_reference: str = ""
    is_customer: bool = True
    is_supplier: bool = False
    language: str = "en"
    time_zone: str = "UTC"
    parent: UUID | None = None


class CompanyChange(In):
    """Changes to a company; what is left out stays."""

    name: Name = LEFT_OUT
    description: str = LEFT_OUT
    external_reference: str = LEFT_OUT
    is_customer: bool = LEFT_OUT
    is_supplier: bool = LEFT_OUT
    language: str = LEFT_OUT
    time_zone: str = LEFT_OUT


class CompanyOut(Schema):
    """A company."""

    guid: Guid
    name: str
    description: str
    external_reference: str
    is_customer: bool
    is_supplier: bool
    language: str
    time_zone: str
    parent: Guid | None
    version: int


class CompanySeen(CompanyOut):
    """A company as it is read; `sequence` is that of the last event these values show."""

    sequence: int


class ContractIn(In):
    """A contract to make."""

    customer: UUID
    supplier: UUID
    name: Name
    description: str = ""
    time_zone: str | None = None
    calendar: UUID | None = None


class ContractChange(In):
    """Changes to a contract; what is left out stays. Due dates that were set before stay too. Another supplier is that of all
    work of the contract, also of what is finished."""

    name: Name = LEFT_OUT
    supplier: UUID = LEFT_OUT
    description: str = LEFT_OUT
    time_zone: str = LEFT_OUT
    calendar: UUID | None = LEFT_OUT


class Clone(In):
    """What the clone of a record is called."""

    name: Name


class ContractOut(Schema):
    """A contract; work under it is due by the working time of its calendar in its time zone."""

    guid: Guid
    name: str
    description: str
    customer: Guid
    supplier: Guid
    time_zone: str
    calendar: Guid | None
    version: int


class ServiceIn(In):
    """A service to offer."""

    contract: UUID
    service_line: UUID
    name: Name
    description: str = ""


class ServiceOut(Schema):
    """A service."""

    guid: Guid
    name: str
    description: str
    contract: Guid
    service_line: Guid


@router.get("/companies", response=answers(Listing[CompanySeen]), operation_id="list_companies")
def list_companies(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the companies you may see."""
    by = actor(request)
    return listing(page(queries.companies_visible_to(by), **paging.arguments()), _company_seen, by)


@router.post("/companies", response=answers(CompanyOut, 201), operation_id="create_company")
def create_company(request: HttpRequest, wish: CompanyIn) -> Status[dict[str, Any]]:
    """Create a company; accounts with a data permission on it see it."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = wish.dict(exclude={"name", "parent"})
        parent = queries.company(wish.parent, by=by) if wish.parent else None
        return _company(commands.create_company(wish.name, by=by, parent=parent, **fields), by)

    return Status(201, once(request, create))


@router.get("/companies/{uuid:guid}", response=answers(CompanySeen), operation_id="get_company")
def get_company(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one company."""
    found = queries.company(guid, by=actor(request))
    etags.tag(response, found.version)
    return _company_seen(found, actor(request))


@router.patch("/companies/{uuid:guid}", response=answers(CompanyOut), operation_id="update_company")
def update_company(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[CompanyChange]
) -> dict[str, Any]:
    """Change a company."""
    by = actor(request)
    changes = given(wish)
    found = queries.company(guid, by=by)
    changed = commands.update_company(found, by=by, version=etags.wanted(request), **changes)
    etags.tag(response, changed.version)
    return _company(changed, by)


@router.get("/contracts", response=answers(Listing[ContractOut]), operation_id="list_contracts")
def list_contracts(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the contracts you may see."""
    by = actor(request)
    return listing(page(queries.contracts_visible_to(by), **paging.arguments()), _contract, by)


@router.post("/contracts", response=answers(ContractOut, 201), operation_id="create_contract")
def create_contract(request: HttpRequest, wish: ContractIn) -> Status[dict[str, Any]]:
    """Create a contract."""
    by = actor(request)

    def create() -> dict[str, Any]:
        customer, supplier = queries.company(wish.customer, by=by), queries.company(wish.supplier, by=by)
        made = commands.create_contract(
            customer,
            supplier,
            wish.name,
            by=by,
            description=wish.description,
            time_zone=wish.time_zone,
            calendar=commitments.calendar(wish.calendar) if wish.calendar is not None else None,
        )
        return _contract(made, by)

    return Status(201, once(request, create))


@router.post("/contracts/{uuid:guid}/clone", response=answers(ContractOut, 201), operation_id="clone_contract")
def clone_contract(request: HttpRequest, guid: UUID, wish: Clone) -> Status[dict[str, Any]]:
    """Create a contract like another one, under its own name and without its services."""
    by = actor(request)

    def create() -> dict[str, Any]:
        return _contract(commands.clone_contract(queries.contract(guid, by=by), wish.name, by=by), by)

    return Status(201, once(request, create))


@router.get("/contracts/{uuid:guid}", response=answers(ContractOut), operation_id="get_contract")
def get_contract(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one contract."""
    found = queries.contract(guid, by=actor(request))
    etags.tag(response, found.version)
    return _contract(found, actor(request))


@router.patch("/contracts/{uuid:guid}", response=answers(ContractOut), operation_id="update_contract")
def update_contract(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ContractChange]
) -> dict[str, Any]:
    """Change a contract."""
    by, changes = actor(request), given(wish)
    if changes.get("calendar") is not None:
        changes["calendar"] = commitments.calendar(changes["calendar"])
    if "supplier" in changes:
        changes["supplier"] = queries.company(changes["supplier"], by=by)
    found = queries.contract(guid, by=by)
    changed = commands.update_contract(found, by=by, version=etags.wanted(request), **changes)
    etags.tag(response, changed.version)
    return _contract(changed, by)


@router.get("/services", response=answers(Listing[ServiceOut]), operation_id="list_services")
def list_services(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the services you may see."""
    by = actor(request)
    return listing(page(queries.services_visible_to(by), **paging.arguments()), _service, by)


@router.post("/services", response=answers(ServiceOut, 201), operation_id="create_service")
def create_service(request: HttpRequest, wish: ServiceIn) -> Status[dict[str, Any]]:
    """Offer a service."""
    by = actor(request)

    def create() -> dict[str, Any]:
        contract, line = queries.contract(wish.contract, by=by), offering.service_line(wish.service_line)
        return _service(commands.create_service(contract, line, wish.name, by=by, description=wish.description), by)

    return Status(201, once(request, create))


@router.get("/services/{uuid:guid}", response=answers(ServiceOut), operation_id="get_service")
def get_service(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one service."""
    return _service(queries.service(guid, by=actor(request)), actor(request))


def _company(row: Company, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "external_reference": row.external_reference,
        "is_customer": row.is_customer,
        "is_supplier": row.is_supplier,
        "language": row.language,
        "time_zone": row.time_zone,
        "parent": str(row.parent.guid) if row.parent else None,
        "version": row.version,
    }


def _company_seen(row: Any, by: Actor) -> dict[str, Any]:
    return _company(row, by) | {"sequence": row.sequence}


def _contract(row: Contract, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "customer": str(row.customer.guid),
        "supplier": str(row.supplier.guid),
        "time_zone": row.time_zone,
        "calendar": str(row.calendar.guid) if row.calendar else None,
        "version": row.version,
    }


def _service(row: Service, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "contract": str(row.contract.guid),
        "service_line": str(row.service_line.guid),
    }
