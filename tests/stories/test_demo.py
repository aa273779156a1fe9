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
