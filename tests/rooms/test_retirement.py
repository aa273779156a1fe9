"""What becomes of the work of an account that retires: it goes back to where others find it, and says why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import translation

from tests.doors.conftest import Caller, caller
from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access.models import User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Forbidden
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries
from workwire.rooms.work.models import Status, StatusReason, WorkItem

__all__ = ["caller"]
Ticket = Callable[[str], WorkItem]


@pytest.fixture
def tomas(organisation: Organisation) -> User:
    """The team member."""
    return organisation.accounts["team member"].user


@pytest.fixture
def ticket(actors: dict[str, Actor], first: Customer, monkeypatch: pytest.MonkeyPatch) -> Ticket:
    """A submitted ticket that the team member works on; resolved ones have a feedback window."""
    configured = settings.CONFIG.model_copy(update={"feedback_window_hours": 24})
    monkeypatch.setattr(settings, "CONFIG", configured)
    category = first.category.guid

    def make(title: str) -> WorkItem:
        by = actors["team member"]
        made = work.create_ticket(first.ticket_version.guid, by=by, title=title, category_guid=category, submit=True)
        return work.take(made, by=by)

    return make


def test_unfinished_work_goes_back_to_its_queue_and_says_why(
    tomas: User, ticket: Ticket, actors: dict[str, Actor], first: Customer
) -> None:
    by = actors["team member"]
    working, waiting, done = ticket("In progress"), ticket("Waiting"), ticket("Done")
    work.move_to_queue(working, first.queue, by=by)
    work.wait_until(waiting, clock.now() + timedelta(days=1), by=by)
    work.resolve(done, by=by)
    nobodys = work.unassign(ticket("Nobody's"), by=by)
    with recorded() as found:
        access.set_active(tomas, False, by=actors["administrator"])
    assert sorted(found.names) == ["UserUpdated", "WorkItemUpdated", "WorkItemUpdated"]
    assert {event.actor_id for event in found.events} == {actors["administrator"].user_id}
    for item, status in ((working, Status.TO_DO), (waiting, Status.WAITING)):
        item.refresh_from_db()
        assert (item.status, item.assignee_id) == (status, None)
        assert item.status_reason == StatusReason.UPDATED_BY_SYSTEM
        assert item.rejected_reason == "The account 'tomas' has retired."
    assert working.queue_id == first.queue.pk
    for item in (done, nobodys):
        version = item.version
        item.refresh_from_db()
        assert item.version == version + (item.pk == done.pk)  # only the resolving changed it
    assert done.owner_id == done.resolved_by_id == tomas.pk


def test_what_wakes_for_a_retired_account_is_not_given_to_it(
    tomas: User, ticket: Ticket, actors: dict[str, Actor]
) -> None:
    """A resolved item that somebody takes up again is that one's, one that information arrives for nobody's."""
    reopened, informed = ticket("Again"), ticket("News")
    for item in (reopened, informed):
        work.resolve(item, by=actors["team member"])
    access.set_active(tomas, False, by=actors["administrator"])
    work.reopen(reopened, by=actors["administrator"])
    work.information_arrived(informed, by=SYSTEM)
    for item in (reopened, informed):
        item.refresh_from_db()
        assert item.status == Status.TO_DO
    assert (reopened.assignee_id, informed.assignee_id) == (actors["administrator"].user_id, None)


def test_a_case_that_waits_for_its_owner_waits_for_nobody_retired(
    tomas: User, actors: dict[str, Actor], first: Customer, ticket: Ticket
) -> None:
    case = work.create_case(first.case_version.guid, by=actors["team member"], title="Onboard", submit=True)
    assert case.owner_id == tomas.pk
    access.set_active(tomas, False, by=actors["administrator"])
    for _ in range(20):
        running = WorkItem.objects.filter(parent=case).exclude(status__in=(Status.RESOLVED, Status.CLOSED)).first()
        if running is None:
            break
        work.resolve(running, by=actors["administrator"])
    assert not WorkItem.objects.filter(assignee=tomas, status__in=(Status.TO_DO, Status.IN_PROGRESS)).exists()


def test_retiring_again_gives_back_what_came_in_between(tomas: User, ticket: Ticket, actors: dict[str, Actor]) -> None:
    item = ticket("Late")
    access.set_active(tomas, False, by=actors["administrator"])
    WorkItem.objects.filter(pk=item.pk).update(assignee=tomas)
    with recorded() as found:
        access.set_active(tomas, False, by=actors["administrator"])
    assert found.names == ["WorkItemUpdated"]
    item.refresh_from_db()
    assert item.assignee_id is None
    with recorded() as found:
        access.set_active(tomas, False, by=actors["administrator"])
        access.set_active(tomas, True, by=actors["administrator"])
    assert found.names == ["UserUpdated"]
    item.refresh_from_db()
    assert item.assignee_id is None


def test_who_may_not_retire_an_account_gives_nothing_back(
    tomas: User, ticket: Ticket, actors: dict[str, Actor]
) -> None:
    item = ticket("Mine")
    with pytest.raises(Forbidden):
        access.set_active(tomas, False, by=actors["process builder"])
    item.refresh_from_db()
    assert item.assignee_id == tomas.pk


def test_the_api_retires_and_gives_back_in_one(
    tomas: User, ticket: Ticket, caller: Callable[[str], Caller], actors: dict[str, Actor]
) -> None:
    item = ticket("Over HTTP")
    admin = caller("administrator")
    assert admin.api("PATCH", f"/users/{tomas.guid}", {"active": False}).status_code == 200
    shown = admin.api("GET", f"/work-items/{item.guid}").json()
    assert (shown["assignee"], shown["rejected_reason"]) == (None, "The account 'tomas' has retired.")
    item.refresh_from_db()
    assert item.rejected_because == {"code": "given_back.account_retired", "parameters": {"user": "tomas"}}
    with translation.override("de"):
        assert queries.why_rejected(item) == "Das Konto „tomas“ wurde stillgelegt."
        item.rejected_reason = "I am away."  # as an older process writes it, which knows no statements
        assert queries.why_rejected(item) == "I am away."
    documented = admin.webapi("Ticket/Get", TicketGUID=str(item.guid)).json()
    assert (documented.get("AssignedUser"), documented["Status"]) == (None, "ToDo")
