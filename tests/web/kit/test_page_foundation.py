"""`@page`, the look, the icons, and the page that shows every part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from django.forms import Form, PasswordInput
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.html import escape
from django.views import debug as debug_reports
from django.views.decorators import debug

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.kernel import errors
from workwire.kernel.errors import Away, Conflict, DomainError, Forbidden, Invalid, Limited, NotFound
from workwire.web.kit import icons
from workwire.web.kit.page import FORM, STATUS, See, Visit, page
from workwire.web.kit.parts import Person
from workwire.web.kit.specimens import SpecimenForm
from workwire.web.kit.template_tags import coded

KEPT_BY_NOBODY = ("off", "current-password", "new-password", "one-time-code")
PAGES = Path(__file__).parents[3] / "src" / "workwire" / "web"


@pytest.fixture
def developer() -> Iterator[Client]:
    """A browser of who develops pages."""
    with override_settings(DEBUG=True):
        yield Client()


def _answer(error: DomainError, method: str = "GET") -> HttpResponse:
    @page("kit/refused.html", methods=FORM, public=True)
    def view(_visit: Visit) -> object:
        raise error

    return view(RequestFactory().generic(method, "/somewhere"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("work_item_not_found"), 404),
        (Forbidden("feature_missing", feature="Builder"), 403),
        (Conflict("item_completed"), 409),
        (Invalid("title_blank", field="title"), 422),
        (Limited("ledger_busy", retry_after=7), 429),
        (Away("database_away", retry_after=7), 503),
    ],
)
def test_a_refusal_becomes_a_page(error: DomainError, status: int) -> None:
    answer = _answer(error)
    assert answer.status_code == status
    assert escape(str(error)) in answer.content.decode()
    assert answer.headers.get("Retry-After") == ("7" if status in (429, 503) else None)
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_every_kind_of_refusal_has_a_status() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DomainError)}
    assert set(STATUS) == kinds - {DomainError}


def test_a_refusal_inside_a_form_stands_beside_its_field_or_at_the_top() -> None:
    errors: list[DomainError] = [
        Invalid("title_blank", field="title"),
        Conflict("version_conflict.company", field="version"),
    ]
    for error, field, status in zip(errors, ("title", "__all__"), (422, 409), strict=True):
        seen = {}

        @page("kit/refused.html", methods=FORM, public=True)
        def view(visit: Visit, error: DomainError = error, seen: dict[str, object] = seen) -> object:
            form = visit.form(SpecimenForm)
            form.is_valid()
            form.errors.clear()
            with visit.refusals(form):
                raise error
            seen.update(form.errors)
            return object()

        assert view(RequestFactory().post("/somewhere")).status_code == status
        assert list(seen) == [field]


def test_what_is_not_found_stands_beside_the_field_that_names_it_and_is_a_page_of_its_own_otherwise() -> None:
    for field, stands in (("title", True), (None, False), ("elsewhere", False)):
        seen: dict[str, object] = {}

        @page("kit/refused.html", methods=FORM, public=True)
        def view(visit: Visit, field: str | None = field, seen: dict[str, object] = seen) -> object:
            form = visit.form(SpecimenForm)
            form.is_valid()
            form.errors.clear()
            with visit.refusals(form):
                raise NotFound("work_item_not_found", field=field)
            seen.update(form.errors)
            return object()

        answer = view(RequestFactory().post("/somewhere"))
        assert answer.status_code == 404
        assert bool(seen) == stands
        assert ("There is no such" in answer.content.decode()) != stands


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    """Every address of the pages."""
    for entry in resolver.url_patterns:
        yield from _patterns(entry) if isinstance(entry, URLResolver) else [entry]


def _layers(view: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A view and what it wraps, from the outside in."""
    while True:
        yield view
        if not hasattr(view, "__wrapped__"):
            return
        view = view.__wrapped__


