"""Ending: by a storm of signals, and by itself when the supervisor or the data of a process is gone."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ON_POSTGRES
from tests.support.processes import ROOT, free_port, wait_for_web, workwire
from tests.support.waiting import eventually, linger
from workwire.kernel.stopping import SUPERVISOR, Mark, Ties

STORM, PAUSE = 300, 0.0002
PATIENCE = 30.0
ENDED = (0, -signal.SIGTERM, -signal.SIGINT)  # the storm may go on when the interpreter has put its handlers away
SUPERVISING = """
    import os, sys, time
    from pathlib import Path
    from workwire.cli.supervisor import ChildSpec, Supervisor
    supervisor = Supervisor([ChildSpec("child", [sys.executable, "-c", "import time; time.sleep(60)"])])
    supervisor.start()
    Path(sys.argv[1]).touch()
    sys.exit(supervisor.run())
"""
STARTS_AND_WAITS = """
    import os, subprocess, sys, time
    child = subprocess.Popen(
        [sys.executable, "-m", "workwire", *sys.argv[1:]], env=os.environ | {"SUPERVISOR_PID": str(os.getpid())}
    )
    print(child.pid, flush=True)
    time.sleep(600)
"""
BUSY_WITH_IT = """
    import signal, sys, threading
    from workwire.kernel.stopping import Mark
    mark = {"mark": Mark, "event": threading.Event}[sys.argv[1]]()
    signal.signal(signal.SIGALRM, lambda *_: mark.set())
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    for _ in range(100_000):
        mark.set()
        mark.wait(0)
        mark.clear()
    signal.setitimer(signal.ITIMER_REAL, 0)
"""
pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]


def _storm(process: subprocess.Popen[bytes]) -> None:
    """What a terminal's group and a supervisor send at once, many times over."""
    for number in range(STORM):
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGINT if number % 2 else signal.SIGTERM)
        linger(PAUSE)


def _until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    eventually(condition, patience)


def _catches(pid: int, number: int) -> bool:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["SigCgt"], 16) >> (number - 1) & 1)


def _ends(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()


def _has_ended(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("time_over", range(3))
def test_a_worker_ends_under_a_storm_of_signals(
    child_environment: dict[str, str], tmp_path: Path, time_over: int
) -> None:
    log = tmp_path / "log"
    worker = workwire("worker", env=child_environment | {"WORKWIRE_LOG_LEVEL": "info"}, log=log)
    try:
        _until(lambda: " started" in log.read_text())
        _storm(worker)
    finally:
        status = _ends(worker)
    assert status in ENDED, log.read_text()
    assert " stopped" in log.read_text()


@pytest.mark.parametrize("time_over", range(3))
def test_a_supervisor_ends_under_a_storm_of_signals(tmp_path: Path, time_over: int) -> None:
    up = tmp_path / "up"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISING), str(up)], env=os.environ | {"PYTHONPATH": "src"}, cwd=ROOT
    )
    _until(up.exists)
    _until(lambda: _catches(process.pid, signal.SIGTERM))
    _storm(process)
    assert _ends(process) in ENDED


@pytest.mark.parametrize("time_over", range(3))
def test_a_web_server_ends_under_a_storm_of_signals(
    child_environment: dict[str, str], tmp_path: Path, time_over: int
) -> None:
    port = free_port()
    web = workwire("web", "--port", str(port), env=child_environment, log=tmp_path / "log")
    try:
        wait_for_web("127.0.0.1", port)
        _storm(web)
    finally:
        status = _ends(web)
    assert status in ENDED, (tmp_path / "log").read_text()


@pytest.mark.parametrize("command", ["worker", "web"])
def test_what_has_lost_its_supervisor_ends_by_itself(
    child_environment: dict[str, str], tmp_path: Path, command: str
) -> None:
    """Without the help of a signal that the system sends when a parent dies."""
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as out:
        more = ("--port", str(port)) if command == "web" else ()
        parent = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(STARTS_AND_WAITS), command, *more],
            env=child_environment | {"WORKWIRE_LOG_LEVEL": "info"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=out,
        )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        if command == "web":
            wait_for_web("127.0.0.1", port)
        else:
            _until(lambda: " started" in log.read_text())
        assert not _has_ended(child)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    try:
        _until(lambda: _has_ended(child))
    finally:
        if not _has_ended(child):
            os.kill(child, signal.SIGKILL)
    assert "The supervisor of this process is gone." in log.read_text()


@pytest.mark.parametrize("command", ["worker", "web"])
def test_what_has_lost_its_data_ends_by_itself(child_environment: dict[str, str], tmp_path: Path, command: str) -> None:
    data, log, port = tmp_path / "data", tmp_path / "log", free_port()
    data.mkdir()
    environment = child_environment | {"WORKWIRE_DATA_DIR": str(data), "WORKWIRE_LOG_LEVEL": "info"}
    if not ON_POSTGRES:
        source = sqlite3.connect(child_environment["WORKWIRE_DATABASE_URL"].removeprefix("sqlite:///"))
        copy = sqlite3.connect(data / "workwire.sqlite3")
        source.backup(copy)
        source.close()
        copy.close()
        environment["WORKWIRE_DATABASE_URL"] = f"sqlite:///{data / 'workwire.sqlite3'}"
    more = ("--port", str(port)) if command == "web" else ()
    process = workwire(command, *more, env=environment, log=log)
    try:
        if command == "web":
            wait_for_web("127.0.0.1", port)
        else:
            _until(lambda: " started" in log.read_text())
        shutil.rmtree(data)
    finally:
        _ends(process)
    assert f"{data} is gone." in log.read_text()


def test_a_file_put_in_the_place_of_another_is_not_the_one_that_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ties = Ties.of_this_process([tmp_path, file, tmp_path / "never there"])
    assert ties.broken() == ""
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(file)
    assert ties.broken() == f"{file} is not the file it was at the start."


def test_children_of_children_are_not_told_of_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SUPERVISOR, str(os.getppid()))
    ties = Ties.of_this_process([])
    assert (ties.supervisor, ties.broken()) == (os.getppid(), "")
    assert SUPERVISOR not in os.environ


def test_a_mark_is_waited_for_and_taken_back() -> None:
    mark = Mark()
    assert not mark.wait(0.0)
    for _ in range(1_000):  # more than the socket holds
        mark.set()
    assert mark.wait()
    mark.clear()
    assert not mark.wait(0.0)


def test_a_mark_may_be_set_by_a_signal_in_the_middle_of_anything() -> None:
    script = [sys.executable, "-c", textwrap.dedent(BUSY_WITH_IT)]
    subprocess.run([*script, "mark"], env=os.environ | {"PYTHONPATH": "src"}, cwd=ROOT, timeout=60, check=True)
    with pytest.raises((subprocess.TimeoutExpired, subprocess.CalledProcessError)):  # what the mark is there for
        subprocess.run([*script, "event"], env=os.environ | {"PYTHONPATH": "src"}, cwd=ROOT, timeout=10, check=True)
