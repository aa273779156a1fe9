"""A believable sample organisation: a shared service centre that works for two customers.

Everything is made by the ordinary commands, as the administrator; the passwords are fresh in every installation.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

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
    VersionState,
    WorkType,
)
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties.models import Company, Contract, Service
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import Queue


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the sample organisation with the password that was made for it."""

    user: User
    password: str
    roles: tuple[str, ...]
    may_see: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As `demo.json` lists it."""
        return {
            "username": self.user.username,
            "password": self.password,
            "roles": list(self.roles),
            "may_see": list(self.may_see),
        }


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer with what is offered to it."""

    company: Company
    contract: Contract
    service: Service
    group: UserGroup
    queue: Queue
    ticket_version: ProcessVersion
    case_version: ProcessVersion

    def as_json(self) -> dict[str, Any]:
        """As `demo.json` lists it."""
        return {
            "GUID": str(self.company.guid),
            "Name": self.company.name,
            "contract": {"GUID": str(self.contract.guid), "Name": self.contract.name},
            "service": {"GUID": str(self.service.guid), "Name": self.service.name},
            "TicketAttributeVersionGUID": str(self.ticket_version.guid),
            "CaseAttributeVersionGUID": str(self.case_version.guid),
        }


@dataclass(frozen=True, slots=True)
class Organisation:
    """All that was made, as others script against it."""

    accounts: dict[str, Account]
    customers: tuple[Customer, Customer]
    credential: dict[str, str]
    objects: dict[str, Any]

    def as_json(self, base_url: str) -> dict[str, Any]:
        """The content of `demo.json`."""
        return {
            "base_url": base_url,
            "accounts": [account.as_json() for account in self.accounts.values()],
            "credential": self.credential,
            "objects": self.objects,
        }


def seed() -> Organisation:
    """Make the sample organisation in an empty database."""
    access.make_built_in_roles(by=SYSTEM)
    parties.make_built_in_tags(by=SYSTEM)
    held = (features.WORK_ITEMS, features.ASSIGN_WORK, features.ALL_RECORDS)
    access.create_role("Service Manager", features.OPERATIONAL, held, by=SYSTEM)
    administrator = _account("ada", "Ada Okafor", ("Team Leader", "Administrator"), ("everything",), SYSTEM)
    admin = sessions.actor_for(administrator.user)
    customers = _customers(admin)
    _configure(admin)
    accounts = {"administrator": administrator} | _accounts(admin, customers)
    schedule = offering.create_schedule(
        "Monthly payroll", description="Cut-off, run and payment of each month.", by=admin
    )
    year = clock.now().year
    for month in range(1, 13):
        dates = {"Cut-off": date(year, month, 15).isoformat(), "Payment": date(year, month, 25).isoformat()}
        offering.add_period(
            schedule, year=year, period=f"{month:02}", start_date=date(year, month, 1), dates=dates, by=admin
        )
    return Organisation(
        accounts=accounts,
        customers=customers,
        credential=_credential(accounts["process builder"]),
        objects=_objects(customers, schedule),
    )


def _configure(admin: Actor) -> None:
    """What holds for all customers: custom data fields, file tags, what is checked before a sanctions check is done."""
    offering.create_data_field("Invoice", FieldKind.SHORT_TEXT, by=admin)
    offering.create_data_field("Amount", FieldKind.DECIMAL, by=admin)
    offering.create_data_field("Payment Due", FieldKind.DATE, by=admin)
    offering.create_data_field("Urgency", FieldKind.LIST, options={"values": ["Low", "Normal", "High"]}, by=admin)
    for name in ("Invoice", "Proof of payment"):
        files.create_tag(name, by=admin)


def _customers(admin: Actor) -> tuple[Customer, Customer]:
    supplier = parties.create_company("Meridian Shared Services", is_customer=False, is_supplier=True, by=admin)
    finance = offering.create_service_line("Finance Operations", by=admin)
    types = {
        name: offering.create_work_type(finance, kind, name, by=admin)
        for name, kind in (
            ("Invoice Query", ProcessType.TICKET),
            ("Supplier Onboarding", ProcessType.CASE),
            ("Collect Documents", ProcessType.ACTION),
            ("Check Sanctions", ProcessType.ACTION),
            ("Set Up Supplier", ProcessType.ACTION),
            ("Call the Supplier", ProcessType.ACTION),
        )
    }
    names = (("Northwind Foods", "Europe/Amsterdam", "NL"), ("Aurora Health", "Europe/London", "GB"))
    first, second = (_customer(name, zone, land, supplier, finance, types, admin) for name, zone, land in names)
    return first, second


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
    calendar = commitments.create_calendar(f"{name} working days", country=country, by=admin)
    contract = parties.create_contract(
        company, supplier, "Finance Services 2026", time_zone=zone, calendar=calendar, by=admin
    )
    service = parties.create_service(contract, line, "Accounts Payable", by=admin)
    group = access.create_group(f"{name} team", by=admin)
    access.grant(group, "company", company, by=admin)
    queue = work.create_queue(f"{name} payables", by=admin)
    ticket_process = offering.create_process(service, types["Invoice Query"], by=admin)
    case_process = offering.create_process(service, types["Supplier Onboarding"], by=admin)
    return Customer(
        company=company,
        contract=contract,
        service=service,
        group=group,
        queue=queue,
        ticket_version=_ticket_version(ticket_process, queue, admin),
        case_version=_case_version(case_process, types, queue, admin),
    )


