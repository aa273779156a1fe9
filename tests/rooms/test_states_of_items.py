"""What people's deeds do to the state and the assignee of work items, and what a case and its actions ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access.models import Role
from workwire.jobs import timers
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations import queries as said
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.effort import commands as effort
from workwire.rooms.following import commands as following
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessType, ProcessVersion, ServiceLine, VersionState
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands, lists, queries, relations
from workwire.rooms.work.models import ChecklistResult, ResolutionMethod, Status, StatusReason, WaitType, WorkItem

Deed = Callable[[WorkItem], object]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


def _ticket(customer: Customer, by: Actor, title: str = "Broken chair") -> WorkItem:
    return commands.create_ticket(
        customer.ticket_version.guid, by=by, title=title, category_guid=customer.category.guid, submit=True
    )


def _case(version: ProcessVersion, by: Actor) -> WorkItem:
    return commands.create_case(version.guid, by=by, title="Order", submit=True)


def _actions(case: WorkItem) -> list[WorkItem]:
    return list(WorkItem.objects.filter(parent=case.pk).order_by("pk"))


def _now(item: WorkItem) -> tuple[Status, int | None]:
    """The state and the assignee of an item."""
    item = WorkItem.objects.get(pk=item.pk)
    return Status(item.status), item.assignee_id


def _case_type(name: str, customer: Customer, admin: Actor, **of_version: bool) -> ProcessVersion:
    """A live case version of one step with one action that asks *Signed?* and, for all of its type, *Looked at?*."""
    kind = offering.create_work_type(ServiceLine.objects.get(), ProcessType.CASE, name, by=admin)
    process = offering.create_process(customer.service, kind, by=admin)
    version = offering.create_version(process, by=admin, **of_version)  # type: ignore[arg-type]  # free switches
    check = offering.create_work_type(ServiceLine.objects.get(), ProcessType.ACTION, f"Check {name}", by=admin)
    offering.add_action(offering.add_step(version, "Only", by=admin), check, checklist=("Signed?",), by=admin)
    offering.add_global_checklist(check, ("Looked at?",), by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def test_the_first_edit_of_what_is_to_do_assigns_it(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager ASG-31, STA-1."""
    ticket = _ticket(first, by)
    (action,) = _actions(_case(_case_type("Claim", first, admin), by))
    assert _now(ticket) == _now(action) == (Status.TO_DO, None)
    commands.update(ticket, by=by, title="Broken table")
    commands.answer_checklist(action.checklist.first(), result=ChecklistResult.YES, by=by)  # type: ignore[arg-type]  # there is one
    assert _now(ticket) == _now(action) == (Status.IN_PROGRESS, by.user_id)
    by_hand = _ticket(first, by)
    commands.take(by_hand, by=by)
    assert _now(by_hand) == (Status.IN_PROGRESS, by.user_id)


