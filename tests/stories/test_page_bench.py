"""`bench/pages` in small: every page is measured, whatever it takes here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import ON_POSTGRES

pytestmark = pytest.mark.story

BENCH = Path(__file__).parents[2] / "bench" / "web_pages.py"


def test_every_page_is_measured_on_a_hundredth() -> None:
    size = ("--items", "1000", "--deliveries", "10000", "--looks", "1")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    command = [sys.executable, str(BENCH), "--database", "postgres" if ON_POSTGRES else "sqlite", *size]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| `(\S+)` \| .+ \| (\d+) \| \d+ \| (?:yes|\*\*no\*\*) \|$", done.stdout, re.MULTILINE)
    assert len(rows) > 70
    assert all(0 <= int(queries) <= 25 for _, queries in rows)
    assert {"/work", "/webhooks/deliveries", "/operate"} <= {address for address, _ in rows}
