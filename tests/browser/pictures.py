"""The pictures of the README and the docs, taken from a running demo.

`python -m tests.browser.pictures FOLDER` starts `workwire demo` on an empty folder and writes the pictures to `FOLDER`,
`docs/pictures` when none is named.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import BROWSER, PHONE, ROOT, WIDE
from tests.support import chromium
from tests.support.processes import free_port, wait_for_web

FOLDER = ROOT / "docs" / "pictures"
CONSOLE = {"width": 1440, "height": 720}
PATIENCE = 90.0  # seconds until the demo has shown what it shows
WHO, INTEGRATOR, OPERATOR = "mei", "petra", "ada"


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        port, data = free_port(), Path(scratch) / "demo"
        command = [sys.executable, "-m", "workwire", "demo", "--port", str(port), "--data", str(data)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
            try:
                _wait_until_shown(demo)
                wait_for_web("localhost", port)
                told = json.loads((data / "demo.json").read_text())
                accounts = {one["username"]: one for one in told["accounts"]}
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=BROWSER, args=chromium.arguments())
                    _take(browser, f"http://localhost:{port}", accounts[WHO], folder)
                    _take_console(browser, f"http://localhost:{port}", accounts[INTEGRATOR], folder)
                    _take_subscribing(browser, f"http://localhost:{port}", accounts[INTEGRATOR], folder)
                    _take_operation(browser, f"http://localhost:{port}", accounts[OPERATOR], folder)
                    browser.close()
            finally:
                demo.terminate()


def _wait_until_shown(demo: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    assert demo.stdout is not None
    for line in demo.stdout:
        if "stays up" in line:
            return
        if time.monotonic() > until:
            break
    raise TimeoutError("the demo did not come up")


def _take(browser: Browser, url: str, account: dict[str, str], folder: Path) -> None:
    for theme in ("light", "dark"):
        page = _signed_in(browser, url, account, viewport=WIDE, color_scheme=theme)
        page.goto("/work?view=all")
        page.screenshot(path=folder / f"work-{theme}.png")
        page.get_by_role("link", name="Cases", exact=True).click()
        page.locator("tbody .title a").first.click()
        page.locator("summary", has_text="Why this due date").click()
        page.screenshot(path=folder / f"case-{theme}.png")
        page.context.close()
    page = _signed_in(browser, url, account, viewport=PHONE, color_scheme="light", device_scale_factor=1)
    page.goto("/work?view=all")
    page.screenshot(path=folder / "work-phone.png")
    page.context.close()


def _take_console(browser: Browser, url: str, account: dict[str, str], folder: Path) -> None:
    for theme in ("light", "dark"):
        page = _signed_in(browser, url, account, viewport=CONSOLE, color_scheme=theme)
        page.goto("/webhooks/deliveries")
        page.screenshot(path=folder / f"deliveries-{theme}.png")
        page.locator("tbody tr", has_text="PacketUpdated").first.locator(".title a").click()
        page.get_by_role("heading", name="Attempts").wait_for()
        page.screenshot(path=folder / f"delivery-{theme}.png")
        page.context.close()


def _take_subscribing(browser: Browser, url: str, account: dict[str, str], folder: Path) -> None:
    for theme in ("light", "dark"):
        page = _signed_in(browser, url, account, viewport=CONSOLE, color_scheme=theme)
        page.goto("/webhooks/subscribe?webhook=PacketUpdated")
        page.screenshot(path=folder / f"subscribe-{theme}.png")
        page.goto("/webhooks/subscriptions")
        page.locator("tbody tr", has_text="PacketUpdated").first.get_by_role("link").first.click()
        page.get_by_role("link", name="Repair and explain").wait_for()
        page.screenshot(path=folder / f"subscription-{theme}.png")
        page.goto("/webhooks/deliveries?webhook=PacketUpdated")
        page.locator("tbody .title a").first.click()
        page.get_by_role("link", name="Explain, and compare with the message before").click()
        page.get_by_role("heading", name="The body it would carry").wait_for()
        page.screenshot(path=folder / f"explain-{theme}.png")
        page.context.close()


def _take_operation(browser: Browser, url: str, account: dict[str, str], folder: Path) -> None:
    for theme in ("light", "dark"):
        page = _signed_in(browser, url, account, viewport=CONSOLE, color_scheme=theme)
        page.goto("/operate")
        page.screenshot(path=folder / f"overview-{theme}.png")
        page.goto("/webhooks/events")
        page.screenshot(path=folder / f"events-{theme}.png")
        page.goto("/administration/accounts")
        page.get_by_role("link", name="Mei").first.click()
        page.get_by_role("link", name="What it may see").click()
        page.locator(".picks button").first.click()
        page.get_by_role("heading", level=1).wait_for()
        page.screenshot(path=folder / f"sight-{theme}.png")
        page.context.close()


def _signed_in(browser: Browser, url: str, account: dict[str, str], **look: Any) -> Page:
    context = browser.new_context(
        base_url=url, timezone_id="Europe/Amsterdam", locale="en-GB", reduced_motion="reduce", **look
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("User name").fill(account["username"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name=re.compile("^(Work inbox|My work)$")).wait_for()
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
