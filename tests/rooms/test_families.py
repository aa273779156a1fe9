"""What a case shares with its actions, its sub-cases and the ticket it was made for, who sees it, and what happens at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.access.models import Role
from workwire.jobs import timers
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden
from workwire.outbox import public_changes
from workwire.rooms.commitments.rules import Base, DueRule, Unit
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations import queries as said
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.defects import commands as defects
from workwire.rooms.defects import queries as defect_queries
from workwire.rooms.files.commands import FileWish
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import FieldKind, ProcessVersion, VersionState, WorkType
from workwire.rooms.parties import tags
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands, family_sight, item_files, queries
from workwire.rooms.work.models import ItemContact, Status, WorkItem


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work and sees all of it."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def case(first: Customer, by: Actor) -> WorkItem:
    """A running case with two actions."""
    return commands.create_case(first.case_version.guid, by=by, title="Chairs", submit=True)


@pytest.fixture
def other_process(first: Customer, admin: Actor) -> ProcessVersion:
    """Another case process of the same customer, with one action."""
    line = first.service.service_line
    kind = offering.create_work_type(line, WorkType.objects.get(name="Order").kind, "Delivery", by=admin)
    process = offering.create_process(first.service, kind, by=admin)
    version = offering.create_version(process, by=admin)
    offering.add_action(
        offering.add_step(version, "Bring", by=admin), WorkType.objects.get(name="Ring Customer"), by=admin
    )
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


@pytest.fixture
def driver(other_process: ProcessVersion, admin: Actor) -> Actor:
    """An account that sees the other process and nothing else."""
    user = access.create_user("dora", "Dora", list(Role.objects.filter(name="Team Member")), by=admin)
    group = access.create_group("Drivers", by=admin)
    access.grant(group, "process", other_process.process, by=admin)
    access.change_members(group, add=[user], by=admin)
    return sessions.actor_for(user)


def _turn() -> None:
    """Carry out all timers that are due."""
    while timers.turn(clock.now()):
        pass


def _actions(case: WorkItem) -> list[WorkItem]:
    return list(WorkItem.objects.filter(parent=case.pk, kind=3).order_by("pk"))


def _data(item: WorkItem, by: Actor) -> dict[str, Any]:
    return family_sight.custom_data_shown(queries.item(item.guid, by=by), by=by)


def test_custom_data_is_written_at_one_item_and_seen_at_all_of_its_family(
    case: WorkItem, by: Actor, other_process: ProcessVersion
) -> None:
    """builder CD-2; work-manager SUB-4: the outermost case keeps it, the item that was written at tells."""
    one, two = _actions(case)
    below = commands.launch_sub_case(case, other_process.guid, "Bring them", by=by)
    (deepest,) = _actions(below)
    with recorded() as found:
        commands.update(one, by=by, custom_data={"Invoice": "4711"})
    assert [(event.name, event.record_guid) for event in found.events] == [("WorkItemUpdated", one.guid)]
    kept = [change for change in json.loads(found.only.changes or "[]") if change["key"] == str(case.guid)]
    assert [change["new"]["custom_data"] for change in kept] == [{"Invoice": "4711"}]
    assert [_data(item, by) for item in (case, one, two, below, deepest)] == [{"Invoice": "4711"}] * 5
    commands.update(deepest, by=by, custom_data={"Invoice": None, "Amount": 12})
    assert [_data(item, by) for item in (case, one, two, below, deepest)] == [{"Amount": 12.0}] * 5
    rows = WorkItem.objects.exclude(pk=case.pk).filter(family=case.pk)
    assert set(rows.values_list("pk", flat=True)) == {one.pk, two.pk, below.pk, deepest.pk}
    assert not rows.exclude(custom_data={}).exists()


def test_a_case_whose_data_was_written_elsewhere_has_another_version(case: WorkItem, by: Actor) -> None:
    """Who changes it at the version that was read before is told so."""
    version = WorkItem.objects.get(pk=case.pk).version
    commands.update(_actions(case)[0], by=by, custom_data={"Invoice": "1"})
    assert WorkItem.objects.get(pk=case.pk).version == version + 1


def test_private_fields_are_those_of_one_item(case: WorkItem, by: Actor, admin: Actor) -> None:
    """builder CD-2."""
    field = offering.create_data_field("Mood", FieldKind.SHORT_TEXT, private=True, by=admin)
    assert field.private
    one, two = _actions(case)
    commands.update(one, by=by, custom_data={"mood": "Fine", "Invoice": "1"})
    commands.update(case, by=by, custom_data={"Mood": "Grey"})
    assert [_data(item, by) for item in (case, one, two)] == [
        {"Invoice": "1", "Mood": "Grey"},
        {"Invoice": "1", "Mood": "Fine"},
        {"Invoice": "1"},
    ]
    commands.update(one, by=by, custom_data={"Mood": None})
    assert _data(one, by) == {"Invoice": "1"}


def test_a_ticket_and_the_case_it_became_share_what_either_has(first: Customer, by: Actor) -> None:
    """builder CD-2: what the ticket had counts unless the case is given another value."""
    ticket = commands.create_ticket(
        first.ticket_version.guid,
        by=by,
        title="Chairs",
        category_guid=first.category.guid,
        submit=True,
        custom_data={"Invoice": "4711", "Amount": 3},
    )
    case = commands.convert(ticket, first.case_version.guid, by=by, custom_data={"Amount": 4})
    assert _data(ticket, by) == _data(case, by) == {"Invoice": "4711", "Amount": 4.0}
    commands.update(ticket, by=by, custom_data={"Invoice": "4712"})
    commands.resolve(_actions(case)[0], by=by, custom_data={"Hurry": "High"})
    assert _data(ticket, by) == _data(case, by) == {"Invoice": "4712", "Amount": 4.0, "Hurry": "High"}


def test_a_merged_ticket_keeps_what_it_had(first: Customer, case: WorkItem, by: Actor) -> None:
    """It is closed; what both have is not mixed (decision 0088)."""
    ticket = commands.create_ticket(
        first.ticket_version.guid, by=by, title="x", category_guid=first.category.guid, submit=True,
        custom_data={"Invoice": "1"},
    )  # fmt: skip
    commands.merge([ticket], case, by=by)
    assert (_data(ticket, by), _data(case, by)) == ({"Invoice": "1"}, {})


def test_a_value_is_shown_to_who_sees_where_it_was_written_and_changed_by_nobody_else(
    case: WorkItem, by: Actor, other_process: ProcessVersion, driver: Actor
) -> None:
    """builder CD-2, work-manager SUB-4: rights are those of the item that it came from, an action stands for its case."""
    below = commands.launch_sub_case(
        case, other_process.guid, "Bring them", by=by, more={"custom_data": {"Hurry": "High"}}
    )
    commands.update(_actions(case)[0], by=by, custom_data={"Invoice": "secret"})
    (bring,) = _actions(below)
    commands.update(bring, by=driver, custom_data={"Amount": 2})
    assert _data(below, driver) == _data(bring, driver) == {"Hurry": "High", "Amount": 2.0}
    assert _data(case, by) == _data(below, by) == {"Hurry": "High", "Invoice": "secret", "Amount": 2.0}
    with pytest.raises(Forbidden) as refusal:
        commands.update(bring, by=driver, custom_data={"Invoice": "mine"})
    assert (refusal.value.code, refusal.value.field) == ("custom_data_of_other_item", "custom_data.Invoice")
    commands.update(case, by=by, custom_data={"Invoice": "secret, too"})
    commands.update(_actions(case)[0], by=by, custom_data={"Amount": 3})
    assert _data(bring, driver)["Amount"] == 3.0
    assert "Invoice" not in _data(bring, driver)  # it came from the case, who changed it saw that


def test_the_history_of_a_case_tells_no_value_that_came_from_an_item_out_of_sight(
    first: Customer, case: WorkItem, by: Actor, admin: Actor, other_process: ProcessVersion
) -> None:
    """builder CD-2, work-manager SUB-4: also after the value was emptied; who reads all records' history is told."""
    user = access.create_user("cleo", "Cleo", list(Role.objects.filter(name="Team Member")), by=admin)
    group = access.create_group("Clerks", by=admin)
    access.grant(group, "process", first.case_version.process, by=admin)
    access.change_members(group, add=[user], by=admin)
    clerk, more = sessions.actor_for(user), {"custom_data": {"Invoice": "secret", "Hurry": "High"}}
    commands.launch_sub_case(case, other_process.guid, "Bring them", by=by, more=commands.Changes(**more))
    commands.update(case, by=by, custom_data={"Invoice": "secret, too", "Amount": 8})
    commands.update(case, by=by, custom_data={"Hurry": None})
    for reader, sees in ((clerk, False), (by, True), (admin, True)):
        history = queries.history(case.guid, by=reader)
        told = str(public_changes.changes_of(history, by=reader))
        assert ("secret" in told, "High" in told, "'Amount': 8.0" in told) == (sees, sees, True)


