"""Companies, contracts and services."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict, Unpack
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock, folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import added, altered, columns
from workwire.outbox.documented_webhooks import BusinessObjectCreated, BusinessObjectUpdated
from workwire.outbox.ledger import Subject, previous, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.parties import events, queries, terms
from workwire.rooms.parties.models import Company, Contract, Service

if TYPE_CHECKING:
    from workwire.rooms.commitments.models import Calendar
    from workwire.rooms.offering.models import ServiceLine

LONGEST_DESCRIPTION = 64 * 1024
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")


class CompanyFields(TypedDict, total=False):
    """What may be given of a company beside its name."""

    description: str
    external_reference: str
    is_customer: bool
    is_supplier: bool
    language: str
    time_zone: str
    parent: Company | None


class CompanyChanges(CompanyFields, total=False):
    """What may be changed of a company; what is not named stays."""

    name: str


class ContractChanges(TypedDict, total=False):
    """What may be changed of a contract; what is not named stays. Its customer never changes."""

    name: str
    supplier: Company
    description: str
    time_zone: str
    calendar: Calendar | None


@transaction.atomic
def create_company(name: str, *, by: Actor, **fields: Unpack[CompanyFields]) -> Company:
    """Create a company, by default a customer. Its creator sees it only once a data permission says so."""
    require(by, features.COMPANIES)
    company = Company()
    _write_company(company, CompanyChanges(**fields, name=name), by)
    _save_company(company)
    record(BusinessObjectCreated(**_company_body(company)), about=_about(company), by=by, changes=added(company))
    return company


@transaction.atomic
def update_company(
    company: Company, *, by: Actor, version: int | None = None, **changes: Unpack[CompanyChanges]
) -> Company:
    """Change a company; recorded once, and not at all when nothing differs. Raises Conflict for a version that has passed."""
    require(by, features.COMPANIES)
    found = _locked_company(company, changes.get("parent"), by)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.company")
    before = columns(found)
    _write_company(found, changes, by)
    if columns(found) == before:
        return found
    found.version += 1
    _save_company(found)
    after = _company_body(found)
    record(
        BusinessObjectUpdated(**after, Previous=previous(found.guid, after)),
        about=_about(found),
        by=by,
        changes=altered(found, before),
    )
    return found


@transaction.atomic
def create_contract(
    customer: Company,
    supplier: Company,
    name: str,
    *,
    by: Actor,
    description: str = "",
    time_zone: str | None = None,
    calendar: Calendar | None = None,
) -> Contract:
    """Make a contract between a customer the actor sees and a supplier; without a calendar the standard week holds."""
    require(by, features.COMPANIES)
    customer = queries.company(customer.guid, by=by)
    if not customer.is_customer:
        raise Invalid("customer_invalid", field="customer")
    contract = Contract(
        customer=customer,
        supplier=_supplier(supplier),
        name=text.name(name),
        description=text.prose(description, field="description", longest=LONGEST_DESCRIPTION),
        time_zone=time_zone_name(time_zone or customer.time_zone),
        calendar=calendar,
    )
    if Contract.objects.filter(customer=customer, name_key=folding.key(contract.name)).exists():
        raise Conflict("contract_name_taken", field="name")
    try:
        with transaction.atomic():
            contract.save()
    except IntegrityError as error:
        raise Conflict("contract_name_taken", field="name") from error
    body = events.ContractCreated(
        GUID=str(contract.guid),
        Name=contract.name,
        CustomerGUID=str(customer.guid),
        SupplierGUID=str(supplier.guid),
    )
    record(
        body, about=Subject(ObjectType.CONTRACT, contract.guid, company=customer.guid), by=by, changes=added(contract)
    )
    return contract


@transaction.atomic
def clone_contract(contract: Contract, name: str, *, by: Actor) -> Contract:
    """Make a contract like one that the actor sees, under another name, without its services."""
    found = queries.contract(contract.guid, by=by)
    return create_contract(
        found.customer,
        found.supplier,
        name,
        by=by,
        description=found.description,
        time_zone=found.time_zone,
        calendar=found.calendar,
    )


@transaction.atomic
def update_contract(
    contract: Contract, *, by: Actor, version: int | None = None, **changes: Unpack[ContractChanges]
) -> Contract:
    """Change a contract; work that began before keeps the name, time zone and calendar it began with. Another supplier is that
    of all its work, finished work, too. Raises Conflict for a version that has passed."""
    require(by, features.COMPANIES)
    Contract.objects.select_for_update().filter(pk=contract.pk).first()
    found = queries.contract(contract.guid, by=by)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.contract")
    before, said = columns(found), terms.terms_of(found)
    if "name" in changes:
        found.name = text.name(changes["name"])
        others = Contract.objects.filter(customer=found.customer_id, name_key=folding.key(found.name)).exclude(
            pk=found.pk
        )
        if others.exists():
            raise Conflict("contract_name_taken", field="name")
    if "description" in changes:
        found.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    if "supplier" in changes:
        found.supplier = _supplier(changes["supplier"])
    if "time_zone" in changes:
        found.time_zone = time_zone_name(changes["time_zone"])
    if "calendar" in changes:
        found.calendar = changes["calendar"]
    if terms.terms_of(found) != said:
        found.earlier_terms = terms.with_earlier(found, said, clock.now())
    if columns(found) != before:
        found.version += 1
        found.save()
        about = Subject(ObjectType.CONTRACT, found.guid, company=found.customer.guid)
        body = events.ContractUpdated(GUID=str(found.guid), Name=found.name)
        record(body, about=about, by=by, changes=altered(found, before))
    return found


@transaction.atomic
def create_service(
    contract: Contract, service_line: ServiceLine, name: str, *, by: Actor, description: str = ""
) -> Service:
    """Offer a service line under a contract the actor sees."""
    require(by, features.COMPANIES)
    contract = queries.contract(contract.guid, by=by)
    service = Service(
        contract=contract,
        service_line=service_line,
        name=text.name(name),
        description=text.prose(description, field="description", longest=LONGEST_DESCRIPTION),
    )
    if Service.objects.filter(contract=contract, name_key=folding.key(service.name)).exists():
        raise Conflict("service_name_taken", field="name")
    try:
        with transaction.atomic():
            service.save()
    except IntegrityError as error:
        raise Conflict("service_name_taken", field="name") from error
    body = events.ServiceCreated(
        GUID=str(service.guid),
        Name=service.name,
        ContractGUID=str(contract.guid),
        ServiceLineGUID=str(service_line.guid),
    )
    about = Subject(ObjectType.SERVICE, service.guid, company=contract.customer.guid, contract=contract.guid)
    record(body, about=about, by=by, changes=added(service))
    return service


def _supplier(company: Company) -> Company:
    """A company that supplies; raises Invalid for another one."""
    if not company.is_supplier:
        raise Invalid("supplier_invalid", field="supplier")
    return company


def _locked_company(company: Company, parent: Company | None, by: Actor) -> Company:
    """The company as it is now, locked together with its wished parent, so that no two updates build a second level."""
    both = [row.pk for row in (company, parent) if row is not None]
    list(Company.objects.select_for_update().filter(pk__in=both).order_by("pk"))
    return queries.company(company.guid, by=by)


def _write_company(company: Company, changes: CompanyChanges, by: Actor) -> None:
    if "name" in changes:
        company.name = text.name(changes["name"])
    if "description" in changes:
        company.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    if "external_reference" in changes:
        company.external_reference = text.line(changes["external_reference"], field="external_reference", longest=100)
    company.is_customer = changes.get("is_customer", company.is_customer)
    company.is_supplier = changes.get("is_supplier", company.is_supplier)
    if not (company.is_customer or company.is_supplier):
        raise Invalid("company_kind_missing", field="is_customer")
    _check_kind_in_use(company)
    if "language" in changes:
        company.language = language_code(changes["language"])
    if "time_zone" in changes:
        company.time_zone = time_zone_name(changes["time_zone"])
    if "parent" in changes:
        company.parent = _parent(company, changes["parent"], by)


def _check_kind_in_use(company: Company) -> None:
    """A company stays what its contracts and the companies below it rely on."""
    if company.pk is None:
        return
    if not company.is_customer and (company.contracts.exists() or company.children.exists()):
        raise Conflict("company_kind_in_use.customer", field="is_customer")
    if not company.is_supplier and company.supplied_contracts.exists():
        raise Conflict("company_kind_in_use.supplier", field="is_supplier")


def _parent(company: Company, parent: Company | None, by: Actor) -> Company | None:
    """A parent the actor sees that is a customer without a parent; one level only."""
    if parent is None:
        return None
    parent = queries.company(parent.guid, by=by)
    if parent.pk == company.pk or parent.parent_id is not None or not parent.is_customer:
        raise Invalid("parent_invalid.company", field="parent")
    if company.pk and company.children.exists():
        raise Invalid("parent_invalid.is_parent", field="parent")
    return parent


def _save_company(company: Company) -> None:
    if Company.objects.filter(name_key=folding.key(company.name)).exclude(pk=company.pk).exists():
        raise Conflict("company_name_taken", field="name")
    try:
        with transaction.atomic():
            company.save()
    except IntegrityError as error:
        raise Conflict("company_name_taken", field="name") from error


def language_code(value: str) -> str:
    """A language as it is written, like en or pt-BR; raises Invalid."""
    if len(value) > 10 or not _LANGUAGE.match(value):
        raise Invalid("language_invalid", field="language")
    return value


def time_zone_name(value: str) -> str:
    """The name of a time zone that is one; raises Invalid."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("time_zone_invalid", field="time_zone") from error
    return value


def _company_body(company: Company) -> dict[str, str]:
    return {"GUID": str(company.guid), "Name": company.name, "ObjectType": "Company"}


def _about(company: Company) -> Subject:
    return Subject(ObjectType.COMPANY, company.guid, company=company.guid)
