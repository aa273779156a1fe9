"""Who set the state of a work item, why and when, and who reopened it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.support.organisation import Customer
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.rooms.work import commands, item_states
from workwire.rooms.work.models import Status, StatusReason, WorkItem

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture(autouse=True)
def _window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feedback window of one day."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))


def _told(item: WorkItem) -> tuple[Status, StatusReason, int | None, datetime | None]:
    found = item_states.state_of(item)
    return found.status, found.reason, found.set_by.pk if found.set_by else None, found.set_at


def _reopened(item: WorkItem) -> tuple[int | None, datetime | None]:
    found = item_states.state_of(item)
    return found.reopened_by.pk if found.reopened_by else None, found.reopened_on


def test_the_state_tells_who_set_it_why_and_when(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager STA-4: what changes no state leaves that alone, and tells who changed the item last."""
    with clock.frozen(AT):
        ticket = commands.create_ticket(
            first.ticket_version.guid, by=by, title="Broken", category_guid=first.category.guid, submit=True
        )
    assert _told(ticket) == (Status.TO_DO, StatusReason.NEWLY_CREATED, by.user_id, AT)
    with clock.frozen(AT + timedelta(hours=1)):
        commands.take(ticket, by=by)
    taken = (Status.IN_PROGRESS, StatusReason.UPDATED_BY_RESOURCE, by.user_id, AT + timedelta(hours=1))
    assert _told(ticket) == taken
    with clock.frozen(AT + timedelta(hours=2)):
        commands.update(ticket, by=admin, title="Broken chair")
    assert _told(ticket) == taken
    found = item_states.state_of(ticket)
    assert (found.updated_by and found.updated_by.pk, found.updated_at) == (admin.user_id, AT + timedelta(hours=2))


def test_it_is_told_who_reopened_an_item_last(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager STA-4, STA-5."""
    with clock.frozen(AT):
        ticket = commands.create_ticket(
            first.ticket_version.guid, by=by, title="Broken", category_guid=first.category.guid, submit=True
        )
        commands.resolve(ticket, by=by)
        assert _reopened(ticket) == (None, None)
        commands.reopen(ticket, by=admin)
        assert _reopened(ticket) == (admin.user_id, AT)
        commands.resolve(ticket, by=by)
    with clock.frozen(AT + timedelta(hours=1)):
        commands.information_arrived(ticket, by=SYSTEM)
    later = AT + timedelta(hours=1)
    assert _told(ticket) == (Status.TO_DO, StatusReason.NEW_INFORMATION, None, later)
    assert _reopened(ticket) == (None, later)
    kept = WorkItem.objects.get(pk=ticket.pk)
    assert (kept.resolved_by_id, kept.resolved_on) == (by.user_id, AT)


def test_actions_have_their_state_from_who_moved_the_case(first: Customer, by: Actor, admin: Actor) -> None:
    """work-manager STA-4."""
    with clock.frozen(AT):
        case = commands.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    (action, *_) = WorkItem.objects.filter(parent=case.pk).order_by("pk")
    assert _told(action) == (Status.TO_DO, StatusReason(action.status_reason), by.user_id, AT)
    with clock.frozen(AT + timedelta(hours=1)):
        commands.resolve(action, by=admin)
    assert _told(action)[2:] == (admin.user_id, AT + timedelta(hours=1))
