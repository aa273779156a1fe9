"""One request and its answer, on an easy handle that is used again and again.

Guarantees: an address is judged at the moment libcurl opens a socket to it; redirects, proxies, cookies,
netrc, decompression and every protocol but HTTP/1.1 over TCP or TLS 1.2+ are off; what an endpoint may send
is bounded in body and time by us, in headers by libcurl (300 KiB, 5,000 lines), which keeps them to itself but over
TLS: a call back for each would cost more than the rest of a plain exchange. A request goes out once at most, and what
answers it came after it (`kept_connections`). HTTP/2 stays off: one connection then is one
request, so the bound per host is a bound on connections, no delivery waits behind another, and less of a
stranger's input is parsed.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from workwire.kernel.addresses import AddressPolicy, ParsedTarget, UnsafeTarget, parse_url
from workwire.kernel.wording import statement
from workwire.worker.delivery.transport.authorities import Authorities
from workwire.worker.delivery.transport.curl import (
    CONTENT_LENGTH,
    DISALLOW_USERNAME_IN_URL,
    CurlError,
    SocketAddress,
    new_easy,
    pycurl,
)
from workwire.worker.delivery.transport.failures import EXPLAINED_BY_LIBCURL, detail_of, error_of, error_of_proxy
from workwire.worker.delivery.transport.kept_connections import Condition, Ends, KeptConnection, KeptConnections
from workwire.worker.delivery.transport.port import Answer, Request
from workwire.worker.delivery.transport.proxy import Proxy, Refused

MOST_BODY_READ = 64 * 1024
MOST_BODY_KEPT = 4 * 1024
LONGEST_DETAIL = 300
CONNECTION_LIFETIME = 600  # seconds; a kept connection outlives a change of the name's address no longer than this
TLS_TERMS = (pycurl.SSLCERT_BLOB, pycurl.SSLKEY_BLOB, pycurl.CAINFO_BLOB)
NO_TLS_TERMS = ("", "", "")
GO_ON, ABORT = int(pycurl.PREREQFUNC_OK), int(pycurl.PREREQFUNC_ABORT)
LONGEST_TOLD = 3600  # seconds that libcurl keeps the addresses it was told; it is told again much sooner

FIXED_OPTIONS: tuple[tuple[int, object], ...] = (
    (pycurl.POST, 1),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.HTTP09_ALLOWED, 0),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.REDIR_PROTOCOLS, 0),
    (pycurl.FOLLOWLOCATION, 0),
    (DISALLOW_USERNAME_IN_URL, 1),
    (pycurl.PATH_AS_IS, 1),
    (pycurl.PROXY, ""),
    (pycurl.NOPROXY, "*"),
    (pycurl.NETRC, pycurl.NETRC_IGNORED),
    (pycurl.HTTP_CONTENT_DECODING, 0),
    (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
    (pycurl.SSL_VERIFYPEER, 1),
    (pycurl.SSL_VERIFYHOST, 2),
    (pycurl.MAXLIFETIME_CONN, CONNECTION_LIFETIME),
    (pycurl.TCP_NODELAY, 1),
    (pycurl.NOSIGNAL, 1),
    (pycurl.NOPROGRESS, 1),
    (pycurl.DNS_CACHE_TIMEOUT, LONGEST_TOLD),
)
UNEXPECTED_END = "unexpected eof"  # OpenSSL's words
END_OF_HEAD = (b"\r\n", b"\n")


class Unsendable(ValueError):
    """A request that cannot be made; its answer gets this `error` and this text."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error


