"""Lists of work items by their due date: page by page in either direction, those without one last, along an index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ON_POSTGRES
from workwire.kernel import clock
from workwire.kernel.pages import sorted_page
from workwire.rooms.work.lists import ORDERS
from workwire.rooms.work.models import WorkItem

HOURS = (3, None, 1, 3, None, 2, 3, None)  # until each is due; several at one moment


@pytest.fixture
def items(open_ticket: Callable[..., WorkItem]) -> list[WorkItem]:
    """Tickets with and without a due date."""
    now, made = clock.now(), [open_ticket() for _ in HOURS]
    for item, hours in zip(made, HOURS, strict=True):
        item.due_date = None if hours is None else now + timedelta(hours=hours)
        item.save(update_fields=["due_date"])
    return made


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(("name", "wanted"), [("due", (2, 5, 0, 3, 6, 1, 4, 7)), ("-due", (6, 3, 0, 5, 2, 7, 4, 1))])
def test_pages_follow_each_other_without_gap_or_repetition(
    items: list[WorkItem], name: str, wanted: tuple[int, ...], limit: int
) -> None:
    order, found, cursor = ORDERS[name], list[WorkItem](), None
    assert order is not None
    for _ in range(len(items) + 1):
        page = sorted_page(WorkItem.objects.all(), order, limit=limit, cursor=cursor)
        assert len(page.rows) == min(limit, len(items) - len(found))
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [items[number] for number in wanted]


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL reads a small table whole")
@pytest.mark.parametrize("name", ["due", "-due"])
def test_a_page_is_a_walk_along_an_index(items: list[WorkItem], name: str) -> None:
    order = ORDERS[name]
    assert order is not None
    cursor = sorted_page(WorkItem.objects.all(), order, limit=1).next_cursor
    with CaptureQueriesContext(connection) as asked:
        sorted_page(WorkItem.objects.all(), order, limit=1, cursor=cursor)
    (query,) = asked.captured_queries
    with connection.cursor() as explaining:
        explaining.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
        plan = [row[3] for row in explaining.fetchall()]
    assert len(plan) == 1
    assert "item_due_order (due_date" in plan[0]