def test_in_self_service_one_sees_what_came_from_ones_own_ticket(first: Customer, by: Actor) -> None:
    me = replace(by, user_type=UserType.SELF_SERVICE, features=frozenset({features.SELF_SERVICE}))
    ticket = commands.create_ticket(
        first.ticket_version.guid, by=by, title="x", category_guid=first.category.guid, submit=True,
        custom_data={"Invoice": "1"},
    )  # fmt: skip
    case = commands.convert(ticket, first.case_version.guid, by=by)
    WorkItem.objects.filter(pk=case.pk).update(started_by=None)
    commands.update(_actions(case)[0], by=by, custom_data={"Amount": 7})
    assert _data(ticket, me) == {"Invoice": "1"}
    assert _data(ticket, by) == {"Invoice": "1", "Amount": 7.0}


def test_the_contacts_of_an_action_are_those_of_its_case(case: WorkItem, by: Actor, organisation: Organisation) -> None:
    """work-manager ACT-1: changes flow back; builder SL-2: what the case must have, its actions have."""
    one, two = _actions(case)
    user = organisation.accounts["team member"].user
    primary = ContactTag.objects.get(built_in=tags.PRIMARY)
    wish = commands.ContactWish(user.guid, (commands.TagWish(primary.guid),))
    with recorded() as found:
        commands.update(one, by=by, contacts=[wish])
    assert [event.record_guid for event in found.events] == [one.guid]
    for item in (case, one, two):
        (row,) = queries.contacts_of(item, by=by)
        assert ([tag.pk for tag in row.tags.all()], row.user) == ([primary.pk], user)
    assert list(ItemContact.objects.values_list("item", flat=True)) == [case.pk]
    commands.update(two, by=by, contacts=[commands.ContactWish(user.guid, retired=True)])
    assert not ItemContact.objects.exists()


