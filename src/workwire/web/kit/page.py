"""`@page`: what turns a view into answers of a page.

A view gets a `Visit` (the request, the actor, the look) and gives back a frozen page object, which its template shows as
`page`, or `See` after a form was carried out (303). Refusals of commands and queries become pages of their own, or, inside
`Visit.refusals`, errors of a form (422, 409, 429). htmx gets the fragment it asks for, when the template has one of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.context import make_context
from django.template.loader import get_template
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from workwire.access import sessions
from workwire.access.sessions import Session
from workwire.kernel.actor import Actor
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
)
from workwire.kernel.text import is_storable
from workwire.web.kit.look import Look, look_of, speaking
from workwire.web.kit.shell import shell_of
from workwire.web.kit.template_tags import FragmentNode

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Form)
COOKIE = "workwire_session"
READ = ("GET", "HEAD")
FORM = (*READ, "POST")
STATUS: dict[type[DomainError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Limited: HTTPStatus.TOO_MANY_REQUESTS,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Away: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class See:
    """Where to look after a form was carried out."""

    address: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A page object that is shown by another template than the view's own."""

    template: str
    page: object


@dataclass(frozen=True, slots=True)
class Refused:
    """The page of a refusal: what is the case, and what to do."""

    status: int
    title: str
    sentence: str


