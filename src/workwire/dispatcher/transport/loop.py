"""The thread that talks HTTP: many exchanges at once on one libcurl multi handle, driven by epoll.

Guarantees: every request submitted is answered exactly once, in batches, from this thread; no failure of an
endpoint ends the loop; bounds on what is under way hold in all and per host; a slow host delays no other.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workwire import __version__
from workwire.dispatcher.transport.curl import CurlError, Easy, new_multi, pycurl
from workwire.dispatcher.transport.exchange import Answer, Exchange, Request, Unsendable, target, unanswered
from workwire.dispatcher.transport.turns import Turns
from workwire.kernel.addresses import AddressPolicy

logger = logging.getLogger(__name__)

EPOLL_OF_CURL = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
BROKEN = select.EPOLLERR | select.EPOLLHUP


@dataclass(frozen=True, slots=True)
class _UnderWay:
    exchange: Exchange
    request: Request
    host: str


class TransportClosed(RuntimeError):
    """Nothing can be submitted any more."""


class Transport:
    """Sends requests in a thread of its own and gives the answers to `on_answers` in that thread.

    `on_answers` should only hand over and return: while it runs, nothing else does.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        on_answers: Callable[[list[Answer]], None],
        *,
        max_in_flight: int = 256,
        max_per_host: int = 16,
        user_agent: str = f"Workwire/{__version__}",
        ca_bundle: Path | None = None,
    ) -> None:
        self._new_exchange = partial(Exchange, policy, user_agent, ca_bundle)
        self._on_answers = on_answers
        self._turns: Turns[Request] = Turns(in_all=max_in_flight, per_host=max_per_host)
        self._submitted: deque[Request] = deque()
        self._answers: list[Answer] = []
        self._free: list[Exchange] = []
        self._running: dict[Easy, _UnderWay] = {}
        self._watched: set[int] = set()
        self._timer: float | None = None
        self._deadline: float | None = None  # set when closing
        self._gate = threading.Lock()  # between submit and close: nothing slips in behind the last look
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._multi = new_multi()
        self._multi.setopt(pycurl.M_PIPELINING, 0)
        self._multi.setopt(pycurl.M_MAXCONNECTS, 2 * max_in_flight)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._thread = threading.Thread(target=self._run, name="transport", daemon=True)
        self._thread.start()

    def submit(self, requests: Iterable[Request]) -> None:
        """Hand requests over and return at once; from any thread. Raises TransportClosed after `close`."""
        with self._gate:
            if self._deadline is not None:
                raise TransportClosed("The transport is closed.")
            self._submitted.extend(requests)
            os.eventfd_write(self._bell, 1)

    def close(self, drain_timeout: float = 0.0) -> None:
        """Take no more, wait so long for what was submitted, answer the rest as `cancelled`, and stop."""
        with self._gate:
            if self._deadline is None:
                self._deadline = time.monotonic() + drain_timeout
                os.eventfd_write(self._bell, 1)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._wait()
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
        """Sleep until a socket, the timer, a submission or the closing needs us; let libcurl act on it."""
        moments = [moment for moment in (self._timer, self._deadline) if moment is not None]
        pause = max(0.0, min(moments) - time.monotonic()) if moments else -1
        for fd, mask in self._epoll.poll(pause):
            if fd == self._bell:
                os.eventfd_read(self._bell)
            elif fd in self._watched:  # an action on another socket may have closed this one meanwhile
                self._act(fd, _curl_mask(mask))
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, mask: int) -> None:
        try:
            self._multi.socket_action(fd, mask)
        except CurlError:
            logger.exception("libcurl could not go on with a socket; its request ends by its timeout")

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
        self._epoll.close()
        os.close(self._bell)

    def _watch(self, what: int, fd: int, multi: object, data: object) -> None:
        """Called by libcurl: watch a socket for something else, or no more."""
        if what == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self._epoll.unregister(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, EPOLL_OF_CURL.get(what, 0))
        else:
            self._watched.add(fd)
            self._epoll.register(fd, EPOLL_OF_CURL.get(what, 0))

    def _set_timer(self, milliseconds: int) -> None:
        """Called by libcurl: wake it after so long, or (below 0) not at all."""
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def _curl_mask(mask: int) -> int:
    found = pycurl.CSELECT_IN if mask & select.EPOLLIN else 0
    found |= pycurl.CSELECT_OUT if mask & select.EPOLLOUT else 0
    found |= pycurl.CSELECT_ERR if mask & BROKEN else 0
    return int(found)
