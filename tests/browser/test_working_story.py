"""A morning at the desk, in a browser: from taking to resolving by keys alone, two at one item, and on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Visitor, World


def test_a_ticket_is_worked_from_taking_to_resolving_with_keys_alone(visitor: Visitor, world: World) -> None:
    page = visitor("team member")
    page.goto(world.item("no rule"))
    page.get_by_role("button", name="Take").press("Enter")
    expect(page.get_by_role("status").filter(has_text="It is yours.")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("They sent the wrong number.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("They sent the wrong number.")).to_be_visible()
    page.keyboard.press("e")
    page.get_by_label("Title").press("End")
    page.keyboard.type(", asked again")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="asked again")).to_be_visible()
    page.keyboard.press("r")
    page.get_by_label("To", exact=True).fill("ann@example.org")
    page.get_by_label("Text").fill("Which number is it?")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_text("Which number is it?")).to_be_visible()
    page.locator("summary", has_text="Wait").press("Enter")
    page.get_by_role("button", name="Wait").press("Enter")
    expect(page.locator(".standing")).to_contain_text("Waiting")
    page.get_by_role("button", name="Take").press("Enter")
    page.locator("summary", has_text="Resolve").press("Enter")
    page.get_by_label("Note").fill("It was 4711.")
    page.get_by_role("button", name="Resolve").press("Enter")
    expect(page.locator(".standing")).to_contain_text("Closed")
    expect(page.get_by_role("button", name="Take")).to_have_count(0)


def test_of_two_who_edit_an_item_the_slower_one_is_told(visitor: Visitor, world: World) -> None:
    quick, slow = visitor("team member"), visitor("administrator")
    for page in (quick, slow):
        page.goto(world.item("due by hand"))
        page.keyboard.press("e")
        expect(page.get_by_label("Title")).to_be_visible()
    quick.get_by_label("Title").fill("Said by the quick one")
    quick.get_by_role("button", name="Save").click()
    expect(quick.get_by_role("heading", name="Said by the quick one")).to_be_visible()
    slow.get_by_label("Title").fill("Said by the slow one")
    slow.get_by_role("button", name="Save").click()
    expect(slow.get_by_text("changed this meanwhile.")).to_be_visible()
    expect(slow.get_by_role("definition").filter(has_text="Said by the quick one")).to_be_visible()
    slow.get_by_role("button", name="Save").click()
    expect(slow.get_by_role("heading", name="Said by the slow one")).to_be_visible()


def test_a_checklist_is_answered_and_an_item_noted_and_resolved_on_a_phone(visitor: Visitor, world: World) -> None:
    page = visitor("team member", viewport=PHONE, has_touch=True)
    page.goto(world.item("action with a checklist"))
    second = page.locator(".checks > li").nth(1)
    second.get_by_role("button", name="Yes").tap()
    expect(page.locator(".checks > li").nth(1)).to_contain_text("Tomas Sato")
    page.locator("summary", has_text="Resolve").tap()
    page.get_by_label("Note").last.fill("Measured.")
    inside = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert inside
    page.locator(".deeds").get_by_role("button", name="Resolve").tap()
    expect(page.locator(".standing")).to_contain_text("Closed")
