"""The files for containers: every path, command and variable they name is there. No image is built here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from workwire.cli import COMMANDS
from workwire.config import Config

ROOT = Path(__file__).parents[2]
CONTAINERFILE, COMPOSE = ROOT / "deploy" / "Containerfile", ROOT / "deploy" / "compose.yml"
VARIABLES = {f"WORKWIRE_{name.upper()}" for name in Config.model_fields}


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", CONTAINERFILE.read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


@pytest.fixture(name="services")
def _services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


@pytest.mark.parametrize("path", [CONTAINERFILE, COMPOSE], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"WORKWIRE_[A-Z_]+", path.read_text()))
    assert len(named) >= 3
    assert named <= VARIABLES


def test_what_the_image_copies_is_there_and_is_what_it_installs_and_runs() -> None:
    instructions = _instructions()
    copied = [shlex.split(rest)[0] for word, rest in instructions if word == "COPY"]
    assert copied == ["requirements/base.txt", "src"]
    assert all((ROOT / path).exists() for path in copied)
    (installed,) = [rest for word, rest in instructions if word == "RUN" and "pip install" in rest]
    assert "--require-hashes -r requirements/base.txt" in installed
    assert ("ENTRYPOINT", '["python", "-m", "workwire"]') in instructions
    assert ("USER", "workwire") in instructions


def test_every_command_is_one(services: dict[str, dict[str, Any]]) -> None:
    (standard,) = [rest for word, rest in _instructions() if word == "CMD"]
    given = [one["command"][0] for one in services.values() if "command" in one]
    assert sorted(given) == ["migrate", "web", "worker"]
    assert {*given, *yaml.safe_load(standard), "administrator"} <= set(COMMANDS)


def test_the_build_finds_its_file_and_nothing_waits_for_what_is_not_there(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        if build := service.get("build"):
            context = (COMPOSE.parent / build["context"]).resolve()
            assert context == ROOT
            assert (context / build["dockerfile"]).is_file()
        assert set(service.get("depends_on", ())) <= set(services)
    assert services["web"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["web"]["ports"][0].startswith("127.0.0.1:")
