"""Commands on an installation that is not there, or not up to date: a sentence, and nothing is made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, free_port

pytestmark = pytest.mark.story
GUID = "01980000-0000-7000-8000-000000000000"
KEY = "2F0hCOqqEXMQVqz7nzMqVhQBPPtPm0rQwRmL8IpqZkM="
COMMANDS = {
    "tail": ["webhooks", "tail", "--once"],
    "trigger": ["webhooks", "trigger", GUID],
    "replay": ["webhooks", "replay", GUID, "--since", "2026-01-01"],
    "backfill": ["webhooks", "backfill", GUID, "--since", "2026-01-01"],
    "replays": ["webhooks", "replays", GUID],
    "administrator": ["administrator", "ada"],  # is not asked for a password before
    "play": ["replay", __file__],
    "worker": ["worker"],
    "web": ["web", "--port", str(free_port())],
}


def _run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    named = {f"WORKWIRE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "workwire", *command],
        env=kept | {"PYTHONPATH": str(ROOT / "src")} | named,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_without_a_database_is_told_of_and_stays_as_it_is(command: list[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = _run(*command, "--data", str(data))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: There is no database in {data}/workwire.sqlite3; `workwire migrate` makes one, --data names another folder.\n"
    )
    assert not data.exists()


@pytest.mark.parametrize("name", ["tail", "administrator", "worker", "web"])
def test_a_database_that_is_not_up_to_date_is_told_of(name: str, tmp_path: Path) -> None:
    (tmp_path / "workwire.sqlite3").touch()
    done = _run(*COMMANDS[name], data_dir=str(tmp_path), secret_keys=KEY)
    assert done.returncode == 1
    assert "migrations are missing in the database; run `workwire migrate`." in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_key_that_is_missing_is_told_of_and_not_made(tmp_path: Path) -> None:
    (tmp_path / "workwire.sqlite3").touch()
    done = _run("webhooks", "--data", str(tmp_path), "tail", "--once")
    assert done.returncode == 1
    assert f"The key file {tmp_path}/secret.key is missing" in done.stderr
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize("command", [["migrate"], COMMANDS["tail"], COMMANDS["administrator"]])
def test_a_server_that_does_not_answer_is_told_of(command: list[str], tmp_path: Path) -> None:
    url = f"postgresql://127.0.0.1:{free_port()}/x"
    done = _run(*command, data_dir=str(tmp_path), database_url=url, secret_keys=KEY)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database does not answer: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("settings", [{}, {"secret_keys": KEY}], ids=["key file", "keys named"])
def test_a_folder_that_cannot_be_made_is_told_of(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _run("migrate", "--data", str(tmp_path / "file" / "data"), **settings)
    assert done.returncode == 2
    assert done.stderr.startswith("workwire: The ")
    assert "set WORKWIRE_DATA_DIR" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_catalogue_needs_no_installation(tmp_path: Path) -> None:
    done = _run("webhooks", "catalogue", data_dir=str(tmp_path / "data"))
    assert done.returncode == 0
    assert "PacketCreated" in done.stdout
    assert not (tmp_path / "data").exists()
