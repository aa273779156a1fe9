"""The notices on pages: the list, marking as read, and the badge of every page."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from tests.reactions.test_notices import MEMBER, give
from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.kernel.actor import Actor
from workwire.kernel.ids import new_guid
from workwire.rooms.work.models import WorkItem


def _badge(browser: Client, address: str = "/work") -> str:
    found = re.search(r'class="badge">([0-9+]+)<', browser.get(address).content.decode())
    return found.group(1) if found else ""


def test_notices_are_listed_with_why_and_lead_to_the_item(
    open_ticket: Callable[..., WorkItem], actors: dict[str, Actor], organisation: Organisation
) -> None:
    ticket = open_ticket()
    give(3, ticket, actors[MEMBER])
    browser = gallery.signed_in(organisation.accounts[MEMBER])
    assert _badge(browser) == "3"
    shown = browser.get("/notices").content.decode()
    assert shown.count(f"assigned {ticket.reference} to you.") >= 3
    assert "You are told because you are the assignee." in shown
    assert f'href="/work/{ticket.guid}"' in shown
    assert _badge(gallery.signed_in(organisation.accounts["administrator"])) == ""


def test_one_or_all_are_marked_as_read(
    open_ticket: Callable[..., WorkItem], actors: dict[str, Actor], organisation: Organisation
) -> None:
    give(3, open_ticket(), actors[MEMBER])
    browser = gallery.signed_in(organisation.accounts[MEMBER])
    newest = re.findall(r'name="read" value="([0-9a-f-]+)"', browser.get("/notices").content.decode())
    answer = browser.post("/notices", {"read": newest[0]})
    assert (answer.status_code, answer["Location"]) == (303, "/notices")
    assert _badge(browser) == "2"
    browser.post("/notices", {"until": newest[2]})
    assert _badge(browser) == "1"
    browser.post("/notices", {"until": newest[1]})
    assert _badge(browser) == ""
    assert "Nothing unread" in browser.get("/notices").content.decode()
    assert browser.get("/notices?view=all").content.decode().count("You are told because") == 3


def test_nobody_marks_what_others_are_told(
    open_ticket: Callable[..., WorkItem], actors: dict[str, Actor], organisation: Organisation
) -> None:
    give(1, open_ticket(), actors[MEMBER])
    browser = gallery.signed_in(organisation.accounts[MEMBER])
    (guid,) = re.findall(r'name="read" value="([0-9a-f-]+)"', browser.get("/notices").content.decode())
    other = gallery.signed_in(organisation.accounts["administrator"])
    for wrong in ({"read": guid}, {"until": guid}, {"read": "x"}, {"until": str(new_guid())}):
        assert other.post("/notices", wrong).status_code == 404, wrong
    assert other.post("/notices", {}).status_code == 303
    assert _badge(browser) == "1"
