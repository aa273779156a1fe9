"""`workwire doctor` as an operator runs it: what is demanded where, and that one thing wrong hides no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.environment import ON_POSTGRES
from tests.support.processes import ROOT, free_port

pytestmark = pytest.mark.story
KEY = "2F0hCOqqEXMQVqz7nzMqVhQBPPtPm0rQwRmL8IpqZkM="


def _run(*command: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    named = {f"WORKWIRE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "workwire", *command],
        env=kept | {"PYTHONPATH": str(ROOT / "src"), "WORKWIRE_DATA_DIR": str(data)} | named,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What it said, but for what depends on the machine: whom its system trusts."""
    return [line for line in done.stdout.splitlines() if "certificate authorit" not in line]


def test_an_empty_folder_stays_empty_and_is_told_of_in_sentences(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = _run("doctor", data=data)
    assert done.returncode == 1
    assert _lines(done) == [
        f"WRONG  The data folder {data} does not exist. `workwire up` makes it.",
        f"WRONG  The key file {data}/secret.key is missing; without it stored secrets cannot be read. "
        "Bring it back, or set WORKWIRE_SECRET_KEYS; a first `workwire up` makes one.",
        "ok     Other accounts of this machine can open nothing of it.",
        f"WRONG  There is no database in sqlite:///{data}/workwire.sqlite3. `workwire up` makes one.",
    ]
    assert not data.exists()


def test_every_check_is_made_whatever_was_wrong_before(tmp_path: Path) -> None:
    assert _run("migrate", data=tmp_path).returncode == 0
    (tmp_path / "secret.key").chmod(0o644)
    done = _run("doctor", data=tmp_path)
    wrong = [line for line in _lines(done) if line.startswith("WRONG")]
    assert f"Other accounts of this machine can open {tmp_path}/secret.key (mode 644)" in wrong[0]
    assert "No worker is alive" in wrong[1]
    assert (
        done.stdout.splitlines()[-1]
        == "ok     Nothing waits long for a listener (webhooks, notices, following, finding)."
    )


@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database lies in the data folder")
def test_postgresql_with_keys_from_a_setting_needs_no_data_folder(
    tmp_path: Path, fresh_database_url: str | None
) -> None:
    data, settings = tmp_path / "data", {"database_url": str(fresh_database_url), "secret_keys": KEY}
    assert _run("migrate", data=data, **settings).returncode == 0
    done = _run("doctor", data=data, **settings)
    assert done.stdout.splitlines()[0] == f"ok     The data folder {data} has not been needed yet."
    assert [line for line in _lines(done) if line.startswith("WRONG")] == [
        "WRONG  No worker is alive, so nothing is sent. Run `workwire up` or `workwire worker`; "
        "the log of the last one says why it ended."
    ]
    assert not data.exists()


def test_a_server_that_does_not_answer_is_told_of_in_one_line(tmp_path: Path) -> None:
    done = _run("doctor", data=tmp_path, database_url=f"postgresql://127.0.0.1:{free_port()}/x", secret_keys=KEY)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("WRONG  The database does not answer: ")
    assert last.endswith("accepting TCP/IP connections. Start it, or mend WORKWIRE_DATABASE_URL.")
    assert len(_lines(done)) == 4


def test_authorities_that_cannot_be_read_stop_everything_with_a_sentence(tmp_path: Path) -> None:
    missing, there = tmp_path / "gone.pem", Authority().file(tmp_path)
    done = _run("doctor", data=tmp_path, webhook_ca_bundle=str(missing))
    assert done.returncode == 2
    assert f"WORKWIRE_WEBHOOK_CA_BUNDLE is wrong: {missing} cannot be read: No such file" in done.stderr
    done = _run("doctor", data=tmp_path, webhook_ca_bundle=str(there))
    assert f"ok     Endpoints are trusted by the 1 certificate authority in {there}." in done.stdout.splitlines()
