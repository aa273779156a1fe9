"""The first thing a newcomer does: `bin/workwire demo --once`, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.cli.demo import demo_file
from workwire.cli.demo.sample_work import give_out
from workwire.cli.demo.seed import seed
from workwire.cli.demo.walk_through import HEADER
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.work.models import WorkItem

pytestmark = pytest.mark.story
ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(database_url: str | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    return kept | {"PYTHONPATH": str(ROOT / "src")} | ({"WORKWIRE_DATABASE_URL": database_url} if database_url else {})


def test_the_demo_shows_the_main_job_and_ends_well(tmp_path: Path, fresh_database_url: str | None) -> None:
    port = _free_port()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "workwire",
            "demo",
            "--once",
            "--port",
            str(port),
            "--data",
            str(tmp_path / "demo"),
        ],
        env=_environment(fresh_database_url),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    for webhook in ("PacketCreated", "PacketUpdated", "NewCommunication", "BusinessObjectCreated"):
        assert re.search(rf"arrived +petra +{webhook} .*signature valid", shown), shown
    assert "withheld" in shown
    path = tmp_path / "demo" / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    assert told["base_url"] == f"http://127.0.0.1:{port}"
    assert told["accounts"][0]["may_see"] == ["everything"]
    assert {"username", "password", "roles", "may_see"} == set(told["accounts"][0])
    assert {"client_id", "client_secret"} == set(told["credential"])
    objects = told["objects"]
    assert len(objects["companies"]) == 2
    assert all({"contract", "service", "GUID"} <= set(company) for company in objects["companies"])
    assert {
        "TicketAttributeVersionGUID",
        "TicketCategoryGUID",
        "CaseAttributeVersionGUID",
        "schedule",
    } <= set(objects)
    assert len(told["walk_through"]) == 5


class Running:
    """A demo that stays up; `shown` is what it said until then."""

    def __init__(self, folder: Path, environment: dict[str, str], port: int | None = None) -> None:
        self.port = port or _free_port()
        command = [sys.executable, "-m", "workwire", "demo", "--port", str(self.port), "--data", str(folder / "demo")]
        self._process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.shown = ""
        for line in self._process.stdout:
            self.shown += line
            if "what the processes log" in line:
                return
        raise AssertionError(self.shown)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.read()
        self._process.wait()


def _run(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "workwire",
        "demo",
        "--port",
        str(_free_port()),
        "--data",
        str(folder / "demo"),
        *words,
    ]
    return subprocess.run(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
        check=False,
    )  # fmt: skip


def test_a_demo_says_who_may_sign_in_and_a_second_one_changes_nothing(
    tmp_path: Path, fresh_database_url: str | None
) -> None:
    """Also where the environment names a proxy, which own calls never go through."""
    dead = f"http://127.0.0.1:{_free_port()}"
    environment = _environment(fresh_database_url) | {"HTTP_PROXY": dead, "http_proxy": dead, "ALL_PROXY": dead}
    file = tmp_path / "demo" / "demo.json"
    with Running(tmp_path, environment) as first:
        told = json.loads(file.read_text())
        for account in told["accounts"]:
            assert re.search(rf"^{account['username']} +{re.escape(account['password'])} ", first.shown, re.M)
        noise = [line for line in first.shown.splitlines() if re.search(r"WARNING|ERROR|Traceback|^\d{4}-", line)]
        assert noise == []
        before = file.read_bytes()
        for words in ((), ("--once",)):
            second = _run(tmp_path, environment, *words)
            assert second.returncode == 1
            assert second.stderr == (
                f"Error: A demo runs in {tmp_path}/demo already; end that one first, or name another folder with --data.\n"
            )
            assert file.read_bytes() == before
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{first.port}/health/ready", timeout=10
        ) as answer:
            assert answer.status == 200
    with Running(tmp_path, environment) as again:
        assert "The 5 subscriptions of its walk-through end, for their receivers are gone." in again.shown
    assert "already; the walk-through begins in an empty folder" in _run(tmp_path, environment, "--once").stderr
    file.unlink()
    assert "was not made by a demo" in _run(tmp_path, environment).stderr


@pytest.mark.django_db
def test_only_what_the_walk_through_subscribed_and_nobody_hears_ends(subscribe: Subscribe, receiver: Receiver) -> None:
    """Not one that looks the same, nor one that was led somewhere else since, nor one whose receiver listens."""
    like = {"header_name": HEADER[0], "header_value": HEADER[1]}
    looks_the_same, _ = subscribe(url="http://127.0.0.1:9/PacketCreated", **like)
    gone, _ = subscribe(url="http://127.0.0.1:9/PacketCreated", **like)
    moved, _ = subscribe(url="http://127.0.0.1:9/elsewhere", **like)
    heard, _ = subscribe(url=receiver.url("/PacketCreated"), **like)
    made = {str(gone.guid): gone.url, str(moved.guid): "http://127.0.0.1:9/PacketCreated", str(heard.guid): heard.url}
    assert demo_file.end_subscriptions(made) == 1
    assert set(Subscription.objects.filter(ended_at=None)) == {looks_the_same, moved, heard}
    assert Event.objects.filter(name="SubscriptionEnded").count() == 1
    assert demo_file.end_subscriptions(made) == 0


@pytest.mark.django_db
def test_every_account_of_the_demo_finds_work_of_its_own() -> None:
    organisation = seed()
    give_out(organisation)
    assert len(organisation.accounts) == 5
    for account in organisation.accounts.values():
        assert WorkItem.objects.filter(assignee=account.user).exists(), account.user.username
    assert WorkItem.objects.filter(assignee=None).exists()