def test_what_changes_hands_is_to_do_again(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager STA-2."""
    other = access.create_user("nora", "Nora", list(Role.objects.filter(name="Team Member")), by=admin)
    access.change_members(first.group, add=[other], by=admin)
    deeds: list[tuple[Deed, int | None]] = [
        (lambda item: commands.unassign(item, by=by), None),
        (lambda item: commands.assign(item, other, by=admin, force=True), other.pk),
        (lambda item: commands.reject(item, "I cannot.", by=by), None),
    ]
    for deed, whose in deeds:
        item = commands.take(_ticket(first, by), by=by)
        deed(item)
        assert _now(item) == (Status.TO_DO, whose)


def test_work_is_given_with_a_note_and_to_one_robot(
    first: Customer, by: Actor, admin: Actor, organisation: Organisation
) -> None:
    """work-manager ASG-30, ASG-36."""
    (action, *_) = _actions(_case(first.case_version, by))
    robot = organisation.accounts["robot"].user
    conversations.assign_with_note(action, robot, "Only the sums.", by=admin)
    assert _now(action) == (Status.TO_DO, robot.pk)
    assert [note.body for note in said.communications_of(action, by=by)] == ["Only the sums."]


def test_no_robot_is_given_a_case(first: Customer, by: Actor, admin: Actor, organisation: Organisation) -> None:
    """work-manager ASG-22."""
    with pytest.raises(Invalid) as refusal:
        commands.assign(_case(first.case_version, by), organisation.accounts["robot"].user, by=admin)
    assert refusal.value.code == "case_not_for_robots"


def test_what_takes_nothing(first: Customer, by: Actor) -> None:
    """work-manager ASG-35: notes, mail, actions by hand, time and following."""
    ticket, case = _ticket(first, by), _case(first.case_version, by)
    by_hand = first.case_version.steps.get(number=0).actions.get()
    conversations.add(ticket, by=by, kind=CommunicationType.AUDIT_NOTE, body="Rang twice.")
    conversations.add(
        ticket, by=by, kind=CommunicationType.EMAIL_INCOMING, body="And?", sender_address="ines@willow.example"
    )
    conversations.send_mail(ticket, conversations.Mail(["ines@willow.example"], "Soon", "Soon."), by=by)
    effort.start(ticket, by=by)
    following.follow(ticket, by=by)
    commands.launch_action(case, by_hand.guid, by=by)
    assert (_now(ticket), _now(case)) == ((Status.TO_DO, None), (Status.IN_PROGRESS, None))


def test_without_a_window_resolved_is_closed_and_with_one_it_waits_for_it(
    first: Customer, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """work-manager TIC-10, CAS-3: reopened by hand, too."""
    assert commands.resolve(_ticket(first, by), by=by).status == Status.CLOSED
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))
    ticket = commands.resolve(_ticket(first, by), by=by)
    assert ticket.status == Status.RESOLVED
    assert commands.reopen(ticket, by=by).status == Status.TO_DO
    commands.resolve(ticket, by=by)
    assert timers.turn(clock.now() + timedelta(hours=23)) == 0
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert timers.turn(clock.now()) == 1
    closed = WorkItem.objects.get(pk=ticket.pk)
    assert (closed.status, closed.status_reason) == (Status.CLOSED, StatusReason.FEEDBACK_WINDOW_PASSED)


def test_an_action_begins_as_its_case_and_has_one_list_to_answer(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager ACT-1, ACT-4; builder CK-1, CK-3: lines of the type, then its own."""
    case = _case(_case_type("Claim", first, admin), by)
    (action,) = _actions(case)
    context = ("customer_id", "contract_id", "service_id", "process_version_id")
    assert [getattr(action, name) for name in context] == [getattr(case, name) for name in context]
    assert action.status == Status.TO_DO
    lines = list(queries.checklist_of(action))
    assert [str(line.line) for line in lines] == ["Looked at?", "Signed?"]
    for line, result in zip(lines, (ChecklistResult.NO, ChecklistResult.NOT_APPLICABLE), strict=True):
        with pytest.raises(Conflict) as refusal:
            commands.resolve(action, by=by)
        assert refusal.value.code == "checklist_open"
        commands.answer_checklist(line, result=result, note="Not here.", by=by)
    answered = [(line.result, line.note, line.checked_by_id) for line in queries.checklist_of(action)]
    assert answered == [(1 + (1 - at), "Not here.", by.user_id) for at in range(2)]
    assert commands.resolve(action, by=by).resolution_method == ResolutionMethod.DONE_SUCCESSFULLY


def test_a_new_category_is_in_the_history_with_who_and_when(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager TIC-4."""
    version = offering.create_version(first.ticket_version.process, by=admin)
    one, two = (offering.add_category(version, name, by=admin) for name in ("Chairs", "Tables"))
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    ticket = commands.create_ticket(version.guid, by=by, title="Broken", category_guid=one.guid, submit=True)
    with recorded() as found:
        commands.update(ticket, by=by, category_guid=two.guid)
    event = queries.history(ticket.guid, by=by).get(pk=found.only.pk)
    assert (event.actor_id, event.occurred_at is not None) == (by.user_id, True)
    (change,) = json.loads(event.changes or "[]")
    assert (change["old"]["category_id"], change["new"]["category_id"]) == (one.pk, two.pk)


def test_contacts_of_a_case_are_mandatory_only_where_that_is_said(
    first: Customer, by: Actor, admin: Actor, organisation: Organisation
) -> None:
    """work-manager CAS-6; builder SL-2."""
    assert _case(_case_type("Claim", first, admin), by).status == Status.IN_PROGRESS
    asking = _case_type("Loan", first, admin, requires_primary_contact=True, requires_requester=True)
    with pytest.raises(Invalid) as refusal:
        _case(asking, by)
    assert refusal.value.code == "primary_contact_missing"
    case = commands.create_case(asking.guid, by=by, title="Loan")
    someone = organisation.accounts["team member"].user
    primary = ContactTag.objects.get(built_in="primary")
    commands.update(case, by=by, contacts=[commands.ContactWish(someone.guid, (commands.TagWish(primary.guid),))])
    with pytest.raises(Invalid) as refusal:
        commands.submit(case, by=by)
    assert refusal.value.code == "requester_missing"
    assert commands.submit(case, by=by, contacts=[commands.requester(someone.guid)]).status == Status.IN_PROGRESS


def test_only_a_case_has_sub_cases(first: Customer, by: Actor) -> None:
    """work-manager SUB-1."""
    (action, *_) = _actions(_case(first.case_version, by))
    for item in (_ticket(first, by), action):
        with pytest.raises(Invalid) as refusal:
            commands.launch_sub_case(item, first.case_version.guid, "Below", by=by)
        assert refusal.value.code == "not_a_case"


def test_a_sub_case_is_for_the_customer_of_its_case(first: Customer, second: Customer, admin: Actor) -> None:
    """work-manager SUB-2."""
    case = _case(first.case_version, admin)
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.launch_sub_case(case, second.case_version.guid, "Of another customer", by=admin)
    assert (refusal.value.code, refusal.value.field, found.events) == (
        "sub_case_of_other_customer",
        "process_version",
        [],
    )


def test_a_sub_case_is_launched_with_what_it_needs(
    first: Customer, by: Actor, admin: Actor, organisation: Organisation
) -> None:
    """work-manager SUB-3; builder SL-2."""
    asking = _case_type("Loan", first, admin, requires_primary_contact=True)
    case = _case(first.case_version, by)
    with pytest.raises(Invalid) as refusal:
        commands.launch_sub_case(case, asking.guid, "Loan", by=by)
    assert refusal.value.code == "primary_contact_missing"
    someone, due = organisation.accounts["team member"].user, clock.now() + timedelta(days=9)
    more: commands.Changes = {
        "description": "For the new room.",
        "due_date": due,
        "contacts": [commands.requester(someone.guid)],
    }
    made = commands.launch_sub_case(case, asking.guid, "Loan", by=by, more=more)
    assert (made.title, made.description, made.due_date) == ("Loan", "For the new room.", due)
    assert [row.user for row in queries.contacts_of(made, by=by)] == [someone]


def test_a_draft_is_resolved_at_once(first: Customer, by: Actor) -> None:
    """work-manager STA-7."""
    draft = commands.create_ticket(first.ticket_version.guid, by=by, title="Broken chair")
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.resolve(draft, by=by)
    assert (refusal.value.code, found.events) == ("category_missing", [])
    with recorded() as found:
        done = commands.resolve(draft, by=by, category_guid=first.category.guid)
    assert (done.status, done.started_at is not None, done.due_date is not None) == (Status.CLOSED, True, True)
    assert found.names == ["WorkItemUpdated"]
    case = commands.create_case(first.case_version.guid, by=by, title="Order")
    with pytest.raises(Conflict):
        commands.resolve(case, by=by)


def test_people_choose_among_four_ways_to_resolve_a_ticket(first: Customer, by: Actor) -> None:
    """work-manager TIC-7."""
    offered = {
        ResolutionMethod.COMMUNICATION,
        ResolutionMethod.NO_CUSTOMER_RESPONSE,
        ResolutionMethod.REJECTED,
        ResolutionMethod.REJECTED_AS_SPAM,
    }
    for method in ResolutionMethod:
        ticket = _ticket(first, by)
        if method in offered:
            assert commands.resolve(ticket, by=by, method=method).resolution_method == method
        else:
            with pytest.raises(Invalid) as refusal:
                commands.resolve(ticket, by=by, method=method)
            assert refusal.value.code == "resolution_method_invalid"


def test_running_is_to_do_in_progress_or_waiting(first: Customer, by: Actor) -> None:
    """work-manager STA-9."""
    to_do, taken, waiting, done = (_ticket(first, by, title) for title in ("A", "B", "C", "D"))
    commands.take(taken, by=by)
    commands.wait_for_information(waiting, by=by)
    commands.resolve(done, by=by)
    draft = commands.create_ticket(first.ticket_version.guid, by=by, title="Draft")

    def found(running: bool) -> set[int]:
        return {item.pk for item in lists.narrowed(WorkItem.objects.all(), lists.Wanted(running=running))}

    assert found(True) == {to_do.pk, taken.pk, waiting.pk}
    assert found(False) == {done.pk, draft.pk}


def test_the_actions_of_a_case_have_their_order(first: Customer, by: Actor) -> None:
    """work-manager CAS-7."""
    case, now = _case(first.case_version, by), clock.now()
    by_hand = first.case_version.steps.get(number=0).actions.get()
    one, two = _actions(case)
    made = commands.launch_action(case, by_hand.guid, by=by, times=6)
    soon, late, same_and_later, paused, long_paused, closed = made
    order: list[tuple[WorkItem, dict[str, object]]] = [
        (soon, {"due_date": now + timedelta(days=1)}),
        (same_and_later, {"due_date": now + timedelta(days=2), "started_at": now}),
        (late, {"due_date": now + timedelta(days=2), "started_at": now - timedelta(days=1)}),
        (one, {"due_date": now + timedelta(days=2)}),
        (two, {"status": Status.IN_PROGRESS, "assignee": by.user_id, "due_date": now}),
        (paused, _waiting(now + timedelta(days=9), now + timedelta(days=8))),
        (long_paused, _waiting(now + timedelta(days=2), now)),
        (closed, {"status": Status.CLOSED, "resolution_method": "DoneSuccessfully", "due_date": now}),
    ]
    by_hand.due_rule = {"amount": 2, "unit": "hours", "add_wait_time": True}
    by_hand.save()
    for item, columns in order:
        WorkItem.objects.filter(pk=item.pk).update(**columns)
    assert [item.reference for item in queries.items_under(case, by=by)] == [item.reference for item, _ in order]


def _waiting(due: datetime, since: datetime) -> dict[str, object]:
    return {"status": Status.WAITING, "wait_type": WaitType.INFORMATION, "due_date": due, "waiting_since": since}


def test_what_becomes_of_a_ticket_is_linked_to_what_the_ticket_was_linked_to(first: Customer, by: Actor) -> None:
    """work-manager LNK-4: split, too, in the test of splitting."""
    linked, target = _ticket(first, by, "Linked"), _ticket(first, by, "Target")
    merged, converted = _ticket(first, by, "Merged"), _ticket(first, by, "Converted")
    for ticket in (merged, converted):
        commands.link(ticket, [linked], by=by)
    commands.merge([merged], target, by=by)
    case = commands.convert(converted, first.case_version.guid, by=by)
    seen = [relations.seen_from(linked, row) for row in relations.relations_of(linked, by=by)]
    assert {one.other.pk for one in seen if one.name == "linked"} == {
        item.pk for item in (merged, converted, target, case)
    }
