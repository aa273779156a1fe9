"""Bodies that threads read while the event loop receives them, and how many of them one account may have coming slowly.

Guarantees: a thread that reads a body waits no longer than the body may take; the bodies of one account that come slowly hold
at most the places that `SlowBodies` has for it, and further ones are refused before they are read. Bodies that come quickly
are not counted.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections import Counter
from collections.abc import Hashable
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # it is there for applications to catch

from workwire.kernel.body_account import ACCOUNT

QUICK = 2.0  # seconds that a thread waits for a body, all in all, before it counts as a slow one


class SlowBodies:
    """Places for bodies that come slowly: `most` at a time for each account."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    def has_room(self, account: Hashable) -> bool:
        """Whether an account may have another slow body."""
        with self._lock:
            return self._taken[account] < self._most

    def take(self, account: Hashable) -> bool:
        """Take a place for an account; False when it has all of its places."""
        with self._lock:
            if self._taken[account] >= self._most:
                return False
            self._taken[account] += 1
            return True

    def give_back(self, account: Hashable) -> None:
        """Give back a place that was taken."""
        with self._lock:
            self._taken[account] -= 1
            if not self._taken[account]:
                del self._taken[account]


class Incoming(io.RawIOBase):
    """A body that comes piece by piece. `refusal` is the status to answer when it is not read to its end: 408 for a client
    that was too slow, 429 for an account that has too many slow bodies; 0 otherwise."""

    def __init__(
        self, proto: Any, environ: dict[str, Any], slow: SlowBodies, *, of_a_piece: float, of_all: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._of_a_piece, self._until = of_a_piece, self._loop.time() + of_all
        self._pieces: Any = aiter(proto)
        self._rest = memoryview(b"")
        self._environ, self._slow = environ, slow
        self._waited, self._has_place = 0.0, False
        self._account: Hashable = None
        self.refusal = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Take what is there, waiting for the next piece; raises OSError when it is refused."""
        if self.refusal:
            raise OSError("the body was refused")
        if not self._rest:
            self._rest = memoryview(asyncio.run_coroutine_threadsafe(self._next(), self._loop).result())
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken

    def end(self) -> None:
        """Give back the place it has, if any, and let go of the body; nothing is read afterwards.

        A refusal is an exception, whose frames may be kept by a cycle until the garbage collector comes by. The body must not
        wait for that: the server keeps the connection open as long as somebody holds it.
        """
        self._pieces = None
        if self._has_place:
            self._has_place = False
            self._slow.give_back(self._account)

    async def _next(self) -> bytes:
        account = self._environ.get(ACCOUNT)
        if not self._has_place and not self._slow.has_room(account):
            raise self._refused(429)
        begun = self._loop.time()
        until = min(self._until, begun + self._of_a_piece)
        coming = asyncio.ensure_future(self._pieces.__anext__())
        try:
            if not self._has_place:
                await asyncio.wait({coming}, timeout=max(0.0, min(until, begun + QUICK - self._waited) - begun))
                if not coming.done():
                    self._take_place(account)
            await asyncio.wait({coming}, timeout=max(0.0, until - self._loop.time()))
            if not coming.done():
                raise self._refused(408)
        finally:
            coming.cancel()
            await asyncio.wait({coming})  # the server lets go of the body first: else it may keep the connection open
            self._waited += self._loop.time() - begun
        try:
            return bytes(coming.result())
        except StopAsyncIteration:
            return b""
        except ProtocolClosed as error:
            raise OSError("the client left before its body had come") from error

    def _take_place(self, account: Hashable) -> None:
        if not self._slow.take(account):
            raise self._refused(429)
        self._account, self._has_place = account, True

    def _refused(self, status: int) -> OSError:
        self.refusal = status
        return OSError(f"the body was refused with {status}")
