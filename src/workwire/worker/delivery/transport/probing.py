"""Whether an endpoint can be reached: look its name up, connect, shake hands for TLS, and tell how that went. Nothing of
HTTP is sent.

Guarantee: an address is judged by the same guard as for sending, and the connection goes to the very address that was judged;
where a proxy is set, it is asked as for sending. What we refuse is told by its rule, without the address. All of it together
takes no longer than it is given.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography import x509

from workwire.kernel.addresses import AddressPolicy, Network, ParsedTarget, bracketed, is_address, parse_url
from workwire.kernel.certificates import system_authorities
from workwire.worker.delivery.transport.name_lookup import addresses_of
from workwire.worker.delivery.transport.proxy import Proxy, Refused

LONGEST_HEAD = 8 * 1024  # bytes of a proxy's answer
VERIFY_CODES = {9: "not_yet_valid", 10: "expired", 18: "self_signed", 19: "unknown_authority", 20: "unknown_authority"}
VERIFY_CODES |= {21: "unknown_authority", 62: "other_name", 64: "other_name"}  # of OpenSSL


@dataclass(frozen=True, slots=True)
class Seen:
    """How it went: `code` is empty when all went well, else what went wrong, with `detail` from the network. Times are seconds
    and None for what was not come to."""

    code: str = ""
    detail: str = ""
    address: str = ""
    look_up: float | None = None
    connect: float | None = None
    handshake: float | None = None
    protocol: str = ""
    certificate: dict[str, str] = field(default_factory=dict)
    by_proxy: bool = False

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


class _Failed(Exception):
    """Something did not work; the code says what."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(slots=True)
class _Probe:
    """One test under way, with what it has seen so far."""

    to: ParsedTarget
    policy: AddressPolicy
    proxy: Proxy | None
    until: float
    seen: dict[str, Any] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds left; raises when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise _Failed("connect_timeout")
        return left


def probe(
    url: str,
    networks: Iterable[Network],
    *,
    seconds: float,
    authorities: str = "",
    ca_bundle: Path | None = None,
    proxy: Proxy | None = None,
) -> Seen:
    """Try to reach the endpoint of a URL that has been checked, within so many seconds."""
    probing = _Probe(parse_url(url), AddressPolicy(tuple(networks)), proxy, time.monotonic() + seconds)
    try:
        with _connected(probing) as connection:
            if probing.to.scheme == "https":
                _shake_hands(probing, connection, authorities, ca_bundle)
    except _Failed as error:
        return Seen(error.code, error.detail, **probing.seen)
    except TimeoutError:
        return Seen("connect_timeout", **probing.seen)
    return Seen(**probing.seen)


def _connected(probing: _Probe) -> socket.socket:
    proxy, to = probing.proxy, probing.to
    if proxy is None:
        return _first_connection(probing, _found(probing))
    if to.scheme == "http":
        raise _Failed("http_by_proxy")
    addresses = [] if proxy.resolves else _found(probing)
    try:
        address = proxy.judge(to, addresses, probing.policy)
    except Refused as error:
        raise _Failed("refused_address", str(error)) from error
    probing.seen["by_proxy"] = True
    return _through(probing, proxy, f"{bracketed(address or to.host)}:{to.port}")


def _found(probing: _Probe) -> list[str]:
    """The addresses of the host. The system's resolver knows no deadline, so it is asked in a thread that is left behind when
    it has none to give in time."""
    if is_address(probing.to.host):
        return [probing.to.host]
    began, found = time.monotonic(), []

    def ask() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.append(addresses_of(probing.to.host))

    asking = threading.Thread(target=ask, name="name of a test", daemon=True)
    asking.start()
    asking.join(probing.left())
    probing.seen["look_up"] = time.monotonic() - began
    if not found or not found[0]:
        raise _Failed("dns")
    return list(found[0])


def _first_connection(probing: _Probe, addresses: list[str]) -> socket.socket:
    """A connection to the first address that takes one, of those that may be connected to."""
    judged = [(address, probing.policy.refusal(address)) for address in addresses]
    allowed = [address for address, refusal in judged if refusal is None]
    if not allowed:
        raise _Failed("refused_address", str(judged[0][1]))
    failed = _Failed("connect_failed")
    for address in allowed:
        try:
            connection = _connect(probing, address, probing.to.port)
        except OSError as error:
            failed = _Failed(_of_connecting(error))
        else:
            probing.seen["address"] = address
            return connection
    raise failed


def _connect(probing: _Probe, host: str, port: int) -> socket.socket:
    began = time.monotonic()
    connection = socket.create_connection((host, port), timeout=probing.left())
    probing.seen["connect"] = time.monotonic() - began
    return connection


def _of_connecting(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return "connect_timeout" if isinstance(error, TimeoutError) else "unreachable"


def _through(probing: _Probe, proxy: Proxy, place: str) -> socket.socket:
    """A tunnel of the proxy to a place."""
    at = urlsplit(proxy.url)
    try:
        connection = _connect(probing, at.hostname or "", at.port or 80)
    except OSError as error:
        raise _Failed("proxy_failed") from error
    head = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if at.username:
        pair = f"{unquote(at.username)}:{unquote(at.password or '')}".encode()
        head.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    try:
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < LONGEST_HEAD:
            connection.settimeout(probing.left())
            part = connection.recv(1)  # what follows the head belongs to the endpoint
            if not part:
                break
            answer += part
    except OSError as error:
        connection.close()
        raise _Failed("proxy_failed") from error
    if answer.split(b" ", 2)[1:2] != [b"200"]:
        connection.close()
        raise _Failed("proxy_refused")
    return connection


def _shake_hands(probing: _Probe, connection: socket.socket, authorities: str, ca_bundle: Path | None) -> None:
    try:
        context = ssl.create_default_context(
            cafile=None if authorities else str(ca_bundle or system_authorities() or ""), cadata=authorities or None
        )
    except (OSError, ValueError) as error:
        raise _Failed("authorities_unreadable") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    began = time.monotonic()
    try:
        connection.settimeout(probing.left())
        with context.wrap_socket(connection, server_hostname=probing.to.host) as secured:
            probing.seen["handshake"] = time.monotonic() - began
            probing.seen["protocol"] = secured.version() or ""
            probing.seen["certificate"] = _described(secured.getpeercert(binary_form=True) or b"")
    except ssl.SSLCertVerificationError as error:
        raise _Failed(f"certificate.{VERIFY_CODES.get(error.verify_code, 'other')}", error.verify_message) from error
    except TimeoutError:
        raise
    except ssl.SSLError as error:
        raise _Failed("tls", error.reason or "") from error
    except OSError as error:
        raise _Failed("reset") from error


def _described(der: bytes) -> dict[str, str]:
    try:
        found = x509.load_der_x509_certificate(der)
        return {
            "subject": found.subject.rfc4514_string(),
            "issuer": found.issuer.rfc4514_string(),
            "not_after": found.not_valid_after_utc.isoformat(),
        }
    except ValueError:
        return {}
