"""Every error as a problem document (RFC 9457): type, title, status, detail, and our stable code and field."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import wraps
from typing import Any, cast

import orjson
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from workwire.kernel.errors import (
    Away,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Limited,
    NotFound,
    TooLarge,
    Unauthenticated,
    away,
)

logger = logging.getLogger(__name__)
MOST_SHOWN = 50  # of the mistakes in one body
_KINDS: tuple[tuple[type[DomainError], int, str], ...] = (
    (TooLarge, 413, "Too large"),
    (Invalid, 422, "The input breaks a rule"),
    (Unauthenticated, 401, "Not authenticated"),
    (Forbidden, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "In conflict with the present state"),
    (Limited, 429, "Too many requests"),
)


class Problem(Schema):
    """A problem document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    errors: list[dict[str, str]] | None = None


def problem(status: int, title: str, detail: str, code: str, **more: Any) -> HttpResponse:
    """An answer with a problem document."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code} | more
    response = HttpResponse(orjson.dumps(content), status=status, content_type="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Workwire"'
    return response


def install(api: NinjaAPI) -> None:
    """Let every kind of error of an API be answered as a problem."""
    add = cast(
        "Callable[[type[Exception], Callable[[HttpRequest, Any], HttpResponse]], None]", api.add_exception_handler
    )
    add(DomainError, _domain)
    add(ValidationError, _validation)
    add(AuthenticationError, _authentication)
    add(HttpError, _http)
    add(RequestDataTooBig, _too_big)
    add(OperationalError, _away)
    add(InterfaceError, _away)
    add(UnreadablePostError, _broken_off)
    add(OSError, _away)


def let_go(error: BaseException) -> None:
    """Free what the frames of an answered error hold. An error that is kept in a variable of one of its own frames, as the
    API framework keeps those of validation, would otherwise hold the request with its parsed body for good."""
    chain: BaseException | None = error
    while chain is not None:
        traceback.clear_frames(chain.__traceback__)
        chain = chain.__cause__ or chain.__context__


def failed(error: BaseException | None) -> HttpResponse:
    """The answer to what nobody expected, without a word of what it was; 503 while the database cannot work."""
    if (gone := away(error)) is not None:
        return _not_possible(gone)
    return problem(500, "Something went wrong", "This is an error in Workwire; it has been logged.", "unexpected")


def in_shape(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view; where it refuses the method or the path, with a problem."""

    @wraps(view)
    def answer(request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        try:
            with ExitStack() as request.held:  # type: ignore[attr-defined]  # places that end with the request
                response = view(request, *given, **named)
        except Http404:
            return path_not_found()
        if response.status_code != 405:
            return response
        allowed = ", ".join(sorted(response.headers["Allow"].split(", ")))
        refused = problem(405, "Method not allowed", f"This path is called with {allowed}.", "method_not_allowed")
        refused.headers["Allow"] = allowed
        return refused

    answer.csrf_exempt = True  # type: ignore[attr-defined]  # a token is no ambient authority
    return answer


def known_parameters(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The way of an operation, which refuses query parameters it does not know: a filter that is misspelled must not
    answer everything."""
    operation = run.__self__  # type: ignore[attr-defined]  # ninja hands over the bound method
    known = {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }

    @wraps(run)
    def checked(request: HttpRequest, **parameters: Any) -> HttpResponse:
        unknown = next((name for name in request.GET if name not in known), None)
        if unknown is None:
            return run(request, **parameters)
        said = ", ".join(sorted(known)) or "none"
        error = Invalid("parameter_unknown", f"There is no such parameter; known are: {said}.", field=unknown[:100])
        return _domain(request, error)

    return checked


def path_not_found() -> HttpResponse:
    """The refusal of an unknown path."""
    return problem(404, "Not found", "There is no such resource.", "path_not_found")


def _domain(request: HttpRequest, error: DomainError) -> HttpResponse:
    if isinstance(error, Away):
        return _not_possible(error)
    status, title = next((status, title) for kind, status, title in _KINDS if isinstance(error, kind))
    if error.code == "version_conflict" and "If-Match" in request.headers:
        status, title = 412, "The record has changed since it was read"
    more = {"field": error.field} if error.field else {}
    response = problem(status, title, error.message, error.code, **more)
    if isinstance(error, Limited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _validation(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"field": _field(entry["loc"]), "message": str(entry["msg"])} for entry in error.errors[:MOST_SHOWN]]
    first = errors[0] if errors else {"field": "", "message": "The request is not valid."}
    detail = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    more = {"field": first["field"]} if first["field"] else {}
    return problem(422, "The input breaks a rule", detail, "input_invalid", **more, errors=errors)


def _field(place: Sequence[Any]) -> str:
    """The way to a value as the caller knows it, such as ``contacts.0.guid``: a body has no name of its own."""
    source, *parts = place
    return ".".join(str(part) for part in (parts[1:] if source == "body" else parts))


def _authentication(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return problem(401, "Not authenticated", "There is no valid token with this request; log in.", "token_invalid")


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, DomainError):  # of reading the body
        return _domain(request, error.__cause__)
    return problem(error.status_code, "The request cannot be read", str(error), "request_unreadable")


def _too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    return problem(413, "Too large", "The request is larger than is read.", "request_too_large")


def _broken_off(_request: HttpRequest, _error: UnreadablePostError) -> HttpResponse:
    """The client left while its body was read: no error of ours, and hardly anybody hears the answer."""
    return problem(400, "The request cannot be read", "The body broke off before its end.", "request_unreadable")


def _away(request: HttpRequest, error: OperationalError | InterfaceError | OSError) -> HttpResponse:
    gone = away(error)
    if gone is None:
        raise error
    logger.warning("%s (%s): %s %s", gone.code, error, request.method, request.path)
    return _not_possible(gone)


def _not_possible(error: Away) -> HttpResponse:
    response = problem(503, "Not possible at the moment", error.message, error.code)
    response.headers["Retry-After"] = str(error.retry_after)
    return response
