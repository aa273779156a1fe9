"""`lists`: pages of the delivery log and of the work items, in a small installation and in a large one.

Asked for through the REST API, in this process. Three accounts look: an administrator, the owner of most subscriptions who
sees all records, and the owner of a few who sees what data permissions allow. A page must have as many rows in the large
installation as in the small one, so that the two can be compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import filling
import rig
from figures import Figure, Given, check, say

if TYPE_CHECKING:
    from django.test import Client

    from workwire.reactions.webhooks.models import Subscription

SUBSCRIPTIONS, OF_FEW = 100, 10
SMALL = 10_000
UNUSUAL = 10  # one in so many deliveries was withheld
LIMIT = 10  # so that a page is full in the small installation, too
EARLIER = timedelta(days=10)  # how long ago half of the log was written
MOST_LOOKS, MOST_SECONDS = 15, 3.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: who asks, what for. `{…}` in the query is filled in from what is there (see `_places`)."""

    what: str
    who: str
    path: str
    query: str = ""

    @property
    def name(self) -> str:
        """How figures call it."""
        return f"{self.who}.{self.what.replace(' ', '_')}"


PAGES = [
    *(
        Page(f"{what} of the log", who, "deliveries", query)
        for who in ("administrator", "owner", "owner_of_few")
        for what, query in (
            ("first page", ""),
            ("deep page", "cursor={deep}"),
            ("withheld", "state=withheld"),
            ("given up (none)", "state=gave_up"),
            ("due (none)", "state=due"),
            ("delivered", "state=delivered"),
            ("one subscription", "subscription={own}"),
            ("deep page of one subscription", "subscription={own}&cursor={deep}"),
            ("one subscription, withheld", "subscription={own}&state=withheld"),
            ("one record", "record={record}"),
            ("one webhook", "webhook=PacketCreated"),
            ("another webhook (none)", "webhook=PacketUpdated"),
            ("old ones", "until={early}"),
        )
    ),
    *(
        Page(f"{what} of work items", who, "work-items", query)
        for who in ("administrator", "member")
        for what, query in (
            ("first page", ""),
            ("deep page", "cursor={deep_item}"),
            ("in draft", "status=Draft"),
            ("closed (none)", "status=Closed"),
            ("of one kind", "kind=ticket"),
            ("of another kind (none)", "kind=case"),
        )
    ),
]


def measure(given: Given) -> list[Figure]:
    """Every page at both sizes."""
    deliveries = given.size(10_000_000 if given.database == "postgres" else 1_000_000, 200_000)
    items = given.size(1_000_000 if given.database == "postgres" else 200_000, 50_000)
    with rig.installation(given.database):
        office = filling.office()
        subscriptions = filling.subscriptions_of_two(office, SUBSCRIPTIONS, OF_FEW)
        clients = _clients(office)
        _grow(SMALL, SMALL, subscriptions)
        small = _look(clients, subscriptions, given)
        _grow(deliveries - SMALL, items - SMALL, subscriptions)
        large = _look(clients, subscriptions, given)
    figures = []
    for page in PAGES:
        (before, rows), (after, rows_after) = small[page.name], large[page.name]
        check(rows == rows_after, f"{page.name} has {rows_after} rows instead of {rows}")
        say(f"  {page.name}: {before:.1f} ms, then {after:.1f} ms")
        figures += [
            Figure(f"lists.{given.database}.{page.name}.small", before, "ms"),
            Figure(f"lists.{given.database}.{page.name}.large", after, "ms"),
        ]
    return figures


def _grow(deliveries: int, items: int, subscriptions: list[Subscription]) -> None:
    from django.db import connection

    from workwire.kernel import clock
    from workwire.reactions.webhooks.models import State

    moment = clock.now()
    for at in (moment - EARLIER, moment):
        after = filling.add_events(deliveries // len(subscriptions) // 2, pending=False)
        filling.add_deliveries(after, subscriptions, state=State.DELIVERED, at=at)
    filling.add_work_items(items)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE webhooks_delivery SET state = {State.WITHHELD:d}, end_reason = 'record_not_visible'"
            f" WHERE state = {State.DELIVERED:d} AND event_id % {UNUSUAL} = 0"
        )
    rig.vacuum()


def _look(
    clients: Mapping[str, Client], subscriptions: list[Subscription], given: Given
) -> dict[str, tuple[float, int]]:
    """Milliseconds a page takes, the median of several looks, and its number of rows."""
    return {page.name: _time(clients[page.who], page, _places(page.who, subscriptions), given) for page in PAGES}


def _time(client: Client, page: Page, places: Mapping[str, Any], given: Given) -> tuple[float, int]:
    url, times, rows = f"/api/v1/{page.path}?limit={LIMIT}&{page.query.format(**places)}", list[float](), 0
    for _ in range(given.size(MOST_LOOKS, 4) + 1):
        begun = time.perf_counter()
        answer = client.get(url)
        times.append((time.perf_counter() - begun) * 1e3)
        check(answer.status_code == 200, f"{url} answered {answer.status_code}")
        rows = len(answer.json()["items"])
        if sum(times) > MOST_SECONDS * 1e3:
            break
    return statistics.median(times[1:] or times), rows


def _places(who: str, subscriptions: list[Subscription]) -> dict[str, Any]:
    """Where in the lists to look: a third of the way down, and what belongs to the account."""
    from workwire.kernel import clock, pages
    from workwire.reactions.webhooks.models import Delivery
    from workwire.rooms.work.models import WorkItem

    middle = Delivery.objects.order_by("-pk").values_list("pk", flat=True)[0] * 2 // 3
    item = WorkItem.objects.order_by("-pk").values_list("pk", flat=True)[0] * 2 // 3
    return {
        "deep": pages.cursor_at(middle),
        "deep_item": pages.cursor_at(item),
        "own": subscriptions[0 if who == "owner_of_few" else -1].guid,
        "record": Delivery.objects.get(pk=middle).record_guid,
        "early": (clock.now() - EARLIER / 2).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _clients(office: filling.Office) -> dict[str, Client]:
    """Clients of the REST API, logged in."""
    from django.test import Client

    names = {
        "administrator": "administrator",
        "owner": "process builder",
        "owner_of_few": "process builder of one company",
        "member": "team member",
    }
    clients = {}
    for who, name in names.items():
        account = office.organisation.accounts[name]
        wish = {"username": account.user.username, "password": account.password}
        answer = Client(SERVER_NAME="localhost").post("/api/v1/tokens", wish, content_type="application/json")
        clients[who] = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {answer.json()['token']}"})
    return clients
