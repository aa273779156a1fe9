"""Every page, light and dark, wide and phone: readable by everybody, no sideways scrolling, no complaint of the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

from tests.browser.conftest import PHONE, WIDE, Visitor, World
from tests.web import traffic

ITEMS = (
    "with contacts",
    "with files",
    "with custom data",
    "said and sent",
    "due by hand",
    "long word",
    "hostile",
    "related",
)
CASES = ("case that needs attention", "action with a checklist", "rejected by a robot", "nothing to count from")
WEBHOOKS = (
    "/webhooks/catalogue",
    "/webhooks/catalogue/PacketUpdated",
    "/webhooks/subscriptions",
    "/webhooks/subscriptions?sort=waiting",
    "/webhooks/subscribe",
    "/webhooks/subscribe?webhook=BusinessObjectCreated",
    "/webhooks/deliveries",
    "/webhooks/deliveries?state=withheld&since=24h",
    "/webhooks/deliveries?record=1-T",
    "/webhooks/events",
    "/webhooks/events?record=999999-T&since=24h&account=tomas",
)
AUDIT = ("/operate/audit", "/operate/audit?area=sign_ins&since=24h")
ADMINISTRATION = (
    "/administration/accounts",
    "/administration/accounts/new",
    "/administration/roles",
    "/administration/roles/new",
    "/administration/groups",
    "/administration/groups/new",
    "/administration/queues",
    "/administration/queues/new",
    "/administration/calendars",
    "/administration/calendars/new",
    "/administration/settings",
    "/administration/settings/login_attempts",
)
WIDTHS = (390, 600, 768, 1024, 1280, 1440, 1920, 2560)
GRAVE = ("serious", "critical")
LOOKS = [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")]


def _pages(world: World) -> Iterator[str]:
    yield from (
        "/",
        "/home",
        "/home?list=team-inbox",
        "/home?list=owned&due=later",
        "/home?list=focus",
        "/home?list=recent",
        "/work",
        "/work?view=all",
        "/work?view=all&kind=action",
        "/work?view=mine&kind=case",
        "/find",
        "/notices",
        "/settings/me",
        "/settings/password",
        "/settings/second-factor",
        "/settings/picture",
        "/settings/sessions",
        "/settings/credentials",
        "/settings/credentials/new",
        "/find?q=an",
        "/no-such-page",
    )
    yield from (world.item(name) for name in (*ITEMS, *CASES))


@pytest.mark.parametrize(
    ("viewport", "theme"), LOOKS, ids=lambda value: value if isinstance(value, str) else value["width"]
)
def test_pages_can_be_read_by_everybody(viewport: Any, theme: str, world: World, visitor: Visitor) -> None:
    page = visitor("team member", viewport=viewport, color_scheme=theme)
    said: list[str] = []
    found: dict[str, list[str]] = {}
    page.on("console", lambda message: said.append(_told(message)))
    page.on("pageerror", lambda error: said.append(str(error)))
    for address in _pages(world):
        page.goto(address)
        page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
        found[address] = _grave(page)
    page = visitor(traffic.WHO, viewport=viewport, color_scheme=theme)
    for address in (*WEBHOOKS, *_deliveries(page), *_subscriptions(world), *_events(page), *_repairs(page, world)):
        page.goto(address)
        found[address] = _grave(page)
    signed_out = visitor(viewport=viewport, color_scheme=theme)
    for address in ("/sign-in", "/forgotten-password", "/new-password?link=old"):
        signed_out.goto(address)
        found[address] = _grave(signed_out)
    assert {address: grave for address, grave in found.items() if grave} == {}
    assert [one for one in said if one and "404 (Not Found)" not in one] == []


@pytest.mark.parametrize(
    ("viewport", "theme"), LOOKS, ids=lambda value: value if isinstance(value, str) else value["width"]
)
def test_operators_pages_can_be_read_by_everybody(viewport: Any, theme: str, world: World, visitor: Visitor) -> None:
    page = visitor("administrator", viewport=viewport, color_scheme=theme)
    found: dict[str, Any] = {}
    mine = (*AUDIT, *ADMINISTRATION, *_of_administration(page), *_hand_over(page, world))
    for address in ("/operate", "/operate/checks", "/operate/jobs", "/operate/settings", *mine):
        page.goto(address)
        page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
        found[address] = _grave(page), _widths(page)
    assert {address: found for address, found in found.items() if found != ([], {})} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_part_can_be_read_by_everybody(theme: str, workshop: str, visitor: Visitor) -> None:
    page = visitor(at=workshop, color_scheme=theme)
    page.goto("/kit")
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    assert _grave(page) == []
    page.get_by_role("button", name="Replay 41…").click(force=True)
    assert _grave(page) == []


def test_no_page_scrolls_sideways(world: World, workshop: str, visitor: Visitor) -> None:
    page, kit = visitor("team member"), visitor(at=workshop)
    kit.goto("/kit")
    assert _widths(kit) == {}
    for address in (
        "/",
        "/work?view=all",
        "/find?q=an",
        "/no-such-page",
        *(world.item(name) for name in (*ITEMS, *CASES)),
    ):
        page.goto(address)
        assert _widths(page) == {}, address
    builder = visitor(traffic.WHO)
    for address in (
        *WEBHOOKS,
        *_deliveries(builder),
        *_subscriptions(world),
        *_events(builder),
        *_repairs(builder, world),
    ):
        builder.goto(address)
        assert _widths(builder) == {}, address
    page.goto("/work?view=all")
    while not page.get_by_role("link", name="Lieferanten").count():
        page.goto(page.get_by_role("link", name="Older").get_attribute("href") or "")
    assert _widths(page) == {}


def _of_administration(page: Page) -> Iterator[str]:
    """The pages of an account, a role, a group, a queue and a calendar."""
    for listed, more in (
        ("accounts", ("", "/edit", "/sight")),
        ("roles", ("",)),
        ("groups", ("",)),
        ("queues", ("", "/edit")),
        ("calendars", ("", "/edit")),
    ):
        page.goto(f"/administration/{listed}")
        address = page.locator("tbody .title a").first.get_attribute("href") or ""
        yield from (f"{address}{one}" for one in more)
    page.goto(f"{_account(page)}/sight?kind=work_item")
    page.locator(".picks button").first.click()
    yield page.url
    page.goto("/administration/roles")
    page.get_by_role("link", name="Desk Manager").click()
    yield f"{page.url}/edit"


def _hand_over(page: Page, world: World) -> Iterator[str]:
    """The page that hands a subscription over, before and after an account was chosen."""
    address = f"/webhooks/subscriptions/{world.subscriptions['long name']}/hand-over"
    yield address
    page.goto(address)
    page.locator(".picks button").last.click()
    yield page.url


def _account(page: Page) -> str:
    page.goto("/administration/accounts")
    return page.locator("tbody .title a").first.get_attribute("href") or ""


def _deliveries(page: Page) -> list[str]:
    """The address of a delivery in each of the states that look different."""
    found = []
    for state in ("delivered", "withheld", "gave-up", "waiting"):
        page.goto(f"/webhooks/deliveries?state={state}")
        found.append(page.locator("tbody .title a").first.get_attribute("href") or "")
    return found


def _events(page: Page) -> list[str]:
    """The address of an event of each kind that was sent."""
    found = []
    for kind in ("WorkItemCreated", "WorkItemUpdated", "SubscriptionCreated"):
        page.goto(f"/webhooks/events?kind={kind}")
        found.append(page.locator("tbody .title a").first.get_attribute("href") or "")
    return found


def _subscriptions(world: World) -> list[str]:
    found = [
        f"/webhooks/subscriptions/{world.subscriptions[name]}" for name in ("well", "fails", "paused", "long name")
    ]
    return [*found, f"{found[1]}?period=7d", f"{found[3]}/unsubscribe"]


def _repairs(page: Page, world: World) -> list[str]:
    """The pages that repair and explain a subscription, with much to show and with an error."""
    page.goto("/webhooks/deliveries?state=waiting")
    waiting = (page.locator("tbody .title a").first.get_attribute("href") or "").rpartition("/")[2]
    well, long = (f"/webhooks/subscriptions/{world.subscriptions[name]}" for name in ("well", "long name"))
    return [
        f"{well}/replays?count=1&kind=replay&range=24h&states=delivered",
        f"{long}/replays?count=1&kind=replay&range=between",
        f"{well}/explain?about={waiting}",
        f"{long}/explain?about=Lieferanten",
        f"{well}/reconcile?record=1-T",
    ]


def _widths(page: Page) -> dict[int, int]:
    """The widths at which a page is wider than its window, with how wide it is."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            found[width] = needed
    page.set_viewport_size(WIDE)
    return found


def _grave(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in GRAVE]


def _told(message: ConsoleMessage) -> str:
    return message.text if message.type in ("error", "warning") else ""
