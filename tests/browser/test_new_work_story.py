"""Work is started in a browser: by keys, pressed twice, and with a requester who is no contact yet."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Visitor

PRESS_TWICE = """button => {
  const stopped = [];
  addEventListener("submit", (event) => stopped.push(event.defaultPrevented));
  button.click();
  button.click();
  return stopped;
}"""


def test_a_ticket_is_started_once_however_often_one_presses(visitor: Visitor) -> None:
    page = visitor("team member")
    page.goto("/home")
    page.keyboard.press("c")
    page.get_by_role("heading", name="New work").wait_for()
    page.get_by_role("link", name="Tickets").click()
    page.locator("a.hit").first.click()
    page.get_by_label("Title").fill("A chair that is asked for once")
    page.get_by_label("Category").select_option(index=1)
    page.get_by_label("Requester").fill("nobody.yet@example.org")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("has this mail address").first).to_be_visible()
    page.get_by_label("Surname").fill("Newcomer")
    start = page.get_by_role("button", name="Start", exact=True)
    assert start.evaluate(PRESS_TWICE) == [False, True]  # whether each was stopped
    expect(page.locator(".standing")).to_be_visible()
    expect(page.get_by_text("Newcomer").first).to_be_visible()
    page.goto("/work?view=all&text=A+chair+that+is+asked+for+once")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_process_is_found_and_a_draft_kept_on_a_phone(visitor: Visitor) -> None:
    page = visitor("team member", viewport=PHONE, has_touch=True)
    page.goto("/new")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("a.hit").first.tap()
    page.get_by_label("Title").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_label("Title").fill("Thought of on the way")
    page.get_by_role("button", name="Keep as a draft").tap()
    expect(page).to_have_url(re.compile("/work/"))
    expect(page.get_by_text("is kept as a draft.")).to_be_visible()
