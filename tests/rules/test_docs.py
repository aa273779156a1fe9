"""What the pages point at is there: links, and the tests by which the threat model is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workwire.webapi.operations import operations
from workwire.webapi.urls import REGISTERED

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_found_from_the_index_or_the_readme() -> None:
    index, readme = ROOT / "docs" / "README.md", ROOT / "README.md"
    linked = {
        (page.parent / link).resolve()
        for page in (index, readme)
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text())
    }
    folders = {path for path in linked if path.is_dir()}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {index.resolve()}
    assert sorted(page.name for page in pages if page not in linked and page.parent not in folders) == []


def test_the_threat_model_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text()
    named = re.findall(r"`(tests/[^`]+)`", text) + re.findall(r"\]\(\.\./(tests/[^)]+)\)", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
    written = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert sorted(set(re.findall(r"`(test_\w+)`", text)) - written) == []


def test_every_attack_that_is_tested_is_in_the_threat_model() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text()
    written = {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert {name for name in written if f"tests/attacks/{name}" not in text} == set()
    assert len(written) >= 8


def test_the_page_on_the_web_api_names_every_changing_call_that_answers_an_envelope() -> None:
    text = (ROOT / "docs" / "how-to" / "use-the-web-api.md").read_text()
    (said,) = re.findall(r"changing calls answer `{Result, Messages}`: ([^.]+)\.", text)
    assert REGISTERED  # importing them fills the table of operations
    enveloped = {one.path for one in operations() if one.enveloped and one.method == "POST"}
    assert set(re.findall(r"`([^`]+)`", said)) == enveloped


def test_the_page_on_the_bench_names_a_module_for_every_measurement() -> None:
    text = (ROOT / "bench" / "README.md").read_text()
    measured = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)))
    elsewhere = dict.fromkeys(re.findall(r"`(\w+)`", text[text.index("Each measurement") :].partition("runs in")[0]))
    missing = {name for name in measured if not (ROOT / "bench" / f"{name}.py").exists() and name not in elsewhere}
    assert missing - {"celery", "bullmq"} == set()  # the baselines
    assert len(measured) > 10
