"""`celery`, `bullmq`: what the usual ways to send webhooks do on the same machine with the same sink and the same body.

Both sign each message and POST it over kept-alive connections, a job for each delivery, with retries switched on. The
queue is filled first, then one worker with its usual concurrency drains it; Redis keeps nothing on disk, which is in
favour of the baseline, but for the row that says so. One more does what is asked of a provider, as one would write it with
a database at hand: a look for the owner's right before each message, a row in a log after it. Their packages go into a
temporary folder and are no part of Workwire.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import rig
from client import BODY
from figures import Failed, Figure, Given, check, median, say
from sink import free_ports, program_of, sink, wait_for_port

HERE = Path(__file__).parent
CELERY_PROCESSES, BULLMQ_JOBS = 16, 64


def celery(given: Given) -> list[Figure]:
    """Celery with prefork processes, Redis and `requests`."""
    with tempfile.TemporaryDirectory(prefix="workwire-celery-") as name, redis() as broker:
        python = _python_with(rig.ROOT / "requirements" / "bench.txt", Path(name))
        celery = [python, "-m", "celery", "-A", "celery_tasks", "worker", "-l", "ERROR", "-c", str(CELERY_PROCESSES)]
        rates = _rates(given.size(12_000, 2_000), given.runs, [python, "celery_tasks.py"], celery, HERE, broker)
    return [median("celery", rates, "deliveries/s")]


def bullmq(given: Given) -> list[Figure]:
    """BullMQ and undici in one Node process; once with all in memory, once with every job on disk and kept when it is done,
    which is what our log and queue are, and once in memory with rights and attempts in PostgreSQL."""
    figures = [_bullmq("bullmq", given), _bullmq("bullmq.durable", given, durable=True)]
    with tempfile.TemporaryDirectory(prefix="workwire-bullmq-") as name, rig.postgres(Path(name)):
        return [*figures, _bullmq("bullmq.dutiful", given, database=_rights_and_log())]


def _rights_and_log() -> dict[str, str]:
    """Make the tables of the one with duties: a hundred accounts, each a member of ten companies. Gives the environment that
    leads to them."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    address = os.environ["WORKWIRE_DATABASE_URL"]
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE member (account int, company int, PRIMARY KEY (account, company))")
        connection.execute("INSERT INTO member SELECT a, c FROM generate_series(0, 99) a, generate_series(0, 9) c")
        connection.execute(
            "CREATE TABLE attempt (id bigserial PRIMARY KEY, delivery uuid NOT NULL, started_at timestamptz NOT NULL"
            " DEFAULT now(), duration float NOT NULL, status int NOT NULL)"
        )
        connection.execute("CREATE INDEX ON attempt (delivery)")
    place = conninfo_to_dict(address)
    return {"PGHOST": str(place["host"]), "PGUSER": str(place["user"]), "PGDATABASE": str(place["dbname"])}


def _bullmq(name: str, given: Given, *, durable: bool = False, database: Mapping[str, str] | None = None) -> Figure:
    node = program_of("node", "nodejs")
    with tempfile.TemporaryDirectory(prefix="workwire-bullmq-") as made, redis(durable=durable) as broker:
        folder = Path(made)
        for file in ("package.json", "deliver.mjs"):
            shutil.copy(HERE / "bullmq" / file, folder)
        _install([program_of("npm", "npm"), "install", "--no-audit", "--no-fund", "--no-package-lock"], folder)
        fill, work = [node, "deliver.mjs", "fill"], [node, "deliver.mjs", "work", str(BULLMQ_JOBS)]
        rates = _rates(
            given.size(30_000, 5_000), given.runs, fill, work, folder, broker, durable=durable, more=database
        )
    return median(name, rates, "deliveries/s")


def _rates(
    count: int,
    runs: int,
    fill: Sequence[str],
    work: Sequence[str],
    folder: Path,
    broker: str,
    *,
    durable: bool = False,
    more: Mapping[str, str] | None = None,
) -> list[float]:
    """Fill a queue and let a worker drain it, so many times; deliveries a second of each."""
    rates = []
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"BROKER": broker, "BODY": BODY.decode(), "PYTHONWARNINGS": "ignore"}
    environment |= ({"KEEP": "yes"} if durable else {}) | dict(more or {})
    with sink() as target:
        for _ in range(runs):
            before = target.arrived()
            filled = subprocess.run([*fill, str(count), *target.urls], cwd=folder, env=environment)
            check(filled.returncode == 0, "the queue of the baseline could not be filled; the lines above say why")
            worker = subprocess.Popen(work, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
            try:
                rates.append(target.pace(before + count, since=before).rate)
            finally:
                worker.terminate()
                worker.wait()
            check(target.arrived() - before == count, f"{target.arrived() - before} of {count} messages arrived")
            say(f"  {rates[-1]:,.0f} deliveries/s")
    return rates


@contextlib.contextmanager
def redis(*, durable: bool = False) -> Iterator[str]:
    """A Redis server of its own on loopback, in memory alone or with every command on disk before it is answered; gives its
    URL."""
    program, port = program_of("redis-server", "redis-server"), free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="workwire-redis-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        options += ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


def _python_with(lock: Path, folder: Path) -> str:
    """An interpreter of a fresh environment that holds a locked set of packages."""
    _install([sys.executable, "-m", "venv", str(folder)], folder)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    _install([*pip, "-r", str(lock)], folder)
    return python


def _install(command: Sequence[str], folder: Path) -> None:
    say(f"  installing: {Path(command[0]).name} {' '.join(command[1:3])} …")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"the packages of the baseline could not be installed: {(done.stderr or done.stdout)[-600:]}")
