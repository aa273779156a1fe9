"""Signatures against the published vector and an independent implementation."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from workwire.reactions.webhooks import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def _headers(signature: str, at: int = AT) -> dict[str, str]:
    return {"Webhook-Id": ID, "Webhook-Timestamp": str(at), "Webhook-Signature": signature}


def test_the_published_vector() -> None:
    assert signing.sign([SECRET], ID, AT, BODY) == SIGNATURE
    signing.verify([SECRET], _headers(SIGNATURE), BODY, now=AT)


@given(st.binary(max_size=500), st.binary(min_size=24, max_size=64))
def test_what_we_sign_the_independent_package_signs_alike(body: bytes, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    text = body.decode("latin-1")
    theirs = Webhook(secret).sign(ID, datetime.fromtimestamp(AT, UTC), text)
    assert signing.sign([secret], ID, AT, text.encode()) == theirs


@given(st.binary(min_size=1, max_size=200), st.integers(min_value=0))
def test_a_changed_body_does_not_verify(body: bytes, place: int) -> None:
    signature = signing.sign([SECRET], ID, AT, body)
    changed = bytearray(body)
    changed[place % len(body)] ^= 1
    with pytest.raises(signing.SignatureInvalid):
        signing.verify([SECRET], _headers(signature), bytes(changed), now=AT)


def test_two_secrets_sign_twice_and_either_verifies() -> None:
    old, new = signing.new_secret(), signing.new_secret()
    signature = signing.sign([new, old], ID, AT, BODY)
    assert len(signature.split(" ")) == 2
    for secret in (old, new):
        signing.verify([secret], _headers(signature), BODY, now=AT)
    with pytest.raises(signing.SignatureInvalid, match="no signature"):
        signing.verify([signing.new_secret()], _headers(signature), BODY, now=AT)


@pytest.mark.parametrize("now", [AT - 301, AT + 301])
def test_another_time_does_not_verify(now: int) -> None:
    with pytest.raises(signing.SignatureInvalid, match="timestamp"):
        signing.verify([SECRET], _headers(SIGNATURE), BODY, now=now)


@pytest.mark.parametrize("missing", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_does_not_verify(missing: str) -> None:
    headers = {name: value for name, value in _headers(SIGNATURE).items() if name != missing}
    with pytest.raises(signing.SignatureInvalid, match="header"):
        signing.verify([SECRET], headers, BODY, now=AT)


@pytest.mark.parametrize("length", [0, 23, 65])
def test_secrets_have_24_to_64_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        signing.check_secret("whsec_" + base64.b64encode(b"x" * length).decode())


def test_a_new_secret_is_a_secret() -> None:
    assert len(signing.check_secret(signing.new_secret())) == 32
    with pytest.raises(ValueError, match="base64"):
        signing.check_secret("whsec_%%%")
