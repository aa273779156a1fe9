"""How to look at companies, contracts and services, always as an actor.

The `…_seen_by` conditions are the one definition of who sees what; the engine uses them inside its own queries.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from workwire.access.queries import Account, granted, sees_all
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.parties.models import Company, Contract, Service


def companies_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the company of the outer query."""
    return granted(account, company="pk", parent="parent_id")


def contracts_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the contract of the outer query."""
    return granted(account, company="customer_id", parent="customer__parent_id", contract="pk")


def services_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the service of the outer query."""
    return granted(
        account,
        company="contract__customer_id",
        parent="contract__customer__parent_id",
        contract="contract_id",
        service="pk",
    )


def companies_with_guid(guid: UUID | OuterRef) -> QuerySet[Company]:
    """Companies by a GUID that may be a column of an outer query, whoever sees them."""
    return Company.objects.filter(guid=guid)


def contracts_with_guid(guid: UUID | OuterRef) -> QuerySet[Contract]:
    """Contracts by a GUID that may be a column of an outer query, whoever sees them."""
    return Contract.objects.filter(guid=guid)


def services_with_guid(guid: UUID | OuterRef) -> QuerySet[Service]:
    """Services by a GUID that may be a column of an outer query, whoever sees them."""
    return Service.objects.filter(guid=guid)


def companies_visible_to(actor: Actor) -> QuerySet[Company]:
    """The companies an actor may see."""
    found = Company.objects.select_related("parent")
    return found if sees_all(actor) else found.filter(companies_seen_by(actor.user_id or 0))


def contracts_visible_to(actor: Actor) -> QuerySet[Contract]:
    """The contracts an actor may see."""
    found = Contract.objects.select_related("customer", "supplier")
    return found if sees_all(actor) else found.filter(contracts_seen_by(actor.user_id or 0))


def services_visible_to(actor: Actor) -> QuerySet[Service]:
    """The services an actor may see."""
    found = Service.objects.select_related("contract__customer", "service_line")
    return found if sees_all(actor) else found.filter(services_seen_by(actor.user_id or 0))


def company(guid: UUID, *, by: Actor) -> Company:
    """One company; raises NotFound."""
    found = companies_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("company")
    return found


def contract(guid: UUID, *, by: Actor) -> Contract:
    """One contract; raises NotFound."""
    found = contracts_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("contract")
    return found


def service(guid: UUID, *, by: Actor) -> Service:
    """One service; raises NotFound."""
    found = services_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("service")
    return found