class Visit:
    """One request to a page: by whom, and how it wants to be answered."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.status = HTTPStatus.OK
        self.retry_after: int | None = None
        self.asks_on = False  # a form was sent to see more of it, and not to be carried out

    @cached_property
    def session(self) -> Session | None:
        """Who is signed in, with the account; None for nobody."""
        token = self.request.COOKIES.get(COOKIE, "")
        try:
            return sessions.session(token, address=self.client, on_page=True) if token else None
        except Unauthenticated:
            return None

    @property
    def signed_in(self) -> Session:
        """Who is signed in, with the account; raises Unauthenticated."""
        if self.session is None:
            raise Unauthenticated("token_missing")
        return self.session

    @property
    def actor(self) -> Actor:
        """Who is signed in; raises Unauthenticated."""
        return self.signed_in.actor

    @property
    def client(self) -> str:
        """The address that the request comes from."""
        return str(self.request.META.get("REMOTE_ADDR", ""))

    @cached_property
    def look(self) -> Look:
        """How the reader wants to see pages."""
        return look_of(self.request, self.session)

    @property
    def is_sent(self) -> bool:
        """Whether a form was sent."""
        return self.request.method == "POST"

    @property
    def asks_for_a_part(self) -> bool:
        """Whether htmx asks, to put the answer into a page that is shown. Where nobody is signed in any more, that page is
        loaded anew, which leads to signing in and back; otherwise the page to sign in would stand inside it."""
        htmx = getattr(self.request, "htmx", None)
        return bool(htmx and not htmx.boosted)

    def asked(self, name: str, longest: int) -> str:
        """What the address asks for under a name, at most so many characters; empty for what no database holds."""
        text = self.request.GET.get(name, "").strip()[:longest]
        return text if is_storable(text) else ""

    def form(self, kind: type[F], /, **initial: Any) -> F:
        """A form as it was sent, or with its first values."""
        return kind(self.request.POST, self.request.FILES) if self.is_sent else kind(initial=initial)

    @contextmanager
    def refusals(self, form: Form) -> Iterator[None]:
        """Turn the refusals of a command into errors of a form, each beside its field where the form has that field.
        NotFound becomes an error only where a field of the form names the record; otherwise it is raised."""
        try:
            yield
        except (Unauthenticated, Invalid, Conflict, Limited) as error:
            field = error.field if error.field in form.fields else None
            form.add_error(field, error.sentence())
            self.refuse(error)
        except NotFound as error:
            if error.field not in form.fields:
                raise
            form.add_error(error.field, error.sentence())
            self.refuse(error)

    def refuse(self, error: DomainError) -> None:
        """Let the answer have the status of a refusal."""
        self.status = _of_kind(STATUS, error)
        self.retry_after = error.retry_after if isinstance(error, (Limited, Away)) else None

    def tell(self, words: str) -> None:
        """Show a toast on the next page."""
        messages.success(self.request, words)

    def own_address(self, wanted: str, otherwise: str) -> str:
        """An address that was asked for, as a header may hold it, when it is one of ours, or another one."""
        request = self.request
        safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        return iri_to_uri(wanted) if safe and wanted.isprintable() else otherwise


View = Callable[Concatenate[Visit, P], object]


def page(
    template: str, *, methods: Sequence[str] = READ, public: bool = False, enrols: bool = False, secret: bool = False
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A page with a template; only who is signed in gets one that is not `public`. Who lacks a
    second factor that a role asks for is led to the page that `enrols`. What is sent to a page whose form
    holds a `secret` (a password, a key, a code) is left out of reports of errors."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def answered(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in methods:
                return _not_allowed(request, methods)
            visit = Visit(request)
            with speaking(visit.look):
                answer = _answer(visit, template, view, public, enrols, *args, **kwargs)
            answer.headers.setdefault("Cache-Control", "private, no-store")
            answer.headers.setdefault("Vary", "Cookie, Accept-Language, HX-Request")
            answer.headers["Content-Language"] = visit.look.language
            return answer

        return sensitive_post_parameters()(answered) if secret else answered

    return decorate


def refused(
    request: HttpRequest, status: int, words: Callable[[], tuple[str, str]], *, asks_nothing: bool = False
) -> HttpResponse:
    """The page of a refusal for a request that reached no view; `words` are its title and its sentence, asked for in the
    reader's language. Where a page may not ask the database it shows nobody as signed in."""
    visit = Visit(request)
    if asks_nothing:
        visit.session = None
    with speaking(visit.look):
        title, sentence = words()
        answer = _rendered(visit, "kit/refused.html", Refused(status, title, sentence), status)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _of_kind(table: dict[type[DomainError], T], error: DomainError) -> T:
    """What a table has for the nearest kind of a refusal."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def _not_allowed(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    allowed = HttpResponseNotAllowed(methods).headers["Allow"]
    answer = refused(
        request, HTTPStatus.METHOD_NOT_ALLOWED, lambda: (_("Not possible"), _("This page does not do that."))
    )
    answer.headers["Allow"] = allowed
    return answer


def _answer(
    visit: Visit, template: str, view: View[P], public: bool, enrols: bool, *args: P.args, **kwargs: P.kwargs
) -> HttpResponseBase:
    try:
        if not public and visit.signed_in.must_enrol and not enrols:
            return HttpResponseRedirect(reverse("second-factor"))
        made = view(visit, *args, **kwargs)
    except Unauthenticated:
        if visit.asks_for_a_part:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': visit.request.get_full_path()})}")
    except DomainError as error:
        visit.refuse(error)
        shown = Refused(visit.status, _of_kind(_titles(), error), error.sentence())
        return _rendered(visit, "kit/refused.html", shown, visit.status)
    if isinstance(made, HttpResponseBase):
        return made
    if isinstance(made, See):
        return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": made.address})
    if isinstance(made, Shown):
        return _rendered(visit, made.template, made.page, _status_of(visit))
    return _rendered(visit, template, made, _status_of(visit))


def _status_of(visit: Visit) -> int:
    """What was said of a refusal; a form that came back is one whose values do not fit."""
    fits = visit.status != HTTPStatus.OK or not visit.is_sent or visit.asks_on
    return visit.status if fits else HTTPStatus.UNPROCESSABLE_ENTITY


def _rendered(visit: Visit, template: str, shown: object, status: int) -> HttpResponse:
    shell = shell_of(visit.request, visit.session, visit.look)
    context = {"page": shown, "shell": shell, "visit": visit}
    found = get_template(template)
    fragment = _fragment(visit.request, found)
    text = found.render(context, visit.request) if fragment is None else _part(found, fragment, context, visit.request)
    headers = {} if visit.retry_after is None else {"Retry-After": str(visit.retry_after)}
    return HttpResponse(text, status=status, headers=headers)


def _fragment(request: HttpRequest, found: Any) -> FragmentNode | None:
    """The part of a template that htmx asks for by the id of the element it will replace."""
    htmx = getattr(request, "htmx", None)
    if not htmx or htmx.boosted or not htmx.target:
        return None
    parts: list[FragmentNode] = found.template.nodelist.get_nodes_by_type(FragmentNode)
    return next((part for part in parts if part.name == htmx.target), None)


def _part(found: Any, fragment: FragmentNode, context: dict[str, Any], request: HttpRequest) -> str:
    inner = make_context(context, request, autoescape=found.backend.engine.autoescape)
    with inner.bind_template(found.template):
        inner.template_name = found.template.name
        return fragment.render(inner)


def _titles() -> dict[type[DomainError], str]:
    return {
        Invalid: _("This cannot be done"),
        NotFound: _("Not found"),
        Forbidden: _("Not allowed"),
        Conflict: _("This is not possible now"),
        Limited: _("Too much at once"),
        Away: _("Not at the moment"),
    }
