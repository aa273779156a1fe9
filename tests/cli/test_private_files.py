"""An installation as another account of the machine sees it: nothing of it can be opened, whatever the umask says."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.environment import ON_POSTGRES
from tests.support.processes import ROOT, free_port
from tests.support.waiting import eventually
from workwire.kernel import folders

pytestmark = pytest.mark.story


def _command(data: Path, *command: str) -> dict[str, object]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    return {
        "args": [sys.executable, "-m", "workwire", *command],
        "env": kept | {"PYTHONPATH": str(ROOT / "src"), "WORKWIRE_DATA_DIR": str(data)},
        "stdin": subprocess.DEVNULL,
        "umask": 0o000,  # the most careless there is
    }


START_SECONDS = 90  # all migrations, beside other tests


def _run(data: Path, *command: str) -> str:
    done = subprocess.run(**_command(data, *command), capture_output=True, text=True, timeout=60, check=False)  # type: ignore[call-overload] # free terms
    return str(done.stdout)


def _open(data: Path) -> list[str]:
    return [str(path) for path in (data, *data.rglob("*")) if folders.is_open_to_others(path)]


def _wait(condition: Callable[[], object], seconds: float = 30) -> None:
    eventually(condition, seconds)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(ON_POSTGRES, reason="the embedded database is the same there")
def test_nothing_of_a_new_installation_is_open_to_others(tmp_path: Path) -> None:
    """Also while it runs: the log of the database, the lock, the bell, files that were uploaded."""
    data, port = tmp_path / "above" / "data", free_port()
    with subprocess.Popen(**_command(data, "up", "--port", str(port)), stdout=subprocess.DEVNULL) as running:  # type: ignore[call-overload] # free terms
        try:
            _wait(
                lambda: (
                    _answers(port) and (data / "workwire.wake").exists() and (data / "workwire.sqlite3-wal").exists()
                ),
                START_SECONDS,
            )
            there = {path.name for path in data.iterdir()}
            assert _open(data.parent) == []
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(timeout=40)
    assert {"workwire.sqlite3", "workwire.sqlite3-wal", "workwire.sqlite3-shm", "secret.key", "workwire.wake"} <= there


@pytest.mark.skipif(ON_POSTGRES, reason="the embedded database is the same there")
def test_an_open_installation_is_told_of_and_closed_at_the_next_start(tmp_path: Path) -> None:
    _run(tmp_path, "migrate")
    (tmp_path / "demo.json").write_text(json.dumps({"accounts": []}))
    (tmp_path / "files").mkdir()
    for path in (tmp_path, *tmp_path.iterdir()):
        path.chmod(0o777 if path.is_dir() else 0o666)
    told = next(line for line in _run(tmp_path, "doctor").splitlines() if "Other accounts" in line)
    for name in ("", "/workwire.sqlite3", "/secret.key", "/demo.json", "/files"):
        assert f"{tmp_path}{name} (mode " in told
    assert told.startswith("WRONG")
    _run(
        tmp_path, "webhooks", "tail", "--once"
    )  # a command of an installation that is there, as `web` and `worker` are
    assert _open(tmp_path) == []
    assert "ok     Other accounts of this machine can open nothing of it." in _run(tmp_path, "doctor")


@pytest.mark.skipif(ON_POSTGRES, reason="the embedded database is the same there")
def test_a_folder_that_holds_more_than_ours_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody may have named a folder that is shared: what is ours in it is closed, the folder is not."""
    (tmp_path / "index.html").write_text("for everybody")
    tmp_path.chmod(0o755)
    _run(tmp_path, "migrate")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert (tmp_path / "index.html").stat().st_mode & 0o044
    assert set(_open(tmp_path)) == {str(tmp_path), str(tmp_path / "index.html")}


def test_what_is_not_there_or_of_another_account_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.tighten(tmp_path / "nothing")
    assert not folders.is_open_to_others(tmp_path / "nothing")
    path = tmp_path / "theirs"
    path.touch()
    path.chmod(0o644)

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    folders.tighten(path)
    assert folders.is_open_to_others(path)
