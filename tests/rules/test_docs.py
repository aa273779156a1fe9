"""What the pages point at is there: links, and the tests by which the threat model is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workwire.api.v1 import openapi
from workwire.cli.docs import reference
from workwire.config import Config
from workwire.reactions.webhooks import catalogue
from workwire.reactions.webhooks.models import Format
from workwire.webapi.operations import operations
from workwire.webapi.urls import REGISTERED

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


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


def test_the_page_on_webhooks_tells_all_that_a_receiver_meets() -> None:
    text = (ROOT / "docs" / "reference" / "webhooks.md").read_text()
    counted = {"Sequence", "Epoch", "AttachmentCount"}
    numbers = {
        key
        for entry in catalogue.entries()
        for key, said in entry["schema"]["properties"].items()
        if said.get("type") == "integer" and key not in counted
    }
    assert numbers == set(reference.NUMBERS)
    for key, choices in reference.NUMBERS.items():
        (row,) = re.findall(rf"^\| `{key}` \| (.+) \|$", text, re.MULTILINE)
        assert [int(number) for number in re.findall(r"(-?\d+) ", row)] == sorted(choices.values)
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == set(Format.values)
    headers = set(re.findall(r"^\| `(Webhook-[\w-]+)` \|", text, re.MULTILINE))
    assert headers == {*openapi.HEADERS, *openapi.MARKS}
    written = (ROOT / "src" / "workwire" / "reactions" / "webhooks" / "messages.py").read_text()
    assert headers == set(re.findall(r'"(Webhook-[A-Z][\w-]+)"', written))


def test_the_pauses_between_attempts_that_the_page_tells_are_those_of_the_setting() -> None:
    text = (ROOT / "docs" / "how-to" / "receive-webhooks.md").read_text()
    assert "after pauses of 5 seconds, 1, 10 and 60 minutes, 3, 8, 16 and 24 hours" in text
    minutes, hours = 60, 3600
    pauses = [5, *(each * minutes for each in (1, 10, 60)), *(each * hours for each in (3, 8, 16, 24))]
    assert Config.model_fields["webhook_retry_schedule"].get_default() == pauses


def test_the_comparison_shows_each_point_of_ours_by_what_exists() -> None:
    page = ROOT / "docs" / "comparison.md"
    rows = re.findall(r"^\| (?!point|---)([^|]+) \| ([^|]+) \|", page.read_text(), re.MULTILINE)
    assert len(rows) >= 20
    for point, ours in rows:
        shown = re.findall(r"`((?:tests|docs)/[^`]+|LICENSE)`", ours)
        linked = re.findall(r"\]\((?!http)([^)#]+)\)", ours)
        assert shown or linked, point
        assert [path for path in shown if not (ROOT / path).exists()] == []
        assert [path for path in linked if not (page.parent / path).exists()] == []
