"""The organisation of the tests: an office that orders equipment for two customers, made by commands in an empty database.

Names and numbers are the tests' own. The demo has a sample organisation too; neither knows of the other, so that either
may change alone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.access.models import Role, User, UserGroup
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.rooms.commitments import commands as commitments
from workwire.rooms.commitments.rules import Adjust, Base, DueRule, Unit
from workwire.rooms.files import commands as files
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import (
    FieldKind,
    Process,
    ProcessType,
    ProcessVersion,
    ServiceLine,
    TicketCategory,
    VersionState,
    WorkType,
)
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties.models import Company, Contract, Service
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import Queue

BUILDER_CREDENTIAL, INTEGRATOR_CREDENTIAL = "Order import", "Ticket feed"
_TYPES = (
    (ProcessType.TICKET, "Repair"),
    (ProcessType.CASE, "Order"),
    (ProcessType.ACTION, "Take Measure"),
    (ProcessType.ACTION, "Check Budget"),
    (ProcessType.ACTION, "Place Order"),
    (ProcessType.ACTION, "Ring Customer"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its password, empty where it signs in nowhere; the customers it sees by data permissions."""

    user: User
    password: str
    customers: tuple[Customer, ...] = ()

    def log_in(self) -> str:
        """A fresh token."""
        return sessions.log_in(self.user.username, self.password, address="127.0.0.1")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer with what is offered to it."""

    company: Company
    contract: Contract
    service: Service
    group: UserGroup
    queue: Queue
    ticket_version: ProcessVersion
    category: TicketCategory
    """The one that tickets may be submitted with."""
    case_version: ProcessVersion


@dataclass(frozen=True, slots=True)
class Organisation:
    """All that was made: accounts by what they may do, two customers, the builder's client ID and secret."""

    accounts: dict[str, Account]
    customers: tuple[Customer, Customer]
    client_id: str
    client_secret: str

    def who_sees(self, customer: Customer) -> set[str]:
        """The user names of those who see a customer by data permissions."""
        return {account.user.username for account in self.accounts.values() if customer in account.customers}


def build() -> Organisation:
    """Make the organisation in an empty database."""
    access.make_built_in_roles(by=SYSTEM)
    parties.make_built_in_tags(by=SYSTEM)
    held = (features.WORK_ITEMS, features.ASSIGN_WORK, features.ALL_RECORDS)
    access.create_role("Desk Manager", features.OPERATIONAL, held, by=SYSTEM)
    administrator = _account("olga", "Olga Brandt", ("Team Leader", "Administrator"), SYSTEM)
    admin = sessions.actor_for(administrator.user)
    customers = _customers(admin)
    _configure(admin)
    accounts = {"administrator": administrator} | _accounts(customers, admin)
    client_id, client_secret = _credential(BUILDER_CREDENTIAL, accounts["process builder"])
    _credential(INTEGRATOR_CREDENTIAL, accounts["integrator"])
    return Organisation(accounts, customers, client_id, client_secret)


def _configure(admin: Actor) -> None:
    """What holds for both customers: custom data fields, file tags, a schedule."""
    offering.create_data_field("Invoice", FieldKind.SHORT_TEXT, by=admin)
    offering.create_data_field("Amount", FieldKind.DECIMAL, by=admin)
    offering.create_data_field("Pay By", FieldKind.DATE, by=admin)
    offering.create_data_field("Hurry", FieldKind.LIST, options={"values": ["Little", "Some", "High"]}, by=admin)
    for name in ("Invoice", "Drawing"):
        files.create_tag(name, by=admin)
    schedule = offering.create_schedule("Quarterly stocktaking", by=admin)
    year = clock.now().year
    for period, month in (("Q1", 3), ("Q2", 6)):
        start, count = date(year, month, 1), {"Count": date(year, month, 15).isoformat()}
        offering.add_period(schedule, year=year, period=period, start_date=start, dates=count, by=admin)


def _customers(admin: Actor) -> tuple[Customer, Customer]:
    supplier = parties.create_company("Cedar Office", is_customer=False, is_supplier=True, by=admin)
    line = offering.create_service_line("Equipment", by=admin)
    types = {name: offering.create_work_type(line, kind, name, by=admin) for kind, name in _TYPES}
    return (
        _customer("Willow Clinics", "Europe/Amsterdam", "NL", supplier, line, types, admin),
        _customer("Alder Tools", "Europe/London", "GB", supplier, line, types, admin),
    )


