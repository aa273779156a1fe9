"""Rules of the tests themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_THE_DEMO = {"tests/stories/test_demo.py", "tests/rules/test_suite.py"}


def _parsed(*folders: str) -> Iterator[tuple[str, str, ast.Module]]:
    """Path, text and syntax tree of every module of some folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            yield str(path.relative_to(ROOT)), text, ast.parse(text)


def test_only_the_tests_of_the_demo_know_its_organisation() -> None:
    """The demo may change without them: all others have `tests.support.organisation`."""
    found = {path for path, text, _ in _parsed("tests", "bench") if "workwire.cli.demo" in text}
    assert found == OF_THE_DEMO
