"""Line breaks and their like in what subscribers may choose: refused when saved, and never on the wire."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from tests.doors.conftest import Caller
from tests.support.organisation import Customer
from tests.support.receiver import Receiver
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Subscription
from workwire.worker.delivery.transport import Answer, ChildProcessTransport, Request, ThreadTransport

BREAKS = ("\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x7f")
NAMES = (
    *(f"X-A{mark}X-B" for mark in BREAKS),
    *("X A", "X:", ":X", "X:A", "(X)", "X@", "Ünd", "X-\u0130", "X\ud800", "x" * 101, '"X"', "X;", "X,Y", "X\\"),
    *("Host", "hOsT", "Content-Length", "Content-Type", "Transfer-Encoding", "TE", "Connection", "Upgrade", "Expect"),
    *("Webhook-Signature", "webhook-anything", "Proxy-Authorization", "Sec-Fetch-Site", "X-Forwarded-For", "Via"),
)
VALUES = (*(f"a{mark}X-Injected: b" for mark in BREAKS), "Ü", "\u2603", "\ud800", "x" * 4097, "a\x1bb", "\uff0d")
CREATING = ("create", "SubscribeToWebhook")


def _doors(builder: Caller, url: str, customer: Customer, guid: str) -> Any:
    """The two doors, creating and changing: (door, call with name and value, statuses of a refusal)."""
    filtered = {"filter_type": "company", "filter_guid": str(customer.company.guid)}
    named = {"FilterObjectType": "Company", "FilterObjectGUID": str(customer.company.guid)}
    webapi = "WebHookSubscription/"

    def rest(name: str, value: str, **more: Any) -> dict[str, Any]:
        return {"header_name": name, "header_value": value, **more}

    def documented(name: str, value: str, **more: Any) -> dict[str, Any]:
        return {"CustomHeader": name, "CustomHeaderValue": value, **more}

    whole, also = (
        {"webhook": "PacketCreated", "url": url, **filtered},
        {"Webhook": "PacketCreated", "SubscriberURL": url},
    )
    return {
        "create": lambda name, value: builder.api("POST", "/subscriptions", rest(name, value, **whole)),
        "change": lambda name, value: builder.api("PATCH", f"/subscriptions/{guid}", rest(name, value)),
        "SubscribeToWebhook": lambda name, value: builder.webapi(
            f"{webapi}SubscribeToWebhook", documented(name, value, **also, **named)
        ),
        "UpdateWebhookSubscription": lambda name, value: builder.webapi(
            f"{webapi}UpdateWebhookSubscription", documented(name, value, GUID=guid)
        ),
    }


def test_no_header_that_breaks_or_forges_is_saved(builder: Caller, first: Customer, receiver: Receiver) -> None:
    filtered = {"filter_type": "company", "filter_guid": str(first.company.guid)}
    wish = {
        "webhook": "PacketCreated",
        "url": receiver.url("/"),
        "header_name": "X-Key",
        "header_value": "k",
        **filtered,
    }
    guid = builder.api("POST", "/subscriptions", wish).json()["guid"]
    before = Event.objects.count()
    doors = _doors(builder, receiver.url("/"), first, guid)
    tried = [*((name, "value") for name in NAMES), *(("X-Name", value) for value in VALUES), ("X-Name", ""), ("", "v")]
    passed = [
        (door, name, value, answer.status_code, answer.content[:200])
        for name, value in tried
        for door, call in doors.items()
        if name or door in CREATING  # without a name a change takes the header away
        if (answer := call(name, value)).status_code not in (400, 422)
    ]
    assert passed == []
    assert (Subscription.objects.count(), Event.objects.count()) == (1, before)
    assert Subscription.objects.get().header_name == "X-Key"


def test_outer_blanks_are_trimmed_and_nothing_else_is_changed(
    builder: Caller, first: Customer, receiver: Receiver
) -> None:
    doors = _doors(builder, receiver.url("/"), first, "")
    assert doors["create"](" X-Key\t", " a b\r\n").status_code == 201
    assert doors["SubscribeToWebhook"]("X-Key ", "\na b").status_code == 200
    assert {row.header_name for row in Subscription.objects.all()} == {"X-Key"}


class Wire:
    """A socket that keeps every byte that comes and answers each connection once, when its request is whole."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                heard = b""
                while not heard.endswith(b"\r\n\r\n{}"):
                    part = connection.recv(65536)
                    if not part:
                        break
                    heard += part
                self.heard.append(heard)
                connection.sendall(b"HTTP/1.1 204 OK\r\nConnection: close\r\n\r\n")


