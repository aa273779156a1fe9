"""What a subscription says of TLS: the certificate that is shown to its endpoint, and by whom the endpoint is trusted.

Guarantee: what is saved can be used. The key belongs to the certificate and is stored encrypted; nothing shows it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from workwire.kernel import clock, crypto
from workwire.kernel.errors import Invalid

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription

LONGEST_PEM = 64 * 1024
LONGEST_KEY = 4_000  # holds 4096 bits of RSA; checking twice as many takes some ten seconds


@dataclass(frozen=True, slots=True)
class Described:
    """A certificate as it is shown."""

    subject: str
    issuer: str
    not_after: datetime
    sha256: str


def set_on(subscription: Subscription, certificate: str, key: str | None, authorities: str) -> None:
    """Set them on a subscription that has its URL; None for the key keeps the one it has, so that a certificate can be
    renewed. Raises Invalid."""
    if key is not None or certificate != subscription.client_certificate:
        key = _kept_key(subscription) if key is None and certificate.strip() else key or ""
        subscription.client_certificate, key = _checked(certificate, key)
        subscription.client_key_sealed = crypto.seal(key) if key else ""
    if authorities != subscription.authorities:
        subscription.authorities = _written(_read(authorities, "authorities")) if authorities.strip() else ""
    if (subscription.client_certificate or subscription.authorities) and urlsplit(subscription.url).scheme != "https":
        raise Invalid("certificates_without_tls", field="url")


@lru_cache(maxsize=1024)
def described(pem: str) -> tuple[Described, ...]:
    """The certificates of a checked PEM text, in its order."""
    return tuple(map(_described, x509.load_pem_x509_certificates(pem.encode()) if pem else ()))


def _described(one: x509.Certificate) -> Described:
    return Described(
        one.subject.rfc4514_string(),
        one.issuer.rfc4514_string(),
        one.not_valid_after_utc,
        one.fingerprint(hashes.SHA256()).hex(),
    )


def _checked(pem: str, key: str) -> tuple[str, str]:
    """A client certificate, perhaps followed by its chain, and its key."""
    pem, key = pem.strip(), key.strip()
    if not pem and not key:
        return "", ""
    if not pem:
        raise Invalid("client_certificate_missing", field="client_certificate")
    chain = _read(pem, "client_certificate")
    ours = chain[0]
    if ours.not_valid_after_utc < clock.now():
        raise Invalid("client_certificate_expired", field="client_certificate")
    if not key:
        raise Invalid("client_key_missing", field="client_key")
    if _read_key(key).public_key() != ours.public_key():
        raise Invalid("client_key_mismatch", field="client_key")
    return _written(chain), key


def _kept_key(subscription: Subscription) -> str:
    try:
        return crypto.unseal(subscription.client_key_sealed) if subscription.client_key_sealed else ""
    except InvalidToken as error:
        raise Invalid("client_key_unreadable", field="client_key") from error


def _read(pem: str, field: str) -> list[x509.Certificate]:
    if len(pem) > LONGEST_PEM:
        raise Invalid("certificate_too_long", field=field, most=LONGEST_PEM // 1024)
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for one in found:
            one.subject, one.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("certificate_invalid", field=field) from error
    return found


def _written(certificates: list[x509.Certificate]) -> str:
    """The certificates alone, without what stood between them."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates).decode()


def _read_key(pem: str) -> PrivateKeyTypes:
    if len(pem) > LONGEST_KEY:
        raise Invalid("client_key_too_long", field="client_key", most=LONGEST_KEY)
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError as error:
        raise Invalid("client_key_encrypted", field="client_key") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("client_key_invalid", field="client_key") from error