def test_files_defects_and_what_was_said_are_seen_in_the_whole_family(
    case: WorkItem, by: Actor, admin: Actor, first: Customer, other_process: ProcessVersion, driver: Actor
) -> None:
    """builder SL-12; work-manager SUB-4, LNK-7: what was said is there for a case, and at an action where it is asked for."""
    category = defects.create_category(first.service.service_line, "Late", by=admin)
    (one, _), below = _actions(case), commands.launch_sub_case(case, other_process.guid, "Bring", by=by)
    commands.attach_file(one, FileWish(data=b"x", file_name="of action.txt"), by=by)
    commands.attach_file(below, FileWish(data=b"x", file_name="of sub-case.txt"), by=by)
    found = defects.add(one, category.guid, by=by)
    note = conversations.add(one, by=by, kind=CommunicationType.AUDIT_NOTE, body="Measured.")

    def seen(item: WorkItem, who: Actor) -> tuple[list[str], int, int, int]:
        files = sorted(file.file_name for file in item_files.files_of(item, by=who))
        talk = said.communications_of(item, by=who), said.communications_of(item, by=who, related=True)
        return files, defect_queries.defects_of(item, by=who).count(), *(one.count() for one in talk)

    both = ["of action.txt", "of sub-case.txt"]
    assert seen(case, by) == (both, 1, 1, 1)
    assert seen(one, by) == (both, 1, 1, 1)
    assert seen(below, by) == (both, 1, 1, 1)
    assert seen(_actions(case)[1], by) == (both, 1, 0, 1)
    assert seen(below, driver) == (["of sub-case.txt"], 0, 0, 0)
    assert defect_queries.defect(found.guid, by=by).work_item_id == one.pk
    assert said.communication(note.guid, by=by).work_item_id == one.pk
    assert [item.pk for item in family_sight.members(one, by=by)] == [
        case.pk,
        *(a.pk for a in _actions(case)),
        below.pk,
        *(a.pk for a in _actions(below)),
    ]
    assert {item.pk for item in family_sight.members(below, by=driver)} == {below.pk, _actions(below)[0].pk}


def test_due_dates_that_are_counted_from_a_field_follow_it_in_the_whole_family(
    first: Customer, by: Actor, admin: Actor
) -> None:
    """builder CD-2: the clock counts those of other members, each of which tells its own change."""
    process = first.case_version.process
    rule = DueRule(1, Unit.DAYS, base=Base.CUSTOM_DATE, of="Pay By")
    version = offering.create_version(process, due=rule, by=admin)
    step = offering.add_step(version, "Pay", by=admin)
    kinds = [WorkType.objects.get(name=name) for name in ("Check Budget", "Take Measure")]
    for branch, kind in enumerate(kinds, 1):
        offering.add_action(step, kind, branch=branch, due=rule, by=admin)
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    case = commands.create_case(version.guid, by=by, title="Pay", submit=True, custom_data={"Pay By": "2030-01-10"})
    one, two = _actions(case)
    days = {item.pk: item.due_date for item in WorkItem.objects.filter(pk__in=(case.pk, one.pk, two.pk))}
    assert None not in days.values()
    with recorded() as found:
        commands.update(one, by=by, custom_data={"Pay By": "2030-01-13"})
    assert {event.record_guid for event in found.events} == {case.guid, one.guid}
    with recorded() as found:
        _turn()
    assert [event.record_guid for event in found.events] == [two.guid]
    later = {item.pk: item.due_date for item in WorkItem.objects.filter(pk__in=days)}
    moved = {pk: later[pk] - due for pk, due in days.items() if (due is not None and later[pk] is not None)}  # type: ignore[operator]  # both are there
    assert len(set(moved.values())) == 1
    assert min(moved.values()) > timedelta(days=2)


