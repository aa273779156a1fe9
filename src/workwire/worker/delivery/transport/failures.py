"""What can go wrong with a request: libcurl's results as stable codes, and a sentence for each."""

from __future__ import annotations

import errno

from workwire.worker.delivery.transport.curl import pycurl

SENTENCES = {
    "authorities_unreadable": "The certificates that endpoints are trusted by cannot be read here.",
    "cancelled": "The worker stopped before an answer came.",
    "connect_failed": "No connection to the endpoint could be made.",
    "connect_timeout": "The endpoint did not accept a connection in time.",
    "connection_lost": "The endpoint closed the kept connection instead of answering; it goes again over a new one.",
    "connection_refused": "The endpoint refused the connection.",
    "dns": "The host name does not resolve.",
    "invalid_request": "The message cannot be written as an HTTP request.",
    "protocol": "The endpoint did not answer in proper HTTP.",
    "proxy_failed": "The proxy that messages go through cannot be reached.",
    "proxy_refused": "The proxy that messages go through did not connect to the endpoint.",
    "reset": "The endpoint broke the connection off before its answer was complete.",
    "stale_answer": "What came was no answer to this message: it was there before the message had arrived.",
    "timeout": "The endpoint did not finish its answer in time.",
    "tls": "No trusted TLS connection could be made.",
    "transport_lost": "The process that sends ended before an answer came.",
    "too_late": "Its turn did not come in time.",
    "too_large_headers": "The endpoint sent more headers than are accepted.",
    "unreachable": "The endpoint's network cannot be reached.",
}
CODES = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_GOT_NOTHING: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_PARTIAL_FILE: "reset",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_CERTPROBLEM: "tls",
    pycurl.E_SSL_CACERT_BADFILE: "authorities_unreadable",
    pycurl.E_SSL_ISSUER_ERROR: "tls",
    pycurl.E_URL_MALFORMAT: "invalid_request",
    100: "too_large_headers",  # CURLE_TOO_LARGE, which pycurl has no name for
}
NOT_ACCEPTED = (
    ("response headers", "too_large_headers"),
    ("chunk", "protocol"),
    ("SSL routines::tls", "tls"),  # an alert, such as of one who wants a certificate
    ("SSL routines::ssl", "tls"),
)  # read by libcurl, and yet E_RECV_ERROR
TUNNEL_FAILED = "CONNECT tunnel failed"  # libcurl's words
ANSWER_TIMED_OUT = "Operation timed out"  # libcurl's words; earlier it is "Resolving" or "Connection" that timed out
CONNECT_ERRNOS = {
    errno.ECONNREFUSED: "connection_refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ETIMEDOUT: "connect_timeout",
}
EXPLAINED_BY_LIBCURL = frozenset({"tls", "protocol", "proxy_failed", "proxy_refused"})


def error_of(code: int, message: str, system_error: int) -> str:
    """The error of libcurl's result code that is not 0, its message and the system's last error."""
    if code == pycurl.E_RECV_ERROR:
        return next((error for words, error in NOT_ACCEPTED if words in message), CODES[code])
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return "timeout" if message.startswith(ANSWER_TIMED_OUT) else "connect_timeout"
    if code == pycurl.E_COULDNT_CONNECT:
        return CONNECT_ERRNOS.get(system_error, "connect_failed")
    return CODES.get(code, "protocol")


def error_of_proxy(code: int, message: str) -> str | None:
    """The error where it was the proxy that failed or did not connect, for requests that go through one."""
    if TUNNEL_FAILED in message:
        return "proxy_refused"
    return "proxy_failed" if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_PROXY) else None
