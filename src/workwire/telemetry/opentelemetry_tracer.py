"""The tracer that hands spans to OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from workwire import __version__
from workwire.kernel.spans import Answered

FAILED = 500
_BY_CHANCE = (1 << 56) - 1
_of_event: ContextVar[SpanContext | None] = ContextVar("of_event", default=None)


def exporting(endpoint: str) -> SpanProcessor:
    """What sends spans in batches, from a thread of its own, to a collector."""
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))


class OpenTelemetryTracer:
    """Hands spans to a processor, of a share of all traces; which ones depends on their id, so that every process chooses the
    same events."""

    def __init__(self, processor: SpanProcessor, *, instance: str, share: float) -> None:
        resource = Resource.create(
            {"service.name": "workwire", "service.version": __version__, "service.instance": instance}
        )
        self._provider = TracerProvider(sampler=_Share(share), resource=resource, id_generator=_Ids())
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("workwire", __version__)

    @contextmanager
    def request(self, method: str, headers: dict[str, str], name: str) -> Iterator[Answered]:
        """A span of a server, inside the trace of the caller if it named one."""
        caller = TraceContextTextMapPropagator().extract(headers)
        about = {"http.request.method": method, "workwire.request": name}
        with self._tracer.start_as_current_span(method, caller, SpanKind.SERVER, about) as span:
            yield partial(_answered, span)

    @contextmanager
    def piece(self, kind: str, job: UUID) -> Iterator[object]:
        """A span of its own trace."""
        about = {"workwire.job": str(job), "workwire.job.kind": kind}
        with self._tracer.start_as_current_span(f"job {kind}", Context(), attributes=about) as span:
            yield span

    def event(self, guid: UUID, name: str, record: UUID, at: datetime) -> Callable[[], object]:
        """The first span of the event's trace, made on commit, with a link to what is under way now."""
        maker = trace.get_current_span().get_span_context()
        links = [Link(maker)] if maker.is_valid else []
        about = {"workwire.event": str(guid), "workwire.event.name": name, "workwire.record": str(record)}
        return partial(self._event, guid, f"event {name}", about, links, _nanoseconds(at))

    def _event(self, guid: UUID, name: str, about: dict[str, Any], links: list[Link], at: int) -> None:
        token = _of_event.set(_first_span(guid))
        try:
            span = self._tracer.start_span(name, Context(), SpanKind.PRODUCER, about, links, at)
        finally:
            _of_event.reset(token)
        span.end(at)

    def attempt(
        self, event: UUID, began_at: datetime, seconds: float, outcome: str, names: dict[str, object], number: int
    ) -> None:
        """A span under the event's."""
        parent = trace.set_span_in_context(NonRecordingSpan(_first_span(event)), Context())
        about: dict[str, str | int] = {f"workwire.{name}": str(value) for name, value in names.items()}
        about |= {"workwire.attempt": number, "workwire.outcome": outcome}
        start = _nanoseconds(began_at)
        span = self._tracer.start_span("attempt", parent, SpanKind.CLIENT, about, start_time=start)
        span.set_status(StatusCode.OK if outcome.isdecimal() and outcome.startswith("2") else StatusCode.ERROR)
        span.end(start + int(seconds * 1e9))

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class _Share(Sampler):
    """A share of all traces, by the 56 bits of their ids that are by chance in a GUID too."""

    def __init__(self, share: float) -> None:
        self._share = share

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        *_: Any,
        **__: Any,
    ) -> SamplingResult:
        """Decide by the id alone, the same in every process."""
        taken = (trace_id & _BY_CHANCE) / (_BY_CHANCE + 1) < self._share
        return SamplingResult(Decision.RECORD_AND_SAMPLE if taken else Decision.DROP, attributes)

    def get_description(self) -> str:
        """How it is called in the collector."""
        return f"share {self._share}"


class _Ids(RandomIdGenerator):
    """Ids by chance, but for the span of an event."""

    def generate_trace_id(self) -> int:
        wanted = _of_event.get()
        return super().generate_trace_id() if wanted is None else wanted.trace_id

    def generate_span_id(self) -> int:
        wanted = _of_event.get()
        return super().generate_span_id() if wanted is None else wanted.span_id


def _first_span(event: UUID) -> SpanContext:
    """Of the trace of an event. The lower half of a GUID is by chance but for two bits."""
    return SpanContext(
        event.int, event.int & ((1 << 64) - 1), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _answered(span: trace.Span, status: int, route: str) -> None:
    span.set_attribute("http.response.status_code", status)
    if route:
        span.update_name(f"{span.attributes['http.request.method']} {route}")  # type: ignore[attr-defined]  # of a span that records
        span.set_attribute("http.route", route)
    if status >= FAILED:
        span.set_status(StatusCode.ERROR)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000
