"""What can go wrong with a request: libcurl's results as stable codes; `worker.sentences` has what each says."""

from __future__ import annotations

import errno

from workwire.kernel.wording import ENGLISH, say
from workwire.worker import sentences as _sentences  # noqa: F401 - registers, also where Django is not loaded
from workwire.worker.delivery.transport.curl import pycurl

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


def detail_of(error: str) -> str:
    """What an error says, as it is kept in the log."""
    return say(f"attempt.{error}", {}, ENGLISH)


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
