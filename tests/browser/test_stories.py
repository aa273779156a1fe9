"""What people do with the pages, in a browser."""

from __future__ import annotations

import re
import time

import pyotp
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Visitor, World
from workwire.access import second_factors


def test_a_member_signs_in_finds_work_and_reads_why_it_is_due(world: World, visitor: Visitor) -> None:
    page = visitor("team member")
    page.get_by_role("link", name="All work").first.click()
    expect(page).to_have_title("All work · Workwire")
    page.get_by_role("link", name="Cases", exact=True).click()
    page.get_by_role("link", name="Onboard another").first.click()
    expect(page).to_have_url(f"{world.url}{world.item('case that needs attention')}")
    expect(page.get_by_text("Needs attention", exact=True).first).to_be_visible()
    reasons = page.get_by_text("Counted from the start.")
    expect(reasons).to_be_hidden()
    page.locator("summary", has_text="Why this due date").click()
    expect(reasons).to_be_visible()
    expect(page.get_by_text("Times in Europe/Amsterdam, the zone of the contract")).to_be_visible()
    page.keyboard.press("Escape")
    expect(reasons).to_be_hidden()
    page.locator("summary", has_text="Tomas Sato").or_(
        page.get_by_label("Tomas Sato: look and signing out")
    ).first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_keyboard_alone_leads_from_signing_in_to_an_item_and_back(world: World, visitor: Visitor) -> None:
    page = visitor()
    page.goto("/work?view=open")
    username, password = world.accounts["team member"]
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Open work")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.locator("tbody .title a").nth(1)
    expect(second).to_be_focused()
    title = second.inner_text()
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("heading", name="Open work")).to_be_visible()


def test_a_wrong_password_is_told_and_the_name_kept(visitor: Visitor) -> None:
    page = visitor()
    page.goto("/sign-in")
    page.get_by_label("User name").fill("nobody-there")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong.")
    expect(page.get_by_label("User name")).to_have_value("nobody-there")


def test_a_long_list_goes_on_without_loading_the_page_anew_and_back_works(visitor: Visitor) -> None:
    page = visitor("team member")
    page.goto("/work?view=all")
    page.evaluate("window.isTheSame = true")
    first = page.locator("tbody .title a").first.get_attribute("href") or ""
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile("cursor="))
    expect(page.locator("tbody .title a").first).not_to_have_attribute("href", first)
    assert page.evaluate("window.isTheSame"), "only the list was replaced"
    page.reload()
    expect(page.locator("tbody .title a").first).not_to_have_attribute("href", first)
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody .title a").first).to_have_attribute("href", first)


def test_a_server_that_gives_no_answer_is_told(visitor: Visitor) -> None:
    page = visitor("team member")
    page.goto("/work?view=all")
    page.route("**/work?*", lambda route: route.abort())
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("status")).to_contain_text("The server gave no answer.")


def test_everything_works_without_script(world: World, visitor: Visitor) -> None:
    page = visitor("team member", java_script_enabled=False)
    page.goto("/work?view=all")
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile("cursor="))
    page.goto(world.item("with contacts"))
    expect(page.get_by_text("Sabine Köhler")).to_be_visible()
    page.get_by_label("Tomas Sato: look and signing out").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page).to_have_url(f"{world.url}{world.item('with contacts')}")


def test_the_theme_is_that_of_the_system_until_one_is_chosen(visitor: Visitor) -> None:
    page = visitor(color_scheme="dark")
    page.goto("/sign-in")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_label("Look").click()
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    light = page.evaluate(ground)
    assert (dark, light) == ("rgb(21, 21, 23)", "rgb(255, 255, 255)")
    page.goto("/")
    assert page.evaluate(ground) == light


def test_moments_are_in_the_zone_of_the_browser(visitor: Visitor) -> None:
    page = visitor("team member", timezone_id="Asia/Tokyo")
    page.goto("/work?view=all")
    expect(page.get_by_text("Times in Asia/Tokyo")).to_be_visible()


def test_a_phone_has_its_places_at_the_bottom(visitor: Visitor) -> None:
    page = visitor("team member", viewport=PHONE)
    places = page.get_by_role("navigation", name="Places on a phone")
    places.get_by_role("link", name="Open work").click()
    expect(page.get_by_role("heading", name="Open work")).to_be_visible()
    expect(places.get_by_role("link", name="Open work")).to_have_attribute("aria-current", "page")
    places.get_by_text("More").click()
    places.get_by_role("link", name="All work").click()
    expect(page.get_by_role("heading", name="All work")).to_be_visible()


def test_a_dialog_takes_the_focus_and_gives_it_back(workshop: str, visitor: Visitor) -> None:
    page = visitor(at=workshop)
    page.goto("/kit")
    opener = page.get_by_role("button", name="Replay 41…")
    opener.click()
    dialog = page.get_by_role("dialog", name="Replay 41 withheld deliveries?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_form_that_does_not_fit_says_where_and_leads_there(workshop: str, visitor: Visitor) -> None:
    page = visitor(at=workshop)
    page.goto("/kit")
    page.locator("#id_title").fill("")
    page.locator("form[data-guard]").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("alert").filter(has_text="This was not saved").first
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Title").click()
    expect(page.locator("#id_title")).to_be_focused()


def test_the_palette_finds_a_record_a_place_and_what_a_page_can_do(world: World, visitor: Visitor) -> None:
    page = visitor("team member")
    page.goto("/work?view=open")
    palette = page.get_by_role("dialog", name="Find or go to")
    page.keyboard.press("Control+k")
    expect(palette).to_be_visible()
    reference = world.items["plain"]
    page.keyboard.type(reference)
    expect(palette.get_by_role("link", name=reference)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{world.url}/work/{reference}")
    page.keyboard.press("Control+k")
    page.keyboard.type("all work")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="All work")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.get_by_role("link", name="Find").click()
    expect(palette).to_be_visible()
    page.keyboard.type("no such thing")
    expect(palette.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_title("no such thing · Find · Workwire")


def test_a_second_factor_is_set_up_asked_for_lost_and_stood_in_for(world: World, visitor: Visitor) -> None:
    page = visitor("guest")
    page.goto("/settings/second-factor")
    page.get_by_label("Present password").fill(world.accounts["guest"][1])
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="The key as a QR code")).to_be_visible()
    app = pyotp.TOTP(page.locator("code[dir=ltr]").inner_text().replace(" ", ""))
    before = int(time.time()) // second_factors.STEP - 1
    page.get_by_label("Code of the app").fill(app.generate_otp(before))
    page.get_by_role("button", name="Turn the second factor on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    page.reload()
    expect(page.locator("#codes")).to_have_count(0)

    def begin() -> None:
        page.context.clear_cookies()
        username, password = world.accounts["guest"]
        page.goto("/sign-in")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()

    for code in (app.now(), codes[0]):
        begin()
        page.get_by_label("Code").fill("000000")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("The code is wrong, or was used before.")).to_be_visible()
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name=re.compile("^(Work inbox|My work)$"))).to_be_visible()
    page.goto("/settings/second-factor")
    expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()
    end = page.locator("form", has=page.get_by_role("button", name="Turn the second factor off"))
    end.get_by_label("Present password").fill(world.accounts["guest"][1])
    end.get_by_role("button").click()
    expect(page.get_by_text("The second factor is off.")).to_be_visible()
