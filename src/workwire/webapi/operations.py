"""The table of operations, and the way of every call: find, authenticate, read, do, answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from workwire.kernel import json_bodies
from workwire.kernel.errors import Conflict, DomainError, Invalid, NotFound, TooLarge, Unauthenticated
from workwire.webapi.calls import (
    SAFE,
    Call,
    Malformed,
    address_of,
    authenticate,
    read_body,
    read_query,
    version_wanted,
)
from workwire.webapi.record_bodies import enveloped, respond
from workwire.webapi.refusals import Family, message, refusal

Handler = Callable[[Call], Any]
RawHandler = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `enveloped` ones answer ``{Result, Messages}`` and put what a rule refuses into `Messages`.

    `doubled` ones answer the record's own keys and beside them `Result` and `Messages`, for clients of either form.
    `absent` is the status for a record that is not there or may not be seen, as the contract lists it for the operation;
    `done` the status of a success without content, `conflict` that of a state which does not allow
    the deed. `largest` bounds the bytes of a body that is no multipart form, `changes` says of a GET that it
    changes something.
    """

    path: str
    method: str
    handler: Handler
    family: Family
    enveloped: bool
    doubled: bool
    absent: int
    done: int
    conflict: int
    largest: int
    changes: bool


_operations: dict[str, Operation] = {}


def operation(
    path: str,
    method: str,
    *,
    family: Family = "packet",
    enveloped: bool = False,
    doubled: bool = False,
    absent: int = 404,
    done: int = 204,
    conflict: int = 400,
    largest: int = json_bodies.LARGEST,
    changes: bool = False,
) -> Callable[[Handler], Handler]:
    """Register the decorated function as an operation that needs a token; None is answered without content."""

    def register(handler: Handler) -> Handler:
        _operations[path.lower()] = Operation(
            path,
            method,
            handler,
            family,
            enveloped,
            doubled,
            absent,
            done,
            conflict,
            largest,
            changes or method not in SAFE,
        )
        return handler

    return register


def operations() -> list[Operation]:
    """All operations that need a token."""
    return list(_operations.values())


@csrf_exempt  # a token is no ambient authority; the cookie is checked in `calls.authenticate`
def answer(request: HttpRequest, name: str, instance: str = "") -> HttpResponse:
    """Answer one request to `/webapi/<name>`, or to `/<instance>/webapi/<name>`."""
    found = _operations.get(name.strip("/").lower())
    if found is None or not is_ours(instance):
        return no_operation()
    if request.method != found.method and not (request.method == "HEAD" and found.method == "GET"):
        return method_not_allowed(found.method)
    try:
        with ExitStack() as held:
            query = read_query(request)
            session, token = authenticate(request, query, changes=found.changes)
            body, upload = read_body(request, held, most=found.largest)
            call = Call(session.actor, token, query, body, address_of(request), version_wanted(request), upload)
            call.account = session.user
            return _done(found, call)
    except (RequestDataTooBig, TooManyFieldsSent):
        return refusal(TooLarge("body_too_large"), found.family)
    except Unauthenticated as error:
        return refusal(error, found.family, at_the_door=True)
    except NotFound as error:
        return refusal(error, found.family, status=found.absent)
    except Conflict as error:
        return refusal(error, found.family, status=found.conflict)
    except DomainError as error:
        return refusal(error, found.family)


def is_ours(instance: str | None) -> bool:
    """Whether a path's first part names this installation, or there is none."""
    return not instance or instance.lower() == settings.CONFIG.instance_name.lower()


@csrf_exempt  # it changes nothing
def nothing(_request: HttpRequest, instance: str | None = None) -> HttpResponse:
    """Answer an unknown path below this API, whatever the method."""
    return no_operation()


def no_operation() -> HttpResponse:
    """The refusal of an unknown path."""
    return refusal(NotFound("operation_not_found"), "packet")


def method_not_allowed(allowed: str) -> HttpResponse:
    """The refusal of a wrong HTTP method."""
    response = refusal(Invalid("method_not_allowed.operation", allowed=allowed), "packet")
    response.status_code = 405
    response.headers["Allow"] = allowed
    return response


def _done(found: Operation, call: Call) -> HttpResponse:
    try:
        result = found.handler(call)
    except (Malformed, NotFound, TooLarge):
        raise
    except (Invalid, Conflict) as error:
        if not found.enveloped or found.family != "packet":
            raise
        return respond({"Messages": [message(error, found.family)]})
    if result is None:
        return HttpResponse(status=found.done)
    response = respond(_enclosed(found, result))
    if call.tag is not None:
        response.headers["ETag"] = f'"{call.tag}"'
    return response


def _enclosed(found: Operation, result: Any) -> Any:
    if found.doubled:
        return {**result, **enveloped(result)}
    return enveloped(result) if found.enveloped else result
