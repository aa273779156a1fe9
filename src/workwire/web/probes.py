"""Whether this installation lives, can work, and how it does: `/health/live`, `/health/ready`, `/metrics`."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from workwire.kernel import clock
from workwire.outbox import restores
from workwire.reactions.webhooks import queue
from workwire.web.metrics import Figures


@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """The database answers and is migrated; 503 with a sentence otherwise."""
    try:
        age, reason = queue.oldest_due(clock.now()), restores.held()
    except DatabaseError:
        return JsonResponse(
            {"status": "unready", "reason": "The database does not answer or is not migrated."}, status=503
        )
    told = {"status": "ready", "oldest_due_seconds": round(age, 3), "sending": f"held: {reason}" if reason else "on"}
    return JsonResponse(told)


@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus, read at the moment of asking."""
    registry = CollectorRegistry()
    registry.register(Figures(clock.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
