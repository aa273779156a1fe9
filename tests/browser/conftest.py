"""A running server with a world in it, and browsers that visit it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support import chromium
from tests.support.empty_databases import empty_database
from tests.support.environment import ON_POSTGRES
from tests.support.processes import free_port, wait_for_web

ROOT = Path(__file__).parents[2]
START_SECONDS = 90
ANSWER_MS = 10_000
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
BROWSER = chromium.find()
ON_BOTH = (
    "test_administration_story.py",
    "test_first_message.py",
    "test_journeys.py",
    "test_webhook_stories.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say why a story does not run. On PostgreSQL those run whose pages ask it most; how pages look is the same there."""
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        of_looks = ON_POSTGRES and item.path.name not in ON_BOTH
        reason = "" if BROWSER and not of_looks else "it is the same on SQLite" if BROWSER else "there is no Chromium"
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class World:
    """Where the server is, who can sign in, and the items and subscriptions by what is special about each."""

    url: str
    accounts: dict[str, list[str]]
    items: dict[str, str]
    subscriptions: dict[str, str]

    def item(self, name: str) -> str:
        """The address of an item's page."""
        return f"/work/{self.items[name]}"


def environment(folder: Path, database_url: str | None) -> dict[str, str]:
    """The environment of an installation in a folder, on a database or on one embedded in the folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    if database_url:
        kept["WORKWIRE_DATABASE_URL"] = database_url
    return kept | {
        "WORKWIRE_DATA_DIR": str(folder),
        "WORKWIRE_LOG_LEVEL": "error",
        "WORKWIRE_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "workwire.settings",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
    }


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an installation in a folder of its own."""
    with empty_database(f"browsers_{os.getpid()}") as url:
        yield environment(tmp_path_factory.mktemp("world"), url)


@pytest.fixture(scope="session")
def world(installation: dict[str, str]) -> Iterator[World]:
    """A server with work of every kind."""
    with served(installation) as world:
        yield world


@contextmanager
def served(installation: dict[str, str], *wishes: str) -> Iterator[World]:
    """A server with work of every kind in an installation that is empty; `wishes` are those of `tests.web.served`."""
    port = free_port()
    command = [sys.executable, "-m", "tests.web.served", str(port), *wishes]
    with subprocess.Popen(command, env=installation, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            url = f"http://localhost:{port}"
            wait_for_web("localhost", port, timeout=START_SECONDS)
            yield World(url, told["accounts"], told["items"], told["subscriptions"])
        finally:
            process.terminate()


@contextmanager
def with_worker(installation: dict[str, str], *wishes: str) -> Iterator[World]:
    """The same with a worker."""
    command = [sys.executable, "-m", "workwire", "worker"]
    with (
        served(installation, *wishes) as world,
        subprocess.Popen(command, env=installation, cwd=ROOT) as process,
    ):
        try:
            yield world
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def workshop(world: World, installation: dict[str, str]) -> Iterator[str]:
    """The address of a server on the same data in debug mode, where the kit is shown."""
    port = free_port()
    command = [sys.executable, "-m", "workwire", "web", "--quiet", "--port", str(port)]
    environment = installation | {"WORKWIRE_DEBUG": "true"}
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
        try:
            url = f"http://localhost:{port}"
            wait_for_web("localhost", port, timeout=START_SECONDS)
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=chromium.arguments())
        yield running
        running.close()


Visitor = Callable[..., Page]


@pytest.fixture
def visitor(world: World, browser: Browser) -> Iterator[Visitor]:
    """Make pages to look through: by an account or by nobody, in a width, a theme, a language, with or without script."""
    contexts: list[BrowserContext] = []

    def make(who: str = "", *, at: str = "", **wishes: Any) -> Page:
        wished: dict[str, Any] = {
            "viewport": WIDE,
            "color_scheme": "light",
            "timezone_id": "Europe/Lisbon",
            "locale": "en-GB",
        }
        context = browser.new_context(base_url=at or world.url, **(wished | wishes))
        context.set_default_timeout(ANSWER_MS)
        contexts.append(context)
        page = context.new_page()
        if who:
            sign_in(page, world, who)
        return page

    yield make
    for context in contexts:
        context.close()


def sign_in(page: Page, world: World, who: str) -> None:
    """Sign in as people do."""
    username, password = world.accounts[who]
    page.goto("/sign-in")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name=re.compile("^(Work inbox|My work)$")).wait_for()
