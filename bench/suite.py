"""All measurements of one run, each in a process of its own, and the table of what they found. Started by `bench/run`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import api
import baselines
import cases
import client
import engine
import fanout
import growth
import idle
import latency
import lists
import replaying
import retention
import tickets
import timers
from figures import Failed, Figure, Given, say, table
from rig import DATABASES, ROOT, STOCK
from targets import ROWS, ROWS_OF_PAGES

sys.path.append(str(ROOT))  # for what benchmarks share with the tests
from tests.support.stock_postgres import programs

Measurement = Callable[[Given], list[Figure]]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by bench/run --write -->\n", "<!-- end of figures -->\n"
NO_DATABASE = ("",)
MEASUREMENTS: dict[str, tuple[Measurement, tuple[str, ...]]] = {
    "client": (client.measure, NO_DATABASE),
    "celery": (baselines.celery, NO_DATABASE),
    "bullmq": (baselines.bullmq, NO_DATABASE),
    "engine": (engine.measure, DATABASES),
    "fanout": (fanout.measure, DATABASES),
    "growth": (growth.measure, DATABASES),
    "lists": (lists.measure, DATABASES),
    "retention": (retention.measure, DATABASES),
    "replays": (replaying.measure, DATABASES),
    "latency": (latency.idle, DATABASES),
    "steady": (latency.steady, DATABASES),
    "isolation": (latency.isolation, DATABASES),
    "timers": (timers.measure, DATABASES),
    "cases": (cases.measure, DATABASES),
    "api": (api.measure, DATABASES),
    "tickets": (tickets.measure, DATABASES),
    "idle": (idle.measure, DATABASES),
}


def main() -> int:
    """Measure what was asked for; 1 when something failed."""
    wanted = _arguments()
    if wanted.stock:
        os.environ[STOCK] = "1"  # for every measurement, each in a process of its own
    figures: dict[str, Figure] = {}
    failed: list[str] = []
    for name, measurement, given in _chosen(wanted):
        label = f"{name} on {given.database}" if given.database else name
        say(f"{label} …")
        begun = time.monotonic()
        try:
            found = _apart(measurement, given)
        except Failed as failure:
            failed.append(f"{label}: {failure}")
            say(f"FAILED {failed[-1]}")
            continue
        figures |= {figure.name: figure for figure in found}
        say(f"{label}: {'; '.join(map(str, found))} ({time.monotonic() - begun:.0f} s)")
    tables = [table(ROWS, figures, in_full=not wanted.quick), *_pages(figures, in_full=not wanted.quick)]
    text = "\n\n".join([_conditions(wanted.quick), *tables, *failed])
    print(text)
    _keep(text, wanted)
    return 1 if failed else 0


def _pages(figures: Mapping[str, Figure], *, in_full: bool) -> list[str]:
    """The pages of lists, in a table of their own: there are many."""
    measured = any(row.figure in figures for row in ROWS_OF_PAGES)
    return ["Pages of lists, by who asks:", table(ROWS_OF_PAGES, figures, in_full=in_full)] if measured else []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description="Measure Workwire on this machine.")
    parser.add_argument("--only", metavar="NAME,NAME", help=f"some of: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--database", choices=DATABASES, help="one of the two databases")
    parser.add_argument(
        "--stock", action="store_true", help="PostgreSQL as a distribution ships it, installed here, not from the wheel"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that all works, measures little")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the table to a file, too")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    wanted = parser.parse_args()
    if wanted.stock and programs() is None:
        parser.error("--stock: no PostgreSQL of a distribution is installed here; apt-get install postgresql")
    unknown = set(_names(wanted)) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    return wanted


def _names(wanted: argparse.Namespace) -> list[str]:
    return wanted.only.split(",") if wanted.only else list(MEASUREMENTS)


def _chosen(wanted: argparse.Namespace) -> Iterator[tuple[str, Measurement, Given]]:
    names = _names(wanted)
    for name, (measurement, databases) in MEASUREMENTS.items():
        for database in databases:
            if name in names and (not database or wanted.database in (None, database)):
                yield name, measurement, Given(database, wanted.quick)


def _apart(measurement: Measurement, given: Given) -> list[Figure]:
    """Measure in a fresh process, as settings are read once in each."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(measurement, given).result()


def _conditions(quick: bool) -> str:
    small = "small sizes, which show that all works and measure little; targets belong to full ones"
    what = small if quick else "full sizes"
    if os.environ.get(STOCK):
        what += "; PostgreSQL as its distribution ships it"
    return (
        f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {what};"
        f" load of the machine {os.getloadavg()[2]:.1f} over the last quarter of an hour."
    )


def _keep(text: str, wanted: argparse.Namespace) -> None:
    if wanted.output:
        wanted.output.write_text(text + "\n")
    if wanted.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