@contextmanager
def _sending(kind: type[ThreadTransport | ChildProcessTransport]) -> Iterator[Any]:
    answered: queue.Queue[list[Answer]] = queue.Queue()
    transport = kind((ip_network("127.0.0.0/8"),), answered.put, max_in_flight=4, max_per_host=1)

    def send(url: str, *headers: tuple[str, str]) -> Answer:
        transport.submit([Request(1, url, headers, b"{}", 1.0, 3.0)])
        return answered.get(timeout=10)[0]

    yield send
    transport.close()


@pytest.mark.parametrize("kind", [ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def test_no_line_break_gets_on_the_wire_whatever_was_saved(kind: type[ThreadTransport | ChildProcessTransport]) -> None:
    """The last gate, for what might have come past all others."""
    wire = Wire()
    with _sending(kind) as send:
        url = f"http://127.0.0.1:{wire.port}/hook"
        for mark in ("\r\n", "\n", "\r", "\x00", "\r\n\r\n", "\n "):
            for header in ((f"X-A{mark}X-Injected", "b"), ("X-A", f"b{mark}X-Injected: c"), (f"X-A{mark}", "")):
                assert send(url, ("Content-Type", "application/json"), header).error == "invalid_request"
            assert send(f"{url}{mark}X-Injected: b").error == "invalid_request"
        assert send(url, ("X-A", "\u2603")).error == "invalid_request"
        assert send(url, ("X-A", "\ud800")).error == "invalid_request"
        assert send(url, ("X-A", "\x85 \xa0 \xff")).status == 204  # bytes that break no line in HTTP
    wire.close()
    assert len(wire.heard) == 1
    assert b"Injected" not in wire.heard[0]


@pytest.mark.parametrize(
    ("rest", "target"),
    [
        ("", b"/"),
        ("/%0d%0aX-Injected:%20b", b"/%0D%0AX-Injected:%20b"),
        ("/a/../../b/./c//d", b"/a/../../b/./c//d"),
        ("/%2e%2e/%2e%2e", b"/%2E%2E/%2E%2E"),
        ("/ü?ö=ä", b"/%C3%BC?%C3%B6=%C3%A4"),
        ("?only=query", b"/?only=query"),
        ("/?", b"/?"),
        ("/a;b=c?d=e&f=%00", b"/a;b=c?d=e&f=%00"),
        ("/{x}|y^`z", b"/%7Bx%7D%7Cy%5E%60z"),
        ("/[1-9]", b"/%5B1-9%5D"),
        ("/?" + "x" * 2000, b"/?" + b"x" * 2000),
    ],
)
def test_a_request_is_one_line_with_one_host_and_one_length(rest: str, target: bytes) -> None:
    wire = Wire()
    with _sending(ThreadTransport) as send:
        assert send(f"http://127.0.0.1:{wire.port}{rest}", ("X-Own", "a")).status == 204
    wire.close()
    (heard,) = wire.heard
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    assert first == b"POST " + target + b" HTTP/1.1"
    names = sorted(line.partition(b":")[0].lower() for line in headers)
    assert names.count(b"host") == names.count(b"content-length") == 1
    assert b"Host: 127.0.0.1:%d" % wire.port in headers
    assert not {b"transfer-encoding", b"expect", b"accept-encoding", b"authorization", b"cookie"} & set(names)
    assert body == b"{}"
