"""The tutorial, typed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, free_port
from tests.support.running_demo import clean_environment, running_demo

pytestmark = pytest.mark.story
STEPS = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_a_newcomer_ends_with_a_verified_and_repaired_webhook(tmp_path: Path, fresh_database_url: str | None) -> None:
    """Literally, but for two ports that may be taken here and where `bin/workwire` lies."""
    steps = STEPS.findall((ROOT / "docs" / "tutorial.md").read_text())
    assert len(steps) == 9
    program = tmp_path / "bin" / "workwire"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m workwire "$@"\n')
    program.chmod(0o755)
    with running_demo(tmp_path, fresh_database_url) as demo:
        script = "".join(steps).replace("localhost:8000", f"127.0.0.1:{demo.port}").replace("9000", str(free_port()))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env=clean_environment() | {"PYTHONPATH": str(ROOT / "src")},
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert said[:5] == [
        "Petra Lindqvist",
        "True",
        "('verified', 'test')",
        "('The invoice is missing', 'verified')",
        "('The amount is wrong', 'verified')",
    ]
    assert "The owner may see the record the message is about." in said
    assert said[-3:] == ["something is missing", "running", "nothing is missing"]
