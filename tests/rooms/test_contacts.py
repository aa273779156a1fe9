"""Contacts: who they are, who sees them, and as what they stand at a work item."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, NotFound
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import VersionState
from workwire.rooms.parties import commands, queries
from workwire.rooms.parties.models import Contact, ContactTag
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.rooms.work.commands import ContactWish, TagWish
from workwire.rooms.work.models import WorkItem


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def ticket(open_ticket: Callable[..., WorkItem]) -> WorkItem:
    """A draft of the first customer."""
    return open_ticket()


@pytest.fixture
def ines(by: Actor, first: Customer) -> Contact:
    """A contact of the first customer."""
    return commands.create_contact(
        "ines@willow.example", by=by, company=first.company, first_name="Ines", surname="Duarte"
    )


def _tag(built_in: str) -> ContactTag:
    return ContactTag.objects.get(built_in=built_in)


def _held(item: WorkItem, by: Actor) -> dict[str, set[str]]:
    return {
        str(row.contact or row.user): {tag.built_in or tag.name for tag in row.tags.all()}
        for row in items.contacts_of(item, by=by)
    }


def test_a_contact_is_one_of_its_company_whatever_the_case_of_its_address(
    ines: Contact, by: Actor, first: Customer, second: Customer
) -> None:
    assert ines.full_name == "Ines Duarte"
    with recorded() as found, pytest.raises(Conflict) as refusal:
        commands.create_contact("INES@willow.example", by=by, company=first.company)
    assert refusal.value.code == "contact_email_taken"
    assert found.events == []
    commands.create_contact("ines@willow.example", by=by, company=second.company)
    commands.create_contact("ines@willow.example", by=by)
    with pytest.raises(Conflict):
        commands.create_contact("Ines@willow.example", by=by)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": "nobody"}, "email_invalid"),
        ({"email": "a@b.example", "time_zone": "Mars/Olympus"}, "time_zone_invalid"),
        ({"email": "a@b.example", "language": "klingon!"}, "language_invalid"),
        ({"email": "a@b.example", "surname": "x" * 101}, "text_too_long"),
    ],
)
def test_wrong_fields_of_a_contact_are_refused(fields: dict[str, str], code: str, by: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        commands.create_contact(by=by, **fields)  # type: ignore[arg-type]  # free fields
    assert refusal.value.code == code


def test_contacts_are_seen_with_their_company_and_global_ones_by_all_who_work(
    ines: Contact, by: Actor, actors: dict[str, Actor], second: Customer
) -> None:
    everywhere = commands.create_contact("help@world.example", by=by)
    other = commands.create_contact("o@aurora.example", by=by, company=second.company)
    narrow = actors["process builder of one company"]
    assert set(queries.contacts_visible_to(narrow)) == {everywhere, other}
    assert set(queries.contacts_visible_to(by)) == {ines, everywhere, other}
    with pytest.raises(NotFound):
        queries.contact(ines.guid, by=narrow)
    with pytest.raises(NotFound):
        commands.update_contact(ines, by=narrow, surname="X")


@pytest.mark.parametrize("built_in", ["primary", "original_requester", "requester", "subject"])
def test_a_built_in_tag_is_held_by_one_and_moves_to_whoever_gets_it_last(
    built_in: str, ticket: WorkItem, ines: Contact, by: Actor, organisation: Organisation
) -> None:
    tomas, tag = organisation.accounts["team member"].user, TagWish(_tag(built_in).guid)
    with recorded() as found:
        work.update(ticket, by=by, contacts=[ContactWish(ines.guid, (tag,))])
    assert found.only.name == "WorkItemUpdated"
    work.update(ticket, by=by, contacts=[ContactWish(tomas.guid, (tag,))])
    assert _held(ticket, by) == {"Ines Duarte": set(), str(tomas): {built_in}}
    with pytest.raises(Invalid) as refusal:
        work.update(ticket, by=by, contacts=[ContactWish(ines.guid, (tag,)), ContactWish(tomas.guid, (tag,))])
    assert refusal.value.code == "contact_tag_held_twice"


def test_configured_tags_are_held_by_many_and_those_of_another_supplier_by_none(
    ticket: WorkItem, ines: Contact, by: Actor, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    admin = actors["administrator"]
    approver = commands.create_contact_tag("Approver", by=admin)
    supplier = commands.create_company("Other Supplier", is_customer=False, is_supplier=True, by=admin)
    foreign = commands.create_contact_tag("Auditor", by=admin, supplier=supplier)
    tomas = organisation.accounts["team member"].user
    wishes = [ContactWish(guid, (TagWish(approver.guid),)) for guid in (ines.guid, tomas.guid)]
    work.update(ticket, by=by, contacts=wishes)
    assert set(map(frozenset, _held(ticket, by).values())) == {frozenset({"Approver"})}
    with pytest.raises(Invalid) as refusal:
        work.update(ticket, by=by, contacts=[ContactWish(ines.guid, (TagWish(foreign.guid),))])
    assert refusal.value.code == "contact_tag_of_other_company"
    commands.update_contact_tag(approver, retired=True, by=admin)
    work.update(ticket, by=by, contacts=[ContactWish(tomas.guid, (TagWish(approver.guid, retired=True),))])
    with pytest.raises(Invalid) as refusal:
        work.update(ticket, by=by, contacts=[ContactWish(tomas.guid, (TagWish(approver.guid),))])
    assert refusal.value.code == "contact_tag_retired"
    with pytest.raises(Conflict):
        commands.update_contact_tag(_tag("primary"), name="Main", by=admin)


def test_only_who_may_stand_there_does(ticket: WorkItem, ines: Contact, by: Actor, second: Customer) -> None:
    other = commands.create_contact("o@aurora.example", by=by, company=second.company)
    for guid, code in ((other.guid, "contact_of_other_company"), (UUID(int=7), "contact_not_found")):
        with recorded() as found, pytest.raises(Invalid) as refusal:
            work.update(ticket, by=by, contacts=[ContactWish(guid)])
        assert (refusal.value.code, found.events) == (code, [])
    commands.update_contact(ines, retired=True, by=by)
    with pytest.raises(Invalid) as refusal:
        work.update(ticket, by=by, contacts=[ContactWish(ines.guid)])
    assert refusal.value.code == "contact_retired"


def test_taking_away_what_is_not_there_changes_nothing(ticket: WorkItem, ines: Contact, by: Actor) -> None:
    with recorded() as found:
        work.update(ticket, by=by, contacts=[ContactWish(ines.guid, retired=True)])
        work.update(ticket, by=by, contacts=[ContactWish(ines.guid, (TagWish(_tag("primary").guid, retired=True),))])
    assert found.events == []
    assert _held(ticket, by) == {}


def test_a_process_that_needs_a_primary_contact_gets_no_work_without(
    first: Customer, ines: Contact, by: Actor, actors: dict[str, Actor]
) -> None:
    """work-manager TIC-1."""
    admin = actors["administrator"]
    version = offering.create_version(
        first.ticket_version.process, requires_primary_contact=True, requires_requester=True, by=admin
    )
    category = offering.add_category(version, "Any", by=admin)
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    ticket = work.create_ticket(version.guid, by=by, title="x", category_guid=category.guid)
    with pytest.raises(Invalid) as refusal:
        work.submit(ticket, by=by)
    assert refusal.value.code == "primary_contact_missing"
    work.update(ticket, by=by, contacts=[ContactWish(ines.guid, (TagWish(_tag("primary").guid),))])
    with pytest.raises(Invalid) as refusal:
        work.submit(ticket, by=by)
    assert refusal.value.code == "requester_missing"
    submitted = work.submit(ticket, by=by, contacts=[work.requester(ines.guid)])
    assert submitted.started_at is not None
    assert _held(ticket, by) == {"Ines Duarte": {"primary", "original_requester", "requester", "subject"}}
