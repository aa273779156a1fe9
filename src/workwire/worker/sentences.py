"""What the codes of attempts say: why no answer came. The log keeps the English beside what the network said."""

from workwire.kernel.wording import register

register(
    "worker",
    explanations={
        "attempt.authorities_unreadable": "The certificates that endpoints are trusted by cannot be read here.",
        "attempt.cancelled": "The worker stopped before an answer came.",
        "attempt.connect_failed": "No connection to the endpoint could be made.",
        "attempt.connect_timeout": "The endpoint did not accept a connection in time.",
        "attempt.connection_lost": (
            "The endpoint closed the kept connection instead of answering; it goes again over a new one."
        ),
        "attempt.connection_refused": "The endpoint refused the connection.",
        "attempt.dns": "The host name does not resolve.",
        "attempt.invalid_request": "The message cannot be written as an HTTP request.",
        "attempt.not_composed": "The message could not be composed; the worker's log says why.",
        "attempt.protocol": "The endpoint did not answer in proper HTTP.",
        "attempt.proxy_failed": "The proxy that messages go through cannot be reached.",
        "attempt.proxy_refused": "The proxy that messages go through did not connect to the endpoint.",
        "attempt.reset": "The endpoint broke the connection off before its answer was complete.",
        "attempt.secret_unreadable": "The stored secret cannot be read with the keys of this installation.",
        "attempt.stale_answer": "What came was no answer to this message: it was there before the message had arrived.",
        "attempt.timeout": "The endpoint did not finish its answer in time.",
        "attempt.tls": "No trusted TLS connection could be made.",
        "attempt.too_large_headers": "The endpoint sent more headers than are accepted.",
        "attempt.too_late": "Its turn did not come in time.",
        "attempt.transport_lost": "The process that sends ended before an answer came.",
        "attempt.unreachable": "The endpoint's network cannot be reached.",
    },
)