def _keeps_secret(view: Callable[..., Any]) -> bool:
    """Whether what is sent to a view is left out of reports of errors."""
    return any(layer.__code__.co_filename == debug.__file__ for layer in _layers(view))


def _forms(function: Callable[..., Any], passed: set[object]) -> Iterator[type[Form]]:
    """The forms that a function of the pages names, or one that it calls."""
    for name in function.__code__.co_names:
        named = function.__globals__.get(name)
        if isinstance(named, type) and issubclass(named, Form):
            yield named
        elif isinstance(named, FunctionType) and named.__module__.startswith("workwire.web.") and named not in passed:
            passed.add(named)
            yield from _forms(named, passed)


def _secrets(form: type[Form]) -> list[str]:
    """The fields of a form that hold a secret: those whose input hides it, or that browsers fill in or must not keep."""
    fields = form.base_fields.items()
    return [
        name
        for name, field in fields
        if isinstance(field.widget, PasswordInput) or field.widget.attrs.get("autocomplete", "") in KEPT_BY_NOBODY
    ]


def test_what_is_sent_to_a_page_whose_form_holds_a_secret_is_in_no_report() -> None:
    views = {
        pattern.callback
        for pattern in _patterns(get_resolver("workwire.web.urls"))
        if pattern.callback.__module__.startswith("workwire.web.")
    }
    told = {view: _secrets_of(view) for view in views}
    with_secrets = {f"{view.__module__}.{view.__name__}" for view, secrets in told.items() if secrets}
    assert {name.rpartition(".")[2] for name in with_secrets} >= {
        *("sign_in", "second_step", "own_password", "new_password", "second_factor", "turn_off"),
        *("new_account", "subscribe", "change"),
    }
    for view, secrets in told.items():
        assert _keeps_secret(view) or not secrets, f"{view.__module__}.{view.__name__} takes {secrets}: secret=True"


def _secrets_of(view: Callable[..., Any]) -> list[str]:
    *_outer, inner = _layers(view)
    return [name for form in _forms(inner, set()) for name in _secrets(form)]


def test_a_page_that_holds_a_secret_hides_it_from_reports() -> None:
    for secret in (False, True):

        @page("kit/refused.html", methods=FORM, public=True, secret=secret)
        def view(_visit: Visit) -> See:
            return See("/elsewhere")

        request = RequestFactory().post("/somewhere", {"password": "hush"})
        view(request)
        with override_settings(DEBUG=False):
            shown = debug_reports.SafeExceptionReporterFilter().get_post_parameters(request)
        assert (shown["password"] == "hush") != secret


