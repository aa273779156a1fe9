"""How to look at companies, contracts and services, always as an actor.

The `…_seen_by` conditions are the one definition of who sees what; the engine uses them inside its own queries.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from workwire.access import features, sight
from workwire.access.policy import in_self_service, require_one_of
from workwire.access.queries import Account, granted
from workwire.kernel import folding, keys, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.kernel.wording import Statement, statement
from workwire.outbox import ledger
from workwire.outbox.objects import ObjectType
from workwire.rooms.parties.models import Company, Contact, ContactTag, Contract, Service

_ABOVE_COMPANY = {"company": "pk", "parent": "parent_id"}
_ABOVE_CONTRACT = {"company": "customer_id", "parent": "customer__parent_id", "contract": "pk"}
_ABOVE_SERVICE = {
    "company": "contract__customer_id",
    "parent": "contract__customer__parent_id",
    "contract": "contract_id",
    "service": "pk",
}
_ABOVE_CONTACT = {"company": "company_id", "parent": "company__parent_id"}


def companies_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the company of the outer query."""
    return granted(account, **_ABOVE_COMPANY)


def contracts_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the contract of the outer query."""
    return granted(account, **_ABOVE_CONTRACT)


def services_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the service of the outer query."""
    return granted(account, **_ABOVE_SERVICE)


def _handles_contacts(actor: Actor) -> bool:
    return actor.has(features.WORK_ITEMS) or actor.has(features.COMPANIES)


def _of_all(actor: Actor) -> Q | bool:
    return Q(company=None) if _handles_contacts(actor) else False


def _of_company_seen(actor: Actor) -> Exists | bool:
    return granted(actor.user_id or 0, **_ABOVE_CONTACT) if _handles_contacts(actor) else False


def _say_of_contact(allowed: sight.Said) -> sight.Said:
    """What a rule on contacts says, for who may have to do with contacts at all."""
    missing = sight.features_say(features.WORK_ITEMS, features.COMPANIES)
    return lambda looked: allowed(looked) if _handles_contacts(looked.actor) else missing(looked)


def _say_global(looked: sight.Looked) -> list[Statement]:
    return [statement("sight_contact.global" if looked.holds else "sight_contact.of_company")]


COMPANY_RULES = (sight.ALL_RECORDS, sight.by_permission(companies_seen_by, _ABOVE_COMPANY))
CONTRACT_RULES = (sight.ALL_RECORDS, sight.by_permission(contracts_seen_by, _ABOVE_CONTRACT))
SERVICE_RULES = (sight.ALL_RECORDS, sight.by_permission(services_seen_by, _ABOVE_SERVICE))
CONTACT_RULES = (
    sight.ALL_RECORDS,
    sight.Rule("global_contact", _of_all, _say_of_contact(_say_global)),
    sight.Rule("permission", _of_company_seen, _say_of_contact(sight.permissions_say(_ABOVE_CONTACT))),
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
    return sight.seen(found, actor, COMPANY_RULES)


def contracts_visible_to(actor: Actor) -> QuerySet[Contract]:
    """The contracts an actor may see."""
    found = Contract.objects.select_related("customer", "supplier", "calendar")
    return sight.seen(found, actor, CONTRACT_RULES)


def services_visible_to(actor: Actor) -> QuerySet[Service]:
    """The services an actor may see."""
    found = Service.objects.select_related("contract__customer", "service_line")
    return sight.seen(found, actor, SERVICE_RULES)


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


def time_zones_of_contracts() -> list[str]:
    """The time zones that contracts name, without a check of rights: it tells of no contract."""
    return list(Contract.objects.order_by("time_zone").values_list("time_zone", flat=True).distinct())


def service(guid: UUID, *, by: Actor) -> Service:
    """One service; raises NotFound."""
    found = services_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("service")
    return found


def contacts_visible_to(actor: Actor) -> QuerySet[Contact]:
    """The contacts an actor may see: global ones, and the ones of companies it sees; none in self service."""
    return sight.seen(Contact.objects.select_related("company"), actor, CONTACT_RULES)


def contact(guid: UUID, *, by: Actor) -> Contact:
    """One contact; raises NotFound."""
    found = contacts_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("contact")
    return found


def contacts_matching(words: str) -> Q:
    """Contacts whose name or mail address holds every word of a search."""
    return keys.holding_words(words)


def companies_matching(words: str) -> Q:
    """Companies whose name holds a text, in any spelling."""
    return keys.holding(words, "name_key")


def contracts_matching(words: str) -> Q:
    """Contracts whose name, or whose customer's, holds a text, in any spelling."""
    return keys.holding(words, "name_key", "customer__name_key")


def services_matching(words: str) -> Q:
    """Services whose name, or whose customer's, holds a text, in any spelling."""
    return keys.holding(words, "name_key", "contract__customer__name_key")


def contacts_of_customer(company: Company) -> QuerySet[Contact]:
    """The contacts that may be added to work for a company: its own, its parent's, and global ones; no retired ones."""
    whose = Q(company=None) | Q(company=company.pk) | Q(company=company.parent_id or 0)
    return Contact.objects.select_related("company").filter(whose, retired=False)


def contact_addressed(company: Company, address: str) -> Contact | None:
    """The contact with a mail address that may be added to work for a company: its own before those of its parent and global
    ones; None for no such contact."""
    if not text.is_storable(address):
        return None
    found = contacts_of_customer(company).filter(email_key=folding.address_key(address))
    nearness = {company.pk: 0, None: 2}
    return min(found, key=lambda one: nearness.get(one.company_id, 1), default=None)


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


sight.register(
    sight.FilterObject(
        "company",
        companies_visible_to,
        COMPANY_RULES,
        companies_matching,
        str,
        ObjectType.COMPANY,
        "company_guid",
        companies_with_guid,
        companies_seen_by,
        records=(ObjectType.COMPANY,),
    )
)
sight.register(
    sight.FilterObject(
        "contract",
        contracts_visible_to,
        CONTRACT_RULES,
        contracts_matching,
        lambda row: f"{row.customer.name} · {row.name}",
        ObjectType.CONTRACT,
        "contract_guid",
        contracts_with_guid,
        contracts_seen_by,
    )
)
sight.register(
    sight.FilterObject(
        "service",
        services_visible_to,
        SERVICE_RULES,
        services_matching,
        lambda row: f"{row.contract.customer.name} · {row.name}",
        ObjectType.SERVICE,
        "service_guid",
        services_with_guid,
        services_seen_by,
    )
)
sight.register(sight.Kind("contact", contacts_visible_to, CONTACT_RULES, contacts_matching, lambda row: row.full_name))
