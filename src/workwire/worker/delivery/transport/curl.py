"""The one place that imports pycurl: it has no usable types, so what we use of it is typed here."""

from __future__ import annotations

from typing import Any, Protocol

import pycurl as pycurl  # type: ignore[import-untyped]  # its stub declares every name as Any

DISALLOW_USERNAME_IN_URL = 278  # CURLOPT_DISALLOW_USERNAME_IN_URL, which pycurl has no name for
CONTENT_LENGTH: int = pycurl.CONTENT_LENGTH_DOWNLOAD_T


class SocketAddress(Protocol):
    """What libcurl is about to connect to."""

    family: int
    socktype: int
    protocol: int
    addr: tuple[Any, ...] | bytes


class Easy(Protocol):
    """libcurl's easy handle: one request at a time."""

    def setopt(self, option: int, value: object) -> None:
        """Set an option; raises pycurl.error or TypeError."""

    def getinfo(self, info: int) -> Any:
        """Ask about the request that ended last."""

    def getinfo_raw(self, info: int) -> Any:
        """The same with texts as bytes."""

    def close(self) -> None:
        """Free the handle."""


class Multi(Protocol):
    """libcurl's multi handle: many requests at a time, driven by the thread that calls it."""

    def setopt(self, option: int, value: int) -> None:
        """Set an option."""

    def add_handle(self, handle: Easy) -> None:
        """Begin the handle's request."""

    def remove_handle(self, handle: Easy) -> None:
        """End the handle's request, finished or not."""

    def perform(self) -> tuple[int, int]:
        """Go on with everything that can go on."""

    def socket_action(self, descriptor: int, events: int) -> tuple[int, int]:
        """Go on with one socket; for `SOCKET_TIMEOUT` with what is new or due."""

    def fdset(self) -> tuple[list[int], list[int], list[int]]:
        """The sockets to wait for: readable, writable, failing; of those that select() can hold."""

    def timeout(self) -> int:
        """Milliseconds after which to perform even without a socket ready; below 0 for never."""

    def info_read(self) -> tuple[int, list[Easy], list[tuple[Easy, int, str]]]:
        """Collect what has ended: how many are left, the well ended, the failed with code and message."""

    def close(self) -> None:
        """Close all connections."""


CurlError: type[Exception] = pycurl.error


def new_easy() -> Easy:
    """A fresh easy handle."""
    handle: Easy = pycurl.Curl()
    return handle


def new_multi() -> Multi:
    """A fresh multi handle."""
    handle: Multi = pycurl.CurlMulti()
    return handle
