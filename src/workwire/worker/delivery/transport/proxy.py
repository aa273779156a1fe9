"""The proxy that requests go out through, where an operator names one.

Guarantee: the guard on addresses holds also then. A host is looked up and judged here before the proxy is asked; to an https
endpoint the proxy connects by the very address that was judged (CONNECT), to an http endpoint by its name, for its Host header
must be kept, so that the proxy looks the name up a second time. Where the proxy is said to resolve names, it is the guard,
too: only addresses written in URLs are judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workwire.kernel.addresses import AddressPolicy, ParsedTarget, bracketed, is_address
from workwire.worker.delivery.transport.curl import Easy, pycurl

SUPPRESS_CONNECT_HEADERS = 265  # CURLOPT_SUPPRESS_CONNECT_HEADERS, which pycurl has no name for


class Refused(ValueError):
    """The destination may not be reached; the text is the rule."""


class Proxy(NamedTuple):
    """Where it is, and whether it looks names up."""

    url: str
    resolves: bool = False

    def prepare(self, handle: Easy) -> None:
        """Have everything of a handle go through it."""
        handle.setopt(pycurl.PROXY, self.url)
        handle.setopt(pycurl.PROXYTYPE, pycurl.PROXYTYPE_HTTP)
        handle.setopt(pycurl.NOPROXY, "")
        handle.setopt(SUPPRESS_CONNECT_HEADERS, 1)

    def judge(self, to: ParsedTarget, addresses: Sequence[str], policy: AddressPolicy) -> str | None:
        """The address to connect to, None for the name; raises Refused when any of the host's is forbidden."""
        candidates = [to.host] if is_address(to.host) else list(addresses)
        for address in candidates:
            if refusal := policy.refusal(address):
                raise Refused(str(refusal))
        if to.scheme != "https" or not candidates:
            return None
        return next((one for one in candidates if ":" not in one), candidates[0])  # a proxy knows IPv4 at least

    @staticmethod
    def direct(handle: Easy, to: ParsedTarget, address: str | None) -> None:
        """Say what the proxy is to connect to, an address in the place of the host's name; and what it is asked for where it
        reads our request, for libcurl would leave the `?` of an empty query out of that."""
        handle.setopt(pycurl.CONNECT_TO, [f"::{bracketed(address)}:{to.port}"] if address else None)
        handle.setopt(pycurl.REQUEST_TARGET, to.url if to.scheme == "http" else "/" + to.url.split("/", 3)[3])
