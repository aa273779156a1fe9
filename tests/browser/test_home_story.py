"""A morning at Home, in a browser: getting work and ordering the focus list with keys, and the lists on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Visitor


def test_work_is_chosen_and_put_in_order_with_keys_alone(visitor: Visitor) -> None:
    page = visitor("team member")
    page.goto("/home?list=team-inbox")
    first, second = (page.locator("tbody tr").nth(place).locator(".reference").inner_text() for place in (0, 1))
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("tbody [name=item]:checked")).to_have_count(2)
    page.get_by_role("button", name="Put on the focus list").press("Enter")
    expect(page.get_by_role("status").filter(has_text="2 items are on your focus list.")).to_be_visible()
    page.get_by_role("link", name="Focus list").press("Enter")
    rows = page.locator("tbody .reference")
    expect(rows).to_have_text([first, second])
    page.get_by_role("button", name=re.compile("^Move up")).press("Enter")
    expect(rows).to_have_text([second, first])
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator(".standing")).to_be_visible()
    page.goto("/home?list=recent")
    expect(page.locator("tbody .reference").first).to_have_text(second)
    page.goto("/home?list=focus")
    page.get_by_label("Choose all of this page").check()
    page.get_by_role("button", name="Take off the focus list").press("Enter")
    expect(page.get_by_text("Work that you want to get to appears here")).to_be_visible()


def test_a_due_total_narrows_a_list_on_a_phone(visitor: Visitor) -> None:
    page = visitor("team member", viewport=PHONE, has_touch=True)
    page.goto("/home?list=team-inbox")
    page.get_by_role("navigation", name="By due date").get_by_role("link", name="Overdue").tap()
    expect(page).to_have_url(re.compile("due=overdue"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.get_by_role("button", name="Get work")).to_be_visible()
