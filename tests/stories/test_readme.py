"""What the README says to type, typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.test_demo import Running
from tests.support.processes import ROOT, free_port

pytestmark = pytest.mark.story


def test_a_first_webhook_arrives_and_verifies(tmp_path: Path) -> None:
    """Literally, but for two ports that may be taken here and where `bin/workwire` lies."""
    section = (ROOT / "README.md").read_text().partition("## A first webhook in two minutes")[2]
    script = re.search(r"```\n(.*?)```", section, re.S)
    assert script is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    environment |= {"PYTHONPATH": str(ROOT / "src")}
    program = tmp_path / "bin" / "workwire"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m workwire "$@"\n')
    program.chmod(0o755)
    (tmp_path / "demo-data").mkdir()
    (tmp_path / "demo").symlink_to("demo-data")
    with Running(tmp_path, environment):
        done = subprocess.run(
            ["bash", "-eu", "-c", script[1].replace("9000", str(free_port()))],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^PacketCreated  \S+  verified$", done.stdout, re.M), done.stdout
    assert re.search(r"^The endpoint answered 204 in ", done.stdout, re.M), done.stdout
    assert "whsec_" not in done.stdout + done.stderr
