"""The receiver that other tests lean on: it records what comes as it comes, and answers as it is told."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.receiver import Receiver
from tests.support.waiting import eventually

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Answer = tuple[int, list[tuple[str, str]], bytes]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def _send(receiver: Receiver, path: str = "/hook", body: bytes = b"{}", method: str = "POST", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=5)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def test_it_records_what_came_in_order_and_with_duplicates(receiver: Receiver) -> None:
    before = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=5)
    connection.putrequest("POST", "/hook?a=1", skip_accept_encoding=True)
    for name, value in (("X-B", "2"), ("x-a", "1"), ("X-B", "3"), ("Content-Length", "4")):
        connection.putheader(name, value)
    connection.endheaders(b"\x00\xff{}")
    assert connection.getresponse().status == 204
    connection.close()
    (request,) = receiver.wait_for(1)
    assert (request.method, request.path, request.body) == ("POST", "/hook?a=1", b"\x00\xff{}")
    assert request.headers[1:] == [("X-B", "2"), ("x-a", "1"), ("X-B", "3"), ("Content-Length", "4")]
    assert before <= request.at <= time.monotonic()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_it_records_other_methods_too(method: str, receiver: Receiver) -> None:
    _send(receiver, method=method)
    assert receiver.wait_for(1)[0].method == method


def test_it_answers_as_told_so_often_and_by_path(receiver: Receiver) -> None:
    receiver.script("/hook", status=503, headers=[("Retry-After", "7")], body=b"busy", times=2)
    answers = [_send(receiver, path) for path in ("/hook", "/other", "/hook", "/hook")]
    assert [status for status, _, _ in answers] == [503, 204, 503, 204]
    assert ("Retry-After", "7") in answers[0][1]
    assert answers[0][2] == b"busy"


def test_it_answers_slowly(receiver: Receiver) -> None:
    receiver.script("/hook", status=200, body=b"abcd", stall=0.1, drip=0.05)
    begun = time.monotonic()
    assert _send(receiver)[2] == b"abcd"
    assert time.monotonic() - begun >= 0.25


def test_it_stops_at_once_while_it_stalls() -> None:
    begun = time.monotonic()
    with Receiver() as receiver:
        receiver.script("/hook", stall=60.0)
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=5)
        connection.request("POST", "/hook", b"{}")
        receiver.wait_for(1)
    connection.close()
    assert time.monotonic() - begun < 10


def test_a_client_that_goes_while_it_stalls_was_not_answered(receiver: Receiver) -> None:
    receiver.script("/hook", stall=60.0)
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=5)
    connection.request("POST", "/hook", b"{}")
    receiver.wait_for(1)
    connection.close()
    eventually(lambda: receiver.answered, 10)
    assert [one.status for one in receiver.answered] == [0]


def test_it_hangs_up_before_the_answer_or_in_its_middle(receiver: Receiver) -> None:
    receiver.script("/hook", hang_up=True)
    with pytest.raises(http.client.RemoteDisconnected):
        _send(receiver)
    receiver.script("/hook", status=200, body=b"abcdef", cut=2)
    with pytest.raises(http.client.IncompleteRead) as caught:
        _send(receiver)
    assert caught.value.partial == b"ab"


def test_waiting_is_for_a_number_or_a_condition_and_ends(receiver: Receiver) -> None:
    _send(receiver)
    assert len(receiver.wait_for(1)) == 1
    assert receiver.wait_for(lambda requests: any(request.path == "/hook" for request in requests))
    with pytest.raises(TimeoutError, match="only 1 requests"):
        receiver.wait_for(2, timeout=0.05)


def test_it_verifies_signatures(receiver: Receiver) -> None:
    now = datetime.now(UTC)
    signed = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign("msg_1", now, '{"a":1}'),
    }
    _send(receiver, body=b'{"a":1}', **signed)
    _send(receiver, body=b'{"a":2}', **signed)
    right, forged = receiver.wait_for(2)
    assert right.verify(SECRET) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        forged.verify(SECRET)