def _customer(
    name: str,
    zone: str,
    country: str,
    supplier: Company,
    line: ServiceLine,
    types: dict[str, WorkType],
    admin: Actor,
) -> Customer:
    company = parties.create_company(name, time_zone=zone, by=admin)
    calendar = commitments.create_calendar(f"{name} week", country=country, by=admin)
    contract = parties.create_contract(
        company, supplier, "Equipment for all", time_zone=zone, calendar=calendar, by=admin
    )
    service = parties.create_service(contract, line, "Order Desk", by=admin)
    group = access.create_group(f"{name} people", by=admin)
    access.grant(group, "company", company, by=admin)
    queue = work.create_queue(f"{name} desk", by=admin)
    ticket_version, category = _ticket_version(
        offering.create_process(service, types["Repair"], by=admin), queue, admin
    )
    case_process = offering.create_process(service, types["Order"], by=admin)
    return Customer(
        company=company,
        contract=contract,
        service=service,
        group=group,
        queue=queue,
        ticket_version=ticket_version,
        category=category,
        case_version=_case_version(case_process, types, queue, admin),
    )


def _ticket_version(process: Process, queue: Queue, admin: Actor) -> tuple[ProcessVersion, TicketCategory]:
    """Two levels of categories, for tickets are submitted with one of the lowest level."""
    version = offering.create_version(
        process, due=_due(8, Unit.WORKING_HOURS), allocation=offering.Allocation(queue=queue), by=admin
    )
    money = offering.add_category(version, "Money", by=admin)
    category = offering.add_category(version, "Late payment", parent=money, by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin), category


def _case_version(process: Process, types: dict[str, WorkType], queue: Queue, admin: Actor) -> ProcessVersion:
    """Two actions side by side, one that follows both, one to launch by hand."""
    allocation = offering.Allocation(queue=queue)
    version = offering.create_version(process, due=_due(5, Unit.WORKING_DAYS), by=admin)
    before = offering.add_step(version, "Before", by=admin)
    offering.add_action(
        before,
        types["Take Measure"],
        branch=1,
        instructions="Ask for the size of the room.",
        due=_due(1, Unit.WORKING_DAYS),
        allocation=allocation,
        launchable=True,
        by=admin,
    )
    offering.add_action(
        before, types["Check Budget"], branch=2, due=_due(4, Unit.WORKING_HOURS), allocation=allocation, by=admin
    )
    offering.add_action(
        offering.add_step(version, "After", by=admin),
        types["Place Order"],
        due=DueRule(1, Unit.WORKING_DAYS, base=Base.PREVIOUS_END, adjust=Adjust.END_OF_DAY),
        allocation=allocation,
        by=admin,
    )
    offering.add_ad_hoc_action(
        version, types["Ring Customer"], due=_due(1, Unit.WORKING_DAYS), allocation=allocation, by=admin
    )
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def _due(amount: int, unit: Unit) -> DueRule:
    return DueRule(amount, unit, add_wait_time=True)


def _accounts(customers: tuple[Customer, Customer], admin: Actor) -> dict[str, Account]:
    _, second = customers
    leads = ("Team Leader", "Process Builder")
    accounts = {
        "process builder": _account("paul", "Paul Ekdahl", ("Desk Manager", "Process Builder"), admin),
        "process builder of one company": _account("bea", "Bea Moreau", leads, admin, (second,)),
        "team member": _account("tomas", "Tomas Sato", ("Team Member",), admin, customers),
        "robot": _account("pixel", "Pixel", ("Robot",), admin, customers, UserType.ROBOT),
    }
    for customer in customers:
        members = [account.user for account in accounts.values() if customer in account.customers]
        access.change_members(customer.group, add=members, by=admin)
        work.update_queue(customer.queue, members=members, by=admin)
    accounts["integrator"] = _account(
        "ines", "Ines Duarte", leads, admin, customers, signs_in=False
    )  # waits at no queue
    for customer in customers:
        access.change_members(customer.group, add=[accounts["integrator"].user], by=admin)
    return accounts


def _account(
    username: str,
    full_name: str,
    roles: tuple[str, ...],
    by: Actor,
    customers: tuple[Customer, ...] = (),
    user_type: UserType = UserType.OPERATIONAL,
    *,
    signs_in: bool = True,
) -> Account:
    held, email = list(Role.objects.filter(name__in=roles)), f"{username}@cedar.example"
    password = secrets.token_urlsafe(12) if signs_in else ""
    user = access.create_user(
        username, full_name, held, password=password or None, email=email, user_type=user_type, by=by
    )
    return Account(user, password, customers)


def _credential(name: str, account: Account) -> tuple[str, str]:
    roles = [assignment.role for assignment in account.user.role_assignments.all()]
    until, by = clock.now() + timedelta(days=365), sessions.actor_for(account.user)
    credential, secret = access.create_credential(account.user, name, roles, expires_at=until, by=by)
    return credential.client_id, secret
