"""Every public command of every room records an event when it changes something, and in it who did it and what changed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pyotp
import pytest
from django.apps import apps
from django.db import transaction

from tests.support import pictures, sheets
from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from tests.support.rows import Rows, differences, replayed, rows
from workwire.access import commands as access
from workwire.access import features
from workwire.access.models import Credential, RecoveryCode, Role, SecondFactor, Token, User, UserGroup
from workwire.jobs import commands as jobs
from workwire.jobs.models import Job
from workwire.jobs.running import FORGET
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.ids import new_guid
from workwire.outbox import changes
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands as subscriptions
from workwire.reactions.webhooks import rotation
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.batches import commands as batches
from workwire.rooms.commitments import commands as commitments
from workwire.rooms.commitments.models import Calendar
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import Communication, CommunicationType
from workwire.rooms.defects import commands as defects
from workwire.rooms.defects.models import Defect, DefectCategory, DefectParty
from workwire.rooms.effort import commands as effort
from workwire.rooms.effort.models import TimeSession
from workwire.rooms.files import commands as files
from workwire.rooms.files.models import FileTag, ItemFile
from workwire.rooms.following import commands as following
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import queries as offering_queries
from workwire.rooms.offering.flow_graphs import Node, NodeKind
from workwire.rooms.offering.models import (
    ActionDefinition,
    DataField,
    FieldKind,
    Process,
    ProcessType,
    ProcessVersion,
    Schedule,
    VersionState,
    WorkType,
)
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties.models import Contact, ContactTag
from workwire.rooms.work import commands as work
from workwire.rooms.work import events as work_events
from workwire.rooms.work import item_timers
from workwire.rooms.work import queries as items
from workwire.rooms.work.models import ChecklistItem, ChecklistResult, Queue, Status, WorkItem


@dataclass
class World:
    """What the commands below hang on."""

    organisation: Organisation
    by: Actor

    def __post_init__(self) -> None:
        """Begin drafts, so that content can be added."""
        self.before: Rows = rows()
        self.customer: Customer = self.organisation.customers[0]
        self.user = self.organisation.accounts["team member"].user
        self.line = self.customer.service.service_line
        self.schedule = Schedule.objects.get()
        self.action_type = WorkType.objects.get(name="Check Budget")
        self.ticket_draft = self._draft(self.customer.ticket_version)
        self.case_draft = self._draft(self.customer.case_version)
        self.step = offering.add_step(self.case_draft, "First", by=self.by)
        self.ticket_type = offering.create_work_type(self.line, ProcessType.TICKET, "Dispute", by=self.by)

    @contextmanager
    def past_commands(self) -> Iterator[None]:
        """What the block writes past all commands, to prepare something, counts as having been there before."""
        before = rows()
        yield
        after = rows()
        for key in set(before) | set(after):
            if key not in after:
                self.before.pop(key, None)
            elif before.get(key) != after[key]:
                differing = {
                    name: value for name, value in after[key].items() if before.get(key, {}).get(name) != value
                }
                self.before[key] = self.before.get(key, {}) | differing

    @property
    def own_account(self) -> User:
        """The account of who acts."""
        return self.organisation.accounts["administrator"].user

    @property
    def password(self) -> str:
        """Its password."""
        return self.organisation.accounts["administrator"].password

    def begin(self) -> pyotp.TOTP:
        """Begin a second factor."""
        return pyotp.TOTP(access.begin_second_factor(self.password, by=self.by).key)

    def own_credential(self) -> Credential:
        """A credential of the actor."""
        roles, until = [Role.objects.get(name="Administrator")], clock.now() + timedelta(days=1)
        return access.create_own_credential(self.password, "x", roles, expires_at=until, by=self.by)[0]

    def enrol(self) -> list[str]:
        """Turn a second factor on; the recovery codes."""
        return access.confirm_second_factor(self.begin().at(clock.now()), by=self.by)

    def signed_in(self) -> User:
        """The team member, who is signed in."""
        with self.past_commands():
            Token.objects.create(user=self.user, digest="0" * 64)
        return self.user

    def ticket(self, *, submit: bool = True) -> WorkItem:
        """A ticket of the first customer."""
        category = self.customer.category.guid
        version = self.customer.ticket_version.guid
        return work.create_ticket(version, by=self.by, title="x", category_guid=category, submit=submit)

    def case(self, *, submit: bool = True) -> WorkItem:
        """A case of the first customer."""
        return work.create_case(self.customer.case_version.guid, by=self.by, title="x", submit=submit)

    def action(self) -> WorkItem:
        """An action of a new case."""
        return items.items_under(self.case(), by=self.by)[0]

    def halted(self) -> WorkItem:
        """A case whose first step is over, because an action of it could not be completed."""
        case = self.case()
        for action in items.items_under(case, by=self.by):
            work.complete_unsuccessfully(action, by=self.by)
        return case

    def waiting(self) -> WorkItem:
        """A ticket that waits for a date, which has come."""
        item = work.wait_until(self.ticket(), clock.now() + timedelta(hours=1), by=self.by)
        self.time_passes(item, wait_until=clock.now() - timedelta(hours=1))
        return item

    def informed(self) -> WorkItem:
        """A running case with news."""
        case = self.case()
        self.time_passes(case, news_since=clock.now())
        return case

    def locked(self, item: WorkItem) -> WorkItem:
        """An item as the clock locks it."""
        return item_timers.lock([item.guid], wait=True)[item.guid]

    def undated(self) -> WorkItem:
        """A ticket whose due date is to be counted anew."""
        item = self.ticket()
        self.time_passes(item, due_date=None)
        return item

    def under_another_title(self) -> WorkItem:
        """An action whose case has another title."""
        item = self.action()
        self.time_passes(item, title="As it was")
        return item

    def overdue(self) -> WorkItem:
        """A ticket whose due date has passed, which was not told yet."""
        item = self.ticket()
        self.time_passes(item, due_date=clock.now() - timedelta(hours=1))
        return item

    def resolved(self, *, over: bool) -> WorkItem:
        """A resolved ticket whose feedback window is open, or over."""
        item = work.resolve(self.ticket(), by=self.by)
        closes = clock.now() + timedelta(hours=-1 if over else 1)
        self.time_passes(item, status=Status.RESOLVED, closes_on=closes, closed_on=None)
        return item

    def time_passes(self, item: WorkItem, **columns: object) -> None:
        """Set what time would have set, by an event of its own."""
        before = changes.columns(
            item := WorkItem.objects.select_related("customer", "contract", "service").get(pk=item.pk)
        )
        for name, value in columns.items():
            setattr(item, name, value)
        item.save()
        with transaction.atomic():
            differing = changes.altered(item, before)
            work_events.record_updated(item, at=clock.now(), by=self.by, changes=differing)

    def checklist(self) -> ChecklistItem:
        """A line of the checklist of an action."""
        offering.add_global_checklist(WorkType.objects.get(name="Take Measure"), ("Signed?",), by=self.by)
        self.case()
        return ChecklistItem.objects.all()[0]

    def definition(self) -> UUID:
        """An action that may be launched by hand."""
        return offering_queries.launchable(self.customer.case_version)[0].guid

    def mine(self) -> WorkItem:
        """A ticket the actor works on."""
        return work.take(self.ticket(), by=self.by)

    def filed(self) -> WorkItem:
        """A ticket with a contact, a file and a link."""
        item = work.update(self.ticket(), contacts=[work.requester(self.user.guid)], by=self.by)
        tag = files.create_tag("Proof", by=self.by)
        kept = files.FileWish(data=b"x", file_name="x", note="n", tags=(files.TagWish(tag.guid),))
        work.attach_file(item, kept, by=self.by)
        return work.link(item, [self.case()], by=self.by)

    def unlinked(self) -> WorkItem:
        """A ticket whose link was taken away, from the other end."""
        case = self.case()
        return work.unlink(case, work.link(self.ticket(), [case], by=self.by), by=self.by)

    def merged(self) -> WorkItem:
        """A ticket into which one was merged, into which another one had been merged before."""
        between = self.filed()
        work.merge([self.ticket()], between, by=self.by)
        return work.merge([between], self.ticket(), by=self.by)

    def divided(self) -> WorkItem:
        """A split ticket, of which all parts are closed."""
        item = self.ticket()
        for part in work.split(item, [work.Part(), work.Part()], by=self.by):
            work.resolve(part, by=self.by)
        return item

    def spoken_of(self) -> WorkItem:
        """A ticket at which something was said."""
        item = self.ticket()
        conversations.add(item, body="x", by=self.by)
        return item

    def member_of_queue(self) -> None:
        """Let the actor get work of the first customer's queue, in which a ticket waits."""
        work.update_queue(self.customer.queue, members=[self.organisation.accounts["administrator"].user], by=self.by)
        self.ticket()

    def mail(self) -> Communication:
        """A mail that goes out."""
        return conversations.send_mail(self.ticket(), conversations.Mail(["a@b.example"], "x", "x"), by=self.by)

    def defect_category(self) -> DefectCategory:
        """A defect category of the service line."""
        return defects.create_category(self.line, "Wrong data", by=self.by)

    def party_at_fault(self) -> DefectParty:
        """A party at fault."""
        return defects.create_party("The customer", by=self.by)

    def defect(self) -> Defect:
        """A defect of a ticket that the actor works on."""
        return defects.add(self.mine(), self.defect_category().guid, affected_records=3, by=self.by)

    def clock(self) -> TimeSession:
        """The clock of the actor, which runs at a ticket."""
        return effort.start(self.ticket(), by=self.by)

    def sheet(self) -> UUID:
        """An uploaded sheet with one ticket."""
        return files.prepare([sheets.of_tickets(self.customer, "Chair")], "new.xlsx", by=self.by).guid

    def forgotten_clock(self) -> TimeSession:
        """A clock that has run for too long."""
        long_ago = clock.now() - timedelta(days=9)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: long_ago)
            return self.clock()

    def followed(self) -> WorkItem:
        """A ticket that the actor follows."""
        item = self.ticket()
        following.follow(item, by=self.by)
        return item

    def focused(self) -> WorkItem:
        """A ticket on the focus list of the actor, before another one."""
        item = self.ticket()
        following.focus(item, by=self.by)
        following.focus(self.ticket(), by=self.by)
        return item

    def flow(self) -> offering.FlowWish:
        """A flow of one step with one action, to be saved."""
        node = Node(str(new_guid()), NodeKind.ACTION, 1)
        wish = {node.key: offering.ActionWish(self.action_type, checklist=("Seen?",))}
        return offering.FlowWish([offering.StepWish("Only")], [node], [], wish)

    def built(self) -> ActionDefinition:
        """An action of the draft, before another one."""
        first = offering.add_action(self.step, self.action_type, checklist=("Seen?", "Heard?"), by=self.by)
        offering.add_action(self.step, self.action_type, by=self.by)
        return first

    def steps(self) -> int:
        """The version of the case type once it has steps."""
        return offering.save_type_steps(
            self.case_draft.process.work_type, [offering.StepWish("x"), offering.StepWish("y")], by=self.by
        ).version

    def spare(self) -> Process:
        """A process of another case type with one step, which has no draft."""
        made = offering.create_work_type(self.line, ProcessType.CASE, "Another", by=self.by)
        offering.save_type_steps(made, [offering.StepWish("x")], by=self.by)
        return offering.create_process(self.customer.service, made, by=self.by)

    def archive(self) -> None:
        """Archive the draft, so that another one may begin."""
        offering.set_version_state(self.case_draft, VersionState.ARCHIVE, by=self.by)

    def job(self) -> Job:
        """A job that the actor asked for."""
        with transaction.atomic():
            return jobs.enqueue(FORGET, by=self.by)

    def _draft(self, version: ProcessVersion) -> ProcessVersion:
        return offering.create_version(version.process, by=self.by)


