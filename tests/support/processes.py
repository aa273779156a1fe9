"""Web processes and pgbouncer as children, and the REST API over a socket as a client on another host sees it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


class Api:
    """The REST API at an address; logs in once, keeps its connection. Raises OSError or http.client.HTTPException when the
    other side does not answer within `timeout` seconds."""

    def __init__(self, host: str, port: int, *, token: str = "", timeout: float = 10.0) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        self.token = token

    def log_in(self, username: str, password: str) -> None:
        """Get a token for all further calls."""
        status, answer = self.call("POST", "/api/v1/tokens", {"username": username, "password": password})
        if status != 201:
            raise ValueError(f"the login was answered with {status}: {answer}")
        self.token = answer["token"]

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the content of the answer."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next call begins anew
            raise
        return answer.status, json.loads(content) if content else None


def workwire(
    *command: str, env: Mapping[str, str], prefix: Sequence[str] = (), log: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a command of the product, perhaps on another host by a prefix; what it says goes to a file if one is given."""
    out = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "workwire", *command],
            env=dict(env),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    finally:
        if out:
            out.close()


@contextlib.contextmanager
def web_process(env: Mapping[str, str], *options: str, log: Path | None = None) -> Iterator[tuple[int, int]]:
    """A web process that is ready; gives its port and the process id of its server."""
    port = free_port()
    server = workwire("web", "--port", str(port), "--quiet", *options, env=env, log=log)
    try:
        wait_for_web("127.0.0.1", port)
        yield port, server.pid
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise


def resident(pid: int) -> int:
    """Bytes of memory that a process and its children hold now; Linux only."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(status["VmRSS"].split()[0]) * 1024 + sum(resident(int(child)) for child in children)


def wait_for_web(host: str, port: int, path: str = "/health/ready", *, timeout: float = 60.0) -> None:
    """Wait until a web process is ready; raises TimeoutError."""

    def is_ready() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return Api(host, port, timeout=5).call("GET", path)[0] == 200
        return False

    eventually(is_ready, timeout, what=f"{host}:{port} did not become ready")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def pgbouncer_program() -> str | None:
    """Where pgbouncer is, if it is."""
    found = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    return found if Path(found).exists() else None


@contextlib.contextmanager
def pgbouncer(host: str, *, size: int) -> Iterator[int]:
    """A pooler in transaction mode before the server at `host` (an address or its socket's folder), with so many connections
    to it; gives the loopback port it listens on."""
    port, program = free_port(), pgbouncer_program()
    assert program is not None
    user = "pgserver" if os.geteuid() == 0 else None  # it refuses to run as root, as the server does
    with tempfile.TemporaryDirectory(prefix="workwire-pooler-") as folder:
        settings = Path(folder, "pgbouncer.ini")
        settings.write_text(
            f"[databases]\n* = host={host} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {size}\n"
        )
        for path, mode in ((settings, 0o644), (settings.parent, 0o755)):
            path.chmod(mode)
        process = subprocess.Popen([program, "-q", str(settings)], stdin=subprocess.DEVNULL, user=user)
        try:
            _wait_for_port(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for_port(port: int, process: subprocess.Popen[bytes], timeout: float = 10.0) -> None:

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return process.poll() is not None

    eventually(listens, timeout, what=f"nothing listens on port {port}")
    if process.poll() is not None:
        raise TimeoutError(f"what was to listen on port {port} ended")
