"""Many hosts on one PostgreSQL: is every event delivered, by one worker at a time, whatever happens to a host?

`bench/hosts [--short] [--plain] [--json]` makes a database host, three application hosts whose clocks differ by minutes, and
a subscriber's host, as network namespaces where it may, else (or with `--plain`) as processes. Changes are made through the
web processes of all three at once: first in peace; then one host vanishes wholesale and another is cut off the network, in
the middle of a fan-out, and comes back. Then, unless `--short`, how long a commit takes to arrive through the worker of
another host with the bell and without it, and what one, two and three workers deliver. Exit 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import filling
import network
import rates
from cluster import PATHS, SHIFTS, Cluster, Message, cluster, wait_until

SETTINGS = {
    "webhook_timeout": 3,
    "webhook_connect_timeout": 1,
    "webhook_lease_seconds": 8,
    "webhook_retry_schedule": "1,2,3,4,5,5,5,5,5,5",
    "database_silence_seconds": 4,
}
PAUSE = 0.08  # seconds between the changes of one client
CLIENTS = 2  # for each host
HOLD_FAN_OUT = """
import time, pathlib, django
django.setup()
from django.db import connection, transaction
from workwire.reactions.webhooks import sql
sign, held = pathlib.Path({sign!r}), pathlib.Path({held!r})
connection.ensure_connection()
while not sign.exists():
    time.sleep(0.01)
with transaction.atomic():
    pid = sql.rows("SELECT pg_backend_pid(), pg_advisory_xact_lock({lock})")[0][0]
    held.with_suffix(".draft").write_text(str(pid))
    held.with_suffix(".draft").rename(held)
    time.sleep(3600)
