"""What log lines are about: one name leads from a request to its events, the attempts made for them and the jobs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.jobs import commands, kinds, running
from workwire.jobs.kinds import JobKind, Piece
from workwire.kernel import logs
from workwire.kernel.actor import SYSTEM
from workwire.outbox.models import Event
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Line = dict[str, str]


class Written(logging.Handler):
    """Keeps lines as the log would have them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.addFilter(logs.About())
        self.setFormatter(logs.JsonFormatter())
        self.lines: list[Line] = []
        self.subjects: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))
        self.subjects.append(str(record.__dict__["subject"]))

    def of(self, logger: str) -> list[Line]:
        return [line for line in self.lines if line["logger"] == logger]


@pytest.fixture
def written() -> Iterator[Written]:
    """All that is logged from the level debug on."""
    handler, root = Written(), logging.getLogger("workwire")
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with logs.about(request="a-request"):
        yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def test_an_attempt_names_its_event_and_the_id_its_receiver_got(
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
    written: Written,
) -> None:
    subscription, _ = subscribe()
    ticket = open_ticket()
    engine.drain()
    event = Event.objects.get(record_guid=ticket.guid, name="WorkItemCreated")
    (recorded,) = [line for line in written.of("workwire.outbox.ledger") if line.get("event") == str(event.guid)]
    assert (recorded["level"], recorded["request"]) == ("debug", "a-request")
    (attempt,) = written.of("workwire.worker.delivery.answers")
    (request,) = receiver.requests
    assert attempt["message"] == "attempt 1: 204"
    assert (attempt["event"], attempt["delivery"]) == (str(event.guid), dict(request.headers)["Webhook-Id"])
    assert attempt["subscription"] == str(subscription.guid)


def test_what_goes_wrong_in_a_job_names_it(db: None, monkeypatch: pytest.MonkeyPatch, written: Written) -> None:
    def stumble(_piece: Piece, _answer: object) -> None:
        raise LookupError("a mistake of ours")

    kind = JobKind("a kind of the test", "lane of the test", stumble, pauses=(timedelta(hours=1),))  # type: ignore[arg-type]  # it raises, so it gives nothing
    monkeypatch.setitem(kinds.kinds(), kind.name, kind)
    job = commands.enqueue(kind.name, by=SYSTEM)
    assert running.turn(kind.lane) == 0.0
    (line,) = written.of("workwire.jobs.running")
    assert (line["job"], line["request"]) == (str(job.guid), "a-request")
    assert "a mistake of ours" in line["traceback"]
    assert f"a-request job={job.guid}" in written.subjects


def test_a_request_is_named_in_its_line(db: None, written: Written) -> None:
    answer = Client().get("/api/v1/me")
    (line,) = written.of("workwire.web.request_id")
    assert line["request"] == answer.headers["X-Request-Id"]
    assert line["message"].startswith("GET /api/v1/me: 401 after ")


def test_outside_of_anything_a_line_is_about_nothing(written: Written) -> None:
    with logs.about(job=7, delivery="x"):
        logging.getLogger("workwire.test").info("inside", extra=logs.of(event="e"))
    logging.getLogger("workwire.test").info("outside")
    inside, outside = written.of("workwire.test")
    assert (inside["job"], inside["delivery"], inside["event"]) == ("7", "x", "e")
    assert set(outside) == {"time", "level", "logger", "message", "request"}
    assert written.subjects == ["a-request job=7 delivery=x event=e", "a-request"]
