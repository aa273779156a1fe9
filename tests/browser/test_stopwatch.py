"""A stopwatch from the demo's start to the visitor's own verified message, in a browser."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ANSWER_MS, WIDE
from tests.support.receiver import Received, Receiver
from tests.support.running_demo import Demo, running_demo

PATIENCE = 300.0  # seconds within which a visitor is to have a message of their own
TITLE = "Is my first message on its way?"


def test_a_visitor_has_a_verified_message_of_their_own(
    browser: Browser, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with running_demo(tmp_path, None) as demo:
        up = time.monotonic() - began
        page = _signed_in(browser, demo)
        secret = _subscribed(page, receiver.url("/mine"))
        page.get_by_role("button", name="Send a test").click()
        (test,) = receiver.wait_for(1, PATIENCE - (time.monotonic() - began))
        test.verify(secret)
        reference = _opened(demo)
        came = receiver.wait_for(lambda all_: _about(all_, reference), PATIENCE - (time.monotonic() - began))
        mine = next(one for one in came if _about([one], reference))
        assert mine.verify(secret)["Title"] == TITLE
        took = time.monotonic() - began
        page.goto("/webhooks/deliveries")
        row = page.locator("tbody tr", has_text=reference).first
        expect(row).to_contain_text(TITLE)
        page.context.close()
    with capsys.disabled():
        print(f"\nthe demo was up after {up:.1f} s, the visitor's own message had come and verified after {took:.1f} s")


def _signed_in(browser: Browser, demo: Demo) -> Page:
    context = browser.new_context(base_url=f"http://localhost:{demo.port}", viewport=WIDE, locale="en-GB")
    context.set_default_timeout(ANSWER_MS)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("User name").fill("petra")
    page.get_by_label("Password").fill(demo.password("petra"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name=re.compile("^(Work inbox|My work)$")).wait_for()
    return page


def _subscribed(page: Page, url: str) -> str:
    """Subscribe to new work items in the browser; returns the secret that the page shows."""
    page.get_by_role("link", name="Subscriptions").first.click()
    page.get_by_role("link", name="Subscribe", exact=True).first.click()
    with page.expect_response(lambda answer: answer.request.method == "POST"):  # what it can be about is shown anew
        page.get_by_role("radio", name="PacketCreated").check()
    page.get_by_label("Address").fill(url)
    page.get_by_role("button", name="Subscribe", exact=True).click()
    secret = page.locator("#secret")
    expect(secret).to_have_text(re.compile("^whsec_"))
    return secret.inner_text()


def _opened(demo: Demo) -> str:
    """What somebody else does meanwhile: Mei opens a ticket; returns its reference."""
    objects = demo.told["objects"]
    wanted = {"process_version": objects["TicketAttributeVersionGUID"], "category": objects["TicketCategoryGUID"]}
    status, made = demo.api("mei").call("POST", "/api/v1/tickets", wanted | {"title": TITLE, "submit": True})
    assert status == 201, made
    return str(made["reference"])


def _about(came: list[Received], reference: str) -> bool:
    return any(one.json()["Reference"] == reference for one in came)
