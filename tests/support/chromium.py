"""Which browser the stories run in: the one a setting names, one on the PATH, or Playwright's own.

`python -m tests.support.chromium` prints its path, after trying to install one where there is none; it prints nothing, and
ends with 1, where that cannot be done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SETTING = "WORKWIRE_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 240  # seconds for each way to install one
_APT = ("apt-get", "-q", "-o", "Acquire::Retries=2", "-o", "DPkg::Lock::Timeout=120")
_AS_ROOT = ((*_APT, "update"), (*_APT, "install", "-y", "--no-install-recommends", "chromium"))
ARGUMENTS = ("--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", "--no-first-run")


def find() -> str | None:
    """The path of a browser that is there; a setting that names none counts as none."""
    if named := os.environ.get(SETTING):
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None) or _playwrights_own()


def install() -> str | None:
    """Try to install one: the system's package as root, else Playwright's."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in _AS_ROOT:
            _run(*command)
        if found := find():
            return found
    _run(sys.executable, "-m", "playwright", "install", "--with-deps" if os.geteuid() == 0 else "", "chromium")
    return find()


def arguments() -> list[str]:
    """What the browser is started with; its sandbox does not work for root."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
        return str(path) if path.exists() else None


def _run(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            [part for part in command if part], env=environment, timeout=PATIENCE, check=False, stdout=sys.stderr
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)


if __name__ == "__main__":
    path = find() or install()
    print(path or "")
    sys.exit(path is None)
