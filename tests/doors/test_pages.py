"""The pages through HTTP, health and metrics."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from tests.support.organisation import Organisation
from tests.support.world import Subscribe
from workwire.kernel.actor import Actor
from workwire.kernel.ids import new_guid
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem


@pytest.mark.django_db
def test_the_start_page_shows_the_catalogue_and_allows_no_inline_script() -> None:
    answer = Client().get("/")
    assert answer.status_code == 200
    assert "SpecificBusinessObjectUpdated" in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r"<script(?![^>]+src=)|<style| style=| on[a-z]+=", answer.content.decode())
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_health(subscribe: Subscribe, open_ticket: Callable[..., WorkItem]) -> None:
    assert Client().get("/health/live").json() == {"status": "live"}
    subscribe()
    open_ticket()
    assert Client().get("/health/ready").json()["oldest_due_seconds"] >= 0


@pytest.fixture
def browser(organisation: Organisation) -> Client:
    """A browser in which the team member has signed in."""
    client, account = Client(), organisation.accounts["team member"]
    answer = client.post("/sign-in", {"username": account.user.username, "password": account.password, "next": "/work"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/work")
    return client


@pytest.mark.parametrize(("error", "status"), [(OperationalError("disk full"), 503), (KeyError("oops"), 500)])
@pytest.mark.parametrize("path", ["/work", "/metrics"])
def test_an_error_that_nobody_caught_says_whether_to_try_again(
    path: str, error: Exception, status: int, browser: Client
) -> None:
    def fail(*_given: object) -> None:
        raise error

    browser.raise_request_exception = False
    with connection.execute_wrapper(fail):
        answer = browser.get(path)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, "5" if status == 503 else None)


def _ticket(organisation: Organisation, actors: dict[str, Actor], title: str = "Invoice <b>4711</b>") -> WorkItem:
    category = str(organisation.customers[0].category.guid)
    version = organisation.customers[0].ticket_version.guid
    by = actors["team member"]
    return work.create_ticket(version, by=by, title=title, category_guid=category, submit=True)


def test_the_item_page_explains_the_due_date_step_by_step(
    organisation: Organisation, actors: dict[str, Actor], browser: Client
) -> None:
    ticket = _ticket(organisation, actors)
    page = browser.get(f"/work/{ticket.guid}").content.decode()
    assert "8 working hours after the start, plus the time waited" in page
    assert "Willow Clinics week" in page
    assert "Europe/Amsterdam" in page
    (steps,) = re.findall(r'id="due">.*?<ol class="steps">(.*?)</ol>', page, re.DOTALL)
    assert steps.count("<li>") == len(ticket.due_steps) >= 2
    for step in ticket.due_steps:
        assert escape(step["said"]) in page
    assert "Invoice &lt;b&gt;4711&lt;/b&gt;" in page


def test_the_list_shows_ones_own_work_what_is_open_and_all(
    organisation: Organisation, actors: dict[str, Actor], browser: Client
) -> None:
    mine, done, waiting = (_ticket(organisation, actors, name) for name in ("Mine", "Done", "Waiting for somebody"))
    work.take(mine, by=actors["team member"])
    work.resolve(done, by=actors["team member"])
    shown = {view: browser.get(f"/work?view={view}").content.decode() for view in ("mine", "open", "all")}
    found = {view: {item.title for item in (mine, done, waiting) if f">{item.title}<" in shown[view]} for view in shown}
    assert found == {
        "mine": {"Mine"},
        "open": {"Mine", "Waiting for somebody"},
        "all": {"Mine", "Done", "Waiting for somebody"},
    }


def test_pages_need_signing_in_and_show_nothing_of_others(
    organisation: Organisation, actors: dict[str, Actor], browser: Client
) -> None:
    ticket = _ticket(organisation, actors)
    answer = Client().get(f"/work/{ticket.guid}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/sign-in?next=%2Fwork%2F{ticket.guid}")
    bea = organisation.accounts["process builder of one company"]
    other = Client()
    other.post("/sign-in", {"username": bea.user.username, "password": bea.password})
    hidden, absent = other.get(f"/work/{ticket.guid}"), other.get(f"/work/{new_guid()}")
    assert hidden.status_code == absent.status_code == 404
    assert "Invoice" not in hidden.content.decode()
    assert "Nothing here" in other.get("/work?view=all").content.decode()
    assert browser.get(f"/work/{ticket.guid}").headers["Cache-Control"] == "private, no-store"
    browser.post("/sign-out")
    assert browser.get("/work").status_code == 302


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_signing_in_never_leads_to_another_site(next_page: str, organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    wish = {"username": account.user.username, "password": account.password, "next": next_page}
    assert Client().post("/sign-in", wish).headers["Location"] == "/home"
    cookie = Client().post("/sign-in", wish).cookies["workwire_session"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_signing_in_is_refused_with_a_sentence_and_slowed_down(organisation: Organisation) -> None:
    client = Client()
    for _ in range(settings.CONFIG.login_attempts // 2):
        answer = client.post("/sign-in", {"username": "tomas", "password": "wrong\x00"})
        assert answer.status_code == 401
        answer = client.post("/sign-in", {"username": "tomas", "password": "wrong"})
        assert "The user name or the password is wrong." in answer.content.decode()
    assert client.post("/sign-in", {"username": "tomas", "password": "wrong"}).status_code == 429
    assert Client(enforce_csrf_checks=True).post("/sign-in", {"username": "tomas"}).status_code == 403


def test_pages_take_a_fixed_number_of_queries(
    organisation: Organisation, actors: dict[str, Actor], browser: Client
) -> None:
    case = work.create_case(
        organisation.customers[0].case_version.guid, by=actors["team member"], title="Onboard", submit=True
    )

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200
        return len(asked)

    browser.get(f"/work/{case.guid}")  # which is noted as opened once a minute
    paths = ("/work?view=all", f"/work/{case.guid}")
    before = [count(path) for path in paths]
    definition = organisation.customers[0].case_version.steps.get(number=0).actions.get()
    work.launch_action(case, definition.guid, by=actors["team member"], times=20)
    assert [count(path) for path in paths] == before
    most = 16  # of an item: relations are one of them, effort three, what may be done two, what was opened one
    assert max(before) <= most


def test_a_large_form_is_refused_unread(organisation: Organisation) -> None:
    answer = Client().post("/sign-in", {"username": "x" * 300_000, "password": "x"})
    assert answer.status_code == 413
