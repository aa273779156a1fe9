"""Whole journeys in an installation with a worker in which nothing is wrong at first: an integrator's, and an operator's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor, World, environment, sign_in, with_worker
from tests.support.processes import Api
from tests.support.receiver import Received, Receiver
from tests.support.waiting import eventually
from tests.web import traffic

PATIENCE, PATIENCE_MS = 30, 30_000
TITLE = "Is this invoice ours?"


@pytest.fixture
def calm_world(tmp_path: Path, fresh_database_url: str | None) -> Iterator[World]:
    """A server and a worker on data of their own, in which nobody has subscribed to anything."""
    with with_worker(environment(tmp_path, fresh_database_url), "calm") as world:
        yield world


def test_an_integrator_gets_a_message_repairs_one_finds_its_event_and_reads_why_one_is_withheld(
    calm_world: World, visitor: Visitor, receiver: Receiver
) -> None:
    page = _of(visitor, calm_world, traffic.WHO)
    subscription = _subscribe(page, receiver.url("/mine"))
    live = _open_ticket(calm_world)
    assert _came(receiver, live).json()["Title"] == TITLE
    _look_until(page, "/webhooks/deliveries?state=delivered", page.locator("tbody tr", has_text=live))

    receiver.script("/mine", status=500, body=b"the shelf is full")
    failed = _open_ticket(calm_world)
    _came(receiver, failed)
    row = page.locator("tbody tr", has_text=failed)
    _look_until(page, "/webhooks/deliveries?state=gave-up", row)
    row.get_by_role("link").first.click()
    expect(page.get_by_text("the shelf is full").first).to_be_visible()
    receiver.script("/mine", status=200)
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").filter(has_text="It is sent again.")).to_be_visible()
    _look_until(page, "/webhooks/deliveries?state=delivered", row)

    row.get_by_role("link").first.click()
    page.get_by_text("Record").locator("..").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLE)
    page.get_by_role("region", name="History").get_by_role("link", name=re.compile("^Work item made")).last.click()
    expect(page.get_by_role("region", name="Deliveries")).to_contain_text("Delivered")

    page.goto(subscription)
    page.get_by_role("button", name="Pause").click()
    waiting = _open_ticket(calm_world)
    _look_until(page, "/webhooks/deliveries?state=waiting", page.locator("tbody tr", has_text=waiting))
    _take_out_of_its_group(calm_world, visitor)
    page.goto(subscription)
    page.get_by_role("button", name="Resume").click()
    withheld = page.locator("tbody .title a")
    _look_until(page, "/webhooks/deliveries?state=withheld", withheld)
    withheld.first.click()
    page.get_by_role("link", name="Explain why").click()
    expect(page.get_by_text("It would not be sent")).to_be_visible()
    assert not [one for one in receiver.requests if one.json()["Reference"] == waiting]


def test_an_operator_sees_that_all_is_well_what_is_not_why_and_repairs_it(
    calm_world: World, visitor: Visitor, receiver: Receiver
) -> None:
    _subscribe(_of(visitor, calm_world, traffic.WHO), receiver.url("/theirs"))
    page = _of(visitor, calm_world, "administrator")
    well, no_trouble = page.get_by_text("All is well."), page.get_by_text("None: every endpoint takes its messages.")
    _look_until(page, "/operate", well)
    expect(no_trouble).to_be_visible()

    receiver.script("/theirs", status=500, body=b"the shelf is full")
    failed = _open_ticket(calm_world)
    _look_until(page, "/operate", page.get_by_text("Endpoint fails"))
    page.get_by_role("link", name="PacketCreated").click()
    expect(page.get_by_role("main")).to_contain_text("The endpoint has not taken a message since.")
    row = page.get_by_role("region", name="Newest deliveries").get_by_role("listitem").filter(has_text=failed)
    _look_until(page, urlsplit(page.url).path, row.filter(has_text="Gave up"))
    row.get_by_role("link").first.click()
    expect(page.get_by_text("the shelf is full").first).to_be_visible()

    receiver.script("/theirs", status=200)
    page.get_by_role("button", name="Send again").click()
    _look_until(page, "/operate", no_trouble)
    expect(well).to_be_visible()


def _of(visitor: Visitor, world: World, who: str) -> Page:
    page = visitor(at=world.url)
    page.set_default_timeout(PATIENCE_MS)
    sign_in(page, world, who)
    return page


def _subscribe(page: Page, url: str) -> str:
    """Subscribe to new work of everything one sees, with short pauses between few tries; returns the address of its page."""
    page.goto("/webhooks/subscribe?webhook=PacketCreated")
    page.get_by_label("Address", exact=True).fill(url)
    page.get_by_label("Pauses between tries").fill("1s 1s 1s")
    page.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_text(re.compile("^whsec_"))).to_be_visible()
    page.get_by_role("link", name="To the subscription").click()
    expect(page.get_by_role("heading", name="What waits")).to_be_visible()
    return urlsplit(page.url).path


def _open_ticket(world: World) -> str:
    """What somebody else does meanwhile: a ticket is opened for the company whose work is watched; returns its reference."""
    api = _api(world, "team member")
    status, found = api.call("GET", "/api/v1/work-items?text=Alder&limit=1")
    assert status == 200, found
    (like,) = found["items"]
    wish = {"process_version": like["process_version"], "category": like["category"], "title": TITLE, "submit": True}
    status, made = api.call("POST", "/api/v1/tickets", wish)
    assert status == 201, made
    return str(made["reference"])


def _take_out_of_its_group(world: World, visitor: Visitor) -> None:
    """An administrator takes the integrator out of the group that lets it see the company."""
    page = _of(visitor, world, "administrator")
    page.get_by_role("link", name="User groups").first.click()
    page.get_by_role("link", name="Alder Tools people").click()
    username, _password = world.accounts[traffic.WHO]
    member = page.get_by_role("listitem").filter(has=page.get_by_title(username))
    member.get_by_role("button").click()
    expect(member).to_have_count(0)


def _api(world: World, who: str) -> Api:
    address = urlsplit(world.url)
    api = Api(address.hostname or "", address.port or 0)
    api.log_in(*world.accounts[who])
    return api


def _came(receiver: Receiver, reference: str) -> Received:
    def about(came: list[Received]) -> bool:
        return any(one.json()["Reference"] == reference for one in came)

    came = receiver.wait_for(about, PATIENCE)
    return next(one for one in came if one.json()["Reference"] == reference)


def _look_until(page: Page, address: str, found: Locator) -> None:
    """Look at a page, again and again as people do, until something is on it."""

    def shows() -> bool:
        page.goto(address)
        return found.count() > 0

    eventually(shows, PATIENCE, what=f"{address} shows {found}")
