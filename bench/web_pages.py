"""Every page of the web on a large installation, and on one a hundredth as large: server time, queries and weight.

Pages are asked for in this process, with all that the web process does for a request, by accounts that have signed in. A page
that `tests/contracts/pages.json` names and nothing here asks for is a failure, and so is one that asks too many queries or
answers anything but 200. The empty page of a stranger, measured among the others, is what times are compared with.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import filling
import rig
from figures import Failed, check, percentile, say
from rig import DATABASES, ROOT
from targets import NAMES

if TYPE_CHECKING:
    from django.test import Client

    from workwire.reactions.webhooks.models import Subscription
    from workwire.rooms.files.models import ItemFile
    from workwire.rooms.work.models import ChecklistItem, WorkItem

SUBSCRIPTIONS, OF_FEW = 100, 10
SHARE = 100  # the small installation is so many times smaller
WAITING = 100  # one of so many deliveries waits, another one was withheld
IN_QUEUE, AT_WORK = 3, 2  # of ten work items
SAID, MERGED = 2, 50  # communications of a work item; one of so many items went into the one before it
MOST_QUERIES, MOST_MS, MOST_MS_OF_ITEM, FLAT = 25, 100, 150, 1.5
MOST_SECONDS = 6.0  # for the looks at one page
BEGIN, END = "<!-- figures: written by bench/pages --write -->\n", "<!-- end of figures of pages -->\n"
PAGE = ROOT / "docs" / "performance.md"

ADMIN, MEMBER, OWNER, FEW, NOBODY = "administrator", "team member", "process builder", "owner of few", "nobody"
EMPTY = (NOBODY, "/sign-in")
PAGES: dict[str, tuple[str, ...]] = {
    NOBODY: ("/sign-in", "/forgotten-password"),
    MEMBER: (
        "/",
        "/work",
        "/home",
        "/home?list=team-inbox&due=overdue",
        "/home?list=focus",
        "/home?list=recent",
        "/work?view=open",
        "/work?view=all",
        "/work?view=all&kind=ticket&cursor={item_cursor}",
        "/new",
        "/new?text=a",
        "/new/{process}",
        "/work/{busy}",
        "/work/{copied}",
        "/work/{copied_guid}",
        "/work/{taker}",
        *(
            f"/work/{{copied_guid}}/{deed}"
            for deed in (
                *("update", "assign", "move-to-queue", "discard", "mail", "attach"),
                *(
                    "merge",
                    "merge?text=chair",
                    "split",
                    "convert",
                    "link",
                    "link?text=chair",
                    "linked",
                    "linked?process={process}",
                ),
            )
        ),
        *(
            f"/work/{{action_guid}}/{deed}"
            for deed in (
                "unable-to-complete",
                "abort",
                "checklist/{line}",
                "rework",
                "launch-action",
                "launch-sub-case",
            )
        ),
        "/files/{file}",
        "/find?q=invoice",
        "/find?q={copied}",
        "/notices",
        "/settings/me",
        "/settings/picture",
        "/settings/password",
        "/settings/sessions",
        "/settings/second-factor",
    ),
    OWNER: (
        "/settings/credentials",
        "/settings/credentials/new",
        "/settings/credentials/{credential}",
        "/webhooks/catalogue",
        "/webhooks/catalogue/PacketCreated",
        "/webhooks/subscribe?webhook=PacketCreated",
        "/webhooks/subscriptions",
        "/webhooks/subscriptions?sort=waiting",
        "/webhooks/subscriptions/{own}",
        "/webhooks/subscriptions/{own}/edit",
        "/webhooks/subscriptions/{own}/unsubscribe",
        "/webhooks/subscriptions/{own}/replays",
        "/webhooks/subscriptions/{own}/explain?about={busy}",
        "/webhooks/subscriptions/{own}/reconcile?record={busy}",
        "/webhooks/deliveries",
        "/webhooks/deliveries?state=waiting",
        "/webhooks/deliveries?state=withheld&since=24h",
        "/webhooks/deliveries?state=gave-up",
        "/webhooks/deliveries?record={busy}",
        "/webhooks/deliveries?subscription={own}&cursor={delivery_cursor}",
        "/webhooks/deliveries/{delivery}",
    ),
    FEW: (
        "/work?view=all",
        "/webhooks/subscriptions?sort=lag",
        "/webhooks/deliveries",
        "/webhooks/deliveries?state=waiting",
        "/webhooks/events",
        "/webhooks/events?record={busy}",
    ),
    ADMIN: (
        "/work?view=all",
        "/webhooks/subscriptions",
        "/webhooks/subscriptions/{own}/hand-over",
        "/webhooks/subscriptions/{own}/hand-over?owner={account}",
        "/webhooks/deliveries",
        "/webhooks/deliveries?cursor={delivery_cursor}",
        "/webhooks/events",
        "/webhooks/events?kind=WorkItemCreated&since=24h",
        "/webhooks/events/{event}",
        "/operate",
        "/operate/checks",
        "/operate/jobs",
        "/operate/audit",
        "/operate/settings",
        "/administration/accounts",
        "/administration/accounts/new",
        "/administration/accounts/{account}",
        "/administration/accounts/{account}/edit",
        "/administration/accounts/{account}/sight?kind=work_item",
        "/administration/roles",
        "/administration/roles/new",
        "/administration/roles/{role}",
        "/administration/roles/{made_role}/edit",
        "/administration/groups",
        "/administration/groups/new",
        "/administration/groups/{group}",
        "/administration/queues",
        "/administration/queues/new",
        "/administration/queues/{queue}",
        "/administration/queues/{queue}/edit",
        "/administration/calendars",
        "/administration/calendars/new",
        "/administration/calendars/{calendar}",
        "/administration/calendars/{calendar}/edit",
        "/administration/settings",
        "/administration/settings/login_attempts",
    ),
}
ALL = [(who, address) for who, addresses in PAGES.items() for address in addresses]


@dataclass(frozen=True, slots=True)
class Look:
    """What a page took: milliseconds of the server, queries, and bytes of the answer."""

    p50: float
    p95: float
    queries: int
    size: int


def main() -> int:
    """Measure on each database asked for; 1 when a page fails."""
    wanted = _arguments()
    tables = []
    for database in [wanted.database] if wanted.database else DATABASES:
        try:
            with ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("spawn")
            ) as apart:  # settings are read once
                found = apart.submit(measure, database, wanted.items, wanted.deliveries, wanted.looks)
                tables.append(found.result())
        except Failed as failure:
            say(f"FAILED on {database}: {failure}")
            return 1
    text = "\n\n".join(tables)
    print(text)
    if wanted.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}")
    return 0


def measure(database: str, items: int, deliveries: int, looks: int) -> str:
    """The table of one database."""
    with rig.installation(database):
        office = _office()
        subscriptions = filling.subscriptions_of_two(office, SUBSCRIPTIONS, OF_FEW)
        clients = _clients(office)
        _check_all_are_measured()
        _grow(office, items // SHARE, deliveries // SHARE, subscriptions)
        small = _all(clients, _places(office, subscriptions), looks)
        _grow(office, items - items // SHARE, deliveries - deliveries // SHARE, subscriptions)
        large = _all(clients, _places(office, subscriptions), looks)
    head = f"{NAMES[database]}, {items:,} work items and {deliveries:,} deliveries, p50 and p95 of {looks} looks:"
    return f"{head}\n\n{_table(small, large)}"


def _office() -> filling.Office:
    """Tickets to copy: of ten three wait in the queue, two are worked at and five are done; the first is talked about."""
    from workwire.outbox.models import Pending
    from workwire.rooms.conversations import commands as conversations
    from workwire.rooms.work import commands as work

    office = filling.office(submitted=True)
    conversations.add(office.tickets[0], by=office.member, body="The order says 4, the invoice 5. " * 10)
    for number, ticket in enumerate(office.tickets):
        if number % 10 >= IN_QUEUE:
            taken = work.take(ticket, by=office.member)
            if number % 10 >= IN_QUEUE + AT_WORK:
                work.resolve(taken, by=office.member)
    Pending.objects.all().delete()
    return office


def _all(clients: Mapping[str, Client], places: Mapping[str, Any], looks: int) -> dict[tuple[str, str], Look]:
    return {(who, address): _look(clients[who], address.format(**places), looks) for who, address in ALL}


def _weight(answer: Any) -> int:
    """The bytes of an answer, a download too."""
    return sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)


def _look(client: Client, address: str, looks: int) -> Look:
    """Ask for a page: once for its queries, which warms it up, and then for its time."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    asked = list(captured)  # the next request forgets them
    check(answer.status_code == 200, f"{address} answered {answer.status_code}")
    queries = sum("SAVEPOINT" not in one["sql"] for one in asked)
    check(queries <= MOST_QUERIES, f"{address} asked {queries} queries")
    times: list[float] = []
    while len(times) < looks and sum(times) < MOST_SECONDS * 1e3:
        begun = time.perf_counter()
        client.get(address)
        times.append((time.perf_counter() - begun) * 1e3)
    found = Look(statistics.median(times), percentile(times, 0.95), queries, _weight(answer))
    if asked and found.p95 > MOST_MS:
        slowest = max(asked, key=lambda one: float(one["time"]))
        say(f"  {address}: {found.p95:.0f} ms; its slowest query took {slowest['time']} s: {slowest['sql'][:1500]}")
    return found


