"""A crawl: every kind of account follows every link and sends the empty state of every form.

What each account reaches, how it is answered and with how many queries at most is a committed snapshot (`pages.json`): whoever
changes a right or a query sees what else it changes. Beside it hold rules that no renewal can bend.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve

from tests.contracts.test_snapshots import HERE as CONTRACTS
from tests.contracts.test_snapshots import compare
from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from workwire.access import sessions
from workwire.rooms.work import queries

MOST_QUERIES = 25
MOST_PAGES = 1800  # each event has a page of its own, and each deed that an item allows
OTHER_DOORS = ("/api/", "/webapi/", "/health/", "/metrics", "/static/", "/kit/icons")
LAST = ("/unsubscribe", "/sign-out")  # forms after which others lead nowhere
_HREF = re.compile(r'<a [^>]*?href="([^"#]+)')
_FORM = re.compile(r'<form[^>]*?method="post"[^>]*?action="([^"]+)"')


@dataclass
class Crawl:
    """What one account found: by the name of each page, the statuses and the most queries."""

    browser: Client
    seen: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)
    found: dict[str, dict[str, Any]] = field(
        default_factory=lambda: defaultdict(lambda: {"status": set(), "queries": 0})
    )

    def walk(self, *first: str) -> None:
        """Follow links until there are no new ones."""
        waiting = list(first)
        while waiting:
            address = waiting.pop()
            if address in self.seen:
                continue
            self.seen.add(address)
            assert len(self.seen) <= MOST_PAGES, "links without an end"
            text = self._visit("GET", address)
            waiting += [link for link in _links(text) if link not in self.seen]
            self.forms.update(unescape(action) for action in _FORM.findall(text))

    def send_forms(self) -> None:
        """Send every form as it is when nothing was filled in; those that end something come last."""
        for action in sorted(self.forms, key=lambda action: ([action.endswith(end) for end in LAST[::-1]], action)):
            self._visit("POST", action)

    def _visit(self, method: str, address: str) -> str:
        connection.queries_log.clear()  # it keeps a limited number, beyond which nothing more would be counted
        with CaptureQueriesContext(connection) as asked:
            answer: HttpResponseBase = self.browser.generic(method, address)
        name = f"{method} {_name(address)}"
        assert answer.status_code < 500, (method, address)
        noted = self.found[name]
        noted["status"].add(answer.status_code)
        noted["queries"] = max(noted["queries"], sum("SAVEPOINT" not in one["sql"] for one in asked))
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        return getattr(answer, "content", b"").decode() if is_page else ""


def test_every_account_follows_every_link_and_sends_every_form(organisation: Organisation) -> None:
    accounts = gallery.accounts(organisation)
    items = gallery.items(organisation)
    traffic.send(organisation)
    told: dict[str, Any] = {}
    for who in (*accounts, "nobody"):
        browser = Client() if who == "nobody" else gallery.signed_in(accounts[who])
        crawl = Crawl(browser)
        crawl.walk("/", "/work?view=all", "/sign-in", "/no-such-page")
        crawl.send_forms()
        if who != "nobody":
            actor = sessions.actor_for(accounts[who].user)
            seen = {item.guid for item in queries.items_visible_to(actor)}
            for item in items.values():
                reached = f"/work/{item.reference}" in crawl.seen or f"/work/{item.guid}" in crawl.seen
                assert reached == (item.guid in seen), (who, item.reference)
        told[who] = {
            name: {"status": sorted(noted["status"]), "queries": noted["queries"]}
            for name, noted in sorted(crawl.found.items())
        }
    for who, pages in told.items():
        for name, noted in pages.items():
            assert noted["queries"] <= MOST_QUERIES, (who, name)
            assert "no-such-page" in name or 404 not in noted["status"], (who, name, "a link leads nowhere")
    compare("pages.json", told if os.environ.get("WORKWIRE_TEST_RENEW") else _within_budget(told))


def _within_budget(told: dict[str, Any]) -> dict[str, Any]:
    """What was found, with the committed number of queries where no more were asked; a renewal lowers it."""
    kept = json.loads((CONTRACTS / "pages.json").read_text())
    for who, pages in told.items():
        for name, noted in pages.items():
            budget = kept.get(who, {}).get(name, {}).get("queries", 0)
            noted["queries"] = budget if noted["queries"] <= budget else noted["queries"]
    return told


def _links(text: str) -> Iterator[str]:
    for href in _HREF.findall(text):
        address = unescape(href)
        parts = urlsplit(address)
        if not parts.netloc and parts.path.startswith("/") and not parts.path.startswith(OTHER_DOORS):
            yield address


def _name(address: str) -> str:
    """The name of a page, whatever record it shows."""
    try:
        return resolve(urlsplit(address).path).url_name or urlsplit(address).path
    except Resolver404:
        return "no-such-page"
