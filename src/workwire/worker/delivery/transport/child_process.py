"""The transport in a process of its own, behind the same calls as `ThreadTransport`.

It takes the work of HTTP off the interpreter that talks to the database, so that both cores of a small machine are used,
and it keeps strangers' input away from the process that holds the database's and the subscribers' credentials: what goes
over is one finished request at a time. Requests and answers travel in frames over a socket pair.

Guarantees: as those of `ThreadTransport`, and if the process dies, what it had is answered as `transport_lost` and a new one
is started, after growing pauses when it keeps dying. The process ends when its parent does, however that ends.
"""

from __future__ import annotations

import contextlib
import logging
import marshal
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from workwire.kernel.addresses import Network
from workwire.worker.delivery.transport.exchange import unanswered
from workwire.worker.delivery.transport.loop import ThreadTransport
from workwire.worker.delivery.transport.port import Answer, Request, TransportClosed
from workwire.worker.delivery.transport.proxy import Proxy

logger = logging.getLogger(__name__)
SIZE = struct.Struct("!I")
GATHERING = 0.001  # seconds between two frames of answers
GRACE = 5.0  # seconds a process gets to end after it has drained
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds before another process is started
HEALTHY_AFTER = 30.0  # seconds after which the pauses begin anew
Settings = dict[str, Any]
# first of all the settings, which may hold a password of the proxy; then requests or answers; last the seconds to drain in
Frame = Settings | list[tuple[Any, ...]] | float
COMMAND = (sys.executable, "-m", "workwire.worker.delivery.transport")


class ChildProcessTransport:
    """Sends requests in another process and gives the answers to `on_answers` in a thread of its own."""

    def __init__(
        self,
        networks: Iterable[Network],
        on_answers: Callable[[list[Answer]], None],
        *,
        max_in_flight: int,
        max_per_host: int,
        ca_bundle: Path | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._settings: Settings = {
            "networks": [str(network) for network in networks],
            "max_in_flight": max_in_flight,
            "max_per_host": max_per_host,
            "ca_bundle": str(ca_bundle or ""),
            "proxy": tuple(proxy) if proxy else None,
        }
        self._on_answers = on_answers
        self._gate = threading.Lock()
        self._outstanding: dict[int, Request] = {}
        self._closing = threading.Event()
        self._pause, self._started = FIRST_PAUSE, 0.0
        self._start()
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The id of the process that sends now; another one after it has died."""
        return self._process.pid

    def submit(self, requests: Iterable[Request]) -> None:
        """Hand requests over and return at once; from any thread. Raises TransportClosed after `close`."""
        batch = list(requests)
        if not batch:
            return
        with self._gate:
            if self._closing.is_set():
                raise TransportClosed("The transport is closed.")
            self._outstanding.update((request.key, request) for request in batch)
            with contextlib.suppress(OSError):  # a process that died is noticed, and answered for, where it is read
                send(self._socket, [tuple(request) for request in batch])

    def close(self, drain_timeout: float = 0.0) -> None:
        """Take no more, wait so long for what was submitted, answer the rest as `cancelled`, and stop."""
        with self._gate:
            if not self._closing.is_set():
                self._closing.set()
                with contextlib.suppress(OSError):
                    send(self._socket, float(drain_timeout))
        if threading.current_thread() is not self._thread:
            self._thread.join(drain_timeout + GRACE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKWIRE_")}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        self._started = time.monotonic()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*COMMAND, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        with contextlib.suppress(OSError):  # it died at once, which is noticed where it is read
            send(self._socket, self._settings)

    def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                for frame in frames(self._socket):
                    self._take([Answer(*answer) for answer in frame])
            with self._gate:
                self._socket.close()
                if self._closing.is_set():
                    break
                self._process.kill()
                status = self._process.wait()
            self._start_again(status)
        self._on_answers([unanswered(request, "cancelled") for request in self._taken_back()])

    def _start_again(self, status: int) -> None:
        """Answer for what the process had that ended, and start another; one that keeps dying, after growing pauses. What is
        submitted meanwhile waits for it."""
        with self._gate:
            lost = self._taken_back()
        if time.monotonic() - self._started > HEALTHY_AFTER:
            self._pause = FIRST_PAUSE
        logger.error("the transport's process ended (%s); starting another in %.1f s", status, self._pause)
        self._on_answers([unanswered(request, "transport_lost") for request in lost])
        self._closing.wait(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        with self._gate:
            if self._closing.is_set():
                return
            try:
                self._start()
            except OSError as error:  # no memory, no process left: nobody listens, which brings us back here
                logger.warning("the transport's process could not be started: %s", error)
                return
            if self._outstanding:
                with contextlib.suppress(OSError):
                    send(self._socket, [tuple(request) for request in self._outstanding.values()])

    def _taken_back(self) -> list[Request]:
        taken, self._outstanding = list(self._outstanding.values()), {}
        return taken

    def _take(self, answers: list[Answer]) -> None:
        for answer in answers:
            self._outstanding.pop(answer.key, None)
        self._on_answers(answers)


def serve(descriptor: int) -> None:
    """The other side: read the settings, then send what comes over the socket until told to drain, or until the parent is
    gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ours = socket.socket(fileno=descriptor)
    arriving = frames(ours)
    settings: Settings | None = next(arriving, None)
    if settings is None:
        return
    answers: list[tuple[Any, ...]] = []
    arrived, over = threading.Event(), threading.Event()

    def take(batch: list[Answer]) -> None:
        answers.extend(tuple(answer) for answer in batch)
        arrived.set()

    def give() -> None:
        while not over.is_set() or answers:
            arrived.wait()
            arrived.clear()
            batch = answers[:]
            del answers[: len(batch)]
            if batch:
                send(ours, batch)
            over.wait(GATHERING)

    transport = ThreadTransport(
        [ip_network(network) for network in settings["networks"]],
        take,
        max_in_flight=settings["max_in_flight"],
        max_per_host=settings["max_per_host"],
        ca_bundle=Path(settings["ca_bundle"]) if settings["ca_bundle"] else None,
        proxy=Proxy(*settings["proxy"]) if settings["proxy"] else None,
        on_broken=lambda: os._exit(1),  # the parent answers for what was under way and starts another
    )
    giving = threading.Thread(target=give, name="answers", daemon=True)
    giving.start()
    for frame in arriving:
        if isinstance(frame, float):
            transport.close(frame)
            over.set()
            arrived.set()
            giving.join()
            return
        transport.submit(Request(*request) for request in frame)


def send(to: socket.socket, frame: Frame) -> None:
    """Send a frame to the other side."""
    data = marshal.dumps(frame)
    to.sendall(SIZE.pack(len(data)) + data)


def frames(source: socket.socket) -> Iterator[Any]:
    """Yield the frames that come until the other side is gone, without one that was cut off in the middle."""
    with source.makefile("rb") as stream:
        while len(head := stream.read(SIZE.size)) == SIZE.size:
            size = SIZE.unpack(head)[0]
            data = stream.read(size)
            if len(data) < size:
                return
            yield marshal.loads(data)  # noqa: S302 - both ends are ours
