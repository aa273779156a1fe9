"""Traces: from a request to its events and the attempts made for them, and nothing where nobody asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import cast
from uuid import UUID

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from pydantic import ValidationError

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.config import Config
from workwire.kernel import clock, spans
from workwire.kernel.ids import new_guid
from workwire.outbox.models import Event
from workwire.rooms.work.models import WorkItem
from workwire.telemetry.opentelemetry_tracer import OpenTelemetryTracer, exporting
from workwire.worker.delivery.engine import Engine

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Spans(InMemorySpanExporter):
    """What was traced, by name."""

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.get_finished_spans() if span.name == name]


def _tracing(share: float = 1.0) -> Iterator[Spans]:
    kept = Spans()
    tracer = OpenTelemetryTracer(SimpleSpanProcessor(kept), instance="test", share=share)
    spans.trace_to(tracer)
    yield kept
    spans.trace_to(None)
    tracer.close()


@pytest.fixture
def traced() -> Iterator[Spans]:
    """All that is traced in the test."""
    yield from _tracing()


def _trace(span: ReadableSpan) -> UUID:
    return UUID(int=_context(span).trace_id)


def _context(span: ReadableSpan) -> SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found


@pytest.mark.django_db(transaction=True)
def test_one_trace_leads_from_the_event_to_its_attempts_and_links_to_the_request(
    organisation: Organisation, traced: Spans
) -> None:
    account = organisation.accounts["team member"]
    wish = {"Username": account.user.username, "Password": account.password}
    token = Client().post("/webapi/Authentication/Login?useCookie=false", wish, "application/json").json()
    traced.clear()
    headers = {"Authorization": f"Bearer {token}", "traceparent": CALLER}
    changed = Client().patch(
        "/api/v1/me",
        {"theme": "dark"},
        "application/json",
        headers=headers,
    )
    assert changed.status_code == 200, changed.content
    (request,) = traced.named("PATCH api/v1/me")
    assert f"{_trace(request).hex}" == CALLER.split("-")[1]
    assert request.attributes is not None
    assert request.attributes["workwire.request"] == changed.headers["X-Request-Id"]
    assert request.attributes["http.response.status_code"] == 200
    event = Event.objects.latest("pk")
    (recorded,) = traced.named(f"event {event.name}")
    assert _trace(recorded) == event.guid
    assert [link.context for link in recorded.links] == [_context(request)]


@pytest.mark.django_db(transaction=True)
def test_attempts_of_any_process_belong_to_the_event(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine, receiver: Receiver, traced: Spans
) -> None:
    subscription, _ = subscribe()
    receiver.script("/hook", status=500)
    ticket = open_ticket()
    engine.drain()
    event = Event.objects.get(record_guid=ticket.guid, name="WorkItemCreated")
    (recorded,) = traced.named("event WorkItemCreated")
    (attempt,) = traced.named("attempt")
    assert _trace(recorded) == _trace(attempt) == event.guid
    assert attempt.parent is not None
    assert attempt.parent.span_id == _context(recorded).span_id
    (request,) = receiver.requests
    assert attempt.attributes is not None
    assert dict(attempt.attributes) == {
        "workwire.event": str(event.guid),
        "workwire.delivery": dict(request.headers)["Webhook-Id"],
        "workwire.subscription": str(subscription.guid),
        "workwire.attempt": 1,
        "workwire.outcome": "500",
    }
    assert not attempt.status.is_ok
    assert cast(int, attempt.end_time) > cast(int, attempt.start_time)


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_no_span(open_ticket: Callable[..., WorkItem], traced: Spans) -> None:
    from django.db import transaction

    with transaction.atomic():
        open_ticket()
        transaction.set_rollback(True)
    assert traced.get_finished_spans() == ()


def test_a_share_takes_the_same_events_in_every_process() -> None:
    guids = [new_guid() for _ in range(2_000)]
    taken: list[set[UUID]] = []
    for _ in range(2):
        for kept in _tracing(0.25):
            for guid in guids:
                assert spans.tracer is not None
                spans.tracer.event(guid, "WorkItemCreated", guid, clock.now())()
                spans.tracer.attempt(guid, clock.now(), 0.1, "200", {}, 1)
            of_events = {_trace(span) for span in kept.named("event WorkItemCreated")}
            assert of_events == {_trace(span) for span in kept.named("attempt")}
            taken.append(of_events)
    assert taken[0] == taken[1]
    assert 350 < len(taken[0]) < 650


class Collector(BaseHTTPRequestHandler):
    """Takes spans as a collector does."""

    taken: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = ExportTraceServiceRequest.FromString(body)
        found = [span.name for one in told.resource_spans for scope in one.scope_spans for span in scope.spans]
        self.taken.append(f"{self.path}: {', '.join(found)}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_spans_reach_a_collector() -> None:
    Collector.taken.clear()
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        tracer = OpenTelemetryTracer(
            exporting(f"http://127.0.0.1:{server.server_address[1]}/"), instance="test", share=1.0
        )
        with tracer.piece("files.sweep", new_guid()):
            pass
        tracer.close()
        server.shutdown()
        thread.join()
    assert Collector.taken == ["/v1/traces: job files.sweep"]


@pytest.mark.parametrize("value", ["collector:4318", "ftp://collector", "http://", "http://collector:4318/?x=1"])
def test_what_is_no_collector_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="http://collector:4318"):
        Config(trace_endpoint=value)
