"""Signatures of Standard Webhooks: HMAC-SHA256 over ``id.timestamp.body``, one entry per valid secret. Pure.

Source: Standard Webhooks specification, version 1. Secrets are ``whsec_`` and the base64 of 24 to 64 random bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Mapping, Sequence

from workwire.kernel.errors import Invalid

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64
TOLERANCE = 300


class SignatureInvalid(Exception):
    """The message is not signed by any of the secrets, or not now; the text says which."""


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def secret_of(given: str | None) -> str:
    """The secret that is brought, a fresh one where none is; raises Invalid for one that is none."""
    if given is None:
        return new_secret()
    try:
        if not given.startswith(PREFIX):
            raise ValueError(f"a secret begins with {PREFIX}")
        check_secret(given)
    except ValueError as error:
        raise Invalid("secret_invalid", field="secret") from error
    return given


def check_secret(text: str) -> bytes:
    """The key bytes of a secret; raises ValueError for one that is not 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a secret is whsec_ followed by base64") from error
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a secret has {FEWEST_BYTES} to {MOST_BYTES} bytes")
    return key


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header value: one ``v1,<base64>`` for each secret, separated by single spaces."""
    return signature([key_of(secret) for secret in secrets], message_id, timestamp, body)


def key_of(secret: str) -> hmac.HMAC:
    """A secret made ready to sign with; raises ValueError like `check_secret`."""
    return hmac.new(check_secret(secret), digestmod=hashlib.sha256)


def signature(keys: Sequence[hmac.HMAC], message_id: str, timestamp: int, body: bytes) -> str:
    """The header value for secrets made ready by `key_of`."""
    entries = []
    for key in keys:
        mac = key.copy()
        mac.update(f"{message_id}.{timestamp}.".encode() + body)
        entries.append("v1," + base64.b64encode(mac.digest()).decode())
    return " ".join(entries)


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
    tolerance: int = TOLERANCE,
) -> None:
    """Check that a message is signed by one of the secrets within `tolerance` seconds; raises SignatureInvalid."""
    named = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp, given = (named[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        timestamp = int(stamp)
    except (KeyError, ValueError) as error:
        raise SignatureInvalid("a signature header is missing or malformed") from error
    if abs((time.time() if now is None else now) - timestamp) > tolerance:
        raise SignatureInvalid("the timestamp is too far from now")
    right = sign(secrets, message_id, timestamp, body).split(" ")
    # every pair is compared, so that the time taken tells nothing about which one was close
    matches = [hmac.compare_digest(one, other) for one in given.split(" ") for other in right]
    if not any(matches):
        raise SignatureInvalid("no signature fits")
