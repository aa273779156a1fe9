"""Parties: what the commands make and record, whom they refuse, and who sees what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access.models import User
from workwire.kernel import folding
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from workwire.outbox.objects import ObjectType
from workwire.rooms.parties import commands, queries
from workwire.rooms.parties.models import Company, Contract, Service

BEA = "process builder of one company"  # sees the second customer only


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.mark.django_db
def test_a_company_is_made_as_asked_and_announced() -> None:
    with recorded() as found:
        company = commands.create_company(
            "  Borealis Energy ",
            description="Wind\nand water",
            external_reference="C-17",
            language="pt-BR",
            time_zone="America/Sao_Paulo",
            by=SYSTEM,
        )
    company.refresh_from_db()
    assert (company.name, company.language, company.time_zone) == ("Borealis Energy", "pt-BR", "America/Sao_Paulo")
    assert (company.is_customer, company.is_supplier, company.version) == (True, False, 1)
    assert (company.description, company.external_reference) == ("Wind\nand water", "C-17")
    event = found.only
    assert (event.name, event.record_type, event.sequence) == ("BusinessObjectCreated", ObjectType.COMPANY, 1)
    assert event.record_guid == event.company_guid == company.guid
    assert found.body == {"GUID": str(company.guid), "Name": "Borealis Energy", "ObjectType": "Company"}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": " \t "}, "name_missing", "name"),
        ({"name": "x" * 201}, "text_too_long", "name"),
        ({"name": "two\nlines"}, "text_has_control_characters", "name"),
        ({"name": "nul\x00here"}, "text_has_control_characters", "name"),
        ({"name": "half \ud800"}, "text_not_unicode", "name"),
        ({"description": "nul\x00"}, "text_has_control_characters", "description"),
        ({"external_reference": "x" * 101}, "text_too_long", "external_reference"),
        ({"is_customer": False}, "company_kind_missing", "is_customer"),
        ({"language": "english language"}, "language_invalid", "language"),
        ({"language": ""}, "language_invalid", "language"),
        ({"language": "en\n"}, "language_invalid", "language"),
        ({"time_zone": "Mars/Base"}, "time_zone_invalid", "time_zone"),
        ({"time_zone": "Europe"}, "time_zone_invalid", "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone_invalid", "time_zone"),
        ({"time_zone": "x" * 5000}, "time_zone_invalid", "time_zone"),
        ({"time_zone": ""}, "time_zone_invalid", "time_zone"),
    ],
)
@pytest.mark.django_db
def test_what_breaks_a_rule_is_refused_and_changes_nothing(fields: dict[str, Any], code: str, field: str) -> None:
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.create_company(**({"name": "Borealis"} | fields), by=SYSTEM)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert not found.events
    assert not Company.objects.exists()


@given(name=st.text(max_size=220), zone=st.text(max_size=40), language=st.text(max_size=12))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.django_db
def test_any_text_is_accepted_in_full_or_refused(name: str, zone: str, language: str) -> None:
    for fields in ({"name": name}, {"time_zone": zone}, {"language": language}):
        before = Company.objects.count()
        outcome = _outcome(lambda fields=fields: commands.create_company(**({"name": "Borealis"} | fields), by=SYSTEM))
        (field, value), *_ = fields.items()
        if isinstance(outcome, DomainError):
            assert outcome.field == field
            assert Company.objects.count() == before
        else:
            outcome.refresh_from_db()
            kept = folding.shown(folding.single_blanks(value).strip()).strip() if field == "name" else value
            assert getattr(outcome, field) == kept
            outcome.delete()


def _outcome(call: Callable[[], Company]) -> Company | DomainError:
    try:
        return call()
    except DomainError as refusal:
        return refusal


@pytest.mark.django_db
def test_a_name_is_taken_whatever_its_case() -> None:
    commands.create_company("Borealis", by=SYSTEM)
    other = commands.create_company("Austral", by=SYSTEM)
    with pytest.raises(Conflict) as refusal:
        commands.create_company("BOREALIS", by=SYSTEM)
    assert (refusal.value.code, refusal.value.field) == ("company_name_taken", "name")
    with recorded() as found, pytest.raises(Conflict):
        commands.update_company(other, name="borealis", by=SYSTEM)
    assert not found.events
    other.refresh_from_db()
    assert (other.name, other.version) == ("Austral", 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_name_at_once_one_has_it() -> None:
    with recorded() as found:
        made, refused = overlap(*[lambda: commands.create_company("Borealis", by=SYSTEM)] * 2)
    assert isinstance(made, Company)
    assert isinstance(refused, Conflict)
    assert refused.code == "company_name_taken"
    assert found.names == ["BusinessObjectCreated"]
    assert Company.objects.get() == made


@pytest.mark.django_db
def test_an_update_says_what_the_documented_keys_were_before() -> None:
    company = commands.create_company("Borealis", by=SYSTEM)
    with recorded() as found:
        changed = commands.update_company(company, name="Borealis Group", description="Bigger", version=1, by=SYSTEM)
    assert (changed.name, changed.description, changed.version) == ("Borealis Group", "Bigger", 2)
    assert (found.only.name, found.only.sequence) == ("BusinessObjectUpdated", 2)
    assert found.body == {
        "GUID": str(company.guid),
        "Name": "Borealis Group",
        "ObjectType": "Company",
        "Previous": {"Name": "Borealis"},
    }
    with recorded() as found:
        commands.update_company(company, description="Bigger still", by=SYSTEM)
    assert found.body["Previous"] == {}
    assert found.only.sequence == 3


@pytest.mark.django_db
def test_an_update_that_changes_nothing_records_nothing() -> None:
    company = commands.create_company("Borealis", by=SYSTEM)
    with recorded() as found:
        commands.update_company(company, by=SYSTEM)
        same = commands.update_company(company, name=" Borealis ", language="en", parent=None, by=SYSTEM)
    assert not found.events
    assert same.version == 1


@pytest.mark.django_db
def test_an_update_of_a_version_that_has_passed_is_refused() -> None:
    company = commands.create_company("Borealis", by=SYSTEM)
    commands.update_company(company, name="Borealis Group", version=1, by=SYSTEM)
    with recorded() as found, pytest.raises(Conflict) as refusal:
        commands.update_company(company, name="Borealis Holding", version=1, by=SYSTEM)
    assert (refusal.value.code, refusal.value.field) == ("version_conflict", None)
    assert not found.events
    company.refresh_from_db()
    assert (company.name, company.version) == ("Borealis Group", 2)


@pytest.mark.django_db(transaction=True)
def test_of_two_updates_of_one_version_one_counts() -> None:
    company = commands.create_company("Borealis", by=SYSTEM)
    with recorded() as found:
        changed, refused = overlap(
            lambda: commands.update_company(company, description="one", version=1, by=SYSTEM),
            lambda: commands.update_company(company, description="other", version=1, by=SYSTEM),
        )
    assert isinstance(changed, Company)
    assert isinstance(refused, Conflict)
    assert refused.code == "version_conflict"
    assert [event.sequence for event in found.events] == [2]
    company.refresh_from_db()
    assert (company.description, company.version) == ("one", 2)


@pytest.mark.django_db
def test_a_parent_is_another_customer_at_the_top() -> None:
    parent = commands.create_company("Group", by=SYSTEM)
    child = commands.create_company("Daughter", parent=parent, by=SYSTEM)
    supplier = commands.create_company("Supplier", is_customer=False, is_supplier=True, by=SYSTEM)
    other = commands.create_company("Other", by=SYSTEM)
    assert child.parent == parent
    for company, wish in ((other, child), (other, supplier), (other, other), (parent, other)):
        with recorded() as found, pytest.raises(Invalid) as refusal:
            commands.update_company(company, parent=wish, by=SYSTEM)
        assert (refusal.value.code, refusal.value.field) == ("parent_invalid", "parent")
        assert not found.events
    with recorded() as found:
        freed = commands.update_company(child, parent=None, by=SYSTEM)
    assert freed.parent is None
    assert found.body["Previous"] == {}


@pytest.mark.parametrize("low_first", [True, False])
@pytest.mark.django_db(transaction=True)
def test_two_updates_at_once_never_build_a_second_level(low_first: bool) -> None:
    low, middle, high = (commands.create_company(name, by=SYSTEM) for name in ("Low", "Middle", "High"))
    calls = [
        lambda: commands.update_company(low, parent=middle, by=SYSTEM),
        lambda: commands.update_company(middle, parent=high, by=SYSTEM),
    ]
    changed, refused = overlap(*(calls if low_first else reversed(calls)))
    assert isinstance(changed, Company)
    assert isinstance(refused, Invalid)
    assert refused.code == "parent_invalid"
    assert Company.objects.filter(parent__isnull=False).get() == changed


def test_a_company_stays_what_others_rely_on(first: Customer, admin: Actor) -> None:
    supplier = first.contract.supplier
    with pytest.raises(Conflict) as refusal:
        commands.update_company(first.company, is_customer=False, is_supplier=True, by=admin)
    assert (refusal.value.code, refusal.value.field) == ("company_kind_in_use", "is_customer")
    with pytest.raises(Conflict) as refusal:
        commands.update_company(supplier, is_customer=True, is_supplier=False, by=admin)
    assert (refusal.value.code, refusal.value.field) == ("company_kind_in_use", "is_supplier")
    parent = commands.create_company("Group", by=admin)
    commands.update_company(supplier, is_customer=True, parent=parent, by=admin)
    with pytest.raises(Conflict):
        commands.update_company(parent, is_customer=False, is_supplier=True, by=admin)


def test_a_contract_is_made_and_recorded(first: Customer, admin: Actor) -> None:
    with recorded() as found:
        contract = commands.create_contract(
            first.company, first.contract.supplier, " Payroll 2027 ", description="All of it", by=admin
        )
    contract.refresh_from_db()
    assert (contract.name, contract.description) == ("Payroll 2027", "All of it")
    assert contract.time_zone == first.company.time_zone == "Europe/Amsterdam"
    assert (found.only.name, found.only.record_type, found.only.actor_id) == (
        "ContractCreated",
        ObjectType.CONTRACT,
        admin.user_id,
    )
    assert (found.only.record_guid, found.only.company_guid) == (contract.guid, first.company.guid)
    assert found.body == {
        "GUID": str(contract.guid),
        "Name": "Payroll 2027",
        "CustomerGUID": str(first.company.guid),
        "SupplierGUID": str(first.contract.supplier.guid),
    }


def test_a_contract_needs_a_customer_a_supplier_and_a_free_name(
    first: Customer, second: Customer, admin: Actor
) -> None:
    supplier = first.contract.supplier
    refusals = {}
    for name, call in {
        "customer": lambda: commands.create_contract(supplier, supplier, "x", by=admin),
        "supplier": lambda: commands.create_contract(first.company, second.company, "x", by=admin),
        "time_zone": lambda: commands.create_contract(first.company, supplier, "x", time_zone="Nowhere", by=admin),
        "name": lambda: commands.create_contract(first.company, supplier, first.contract.name.upper(), by=admin),
    }.items():
        with recorded() as found, pytest.raises((Invalid, Conflict)) as refusal:
            call()
        assert not found.events
        refusals[name] = (refusal.value.code, refusal.value.field)
    assert refusals == {
        "customer": ("customer_invalid", "customer"),
        "supplier": ("supplier_invalid", "supplier"),
        "time_zone": ("time_zone_invalid", "time_zone"),
        "name": ("contract_name_taken", "name"),
    }


def test_a_service_is_made_and_recorded(first: Customer, admin: Actor) -> None:
    line = first.service.service_line
    with recorded() as found:
        service = commands.create_service(first.contract, line, "Travel", by=admin)
    assert Service.objects.get(guid=service.guid).contract == first.contract
    event = found.only
    assert (event.name, event.record_type) == ("ServiceCreated", ObjectType.SERVICE)
    assert (event.company_guid, event.contract_guid) == (first.company.guid, first.contract.guid)
    assert found.body == {
        "GUID": str(service.guid),
        "Name": "Travel",
        "ContractGUID": str(first.contract.guid),
        "ServiceLineGUID": str(line.guid),
    }
    with recorded() as found, pytest.raises(Conflict) as refusal:
        commands.create_service(first.contract, line, "travel", by=admin)
    assert refusal.value.code == "service_name_taken"
    assert not found.events


def test_commands_need_the_feature(first: Customer, actors: dict[str, Actor]) -> None:
    company, contract, by = first.company, first.contract, actors["team member"]
    with recorded() as found:
        for refused in (
            lambda: commands.create_company("Borealis", by=by),
            lambda: commands.update_company(company, name="Borealis", by=by),
            lambda: commands.create_contract(company, contract.supplier, "x", by=by),
            lambda: commands.create_service(contract, first.service.service_line, "x", by=by),
        ):
            with pytest.raises(Forbidden) as refusal:
                refused()
            assert refusal.value.code == "feature_missing"
    assert not found.events


def test_what_the_actor_does_not_see_is_not_found(first: Customer, second: Customer, actors: dict[str, Actor]) -> None:
    by, supplier, line = actors[BEA], first.contract.supplier, first.service.service_line
    with recorded() as found:
        for refused in (
            lambda: commands.update_company(first.company, name="Mine", by=by),
            lambda: commands.update_company(second.company, parent=first.company, by=by),
            lambda: commands.create_company("Mine", parent=first.company, by=by),
            lambda: commands.create_contract(first.company, supplier, "Mine", by=by),
            lambda: commands.create_service(first.contract, line, "Mine", by=by),
        ):
            with pytest.raises(NotFound):
                refused()
    assert not found.events
    with recorded() as found:
        commands.update_company(second.company, description="Ours", by=by)
        commands.create_contract(second.company, supplier, "Ours", by=by)
        commands.create_service(second.contract, line, "Ours", by=by)
    assert found.names == ["BusinessObjectUpdated", "ContractCreated", "ServiceCreated"]


def test_who_makes_a_company_does_not_see_it_before_a_permission_says_so(actors: dict[str, Actor]) -> None:
    company = commands.create_company("Borealis", by=actors[BEA])
    with pytest.raises(NotFound):
        queries.company(company.guid, by=actors[BEA])
    assert queries.company(company.guid, by=actors["process builder"]) == company


def _seen(actor: Actor) -> tuple[set[str], set[str], set[str]]:
    return (
        {company.name for company in queries.companies_visible_to(actor)},
        {f"{contract.customer.name}: {contract.name}" for contract in queries.contracts_visible_to(actor)},
        {f"{service.contract.customer.name}: {service.name}" for service in queries.services_visible_to(actor)},
    )


@pytest.mark.parametrize(
    ("level", "companies", "contracts", "services"),
    [
        ("parent", {"Group", "Willow Clinics"}, {"Equipment for all"}, {"Order Desk"}),
        ("company", {"Willow Clinics"}, {"Equipment for all"}, {"Order Desk"}),
        ("contract", set(), {"Equipment for all"}, {"Order Desk"}),
        ("service", set(), set(), {"Order Desk"}),
        ("process", set(), set(), set()),
        (None, set(), set(), set()),
    ],
)
def test_linked_high_means_seen_below_and_never_above(
    organisation: Organisation,
    admin: Actor,
    first: Customer,
    level: str | None,
    companies: set[str],
    contracts: set[str],
    services: set[str],
) -> None:
    parent = commands.create_company("Group", by=admin)
    commands.update_company(first.company, parent=parent, by=admin)
    user = access.create_user("nia", "Nia", _team_member(organisation), by=admin)
    actor = Actor(user_id=user.pk)
    group = access.create_group("Fresh", [user], by=admin)
    target = {
        "parent": parent,
        "company": first.company,
        "contract": first.contract,
        "service": first.service,
        "process": first.ticket_version.process,
    }
    if level:
        access.grant(group, "company" if level == "parent" else level, target[level], by=admin)
    below = f"{first.company.name}: "
    assert _seen(actor) == (companies, {below + name for name in contracts}, {below + name for name in services})
    for found, guid, seen in (
        (queries.company, first.company.guid, first.company.name in companies),
        (queries.contract, first.contract.guid, bool(contracts)),
        (queries.service, first.service.guid, bool(services)),
    ):
        if seen:
            assert found(guid, by=actor).guid == guid
        else:
            with pytest.raises(NotFound):
                found(guid, by=actor)


def test_the_conditions_answer_for_many_accounts_in_one_query(organisation: Organisation, first: Customer) -> None:
    account = OuterRef(OuterRef("pk"))
    conditions = (
        Exists(queries.companies_with_guid(first.company.guid).filter(queries.companies_seen_by(account))),
        Exists(queries.contracts_with_guid(first.contract.guid).filter(queries.contracts_seen_by(account))),
        Exists(queries.services_with_guid(first.service.guid).filter(queries.services_seen_by(account))),
    )
    may_see = organisation.who_sees(first)
    assert may_see
    for condition in conditions:
        with CaptureQueriesContext(connection) as asked:
            assert {user.username for user in User.objects.filter(condition)} == may_see
        assert len(asked) == 1


def _team_member(organisation: Organisation) -> list[Any]:
    return [row.role for row in organisation.accounts["team member"].user.role_assignments.select_related("role")]


def test_lists_cost_one_query_with_what_is_shown(actors: dict[str, Actor]) -> None:
    for by in (actors["administrator"], actors["team member"]):
        with CaptureQueriesContext(connection) as asked:
            assert [company.parent for company in queries.companies_visible_to(by)]
            assert [(row.customer.name, row.supplier.name) for row in queries.contracts_visible_to(by)]
            assert [(row.contract.customer.name, row.service_line.name) for row in queries.services_visible_to(by)]
        assert len(asked) == 3
    assert Contract.objects.count() == 2