def _remove_role(world: World) -> None:
    with world.past_commands():
        Role.objects.filter(name="Self Service").delete()


def _held_by_credential() -> Role:
    user = Credential.objects.all()[0].user
    return Role.objects.filter(assignments__user=user).order_by("-kind")[0]


def _clerk(world: World) -> Role:
    return access.create_role("Clerk", features.OPERATIONAL, [features.WORK_ITEMS], by=world.by)


def _remove_tag(world: World) -> None:
    with world.past_commands():
        ContactTag.objects.filter(built_in="subject").delete()


def _contact(world: World) -> Contact:
    with world.past_commands():
        return Contact.objects.create(email="a@b.example")


CHANGES: dict[Callable[..., object], Callable[[World], object]] = {
    access.make_built_in_roles: lambda w: (_remove_role(w), access.make_built_in_roles(by=w.by)),
    access.create_role: lambda w: access.create_role("Clerk", features.OPERATIONAL, [], by=w.by),
    access.set_role_features: lambda w: access.set_role_features(Role.objects.all()[0], [], by=w.by),
    access.change_role: lambda w: access.change_role(_clerk(w), name="Scribe", features_held=["queues"], by=w.by),
    access.set_second_factor_required: lambda w: access.set_second_factor_required(_clerk(w), True, by=w.by),
    access.rename_role: lambda w: access.rename_role(_clerk(w), "Scribe", by=w.by),
    access.remove_role: lambda w: access.remove_role(_clerk(w), by=w.by),
    access.change_settings: lambda w: access.change_settings({"login_attempts": 7}, by=w.by),
    access.create_user: lambda w: access.create_user("kofi", "", [Role.objects.get(name="Robot")], by=w.by),
    access.change_user: lambda w: access.change_user(w.user, active=False, by=w.by),
    access.set_roles: lambda w: access.set_roles(w.user, [Role.objects.get(name="Robot")], by=w.by),
    access.set_active: lambda w: access.set_active(w.user, False, by=w.by),
    access.set_password: lambda w: access.set_password(w.user, "correct horse battery", by=w.by),
    access.change_own_password: lambda w: access.change_own_password(
        w.password, "correct horse battery", kept=None, by=w.by
    ),
    access.give_link: lambda w: access.give_link(w.user, by=w.by),
    access.begin_second_factor: lambda w: (w.begin(), w.begin()),
    access.confirm_second_factor: lambda w: w.enrol(),
    access.renew_recovery_codes: lambda w: (w.enrol(), access.renew_recovery_codes(w.password, by=w.by)),
    access.turn_off_second_factor: lambda w: (w.enrol(), access.turn_off_second_factor(w.password, by=w.by)),
    access.remove_second_factor: lambda w: (w.enrol(), access.remove_second_factor(w.own_account, by=w.by)),
    access.set_own_picture: lambda w: access.set_own_picture(pictures.png(), by=w.by),
    access.remove_picture: lambda w: access.remove_picture(access.set_own_picture(pictures.gif(), by=w.by), by=w.by),
    access.set_preferences: lambda w: access.set_preferences(
        w.user, language="de", time_zone="Asia/Tokyo", theme="dark", density="comfortable", by=w.by
    ),
    access.set_names: lambda w: access.set_names(w.user, full_name="Tomas Sato-Vega", email="t@cedar.example", by=w.by),
    access.end_sessions: lambda w: access.end_sessions(w.signed_in(), by=w.by),
    access.rename_group: lambda w: access.rename_group(w.customer.group, "Night watch", by=w.by),
    access.set_manager: lambda w: access.set_manager(w.user, w.organisation.accounts["administrator"].user, by=w.by),
    access.set_suspended: lambda w: access.set_suspended(w.organisation.accounts["robot"].user, True, by=w.by),
    access.create_group: lambda w: access.create_group("Fresh", by=w.by),
    access.change_members: lambda w: access.change_members(w.customer.group, remove=[w.user], by=w.by),
    access.grant: lambda w: access.grant(UserGroup.objects.all()[0], "contract", w.customer.contract, by=w.by),
    access.revoke: lambda w: access.revoke(w.customer.group, "company", w.customer.company, by=w.by),
    access.create_credential: lambda w: access.create_credential(
        w.user, "x", [Role.objects.get(name="Team Member")], expires_at=clock.now() + timedelta(days=1), by=w.by
    ),
    access.create_own_credential: lambda w: access.create_own_credential(
        w.password, "x", [Role.objects.get(name="Administrator")], expires_at=clock.now() + timedelta(days=1), by=w.by
    ),
    access.renew_own_secret: lambda w: access.renew_own_secret(w.password, w.own_credential(), by=w.by),
    access.update_credential: lambda w: access.update_credential(
        Credential.objects.all()[0], name="y", roles=[_held_by_credential()], by=w.by
    ),
    access.renew_secret: lambda w: access.renew_secret(Credential.objects.all()[0], by=w.by),
    access.revoke_credential: lambda w: access.revoke_credential(Credential.objects.all()[0], by=w.by),
    access.cancel_job: lambda w: access.cancel_job(w.job().guid, by=w.by),
    parties.create_company: lambda w: parties.create_company("Borealis", by=w.by),
    parties.update_company: lambda w: parties.update_company(w.customer.company, description="x", by=w.by),
    parties.create_contract: lambda w: parties.create_contract(
        w.customer.company, w.customer.contract.supplier, "x", by=w.by
    ),
    parties.create_service: lambda w: parties.create_service(w.customer.contract, w.line, "x", by=w.by),
    offering.create_service_line: lambda w: offering.create_service_line("x", by=w.by),
    offering.create_work_type: lambda w: offering.create_work_type(w.line, ProcessType.CASE, "x", by=w.by),
    offering.create_process: lambda w: offering.create_process(w.customer.service, w.ticket_type, by=w.by),
    offering.create_version: lambda w: (w.archive(), offering.create_version(w.case_draft.process, by=w.by)),
    offering.copy_version: lambda w: (w.archive(), offering.copy_version(w.customer.case_version, by=w.by)),
    offering.change_version: lambda w: offering.change_version(
        w.case_draft, requires_requester=True, queue=w.customer.queue, by=w.by
    ),
    offering.save_categories: lambda w: offering.save_categories(
        w.ticket_draft,
        [offering.CategoryWish(offering.add_category(w.ticket_draft, "x", by=w.by).guid, "y")],
        by=w.by,
    ),
    offering.change_step: lambda w: (
        offering.add_step(w.case_draft, "Last", by=w.by),
        offering.change_step(w.step, name="y", number=2, by=w.by),
    ),
    offering.remove_step: lambda w: (w.built(), offering.remove_step(w.step, by=w.by)),
    offering.change_action: lambda w: offering.change_action(
        w.built(), instructions="y", checklist=("Asked?",), by=w.by
    ),
    offering.remove_action: lambda w: offering.remove_action(w.built(), by=w.by),
    offering.add_category: lambda w: offering.add_category(w.ticket_draft, "x", by=w.by),
    offering.add_step: lambda w: offering.add_step(w.case_draft, "x", by=w.by),
    offering.save_flow: lambda w: offering.save_flow(w.case_draft, w.flow(), by=w.by),
    offering.add_action: lambda w: offering.add_action(w.step, w.action_type, by=w.by),
    offering.set_version_state: lambda w: offering.set_version_state(w.case_draft, VersionState.ARCHIVE, by=w.by),
    offering.create_schedule: lambda w: offering.create_schedule("x", by=w.by),
    offering.update_schedule: lambda w: offering.update_schedule(w.schedule, description="x", by=w.by),
    offering.add_period: lambda w: offering.add_period(
        w.schedule, year=2027, period="x", start_date=date(2027, 1, 1), by=w.by
    ),
    offering.add_ad_hoc_action: lambda w: offering.add_ad_hoc_action(w.case_draft, w.action_type, by=w.by),
    offering.add_global_checklist: lambda w: offering.add_global_checklist(w.action_type, ("x",), by=w.by),
    offering.create_data_field: lambda w: offering.create_data_field("x", FieldKind.DATE, by=w.by),
    offering.update_data_field: lambda w: offering.update_data_field(DataField.objects.all()[0], retired=True, by=w.by),
    parties.clone_contract: lambda w: parties.clone_contract(w.customer.contract, "x", by=w.by),
    offering.change_work_type: lambda w: offering.change_work_type(
        w.case_draft.process.work_type, process_group="x", contacts_mandatory=True, by=w.by
    ),
    offering.save_global_checklist: lambda w: (
        offering.add_global_checklist(w.action_type, ("x", "y"), by=w.by),
        offering.save_global_checklist(
            w.action_type, [offering.LineWish("z", w.action_type.checklist.all()[0].guid)], by=w.by
        ),
    ),
    offering.save_type_steps: lambda w: offering.save_type_steps(
        w.case_draft.process.work_type, [offering.StepWish("x"), offering.StepWish("y")], by=w.by
    ),
    offering.refresh_steps: lambda w: offering.refresh_steps(w.built().step.version, type_version=w.steps(), by=w.by),
    offering.clone_process: lambda w: offering.clone_process(w.customer.case_version.process, w.spare(), by=w.by),
    offering.clone_work_type: lambda w: offering.clone_work_type(w.action_type, "x", by=w.by),
    work.create_asked_for: lambda w: work.create_asked_for(
        w.customer.ticket_version, by=w.by, title="x", address="new@example.org", surname="New"
    ),
    work.create_linked: lambda w: work.create_linked(w.filed(), w.customer.ticket_version.guid, title="x", by=w.by),
    parties.update_contract: lambda w: parties.update_contract(w.customer.contract, description="x", by=w.by),
    parties.make_built_in_tags: lambda w: (
        _remove_tag(w),
        parties.make_built_in_tags(by=w.by),
    ),
    parties.create_contact: lambda w: parties.create_contact("a@b.example", by=w.by),
    parties.update_contact: lambda w: parties.update_contact(_contact(w), surname="x", by=w.by),
    parties.create_contact_tag: lambda w: parties.create_contact_tag("x", by=w.by),
    parties.update_contact_tag: lambda w: parties.update_contact_tag(
        ContactTag.objects.all()[0], description="x", by=w.by
    ),
    commitments.create_calendar: lambda w: commitments.create_calendar("x", by=w.by),
    commitments.update_calendar: lambda w: commitments.update_calendar(
        Calendar.objects.all()[0], description="x", by=w.by
    ),
    files.prepare: lambda w: files.prepare([b"x"], "x.txt", by=w.by),
    files.create_tag: lambda w: files.create_tag("x", by=w.by),
    files.update_tag: lambda w: files.update_tag(FileTag.objects.all()[0], retired=True, by=w.by),
    work.create_ticket: lambda w: w.ticket(submit=False),
    work.create_case: lambda w: w.case(submit=False),
    work.submit: lambda w: work.submit(w.ticket(submit=False), by=w.by),
    work.update: lambda w: work.update(w.ticket(), title="y", by=w.by),
    work.attach_file: lambda w: work.attach_file(w.ticket(), files.FileWish(data=b"x", file_name="x"), by=w.by),
    work.answer_checklist: lambda w: work.answer_checklist(w.checklist(), result=ChecklistResult.YES, by=w.by),
    work.take: lambda w: work.take(w.ticket(), by=w.by),
    work.get_more_work: lambda w: (w.member_of_queue(), work.get_more_work(by=w.by)),
    work.assign: lambda w: work.assign(w.ticket(), w.user, by=w.by),
    work.unassign: lambda w: work.unassign(w.mine(), by=w.by),
    work.give_back_all: lambda w: work.give_back_all(User.objects.get(pk=w.mine().assignee_id), by=w.by),
    work.reject: lambda w: work.reject(w.mine(), "not mine", by=w.by),
    work.move_to_queue: lambda w: work.move_to_queue(w.ticket(), Queue.objects.all()[1], by=w.by),
    work.wait_for_information: lambda w: work.wait_for_information(w.ticket(), by=w.by),
    work.wait_until: lambda w: work.wait_until(w.ticket(), clock.now() + timedelta(hours=1), by=w.by),
    work.information_arrived: lambda w: work.information_arrived(
        work.wait_for_information(w.ticket(), by=w.by), by=w.by
    ),
    work.acknowledge: lambda w: work.acknowledge(w.informed(), by=w.by),
    work.date_reached: lambda w: work.date_reached(w.locked(w.waiting()), by=SYSTEM),
    work.due_date_passed: lambda w: work.due_date_passed(w.overdue(), by=SYSTEM),
    work.follow_data: lambda w: work.follow_data(w.locked(w.undated()), by=SYSTEM),
    work.follow_title: lambda w: work.follow_title(w.locked(w.under_another_title()), by=SYSTEM),
    work.resolve: lambda w: work.resolve(w.ticket(), by=w.by),
    work.complete_unsuccessfully: lambda w: work.complete_unsuccessfully(w.action(), by=w.by),
    work.reopen: lambda w: work.reopen(w.resolved(over=False), by=w.by),
    work.close_window: lambda w: work.close_window(w.locked(w.resolved(over=True)), by=SYSTEM),
    work.abort: lambda w: work.abort(w.case(), by=w.by),
    work.discard: lambda w: work.discard(w.case(submit=False), by=w.by),
    work.rework: lambda w: work.rework(w.action(), 1, by=w.by),
    work.launch_sub_case: lambda w: work.launch_sub_case(w.case(), w.customer.case_version.guid, "y", by=w.by),
    work.launch_action: lambda w: work.launch_action(w.case(), w.definition(), by=w.by),
    work.start_next_step: lambda w: work.start_next_step(w.halted(), by=w.by),
    work.submit_or_go_on: lambda w: work.submit_or_go_on(w.case(submit=False), by=w.by),
    work.link: lambda w: work.link(w.ticket(), [w.case()], by=w.by),
    work.unlink: lambda w: w.unlinked(),
    work.merge: lambda w: w.merged(),
    work.split: lambda w: work.split(w.filed(), [work.Part(), work.Part(title="y")], by=w.by),
    work.convert: lambda w: work.convert(w.filed(), w.customer.case_version.guid, by=w.by),
    work.complete_divided: lambda w: work.complete_divided(w.locked(w.divided()), by=SYSTEM),
    work.create_queue: lambda w: work.create_queue("x", by=w.by),
    work.update_queue: lambda w: work.update_queue(w.customer.queue, strict=True, by=w.by),
    work.create_job_position: lambda w: work.create_job_position("Clerk", holders=[w.user], by=w.by),
    work.update_job_position: lambda w: work.update_job_position(
        work.create_job_position("Clerk", by=w.by), holders=[w.user], by=w.by
    ),
    conversations.add: lambda w: conversations.add(w.ticket(), kind=CommunicationType.AUDIT_NOTE, body="x", by=w.by),
    conversations.send_mail: lambda w: w.mail(),
    conversations.mail_sent: lambda w: conversations.mail_sent(w.mail(), by=SYSTEM),
    conversations.mail_failed: lambda w: conversations.mail_failed(w.mail(), "x", again=None, by=SYSTEM),
    conversations.mail_cancelled: lambda w: conversations.mail_cancelled(w.mail(), by=SYSTEM),
    defects.create_category: lambda w: defects.create_category(w.line, "x", by=w.by),
    defects.update_category: lambda w: defects.update_category(w.defect_category(), retired=True, by=w.by),
    defects.create_party: lambda w: defects.create_party("x", by=w.by),
    defects.update_party: lambda w: defects.update_party(w.party_at_fault(), name="y", by=w.by),
    defects.add: lambda w: w.defect(),
    defects.change: lambda w: defects.change(w.defect(), party=w.party_at_fault().guid, resolved=True, by=w.by),
    defects.remove: lambda w: defects.remove(w.defect(), by=w.by),
    effort.start: lambda w: w.clock(),
    effort.pause: lambda w: effort.pause(w.clock(), by=w.by),
    effort.stop: lambda w: effort.stop(w.clock(), by=w.by),
    effort.correct: lambda w: effort.correct(w.clock(), 600, by=w.by),
    effort.expect: lambda w: effort.expect(w.ticket(), 30, by=w.by),
    effort.expect_of_rest: lambda w: effort.expect_of_rest(w.case(), 30, by=w.by),
    effort.end_forgotten: lambda w: effort.end_forgotten(w.forgotten_clock(), by=SYSTEM),
    batches.assign_many: lambda w: batches.assign_many([w.ticket().guid], w.user, "", by=w.by),
    batches.check_sheet: lambda w: batches.check_sheet(w.sheet(), ProcessType.TICKET, by=w.by),
    batches.start: lambda w: batches.start(batches.check_sheet(w.sheet(), ProcessType.TICKET, by=w.by), by=w.by),
    following.follow: lambda w: w.followed(),
    following.unfollow: lambda w: following.unfollow(w.followed(), by=w.by),
    following.end_following: lambda w: following.end_following(w.followed(), by=SYSTEM),
    following.focus: lambda w: (w.focused(), following.focus(w.ticket(), place=1, by=w.by)),
    following.focus_all: lambda w: following.focus_all([w.ticket(), w.ticket()], by=w.by),
    following.unfocus: lambda w: following.unfocus(w.focused(), by=w.by),
    following.end_focus: lambda w: following.end_focus(
        work.resolve(w.focused(), by=w.by), until=clock.now(), by=SYSTEM
    ),
    conversations.merge_tickets: lambda w: conversations.merge_tickets([w.spoken_of()], w.ticket(), by=w.by),
    conversations.rework: lambda w: conversations.rework(w.action(), 1, by=w.by, note="x"),
    conversations.resolve: lambda w: conversations.resolve(w.ticket(), note="x", by=w.by),
    conversations.assign_with_note: lambda w: conversations.assign_with_note(w.ticket(), w.user, "x", by=w.by),
}
ROOMS = (access, parties, offering, commitments, files, work, conversations, defects, effort, following, batches)
PARTS = {"copy", "keep", "keep_attachment", "requester", "plain", "looks_like_html"}  # of commands
OF_TIME = {
    "date_reached",
    "due_date_passed",
    "follow_data",
    "follow_title",
    "complete_divided",
    "close_window",
    "mail_sent",
    "mail_failed",
    "mail_cancelled",
    "end_forgotten",
    "end_following",
    "end_focus",
}  # the last event is the system's


