"""How work stands against its due date: judged when it was finished, and paused while its due date waits with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.doors.conftest import Caller, caller
from tests.support.organisation import Customer
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.outbox.models import Event
from workwire.rooms.offering.models import ProcessVersion
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries
from workwire.rooms.work.models import Rag, WorkItem
from workwire.web.work.item_parts import due_of

__all__ = ["caller"]
MONDAY = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _window(monkeypatch: pytest.MonkeyPatch) -> None:
    configured = settings.CONFIG.model_copy(update={"feedback_window_hours": 24 * 365})
    monkeypatch.setattr(settings, "CONFIG", configured)


def _ticket(first: Customer, by: Actor, *, waits_along: bool) -> WorkItem:
    version = first.ticket_version
    rule = {"amount": 2, "unit": "hours", "add_wait_time": waits_along}
    ProcessVersion.objects.filter(pk=version.pk).update(due_rule=rule)
    category = version.categories.get(level=2).guid
    made = work.create_ticket(version.guid, by=by, title="x", category_guid=category, submit=True)
    return work.take(made, by=by)


def _rag(item: WorkItem) -> Rag:
    return queries.rag(queries.item(item.guid, by=SYSTEM))


def test_what_was_finished_in_time_never_becomes_overdue(first: Customer, actors: dict[str, Actor]) -> None:
    by = actors["team member"]
    with clock.frozen(MONDAY) as advance:
        item, late = (_ticket(first, by, waits_along=False) for _ in range(2))
        advance(timedelta(hours=1))
        work.resolve(item, by=by)
        assert _rag(item) == Rag.DUE_TODAY
        advance(timedelta(hours=2))
        assert (_rag(item), _rag(late)) == (Rag.DUE_TODAY, Rag.OVERDUE)
        work.resolve(late, by=by)
        advance(timedelta(days=30))
        assert (_rag(item), _rag(late)) == (Rag.DUE_TODAY, Rag.OVERDUE)
        work.reopen(item, by=by)  # to do again, and now it is late
        assert _rag(item) == Rag.OVERDUE


@pytest.mark.parametrize("waits_along", [True, False])
def test_what_waits_is_overdue_only_where_its_due_date_does_not_wait_along(
    waits_along: bool, first: Customer, actors: dict[str, Actor]
) -> None:
    by = actors["team member"]
    with clock.frozen(MONDAY) as advance:
        item = _ticket(first, by, waits_along=waits_along)
        advance(timedelta(hours=1))
        work.wait_for_information(item, by=by)
        advance(timedelta(days=3))
        assert _rag(item) == (Rag.DUE_TODAY if waits_along else Rag.OVERDUE)
        work.information_arrived(item, by=SYSTEM)
        assert _rag(item) == (Rag.DUE_TODAY if waits_along else Rag.OVERDUE)
        advance(timedelta(hours=2))
        assert _rag(item) == Rag.OVERDUE


def test_messages_and_both_apis_say_the_same(first: Customer, actors: dict[str, Actor], member: Caller) -> None:
    by = actors["team member"]
    item = _ticket(first, by, waits_along=True)
    work.wait_for_information(item, by=by)
    passed = clock.now() - timedelta(days=2)
    WorkItem.objects.filter(pk=item.pk).update(due_date=passed + timedelta(hours=1), waiting_since=passed)
    work.update(item, by=by, title="Still waiting")
    body = Event.objects.order_by("-pk")[0].body
    assert '"RAGStatus":0' in body.replace(" ", "") or '"RAGStatus":1' in body.replace(" ", "")
    assert member.api("GET", f"/work-items/{item.guid}").json()["rag"] != "overdue"


def test_a_paused_due_date_tells_how_far_away_it_was(first: Customer, actors: dict[str, Actor], member: Caller) -> None:
    """work-manager STA-13."""
    by = actors["team member"]

    def told(item: WorkItem) -> tuple[int | None, str, bool]:
        body = member.api("GET", f"/work-items/{item.guid}/due-date").json()
        due = due_of(queries.item(item.guid, by=SYSTEM), clock.now())
        return body["paused_minutes"], due.words, due.moment is None

    with clock.frozen(MONDAY) as advance:
        early, late = (_ticket(first, by, waits_along=True) for _ in range(2))
        advance(timedelta(minutes=40))
        work.wait_for_information(early, by=by)
        advance(timedelta(minutes=150))
        work.wait_for_information(late, by=by)
        for _ in range(2):
            assert told(early) == (80, "Paused 1 h 20 min before due", True)
            assert told(late) == (-70, "Paused 1 h 10 min after due", True)
            advance(timedelta(days=3))
        work.take(early, by=by)
        assert queries.item(early.guid, by=SYSTEM).due_date == clock.now() + timedelta(minutes=80)
        assert told(early)[0] is None
        ProcessVersion.objects.update(due_rule={"amount": 2, "unit": "hours", "add_wait_time": False})
        assert told(late)[0] is None


@pytest.fixture
def member(caller: object) -> Caller:
    """The team member."""
    return caller("team member")  # type: ignore[operator] # a fixture's function
