"""Host names and their addresses, looked up beside the loop.

libcurl shares some twenty threads among all names it looks up. A name server that keeps silent holds one for as long as the
system's resolver is patient, and a few such names would hold up everybody's. Here each name has a thread of its own while
it is looked up, one at a time for a name, so that a silent name server holds up its own names alone.

What is found is kept for a minute; after that it is asked for again, and serves on for a while only where no answer comes.
Whether an address may be connected to is judged by the guard at connect, whatever was found here and however old it is.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from workwire.kernel.addresses import ParsedTarget, bracketed

FRESH = 60.0  # seconds for which what was found is used without asking again
PATIENCE = 0.5  # seconds that a name is waited for whose addresses are known from before
SILENCE = 30.0  # seconds for which such a name is not asked for again when no answer came
SERVES_ON = 600.0  # seconds after which what was found is not used any more, also where no answer comes
MOST_AT_ONCE = 500  # names looked up at a time; further ones wait
MOST_KEPT = 10_000
NO_ANSWER = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM, socket.EAI_MEMORY})


class Found(NamedTuple):
    """The addresses of a name, none where there is no such name; when they were found, and until when they are used without
    asking again, on the monotonic clock."""

    addresses: tuple[str, ...]
    at: float
    until: float


class Names:
    """Used by one thread, in which `on_found` may not be called: it is called from the threads that look up, each time that
    `ended` has something new."""

    def __init__(self, on_found: Callable[[], None]) -> None:
        self._on_found = on_found
        self._kept: dict[str, Found] = {}
        self._asked: dict[str, float] = {}  # the names being looked up, each since when
        self._waiting: deque[str] = deque()  # those of them that have no thread yet
        self._ended: deque[tuple[str, Found | None]] = deque()

    def known(self, host: str) -> Found | None:
        """What to go by without waiting: what was found lately, or before where the name server keeps silent."""
        found, now = self._kept.get(host), time.monotonic()
        if found is None or now < found.until:
            return found
        is_silent = now - self._asked.get(host, now) > PATIENCE
        return found if is_silent and now - found.at < SERVES_ON else None

    def still_serving(self, host: str) -> Found | None:
        """What was found before, for where no answer comes."""
        found = self._kept.get(host)
        return found if found is not None and time.monotonic() - found.at < SERVES_ON else None

    def look_up(self, host: str) -> None:
        """Have a name looked up, unless it is being looked up already; `ended` tells what came of it. Names of which nothing
        is known go first."""
        if host in self._asked:
            return
        self._asked[host] = time.monotonic()
        (self._waiting.append if host in self._kept else self._waiting.appendleft)(host)
        self._begin()

    def ended(self) -> list[tuple[str, Found | None]]:
        """The names whose lookup has ended since the last call, with what was found; None where no answer came."""
        ended: list[tuple[str, Found | None]] = []
        while self._ended:
            host, found = self._ended.popleft()
            del self._asked[host]
            if found is not None:
                self._keep(host, found)
            elif (before := self.still_serving(host)) is not None:
                self._kept[host] = before._replace(until=time.monotonic() + SILENCE)
            ended.append((host, found))
        self._begin()
        return ended

    def _begin(self) -> None:
        while self._waiting and len(self._asked) - len(self._waiting) < MOST_AT_ONCE:
            host = self._waiting.popleft()
            try:
                threading.Thread(target=self._ask, args=(host,), name="name", daemon=True).start()
            except (
                RuntimeError
            ):  # the system gives no more threads; the next look at what has ended brings us back here
                self._waiting.appendleft(host)
                return

    def _ask(self, host: str) -> None:
        try:
            addresses = addresses_of(host)
        except (OSError, UnicodeError):
            found = None
        else:
            now = time.monotonic()
            found = Found(addresses, now, now + FRESH)
        self._ended.append((host, found))
        self._on_found()

    def _keep(self, host: str, found: Found) -> None:
        self._kept.pop(host, None)
        if found.addresses:
            self._kept[host] = found
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]  # the one found longest ago


class Told:
    """What libcurl was told of addresses, so that it is told only what is new: on the one handle of a multi handle that begins
    next, for all of them."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}  # when they were found, by host and port
        self._handed_over: dict[str, float] = {}

    def news(self, to: ParsedTarget, found: Found) -> str | None:
        """The addresses of a host as libcurl wants to be told them (`+`: it may forget them one day), None where it knows
        them."""
        place = _host_and_port(to)
        if self._told.get(place) == found.at:
            return None
        return f"+{place}:{','.join(map(bracketed, found.addresses))}"

    def hand_over(self, to: ParsedTarget, found: Found) -> None:
        """Note that a handle has been added which carries that."""
        self._handed_over[_host_and_port(to)] = found.at

    def take_note(self) -> None:
        """Libcurl has begun with all that it was given, and knows now what was handed over with it."""
        if not self._handed_over:
            return
        if len(self._told) > MOST_KEPT:
            self._told.clear()
        self._told |= self._handed_over
        self._handed_over.clear()


def _host_and_port(to: ParsedTarget) -> str:
    return f"{to.host}:{to.port}"


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses of a name in the order in which the system would try them, without the zones of link-local ones; none for
    a name that is not there. Waits for the name server; raises OSError where no answer comes."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in NO_ANSWER:
            raise
        return ()
    return tuple(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))
