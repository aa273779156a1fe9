"""What pages answer when there is none, when a form is not believed, and when something is wrong."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import features
from workwire.kernel.wording import wordings

AS_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_an_address_without_a_page_is_told_on_a_page_of_ours(organisation: Organisation) -> None:
    for browser in (Client(), gallery.signed_in(organisation.accounts["team member"])):
        answer = browser.get("/no-such-page")
        text = answer.content.decode()
        assert answer.status_code == 404
        assert "There is no such page." in text
        assert "kit/workwire.css" in text
    assert "Places" in text, "who is signed in keeps the navigation"


def test_a_form_without_its_mark_is_refused_on_a_page_of_ours(organisation: Organisation) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "tomas", "password": "x"})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "This form was not accepted" in text
    assert "CSRF" not in text
    assert "kit/workwire.css" in text


def test_a_method_a_page_does_not_know_is_told_with_those_it_does(db: None) -> None:
    answer = Client().post("/work")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert "kit/workwire.css" in answer.content.decode()


@pytest.mark.parametrize(("error", "status"), [(OperationalError("gone"), 503), (KeyError("oops"), 500)])
def test_a_page_on_a_fault_needs_no_database(error: Exception, status: int, organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    browser.raise_request_exception = False

    def fail(*_given: object) -> None:
        raise error

    with connection.execute_wrapper(fail):
        answer = browser.get("/work", headers=AS_BROWSER)
    assert answer.status_code == status
    assert "kit/workwire.css" in answer.content.decode()
    assert "oops" not in answer.content.decode()


def test_the_icon_of_the_site_is_there(db: None) -> None:
    answer = Client().get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/static/kit/favicon.svg")
    assert "kit/favicon.svg" in Client().get("/").content.decode()
    assert Client().get("/static/kit/favicon.svg").headers["Content-Type"] == "image/svg+xml"


def test_texts_of_people_choose_their_own_direction(organisation: Organisation) -> None:
    item = gallery.items(organisation)["hostile"]
    browser = gallery.signed_in(organisation.accounts["team member"])
    page, row = browser.get(f"/work/{item.reference}").content.decode(), browser.get("/work?view=all").content.decode()
    shown = "\u05e9\u05dc\u05d5\u05dd &lt;script&gt;"
    assert f'dir="auto">{shown}' in page
    assert f'dir="auto">{shown}' in row
    assert "<script>alert" not in page + row


def test_a_refusal_names_a_feature_by_its_words_in_the_readers_language(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["process builder"])
    assert "feature &#x27;Operation&#x27;" in browser.get("/operate").content.decode()
    german = browser.get("/operate", headers={"Accept-Language": "de"}).content.decode()
    assert "„Betrieb“" in german
    assert [name for name in features.FEATURES if f"feature_name.{name}" not in wordings()] == []


def test_the_start_page_leads_to_pages_and_to_nothing_that_needs_a_token(organisation: Organisation) -> None:
    for browser in (
        Client(),
        gallery.signed_in(organisation.accounts["process builder"]),
        gallery.signed_in(organisation.accounts["team member"]),
    ):
        text = browser.get("/").content.decode().split("<main")[1]
        links = re.findall(r'href="(/[^"]*)"', text)
        assert {"/work", "/api/v1/openapi.json", "/webapi/openapi.json"} <= set(links)
        for address in links:
            expected = (200, 302) if address == "/work" else (200,)
            assert browser.get(address).status_code in expected, address
    assert "/webhooks/events" in links
    assert "/webhooks/catalogue" not in links, "a team member has no subscriptions"
