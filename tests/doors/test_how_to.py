"""Pages with commands to type, typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doors.conftest import Caller
from workwire.rooms.work.models import Status, WorkItem

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl, which is not here")


@needs_curl
@pytest.mark.django_db(transaction=True)
def test_the_commands_that_build_a_process_build_one(live_server: Any, caller: Callable[[str], Caller]) -> None:
    script = re.findall(r"```bash\n(.*?)```", (HOW_TO / "build-a-process.md").read_text(), re.DOTALL)
    assert len(script) == 2
    environment = os.environ | {"API": f"{live_server.url}/api/v1", "TOKEN": caller("administrator").token}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    state, reference, last_step = done.stdout.splitlines()
    assert (state, last_step) == ("live", "Checks and approval")
    case = WorkItem.objects.get(reference=reference)
    (action,) = WorkItem.objects.filter(parent=case)
    assert (case.status, action.status, action.work_type.name) == (
        Status.IN_PROGRESS,
        Status.TO_DO,
        "Check the invoice",
    )
    assert action.due_date is not None