def test_a_due_date_that_is_counted_from_a_private_field_follows_that_of_its_own_item(
    first: Customer, by: Actor, admin: Actor
) -> None:
    """builder CD-2."""
    offering.create_data_field("Ring On", FieldKind.DATE, private=True, by=admin)
    rule = DueRule(1, Unit.DAYS, base=Base.CUSTOM_DATE, of="Ring On")
    version = offering.create_version(first.case_version.process, by=admin)
    step = offering.add_step(version, "Ring", by=admin)
    for branch, name in enumerate(("Check Budget", "Take Measure"), 1):
        offering.add_action(step, WorkType.objects.get(name=name), branch=branch, due=rule, by=admin)
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    case = commands.create_case(version.guid, by=by, title="Ring", submit=True)
    one, two = _actions(case)
    with recorded() as found:
        commands.update(one, by=by, custom_data={"Ring On": "2030-01-10"})
        commands.update(case, by=by, custom_data={"Ring On": "2031-01-10"})
        _turn()
    assert [event.record_guid for event in found.events] == [one.guid, case.guid]
    days = [item.due_date for item in _actions(case)]
    assert days[0] is not None
    assert days[0].date().isoformat()[:7] == "2030-01"
    assert days[1] == two.due_date


@pytest.mark.django_db(transaction=True)
def test_two_actions_that_write_at_once_lose_nothing(case: WorkItem, by: Actor) -> None:
    one, two = _actions(case)
    overlap(
        lambda: commands.update(one, by=by, custom_data={"Invoice": "1"}),
        lambda: commands.update(two, by=by, custom_data={"Amount": 2}),
    )
    assert _data(case, by) == {"Invoice": "1", "Amount": 2.0}


@pytest.mark.django_db(transaction=True)
def test_an_action_that_ends_with_data_and_its_case_that_is_edited_do_not_wait_for_each_other(
    case: WorkItem, by: Actor
) -> None:
    one, _ = _actions(case)
    overlap(
        lambda: commands.resolve(one, by=by, custom_data={"Invoice": "1"}),
        lambda: commands.update(case, by=by, custom_data={"Amount": 2}),
    )
    assert _data(one, by) == {"Invoice": "1", "Amount": 2.0}
    assert WorkItem.objects.get(pk=one.pk).status == Status.CLOSED


def test_the_title_of_an_action_is_that_of_its_case(case: WorkItem, by: Actor) -> None:
    """work-manager ACT-7: what ended keeps the one under which it ended."""
    one, two = _actions(case)
    commands.resolve(one, by=by)
    with recorded() as found:
        commands.update(case, by=by, title="Tables")
        _turn()
    assert [(event.name, event.record_guid) for event in found.events] == [
        ("WorkItemUpdated", case.guid),
        ("WorkItemUpdated", two.guid),
    ]
    assert [json.loads(event.body)["Previous"] for event in found.events] == [{"Title": "Chairs"}] * 2
    assert [item.title for item in _actions(case)] == ["Chairs", "Tables"]
    with pytest.raises(Conflict) as refusal:
        commands.update(two, by=by, title="Mine")
    assert (refusal.value.code, refusal.value.field) == ("title_of_case", "title")
    commands.update(two, by=by, title="Tables", record_count=2)  # the one it has is no other one


def test_what_is_said_at_the_target_is_seen_at_the_merged_ticket(first: Customer, case: WorkItem, by: Actor) -> None:
    """work-manager MRG-3: unless only its own is asked for."""
    ticket = commands.create_ticket(
        first.ticket_version.guid, by=by, title="x", category_guid=first.category.guid, submit=True
    )
    own = conversations.add(ticket, by=by, kind=CommunicationType.AUDIT_NOTE, body="Before.")
    commands.merge([ticket], case, by=by)
    later = conversations.add(case, by=by, kind=CommunicationType.AUDIT_NOTE, body="After.")
    ticket.refresh_from_db()
    assert list(said.communications_of(ticket, by=by)) == [later, own]
    assert list(said.communications_of(ticket, by=by, related=False)) == [own]
