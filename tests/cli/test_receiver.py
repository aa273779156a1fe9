"""The local receiver judges what arrives."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from workwire.cli.receiver import LONGEST_BODY, Receiver
from workwire.reactions.webhooks import signing

GUID = "0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b81"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that expects one subscription."""
    made = Receiver(secrets={GUID: signing.new_secret()})
    made.start()
    yield made
    made.stop()


def _post(receiver: Receiver, body: bytes, secret: str, subscription: str = GUID, **more: str) -> int:
    now = int(time.time())
    headers = {
        "Webhook-Subscription": subscription,
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": signing.sign([secret], "msg_1", now, body),
    } | more
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=5)
    connection.request("POST", "/", body, headers)
    return connection.getresponse().status


def test_a_right_message_is_taken_and_a_wrong_one_is_not(receiver: Receiver) -> None:
    body = json.dumps({"GUID": "x"}).encode()
    assert _post(receiver, body, receiver.secrets[GUID]) == 204
    assert _post(receiver, body, signing.new_secret()) == 401
    assert _post(receiver, body, receiver.secrets[GUID], subscription="another") == 401
    assert [message.verified for message in receiver.messages] == [True, False, False]
    assert receiver.messages[0].header("webhook-ID") == "msg_1"


def test_it_fails_as_often_as_told(receiver: Receiver) -> None:
    receiver.fail_first = 2
    assert [_post(receiver, b"{}", receiver.secrets[GUID]) for _ in range(3)] == [500, 500, 204]


def test_bad_requests_do_not_stop_it(receiver: Receiver) -> None:
    assert _post(receiver, b"no json", receiver.secrets[GUID]) == 400
    assert _post(receiver, b"{}", receiver.secrets[GUID], **{"Content-Length": str(LONGEST_BODY + 1)}) == 413
    assert _post(receiver, b"{}", receiver.secrets[GUID]) == 204