def _commands(module: ModuleType) -> Iterator[Callable[..., object]]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and function.__module__.startswith(module.__name__) and name not in PARTS:
            yield function


def _name(command: Callable[..., object]) -> str:
    return f"{command.__module__.split('.commands')[0].split('.')[-1]}.{command.__name__}"


def test_no_command_is_missing_here() -> None:
    every = {command for module in ROOMS for command in _commands(module)}
    assert {_name(command) for command in every} == {_name(command) for command in CHANGES}


@pytest.mark.parametrize("command", CHANGES, ids=_name)
def test_a_command_names_its_actor_and_records_what_it_changed(
    organisation: Organisation, actors: dict[str, Actor], command: Callable[..., object]
) -> None:
    assert inspect.signature(command).parameters["by"].kind is inspect.Parameter.KEYWORD_ONLY
    with recorded() as every:
        world = World(organisation, actors["administrator"])
        with recorded() as found:
            CHANGES[command](world)
    assert found.events
    assert {event.actor_id for event in found.events[:-1]} <= {world.by.user_id}
    last = found.events[-1]
    by = SYSTEM if command.__name__ in OF_TIME else world.by
    assert (last.actor_id, last.actor_type, last.credential_id) == (by.user_id, by.user_type, by.credential_id)
    assert differences(replayed(world.before, every.events), rows()) == []


