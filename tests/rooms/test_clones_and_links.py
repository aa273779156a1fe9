"""Contracts and types like others, another supplier, and items that begin linked with copies."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access.models import User
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.rooms.commitments import commands as commitments
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import Communication, CommunicationType, SendStatus
from workwire.rooms.defects import commands as defects
from workwire.rooms.defects.models import Defect
from workwire.rooms.files.commands import FileWish
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.conditions import parse
from workwire.rooms.offering.models import FieldKind, WorkType
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands, condition_facts, item_files, queries, relations
from workwire.rooms.work.commands import Copied
from workwire.rooms.work.item_due_dates import calendar_of, calendar_row_of, terms_of
from workwire.rooms.work.models import ItemContact, Status, WorkItem


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def someone(organisation: Organisation) -> User:
    """An account that is a contact of items."""
    return organisation.accounts["team member"].user


@pytest.fixture
def origin(first: Customer, by: Actor, admin: Actor, someone: User) -> WorkItem:
    """A ticket with a contact, a file and custom data."""
    offering.create_data_field("Room", FieldKind.SHORT_TEXT, by=admin)
    return commands.create_ticket(
        first.ticket_version.guid,
        by=by,
        title="Broken chair",
        category_guid=first.category.guid,
        submit=True,
        custom_data={"Room": "12"},
        contacts=[commands.ContactWish(someone.guid)],
        files=[FileWish(data=b"A picture.", file_name="chair.txt")],
    )


def _has(item: WorkItem, by: Actor) -> tuple[int, dict[str, object], list[str]]:
    files = [one.file_name for one in item_files.files_of(item, by=by)]
    return ItemContact.objects.filter(item=item.pk).count(), WorkItem.objects.get(pk=item.pk).custom_data, files


def test_a_contract_is_cloned_without_its_name(first: Customer, admin: Actor) -> None:
    """builder CT-3."""
    parties.update_contract(first.contract, description="One year.", time_zone="Europe/Madrid", by=admin)
    with recorded() as found:
        made = parties.clone_contract(first.contract, "Next year", by=admin)
    assert [event.name for event in found.events] == ["ContractCreated"]
    alike = ("customer_id", "supplier_id", "description", "time_zone", "calendar_id")
    first.contract.refresh_from_db()
    assert [getattr(made, name) for name in alike] == [getattr(first.contract, name) for name in alike]
    assert (made.name, made.services.exists()) == ("Next year", False)
    with pytest.raises(Conflict):
        parties.clone_contract(first.contract, "Next year", by=admin)


def test_items_keep_the_terms_with_which_they_began(first: Customer, by: Actor, admin: Actor, origin: WorkItem) -> None:
    """builder CT-1: name, time zone and calendar of the contract; what begins later has the new ones."""
    name, zone, week = first.contract.name, first.contract.time_zone, first.contract.calendar
    nights = commitments.create_calendar("Nights", by=admin)
    parties.update_contract(first.contract, name="Next year", time_zone="Asia/Tokyo", calendar=nights, by=admin)
    parties.update_contract(first.contract, time_zone="Europe/Madrid", calendar=None, by=admin)
    parties.update_contract(first.contract, description="Said better.", by=admin)
    later = commands.create_ticket(first.ticket_version.guid, title="Another chair", by=by)
    began, after = (queries.item(one.guid, by=by) for one in (origin, later))
    assert (terms_of(began).name, terms_of(began).time_zone, calendar_row_of(began)) == (name, zone, week)
    assert (terms_of(after).name, terms_of(after).time_zone, calendar_row_of(after)) == (
        "Next year",
        "Europe/Madrid",
        None,
    )
    assert calendar_of(began).zone == ZoneInfo(zone)
    asked = parse('[contractName] = "x"')
    for item, said in ((began, (name, zone)), (after, ("Next year", "Europe/Madrid"))):
        facts = condition_facts.facts_of(item, [asked], at=clock.now())
        assert (facts.values["contractName"], facts.time_zone) == said
    with recorded() as found:
        commands.update(origin, title="A chair", by=by)
    assert json.loads(found.only.body)["ContractName"] == name
    assert len(queries.item(origin.guid, by=by).contract.earlier_terms or ()) == 2


def test_another_supplier_holds_for_all_items_those_that_ended_too(
    first: Customer, by: Actor, admin: Actor, origin: WorkItem
) -> None:
    """builder CT-2."""
    other = parties.create_company("Borealis", is_supplier=True, by=admin)
    commands.resolve(origin, by=by)
    for wrong in (parties.create_company("Nobody's", is_supplier=False, by=admin),):
        with pytest.raises(Invalid) as refusal:
            parties.update_contract(first.contract, supplier=wrong, by=admin)
        assert refusal.value.code == "supplier_invalid"
    parties.update_contract(first.contract, supplier=other, by=admin)
    assert queries.item(origin.guid, by=by).contract.supplier == other


def test_a_type_is_cloned_with_its_checklist(first: Customer, admin: Actor, by: Actor) -> None:
    """builder SL-9."""
    kind = WorkType.objects.get(name="Check Budget")
    offering.add_global_checklist(kind, ("Signed?", "Dated?"), by=admin)
    made = offering.clone_work_type(kind, "Check Budget again", by=admin)
    assert (made.kind, made.service_line_id, made.name) == (kind.kind, kind.service_line_id, "Check Budget again")
    assert [line.description for line in made.checklist.all()] == ["Signed?", "Dated?"]
    with pytest.raises(Conflict):
        offering.clone_work_type(kind, "Check Budget", by=admin)
    with pytest.raises(Forbidden):
        offering.clone_work_type(kind, "Mine", by=by)


@pytest.mark.parametrize("kind", ["ticket", "case"])
def test_a_new_item_is_begun_linked_with_copies_of_what_is_named(
    kind: str, first: Customer, by: Actor, origin: WorkItem
) -> None:
    """work-manager LNK-3: the two share nothing afterwards."""
    version = first.ticket_version if kind == "ticket" else first.case_version
    bare = commands.create_linked(origin, version.guid, by=by, title="Another chair")
    assert (bare.status, _has(bare, by)) == (Status.DRAFT, (0, {}, []))
    full = commands.create_linked(origin, version.guid, by=by, title="A third chair", copies=set(Copied))
    assert _has(full, by) == (1, {"Room": "12"}, ["chair.txt"])
    commands.update(origin, by=by, custom_data={"Room": "13"})
    assert _has(full, by)[1] == {"Room": "12"}
    for made in (bare, full):
        (relation,) = relations.relations_of(made, by=by)
        assert relations.seen_from(made, relation).other == origin
        assert relations.seen_from(made, relation).name == "linked"


def test_defects_and_what_was_said_are_copied_once_from_the_whole_family(
    first: Customer, second: Customer, by: Actor, admin: Actor, origin: WorkItem
) -> None:
    """work-manager LNK-3: as a record; nothing is sent or announced again, and it answers nobody at the new item."""
    kind = defects.create_category(first.service.service_line, "Wrong address", by=admin)
    defects.add(origin, kind.guid, description="Of the ticket.", by=by)
    case = commands.convert(origin, first.case_version.guid, by=by)
    defects.add(case, kind.guid, description="Of the case.", by=by)
    conversations.add(origin, body="Rang.", kind=CommunicationType.PHONE_INCOMING, by=by)
    mail = conversations.Mail(
        to=["ines@example.org"],
        subject="Your chair",
        body="It comes.",
        attachments=[FileWish(data=b"x", file_name="way.txt")],
    )
    sent = conversations.send_mail(case, mail, by=by)
    Communication.objects.filter(pk=sent.pk).update(send_status=SendStatus.QUEUED, next_attempt_at=clock.now())
    copies = {Copied.DEFECTS, Copied.COMMUNICATIONS, Copied.FILES}
    with recorded() as found:
        made = commands.create_linked(
            case, second.ticket_version.guid, title="Again", copies=copies, category_guid=second.category.guid,
            submit=True, by=by,
        )  # fmt: skip
    assert found.names == ["WorkItemCreated", "WorkItemUpdated"]
    assert sorted(one.description for one in Defect.objects.filter(work_item=made)) == [
        "Of the case.",
        "Of the ticket.",
    ]
    said = Communication.objects.filter(work_item=made).order_by("pk")
    assert [(one.kind, one.body, one.logged_at) for one in said] == [
        (one.kind, one.body, one.logged_at) for one in Communication.objects.exclude(work_item=made).order_by("pk")
    ]
    copied = said[1]
    assert (copied.send_status, copied.next_attempt_at, copied.recipients) == (None, None, "ines@example.org")
    assert [str(one.file.file_name) for one in copied.attachments.all()] == ["way.txt"]
    assert {one.file.work_item_id for one in copied.attachments.all()} == {made.pk}
    assert sorted(file.file_name for file in item_files.files_of(made, by=by)) == ["chair.txt", "way.txt"]
    with pytest.raises(Conflict) as refusal:
        conversations.resolve(made, by=by)
    assert refusal.value.code == "communication_missing"


def test_what_is_given_counts_before_a_copy_and_may_be_submitted_at_once(
    first: Customer, second: Customer, by: Actor, origin: WorkItem
) -> None:
    """work-manager LNK-3: for any customer."""
    made = commands.create_linked(
        origin,
        first.ticket_version.guid,
        by=by,
        title="Another chair",
        category_guid=first.category.guid,
        custom_data={"Room": "14"},
        copies={Copied.CUSTOM_DATA},
        submit=True,
    )
    assert (made.status, made.custom_data) == (Status.TO_DO, {"Room": "14"})
    case = commands.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    (action, *_) = queries.items_under(case, by=by)
    with pytest.raises(Invalid) as refusal:
        commands.create_linked(action, first.ticket_version.guid, by=by, title="x")
    assert refusal.value.code == "link_not_for_actions"
