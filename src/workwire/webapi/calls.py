"""What came in: a request as an operation reads it, and the refusals of what cannot be read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

from django.db.models import IntegerChoices
from django.http import HttpRequest
from django.utils import translation

from workwire.access import run_time_settings, sessions
from workwire.access.preferences import language_of
from workwire.access.sessions import Session
from workwire.kernel import body_account, json_bodies, plain_numbers
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.kernel.ids import parse_guid
from workwire.webapi.forms import FormBroken, read_form

if TYPE_CHECKING:
    from workwire.access.models import User

C = TypeVar("C", bound=IntegerChoices)
MOST_DIGITS = 12  # of a number
COOKIE = "workwire_token"
ROOM_FOR_FORM = 64 * 1024  # what a multipart form may have around its file
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Upload(Protocol):
    """A file that came with a multipart form."""

    name: str | None

    def chunks(self) -> Iterable[bytes]:
        """Its content, piece by piece."""


class Malformed(Invalid):
    """The request cannot be read: broken JSON, a GUID that is none, an unknown value of an enumeration."""


class UnsupportedBody(Invalid):
    """The body is of a kind this API does not read."""


@dataclass(slots=True)
class Call:
    """One request: who asks, query parameters and body keys in lower case.

    `version` is what `If-Match` insists on, `upload` the file of a multipart body; an operation sets `tag` to the version
    of the record it answers, which becomes the `ETag`. `account` is the actor's own.
    """

    actor: Actor
    token: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    address: str
    version: int | None = None
    upload: Upload | None = None
    tag: int | None = None
    account: User | None = None

    def guid(self, name: str) -> UUID:
        """A GUID that must be given; raises Malformed."""
        found = self.optional_guid(name)
        if found is None:
            raise Malformed("guid_missing", field=name, name=name)
        return found

    def optional_guid(self, name: str) -> UUID | None:
        """A GUID from the query or the body; raises Malformed for one that is none."""
        value = self.value(name)
        if value in (None, ""):
            return None
        found = parse_guid(value) if isinstance(value, str) else None
        if found is None:
            raise Malformed("guid_malformed", field=name, name=name)
        return found

    def text(self, name: str) -> str | None:
        """A text, None when it is not given; raises Malformed for something else."""
        value = self.value(name)
        if value is not None and not isinstance(value, str):
            raise Malformed("text_expected", field=name, name=name)
        return value

    def flag(self, name: str) -> bool | None:
        """True or false, also written as text; None when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return None
        written = str(value).lower()
        if written not in ("true", "false", "1", "0"):
            raise Malformed("flag_expected", field=name, name=name)
        return written in ("true", "1")

    def number(self, name: str) -> int | None:
        """A whole number, also written as text; None when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return None
        try:
            return plain_numbers.whole(value, digits=MOST_DIGITS)
        except ValueError as error:
            raise Malformed("number_expected", field=name, name=name) from error

    def moment(self, name: str) -> datetime | None:
        """A moment in ISO 8601, in UTC where it names no zone; None when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return None
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            found = None
        if found is None:
            raise Malformed("moment_expected", field=name, name=name)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def listed(self, name: str) -> list[Call]:
        """The objects of a JSON list, each read like a body; none when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise Malformed("list_expected", field=name, name=name)
        return [Call(self.actor, "", {}, lowered(entry), "") for entry in value]

    def texts(self, name: str) -> list[str]:
        """The texts of a JSON list; none when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise Malformed("list_expected.texts", field=name, name=name)
        return value

    def data(self, name: str) -> bytes | None:
        """Bytes in base64; None when they are not given."""
        written = self.text(name)
        if written is None:
            return None
        try:
            return base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Malformed("base64_expected", field=name, name=name) from error

    def choice(self, name: str, choices: type[C]) -> C | None:
        """A value of an enumeration by its documented name or number; None when it is not given."""
        value = self.value(name)
        if value is None or value == "":
            return None
        written = str(value).strip().lower()
        for choice in choices:
            if written in (choice.label.lower(), str(int(choice))):
                return choice
        raise Malformed("choice_unknown", field=name, name=name, value=str(value)[:60])

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """A JSON object, None when it is not given; its keys are as they were written."""
        value = self.value(name)
        if value is not None and not isinstance(value, dict):
            raise Malformed("object_expected", field=name, name=name)
        return value

    def inner_guid(self, name: str) -> UUID | None:
        """The GUID inside an object such as ``TicketCategoryAttribute: {GUID}``."""
        inner = self.mapping(name)
        if inner is None:
            return None
        return Call(self.actor, "", {}, lowered(inner), "").optional_guid("GUID")

    def value(self, name: str) -> Any:
        """Whatever was given under a name, in the body or the query."""
        key = name.lower()
        return self.body[key] if key in self.body else self.query.get(key)