def test_what_the_seed_made_can_be_told_from_the_ledger_alone(organisation: Organisation) -> None:
    assert differences(replayed({}, Event.objects.order_by("pk")), rows()) == []


def test_contacts_files_and_custom_data_are_in_the_changes_of_their_item(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    tags = {tag.built_in: tag.guid for tag in ContactTag.objects.exclude(built_in="")}
    with recorded() as found:
        world = World(organisation, actors["administrator"])
        item, other = world.ticket(), parties.create_contact("a@b.example", by=world.by)
        one = work.ContactWish(world.user.guid, tuple(work.TagWish(guid) for guid in tags.values()))
        two = work.ContactWish(other.guid, (work.TagWish(tags["primary"]),))
        document = files.FileWish(data=b"x" * 2000, file_name="x.txt", note="n" * 2000)
        work.update(item, contacts=[one], files=[document], description="d" * 2000, by=world.by)
        work.update(item, contacts=[two], description="short", by=world.by)
        kept = ItemFile.objects.get(work_item=item.pk)
        tag = files.create_tag("Paid", by=world.by)
        tagged = files.FileWish(guid=kept.guid, tags=(files.TagWish(tag.guid),), note="less")
        untagged = files.FileWish(guid=kept.guid, tags=(files.TagWish(tag.guid, retired=True),))
        for wish in (tagged, untagged):
            work.update(item, files=[wish], by=world.by)
        work.update(item, contacts=[work.ContactWish(world.user.guid, retired=True)], by=world.by)
        for data in ({"Amount": 5, "Country": "Kenya"}, {"Amount": 6}, {"Amount": None}):
            work.update(item, custom_data=_known(data, world.by), by=world.by)
    assert differences(replayed(world.before, found.events), rows()) == []


def _known(data: dict[str, Any], by: Actor) -> dict[str, Any]:
    for name, kind in (("Amount", FieldKind.WHOLE_NUMBER), ("Country", FieldKind.SHORT_TEXT)):
        if not DataField.objects.filter(name=name).exists():
            offering.create_data_field(name, kind, by=by)
    return data


def test_no_secret_is_in_the_changes(organisation: Organisation, actors: dict[str, Actor]) -> None:
    by, receiver = actors["integrator"], "https://127.0.0.1/"
    user = organisation.accounts["integrator"].user
    access.set_password(user, "correct horse battery", by=by)
    _, client_secret = access.create_credential(
        user, "x", [Role.objects.get(name="Process Builder")], expires_at=clock.now() + timedelta(days=1), by=by
    )
    terms = subscriptions.Terms(0, receiver, header_name="X-Key", header_value="the value of the header")
    subscription, secret = subscriptions.subscribe(terms, by=by)
    rotation.rotate_secret(subscription.guid, by=by)
    key = access.begin_second_factor("correct horse battery", by=by).key
    codes = access.confirm_second_factor(pyotp.TOTP(key).at(clock.now()), by=by)
    digests = [*RecoveryCode.objects.values_list("digest", flat=True), SecondFactor.objects.get().sealed_secret]
    told = "\n".join(str(changes) for changes in Event.objects.values_list("changes", flat=True))
    row = Subscription.objects.get(pk=subscription.pk)
    held = [entry["sealed"] for entry in row.secrets]
    digests += Credential.objects.values_list("secret_digest", flat=True)
    user.refresh_from_db()
    for one in (client_secret, secret, user.password, row.header_value_sealed, key, *codes, *held, *digests):
        assert one
        assert one not in told
    assert "the value of the header" not in told
    assert '"secrets":"•••"' in told


def test_every_kind_of_row_has_a_name_of_its_own() -> None:
    models = [model for model in apps.get_models() if model.__module__.startswith("workwire.")]
    assert len({model.__name__ for model in models}) == len(models)
