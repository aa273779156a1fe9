"""Tests of endpoints: whether one can be reached and its certificate is trusted, found out by a worker that sends nothing."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from workwire.api.auth import subscriber
from workwire.api.v1.shapes import Guid, In, Moment, answers, rfc3339
from workwire.api.v1.subscriptions import Pem
from workwire.jobs.queries import Job, JobState
from workwire.reactions.webhooks import reachability

router = Router(tags=["webhooks"])


class EndpointTestIn(In):
    """An endpoint to test, and the authorities in PEM that its certificate may be signed by, as a subscription names them."""

    url: str = Field(max_length=2048)
    authorities: Pem = ""


class CertificateSeenOut(Schema):
    """The certificate that an endpoint showed."""

    subject: str
    issuer: str
    not_after: str


class ReachedOut(Schema):
    """What a worker saw. `problem` is null where the endpoint could be reached and, with TLS, is trusted, else a code of what
    is wrong, with `detail` from the network. Times are seconds, null for what was not come to; `protocol` is null without
    TLS."""

    problem: str | None
    detail: str | None
    address: str | None
    by_proxy: bool
    look_up: float | None
    connect: float | None
    handshake: float | None
    protocol: str | None
    certificate: CertificateSeenOut | None


class EndpointTestOut(Schema):
    """A test: it waits until a worker has made it, which takes seconds; `seen` is null until then, and where it failed."""

    guid: Guid
    state: Literal["waiting", "done", "failed"]
    asked_at: Moment
    seen: ReachedOut | None


@router.post("/endpoint-tests", response=answers(EndpointTestOut, status=202), operation_id="test_endpoint")
def test_endpoint(request: HttpRequest, wish: EndpointTestIn) -> Status[dict[str, Any]]:
    """Have a worker try to reach an endpoint without sending anything; few at a time and in a minute."""
    by = subscriber(request)
    return Status(202, _told(reachability.test(reachability.ask(wish.url, wish.authorities, by=by), by=by)))


@router.get("/endpoint-tests/{uuid:guid}", response=answers(EndpointTestOut), operation_id="get_endpoint_test")
def get_endpoint_test(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get a test of an endpoint that one asked for oneself."""
    return _told(reachability.test(guid, by=subscriber(request)))


def _told(of: Job) -> dict[str, Any]:
    is_open = of.state in (JobState.WAITING, JobState.RUNNING)
    done = of.state == JobState.DONE
    return {
        "guid": str(of.guid),
        "state": "waiting" if is_open else "done" if done else "failed",
        "asked_at": rfc3339(of.created_at),
        "seen": _seen(dict(of.result)) if done else None,
    }


def _seen(seen: dict[str, Any]) -> dict[str, Any]:
    """What a worker saw, with null for what it did not."""
    empty = ("detail", "address", "protocol", "certificate")
    return seen | {"problem": seen["code"] or None} | {name: seen[name] or None for name in empty}
