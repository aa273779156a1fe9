"""Every public command of access, parties and catalogue records an event when it changes something."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from types import ModuleType

import pytest

from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import features
from workwire.access.models import Credential, Role, UserGroup
from workwire.cli.seed import Customer, Organisation
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.catalogue import commands as catalogue
from workwire.rooms.catalogue.models import ProcessType, ProcessVersion, Schedule, VersionState, WorkType
from workwire.rooms.parties import commands as parties


@dataclass
class World:
    """What the commands below hang on."""

    organisation: Organisation
    by: Actor

    def __post_init__(self) -> None:
        """Begin drafts, so that content can be added."""
        self.customer: Customer = self.organisation.customers[0]
        self.user = self.organisation.accounts["team member"].user
        self.line = self.customer.service.service_line
        self.schedule = Schedule.objects.get()
        self.action_type = WorkType.objects.get(name="Check Sanctions")
        self.ticket_draft = self._draft(self.customer.ticket_version)
        self.case_draft = self._draft(self.customer.case_version)
        self.step = catalogue.add_step(self.case_draft, "First", by=self.by)
        self.ticket_type = catalogue.create_work_type(self.line, ProcessType.TICKET, "Dispute", by=self.by)

    def _draft(self, version: ProcessVersion) -> ProcessVersion:
        return catalogue.create_version(version.process, by=self.by)


def _remove_role(_world: World) -> None:
    Role.objects.filter(name="Self Service").delete()


CHANGES: dict[Callable[..., object], Callable[[World], object]] = {
    access.make_built_in_roles: lambda w: (_remove_role(w), access.make_built_in_roles(by=w.by)),
    access.create_role: lambda w: access.create_role("Clerk", features.OPERATIONAL, [], by=w.by),
    access.set_role_features: lambda w: access.set_role_features(Role.objects.all()[0], [], by=w.by),
    access.create_user: lambda w: access.create_user("kofi", "", [Role.objects.get(name="Robot")], by=w.by),
    access.change_user: lambda w: access.change_user(w.user, active=False, by=w.by),
    access.set_roles: lambda w: access.set_roles(w.user, [Role.objects.get(name="Robot")], by=w.by),
    access.set_active: lambda w: access.set_active(w.user, False, by=w.by),
    access.set_password: lambda w: access.set_password(w.user, "correct horse battery", by=w.by),
    access.create_group: lambda w: access.create_group("Fresh", by=w.by),
    access.change_members: lambda w: access.change_members(w.customer.group, remove=[w.user], by=w.by),
    access.grant: lambda w: access.grant(UserGroup.objects.all()[0], "contract", w.customer.contract, by=w.by),
    access.revoke: lambda w: access.revoke(w.customer.group, "company", w.customer.company, by=w.by),
    access.create_credential: lambda w: access.create_credential(
        w.user, "x", [Role.objects.get(name="Team Member")], expires_at=clock.now() + timedelta(days=1), by=w.by
    ),
    access.revoke_credential: lambda w: access.revoke_credential(Credential.objects.all()[0], by=w.by),
    parties.create_company: lambda w: parties.create_company("Borealis", by=w.by),
    parties.update_company: lambda w: parties.update_company(w.customer.company, description="x", by=w.by),
    parties.create_contract: lambda w: parties.create_contract(
        w.customer.company, w.customer.contract.supplier, "x", by=w.by
    ),
    parties.create_service: lambda w: parties.create_service(w.customer.contract, w.line, "x", by=w.by),
    catalogue.create_service_line: lambda w: catalogue.create_service_line("x", by=w.by),
    catalogue.create_work_type: lambda w: catalogue.create_work_type(w.line, ProcessType.CASE, "x", by=w.by),
    catalogue.create_process: lambda w: catalogue.create_process(w.customer.service, w.ticket_type, by=w.by),
    catalogue.create_version: lambda w: catalogue.create_version(w.customer.case_version.process, by=w.by),
    catalogue.add_category: lambda w: catalogue.add_category(w.ticket_draft, "x", by=w.by),
    catalogue.add_step: lambda w: catalogue.add_step(w.case_draft, "x", by=w.by),
    catalogue.add_action: lambda w: catalogue.add_action(w.step, w.action_type, by=w.by),
    catalogue.set_version_state: lambda w: catalogue.set_version_state(w.case_draft, VersionState.ARCHIVE, by=w.by),
    catalogue.create_schedule: lambda w: catalogue.create_schedule("x", by=w.by),
    catalogue.update_schedule: lambda w: catalogue.update_schedule(w.schedule, description="x", by=w.by),
    catalogue.add_period: lambda w: catalogue.add_period(
        w.schedule, year=2027, period="x", start_date=date(2027, 1, 1), by=w.by
    ),
}


def _commands(module: ModuleType) -> Iterator[Callable[..., object]]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and function.__module__ == module.__name__:
            yield function


def _name(command: Callable[..., object]) -> str:
    return f"{command.__module__.split('.')[-2]}.{command.__name__}"


def test_no_command_is_missing_here() -> None:
    every = {command for module in (access, parties, catalogue) for command in _commands(module)}
    assert {_name(command) for command in every} == {_name(command) for command in CHANGES}


@pytest.mark.parametrize("command", CHANGES, ids=_name)
def test_a_command_names_its_actor_and_records_what_it_changed(
    organisation: Organisation, actors: dict[str, Actor], command: Callable[..., object]
) -> None:
    assert inspect.signature(command).parameters["by"].kind is inspect.Parameter.KEYWORD_ONLY
    world = World(organisation, actors["administrator"])
    with recorded() as found:
        CHANGES[command](world)
    assert found.events
    assert {event.actor_id for event in found.events} == {world.by.user_id}
