"""The rules of the documented product: each is named by a test, or it is said why not; of one that holds in part, both.

`WORKWIRE_TEST_RENEW=1` writes the page.
"""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "documented-behaviour.md"
RULES = tomllib.loads((HERE / "documented_rules.toml").read_text(encoding="utf-8"))
MISSING: Mapping[str, str] = RULES.pop("missing")
PARTLY: Mapping[str, str] = RULES.pop("partly")
TITLES = {
    f"{part}-{number}": text for part, rules in RULES.items() for number, text in rules.items() if number != "title"
}
SPECIFIED = {
    "work-manager.md": ("ASG", "STA", "TIC", "CAS", "REW", "SUB", "ACT", "MRG", "SPL", "CNV", "LNK", "TIM"),
    "builder.md": ("SL", "MX", "CT", "CK", "EC", "CN", "MG", "CD"),
}
NAMED = re.compile(rf"\b({'|'.join(RULES)})-(\d+)(?: … \1-(\d+))?\b")
HEAD = """# The documented product's behaviour, rule by rule

Workwire behaves as the product whose web API it speaks is documented to behave. The rules are numbered; here they are in our
words, each with the tests that show it, or with what is missing. *In part* means that tests show some of a rule; what follows
says what is not there, or is otherwise.
"""


def test_each_rule_is_named_by_a_test_or_has_a_reason() -> None:
    shown = _shown()
    assert sorted(set(TITLES) - set(shown) - set(MISSING)) == [], "no test names these, and no reason is given"
    assert sorted(set(MISSING) & set(shown)) == [], "tests name these: take their reasons out"
    assert sorted(set(PARTLY) - set(shown)) == [], "no test names what is there of these"
    assert sorted((set(shown) | set(MISSING) | set(PARTLY)) - set(TITLES)) == [], "there are no such rules"


def test_the_page_is_as_committed() -> None:
    text = _page(_shown())
    if os.environ.get("WORKWIRE_TEST_RENEW"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "run again with WORKWIRE_TEST_RENEW=1"


@pytest.mark.parametrize("page", SPECIFIED)
def test_the_numbers_are_those_of_the_specification(page: str) -> None:
    specification = ROOT.parent / "shared" / "spec" / "documented" / page
    if not specification.is_file():
        pytest.skip("the specification is not beside the project")
    parts = "|".join(SPECIFIED[page])
    text = specification.read_text(encoding="utf-8")
    known = set(re.findall(rf"^- ((?:{parts})-\d+) ", text, re.MULTILINE))
    known |= set(re.findall(rf"[.;] ((?:{parts})-\d+) [A-Z]", text))
    assert known == {name for name in TITLES if name.split("-")[0] in SPECIFIED[page]}


def _shown() -> dict[str, list[tuple[str, str]]]:
    """The tests that name each rule: file from the root of the project, and name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if path == Path(__file__) or not NAMED.search(source):
            continue
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                for rule in _rules_in(ast.get_docstring(function) or ""):
                    found.setdefault(rule, []).append((path.relative_to(ROOT).as_posix(), function.name))
    return found


def _rules_in(text: str) -> Iterator[str]:
    for part, first, last in NAMED.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{part}-{number}"


def _page(shown: Mapping[str, list[tuple[str, str]]]) -> str:
    lines = [HEAD]
    for part, rules in RULES.items():
        lines += [f"## {part}: {rules['title']}\n", "| Rule | | Shown by |", "|---|---|---|"]
        for number in (number for number in rules if number != "title"):
            name = f"{part}-{number}"
            tests = ", ".join(f"[`{test}`](../{path})" for path, test in shown.get(name, []))
            said = f"*In part*: {PARTLY[name]} {tests}" if name in PARTLY else tests or f"*Not yet*: {MISSING[name]}"
            lines.append(f"| {name} | {TITLES[name]} | {said} |")
        lines.append("")
    return "\n".join(lines)
