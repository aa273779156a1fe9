"""From the catalogue to the first message that a real receiver verifies, in an installation that has a worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor, World, environment, sign_in, with_worker
from tests.support.receiver import Receiver
from tests.web import traffic

PATIENCE_MS = 30_000


@pytest.fixture
def working_world(tmp_path: Path, fresh_database_url: str | None) -> Iterator[World]:
    """A server and a worker on data of their own."""
    with with_worker(environment(tmp_path, fresh_database_url)) as world:
        yield world


def test_a_builder_subscribes_from_the_catalogue_and_the_first_message_verifies(
    working_world: World, visitor: Visitor
) -> None:
    page = visitor(at=working_world.url)
    sign_in(page, working_world, traffic.WHO)
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/webhooks/catalogue/PacketUpdated")
    page.get_by_role("link", name="Subscribe").click()
    page.get_by_label("Company", exact=True).check()
    expect(page.get_by_role("radiogroup", name="Which one")).to_be_visible()
    page.get_by_label("Find it by name").fill("nobody at all")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_text("Nothing that you may see is called so.")).to_be_visible()
    page.get_by_label("Find it by name").fill("alder")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label("Alder Tools").check()
    expect(page.get_by_text("What belongs to this company")).to_be_visible()
    with Receiver() as receiver:
        page.get_by_label("Address", exact=True).fill(receiver.url("/first"))
        page.get_by_role("button", name="Test the connection").click()
        expect(page.get_by_text("Reachable, but without TLS")).to_be_visible(timeout=PATIENCE_MS)
        assert receiver.requests == []
        page.get_by_label("Standard Webhooks").check()
        page.get_by_role("button", name="Subscribe").click()
        secret = page.get_by_text(re.compile("^whsec_")).inner_text()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("heading", name="PacketUpdated")).to_be_visible()
        (message,) = [one for one in receiver.wait_for(1, timeout=30) if one.path == "/first"]
        assert message.verify(secret)["type"] == "PacketUpdated"
    page.goto("/webhooks/subscriptions")
    expect(page.get_by_role("row", name="Company Alder Tools").first).to_be_visible()
    expect(page.get_by_text(secret)).to_have_count(0)


def test_a_builder_subscribes_without_a_script(working_world: World, visitor: Visitor) -> None:
    page = visitor(at=working_world.url, java_script_enabled=False)
    sign_in(page, working_world, traffic.WHO)
    page.goto("/webhooks/subscribe")
    page.get_by_label("Company", exact=True).check()
    page.get_by_role("button", name="Choose", exact=True).click()
    page.get_by_label("Find it by name").fill("alder")
    page.get_by_label("Address", exact=True).fill("http://127.0.0.1:9/in")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label("Alder Tools").check()
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("The endpoint refused the connection.")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text(re.compile("^whsec_"))).to_be_visible()
