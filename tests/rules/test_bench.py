"""The table of `bench/run`: ratios, targets, and that it only names figures which measurements give."""

from __future__ import annotations

import importlib.util
import re
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


def test_a_percentile_is_a_value_that_occurred(bench: dict[str, ModuleType]) -> None:
    values = [float(number) for number in range(100, 0, -1)]
    shares = [bench["figures"].percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)]
    assert shares == [1.0, 50.0, 99.0, 100.0]


def test_the_page_has_the_markers_between_which_the_table_goes() -> None:
    begin, end = re.findall(r'^BEGIN, END = "(.+)\\n", "(.+)\\n"$', (BENCH / "suite.py").read_text(), re.MULTILINE)[0]
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
