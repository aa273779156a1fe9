"""The same on a PostgreSQL as a distribution ships it: JIT on, small caches. Needs one installed (`.ci/run` sees to it)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ON_POSTGRES
from tests.support.stock_postgres import programs, stock_server

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(not ON_POSTGRES, reason="once is enough: with the tests on PostgreSQL"),
    pytest.mark.skipif(
        programs() is None, reason="no PostgreSQL of a distribution is installed; as root, .ci/run does that"
    ),
]


def _run(*command: str, timeout: float, **environment: str) -> str:
    """What a command says that must succeed; it has no settings but these."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_", "PYTEST_"))
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_plans_are_the_same() -> None:
    with stock_server() as server:
        said = _run(
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/engine/test_plans.py",
            timeout=400,
            WORKWIRE_TEST_DATABASE="postgres",
            WORKWIRE_TEST_POSTGRES=server.url,
        )
    assert "skipped" not in said
    assert "[100%]" in said


def test_a_ticket_and_its_message_are_measured() -> None:
    """Nothing is lost and all is signed right, else the measurement fails; figures depend on the machine, and are printed."""
    said = _run(
        *("bench/suite.py", "--quick", "--stock", "--only", "tickets", "--database", "postgres"),
        timeout=300,
        PYTHONPATH=os.pathsep.join((str(ROOT / "src"), str(ROOT / "bench"))),
    )
    print(said)
    figures = re.findall(r"^\| (.+?) \| ([\d.,]+) ", said, re.MULTILINE)
    assert len(figures) == 8
    memory = dict(figures)["memory of the idle worker and its child, PostgreSQL"]
    assert float(memory) < 166