class Exchange:
    """An easy handle with its limits; `begin`, let the multi handle run it, `finish`, and begin again."""

    def __init__(
        self,
        policy: AddressPolicy,
        kept: KeptConnections,
        authorities: Authorities,
        proxy: Proxy | None,
        user_agent: str,
    ) -> None:
        self.handle = new_easy()
        self._policy, self._kept, self._authorities, self._proxy = policy, kept, authorities, proxy
        self._timeouts = (0.0, 0.0)
        self._is_new_wanted = self._is_kept_unwanted = self._is_tls = False
        self._origin = self._trusts = ""
        self._tls_terms = NO_TLS_TERMS
        self._forget()
        for option, value in FIXED_OPTIONS:
            self.handle.setopt(option, value)
        if proxy is not None:
            proxy.prepare(self.handle)
        self.handle.setopt(pycurl.USERAGENT, user_agent)
        self.handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self.handle.setopt(pycurl.PREREQFUNCTION, self._may_send)
        self.handle.setopt(pycurl.WRITEFUNCTION, self._take_body)

    def begin(self, request: Request, found: Sequence[str] = (), addresses: str | None = None) -> None:
        """Set the handle up for a request; raises Unsendable. `found` are the addresses of its host where that is a name that
        we looked up, `addresses` the same as libcurl wants to be told, if it does."""
        self._forget()
        try:
            to = target(request.url)
            self.handle.setopt(pycurl.URL, to.url)
            self._choose_connection(to, request.tls or NO_TLS_TERMS)
            self.handle.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
            self.handle.setopt(pycurl.POSTFIELDS, request.body)
            if self._proxy is not None:
                self._proxy.direct(self.handle, to, self._proxy.judge(to, found, self._policy))
            elif addresses is not None:
                self.handle.setopt(pycurl.RESOLVE, [addresses])
            if self._timeouts != (request.connect_timeout, request.total_timeout):
                self._timeouts = request.connect_timeout, request.total_timeout
                self.handle.setopt(pycurl.CONNECTTIMEOUT_MS, _milliseconds(request.connect_timeout))
                self.handle.setopt(pycurl.TIMEOUT_MS, _milliseconds(request.total_timeout))
        except Refused as error:
            raise Unsendable("refused_address", str(error)) from error
        except (UnicodeError, CurlError) as error:
            raise Unsendable("invalid_request", detail_of("invalid_request")) from error

    @property
    def must_begin_anew(self) -> bool:
        """Whether nothing was sent, because the kept connection that was to carry it is not fit to."""
        return self._is_unfit

    def finish(self, key: int, code: int, message: str) -> Answer:
        """The answer, from libcurl's result code (0 is success) and message. Call it before the multi handle lets go of
        ours, which then no longer knows its connection."""
        getinfo = self.handle.getinfo
        error, is_open_ended = self._stopped, code != 0 and self._ended_without_a_word(code, message)
        if error is None and code != 0 and not self._body_was_cut and not is_open_ended:
            error = self._error(code, message)
        if error is None and self._came_too_soon():
            error = "stale_answer"
        status = None if error else int(getinfo(pycurl.RESPONSE_CODE))
        self._keep(status)
        connected, secured = getinfo(pycurl.CONNECT_TIME), getinfo(pycurl.APPCONNECT_TIME)
        return Answer(
            key=key,
            status=status,
            error=error,
            detail=self._detail(error, message) if error else self._remark(status or 0, is_open_ended),
            body_head=bytes(self._body),
            retry_after=float(max(0, getinfo(pycurl.RETRY_AFTER))),
            remote_address=getinfo(pycurl.PRIMARY_IP) or None,
            total_seconds=getinfo(pycurl.TOTAL_TIME),
            connect_seconds=connected,
            tls_seconds=max(0.0, secured - connected),
            first_byte_seconds=max(0.0, getinfo(pycurl.STARTTRANSFER_TIME) - (secured or connected)),
        )

    def close(self) -> None:
        """Free the handle; its callbacks refer back to us, so this also unties the knot."""
        self.handle.close()

    def _forget(self) -> None:
        self._refusal: str | None = None
        self._body = bytearray()
        self._body_bytes = 0
        self._body_was_cut = False
        self._ends: Ends | None = None  # of the connection that carries it
        self._is_new = self._is_unfit = False
        self._stopped: str | None = None  # why we had libcurl stop
        self._carrier: KeptConnection | None = None
        self._began = 0.0  # when it began to go out over that, on the monotonic clock
        self._read_before: int | None = None
        self._is_head_begun = self._is_head_over = self._is_interim = self._is_chunked = False

    def begin_anew(self) -> None:
        """Set the handle up for the same request once more, to go over a new connection."""
        self._forget()
        self._want_new(True)

    def _choose_connection(self, to: ParsedTarget, tls_terms: tuple[str, str, str]) -> None:
        """Set whether a kept connection may carry this request and whether its connection is kept, and what TLS needs."""
        self._origin = to.origin
        if (is_tls := to.scheme == "https") != self._is_tls:
            self._is_tls = is_tls
            self.handle.setopt(pycurl.HEADERFUNCTION, self._take_head if is_tls else None)
        if is_tls and (trusts := self._authorities.path()) != self._trusts:
            self._trusts = trusts
            self.handle.setopt(pycurl.CAINFO, trusts)
        if is_tls and tls_terms != self._tls_terms:
            self._tls_terms = tls_terms
            for option, pem in zip(TLS_TERMS, tls_terms, strict=True):
                self.handle.setopt(option, pem.encode() if pem else None)
        is_distrusted = not self._kept.are_trusted(to.origin)
        self._want_new(is_distrusted)
        if is_distrusted != self._is_kept_unwanted:
            self._is_kept_unwanted = is_distrusted
            self.handle.setopt(pycurl.FORBID_REUSE, is_distrusted)

    def _want_new(self, wanted: bool) -> None:
        if wanted != self._is_new_wanted:
            self._is_new_wanted = wanted
            self.handle.setopt(pycurl.FRESH_CONNECT, wanted)

    def _may_send(self, *ends: Any) -> int:
        """Look at the connection, called by libcurl immediately before it sends, each time that it does."""
        if self._ends is not None:  # libcurl would send a second time what it has lost with a kept connection
            self._stopped = "connection_lost"
            return ABORT
        self._ends = ends
        if self._is_new:
            return GO_ON
        kept = self._carrier = self._kept.find(ends)
        if kept is None or kept.is_taken:  # the request before is over for libcurl, and not yet known to have gone well
            self._carrier = None
            self._is_unfit = True
            return ABORT
        condition = kept.condition(is_tls=self._is_tls)
        if condition is not Condition.QUIET:
            self._is_unfit = True
            if condition is Condition.SPOKE:
                self._kept.distrust(self._origin)
            return ABORT
        if self._is_tls:
            self._read_before = kept.read_so_far()
        kept.is_taken = True
        self._began = time.monotonic()
        return GO_ON

    def _take_head(self, line: bytes) -> int | None:
        """Look where the head of an answer came from, and what it says of the answer's end. Called for TLS alone: it may have
        read on after the answer before, and may end without saying so."""
        if line.startswith(b"HTTP/"):
            self._is_head_over = self._is_chunked = False
            self._is_interim = line.split(maxsplit=2)[1:2] < [b"2"]
        elif line in END_OF_HEAD:
            self._is_head_over = not self._is_interim
        elif line[:18].lower() == b"transfer-encoding:":
            self._is_chunked = True
        if self._is_head_begun:
            return None
        self._is_head_begun = True
        if self._carrier and self._read_before is not None and self._carrier.read_so_far() == self._read_before:
            self._stopped = "stale_answer"
            self._kept.distrust(self._origin)
            return -1
        return None

    def _ended_without_a_word(self, code: int, message: str) -> bool:
        """Whether all that is wrong is that TLS was not closed as it should be after an answer that names no length. Without
        TLS that is an answer like any other."""
        return (
            code == pycurl.E_RECV_ERROR
            and self._is_head_over
            and not self._is_chunked
            and UNEXPECTED_END in message
            and self.handle.getinfo(CONTENT_LENGTH) < 0
        )

    def _remark(self, status: int, is_open_ended: bool) -> str:
        """What is worth telling of an answer beside its status."""
        if is_open_ended:
            return "The connection was closed without a word of TLS, so the answer may be longer."
        if 300 <= status < 400 and (target := self.handle.getinfo_raw(pycurl.REDIRECT_URL)):
            return f"It redirects to {_printable(target.decode('latin-1'))}, which is not followed."[:LONGEST_DETAIL]
        return ""

    def _came_too_soon(self) -> bool:
        """Whether the answer is over sooner than one to this request can have come."""
        return self._carrier is not None and self._carrier.is_too_soon(time.monotonic() - self._began)

    def _keep(self, status: int | None) -> None:
        """Know the connection if libcurl keeps it. One that brought no success is ended: what is still to come after an error,
        such as the late answer behind a gateway's, must not be taken for the answer to another message."""
        is_well = status is not None and 200 <= status < 300
        if is_well and self._carrier is not None:
            self._carrier.is_taken = False
        if self._ends is None or (is_well and self._carrier is not None):
            return
        descriptor = int(self.handle.getinfo(pycurl.ACTIVESOCKET))
        if descriptor < 0:
            return
        if is_well:
            self._kept.keep(self._ends, descriptor)
        else:
            self._kept.end(self._ends, descriptor)

    def _open_socket(self, purpose: int, address: SocketAddress) -> socket.socket | int:
        """The guard: called by libcurl with the very address it is about to connect to."""
        if self._ends is not None:  # for the second time, see `_may_send`
            self._stopped = "connection_lost"
            return int(pycurl.SOCKET_BAD)
        if address.family not in (socket.AF_INET, socket.AF_INET6) or isinstance(address.addr, bytes):
            self._refusal = str(statement("url_refused.no_internet_address"))
            return int(pycurl.SOCKET_BAD)
        refusal = None if self._proxy else self._policy.refusal(str(address.addr[0]))
        if refusal is not None:
            self._refusal = str(refusal)
            return int(pycurl.SOCKET_BAD)
        self._is_new = True
        return socket.socket(address.family, address.socktype, address.protocol)

    def _take_body(self, data: bytes) -> int | None:
        """Keep the head of the body; a body that goes on is cut by refusing to take more."""
        if len(self._body) < MOST_BODY_KEPT:
            self._body += data[: MOST_BODY_KEPT - len(self._body)]
        self._body_bytes += len(data)
        if self._body_bytes > MOST_BODY_READ:
            self._body_was_cut = True
            return -1
        return None

    def _error(self, code: int, message: str) -> str:
        if code == pycurl.E_COULDNT_CONNECT and self._refusal is not None:
            return "refused_address"
        if self._proxy is not None and (error := error_of_proxy(code, message)):
            return error
        return error_of(code, message, int(self.handle.getinfo(pycurl.OS_ERRNO)))

    def _detail(self, error: str, message: str) -> str:
        sentence = self._refusal if error == "refused_address" and self._refusal else detail_of(error)
        if error in EXPLAINED_BY_LIBCURL and message:
            sentence += f" ({_printable(message)})"
        return sentence[:LONGEST_DETAIL]


@lru_cache(maxsize=8192)
def target(url: str) -> ParsedTarget:
    """The one spelling of a URL, which is the one libcurl gets to see; raises Unsendable."""
    try:
        return parse_url(url)
    except UnsafeTarget as error:
        raise Unsendable("invalid_request", str(error)) from error


def unanswered(request: Request, error: str, detail: str | None = None) -> Answer:
    """The answer to a request that never went out or was given up."""
    return Answer(key=request.key, status=None, error=error, detail=detail or detail_of(error))


def _header_lines(headers: tuple[tuple[str, str], ...]) -> list[bytes]:
    """The lines for libcurl, which reads `Name;` as a header without a value and `Name:` as one left out."""
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers]
    text = "\n".join(lines)
    if text.count("\n") >= max(len(lines), 1) or "\r" in text or "\0" in text:
        raise Unsendable("invalid_request", "A header may not contain line breaks.")
    return [*text.encode("latin-1").split(b"\n"), b"Expect:"] if lines else [b"Expect:"]


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
