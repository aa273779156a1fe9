"""Where a webhook may not go: every row of the table against the text check, both doors, and the transport that connects."""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.conf import settings

from tests.attacks.destinations import HOSTS, WELL_FORMED, inward, refused
from tests.doors.conftest import Caller
from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer
from workwire.kernel.addresses import METADATA, AddressPolicy, Network, UnsafeTarget, check_url
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Subscription
from workwire.worker.delivery.transport import Answer, ChildProcessTransport, Request, ThreadTransport


def _has_ipv6() -> bool:
    try:
        socket.socket(socket.AF_INET6).close()
    except OSError:
        return False
    return True


CREATING = ("create", "SubscribeToWebhook")
NOTHING_WAS_SENT = {"refused_address", "invalid_request"} | (set() if _has_ipv6() else {"dns", "connect_failed"})


@pytest.fixture
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation as it comes, without networks that an operator allowed."""
    strict = settings.CONFIG.model_copy(update={"webhook_allowed_networks": []})
    monkeypatch.setattr(settings, "CONFIG", strict)


def test_no_row_passes_the_text_check() -> None:
    for url in refused():
        with pytest.raises(UnsafeTarget, match=r"\.$"):
            check_url(url, AddressPolicy())
    assert [check_url(url, AddressPolicy()).url.isascii() for url in WELL_FORMED] == [True] * len(WELL_FORMED)


@pytest.mark.skipif(ON_POSTGRES, reason="what is refused unseen does not depend on the database")
def test_no_row_can_be_saved_through_either_door(
    builder: Caller,
    first: Customer,
    nothing_allowed: None,
) -> None:
    filtered = {"filter_type": "company", "filter_guid": str(first.company.guid)}
    named = {"FilterObjectType": "Company", "FilterObjectGUID": str(first.company.guid)}
    made = builder.api("POST", "/subscriptions", {"webhook": "PacketCreated", "url": "http://8.8.8.8/", **filtered})
    assert made.status_code == 201
    guid, before = made.json()["guid"], Event.objects.count()
    doors: dict[str, tuple[Callable[[str], Any], int]] = {
        "create": (lambda url: builder.api("POST", "/subscriptions", {"webhook": "0", "url": url, **filtered}), 422),
        "change": (lambda url: builder.api("PATCH", f"/subscriptions/{guid}", {"url": url}), 422),
        "SubscribeToWebhook": (
            lambda url: builder.webapi(
                "WebHookSubscription/SubscribeToWebhook", {"Webhook": "PacketCreated", "SubscriberURL": url, **named}
            ),
            400,
        ),
        "UpdateWebhookSubscription": (
            lambda url: builder.webapi(
                "WebHookSubscription/UpdateWebhookSubscription", {"GUID": guid, "SubscriberURL": url}
            ),
            400,
        ),
    }
    passed = [
        (door, url, answer.status_code, answer.content[:200])
        for number, url in enumerate(refused())
        for door, (call, status) in doors.items()
        if door in CREATING or (url and number % 5 == 0)  # the check is one; an empty text there means: leave it
        if (answer := call(url)).status_code != status or b"URL" not in answer.content.upper()
    ]
    assert passed == []
    assert (Subscription.objects.count(), Event.objects.count()) == (1, before)
    assert Subscription.objects.get().url == "http://8.8.8.8/"


@pytest.mark.parametrize("kind", [ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def test_no_row_is_connected_to_whatever_was_saved(kind: type[ThreadTransport | ChildProcessTransport]) -> None:
    """The table as if it had come past every check before: nothing but refusals, at once, with a sentence for people."""
    answers = _send(kind, (), refused())
    assert {url: answer.error for url, answer in answers.items() if answer.error not in NOTHING_WAS_SENT} == {}
    assert all(answer.status is None and answer.detail.endswith(".") for answer in answers.values())
    assert all(answer.remote_address is None for answer in answers.values())


@pytest.mark.parametrize("kind", [ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def test_an_allowed_network_opens_no_other(kind: type[ThreadTransport | ChildProcessTransport]) -> None:
    """With one loopback address allowed, only its own plain forms are connected to (where nobody listens)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    urls = list(inward(port))
    answers = _send(kind, (ip_network("127.0.0.1/32"),), urls)
    tried = [url for url, answer in answers.items() if answer.error not in NOTHING_WAS_SENT]
    connected = {url.removeprefix("http://").removesuffix(f":{port}/hook") for url in tried}
    assert {answer.error for answer in answers.values()} - NOTHING_WAS_SENT == {"connection_refused"}
    assert {"127.0.0.1", "2130706433", "0x7f.1", "127.0.0.1."} <= connected
    inside = AddressPolicy((ip_network("127.0.0.1/32"),))
    hosts = {check_url(f"http://{host}/", inside).host for host in connected}
    assert hosts <= {"127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1"}


def test_a_metadata_service_is_opened_by_its_own_address_only() -> None:
    wide = AddressPolicy((ip_network("0.0.0.0/0"), ip_network("::/0")))
    assert [str(address) for address in METADATA if wide.refusal(str(address)) is None] == []
    assert wide.refusal("10.0.0.1") is None
    for text in HOSTS["metadata"].split():
        address = ip_address(text.strip("[]"))
        if address in METADATA:
            assert AddressPolicy((ip_network(address),)).refusal(str(address)) is None
    assert all(wide.refusal(host.strip("[]")) for host in HOSTS["tunnels"].split() if "fe80" not in host)


def _send(
    kind: type[ThreadTransport | ChildProcessTransport], networks: tuple[Network, ...], urls: list[str]
) -> dict[str, Answer]:
    answered: queue.Queue[list[Answer]] = queue.Queue()
    transport = kind(networks, answered.put, max_in_flight=64, max_per_host=16)
    try:
        transport.submit([Request(number, url, (), b"{}", 1.0, 2.0) for number, url in enumerate(urls)])
        found: dict[str, Answer] = {}
        while len(found) < len(urls):
            found |= {urls[answer.key]: answer for answer in answered.get(timeout=20)}
    finally:
        transport.close()
    return found
