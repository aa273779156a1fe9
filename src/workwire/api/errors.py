"""Every error as a problem document (RFC 9457): type, title, status, detail, and our stable code with parameters.

Titles and details are in the language of the caller (see `in_shape`). `type` is where this API tells of the code.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import wraps
from typing import Any, cast

import orjson
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext, gettext_noop
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from workwire.access.preferences import language_of
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
from workwire.kernel.wording import statement, wordings

logger = logging.getLogger(__name__)
MOST_SHOWN = 50  # of the mistakes in one body
TYPE = "/api/v1/errors/"
_INPUT = gettext_noop("The input breaks a rule")
_UNREADABLE = gettext_noop("The request cannot be read")
_AWAY = gettext_noop("Not possible at the moment")
_WRONG = gettext_noop("Something went wrong")
_METHOD = gettext_noop("Method not allowed")
_CHANGED = gettext_noop("The record has changed since it was read")
_KINDS: tuple[tuple[type[DomainError], int, str], ...] = (
    (TooLarge, 413, gettext_noop("Too large")),
    (Invalid, 422, _INPUT),
    (Unauthenticated, 401, gettext_noop("Not authenticated")),
    (Forbidden, 403, gettext_noop("Not allowed")),
    (NotFound, 404, gettext_noop("Not found")),
    (Conflict, 409, gettext_noop("In conflict with the present state")),
    (Limited, 429, gettext_noop("Too many requests")),
)


class Problem(Schema):
    """A problem document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    parameters: dict[str, Any]
    field: str | None = None
    errors: list[dict[str, Any]] | None = None


def problem(status: int, title: str, error: DomainError, **more: Any) -> HttpResponse:
    """An answer with a problem document, in the present language; `title` is English that has translations."""
    content = {
        "type": TYPE + error.full_code,
        "title": gettext(title),
        "status": status,
        "detail": error.sentence(),
        "code": error.code,
        "parameters": error.statement.parameters,
    }
    if error.field:
        content["field"] = error.field
    response = HttpResponse(orjson.dumps(content | more), status=status, content_type="application/problem+json")
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
    return problem(500, _WRONG, DomainError("unexpected"))


def in_shape(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view; where it refuses the method or the path, with a problem."""

    @wraps(view)
    def answer(request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        with translation.override(language_of(None, request.headers.get("Accept-Language", ""))):
            response = _answered(request, *given, **named)
            response.headers["Content-Language"] = translation.get_language() or "en"
        patch_vary_headers(response, ("Accept-Language", "Authorization"))
        return response

    def _answered(request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        try:
            with ExitStack() as request.held:  # type: ignore[attr-defined]  # places that end with the request
                response = view(request, *given, **named)
        except Http404:
            return path_not_found()
        if response.status_code != 405:
            return response
        allowed = ", ".join(sorted(response.headers["Allow"].split(", ")))
        refused = problem(405, _METHOD, Invalid("method_not_allowed", allowed=allowed))
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
        error = Invalid("parameter_unknown", field=unknown[:100], known=sorted(known) or ["none"])
        return _domain(request, error)

    return checked


def path_not_found() -> HttpResponse:
    """The refusal of an unknown path."""
    return _domain_problem(NotFound("path_not_found"))


def _domain(request: HttpRequest, error: DomainError) -> HttpResponse:
    if isinstance(error, Away):
        return _not_possible(error)
    if error.code == "version_conflict" and "If-Match" in request.headers:
        return problem(412, _CHANGED, error)
    return _domain_problem(error)


def _domain_problem(error: DomainError) -> HttpResponse:
    status, title = next((status, title) for kind, status, title in _KINDS if isinstance(error, kind))
    response = problem(status, title, error)
    if isinstance(error, Limited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _validation(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [_mistake(entry) for entry in error.errors[:MOST_SHOWN]]
    refused = Invalid("input_invalid", field=(errors[0]["field"] or None) if errors else None)
    if not errors:
        return problem(422, _INPUT, refused, errors=errors)
    place, message = errors[0]["field"], errors[0]["message"]
    return problem(422, _INPUT, refused, detail=f"{place}: {message}" if place else message, errors=errors)


def _mistake(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A mistake in the input: where it is, and the rule it breaks, in English as the validation says it."""
    code = f"input.{entry['type']}"
    code = code if code in wordings() else "input.other"
    rule = statement(code, **{name: str(entry["ctx"][name]) for name in wordings()[code].parameters})
    is_english = (translation.get_language() or "en").startswith("en")
    message = str(entry["msg"]) if is_english or rule.code == "input.other" else rule.sentence()
    return {"field": _field(entry["loc"]), "message": message, "code": entry["type"], "parameters": rule.parameters}


def _field(place: Sequence[Any]) -> str:
    """The way to a value as the caller knows it, such as ``contacts.0.guid``: a body has no name of its own."""
    source, *parts = place
    return ".".join(str(part) for part in (parts[1:] if source == "body" else parts))


def _authentication(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return _domain_problem(Unauthenticated("token_invalid"))


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, DomainError):  # of reading the body
        return _domain(request, error.__cause__)
    return problem(error.status_code, _UNREADABLE, Invalid("request_unreadable"))


def _too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    return _domain_problem(TooLarge("request_too_large.unread"))


def _broken_off(_request: HttpRequest, _error: UnreadablePostError) -> HttpResponse:
    """The client left while its body was read: no error of ours, and hardly anybody hears the answer."""
    return problem(400, _UNREADABLE, Invalid("request_unreadable.cut_off"))


def _away(request: HttpRequest, error: OperationalError | InterfaceError | OSError) -> HttpResponse:
    gone = away(error)
    if gone is None:
        raise error
    logger.warning("%s (%s): %s %s", gone.code, error, request.method, request.path)
    return _not_possible(gone)


def _not_possible(error: Away) -> HttpResponse:
    response = problem(503, _AWAY, error)
    response.headers["Retry-After"] = str(error.retry_after)
    return response
