"""How quickly hosts hear of each other's commits, and what one, two and three of them deliver; used by `hosts`."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import filling
import rig
from cluster import SHIFTS, Cluster, wait_until
from sink import free_ports

HEARD, MISSED = 100, 15  # commits with the bell and without
DELIVERIES, ENDPOINTS = 24_000, 4
FIRST_PORT = 9000


def measure(made: Cluster, office: filling.Office, found: dict[str, Any]) -> None:
    """Add what was measured to `found`. Host a is dead at the beginning."""
    made.stop_worker("c")
    with_bell = _waits(made, office, HEARD, ring=True)
    without = _waits(made, office, MISSED, ring=False)
    found["commit here to arrival through host b, ms: p50, p99"] = f"{_at(with_bell, 50):.1f}, {_at(with_bell, 99):.1f}"
    found["the same with the bell cut, ms: p50, most"] = f"{_at(without, 50):.0f}, {without[-1]:.0f}"
    made.stop_worker("b")
    made.workers.clear()
    made.hosts["a"].join()
    found["sessions of an idle web process and a worker"] = _sessions(made)
    _throughput(made, office, found)


def _waits(made: Cluster, office: filling.Office, count: int, *, ring: bool) -> list[float]:
    """Milliseconds from the commit of a ticket on this host to its message at the subscriber, in order."""
    from workwire.outbox import wake
    from workwire.outbox.models import Event
    from workwire.rooms.work import commands as work

    ringing, committed = wake.ring, dict[str, float]()
    wake.ring = ringing if ring else lambda: None
    try:
        for number in range(count):
            ticket = work.create_ticket(office.customer.ticket_version.guid, by=office.member, title=str(number))
            committed[str(ticket.guid)] = time.monotonic()
            time.sleep(0.05 if ring else 0.43)  # not in step with the poll
    finally:
        wake.ring = ringing
    events = Event.objects.filter(record_guid__in=list(committed), name="WorkItemCreated")
    record_of = {str(guid): str(record) for guid, record in events.values_list("guid", "record_guid")}

    def arrivals() -> list[float]:
        return sorted(
            (message.begun - committed[record_of[message.event]]) * 1000
            for message in made.messages()
            if message.event in record_of and message.path == "/created"
        )

    wait_until(lambda: len(arrivals()) == count, "all of these arrived", 30)
    return arrivals()


def _at(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _sessions(made: Cluster) -> str:
    """How many connections the processes of host b hold; its worker is started for this."""
    from django.db import connection

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s", [made.hosts["b"].address])
            return int(cursor.fetchone()[0])

    web = count()
    made.start_worker("b")
    time.sleep(8)
    both = count()
    made.stop_worker("b")
    return f"{web} and {both - web}"


def _throughput(made: Cluster, office: filling.Office, found: dict[str, Any]) -> None:
    from workwire.reactions.webhooks import commands, queries

    if (program := shutil.which("nginx") or shutil.which("/usr/sbin/nginx")) is None:
        found["deliveries/s"] = "not measured: nginx is not installed"
        return
    for subscription in queries.subscriptions_of(office.builder):
        commands.unsubscribe(subscription.guid, by=office.builder)
    urls = _serve(made, program)
    filling.subscribe(office, urls)
    rates: list[float] = []
    for count in range(1, len(SHIFTS) + 1):
        rates.append(_drain(made, office, list(SHIFTS)[:count]))
    cores = os.cpu_count()
    found["deliveries/s with 1, 2, 3 workers on hosts of their own"] = ", ".join(f"{rate:,.0f}" for rate in rates)
    found["two, three workers against one"] = (
        f"{rates[1] / rates[0]:.2f}, {rates[2] / rates[0]:.2f} (all hosts and the database share {cores} cores)"
    )


def _serve(made: Cluster, program: str) -> list[str]:
    """nginx on the subscriber's host, answering 204; the URLs."""
    host, folder = made.hosts["receiver"], made.folder / "nginx"
    folder.mkdir()
    ports = range(FIRST_PORT, FIRST_PORT + ENDPOINTS) if host.is_apart else free_ports(ENDPOINTS)
    listening = " ".join(f"listen {host.address}:{port} backlog=4096;" for port in ports)
    Path(folder, "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;\nevents {{ worker_connections 4096; }}\n"
        "http { access_log off; keepalive_requests 100000000; client_body_temp_path . ; proxy_temp_path .;\n"
        "fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;\n"
        f"server {{ {listening} return 204; }} }}\n"
    )
    host.start(
        [program, "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", "stderr"], os.environ, log=folder / "log"
    )
    return [f"http://{host.address}:{port}/hook" for port in ports]


def _drain(made: Cluster, office: filling.Office, names: list[str]) -> float:
    """Deliveries a second, between a tenth and the last tenth of a backlog."""
    from workwire.kernel import clock
    from workwire.outbox.models import Pending
    from workwire.reactions.webhooks import fanning
    from workwire.reactions.webhooks.models import Queued

    filling.add_events(DELIVERIES // ENDPOINTS)
    while Pending.objects.exists():
        fanning.fan_out(clock.now())
    rig.vacuum()
    for name in names:
        made.start_worker(name)
    marks: list[tuple[float, int]] = []
    while not marks or marks[-1][1]:
        time.sleep(0.05)
        marks.append((time.monotonic(), Queued.objects.count()))
    for name in names:
        made.stop_worker(name)
    begun, first = next(mark for mark in marks if mark[1] < DELIVERIES * 0.9)
    ended, last = next(mark for mark in marks if mark[1] < DELIVERIES * 0.1)
    return (first - last) / (ended - begun)
