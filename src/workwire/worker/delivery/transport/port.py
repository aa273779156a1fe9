"""What the engine wants of a transport: requests in, answers out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from workwire.kernel.addresses import Network
from workwire.worker.delivery.transport.proxy import Proxy


class Request(NamedTuple):
    """A POST to make; `key` is the caller's and comes back with the answer, limits are seconds.

    A request whose turn comes later than `begin_before`, on the counter of `clock.count`, is not made and answered as
    `too_late`. Requests of one `party` take turns with those of others. `tls` is a client certificate, its key, and the
    authorities that are trusted instead of the usual ones, each in PEM or empty.
    """

    key: int
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connect_timeout: float = 5.0
    total_timeout: float = 15.0
    begin_before: float = math.inf
    party: int = 0
    tls: tuple[str, str, str] | None = None


class Answer(NamedTuple):
    """How a request went: either `status` is set, or `error` (a stable code) when no whole answer came.

    `detail` is a sentence fit for people, without addresses we refused or anything secret. An answer longer
    than is read counts by its status. `retry_after` is what the endpoint asked for, 0 for nothing. All times are
    seconds. The steps follow each other within `total_seconds`: 0 stands for a step that was not made, as connecting on a kept
    connection, or not finished.
    """

    key: int
    status: int | None
    error: str | None
    detail: str = ""
    body_head: bytes = b""
    retry_after: float = 0.0
    remote_address: str | None = None
    total_seconds: float = 0.0
    name_seconds: float = 0.0
    connect_seconds: float = 0.0
    tls_seconds: float = 0.0
    first_byte_seconds: float = 0.0


class Transport(Protocol):
    """Sends requests and gives each exactly one answer, in batches, in a thread of its own."""

    def submit(self, requests: Iterable[Request]) -> None:
        """Hand requests over and return at once; from any thread. Raises TransportClosed after `close`."""

    def close(self, drain_timeout: float = 0.0) -> None:
        """Take no more, wait so long for what was submitted, answer the rest as `cancelled`, and stop."""


class MakeTransport(Protocol):
    """How a transport is made. `networks` are those that may be reached although they are not public."""

    def __call__(
        self,
        networks: Iterable[Network],
        on_answers: Callable[[list[Answer]], None],
        *,
        max_in_flight: int,
        max_per_host: int,
        ca_bundle: Path | None = None,
        proxy: Proxy | None = None,
    ) -> Transport:
        """Make one that gives its answers to `on_answers`."""


class TransportClosed(RuntimeError):
    """Nothing can be submitted any more."""