def test_a_page_takes_the_methods_it_names_and_answers_a_form_with_see_other() -> None:
    @page("kit/refused.html", methods=FORM, public=True)
    def view(_visit: Visit) -> See:
        return See("/elsewhere")

    answer = view(RequestFactory().post("/somewhere"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/elsewhere")
    assert view(RequestFactory().delete("/somewhere")).status_code == 405


def test_the_kit_is_shown_in_development_only(db: None, developer: Client) -> None:
    assert developer.get("/kit").status_code == 200
    with override_settings(DEBUG=False):
        assert Client().get("/kit").status_code == 404


def test_a_form_keeps_its_values_and_says_what_does_not_fit(db: None, developer: Client) -> None:
    answer = developer.post("/kit", {"title": "x" * 41, "email": "sabine@", "wait_for": "date"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="sabine@"' in text
    assert 'aria-invalid="true"' in text
    for name in ("title", "email"):
        assert f'href="#id_{name}"' in text
        assert re.search(rf'aria-describedby="[^"]*id_{name}_error[^"]*" id="id_{name}"|id_{name}_error', text)


def test_a_form_that_fits_leads_away_and_is_told_in_a_toast(db: None, developer: Client) -> None:
    sent = {"title": "Invoice", "email": "s@example.com", "wait_for": "date"}
    answer = developer.post("/kit", sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/kit")
    assert "The form fits." in developer.get("/kit").content.decode()
    assert "The form fits." not in developer.get("/kit").content.decode()


def test_theme_and_density_are_chosen_without_script_and_kept(db: None) -> None:
    browser = Client()
    assert "data-theme" not in browser.get("/").content.decode()
    answer = browser.post("/look", {"theme": "dark", "next": "/sign-in"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    browser.post("/look", {"density": "comfortable", "theme": "pink", "next": "https://evil.example/"})
    for wanted, led_to in (
        ("//evil.example/", "/"),
        ("https:evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/work\r\nSet-Cookie: a=b", "/"),
        ("/work?text=Köln €", "/work?text=K%C3%B6ln%20%E2%82%AC"),
    ):
        assert browser.post("/look", {"next": wanted}).headers["Location"] == led_to, wanted
    text = browser.get("/").content.decode()
    assert 'data-theme="dark"' in text
    assert 'data-density="comfortable"' in text
    browser.cookies["workwire_look"] = "<b>.x"
    assert 'data-density="compact"' in browser.get("/").content.decode()


@pytest.mark.parametrize(
    ("told", "shown"), [("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Olympus", "UTC"), ("../../etc/passwd", "UTC"), ("", "UTC")]
)
def test_moments_are_in_the_zone_the_browser_tells_and_the_list_says_which(
    told: str, shown: str, organisation: Organisation
) -> None:
    items = gallery.items(organisation)
    browser = gallery.signed_in(organisation.accounts["team member"])
    browser.cookies["workwire_zone"] = told
    assert f"Times in {shown}" in browser.get("/work?view=all").content.decode()
    assert f'{shown}"' in browser.get(f"/work/{items['said and sent'].reference}").content.decode()


def test_htmx_gets_the_part_it_asks_for(organisation: Organisation) -> None:
    gallery.items(organisation)
    browser = gallery.signed_in(organisation.accounts["team member"])
    whole = browser.get("/work?view=all").content.decode()
    asked = {"HX-Request": "true", "HX-Target": "list"}
    part = browser.get("/work?view=all", headers=asked).content.decode()
    assert part.startswith('<div id="list">')
    assert "<html" not in part
    assert part in whole
    other = browser.get("/work?view=all", headers=asked | {"HX-Target": "nothing"}).content.decode()
    assert "<html" in other


def test_a_page_whose_session_ended_is_loaded_anew_and_has_no_page_to_sign_in_put_into_it(
    organisation: Organisation,
) -> None:
    asked = {"HX-Request": "true", "HX-Target": "list"}
    for address in ("/work?view=all", "/webhooks/deliveries"):
        answer = Client().get(address, headers=asked)
        assert (answer.status_code, answer.headers["HX-Refresh"], answer.content) == (200, "true", b"")
        boosted = Client().get(address, headers=asked | {"HX-Boosted": "true"})
        assert boosted.status_code == 302


def test_the_icons_are_one_file_that_browsers_keep(db: None) -> None:
    answer = Client().get(icons.address())
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content.decode().count("<symbol") == len(icons.NAMES) == len(set(icons.NAMES))


def test_no_icon_is_carried_that_nothing_uses() -> None:
    written = "\n".join(
        path.read_text() for path in PAGES.rglob("*") if path.suffix in (".py", ".html") and path.name != "icons.py"
    )
    assert [name for name in icons.NAMES if f'"{name}"' not in written] == []


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Petra Novák", "PN"),
        ("Nguyễn Thị Lan", "NL"),
        ("cher", "C"),
        ("(x) y", "Y"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9"),
    ],
)
def test_people_have_initials(name: str, initials: str) -> None:
    assert Person.of(name).initials == initials


def test_commands_in_sentences_are_set_as_code() -> None:
    assert coded("Run `workwire up`, then <b>.") == "Run <code>workwire up</code>, then &lt;b&gt;."
    assert coded("`<i>` first") == "<code>&lt;i&gt;</code> first"
    assert coded("one ` alone & more") == "one ` alone &amp; more"
