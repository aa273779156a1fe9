"""Pages of docs/how-to and the commands and calls on them, so that tests can type every one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
SOURCE = Path(__file__).parents[2] / "src"
_COMMAND = re.compile(  # programs, settings, calls
    r"(?:(?:bin/)?workwire|export|curl|openssl|… webhooks|GET|POST|PUT|PATCH|DELETE) \S"
    r"|base=|LC_ALL=|WORKWIRE_\w+=|…?/(?:pause|resume|cancel|health/\w+|metrics)$"
)


class Page:
    """What a page says to type. A test takes each command, or leaves it and says why; `rest` must be empty in the end."""

    def __init__(self, name: str) -> None:
        self.text = (HOW_TO / f"{name}.md").read_text()
        blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", self.text, re.MULTILINE | re.DOTALL)
        prose = re.sub(r"^ *```\w*\n.*?^ *```$", "", self.text, flags=re.MULTILINE | re.DOTALL)
        self.blocks = [block for block in blocks if _COMMAND.match(block)]
        spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
        self.rest = [*self.blocks, *dict.fromkeys(span for span in spans if _COMMAND.match(span))]

    def take(self, start: str) -> str:
        """The command that begins so; the page must have it."""
        (found,) = [command for command in self.rest if command.startswith(start)][:1] or [""]
        assert found, f"the page does not say {start} any more"
        self.rest.remove(found)
        return found

    def leave(self, start: str, *, because: str) -> None:
        """Leave a command untyped, for a reason."""
        assert because
        self.take(start)


class Shell:
    """A shell in a folder of its own where `bin/workwire` is this program."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
        self.folder, self.environment = folder, kept | {"PYTHONPATH": str(SOURCE)} | environment
        program = folder / "bin" / "workwire"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m workwire "$@"\n')
        program.chmod(0o755)

    def run(self, command: str, *, typed: str = "", replaced: Mapping[str, str] | None = None, status: int = 0) -> str:
        """Type a command with the reader's own values in it, `typed` on its input; returns what it prints. Fails when it
        ends with another status."""
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", filled(command, replaced or {})],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a command that stays."""
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def filled(command: str, replaced: Mapping[str, str]) -> str:
    """A command with the reader's own values in it; each must be in it."""
    for given, value in replaced.items():
        assert given in command, f"{command} does not say {given} any more"
        command = command.replace(given, value)
    return command
