"""What administrators do in a browser: make an account, give it a role, sign in as it, see what it may see and why."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visitor

PASSWORD = "a long and winding road"


def test_an_account_is_made_raised_signed_in_and_its_sight_explained(visitor: Visitor) -> None:
    page = visitor("administrator")
    page.get_by_role("link", name="Accounts").first.click()
    page.get_by_role("link", name="New account").click()
    page.get_by_label("User name").fill("nora")
    page.get_by_label("Name", exact=True).or_(page.get_by_label("Name (optional)", exact=True)).fill("Nora Quist")
    page.get_by_label("Operational role").select_option("Team Member")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("alert")).to_contain_text("This password is too short.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("status").filter(has_text="The account is made.")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Operational role").select_option("Team Leader")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Team Leader")).to_be_visible()

    other = visitor()
    other.goto("/sign-in")
    other.get_by_label("User name").fill("nora")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("link", name="All work").first.click()
    expect(other.get_by_text("Nothing here")).to_be_visible()

    page.get_by_role("link", name="What it may see").click()
    page.locator(".picks button", has_text="Willow Clinics").click()
    expect(page.get_by_text("Nora Quist does not see this. No rule allows it.")).to_be_visible()
    page.get_by_role("link", name="User groups").first.click()
    page.get_by_role("link", name="Willow Clinics people").click()
    page.get_by_label("User name").fill("nora")
    page.get_by_role("button", name="Add to the group").click()
    expect(page.get_by_role("status").filter(has_text="Nora Quist joined.")).to_be_visible()
    page.get_by_role("link", name="Nora Quist").click()
    page.get_by_role("link", name="What it may see").click()
    page.locator(".picks button", has_text="Willow Clinics").click()
    expect(page.get_by_text("Nora Quist sees this. The group 'Willow Clinics people'")).to_be_visible()
    other.reload()
    expect(other.get_by_text("Nothing here")).to_have_count(0)

    page.go_back()
    page.go_back()
    page.locator("summary", has_text="Retire").click()
    page.get_by_role("button", name="Retire the account").click()
    expect(page.locator(".pill")).to_contain_text("Retired")
    other.reload()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_queue_is_made_and_filled_and_a_calendar_gets_a_short_day(visitor: Visitor) -> None:
    page = visitor("administrator")
    page.get_by_role("link", name="Queues").first.click()
    page.get_by_role("link", name="New queue").click()
    page.get_by_label("Name").fill("Night desk")
    page.get_by_role("button", name="Make the queue").click()
    expect(page.get_by_role("status").filter(has_text="The queue is made.")).to_be_visible()
    page.get_by_label("User name").first.fill("nobody at all")
    page.get_by_role("button", name="Add the member").click()
    expect(page.get_by_role("alert")).to_contain_text("nobody at all")
    page.get_by_label("User name").first.fill("tomas")
    page.get_by_role("button", name="Add the member").click()
    expect(page.get_by_role("status").filter(has_text="joined.")).to_be_visible()
    page.locator("summary", has_text="Retire").click()
    page.get_by_role("button", name="Retire the queue").click()
    page.get_by_role("button", name="Bring the queue back").click()
    page.get_by_role("link", name="Queues").first.click()
    expect(page.get_by_role("row").filter(has_text="Night desk")).to_contain_text("No due date")

    page.get_by_role("link", name="Calendars").first.click()
    page.get_by_role("link", name="Willow Clinics week").click()
    expect(page.get_by_role("heading", name="Public holidays")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Single days").fill("2026-12-24 9-12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 1: Hours are written like")
    page.get_by_label("Single days").fill("2026-12-24 9:00-12:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="24 Dec 2026")).to_contain_text("09:00-12:00")
