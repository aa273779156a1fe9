"""The first thing a newcomer does: `bin/workwire demo --once`, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.world import Subscribe
from workwire.cli.demo.walk_through import HEADER, end_subscriptions
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Subscription

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
    _a_second_run_ends_what_the_first_subscribed(tmp_path, _environment(fresh_database_url))


def _a_second_run_ends_what_the_first_subscribed(folder: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "workwire", "demo", "--port", str(_free_port()), "--data", str(folder / "demo")]
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as second:
        assert second.stdout is not None
        shown = ""
        for line in second.stdout:
            shown += line
            if "stays up" in line:
                break
        second.terminate()
        second.stdout.read()
    assert "The 5 subscriptions of its walk-through end, for their receivers are gone." in shown


@pytest.mark.django_db
def test_only_what_the_walk_through_subscribed_ends(subscribe: Subscribe) -> None:
    own, _ = subscribe()
    elsewhere, _ = subscribe(url="https://example.com/hook", header_name=HEADER[0], header_value="x")
    subscribe(url="http://127.0.0.1:9/PacketCreated", header_name=HEADER[0], header_value=HEADER[1])
    assert end_subscriptions() == 1
    assert set(Subscription.objects.filter(ended_at=None)) == {own, elsewhere}
    assert Event.objects.filter(name="SubscriptionEnded").count() == 1
    assert end_subscriptions() == 0
