"""Connections kept for the next request: whether one may carry it, and whether what comes back then is its answer.

HTTP/1.1 does not say to which request an answer belongs. What an endpoint says late, unasked or twice would be taken for the
answer to the next message, and that message for delivered. libcurl looks at what it keeps once a second at most, so we look.

Guarantees: nothing is sent over a kept connection on which anything waits to be read, its end included; an answer that came
before any answer to its request could come (by the shortest round trip the system measured) or that was read before the
request went out (in a TLS buffer) is none; an endpoint that was heard talking unasked gets a new connection for each message
for a while. What is left: an endpoint that says a well-formed answer too many after our next request has reached it.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios
import time
from enum import Enum, auto

DISTRUST = 600.0  # seconds without kept connections for an endpoint that talks unasked
MOST_DISTRUSTED = 10_000
TCP_INFO = getattr(socket, "TCP_INFO", None)  # Linux
TCP_INFO_SIZE = 152  # of struct tcp_info, as far as it is read; older systems give less
BYTES_RECEIVED, SHORTEST_ROUND_TRIP = 128, 148  # offsets in it
NEVER_MEASURED = 0xFFFFFFFF
MOST_LOOKS = 5  # at two counters that must not change between two looks
READABLE = select.POLLIN | select.POLLRDHUP if hasattr(select, "POLLRDHUP") else select.POLLIN
Ends = tuple[str, str, int, int]  # the other address and ours, the other port and ours


class Condition(Enum):
    """What a kept connection is good for."""

    QUIET = auto()  # may carry a request
    CLOSED = auto()  # the other side ended it, as it may
    SPOKE = auto()  # something came that nobody asked for


class KeptConnection:
    """A connection's socket as we see it; libcurl owns it."""

    def __init__(self, descriptor: int, ends: Ends) -> None:
        family = socket.AF_INET6 if ":" in ends[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM, 0, fileno=descriptor)
        self.is_taken = False  # by a request whose end was not looked at yet
        poll = select.poll()
        poll.register(descriptor, READABLE)
        self._poll = poll.poll
        self._round_trip = self._shortest_round_trip()

    def condition(self, *, is_tls: bool) -> Condition:
        """What it is good for now. A TLS connection that was closed has bytes to read, too: those that end it."""
        ready = self._poll(0)
        if not ready:
            return Condition.QUIET
        is_ended = bool(ready[0][1] & ~select.POLLIN)
        return Condition.SPOKE if self._unread() and not (is_tls and is_ended) else Condition.CLOSED

    def is_too_soon(self, seconds: float) -> bool:
        """Whether no answer can be there so soon after its request began to go out."""
        return seconds < self._round_trip and seconds < self._shortest_round_trip()

    def read_so_far(self) -> int | None:
        """Bytes that libcurl has read from it, None where that is not known."""
        for _ in range(MOST_LOOKS):
            before, info = self._unread(), self._info()
            if not info:
                return None
            if before == self._unread():
                return int(struct.unpack_from("=Q", info, BYTES_RECEIVED)[0]) - before
        return None

    def let_go(self) -> int:
        """Leave its socket to libcurl alone; the descriptor."""
        return self._socket.detach()

    def _unread(self) -> int:
        return int(struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.FIONREAD, b"\0\0\0\0"))[0])

    def _shortest_round_trip(self) -> float:
        """Seconds, 0 where unknown."""
        info = self._info()
        microseconds = struct.unpack_from("=I", info, SHORTEST_ROUND_TRIP)[0] if info else NEVER_MEASURED
        return 0.0 if microseconds == NEVER_MEASURED else microseconds / 1e6

    def _info(self) -> bytes:
        if TCP_INFO is None:
            return b""
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TCP_INFO_SIZE)
        except OSError:  # some sandboxes have the name and not the thing
            return b""
        return info if len(info) == TCP_INFO_SIZE else b""


class KeptConnections:
    """What is known of the connections of one transport; used in its thread alone.

    A connection is known by its ends from its first success on. Those that libcurl has closed stay known until their
    descriptor or their ends are used again, and are not asked about.
    """

    def __init__(self) -> None:
        self._kept: dict[Ends, KeptConnection] = {}
        self._ends: dict[int, Ends] = {}  # by descriptor
        self._distrusted: dict[str, float] = {}  # origins, until when

    def find(self, ends: Ends) -> KeptConnection | None:
        """A connection that libcurl has and that is known."""
        return self._kept.get(ends)

    def keep(self, ends: Ends, descriptor: int) -> None:
        """Note that a connection is kept from now on."""
        self._forget(self._ends.get(descriptor))  # that of a closed one
        self._forget(ends)
        self._kept[ends] = KeptConnection(descriptor, ends)
        self._ends[descriptor] = ends

    def end(self, ends: Ends, descriptor: int) -> None:
        """End a connection, which is then closed instead of used again."""
        self._forget(ends)
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
        finally:
            connection.detach()

    def distrust(self, origin: str) -> None:
        """Keep no connections to this origin for a while."""
        self._distrusted.pop(origin, None)
        self._distrusted[origin] = time.monotonic() + DISTRUST
        if len(self._distrusted) > MOST_DISTRUSTED:
            del self._distrusted[next(iter(self._distrusted))]

    def are_trusted(self, origin: str) -> bool:
        """Whether connections to this origin are kept."""
        if not self._distrusted:
            return True
        until = self._distrusted.get(origin)
        if until is None:
            return True
        if until > time.monotonic():
            return False
        del self._distrusted[origin]
        return True

    def clear(self) -> None:
        """Forget all; call it before libcurl closes them."""
        for ends in list(self._kept):
            self._forget(ends)

    def _forget(self, ends: Ends | None) -> None:
        kept = self._kept.pop(ends, None) if ends else None
        if kept is not None:
            del self._ends[kept.let_go()]
