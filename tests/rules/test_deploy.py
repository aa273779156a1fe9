"""What `deploy/` holds fits the product: commands, options, settings, ports, limits and paths."""

from __future__ import annotations

import configparser
import importlib
import re
import shlex
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import click
import pytest

from workwire import config
from workwire.cli import COMMANDS
from workwire.cli.supervisor import DRAIN_SECONDS

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
ENVIRONMENT = dict(
    line.split("=", 1)
    for line in (DEPLOY / "workwire.env").read_text().splitlines()
    if line and not line.startswith("#")
)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[config.Config]:
    """The settings that the units run with."""
    for name in ("DATA_DIR", "SECRET_KEYS", "DATABASE_URL", "WEBHOOK_ALLOWED_NETWORKS", "LOG_LEVEL"):
        monkeypatch.delenv(f"WORKWIRE_{name}", raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    config.load.cache_clear()
    yield config.load()
    config.load.cache_clear()


def test_there_is_a_unit_for_every_way_to_run() -> None:
    assert [unit.stem for unit in UNITS] == ["workwire-web", "workwire-worker", "workwire"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_a_command_of_the_product_and_leaves_it_time_to_drain(path: Path) -> None:
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names with their capitals
    unit.read(path)
    service = unit["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert (program, words[:2]) == ("/opt/workwire/.venv/bin/python", ["-m", "workwire"])
    name, *given = words[2:]
    assert name in COMMANDS
    command: click.Command = getattr(importlib.import_module(f"workwire.cli.{name}"), name)
    assert set(given) <= {option for known in command.params for option in known.opts}
    assert name == path.stem.removeprefix("workwire-").replace("workwire", "up")
    assert service["EnvironmentFile"] == "/etc/workwire/workwire.env"
    assert int(service["TimeoutStopSec"]) > DRAIN_SECONDS
    assert f"/var/lib/{service['StateDirectory']}" == service["WorkingDirectory"] == ENVIRONMENT["WORKWIRE_DATA_DIR"]
    assert (DEPLOY.parent / "docs" / "how-to" / "run.md").exists()
    assert unit["Unit"]["Documentation"].endswith("/docs/how-to/run.md")


def test_the_named_settings_are_ones_and_make_sense(settings: config.Config) -> None:
    commented = re.findall(r"^# (WORKWIRE_\w+)=", (DEPLOY / "workwire.env").read_text(), re.MULTILINE)
    assert commented
    known = {f"WORKWIRE_{name.upper()}" for name in config.Config.model_fields}
    assert {*commented, *ENVIRONMENT} <= known
    assert settings.secure_cookies


def test_the_proxy_fits_the_settings(settings: config.Config) -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    assert re.findall(r"server (\S+:\d+);", site) == [f"{settings.host}:{settings.port}"]
    assert set(re.findall(r"server_name (\S+);", site)) == set(settings.allowed_hosts)
    assert ip_network(f"{settings.host}/32") in settings.trusted_proxies
    (most,) = re.findall(r"client_max_body_size (\d+)m;", site)
    assert int(most) > settings.largest_file_mb
    for header in ("Host $host", "X-Forwarded-For $proxy_add_x_forwarded_for", "X-Forwarded-Proto $scheme"):
        assert f"proxy_set_header {header};" in site
    assert site.count("{") == site.count("}")