"""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--short", action="store_true", help="only whether everything arrives")
    arguments.add_argument("--plain", action="store_true", help="processes instead of network namespaces")
    arguments.add_argument("--json", action="store_true", help="one line of JSON for whoever reads it by program")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is taken down
    reason = "asked for" if given.plain else network.why_not()
    found: dict[str, Any] = {"hosts": f"processes ({reason})" if reason else "network namespaces"}
    with cluster(apart=not reason, **SETTINGS) as made:
        try:
            _measure(made, found, short=given.short)
        except BaseException:
            print(made.said(), file=sys.stderr)
            raise
    print(json.dumps(found) if given.json else "\n".join(f"{name:55} {value}" for name, value in found.items()))
    wrong = [name for name, value in found.items() if name in MUST_BE_0 and value]
    if wrong:
        raise SystemExit(f"This must be 0: {', '.join(wrong)}.")


MUST_BE_0 = (
    "in peace: lost",
    "in peace: messages more than once",
    "lost",
    "two at once for one Webhook-Id",
    "not verified",
)


def _measure(made: Cluster, found: dict[str, Any], *, short: bool) -> None:
    for name in SHIFTS:
        made.start_web(name)
        made.start_worker(name)
    office = filling.office(tickets=3)
    made.listen({path: _subscribe(office, webhook, made.url(path)) for path, webhook in PATHS.items()})
    _wait_for_hosts(made)
    found["clocks of the application hosts, seconds off"] = ", ".join(map(str, SHIFTS.values()))
    load = Load(made, office)
    with load.running():
        time.sleep(3 if short else 10)
    wait_until(_is_quiet, "everything is delivered", 60)
    _count(made, load, found, "in peace: ")
    with load.running():
        _storm(made, found, seconds=9 if short else 20)
    wait_until(_is_quiet, "everything is delivered", 120)
    _count(made, load, found, "")
    if not short:
        rates.measure(made, office, found)


def _subscribe(office: filling.Office, webhook: int, url: str) -> str:
    """Subscribe to a webhook for the customer; the secret."""
    from workwire.outbox.objects import ObjectType
    from workwire.reactions.webhooks import commands

    terms = commands.Terms(webhook, url, ObjectType.COMPANY, office.customer.company.guid)
    return commands.subscribe(terms, by=office.builder)[1]


def _wait_for_hosts(made: Cluster) -> None:
    from tests.support.processes import wait_for_web
    from workwire.reactions.webhooks.models import Worker

    for name in SHIFTS:
        wait_for_web(made.hosts[name].address, made.ports[name])
    wait_until(lambda: Worker.objects.count() == len(SHIFTS), "all workers live", 60)


def _is_quiet() -> bool:
    from workwire.outbox.models import Pending
    from workwire.reactions.webhooks.models import Queued

    return not Pending.objects.exists() and not Queued.objects.exists()


class Load:
    """Clients of all hosts that open tickets and change them; counts what was answered with success."""

    def __init__(self, made: Cluster, office: filling.Office) -> None:
        from tests.support.processes import Api

        self._made, self._version, self._stop = made, str(office.customer.ticket_version.guid), threading.Event()
        door = Api(made.hosts["c"].address, made.ports["c"])
        member = office.organisation.accounts["team member"]
        door.log_in(member.user.username, member.password)
        self._token = door.token
        self.done: Counter[str] = Counter()  # by ticket
        self.of_host: Counter[str] = Counter()
        self.unanswered = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make changes for as long as this goes on."""
        self._stop.clear()
        clients = [threading.Thread(target=self._change, args=(name,)) for name in SHIFTS for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._stop.set()
            for client in clients:
                client.join()

    def _change(self, name: str) -> None:
        from tests.support.processes import Api

        api = Api(self._made.hosts[name].address, self._made.ports[name], token=self._token, timeout=3)
        while not self._stop.is_set():
            try:
                self._open_and_change(api, name)
            except (OSError, http.client.HTTPException):
                self.unanswered += 1  # whether it was done, only the ledger knows
                self._stop.wait(0.3)

    def _open_and_change(self, api: Any, name: str) -> None:
        status, ticket = api.call("POST", "/api/v1/tickets", {"process_version": self._version, "title": "Unpaid"})
        for number in range(4):
            if status not in (200, 201):
                return
            self.done[ticket["guid"]] += 1
            self.of_host[name] += 1
            if self._stop.wait(PAUSE):
                return
            path = f"/api/v1/work-items/{ticket['guid']}"
            status, ticket = api.call("PATCH", path, {"title": f"Unpaid, reminder {number}"})


def _storm(made: Cluster, found: dict[str, Any], *, seconds: float) -> None:
    """Host a vanishes, host b is cut off in the middle of a fan-out and comes back."""
    from django.db import connection

    from workwire.kernel import clock
    from workwire.reactions.webhooks import fanning
    from workwire.reactions.webhooks.models import Worker

    sign, held = made.folder / "sign", made.folder / "held"
    made.run("b", HOLD_FAN_OUT.format(sign=str(sign), held=str(held), lock=fanning.LOCK))
    time.sleep(2)
    made.hosts["a"].kill()
    sign.touch()
    wait_until(held.exists, "host b fans out", 20)
    pid, cut_at = int(held.read_text()), time.monotonic()
    made.hosts["b"].cut()

    def is_gone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
            return not cursor.fetchone()[0]

    found["fan-out held up by a vanished host, seconds"] = round(wait_until(is_gone, "fan-out goes on", 60), 1)
    time.sleep(max(0.0, cut_at + seconds - time.monotonic()))
    found["seconds a host was cut off"] = round(time.monotonic() - cut_at, 1)
    made.hosts["b"].join()
    back = clock.now()
    mine = Worker.objects.filter(pid=made.workers["b"].pid, seen_at__gt=back)
    found["worker of the host that came back works after, seconds"] = round(
        wait_until(mine.exists, "the host that was cut off works again", 60), 1
    )
    time.sleep(2)


def _count(made: Cluster, load: Load, found: dict[str, Any], phase: str) -> None:
    """Hold the ledger against what clients were told and against what the subscriber got."""
    from workwire.outbox.models import Event
    from workwire.reactions.webhooks.models import Delivery, State

    subscribed = Delivery.objects.values("event__guid", "event__record_guid")
    events = {str(row["event__guid"]): str(row["event__record_guid"]) for row in subscribed}
    recorded = Counter(
        str(guid)
        for guid in Event.objects.filter(name__in=("WorkItemCreated", "WorkItemUpdated"))
        .filter(record_guid__in=list(load.done))
        .values_list("record_guid", flat=True)
    )
    fanned = Counter(record for record in events.values() if record in load.done)
    messages = made.messages()
    arrived = Counter(message.id for message in messages)
    undelivered = Delivery.objects.exclude(state=State.DELIVERED).count()
    never_came = set(events) - {message.event for message in messages}
    unrecorded = sum(max(0, told - recorded[ticket]) for ticket, told in load.done.items())
    unfanned = sum(max(0, count - fanned[ticket]) for ticket, count in recorded.items())
    by_host = ", ".join(f"{name} {count}" for name, count in sorted(load.of_host.items()))
    found[f"{phase}changes answered"] = f"{load.done.total()} ({by_host})"
    found[f"{phase}requests without an answer"] = load.unanswered
    found[f"{phase}delivered"] = len(arrived)
    found[f"{phase}messages more than once"] = arrived.total() - len(arrived)
    found[f"{phase}lost"] = undelivered + len(never_came) + unrecorded + unfanned
    found[f"{phase}two at once for one Webhook-Id"] = overlapping(messages)
    found[f"{phase}not verified"] = sum(not message.verified for message in messages)


def overlapping(messages: list[Message]) -> int:
    """How many messages began before another one of the same id had been answered."""
    by_id: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_id[message.id].append(message)
    found = 0
    for group in by_id.values():
        group.sort(key=lambda message: message.begun)
        found += sum(later.begun < earlier.ended for earlier, later in itertools.pairwise(group))
    return found


if __name__ == "__main__":
    main()
