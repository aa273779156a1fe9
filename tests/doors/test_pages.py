"""The start page, health and metrics."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.support.world import Subscribe
from workwire.dispatcher.engine import Engine
from workwire.rooms.work.models import WorkItem


@pytest.mark.django_db
def test_the_start_page_shows_the_catalogue_and_allows_no_inline_script() -> None:
    answer = Client().get("/")
    assert answer.status_code == 200
    assert "SpecificBusinessObjectUpdated" in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "<script" not in answer.content.decode()
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_health_and_metrics(subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine) -> None:
    assert Client().get("/health/live").json() == {"status": "live"}
    engine.drain()
    quiet = Client().get("/metrics").content.decode()
    assert "workwire_oldest_due_seconds 0.0" in quiet
    subscribe()
    open_ticket()
    assert 'workwire_queue_depth{state="pending"} 1.0' in Client().get("/metrics").content.decode()
    assert Client().get("/health/ready").json()["oldest_due_seconds"] >= 0
