"""What people do with the pages of webhooks, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visitor, World
from tests.web import traffic


def test_a_builder_finds_what_was_withheld_and_narrows_it(visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.get_by_role("link", name="Deliveries").first.click()
    page.get_by_role("link", name="Withheld", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text("Withheld")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Webhook").select_option("PacketUpdated")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("Webhook PacketUpdated")).to_be_visible()
    page.get_by_label("Take off: Webhook PacketUpdated").click()
    expect(page.locator("tbody tr").first).to_contain_text("Withheld")


def test_a_builder_reads_why_a_delivery_failed_and_sends_it_again(visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.goto("/webhooks/deliveries?state=gave-up")
    page.locator("tbody .title a").first.click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    expect(page.get_by_text("closed for maintenance")).to_be_visible()
    page.locator(".attempts a").first.click()
    expect(page.locator(".attempts a").first).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").filter(has_text="It is sent again.")).to_be_visible()
    expect(page.locator(".pill")).to_contain_text("Waiting")
    page.get_by_label("Older delivery").click()
    expect(page.get_by_label("Newer delivery")).to_be_visible()


def test_a_builder_pauses_a_subscription_gets_a_new_secret_and_resumes(world: World, visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.get_by_role("link", name="Subscriptions").first.click()
    page.locator(f'a[href$="{world.subscriptions["well"]}"]').click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="Paused.")).to_be_visible()
    page.locator("summary", has_text="New secret").click()
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.get_by_text(re.compile("^whsec_"))).to_be_visible()
    page.goto(f"/webhooks/subscriptions/{world.subscriptions['well']}")
    expect(page.get_by_text(re.compile("^whsec_"))).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_from_a_change_of_a_ticket_to_its_event_and_to_where_it_was_sent(visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.goto("/webhooks/deliveries?webhook=PacketUpdated&state=delivered")
    page.locator("tbody .title a").last.click()
    page.get_by_text("Record").locator("..").get_by_role("link").click()
    history = page.get_by_role("region", name="History")
    history.get_by_role("link", name=re.compile("^Work item changed")).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Work item changed")
    expect(page.get_by_role("cell", name="Where is our invoice?")).to_be_visible()
    page.get_by_role("region", name="Deliveries").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    page.get_by_role("link", name="Event", exact=True).click()
    page.get_by_role("link", name="All events of this record").click()
    expect(page.get_by_label(re.compile("^Take off: Record"))).to_be_visible()
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Kind").select_option("WorkItemCreated")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_failed_day_is_found_counted_and_sent_again(world: World, visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.goto(f"/webhooks/subscriptions/{world.subscriptions['gives up']}")
    page.get_by_role("link", name="Repair and explain").click()
    page.get_by_role("link", name="Reconcile").click()
    page.get_by_role("link", name="Send what was not delivered").first.click()
    expect(page.get_by_label("Range")).to_have_value("between")
    page.get_by_role("button", name="Count first").click()
    expect(page.get_by_text(re.compile(r"messages? would be sent"))).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("status").filter(has_text="Started.")).to_be_visible()
    row = page.locator("#replays tbody tr").first
    expect(row).to_contain_text("Running")
    row.get_by_role("button", name="Pause").click()
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("Running")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("Cancelled")


def test_a_withheld_message_is_explained(visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.goto("/webhooks/deliveries?state=withheld")
    page.locator("tbody .title a").first.click()
    page.get_by_role("link", name="Explain why").click()
    expect(page.get_by_text("It was withheld", exact=True)).to_be_visible()
    expect(page.get_by_text("The owner may see the record the message is about.")).to_be_visible()
    expect(page.get_by_role("heading", name="The body it would carry")).to_be_visible()
    page.get_by_label("Which message?").fill("Changed at last")
    page.get_by_role("button", name="Explain").click()
    page.get_by_role("link", name="Changed at last").click()
    expect(page.get_by_text("It is not delivered yet")).to_be_visible()
    page.get_by_role("button", name="Send this as a test").click()
    expect(page.get_by_role("status").filter(has_text="The test is on its way.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("PacketUpdated")
    expect(page.get_by_role("main").get_by_text("Test", exact=True)).to_be_visible()
    page.get_by_role("link", name="Deliveries").first.click()
    expect(page.locator("tbody tr").first).to_contain_text("Changed at last")
    expect(page.locator("tbody tr").first.get_by_text("Test", exact=True)).to_be_visible()


def test_an_administrator_hands_a_subscription_over_and_back(world: World, visitor: Visitor) -> None:
    admin, address = visitor("administrator"), f"/webhooks/subscriptions/{world.subscriptions['long name']}"
    for words, name in (("ekdahl", "Paul Ekdahl"), ("moreau", "Bea Moreau")):
        admin.goto(address)
        admin.locator("summary", has_text="Hand over").click()
        admin.get_by_role("link", name="Hand over").click()
        admin.get_by_label("Find an account").fill(words)
        admin.keyboard.press("Enter")
        admin.get_by_role("button", name=name, exact=True).click()
        expect(admin.get_by_text("Both owners see these.")).to_be_visible()
        admin.get_by_role("button", name=f"Hand over to {name}").click()
        expect(admin.get_by_role("status").filter(has_text="Handed over.")).to_be_visible()
        expect(admin.get_by_role("main")).to_contain_text(name)
    builder = visitor(traffic.WHO)
    builder.goto(address)
    expect(builder.get_by_role("button", name="Pause")).to_be_visible()


def test_a_log_that_is_watched_leads_to_signing_in_when_the_session_ended_and_back(visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.goto("/webhooks/deliveries?state=delivered")
    kept = page.context.cookies()
    page.context.clear_cookies()
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fwebhooks%2Fdeliveries%3Fstate%3Ddelivered$"))
    expect(page.get_by_role("heading", name="Deliveries")).to_have_count(0)
    page.context.add_cookies(kept)  # as signing in does
    page.goto("/webhooks/deliveries?state=delivered")
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()


def test_the_sample_follows_the_webhook_and_the_format_that_are_chosen(visitor: Visitor) -> None:
    page = visitor(traffic.WHO)
    page.goto("/webhooks/subscribe?webhook=PacketUpdated")
    sample = page.get_by_role("complementary", name="Sample")
    expect(sample.locator("mark").first).to_be_visible()
    page.get_by_role("radio", name="NewCommunication").check()
    expect(sample.locator(".tag")).to_have_text("NewCommunication")
    page.get_by_label(re.compile("^CloudEvents")).check()
    expect(sample).to_contain_text("application/cloudevents+json")
    expect(sample).to_contain_text('"specversion"')
    page.get_by_role("radio", name="BusinessObjectCreated").check()
    expect(page.get_by_role("radiogroup", name="About").get_by_label("Schedule")).to_be_visible()
