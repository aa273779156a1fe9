"""Certificates in PEM: those an installation or a subscription trusts, and those it shows of itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def count_trusted(pem: str) -> int:
    """How many authorities a PEM text holds; raises ValueError with a sentence where there are none or one is broken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("no certificates in PEM are in it, or one of them cannot be read") from error
    return context.cert_store_stats()["x509"]


def count_trusted_in(path: Path) -> int:
    """How many authorities a file holds; raises ValueError with a sentence."""
    text = _text_of(path)
    try:
        return count_trusted(text)
    except ValueError as error:
        raise ValueError(f"{path} is of no use: {error}") from error


def last_end_in(path: Path) -> datetime | None:
    """The moment from which none of the authorities in a readable file counts any more; None where it says nothing of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=_text_of(path))
    ends = (ssl.cert_time_to_seconds(str(one["notAfter"])) for one in context.get_ca_certs())
    return max((datetime.fromtimestamp(end, UTC) for end in ends), default=None)


def _text_of(path: Path) -> str:
    try:
        text = path.read_bytes().decode("latin-1")  # comments between them may be in whatever encoding
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    return "".join(char if char.isascii() else "?" for char in text)


def system_authorities() -> Path | None:
    """The system's trusted certificates; libraries look for them where their build machine had them."""
    found = ssl.get_default_verify_paths().cafile
    candidates = [found, *SYSTEM_FILES] if found else list(SYSTEM_FILES)
    return next((path for name in candidates if (path := Path(name)).is_file()), None)
