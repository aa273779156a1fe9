"""The test of an endpoint is no scanner: the guard of sending, rebinding, slow endpoints, quotas, and nothing is sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.test import Client

from tests.support.certificates import Authority
from tests.support.organisation import Organisation
from tests.support.raw_server import LOOPBACK
from tests.web import gallery, traffic
from workwire.access import sessions
from workwire.jobs import queries as jobs
from workwire.jobs import running
from workwire.kernel import clock
from workwire.kernel.errors import Forbidden, Invalid, Limited
from workwire.reactions.webhooks import reachability
from workwire.reactions.webhooks.tls_terms import LONGEST_PEM
from workwire.worker.delivery.transport import Proxy, probing
from workwire.worker.delivery.transport.probing import Seen, probe
from workwire.worker.endpoint_probes import LANE

SECONDS = 5.0
INSIDE = ("127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "::ffff:10.0.0.7", "64:ff9b::7f00:1", "fd00::1")


class Listener:
    """A port that accepts connections and keeps what arrives on them; it shakes hands where it has a certificate."""

    def __init__(self, tls: object = None) -> None:
        self._server, self._tls = socket.create_server(("127.0.0.1", 0)), tls
        self.port = self._server.getsockname()[1]
        self.arrived: list[bytes] = []
        self.accepted = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            with connection:
                if self._tls is None:
                    self._over.wait()
                    continue
                try:
                    with self._tls.wrap_socket(connection, server_side=True) as secured:  # type: ignore[attr-defined]  # set before the thread starts
                        self.arrived.append(secured.recv(100))
                except OSError:
                    self.arrived.append(b"")

    def close(self) -> None:
        """End, and wait for it."""
        self._over.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


@contextmanager
def listening(tls: object = None) -> Iterator[Listener]:
    """A listener for a while."""
    listener = Listener(tls)
    try:
        yield listener
    finally:
        listener.close()


def _resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name have these addresses; returns the names that are asked for."""
    asked: list[str] = []

    def look_up(host: str) -> tuple[str, ...]:
        asked.append(host)
        return addresses

    monkeypatch.setattr(probing, "addresses_of", look_up)
    return asked


def _near(url: str, **more: object) -> Seen:
    return probe(url, LOOPBACK, seconds=SECONDS, **more)  # type: ignore[arg-type] # free options


def test_a_trusted_endpoint_is_told_with_its_certificate_and_gets_nothing(tmp_path: Path) -> None:
    authority = Authority("ours")
    with listening(authority.server(tmp_path)) as listener:
        seen = _near(f"https://127.0.0.1:{listener.port}/in?key=1", authorities=authority.certificate.decode())
    assert (seen.code, seen.address) == ("", "127.0.0.1")
    assert seen.protocol.startswith("TLSv1.")
    assert seen.certificate["subject"] == "CN=a test"
    assert seen.certificate["issuer"] == "CN=ours"
    assert None not in (seen.connect, seen.handshake)
    assert listener.arrived == [b""]


def test_what_is_wrong_with_a_certificate_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = Authority("ours"), Authority("another's")
    _resolving(monkeypatch, "127.0.0.1")
    with listening(ours.server(tmp_path)) as listener:
        at = f"https://127.0.0.1:{listener.port}/"
        assert _near(at, authorities=other.certificate.decode()).code == "certificate.unknown_authority"
        named = f"https://elsewhere.example:{listener.port}/"
        assert _near(named, authorities=ours.certificate.decode()).code == "certificate.other_name"
        assert _near(at, authorities="no certificate").code == "authorities_unreadable"
    assert set(listener.arrived) == {b""}


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_connected_to_whatever_a_name_says(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, address)
    monkeypatch.setattr(socket, "create_connection", lambda *_told, **_more: pytest.fail("it connected"))
    seen = probe("https://inside.example/", (), seconds=SECONDS)
    assert seen.code == "refused_address"
    assert address not in seen.detail
    assert (seen.address, seen.connect) == ("", None)
    proxied = probe("https://inside.example/", (), seconds=SECONDS, proxy=Proxy("http://127.0.0.1:9"))
    assert proxied.code == "refused_address"


