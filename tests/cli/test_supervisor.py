"""Processes under one roof, with small children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from tests.support.waiting import happens
from workwire.cli.supervisor import ChildSpec, Supervisor

ROOT = Path(__file__).parents[2]


def _child(body: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(body)]


def _wait(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    return happens(condition, seconds)


def test_stopping_lets_children_drain(tmp_path: Path) -> None:
    mark = tmp_path / "drained"
    body = f"""
        import signal, sys, time, pathlib
        def drain(*_):
            time.sleep(0.2); pathlib.Path({str(mark)!r}).write_text("yes"); sys.exit(0)
        signal.signal(signal.SIGTERM, drain)
        pathlib.Path({str(tmp_path / "up")!r}).touch()
        while True: time.sleep(0.05)
    """
    supervisor = Supervisor([ChildSpec("child", _child(body))])
    supervisor.start()
    assert _wait((tmp_path / "up").exists)
    supervisor.stop()
    assert mark.read_text() == "yes"


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    body = f"""
        import os, pathlib, sys, time
        with open({str(log)!r}, "a") as file: file.write(f"{{os.getpid()}}\\n")
        if len(pathlib.Path({str(log)!r}).read_text().splitlines()) < 2: sys.exit(3)
        time.sleep(60)
    """
    script = f"""
        import sys; sys.path.insert(0, {str(ROOT / "src")!r})
        from workwire.cli.supervisor import ChildSpec, Supervisor
        supervisor = Supervisor([ChildSpec("child", [sys.executable, "-c", {textwrap.dedent(body)!r}])])
        supervisor.start()
        sys.exit(supervisor.run())
    """
    process = subprocess.Popen(_child(script))
    try:
        assert _wait(lambda: log.exists() and len(log.read_text().splitlines()) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        second = int(log.read_text().splitlines()[1])
        assert _wait(lambda: not _alive(second))
    finally:
        process.kill()
        process.wait()


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    body = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)"
    script = f"""
        import sys; sys.path.insert(0, {str(ROOT / "src")!r})
        from workwire.cli.supervisor import ChildSpec, Supervisor
        supervisor = Supervisor([ChildSpec("child", [sys.executable, "-c", {body!r}])])
        supervisor.start()
        sys.exit(supervisor.run())
    """
    process = subprocess.Popen(_child(script))
    assert _wait(lambda: pid.exists() and pid.read_text() != "")
    process.kill()
    process.wait()
    assert _wait(lambda: not _alive(int(pid.read_text())))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
