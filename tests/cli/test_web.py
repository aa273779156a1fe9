"""`workwire web`: nothing of it outlives its server, however that ends."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import ON_POSTGRES
from tests.support.organisation import build
from tests.support.processes import ROOT, Api, free_port, wait_for_web, web_process, workwire
from tests.support.waiting import eventually, linger

THREADS = """
import gc, threading
import workwire.cli.web.process
from django.db import connection
gc.disable()
held = []
def work():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    held.append(connection.connection)
for _ in range(5):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
def is_closed(one):
    try:
        one.execute("SELECT 1")
    except Exception as error:  # whatever the driver calls it
        return "closed" in str(error)
    return False
print("opened", len(held), "closed", sum(map(is_closed, held)))
"""
pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]


def test_workers_end_with_a_server_that_was_killed(child_environment: dict[str, str], tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    server = workwire("web", "--port", str(port), "--workers", "2", env=child_environment, log=log)
    try:
        wait_for_web("127.0.0.1", port)
        assert log.read_text() == f"The web server listens on http://127.0.0.1:{port}/ (Ctrl-C drains and stops).\n"
    finally:
        server.kill()
        server.wait()
    eventually(lambda: not _is_listened_on(port), 15, what="a worker goes on serving without its server")


def test_a_thread_that_ends_takes_its_connection_with_it(child_environment: dict[str, str]) -> None:
    """Without waiting for the collector, which web workers let rest."""
    said = subprocess.run(
        [sys.executable, "-c", THREADS],
        env=child_environment | {"DJANGO_SETTINGS_MODULE": "workwire.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["opened", "5", "closed", "5"]


def test_the_usage_names_the_program_as_it_is_called(child_environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "workwire", "web", "--port", "none"]
    said = subprocess.run(command, env=child_environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("Usage: workwire web [OPTIONS]\n")


def _is_listened_on(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(ON_POSTGRES, reason="a file can be held by another process")
def test_health_is_told_while_the_embedded_database_is_held_by_another_process(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    """Every thread waits for the lock, and so would the probes."""
    build()
    path = child_environment["WORKWIRE_DATABASE_URL"].removeprefix("sqlite:///")
    with web_process(child_environment, log=tmp_path / "log") as (port, _):
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        wish = {"username": "nobody", "password": "nothing at all"}
        waiting = [Thread(target=_ask, args=(port, "POST", "/api/v1/tokens", wish), daemon=True) for _ in range(20)]
        for one in waiting:
            one.start()
        linger(0.5)  # the lock is held so long before anything is asked
        for asked, statuses, longest in (("live", {200}, 1.0), ("ready", {200, 503}, 5.0), ("live", {200}, 1.0)):
            begun = time.monotonic()
            status = Api("127.0.0.1", port, timeout=10).call("GET", f"/health/{asked}")[0]
            assert time.monotonic() - begun < longest, asked
            assert status in statuses
        other.close()
        for one in waiting:
            one.join(30)


def _ask(port: int, method: str, path: str, body: object) -> None:
    Api("127.0.0.1", port, timeout=60).call(method, path, body)
