"""The table of `bench/run`: ratios, targets, and that it only names figures which measurements give."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The modules of the bench that need nothing else, loaded beside the tests' own modules."""
    loaded = {}
    for name in ("figures", "sink", "rig"):
        found = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
        assert found is not None
        assert found.loader is not None
        loaded[name] = importlib.util.module_from_spec(found)
        monkeypatch.setitem(sys.modules, name, loaded[name])
        found.loader.exec_module(loaded[name])
    return loaded


def test_a_row_is_a_ratio_to_its_baseline_and_says_whether_it_is_reached(bench: dict[str, ModuleType]) -> None:
    figures = bench["figures"]
    measured = {name: figures.Figure(name, value, "/s") for name, value in (("engine", 900.0), ("client", 2000.0))}
    rows = [
        figures.Row("reached", "engine", "client", least=0.35),
        figures.Row("missed", "engine", least=1000),
        figures.Row("bounded", "client", "engine", most=2),
        figures.Row("without a target", "client"),
        figures.Row("not measured", "engine", "celery", least=25),
    ]
    lines = figures.table(rows, measured).splitlines()[2:]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines] == [
        ["reached", "900 /s", "0.45 × client", "≥ 0.35 ×", "yes"],
        ["missed", "900 /s", "–", "≥ 1,000", "**no**"],
        ["bounded", "2,000 /s", "2.22 × engine", "≤ 2 ×", "**no**"],
        ["without a target", "2,000 /s", "–", "–", "–"],
    ]


def test_a_row_tells_the_size_measured_and_small_sizes_are_not_judged_by_targets_of_full_ones(
    bench: dict[str, ModuleType],
) -> None:
    figures = bench["figures"]
    measured = {"long": figures.Figure("long", 900.0, "µs", at=60_000), "first": figures.Figure("first", 600.0, "ms")}
    rows = [
        figures.Row("a backlog of {at}", "long", most=500),
        figures.Row("one event to 1,000 subscriptions", "first", most=500, at_any=True),
    ]
    small, full = (figures.table(rows, measured, in_full=in_full).splitlines()[2:] for in_full in (False, True))
    assert [line.split(" | ")[-1] for line in small] == ["– |", "**no** |"]
    assert [line.split(" | ")[-1] for line in full] == ["**no** |", "**no** |"]
    assert small[0].startswith("| a backlog of 60,000 |")


def test_no_label_tells_a_size_that_quick_runs_do_not_have() -> None:
    labels = re.findall(r'^    (?:\*_on_both|Row)\(\s*"([^"]+)"', (BENCH / "targets.py").read_text(), re.MULTILINE)
    told = {number for label in labels for number in re.findall(r"\d[\d,]{4,}", label)}
    assert len(labels) > 50
    assert told == {"1,000", "10,000"}  # events a second, and subscriptions: the same in both


def test_a_percentile_is_a_value_that_occurred(bench: dict[str, ModuleType]) -> None:
    values = [float(number) for number in range(100, 0, -1)]
    shares = [bench["figures"].percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)]
    assert shares == [1.0, 50.0, 99.0, 100.0]


@pytest.mark.parametrize("module", ["suite", "web_pages"])
def test_the_page_has_the_markers_between_which_the_table_goes(module: str) -> None:
    begin, end = re.findall(r'^BEGIN, END = "(.+)\\n", "(.+)\\n"$', (BENCH / f"{module}.py").read_text(), re.MULTILINE)[
        0
    ]
    page = (BENCH.parent / "docs" / "performance.md").read_text()
    assert [page.count(begin), page.count(end)] == [1, 1]
    assert page.index(begin) < page.index(end)


def test_every_measurement_is_explained() -> None:
    names = re.findall(r'^    "(\w+)": \(', (BENCH / "suite.py").read_text(), re.MULTILINE)
    explained = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\| (`.+?) \|", (BENCH / "README.md").read_text(), re.MULTILINE))
    )
    assert sorted(names) == sorted(explained)
    assert len(names) > 10


def test_chaos_refuses_to_do_nothing() -> None:
    for wanted in ("nosuch", "any process killed,nosuch"):
        done = _chaos("--only", wanted)
        assert done.returncode == 2
        assert "there is no fault called nosuch for sqlite; --list names them" in done.stderr
    assert _chaos("--only", "backends terminated").returncode == 2  # only PostgreSQL knows it
    assert _chaos("--only", "backends", "--database", "postgres", "--list").stdout == "backends terminated\n"


def test_chaos_names_the_faults_of_both_databases() -> None:
    every, postgres, sqlite = (
        _chaos("--list", *more).stdout.splitlines()
        for more in ((), ("--database", "postgres"), ("--database", "sqlite"))
    )
    assert [line.removesuffix(" (postgres only)") for line in every] == postgres
    assert [line for line in every if not line.endswith("only)")] == sqlite
    assert len(sqlite) < len(postgres)


def _chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    command = [sys.executable, str(BENCH / "faults.py"), *arguments]
    return subprocess.run(command, env=kept, capture_output=True, text=True, timeout=60, check=False)
