"""What an operator can get wrong ends a command with one sentence, never with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.support.processes import ROOT, free_port

pytestmark = pytest.mark.story
KEY = "2F0hCOqqEXMQVqz7nzMqVhQBPPtPm0rQwRmL8IpqZkM="


def _run(*command: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    named = {f"WORKWIRE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "workwire", *command],
        env=kept | {"PYTHONPATH": str(ROOT / "src")} | named,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _said(done: subprocess.CompletedProcess[str], status: int) -> str:
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", ["up", "migrate", "worker", "doctor"])
def test_a_key_file_that_is_not_text_is_told_of(command: str, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "workwire.sqlite3").touch()
    port = {"port": str(free_port())}
    assert "holds something else than Fernet keys" in _said(_run(command, data_dir=str(tmp_path), **port), 2)


@pytest.mark.parametrize("command", ["up", "migrate", "worker", "web", "administrator"])
def test_a_file_that_is_no_database_is_told_of_and_stays_as_it_is(command: str, tmp_path: Path) -> None:
    file = tmp_path / "workwire.sqlite3"
    file.write_bytes(b"no database at all, " * 500)
    words = [command, "ada"] if command == "administrator" else [command]
    done = _run(*words, data_dir=str(tmp_path), secret_keys=KEY, port=str(free_port()))
    assert _said(done, 1) == "Error: The database does not answer: file is not a database.\n"
    assert file.read_bytes() == b"no database at all, " * 500


def test_the_doctor_tells_of_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "workwire.sqlite3").write_bytes(b"no database at all, " * 500)
    done = _run("doctor", data_dir=str(tmp_path), secret_keys=KEY)
    assert (done.returncode, done.stderr) == (1, "")
    assert "WRONG  The database does not answer: file is not a database. Start it, or" in done.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "::::"}, "Setting WORKWIRE_HOST is wrong"),
        ({"database_url": "sqlite:///"}, "Setting WORKWIRE_DATABASE_URL is wrong"),
        ({"database_url": "postgresql://h:99999999/d"}, "Setting WORKWIRE_DATABASE_URL is wrong"),
        ({"smtp_url": "smtp://u:p@h:abc", "mail_from": "a@example.org"}, "Setting WORKWIRE_SMTP_URL is wrong"),
    ],
)
def test_a_setting_that_is_wrong_is_told_of(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    assert said in _said(_run("up", data_dir=str(tmp_path / "data"), secret_keys=KEY, **settings), 2)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "ß" * 60])
def test_a_host_that_is_not_here_is_told_of(host: str, tmp_path: Path) -> None:
    done = _run("up", "--host", host, data_dir=str(tmp_path / "data"), secret_keys=KEY, port=str(free_port()))
    assert " cannot be listened on: " in _said(done, 1)


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/d?connect_timeout=x", "postgresql:///d?port=99999999"])
def test_a_database_url_that_only_its_driver_can_judge_is_told_of(url: str, tmp_path: Path) -> None:
    done = _run("migrate", data_dir=str(tmp_path), secret_keys=KEY, database_url=url)
    assert "The database does not answer: " in _said(done, 1)


class TestNewerRelease:
    """A database on which a newer release has worked."""

    @pytest.fixture
    def environment(self, child_environment: dict[str, str]) -> dict[str, str]:
        """That of a child on the test's database, which has a migration that this release lacks."""
        recorder = MigrationRecorder(connection)
        recorder.record_applied("work", "9999_of_tomorrow")
        return {
            name.removeprefix("WORKWIRE_").lower(): v for name, v in child_environment.items() if "WORKWIRE_" in name
        }

    @pytest.mark.parametrize("command", ["up", "migrate"])
    def test_is_not_begun_with(self, command: str, environment: dict[str, str]) -> None:
        try:
            done = _run(command, **environment, port=str(free_port()))
        finally:
            MigrationRecorder(connection).record_unapplied("work", "9999_of_tomorrow")
        assert _said(done, 1) == (
            "Error: A newer release of Workwire has worked on this database (it has work.9999_of_tomorrow, which this release "
            "lacks). Install that release, or restore a backup of this one.\n"
        )


def test_a_password_is_read_from_standard_input_and_is_no_argument(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    assert _run("migrate", *data).returncode == 0
    assert "No such option" in _run("administrator", "ada", "--password", "x", *data).stderr
    assert "There is no password on standard input." in _said(
        _run("administrator", "ada", "--password-stdin", *data), 1
    )
    done = _run("administrator", "ada", "--password-stdin", *data, stdin="correct horse battery\n")
    assert (done.returncode, done.stdout) == (0, "ada may log in and administer this installation.\n")
    weak = _run("password", "ADA", "--password-stdin", *data, stdin="123\n")
    assert "too short" in _said(weak, 1)
    done = _run("password", "ADA", "--password-stdin", *data, stdin="staple battery horse\n")
    assert done.stdout == "ada logs in with the new password from now on; earlier logins have ended.\n"
    assert "There is no account bob." in _said(_run("password", "bob", "--password-stdin", *data, stdin="x\n"), 1)