def _table(small: Mapping[tuple[str, str], Look], large: Mapping[tuple[str, str], Look]) -> str:
    lines = [
        "| page | who | p50 | p95 | of the empty page | of a hundredth as much | queries | KiB | reached |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for who, address in sorted(ALL, key=lambda key: -large[key].p95):
        before, after = small[who, address], large[who, address]
        growth = after.p50 / before.p50
        most = MOST_MS_OF_ITEM if address.startswith("/work/") else MOST_MS
        reached = after.p95 <= most and growth <= FLAT
        lines.append(
            f"| `{address}` | {who} | {after.p50:.1f} ms | {after.p95:.1f} ms | {after.p50 / large[EMPTY].p50:.1f} ×"
            f" | {growth:.2f} × | {after.queries} | {after.size / 1024:.0f} | {'yes' if reached else '**no**'} |"
        )
    return "\n".join(lines)


def _check_all_are_measured() -> None:
    """Raise Failed when a page that some account reaches is not among those measured."""
    from django.urls import resolve

    from workwire.kernel import ids

    guid, reference = ids.new_guid(), "1-T"
    names = {"busy": reference, "copied": reference, "taker": reference}
    blank = dict.fromkeys(_PLACES, guid) | names
    measured = {resolve(address.format(**blank).partition("?")[0]).url_name for _, address in ALL}
    told = json.loads((ROOT / "tests" / "contracts" / "pages.json").read_text())
    known = {
        name.removeprefix("GET ")
        for pages in told.values()
        for name, noted in pages.items()
        if name.startswith("GET ") and 200 in noted["status"]
    }
    check(known <= measured, f"not measured: {', '.join(sorted(known - measured))}")


def _grow(office: filling.Office, items: int, deliveries: int, subscriptions: Sequence[Subscription]) -> None:
    """Add so many work items, each talked about, and so many deliveries, of which few wait and few were withheld."""
    from django.db import connection

    from workwire.reactions.webhooks.models import State

    waiting = deliveries // WAITING
    for count, state in ((deliveries - waiting, State.DELIVERED), (waiting, None)):
        after = filling.add_events(max(1, count // len(subscriptions)), pending=False)
        filling.add_deliveries(after, subscriptions, state=state)
    last = filling.last_id("work_workitem")
    filling.add_work_items(items)
    filling.add_communications(SAID, last)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE webhooks_delivery SET state = {State.WITHHELD:d}, end_reason = 'record_not_visible'"
            f" WHERE state = {State.DELIVERED:d} AND event_id % {WAITING} = 0"
        )
        cursor.execute(
            f"UPDATE work_workitem SET goes_on_in_id = id - 1 WHERE id > {last} AND (id - {last}) % {MERGED} = 2"
        )
    rig.vacuum()


_PLACES = (
    "busy copied copied_guid taker item_cursor own delivery delivery_cursor event account role made_role group queue"
    " calendar credential file action_guid line process"
).split()


def _places(office: filling.Office, subscriptions: Sequence[Subscription]) -> dict[str, Any]:
    """What to look at: deep in the lists, the ticket that most events are about, and one record of each kind."""
    from workwire.access.models import Credential, Role
    from workwire.kernel import pages
    from workwire.outbox.models import Event
    from workwire.reactions.webhooks.models import Delivery
    from workwire.rooms.commitments.models import Calendar
    from workwire.rooms.work.models import WorkItem

    last = WorkItem.objects.order_by("-pk").values_list("pk", flat=True)[0]
    copied = WorkItem.objects.get(pk=last * 2 // 3)
    delivery = Delivery.objects.filter(pk__lte=filling.last_id("webhooks_delivery") * 2 // 3).latest("pk")
    taken = WorkItem.objects.filter(goes_on_in__isnull=False).earliest("pk")
    file, line = _file_and_line(office, copied)
    found = {
        "busy": WorkItem.objects.get(guid=delivery.record_guid).reference,
        "copied": copied.reference,
        "copied_guid": copied.guid,
        "taker": WorkItem.objects.get(pk=taken.goes_on_in_id).reference,
        "item_cursor": pages.cursor_at(copied.pk),
        "own": subscriptions[-1].guid,
        "delivery": delivery.guid,
        "delivery_cursor": pages.cursor_at(delivery.pk),
        "file": file.guid,
        "action_guid": line.item.guid,
        "line": line.guid,
        "process": copied.process.guid,
        "event": Event.objects.get(pk=delivery.event_id).guid,
        "account": office.organisation.accounts["process builder"].user.guid,
        "role": Role.objects.earliest("pk").guid,
        "made_role": Role.objects.get(name="Desk Manager").guid,
        "group": office.customer.group.guid,
        "queue": office.customer.queue.guid,
        "calendar": Calendar.objects.earliest("pk").guid,
        "credential": Credential.objects.earliest("pk").guid,
    }
    check(set(found) == set(_PLACES), "places and their names differ")
    return found


def _file_and_line(office: filling.Office, item: WorkItem) -> tuple[ItemFile, ChecklistItem]:
    """A file at an item, and a line of the checklist of an action."""
    from workwire.access import sessions
    from workwire.rooms.files import commands as files
    from workwire.rooms.offering import commands as offering
    from workwire.rooms.work import commands as work
    from workwire.rooms.work import queries

    member, admin = (sessions.actor_for(office.organisation.accounts[who].user) for who in (MEMBER, ADMIN))
    upload = files.prepare([b"Paid."], "proof.txt", by=member)
    file = work.attach_file(item, files.FileWish(temporary_guid=upload.guid), by=member)
    version = office.customer.case_version
    kind = version.steps.get(number=1).actions.order_by("pk")[0].work_type
    offering.add_global_checklist(kind, ("Is it signed?",), by=admin)
    case = work.create_case(version.guid, by=member, title="Onboard", submit=True)
    action = queries.items_under(case, by=member).get(work_type=kind)
    return file, queries.checklist_of(action)[0]


def _clients(office: filling.Office) -> dict[str, Client]:
    """Browsers in which the accounts have signed in, and one of nobody."""
    from django.test import Client

    from tests.web import gallery

    names = {ADMIN: ADMIN, MEMBER: MEMBER, OWNER: OWNER, FEW: "process builder of one company"}
    browsers = {who: Client(SERVER_NAME="localhost") for who in (*names, NOBODY)}
    for who, name in names.items():
        gallery.signed_in(office.organisation.accounts[name], browsers[who])
    return browsers


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/pages", description="Measure every page of the web on this machine.")
    parser.add_argument("--database", choices=DATABASES, help="one of the two databases")
    parser.add_argument("--items", type=int, default=100_000, help="work items (100,000)")
    parser.add_argument("--deliveries", type=int, default=1_000_000, help="deliveries in the log (1,000,000)")
    parser.add_argument("--looks", type=int, default=40, help="how often each page is asked for (40)")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
