"""Rules of the tests themselves."""

from __future__ import annotations

import ast
import re
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


def test_every_suppression_has_a_reason() -> None:
    """What keeps a checker silent says why beside it: `# noqa: X - why`, `# type: ignore[x]  # why`."""
    silent = re.compile(r"# (noqa|type: ignore|pragma|nosec)\b")
    reasoned = re.compile(r"# (noqa: [A-Z0-9, ]+( - | +# )|type: ignore\[[a-z-]+(, ?[a-z-]+)*\] +# )[`\w]")
    found = [
        (path, line)
        for path, text, _ in _parsed("src", "tests", "bench", "examples")
        for line in text.splitlines()
        if len(silent.findall(line)) > len(reasoned.findall(line)) and "re.compile" not in line
    ]
    assert found == []


def test_only_one_module_sleeps() -> None:
    """Tests wait for conditions (`eventually`); what a fake peer takes is its behaviour (`linger`)."""
    sleepers = {
        path
        for path, _, tree in _parsed("tests")
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr == "sleep")
        or (isinstance(node, ast.ImportFrom) and "sleep" in {alias.name for alias in node.names})
    }
    assert sleepers == {"tests/support/waiting.py"}


def test_tests_use_what_the_house_shows() -> None:
    """No private attribute of an object that is not the test's own; Django calls some of its public ones so."""
    shown = {"_meta", "_default_manager", "_state", "_replace", "_asdict"}
    found = {
        (path, node.attr)
        for path, _, tree in _parsed("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and node.attr not in shown
        and ast.unparse(node.value) not in {"self", "cls", "super()"}
    }
    assert found == set()
