"""Small rules of the house that no linter holds."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doors.known_fields import known_keys
from workwire.cli import COMMANDS

SOURCE = Path(__file__).parents[2] / "src" / "workwire"
NAMED_BY_DOORS = {"data", "features"}  # a door has its own name for it (see `kernel.errors.named`), or no operation
DOMAIN = ("kernel", "outbox", "access", "rooms", "reactions")


ROOM_FILES = {
    *("__init__", "__main__", "models", "events", "policy", "queries", "commands", "terms", "ports", "apps", "urls"),
    *("forms", "views", "errors", "sentences", "shapes", "schemas", "admin", "tests"),
}
REPLACED = re.compile(
    r"dispatcher|rooms[./]catalogue|kernel[./](few|kept)\b|from workwire\.kernel import (few|kept)\b", re.IGNORECASE
)
KEPT = {  # tables keep their names; the list of words says what it replaced
    *("src/workwire/worker/apps.py", "src/workwire/reactions/webhooks/models.py"),
    *("docs/words.md", "tests/rules/test_house.py"),
}
RIDDLES = re.compile(r"\b(whoever|stands? at|lets? (it|somebody|an?) |somebody (at|to)|none of ours)\b", re.IGNORECASE)
DOORS = ("api", "webapi", "web", "cli")


def _modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (SOURCE / folder).rglob("*.py") if "migrations" not in path.parts]


@pytest.mark.parametrize("path", _modules(*DOMAIN), ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_domain_knows_no_http(path: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert not [name for name in imported if name.startswith(("django.http", "django.shortcuts", "urllib.request"))]


@pytest.mark.parametrize(
    "path", [path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts], ids=lambda path: path.name
)
def test_every_module_says_what_it_is_and_fits(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "a module says in its docstring what it is for"
    assert text.count("\n") <= 450, "a module that outgrows its room becomes a package"


def test_only_the_ledger_writes_events() -> None:
    ways = ("Event.objects.create", "Event.objects.bulk_create", "INSERT INTO outbox_event")
    writers = [path.name for path in _modules(*DOMAIN) if any(way in path.read_text() for way in ways)]
    assert writers == ["ledger.py"]


def test_every_field_a_refusal_of_the_domain_names_is_one_that_callers_of_the_rest_api_know() -> None:
    known = frozenset[str]().union(*known_keys().values()) | NAMED_BY_DOORS
    named = {
        (str(path.relative_to(SOURCE)), keyword.value.value.split(".")[0])
        for path in _modules("kernel", "access", "rooms", "reactions")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "field" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }
    assert len(named) > 80
    assert {(where, field) for where, field in named if field not in known} == set()


def test_every_command_is_the_module_of_its_name() -> None:
    shared = {"__init__", "archive", "listening", "loopback", "options", "receiver", "supervisor"}
    modules = {
        path.stem for path in (SOURCE / "cli").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert modules - shared == {name.replace("-", "_") for name in COMMANDS}


def test_signal_handlers_are_set_in_one_place() -> None:
    """Where they only leave a mark: a handler that takes a lock can wait for the thread it interrupted, for ever."""
    setters = {
        path.name
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "signal.signal"
        if ast.unparse(node.args[1]) not in ("signal.SIG_IGN", "signal.SIG_DFL")
    }
    assert setters == {"stopping.py"}


def test_no_module_name_is_used_twice() -> None:
    """A door's module may be called like the room it translates, and a command like the process it starts; what stands in the
    place of a command of Django has its name."""
    packages = {path.parent for path in SOURCE.rglob("__init__.py") if "migrations" not in path.parts}
    rooms = (SOURCE, SOURCE / "rooms", SOURCE / "reactions")
    areas = {package.name for package in packages if package.parent in rooms}
    modules = {path.with_suffix("") for path in _modules("")} | packages
    places: dict[str, list[str]] = {}
    for module in sorted(modules - {SOURCE}):
        where = module.relative_to(SOURCE)
        translates = where.parts[0] in DOORS and len(where.parts) > 1 and module.name in areas
        if module.name not in ROOM_FILES and not translates and "management" not in where.parts:
            places.setdefault(module.name, []).append(str(where))
    assert len(places) > 150
    assert {name: twice for name, twice in places.items() if len(twice) > 1} == {}


def test_replaced_words_do_not_come_back() -> None:
    root = SOURCE.parents[1]
    found = {
        (name, number)
        for folder in ("src", "tests", "docs", "bench", "bin", "deploy")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".md", ".html", ".toml", ".yml", ".yaml", ".service", ".conf", ".sh", ""}
        and path.is_file()
        for name in [str(path.relative_to(root))]
        if name not in KEPT and not {"migrations", "decisions", "__pycache__"} & set(path.parts)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if REPLACED.search(line)
    }
    assert found == set()


def test_summaries_of_operations_are_plain() -> None:
    document = json.loads((SOURCE.parents[1] / "tests" / "contracts" / "openapi.json").read_text())
    summaries = [
        operation["summary"]
        for path in document["paths"].values()
        for operation in path.values()
        if "summary" in operation
    ]
    assert len(summaries) > 80
    assert [summary for summary in summaries if RIDDLES.search(summary)] == []


def test_a_worker_loads_no_framework_of_the_doors(tmp_path: Path) -> None:
    script = (
        "import sys, django; django.setup(); import workwire.worker.main;"
        "print(sorted({'ninja', 'django.test', 'granian'} & set(sys.modules)))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "workwire.settings", "WORKWIRE_DATA_DIR": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
