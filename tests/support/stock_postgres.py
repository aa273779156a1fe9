"""A PostgreSQL server as a distribution ships it: found where its packages put it, served with the settings it comes with.

The server from a wheel, which all other tests use, is built without LLVM: whatever JIT costs is not to be seen there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import eventually

WHERE = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*")  # Debian, Red Hat, Alpine
PACKAGE = "postgresql"  # of Debian: the newest its release has
OWNER = "postgres"  # the account that the packages make; the server refuses to run as root


@dataclass(frozen=True, slots=True)
class StockServer:
    """A server that runs: the URL of its database, and its process id."""

    url: str
    pid: int


def programs() -> Path | None:
    """The folder with the programs of the newest server that is installed; None where none is."""
    found = [
        folder for pattern in WHERE for folder in Path("/").glob(pattern.lstrip("/")) if (folder / "initdb").exists()
    ]
    return max(found, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))], default=None)


def install() -> str:
    """Install the server with apt where that may be done and none is there; why it could not be, empty when it is there."""
    if programs() is not None:
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return "no PostgreSQL of a distribution is installed, and only root may install one, with apt"
    quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    get = ["apt-get", "-q", "-o", "Acquire::Retries=2", "-o", "DPkg::Lock::Timeout=120"]
    for command in (["update"], ["install", "-y", "--no-install-recommends", PACKAGE]):
        done = subprocess.run([*get, *command], env=quietly, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}"
    return "" if programs() is not None else f"the package {PACKAGE} brought no server"


@contextlib.contextmanager
def stock_server() -> Iterator[StockServer]:
    """A new, empty server with the settings it comes with, reached through a socket of its own only; nothing of it is left at
    the end. Raises LookupError where no server is installed."""
    found = programs()
    if found is None:
        raise LookupError("no PostgreSQL of a distribution is installed")
    owner = OWNER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="workwire-stock-") as name:
        folder = Path(name)
        if owner:
            shutil.chown(folder, owner)
        data = folder / "data"
        make = [str(found / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, user=owner, cwd=folder, check=True, capture_output=True)
        serve = [str(found / "postgres"), "-D", str(data), "-k", name, "-c", "listen_addresses="]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(serve, user=owner, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_until_ready(found, name, process)
            yield StockServer(f"postgresql://postgres@/postgres?host={name}", process.pid)
        finally:
            process.send_signal(signal.SIGINT)  # at once, whatever sessions there are
            process.wait(30)


def main() -> None:
    """Install a server where that may be done; say where it is, or why there is none."""
    reason = install()
    print(f"PostgreSQL as its distribution ships it: {reason or programs()}")


def _wait_until_ready(found: Path, host: str, process: subprocess.Popen[bytes], timeout: float = 30.0) -> None:
    ask = [str(found / "pg_isready"), "-q", "-h", host]

    def is_ready() -> bool:
        return process.poll() is not None or subprocess.run(ask, check=False).returncode == 0

    eventually(is_ready, timeout, what="the server of the distribution did not become ready")
    if process.poll() is not None:
        raise TimeoutError("the server of the distribution ended")


if __name__ == "__main__":
    main()
