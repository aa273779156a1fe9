"""What came in: a request as an operation reads it, and the refusals of what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from workwire.access import sessions
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, Unauthenticated
from workwire.kernel.ids import parse_guid

COOKIE = "workwire_token"
LONGEST_BODY = 10 * 1024 * 1024
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Malformed(Invalid):
    """The request cannot be read: broken JSON, a GUID that is none, an unknown value of an enumeration."""


class UnsupportedBody(Invalid):
    """The body is of a kind this API does not read."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, query parameters and body keys in lower case."""

    actor: Actor
    token: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    address: str

    def guid(self, name: str) -> UUID:
        """A GUID that must be given; raises Malformed."""
        found = self.optional_guid(name)
        if found is None:
            raise Malformed("guid_missing", f"{name} is missing.", field=name)
        return found

    def optional_guid(self, name: str) -> UUID | None:
        """A GUID from the query or the body; raises Malformed for one that is none."""
        value = self.value(name)
        if value in (None, ""):
            return None
        found = parse_guid(value) if isinstance(value, str) else None
        if found is None:
            raise Malformed("guid_malformed", f"{name} is not a GUID.", field=name)
        return found

    def text(self, name: str) -> str | None:
        """A text, None when it is not given; raises Malformed for something else."""
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise Malformed("text_expected", f"{name} must be a text.", field=name)
        return value

    def flag(self, name: str) -> bool | None:
        """True or false, also written as text; None when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return None
        written = str(value).lower()
        if written not in ("true", "false", "1", "0"):
            raise Malformed("flag_expected", f"{name} must be true or false.", field=name)
        return written in ("true", "1")

    def number(self, name: str) -> int | None:
        """A whole number, also written as text; None when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return None
        written = str(value)
        if isinstance(value, bool) or not written.removeprefix("-").isdecimal() or len(written) > 12:
            raise Malformed("number_expected", f"{name} must be a whole number.", field=name)
        return int(written)

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """A JSON object, None when it is not given; its keys are as they were written."""
        value = self.value(name)
        if value is not None and not isinstance(value, dict):
            raise Malformed("object_expected", f"{name} must be an object.", field=name)
        return value

    def inner_guid(self, name: str) -> UUID | None:
        """The GUID inside an object such as ``TicketCategoryAttribute: {GUID}``."""
        inner = self.mapping(name)
        if inner is None:
            return None
        return Call(self.actor, "", {}, lowered(inner), "").optional_guid("GUID")

    def refuse_unsupported(self, *names: str) -> None:
        """Raise Malformed where something is given that would be lost, because it is not kept yet."""
        for name in names:
            if self.value(name):
                raise Malformed("not_supported", f"{name} cannot be stored yet; leave it empty.", field=name)

    def value(self, name: str) -> Any:
        """Whatever was given under a name, in the body or the query."""
        key = name.lower()
        return self.body[key] if key in self.body else self.query.get(key)


def lowered(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    """A mapping with its keys in lower case; of keys that differ by case only, the last counts."""
    return {str(key).lower(): value for key, value in mapping.items()}


def address_of(request: HttpRequest) -> str:
    """The address a request came from, for counting failed logins."""
    return str(request.META.get("REMOTE_ADDR", ""))


def read_query(request: HttpRequest) -> dict[str, str]:
    """The query parameters by name in lower case."""
    return {name.lower(): str(value) for name, value in request.GET.items()}


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The body as an object with keys in lower case: JSON, or a form; raises Malformed or UnsupportedBody."""
    if request.method in SAFE or not request.headers.get("Content-Length", "").strip("0"):
        return {}
    kind = request.content_type or "application/json"
    if kind == "application/x-www-form-urlencoded":
        return lowered(request.POST.dict())
    if kind not in ("application/json", "text/json", "text/plain"):
        raise UnsupportedBody("body_unsupported", f"A body of type {kind} is not read; send JSON.")
    try:
        found = json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("json_broken", "The body is not valid JSON.") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Malformed("json_not_object", "The body must be a JSON object.")
    return lowered(found)


def authenticate(request: HttpRequest, query: Mapping[str, str]) -> tuple[Actor, str]:
    """The actor of the request's token: query `authToken`, header `apikey`, `Authorization: Bearer`, or the cookie.

    A cookie is honoured for changing calls only when the browser says that our own pages made the request.
    """
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = query.get("authtoken") or request.headers.get("apikey") or (bearer if scheme.lower() == "bearer" else "")
    if not token and (token := request.COOKIES.get(COOKIE, "")) and not _from_our_pages(request):
        raise Unauthenticated("cookie_refused", "A cookie from another site's page is not honoured; send the token.")
    idle = timedelta(minutes=settings.CONFIG.token_idle_minutes)
    return sessions.authenticate(token.strip(), idle=idle), token.strip()


def _from_our_pages(request: HttpRequest) -> bool:
    if request.method in SAFE:
        return True
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin == f"{request.scheme}://{request.get_host()}"


def _no_constant(name: str) -> Any:
    raise ValueError(name)
