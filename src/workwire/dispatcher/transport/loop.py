"""The thread that talks HTTP: many exchanges at once on one libcurl multi handle.

Guarantees: every request submitted is answered exactly once, in batches, from this thread; no failure of an
endpoint ends the loop; bounds on what is under way hold in all and per host; a slow host delays no other.

All sockets are driven by one `perform` a round: libcurl then works without the interpreter's lock and without
calling back for each socket, which measured twice as fast as its socket interface at a few hundred in flight.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from workwire import __version__
from workwire.dispatcher.transport.curl import Easy, new_multi, pycurl
from workwire.dispatcher.transport.exchange import Answer, Exchange, Request, Unsendable, target, unanswered
from workwire.dispatcher.transport.turns import Turns
from workwire.kernel.addresses import AddressPolicy, Network

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 800  # select() knows 1024 descriptors, and the process has others open
LONGEST_BLIND_PAUSE = 0.02  # seconds, while some exchange has no socket that could wake us


class _UnderWay(NamedTuple):
    exchange: Exchange
    request: Request
    host: str


class TransportClosed(RuntimeError):
    """Nothing can be submitted any more."""


class Transport:
    """Sends requests in a thread of its own and gives the answers to `on_answers` in that thread.

    `networks` are those that may be reached although they are not public. `on_answers` should only hand over and
    return: while it runs, nothing else does. `max_in_flight` counts up to MOST_IN_FLIGHT.
    """

    def __init__(
        self,
        networks: Iterable[Network],
        on_answers: Callable[[list[Answer]], None],
        *,
        max_in_flight: int = 256,
        max_per_host: int = 16,
        user_agent: str = f"Workwire/{__version__}",
        ca_bundle: Path | None = None,
    ) -> None:
        self._new_exchange = partial(Exchange, AddressPolicy(tuple(networks)), user_agent, ca_bundle)
        self._on_answers = on_answers
        in_all = min(max_in_flight, MOST_IN_FLIGHT)
        self._turns: Turns[Request] = Turns(in_all=in_all, per_host=max_per_host)
        self._submitted: deque[Request] = deque()
        self._answers: list[Answer] = []
        self._free: list[Exchange] = []
        self._running: dict[Easy, _UnderWay] = {}
        self._deadline: float | None = None  # set when closing
        self._gate = threading.Lock()  # between submit and close: nothing slips in behind the last look
        self._bell, self._clapper = socket.socketpair()
        self._bell.setblocking(False)
        self._clapper.setblocking(False)
        self._multi = new_multi()
        self._multi.setopt(pycurl.M_PIPELINING, 0)
        self._multi.setopt(pycurl.M_MAXCONNECTS, in_all)
        self._thread = threading.Thread(target=self._run, name="transport", daemon=True)
        self._thread.start()

    def submit(self, requests: Iterable[Request]) -> None:
        """Hand requests over and return at once; from any thread. Raises TransportClosed after `close`."""
        with self._gate:
            if self._deadline is not None:
                raise TransportClosed("The transport is closed.")
            self._submitted.extend(requests)
            self._ring()

    def close(self, drain_timeout: float = 0.0) -> None:
        """Take no more, wait so long for what was submitted, answer the rest as `cancelled`, and stop."""
        with self._gate:
            if self._deadline is None:
                self._deadline = time.monotonic() + drain_timeout
                self._ring()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full bell rings already
            self._clapper.send(b"!")

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._wait()
                self._multi.perform()
                self._collect()
                self._admit()
                self._start()
                self._deliver()
            self._give_up()
            self._deliver()
        finally:
            self._dismantle()

    def _is_over(self) -> bool:
        if self._deadline is None:
            return False
        busy = self._running or self._submitted or len(self._turns)
        return not busy or time.monotonic() >= self._deadline

    def _wait(self) -> None:
        """Sleep until a socket, a timeout of libcurl, a submission or the closing needs us."""
        due = self._multi.timeout()
        if due == 0:
            return
        reading, writing, failing = self._multi.fdset()
        pauses = [due / 1000] if due > 0 else []
        if self._deadline is not None:
            pauses.append(max(0.0, self._deadline - time.monotonic()))
        if len(reading) + len(writing) < len(self._running):
            pauses.append(LONGEST_BLIND_PAUSE)
        ears = [self._bell.fileno(), *reading]
        ready, _, _ = select.select(ears, writing, failing, min(pauses, default=None))
        if self._bell.fileno() in ready:
            self._bell.recv(4096)

    def _collect(self) -> None:
        """Turn what has ended into answers."""
        left = 1
        while left:
            left, ended, failed = self._multi.info_read()
            for handle in ended:
                self._end(handle, 0, "")
            for handle, code, message in failed:
                self._end(handle, code, message)

    def _end(self, handle: Easy, code: int, message: str) -> None:
        self._multi.remove_handle(handle)
        ended = self._running.pop(handle)
        self._turns.done(ended.host)
        self._answers.append(ended.exchange.finish(ended.request.key, code, message))
        self._free.append(ended.exchange)

    def _admit(self) -> None:
        """Let what was submitted wait for its host's turn."""
        while self._submitted:
            request = self._submitted.popleft()
            try:
                self._turns.add(target(request.url).origin, request)
            except Unsendable as error:
                self._answers.append(unanswered(request, error.error, str(error)))

    def _start(self) -> None:
        while (turn := self._turns.next()) is not None:
            host, request = turn
            if time.monotonic() > request.begin_before:
                self._turns.done(host)
                self._answers.append(unanswered(request, "too_late"))
                continue
            exchange = self._free.pop() if self._free else self._new_exchange()
            try:
                exchange.begin(request)
                self._multi.add_handle(exchange.handle)
            except Unsendable as error:
                self._turns.done(host)
                self._free.append(exchange)
                self._answers.append(unanswered(request, error.error, str(error)))
            else:
                self._running[exchange.handle] = _UnderWay(exchange, request, host)

    def _deliver(self) -> None:
        if not self._answers:
            return
        batch, self._answers = self._answers, []
        try:
            self._on_answers(batch)
        except Exception:  # the receiver's mistake must not end everybody's sending; unsettled leases run out
            logger.exception("%d answers could not be handed over", len(batch))

    def _give_up(self) -> None:
        left = [*self._turns.clear(), *self._submitted]
        self._submitted.clear()
        for handle, broken in self._running.items():
            self._multi.remove_handle(handle)
            left.append(broken.request)
            self._free.append(broken.exchange)
        self._running.clear()
        self._answers.extend(unanswered(request, "cancelled") for request in left)

    def _dismantle(self) -> None:
        for exchange in self._free:
            exchange.close()
        self._multi.close()
        with self._gate:  # whoever closes may not have rung yet
            self._bell.close()
            self._clapper.close()
