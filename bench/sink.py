"""The sink: nginx with one worker, answering 204 to everything on loopback, and counting."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from figures import Failed, check

PATIENCE = 60.0  # seconds without any arrival after which a measurement has failed


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast requests arrived, and processor time spent on each in microseconds, without the first and last tenth."""

    rate: float
    cost: float


@dataclass
class Sink:
    """Where it listens, and how much came."""

    ports: list[int]
    status: int
    _looks: int = field(default=0, init=False)

    @property
    def urls(self) -> list[str]:
        """One URL on each of its ports."""
        return [f"http://127.0.0.1:{port}/hook" for port in self.ports]

    def arrived(self) -> int:
        """How many requests came so far."""
        self._looks += 1  # nginx counts these requests too
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/") as answer:
            return int(answer.read().split()[9]) - self._looks

    def wait_for(self, count: int, *, look_every: float = 0.002) -> None:
        """Wait until so many requests came in all; raises Failed when no more come."""
        self.pace(count, look_every=look_every)

    def pace(
        self, until: int, *, since: int = 0, spent: Callable[[], float] = lambda: 0.0, look_every: float = 0.05
    ) -> Pace:
        """Watch requests arrive until there are so many in all, `since` of which came before; `spent` tells processor
        seconds. Raises Failed when no more come."""
        marks: list[tuple[float, float, int]] = []
        last = time.perf_counter()
        while not marks or marks[-1][2] < until:
            if marks:
                time.sleep(look_every)
            count, now = self.arrived(), time.perf_counter()
            if not marks or count > marks[-1][2]:
                last = now
            check(now - last < PATIENCE, f"{until - count} of {until - since} messages did not arrive")
            marks.append((now, spent(), count))
        first = next(mark for mark in marks if mark[2] >= since + (until - since) * 0.1)
        final = next((mark for mark in marks if mark[2] >= since + (until - since) * 0.9 and mark > first), marks[-1])
        seconds, count = final[0] - first[0], final[2] - first[2]
        return Pace(count / seconds if seconds else 0.0, (final[1] - first[1]) / max(count, 1) * 1e6)


@contextlib.contextmanager
def sink(endpoints: int = 4) -> Iterator[Sink]:
    """nginx on so many loopback ports."""
    program = program_of("nginx", "nginx-light")
    status, *ports = free_ports(endpoints + 1)
    with tempfile.TemporaryDirectory(prefix="workwire-sink-") as folder:
        Path(folder, "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;\n"
            "events { worker_connections 8192; }\n"
            "http { access_log off; keepalive_requests 100000000; client_body_temp_path . ; proxy_temp_path .;\n"
            "fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;\n"
            f"server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}\n"
            "server { " + " ".join(f"listen 127.0.0.1:{port} backlog=4096;" for port in ports) + " return 204; } }\n"
        )
        process = subprocess.Popen([program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"])
        try:
            wait_for_port(ports[-1])
            yield Sink(ports, status)
        finally:
            process.terminate()
            process.wait()


def program_of(name: str, package: str) -> str:
    """The path of a system program; raises Failed with the Debian package that has it."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Failed(f"This measurement needs {name}, which is not part of Workwire: apt-get install {package}")
    return program


def free_ports(count: int) -> list[int]:
    """Loopback ports nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def wait_for_port(port: int, *, seconds: float = 30.0) -> None:
    """Wait until somebody listens; raises Failed when nobody does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise Failed("A server did not start; its lines above say why.")