def _ticket_version(process: Process, queue: Queue, admin: Actor) -> ProcessVersion:
    version = offering.create_version(
        process,
        due=_due(8, Unit.WORKING_HOURS),
        allocation=offering.Allocation(queue=queue),
        effort_per_record=20,
        by=admin,
    )
    payment = offering.add_category(version, "Payment", by=admin)
    offering.add_category(version, "Overdue invoice", parent=payment, by=admin)
    offering.add_category(version, "Wrong amount", parent=payment, by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def _case_version(process: Process, types: dict[str, WorkType], queue: Queue, admin: Actor) -> ProcessVersion:
    version = offering.create_version(process, due=_due(5, Unit.WORKING_DAYS), effort_per_record=240, by=admin)
    checks = offering.add_step(version, "Checks", by=admin)
    allocation = offering.Allocation(queue=queue)
    offering.add_action(
        checks,
        types["Collect Documents"],
        branch=1,
        instructions="Ask the supplier for its registration and its bank details.",
        due=_due(1, Unit.WORKING_DAYS),
        allocation=allocation,
        launchable=True,
        effort_per_record=90,
        by=admin,
    )
    offering.add_action(
        checks,
        types["Check Sanctions"],
        branch=2,
        due=_due(4, Unit.WORKING_HOURS),
        allocation=allocation,
        effort_per_record=15,
        by=admin,
    )
    set_up = offering.add_step(version, "Set-up", by=admin)
    offering.add_action(
        set_up,
        types["Set Up Supplier"],
        due=DueRule(1, Unit.WORKING_DAYS, base=Base.PREVIOUS_END, adjust=Adjust.END_OF_DAY),
        allocation=allocation,
        effort_per_record=60,
        by=admin,
    )
    offering.add_ad_hoc_action(
        version,
        types["Call the Supplier"],
        due=_due(1, Unit.WORKING_DAYS),
        allocation=allocation,
        effort_per_record=10,
        by=admin,
    )
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def _due(amount: int, unit: Unit) -> DueRule:
    return DueRule(amount, unit, add_wait_time=True)


def _accounts(admin: Actor, customers: tuple[Customer, Customer]) -> dict[str, Account]:
    first, second = customers
    both = (first.company.name, second.company.name)
    made = {
        "process builder": _account(
            "petra", "Petra Lindqvist", ("Service Manager", "Process Builder"), ("everything",), admin
        ),
        "process builder of one company": _account(
            "bruno", "Bruno Carvalho", ("Team Leader", "Process Builder"), (second.company.name,), admin
        ),
        "team member": _account("mei", "Mei Tanaka", ("Team Member",), both, admin),
        "robot": _account("robot-1", "Invoice Robot", ("Robot",), both, admin, UserType.ROBOT),
    }
    for customer in customers:
        members = [account.user for account in made.values() if customer.company.name in account.may_see]
        access.change_members(customer.group, add=members, by=admin)
        work.update_queue(customer.queue, members=members, by=admin)
    return made


def _account(
    username: str,
    full_name: str,
    roles: tuple[str, ...],
    may_see: tuple[str, ...],
    by: Actor,
    user_type: UserType = UserType.OPERATIONAL,
) -> Account:
    password = secrets.token_urlsafe(12)
    user = access.create_user(
        username,
        full_name,
        list(Role.objects.filter(name__in=roles)),
        password=password,
        email=f"{username}@meridian.example",
        user_type=user_type,
        by=by,
    )
    return Account(user, password, roles, may_see)


def _credential(builder: Account) -> dict[str, str]:
    credential, secret = access.create_credential(
        builder.user,
        "Integration platform",
        list(Role.objects.filter(name__in=builder.roles)),
        expires_at=clock.now() + timedelta(days=365),
        by=sessions.actor_for(builder.user),
    )
    return {"client_id": credential.client_id, "client_secret": secret}


def _objects(customers: tuple[Customer, Customer], schedule: Any) -> dict[str, Any]:
    first = customers[0]
    leaf = first.ticket_version.categories.get(name="Overdue invoice")
    return {
        "companies": [customer.as_json() for customer in customers],
        "TicketAttributeVersionGUID": str(first.ticket_version.guid),
        "TicketCategoryGUID": str(leaf.guid),
        "CaseAttributeVersionGUID": str(first.case_version.guid),
        "schedule": {"GUID": str(schedule.guid), "Name": schedule.name},
    }
