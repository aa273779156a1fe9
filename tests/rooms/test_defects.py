"""Defects of work items (work-manager ITM-7; builder SL-11): categories, who adds, changes, resolves and removes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.conf import settings

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from workwire.kernel.ids import new_guid
from workwire.rooms.defects import commands, queries
from workwire.rooms.defects.models import Defect, DefectCategory
from workwire.rooms.offering import commands as offering
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.rooms.work.models import Status, WorkItem


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """Who configures, and works, too."""
    return actors["administrator"]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def category(admin: Actor, first: Customer) -> DefectCategory:
    """A category of the second level, without others below it."""
    line = first.service.service_line
    return commands.create_category(line, "Typed", parent=commands.create_category(line, "Data", by=admin), by=admin)


@pytest.fixture
def taken(by: Actor, first: Customer) -> WorkItem:
    """A ticket in progress, the team member's."""
    made = work.create_ticket(
        first.ticket_version.guid, by=by, title="Invoice", category_guid=first.category.guid, submit=True
    )
    return work.take(made, by=by)


@pytest.fixture
def only_by_creator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch: only who added a defect changes or removes it."""
    configured = settings.CONFIG.model_copy(update={"defects_changed_by": "creator"})
    monkeypatch.setattr(settings, "CONFIG", configured)


def _refused(deed: Callable[[], object], kind: type[DomainError], code: str) -> None:
    with recorded() as found, pytest.raises(kind) as refusal:
        deed()
    assert refusal.value.code == code
    assert not found.events


def test_a_defect_is_one_change_of_its_item_and_takes_nothing(
    by: Actor, admin: Actor, taken: WorkItem, category: DefectCategory
) -> None:
    """work-manager ITM-7: anyone who may work adds; no assignment is needed; the due date does not move."""
    party = commands.create_party("The customer", by=admin)
    with recorded() as found:
        made = commands.add(
            taken, category.guid, party=party.guid, description="Paid twice", affected_records=2, by=admin
        )
    assert found.names == ["WorkItemUpdated"]
    assert '"record":"Defect"' in (found.only.changes or "")
    after = items.item(taken.guid, by=by)
    assert (after.assignee_id, after.status, after.due_date) == (by.user_id, Status.IN_PROGRESS, taken.due_date)
    assert after.version == taken.version + 1
    assert (made.added_by_id, made.affected_records, made.resolved_on) == (admin.user_id, 2, None)
    assert [level.name for level in queries.path_of(made.category)] == ["Data", "Typed"]
    assert list(queries.defects_of(after, by=by)) == [made]


def test_categories_have_three_levels_and_defects_name_the_lowest(
    admin: Actor, by: Actor, first: Customer, taken: WorkItem, category: DefectCategory
) -> None:
    """builder SL-11."""
    line = first.service.service_line
    third = commands.create_category(line, "Digits", parent=category, by=admin)
    assert third.level == 3
    _refused(lambda: commands.create_category(line, "Deeper", parent=third, by=admin), Invalid, "defect_parent_invalid")
    _refused(lambda: commands.create_category(line, "dATA", by=admin), Conflict, "defect_name_taken")
    _refused(lambda: commands.add(taken, category.guid, by=by), Invalid, "defect_category_not_leaf")
    assert commands.add(taken, third.guid, by=by).category == third
    other = commands.create_category(offering.create_service_line("Payroll", by=admin), "Data", by=admin)
    _refused(lambda: commands.add(taken, other.guid, by=by), Invalid, "defect_category_not_of_line")
    _refused(lambda: commands.create_category(line, "x", parent=other, by=admin), Invalid, "defect_parent_invalid")


def test_retired_categories_and_parties_stay_where_they_are_and_are_not_named_anew(
    admin: Actor, by: Actor, taken: WorkItem, category: DefectCategory
) -> None:
    party = commands.create_party("The customer", by=admin)
    made = commands.add(taken, category.guid, party=party.guid, by=by)
    assert category.parent is not None
    commands.update_category(category.parent, retired=True, by=admin)  # and with it all below
    commands.update_party(party, retired=True, by=admin)
    kept = commands.change(made, description="x", category=category.guid, party=party.guid, by=by)
    assert (kept.category, kept.party) == (category, party)
    _refused(lambda: commands.add(taken, category.guid, by=by), Invalid, "defect_category_retired")
    assert commands.change(made, party=None, by=by).party is None
    _refused(lambda: commands.change(made, party=party.guid, by=by), Invalid, "defect_party_retired")
    _refused(lambda: commands.change(made, party=new_guid(), by=by), Invalid, "defect_party_not_found")
    _refused(lambda: commands.change(made, affected_records=0, by=by), Invalid, "affected_records_invalid")


def test_only_who_configures_makes_categories_and_parties(by: Actor, category: DefectCategory) -> None:
    _refused(lambda: commands.create_party("x", by=by), Forbidden, "feature_missing")
    _refused(lambda: commands.update_category(category, name="x", by=by), Forbidden, "feature_missing")


@pytest.mark.usefixtures("only_by_creator")
def test_with_the_switch_others_add_and_resolve_but_change_and_remove_nothing(
    by: Actor, admin: Actor, taken: WorkItem, category: DefectCategory
) -> None:
    """work-manager ITM-7: Restrict Defect Modification."""
    made = commands.add(taken, category.guid, by=admin)
    _refused(lambda: commands.change(made, description="x", by=by), Forbidden, "defect_of_other")
    _refused(lambda: commands.change(made, description="x", resolved=True, by=by), Forbidden, "defect_of_other")
    _refused(lambda: commands.remove(made, by=by), Forbidden, "defect_of_other")
    resolved = commands.change(made, resolved=True, by=by)
    assert (resolved.resolved_by_id, resolved.description) == (by.user_id, "")
    assert commands.change(made, description="x", resolved=False, by=admin).resolved_on is None
    commands.remove(made, by=admin)


def test_without_the_switch_everyone_who_works_changes_and_removes(
    by: Actor, admin: Actor, taken: WorkItem, category: DefectCategory
) -> None:
    made = commands.add(taken, category.guid, by=admin)
    assert commands.change(made, description="x", by=by).description == "x"
    with recorded() as found:
        commands.change(made, description="x", by=by)
    assert not found.events
    commands.remove(made, by=by)
    _refused(lambda: commands.change(made, description="y", by=by), NotFound, "defect_not_found")


def test_a_defect_is_removed_only_while_its_item_is_in_progress(
    by: Actor, taken: WorkItem, category: DefectCategory
) -> None:
    made = commands.add(taken, category.guid, by=by)
    work.unassign(taken, by=by)
    _refused(lambda: commands.remove(made, by=by), Conflict, "defect_kept")
    work.take(taken, by=by)
    commands.remove(made, by=by)
    assert not Defect.objects.exists()


def test_at_a_closed_item_a_defect_is_only_resolved(by: Actor, taken: WorkItem, category: DefectCategory) -> None:
    made = commands.add(taken, category.guid, by=by)
    assert work.resolve(taken, by=by).status == Status.CLOSED
    _refused(lambda: commands.add(taken, category.guid, by=by), Conflict, "item_completed")
    _refused(lambda: commands.change(made, description="x", by=by), Conflict, "item_completed")
    assert commands.change(made, resolved=True, by=by).resolved_by_id == by.user_id


def test_a_defect_changed_meanwhile_is_a_conflict(by: Actor, taken: WorkItem, category: DefectCategory) -> None:
    made = commands.add(taken, category.guid, by=by)
    commands.change(made, description="x", version=1, by=by)
    _refused(lambda: commands.change(made, description="y", version=1, by=by), Conflict, "version_conflict")


def test_a_defect_keeps_the_step_that_its_case_was_on(by: Actor, first: Customer, category: DefectCategory) -> None:
    case = work.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    action = items.items_under(case, by=by)[0]
    assert commands.add(action, category.guid, by=by).logged_on_step == 1
    assert commands.add(case, category.guid, by=by).logged_on_step == 1


def test_in_self_service_there_are_no_defects(by: Actor, taken: WorkItem, category: DefectCategory) -> None:
    made = commands.add(taken, category.guid, by=by)
    served = replace(by, features=frozenset({features.SELF_SERVICE}))  # who started the item, and sees it
    assert items.item(taken.guid, by=served) == taken
    assert not queries.defects_of(taken, by=served)
    with pytest.raises(NotFound):
        queries.defect(made.guid, by=served)
    _refused(lambda: commands.add(taken, category.guid, by=served), Forbidden, "feature_missing")
