"""Who gets work as it moves: the rules of `who_gets_it` applied by every command, kept, and told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from tests.doors.conftest import Caller, caller
from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.rooms.offering.models import ProcessVersion
from workwire.rooms.work import commands as work
from workwire.rooms.work import explained_assignment
from workwire.rooms.work.commands.changing import Changes
from workwire.rooms.work.models import Status, WorkItem

__all__ = ["caller"]


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolved items have a feedback window."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))


@pytest.fixture
def tomas(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def ticket(first: Customer) -> Callable[..., WorkItem]:
    """Make a submitted ticket."""

    def make(by: Actor, **fields: object) -> WorkItem:
        wished: Changes = {"title": "Invoice", "category_guid": first.category.guid, **fields}  # type: ignore[typeddict-item]  # by name
        return work.create_ticket(first.ticket_version.guid, by=by, submit=True, **wished)

    return make


def now(item: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=item.pk)


def who(item: WorkItem) -> tuple[int | None, int | None]:
    """The assignee and the owner of an item now."""
    found = now(item)
    return found.assignee_id, found.owner_id


def said(item: WorkItem) -> list[str]:
    """The codes of what the rules said last."""
    return [rule["code"] for rule in (now(item).assignment or {})["tried"]]


def allocated(version: ProcessVersion, **columns: object) -> None:
    ProcessVersion.objects.filter(pk=version.pk).update(**columns)


def test_what_waits_has_an_owner_and_comes_back_to_it(
    ticket: Callable[..., WorkItem], tomas: Actor, first: Customer
) -> None:
    """work-manager ASG-1, ASG-5."""
    item = ticket(tomas)
    assert (who(item), item.queue_id) == ((None, None), first.queue.pk)
    work.take(item, by=tomas)
    assert (who(item), said(item)[1]) == ((tomas.user_id, None), "who_by_hand")
    work.wait_for_information(item, by=tomas)
    assert (who(item), now(item).queue_id) == ((None, tomas.user_id), None)
    work.information_arrived(item, by=SYSTEM)
    assert (who(item), now(item).queue_id) == ((tomas.user_id, None), first.queue.pk)
    assert said(item) == ["who_situation.news", "who_gets", "who_queue"]
    work.resolve(item, by=tomas)
    assert (who(item), now(item).queue_id) == ((None, tomas.user_id), None)
    work.reopen(item, by=tomas)
    assert who(item) == (tomas.user_id, None)


def test_what_is_closed_belongs_to_nobody(
    ticket: Callable[..., WorkItem], tomas: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 0}))
    item = work.take(ticket(tomas), by=tomas)
    work.resolve(item, by=tomas)
    assert (who(item), now(item).queue_id, now(item).resolved_by_id) == ((None, None), None, tomas.user_id)


def test_kept_with_somebody_it_comes_back_to_that_one(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor
) -> None:
    """work-manager ASG-4, ASG-8, ASG-29."""
    item = ticket(tomas, keep_with_me=True)
    assert who(item) == (tomas.user_id, None)
    work.wait_until(item, clock.now() + timedelta(days=1), by=admin)
    assert who(item) == (None, tomas.user_id)
    other = work.take(ticket(tomas), by=tomas)
    work.wait_until(other, clock.now() + timedelta(days=1), by=admin)
    assert who(other) == (None, admin.user_id)  # who changed it last
    with recorded() as found:
        work.update(item, keep_with_me=False, by=admin)
    assert (now(item).keep_with_id, found.names) == (None, ["WorkItemUpdated"])


def test_all_future_actions_of_a_case_are_kept_with_somebody(first: Customer, tomas: Actor, admin: Actor) -> None:
    """work-manager ASG-28."""
    case = work.create_case(first.case_version.guid, by=tomas, title="x", keep_actions_with_me=True, submit=True)
    assert who(case) == (None, tomas.user_id)
    actions = list(WorkItem.objects.filter(parent=case.pk))
    assert {action.assignee_id for action in actions} == {tomas.user_id}
    ticket = work.create_ticket(first.ticket_version.guid, by=tomas)
    with pytest.raises(Invalid) as refusal:
        work.update(ticket, keep_actions_with_me=True, by=tomas)
    assert refusal.value.code == "keep_actions_of_a_case"
    with pytest.raises(Forbidden):
        work.update(ticket, keep_with_me=True, by=SYSTEM)


def test_a_case_has_an_assignee_only_while_it_needs_somebody(first: Customer, tomas: Actor, admin: Actor) -> None:
    """work-manager ASG-13, ASG-25, ASG-26."""
    case = work.create_case(first.case_version.guid, by=tomas, title="x", submit=True)
    assert (who(case), now(case).queue_id) == ((None, tomas.user_id), None)
    action = WorkItem.objects.filter(parent=case.pk).order_by("pk")[0]
    work.complete_unsuccessfully(action, by=admin)
    assert who(case) == (tomas.user_id, None)
    work.take(case, by=tomas)
    assert (now(case).status, who(case)) == (Status.IN_PROGRESS, (None, tomas.user_id))
    user = User.objects.get(pk=admin.user_id)
    work.assign(case, user, by=admin, force=True)
    assert who(case) == (None, admin.user_id)
    with pytest.raises(Conflict):
        work.assign(case, User.objects.get(pk=tomas.user_id), by=admin)


def test_the_first_of_the_allocation_who_may_have_it_gets_it(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, first: Customer, hire: Callable[[str], User]
) -> None:
    """work-manager ASG-3, ASG-11, ASG-15."""
    gone, nora = hire("gone"), hire("nora")
    access.set_active(gone, False, by=admin)
    allocated(first.ticket_version, person=gone, secondary_person=nora)
    item = ticket(tomas)
    assert who(item) == (nora.pk, None)
    tried = (now(item).assignment or {})["tried"]
    assert [(rule["code"], rule["parameters"].get("name")) for rule in tried[1:3]] == [
        ("who_cannot", "Gone"),
        ("who_gets", "Nora"),
    ]
    assert tried[1]["parameters"]["why"] == "retired"


def test_of_a_job_position_the_holder_with_the_fewest_items_gets_it_by_one_query(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, first: Customer, hire: Callable[[str], User]
) -> None:
    """work-manager ASG-12."""
    busy, idle, blind = hire("busy"), hire("idle"), hire("blind")
    access.change_members(first.group, remove=[blind], by=admin)
    work.assign(ticket(tomas), busy, by=admin)
    position = work.create_job_position("Clerk", holders=[blind, busy, idle], by=admin)
    allocated(first.ticket_version, job_position=position)
    assert [ticket(tomas).assignee_id for _ in range(4)] == [idle.pk, busy.pk, idle.pk, busy.pk]
    with CaptureQueriesContext(connection) as statements:
        ticket(tomas)
    asked = [one["sql"] for one in statements.captured_queries if "jobposition" in one["sql"]]
    assert len(asked) == 2  # with the version's own
    work.update_job_position(position, retired=True, by=admin)
    item = ticket(tomas)
    assert (item.assignee_id, said(item)[1:3]) == (None, ["who_nobody", "who_none"])


def test_another_category_is_allocated_anew_and_begun_work_is_never_nobodys(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, first: Customer, hire: Callable[[str], User]
) -> None:
    """work-manager ASG-2."""
    nora, other = hire("nora"), first.ticket_version.categories.create(name="Other", level=1)
    item = work.take(ticket(tomas), by=tomas)
    work.update(item, category_guid=other.guid, by=tomas)
    assert (now(item).status, who(item)) == (Status.IN_PROGRESS, (tomas.user_id, None))
    allocated(first.ticket_version, person=nora)
    work.update(item, category_guid=first.category.guid, by=tomas)
    assert (now(item).status, who(item)) == (Status.TO_DO, (nora.pk, None))


def test_what_is_given_back_waits_in_its_queue_until_it_moves_on(
    ticket: Callable[..., WorkItem], tomas: Actor, first: Customer
) -> None:
    item = work.take(ticket(tomas, keep_with_me=True), by=tomas)
    work.unassign(item, by=tomas)
    assert (who(item), now(item).queue_id, said(item)[1]) == ((None, None), first.queue.pk, "who_given_back")
    work.move_to_queue(item, None, by=SYSTEM)
    assert said(item) == ["who_situation.at_work", "who_changed_by_hand"]


def test_the_owner_of_what_waits_is_given_and_taken_by_hand(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, hire: Callable[[str], User]
) -> None:
    nora, item = hire("nora"), work.take(ticket(tomas), by=tomas)
    work.wait_for_information(item, by=tomas)
    with pytest.raises(Forbidden):
        work.update(item, title="Mine", by=sessions.actor_for(nora))
    work.assign(item, nora, by=admin, force=True)
    assert (now(item).status, who(item)) == (Status.WAITING, (None, nora.pk))
    WorkItem.objects.filter(pk=item.pk).update(owner=None)
    work.information_arrived(item, by=tomas)
    assert who(item) == (tomas.user_id, None)  # nobody owned it, and who brings the news changed it last


def test_everybody_who_works_unassigns_what_is_not_closed_and_it_is_to_do_again(
    ticket: Callable[..., WorkItem], tomas: Actor, hire: Callable[[str], User], first: Customer
) -> None:
    """work-manager ASG-37."""
    nora, later = sessions.actor_for(hire("nora")), clock.now() + timedelta(days=1)
    deeds: tuple[Callable[[WorkItem], object], ...] = (
        lambda item: item,
        lambda item: work.wait_until(item, later, by=tomas),
        lambda item: work.wait_for_information(item, by=tomas),
        lambda item: work.resolve(item, by=tomas),
    )
    for deed in deeds:
        item = work.take(ticket(tomas), by=tomas)
        deed(item)
        work.unassign(item, by=nora)
        found = now(item)
        assert (found.status, who(item), found.queue_id) == (Status.TO_DO, (None, None), first.queue.pk)
        assert (found.wait_type, said(item)[1]) == (None, "who_given_back")
        assert work.get_more_work(by=tomas) == item
        work.resolve(item, by=tomas)
        WorkItem.objects.filter(pk=item.pk).update(status=Status.CLOSED, closes_on=None, owner=tomas.user_id)
        work.unassign(item, by=nora)
        assert now(item).status == Status.CLOSED


def test_a_case_and_what_waits_for_related_work_stand_as_they_stood_when_unassigned(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, first: Customer
) -> None:
    """work-manager ASG-37."""
    case = work.create_case(first.case_version.guid, by=tomas, title="x", submit=True)
    work.unassign(case, by=admin)
    assert (now(case).status, who(case)) == (Status.IN_PROGRESS, (None, None))
    work.take(case, by=tomas)
    work.wait_until(case, clock.now() + timedelta(days=1), by=tomas)
    work.unassign(case, by=admin)
    assert (now(case).status, who(case)) == (Status.WAITING, (None, None))
    divided = work.take(ticket(tomas), by=tomas)
    work.convert(divided, first.case_version.guid, by=tomas, title="y")
    work.unassign(divided, by=admin)
    assert (now(divided).status, who(divided)) == (Status.WAITING, (None, None))
    with pytest.raises(Conflict) as refusal:
        work.take(divided, by=tomas)
    assert refusal.value.code == "waits_for_related_work"


def test_taking_what_waits_ends_the_waiting(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, first: Customer
) -> None:
    """work-manager STA-10, STA-11."""
    later, case = (
        clock.now() + timedelta(days=1),
        work.create_case(first.case_version.guid, by=tomas, title="x", submit=True),
    )
    item = work.take(ticket(tomas), by=tomas)
    for one, has_it in ((item, (tomas.user_id, None)), (case, (None, tomas.user_id))):
        work.wait_until(one, later, by=tomas)
        assert who(one) == (None, tomas.user_id)
        with pytest.raises(Conflict) as refusal:
            work.take(one, by=admin)
        assert refusal.value.code == "already_assigned"
        work.take(one, by=tomas)
        found = now(one)
        assert (found.status, found.wait_type, found.wait_until, who(one)) == (Status.IN_PROGRESS, None, None, has_it)


def test_who_had_it_earlier_is_found_in_the_ledger(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, hire: Callable[[str], User]
) -> None:
    """work-manager ASG-9."""
    nora, item = hire("nora"), ticket(tomas)
    work.assign(item, nora, by=admin)
    work.wait_for_information(item, by=sessions.actor_for(nora))
    WorkItem.objects.filter(pk=item.pk).update(owner=None, updated_by=None)
    work.information_arrived(item, by=SYSTEM)
    assert (who(item), said(item)[1]) == ((nora.pk, None), "who_gets")
    assert (now(item).assignment or {})["tried"][1]["parameters"]["rule"] == "earlier"


def test_nobodys_inbox_is_counted_where_no_job_position_is_asked(ticket: Callable[..., WorkItem], tomas: Actor) -> None:
    """Ten thousand waits may be over at one moment, and all go to one account."""
    item = ticket(tomas)
    work.wait_for_information(item, by=tomas)
    WorkItem.objects.filter(pk=item.pk).update(owner=None)
    with CaptureQueriesContext(connection) as statements:
        work.information_arrived(item, by=SYSTEM)
    asked = [one["sql"] for one in statements.captured_queries if 'FROM "access_user"' in one["sql"]]
    assert who(item)[0] == tomas.user_id
    assert asked
    assert not any("COUNT(" in one.upper() for one in asked)


def test_the_life_of_a_ticket_costs_no_statement_for_who_gets_it(
    ticket: Callable[..., WorkItem], tomas: Actor, first: Customer
) -> None:
    """Nobody has to be looked up: one UPDATE of the item, and no account is read."""
    allocated(first.ticket_version, queue=None)
    with CaptureQueriesContext(connection) as statements:
        item = ticket(tomas)
        work.take(item, by=tomas)
        work.resolve(item, by=tomas)
    sql = [one["sql"] for one in statements.captured_queries]
    assert not [one for one in sql if 'FROM "access_user"' in one]
    assert len([one for one in sql if one.startswith('UPDATE "work_workitem"')]) == 2


def test_events_keep_what_the_rules_said_and_their_bodies_stay_as_documented(
    ticket: Callable[..., WorkItem], tomas: Actor
) -> None:
    item = work.take(ticket(tomas), by=tomas)
    with recorded() as found:
        work.wait_for_information(item, by=tomas)
    assert found.only.name == "WorkItemUpdated"
    assert '"who_situation.at_rest"' in (found.only.changes or "")
    assert "assign" not in found.only.body.lower()


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_however_many_move_it_at_once_one_has_it(
    ticket: Callable[..., WorkItem], tomas: Actor, admin: Actor, hire: Callable[[str], User]
) -> None:
    item = work.take(ticket(tomas), by=tomas)
    movers = [tomas, admin, *(sessions.actor_for(hire(name)) for name in ("nora", "kofi"))]

    def move(number: int) -> None:
        by = movers[number % len(movers)]
        deeds: tuple[Callable[[], object], ...] = (
            lambda: work.wait_for_information(item, by=by),
            lambda: work.information_arrived(item, by=by),
            lambda: work.take(item, by=by),
            lambda: work.unassign(item, by=by),
        )
        try:
            deeds[number // len(movers) % len(deeds)]()
        except (Conflict, Forbidden):
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(64)))
    found = now(item)
    assert found.assignee_id is None or found.owner_id is None
    assert (found.status == Status.WAITING) <= (found.assignee_id is None and found.queue_id is None)
    assert (found.status == Status.IN_PROGRESS) <= (found.assignee_id is not None)
    assert explained_assignment.why_assigned(found, by=admin).tried


def test_why_somebody_has_it_is_told(
    ticket: Callable[..., WorkItem], tomas: Actor, caller: Callable[[str], Caller]
) -> None:
    item = work.take(ticket(tomas), by=tomas)
    work.wait_for_information(item, by=tomas)
    told = caller("team member").api("GET", f"/work-items/{item.guid}/assignment").json()
    assert (told["assignee"], told["queue"]) == (None, None)
    assert told["owner"] == str(tomas.guid)
    assert told["evaluated_at"]
    assert [(rule["code"], rule["said"]) for rule in told["rules"]] == [
        ("who_situation.at_rest", "What waits or is resolved has an owner, and lies in no queue."),
        ("who_gets.changer", "Who changed it last: who made this change gets it."),
    ]


def test_an_item_from_before_the_rules_explains_nothing_and_self_service_is_told_nothing(
    ticket: Callable[..., WorkItem], tomas: Actor, organisation: Organisation
) -> None:
    item = ticket(tomas)
    WorkItem.objects.filter(pk=item.pk).update(assignment=None)
    why = explained_assignment.why_assigned(now(item), by=tomas)
    assert (why.at, why.tried) == (None, ())
    outside = Actor(tomas.user_id, tomas.user_type, bound_to_self_service=True)
    with pytest.raises(Forbidden):
        explained_assignment.why_assigned(now(item), by=outside)
