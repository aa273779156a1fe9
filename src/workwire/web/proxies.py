"""Behind proxies: whose request it is, and whether it came over TLS, as far as proxies that the operator trusts say so.

Guarantee: what a client writes into `X-Forwarded-For` or `X-Forwarded-Proto` itself counts for nothing. The client is the
right-most address that no trusted proxy has; the scheme is what the nearest proxy says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]
SCHEMES = ("http", "https")


def behind_proxies(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that puts the client's address and scheme where a request without proxies has them."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        networks, nearest = settings.CONFIG.trusted_proxies, _address(str(request.META.get("REMOTE_ADDR", "")))
        if nearest is not None and _is_in(nearest, networks):
            request.META["REMOTE_ADDR"] = client_of(nearest, request.headers.get("X-Forwarded-For", ""), networks)
            scheme = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
            if scheme in SCHEMES:
                request.META["wsgi.url_scheme"] = scheme
        return get_response(request)

    return middleware


def client_of(nearest: Address, forwarded: str, networks: Networks) -> str:
    """The client's address: from right to left the first that is no trusted proxy's, or the last that can be read."""
    found = nearest
    for text in reversed(forwarded.split(",")):
        before = _address(text)
        if before is None:
            break
        found = before
        if not _is_in(found, networks):
            break
    return str(found)


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """An address as proxies write it, perhaps with a port; IPv4 inside IPv6 is the IPv4 address it is."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
