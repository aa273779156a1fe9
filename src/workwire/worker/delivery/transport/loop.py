"""The thread that talks HTTP: many exchanges at once on one libcurl multi handle.

Guarantees: every request submitted is answered exactly once, in batches, from this thread; no failure of an
endpoint ends the loop; bounds on what is under way hold in all and per host; a slow host delays no other, nor does a name
server that keeps silent (`names`).

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
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from workwire import __version__
from workwire.kernel import clock
from workwire.kernel.addresses import AddressPolicy, Network, is_address
from workwire.worker.delivery.transport.authorities import Authorities
from workwire.worker.delivery.transport.curl import Easy, new_multi, pycurl
from workwire.worker.delivery.transport.exchange import Exchange, Unsendable, target, unanswered
from workwire.worker.delivery.transport.kept_connections import KeptConnections
from workwire.worker.delivery.transport.name_lookup import PATIENCE, Found, Names, Told
from workwire.worker.delivery.transport.port import Answer, Request, TransportClosed
from workwire.worker.delivery.transport.proxy import Proxy
from workwire.worker.delivery.transport.round_robin import RoundRobin

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 800  # select() knows 1024 descriptors, and the process has others open
LONGEST_BLIND_PAUSE = 0.02  # seconds, while some exchange has no socket that could wake us
WORTH_COUNTING = 0.02  # seconds waited for a name that shorten the limits of the exchange


class _Place(NamedTuple):
    """Where a request goes: what shares connections, and the name to look up, None where the host is an address."""

    origin: str
    name: str | None


class _Nameless(NamedTuple):
    """A request that waits for the addresses of its host, until a moment of the monotonic clock at most."""

    request: Request
    origin: str
    since: float
    until: float


class _UnderWay(NamedTuple):
    exchange: Exchange
    request: Request
    host: str
    waited: float


class ThreadTransport:
    """Sends requests in a thread of its own and gives the answers to `on_answers` in that thread.

    `networks` are those that may be reached although they are not public. `on_answers` should only hand over and
    return: while it runs, nothing else does. `max_in_flight` counts up to MOST_IN_FLIGHT. `on_broken` is called if the thread
    ends by a mistake of ours or for want of something, and will answer nothing more.
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
        proxy: Proxy | None = None,
        on_broken: Callable[[], None] = lambda: None,
    ) -> None:
        self._kept = KeptConnections()
        policy, authorities = AddressPolicy(tuple(networks)), Authorities(ca_bundle)
        self._new_exchange = partial(Exchange, policy, self._kept, authorities, proxy, user_agent)
        self._proxy = proxy
        self._on_answers, self._on_broken = on_answers, on_broken
        in_all = min(max_in_flight, MOST_IN_FLIGHT)
        self._waiting_requests: RoundRobin[Request] = RoundRobin(in_all=in_all, per_host=max_per_host)
        self._submitted: deque[Request] = deque()
        self._answers: list[Answer] = []
        self._free: list[Exchange] = []
        self._running: dict[Easy, _UnderWay] = {}
        self._names = Names(self._name_found)
        self._nameless: dict[str, list[_Nameless]] = {}  # by the name they wait for
        self._told = Told()
        self._deadline: float | None = None  # set when closing
        self._is_closed = False
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

    def _name_found(self) -> None:
        """Called from the threads that look up, perhaps when all is over."""
        with self._gate:
            if not self._is_closed:
                self._ring()

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._wait()
                self._multi.perform()
                self._told.take_note()
                self._collect()
                self._admit()
                self._go_on_with_names()
                self._start()
                self._multi.socket_action(
                    pycurl.SOCKET_TIMEOUT, 0
                )  # what is new chooses among connections we know to be free
                self._deliver()
            self._give_up()
            self._deliver()
        except Exception:  # whoever waits for answers must know
            logger.exception("the transport ended")
            self._on_broken()
            raise
        finally:
            self._dismantle()

    def _is_over(self) -> bool:
        if self._deadline is None:
            return False
        busy = self._running or self._nameless or self._submitted or len(self._waiting_requests)
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
        if self._nameless:
            first = min(waiting.until for some in self._nameless.values() for waiting in some)
            pauses.append(max(0.0, first - time.monotonic()))
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
        ended = self._running[handle]
        answer = ended.exchange.finish(ended.request.key, code, message)
        self._multi.remove_handle(handle)
        if ended.exchange.must_begin_anew:
            ended.exchange.begin_anew()
            self._multi.add_handle(handle)
            return
        del self._running[handle]
        self._waiting_requests.done(ended.host)
        if ended.waited:
            answer = answer._replace(total_seconds=answer.total_seconds + ended.waited, name_seconds=ended.waited)
        self._answers.append(answer)
        self._free.append(ended.exchange)

    def _admit(self) -> None:
        """Let what was submitted wait for its host's turn."""
        while self._submitted:
            request = self._submitted.popleft()
            try:
                self._waiting_requests.add(request.party, _place(request.url).origin, request)
            except Unsendable as error:
                self._answers.append(unanswered(request, error.error, str(error)))

    def _start(self) -> None:
        while (turn := self._waiting_requests.next()) is not None:
            origin, request = turn
            if clock.count() > request.begin_before:
                self._waiting_requests.done(origin)
                self._answers.append(unanswered(request, "too_late"))
                continue
            name = _place(request.url).name
            if name is None or (self._proxy is not None and self._proxy.resolves):
                self._begin(origin, request)
            elif (found := self._names.known(name)) is not None:
                self._begin(origin, request, found)
            else:
                self._wait_for_name(name, origin, request)

    def _wait_for_name(self, host: str, origin: str, request: Request) -> None:
        self._names.look_up(host)
        now, patience = time.monotonic(), request.connect_timeout
        if self._names.still_serving(host) is not None:
            patience = min(PATIENCE, patience)
        self._nameless.setdefault(host, []).append(_Nameless(request, origin, now, now + patience))

    def _go_on_with_names(self) -> None:
        """Begin what waited for a name that is known now; where no answer came, go by what was known before or give up."""
        for host, found in self._names.ended():
            for waiting in self._nameless.pop(host, ()):
                self._go_on(waiting, found or self._names.still_serving(host), "dns")
        now = time.monotonic()
        for host, some in list(self._nameless.items()):
            overdue = [waiting for waiting in some if waiting.until <= now]
            for waiting in overdue:
                self._go_on(waiting, self._names.still_serving(host), "connect_timeout")
            if len(overdue) == len(some):
                del self._nameless[host]
            elif overdue:
                self._nameless[host] = [waiting for waiting in some if waiting.until > now]

    def _go_on(self, waiting: _Nameless, found: Found | None, error: str) -> None:
        """Begin with the addresses found; answer with an error where there are none."""
        waited = time.monotonic() - waiting.since
        if found is not None and found.addresses:
            self._begin(waiting.origin, waiting.request, found, waited)
            return
        self._waiting_requests.done(waiting.origin)
        self._answers.append(unanswered(waiting.request, error)._replace(total_seconds=waited, name_seconds=waited))

    def _begin(self, origin: str, request: Request, found: Found | None = None, waited: float = 0.0) -> None:
        if waited > WORTH_COUNTING:
            request = request._replace(
                connect_timeout=max(WORTH_COUNTING, request.connect_timeout - waited),
                total_timeout=max(WORTH_COUNTING, request.total_timeout - waited),
            )
        exchange = self._free.pop() if self._free else self._new_exchange()
        try:
            news = found and self._told.news(target(request.url), found)
            exchange.begin(request, found.addresses if found else (), news)
            self._multi.add_handle(exchange.handle)
        except Unsendable as error:
            self._waiting_requests.done(origin)
            self._free.append(exchange)
            self._answers.append(unanswered(request, error.error, str(error)))
        else:
            self._running[exchange.handle] = _UnderWay(exchange, request, origin, waited)
            if found is not None and news:
                self._told.hand_over(target(request.url), found)

    def _deliver(self) -> None:
        if not self._answers:
            return
        batch, self._answers = self._answers, []
        try:
            self._on_answers(batch)
        except Exception:  # the receiver's mistake must not end everybody's sending; unsettled leases run out
            logger.exception("%d answers could not be handed over", len(batch))

    def _give_up(self) -> None:
        left = [*self._waiting_requests.clear(), *self._submitted]
        left += [waiting.request for some in self._nameless.values() for waiting in some]
        self._submitted.clear()
        self._nameless.clear()
        for handle, broken in self._running.items():
            self._multi.remove_handle(handle)
            left.append(broken.request)
            self._free.append(broken.exchange)
        self._running.clear()
        self._answers.extend(unanswered(request, "cancelled") for request in left)

    def _dismantle(self) -> None:
        self._kept.clear()
        for exchange in self._free:
            exchange.close()
        self._multi.close()
        with self._gate:  # whoever closes may not have rung yet
            self._is_closed = True
            self._bell.close()
            self._clapper.close()


@lru_cache(maxsize=8192)
def _place(url: str) -> _Place:
    """The place of a URL; raises Unsendable."""
    to = target(url)
    return _Place(to.origin, None if is_address(to.host) else to.host)
