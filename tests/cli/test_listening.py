"""A port is listened on by one installation, and an embedded database has one worker: a second one says so and ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.support.environment import ON_POSTGRES
from tests.support.processes import ROOT, free_port, wait_for_web, workwire
from tests.support.waiting import eventually
from workwire.cli.listening import check_free

pytestmark = pytest.mark.story


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on who would share it."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


@pytest.fixture
def environment() -> dict[str, str]:
    """That of a new installation with the embedded database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    return kept | {"PYTHONPATH": str(ROOT / "src")}


def _run(*command: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "workwire", *command]
    return subprocess.run(
        words, env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("command", ["up", "demo", "web"])
def test_a_port_that_is_taken_is_refused_with_a_sentence(
    command: str, taken: int, environment: dict[str, str], tmp_path: Path
) -> None:
    done = _run(command, "--port", str(taken), "--data", "here", env=environment, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"Error: Port {taken} is taken; end what listens there, or give another --port.\n"
    assert not (tmp_path / "here").exists()


def test_a_port_is_free_that_was_left_while_a_connection_was_open() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        client.connect(("127.0.0.1", port))
        server.accept()[0].close()  # the side that closes first is the one that remembers
        server.close()
        check_free("127.0.0.1", port)


def test_a_port_may_become_free_meanwhile(taken: int) -> None:
    begun = time.monotonic()
    with pytest.raises(click.ClickException, match="is taken"):
        check_free("127.0.0.1", taken, patience=0.3)
    assert time.monotonic() - begun >= 0.3


def test_an_address_that_is_not_ours_is_said_to_be() -> None:
    with pytest.raises(click.ClickException, match=r"http://192\.0\.2\.1:8000 cannot be listened on"):
        check_free("192.0.2.1", 8000)


@pytest.mark.skipif(ON_POSTGRES, reason="many workers may work on PostgreSQL")
def test_a_second_up_on_the_same_data_ends(environment: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    first = workwire("up", "--port", str(port), "--data", str(tmp_path), env=environment, log=tmp_path / "log")
    try:
        wait_for_web("127.0.0.1", port)
        second = _run("up", "--port", str(free_port()), "--data", str(tmp_path), env=environment, folder=tmp_path)
        assert second.returncode == 1
        assert second.stderr == "Error: Workwire works on this data already, in another process; end that one first.\n"
        assert second.stdout == ""
        assert first.poll() is None
        wait_for_web("127.0.0.1", port)
    finally:
        first.terminate()
        assert first.wait(40) == 0


def test_up_on_an_empty_installation_says_that_there_is_no_account(environment: dict[str, str], tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    up = workwire("up", "--port", str(port), "--data", str(tmp_path / "data"), env=environment, log=log)
    try:
        wait_for_web("127.0.0.1", port, timeout=120)  # all migrations come first
        eventually(lambda: "administrator NAME --data" in log.read_text(), 20, what=log.read_text)
        said = log.read_text()
        assert "There is no account yet." in said
        command = next(line for line in said.splitlines() if "administrator NAME" in line).split()
        assert command == ["bin/workwire", "administrator", "NAME", "--data", str(tmp_path / "data")]
        made = subprocess.run(
            [sys.executable, "-m", "workwire", *command[1:], "--password-stdin"],
            env=environment, input="correct horse battery", text=True, cwd=ROOT, check=False,
        )  # fmt: skip
        assert made.returncode == 0
    finally:
        up.terminate()
        assert up.wait(40) == 0