def lowered(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    """A mapping with its keys in lower case; of keys that differ by case only, the last counts."""
    return {str(key).lower(): value for key, value in mapping.items()}


def address_of(request: HttpRequest) -> str:
    """The address a request came from."""
    return str(request.META.get("REMOTE_ADDR", ""))


def read_query(request: HttpRequest) -> dict[str, str]:
    """The query parameters by name in lower case."""
    return {name.lower(): str(value) for name, value in request.GET.items()}


def read_body(request: HttpRequest, held: ExitStack, *, most: int) -> tuple[dict[str, Any], Upload | None]:
    """The body as an object with keys in lower case (JSON, or a form), and the file of a multipart form. What it takes of the
    room for large bodies is given back with `held`.

    Raises TooLarge for more bytes than `most` and too many values, Malformed, UnsupportedBody.
    """
    length = request.headers.get("Content-Length", "")
    if request.method in SAFE or not length.strip("0"):
        return {}, None
    is_form = request.content_type == "multipart/form-data"
    if not is_form or most <= json_bodies.LARGEST_BEFORE_LOGIN:  # how large a file may be is said where it is read
        json_bodies.check_size(length, most=most)
    return _read_multipart(request) if is_form else (_read_object(request, held), None)


def version_wanted(request: HttpRequest) -> int | None:
    """The version `If-Match` insists on, None when it is absent or `*`; raises Conflict for one that never was."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    number = given.strip('"')
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Conflict("version_conflict.if_match")
    return int(number)


def _read_multipart(request: HttpRequest) -> tuple[dict[str, Any], Upload | None]:
    written = request.headers.get("Content-Length", "")
    most = run_time_settings.value_of("largest_file_mb") * 1024 * 1024 + ROOM_FOR_FORM
    if not written.isdecimal() or int(written) > most:
        raise Malformed("file_too_large", field="data", most=run_time_settings.value_of("largest_file_mb"))
    try:
        fields, uploads = read_form(request, request.headers.get("Content-Type", ""))
    except FormBroken as error:
        raise error.as_a(Malformed) from error
    if len(uploads) > 1:
        raise Malformed("one_file_expected.several")
    return lowered(fields), uploads[0] if uploads else None


def _read_object(request: HttpRequest, held: ExitStack) -> dict[str, Any]:
    kind = request.content_type or "application/json"
    if kind == "application/x-www-form-urlencoded":
        return lowered(request.POST.dict())
    if kind not in ("application/json", "text/json", "text/plain"):
        raise UnsupportedBody("body_unsupported", kind=kind)
    try:
        found = json_bodies.parse(request.body, held)
    except (ValueError, RecursionError) as error:
        raise Malformed("json_broken") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Malformed("json_not_object")
    return lowered(found)


def authenticate(request: HttpRequest, query: Mapping[str, str], *, changes: bool) -> tuple[Session, str]:
    """Who makes the request, and the token: query `authToken`, header `apikey`, `Authorization: Bearer`, or the cookie.

    A cookie is honoured for a call that changes something, whatever its method, only when our own pages made the request;
    raises Forbidden otherwise.
    """
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = query.get("authtoken") or request.headers.get("apikey") or (bearer if scheme.lower() == "bearer" else "")
    if not token and (token := request.COOKIES.get(COOKIE, "")) and changes and not from_our_pages(request):
        raise Forbidden("cookie_refused.use")
    session = sessions.session(token.strip(), address=address_of(request)).checked()
    body_account.note(request.META, session.actor.user_id)
    translation.activate(
        language_of(session.actor, request.headers.get("Accept-Language", ""))
    )  # until the answer is made
    return session, token.strip()


def from_our_pages(request: HttpRequest) -> bool:
    """Whether a browser may have made this request for one of our own pages; what is no browser says nothing of it."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    ours = f"{request.scheme}://{request.get_host()}"
    if origin is not None:
        return origin == ours
    referer = request.headers.get("Referer")  # all that an older browser says of a GET
    return referer is None or referer.startswith(f"{ours}/")