def test_a_name_is_asked_for_once_and_the_judged_address_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _resolving(monkeypatch, "127.0.0.1", "203.0.113.9")
    tried: list[str] = []

    def connect(place: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(place[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    seen = probe("http://turns.example/", [ip_network("203.0.113.0/24")], seconds=SECONDS)
    assert (asked, tried) == (["turns.example"], ["203.0.113.9"])
    assert seen.code == "connection_refused"


def test_a_slow_endpoint_and_a_silent_name_server_are_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as listener:
        seen = probe(f"https://127.0.0.1:{listener.port}/", LOOPBACK, seconds=0.2)
    assert seen.code == "connect_timeout"
    silent = threading.Event()
    monkeypatch.setattr(probing, "addresses_of", lambda _host: silent.wait() and ())
    assert probe("https://silent.example/", (), seconds=0.1).code == "dns"
    silent.set()


def test_the_proxy_is_asked_and_an_http_endpoint_behind_it_is_not_tested() -> None:
    assert _near("http://127.0.0.1:9/", proxy=Proxy("http://127.0.0.1:9")).code == "http_by_proxy"
    assert _near("https://127.0.0.1:9/", proxy=Proxy("http://127.0.0.1:9")).code == "proxy_failed"


def test_an_account_has_few_tests_and_all_accounts_together_not_many(organisation: Organisation) -> None:
    actors = {name: sessions.actor_for(account.user) for name, account in organisation.accounts.items()}
    one, other = actors[traffic.WHO], actors["process builder"]
    with clock.frozen(clock.now()) as advance:
        reachability.ask("https://203.0.114.7/", by=one)
        with pytest.raises(Limited):
            reachability.ask("https://203.0.114.7/", by=one)
        reachability.ask("https://203.0.114.7/", by=other)
        advance(reachability.MINUTE + timedelta(seconds=1))
        reachability.ask("https://203.0.114.7/", by=one)
    with pytest.raises(Forbidden):
        reachability.ask("https://203.0.114.7/", by=actors["team member"])
    for url in ("http://169.254.169.254/", "ftp://example.com/", "http://user@example.com/", "http://[fd00::1]/"):
        with pytest.raises(Invalid):
            reachability.ask(url, by=other)


def test_ended_tests_count_for_a_minute(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    one = sessions.actor_for(organisation.accounts[traffic.WHO].user)
    with clock.frozen(clock.now()):
        for _ in range(reachability.MOST_IN_A_MINUTE):
            reachability.ask("http://127.0.0.1:9/", by=one)
            running.turn(LANE)
        with pytest.raises(Limited):
            reachability.ask("http://127.0.0.1:9/", by=one)
    other = sessions.actor_for(organisation.accounts["process builder"].user)
    monkeypatch.setattr(reachability, "MOST_OF_ALL", 3)
    with pytest.raises(Limited):
        reachability.ask("http://127.0.0.1:9/", by=other)


def test_the_page_tells_what_the_worker_saw(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability.time, "sleep", lambda _seconds: running.turn(LANE))
    browser: Client = gallery.signed_in(organisation.accounts[traffic.WHO])
    wish = {"webhook": "PacketUpdated", "step": "test"}
    with listening() as listener:
        url = f"http://127.0.0.1:{listener.port}/"
        text = browser.post("/webhooks/subscribe", {**wish, "url": url}).content.decode()
    assert "Reachable, but without TLS" in text
    assert f'value="{url}"' in text
    part = browser.post(
        "/webhooks/subscribe",
        {**wish, "url": "http://127.0.0.1:9/"},
        headers={"HX-Request": "true", "HX-Target": "reach"},
    )
    assert part.content.startswith(b'<div id="reach">')
    assert b"refused the connection" in part.content
    refused = browser.post("/webhooks/subscribe", {**wish, "url": "http://169.254.169.254/"})
    assert refused.status_code == 422
    assert "169.254.169.254" not in refused.content.decode().partition('id="reach"')[2]


@pytest.mark.parametrize(
    "authorities", ["\x00", "-----BEGIN\x00CERTIFICATE-----", "x" * (LONGEST_PEM + 1), "\u00e4" * LONGEST_PEM]
)
def test_authorities_that_no_job_can_hold_are_refused_and_no_job_is_made(
    organisation: Organisation, authorities: str
) -> None:
    account = organisation.accounts[traffic.WHO]
    with pytest.raises(Invalid) as refused:
        reachability.ask("https://203.0.114.7/", authorities, by=sessions.actor_for(account.user))
    assert refused.value.field == "authorities"
    wish = {"webhook": "PacketUpdated", "step": "test", "url": "https://203.0.114.7/", "authorities": authorities}
    answer = gallery.signed_in(account).post("/webhooks/subscribe", wish)
    assert answer.status_code == 422
    assert str(refused.value) in unescape(answer.content.decode()).partition('id="reach"')[2]
    assert not jobs.of_kind(reachability.KIND, since=clock.now() - reachability.MINUTE)
