"""Three hosts with clocks minutes apart on one PostgreSQL: one vanishes, one is cut off in the middle of a fan-out.

The measurement `bench/hosts` in its short form, with network namespaces where they can be made and as plain processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ON_POSTGRES

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "bench"

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(not ON_POSTGRES, reason="many hosts need PostgreSQL"),
]


def _why_not() -> str:
    command = [sys.executable, "-c", "import network; print(network.why_not())"]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("kind", ["namespaces", "processes"])
def test_nothing_is_lost_and_no_two_workers_send_the_same(kind: str) -> None:
    if kind == "namespaces" and (reason := _why_not()):
        pytest.skip(reason)
    command = [sys.executable, str(BENCH / "hosts.py"), "--short", "--json"]
    command += ["--plain"] if kind == "processes" else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    answered = found["in peace: changes answered"]
    assert all(f"{host} " in answered for host in "abc"), f"a web process changed nothing: {answered}"
    assert found["in peace: delivered"] > 0
    assert found["in peace: messages more than once"] == 0
    assert found["delivered"] > found["in peace: delivered"]
    assert found["lost"] == found["in peace: lost"] == 0
    assert found["two at once for one Webhook-Id"] == 0
    assert found["not verified"] == 0
    assert found["fan-out held up by a vanished host, seconds"] < 20
