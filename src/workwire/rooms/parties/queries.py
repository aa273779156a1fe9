"""How to look at companies, contracts and services, always as an actor.

The `…_seen_by` conditions are the one definition of who sees what; the engine uses them inside its own queries.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from workwire.access import features
from workwire.access.policy import in_self_service, require_one_of
from workwire.access.queries import Account, granted, sees_all
from workwire.kernel import folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.outbox import ledger
from workwire.outbox.objects import FilterObject, ObjectType, register
from workwire.rooms.parties.models import Company, Contact, ContactTag, Contract, Service


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
    """Companies by a GUID that may be a column of an outer query, without a check of rights."""
    return Company.objects.filter(guid=guid)


def contracts_with_guid(guid: UUID | OuterRef) -> QuerySet[Contract]:
    """Contracts by a GUID that may be a column of an outer query, without a check of rights."""
    return Contract.objects.filter(guid=guid)


def services_with_guid(guid: UUID | OuterRef) -> QuerySet[Service]:
    """Services by a GUID that may be a column of an outer query, without a check of rights."""
    return Service.objects.filter(guid=guid)


def companies_visible_to(actor: Actor) -> QuerySet[Company]:
    """The companies an actor may see, each with the sequence of its last event."""
    found = Company.objects.select_related("parent").annotate(sequence=ledger.sequence_of(OuterRef("guid")))
    return found if sees_all(actor) else found.filter(companies_seen_by(actor.user_id or 0))


def contracts_visible_to(actor: Actor) -> QuerySet[Contract]:
    """The contracts an actor may see."""
    found = Contract.objects.select_related("customer", "supplier", "calendar")
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


def contacts_visible_to(actor: Actor) -> QuerySet[Contact]:
    """The contacts an actor may see: global ones, and the ones of companies it sees; none in self service."""
    found = Contact.objects.select_related("company")
    if sees_all(actor):
        return found
    if not actor.has(features.WORK_ITEMS) and not actor.has(features.COMPANIES):
        return found.none()
    of_company = granted(actor.user_id or 0, company="company_id", parent="company__parent_id")
    return found.filter(Q(company=None) | of_company)


def contact(guid: UUID, *, by: Actor) -> Contact:
    """One contact; raises NotFound."""
    found = contacts_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("contact")
    return found


def contacts_matching(words: str) -> Q:
    """Contacts whose name or mail address holds every word of a search."""
    if not text.is_storable(words):
        return Q(pk__in=())
    found = Q()
    for word in folding.words(words):
        found &= Q(search__contains=word)
    return found


def companies_matching(words: str) -> Q:
    """Companies whose name holds a text, in any spelling."""
    folded = folding.folded(words) if text.is_storable(words) else ""
    return Q(name_key__contains=folded) if folded else Q(pk__in=())


def contracts_matching(words: str) -> Q:
    """Contracts whose name, or whose customer's, holds a text, in any spelling."""
    folded = folding.folded(words) if text.is_storable(words) else ""
    return Q(name_key__contains=folded) | Q(customer__name_key__contains=folded) if folded else Q(pk__in=())


def services_matching(words: str) -> Q:
    """Services whose name, or whose customer's, holds a text, in any spelling."""
    folded = folding.folded(words) if text.is_storable(words) else ""
    return Q(name_key__contains=folded) | Q(contract__customer__name_key__contains=folded) if folded else Q(pk__in=())


def contacts_of_customer(company: Company) -> QuerySet[Contact]:
    """The contacts that may be added to work for a company: its own, its parent's, and global ones; no retired ones."""
    whose = Q(company=None) | Q(company=company.pk) | Q(company=company.parent_id or 0)
    return Contact.objects.select_related("company").filter(whose, retired=False)


def contact_tags() -> QuerySet[ContactTag]:
    """All contact tags, the built-in ones first."""
    return ContactTag.objects.select_related("supplier").order_by("pk")


def contact_tags_shown_to(actor: Actor) -> QuerySet[ContactTag]:
    """The contact tags an actor is shown: in self service those meant for it."""
    found = contact_tags()
    return found.filter(show_to_self_service=True) if in_self_service(actor) else found


def contact_tags_for(actor: Actor) -> QuerySet[ContactTag]:
    """The same, for who uses or configures them; raises Forbidden for others."""
    require_one_of(actor, features.WORK_ITEMS, features.SELF_SERVICE, features.TAGS)
    return contact_tags_shown_to(actor)


def contact_tag(guid: UUID, *, by: Actor) -> ContactTag:
    """One contact tag; raises NotFound, and Forbidden like `contact_tags_for`."""
    found = contact_tags_for(by).filter(guid=guid).first()
    if found is None:
        raise not_found("contact_tag")
    return found


register(
    FilterObject(
        ObjectType.COMPANY,
        "company_guid",
        companies_with_guid,
        companies_seen_by,
        company,
        companies_visible_to,
        companies_matching,
        records=(ObjectType.COMPANY,),
    )
)
register(
    FilterObject(
        ObjectType.CONTRACT,
        "contract_guid",
        contracts_with_guid,
        contracts_seen_by,
        contract,
        contracts_visible_to,
        contracts_matching,
        lambda found: f"{found.name} · {found.customer.name}",
    )
)
register(
    FilterObject(
        ObjectType.SERVICE,
        "service_guid",
        services_with_guid,
        services_seen_by,
        service,
        services_visible_to,
        services_matching,
        lambda found: f"{found.name} · {found.contract.customer.name}",
    )
)
