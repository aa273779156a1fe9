"""A demo that runs as a newcomer's does, and the programs that are run beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import ROOT, Api, free_port, wait_for_web

STOP_SECONDS = 30


@dataclass(frozen=True)
class Demo:
    """Where a demo is, what `demo.json` tells of it, and the environment for commands on its installation."""

    port: int
    folder: Path
    told: dict[str, Any]
    settings: dict[str, str]

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def password(self, account: str) -> str:
        """The password of an account."""
        return next(str(one["password"]) for one in self.told["accounts"] if one["username"] == account)

    def api(self, account: str) -> Api:
        """The REST API as an account."""
        api = Api("127.0.0.1", self.port)
        api.log_in(account, self.password(account))
        return api

    def environment(self, account: str, **more: str) -> dict[str, str]:
        """The variables with which a program acts as an account."""
        who = {"BASE": self.base, "ACCOUNT": account, "PASSWORD": self.password(account)}
        return clean_environment() | who | more


def clean_environment() -> dict[str, str]:
    """The environment without what it says of Workwire, of Django and of proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}


@contextmanager
def running_demo(folder: Path, database_url: str | None) -> Iterator[Demo]:
    """A demo in a folder, as `bin/workwire demo` starts it, once its walk-through is over."""
    port, data = free_port(), folder / "demo-data"
    command = [sys.executable, "-m", "workwire", "demo", "--port", str(port), "--data", str(data)]
    environment = clean_environment() | {"PYTHONPATH": str(ROOT / "src")}
    if database_url:
        environment["WORKWIRE_DATABASE_URL"] = database_url
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            shown = ""
            for line in process.stdout:
                shown += line
                if "what the processes log" in line:
                    break
            else:
                raise AssertionError(shown)
            wait_for_web("127.0.0.1", port)
            yield Demo(port, data, json.loads((data / "demo.json").read_text()), environment)
        finally:
            process.terminate()


@contextmanager
def program(*words: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program of `examples` that has said it is ready; it ends well when it is told to."""
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if line == "ready\n":
                    break
            else:
                raise AssertionError(said)
            yield process
            process.send_signal(signal.SIGINT)
            assert process.wait(STOP_SECONDS) == 0
        finally:
            process.kill()
