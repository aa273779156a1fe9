"""Deliveries through an egress proxy: how it is asked, and that the guard on addresses holds all the same."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.raw_proxy import RawProxy
from tests.support.raw_server import LOOPBACK, OK, Kind, Sender, Server
from workwire.worker.delivery.transport import ChildProcessTransport, Proxy, ThreadTransport, name_lookup

Lookups = dict[str, tuple[str, ...]]


@pytest.fixture
def authority() -> Authority:
    """Who signs the https server's certificate."""
    return Authority()


@pytest.fixture
def https(authority: Authority, tmp_path: Path) -> Iterator[Server]:
    """A server with TLS."""
    server = Server(lambda connection: connection.sendall(OK), tls=authority.server(tmp_path))
    yield server
    server.socket.close()


@pytest.fixture
def http() -> Iterator[Server]:
    """A server without."""
    server = Server(lambda connection: connection.sendall(OK))
    yield server
    server.socket.close()


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Lookups:
    """What our name server says."""
    known: Lookups = {"localhost": ("127.0.0.1",)}
    monkeypatch.setattr(name_lookup, "addresses_of", lambda host: known.get(host, ()))
    return known


@pytest.fixture
def make(authority: Authority, tmp_path: Path) -> Iterator[Callable[..., Sender]]:
    """Make senders behind a proxy."""
    made: list[Sender] = []

    def sender(
        url: str, kind: Kind = ThreadTransport, *, resolves: bool = False, networks: object = LOOPBACK
    ) -> Sender:
        made.append(Sender(kind, networks, proxy=Proxy(url, resolves), ca_bundle=authority.file(tmp_path)))  # type: ignore[arg-type]  # a tuple of networks
        return made[-1]

    yield sender
    for one in made:
        one.transport.close()


@pytest.mark.parametrize("kind", [ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def test_https_goes_through_a_tunnel_and_http_by_its_url(
    kind: Kind, make: Callable[..., Sender], http: Server, https: Server
) -> None:
    with RawProxy() as proxy:
        sender = make(proxy.url.replace("//", "//us%40er:pass@"), kind)
        for _ in range(2):
            assert [answer.status for answer in sender.send(https.url, http.url)] == [204, 204]
    assert sorted(proxy.lines) == [f"CONNECT 127.0.0.1:{https.port} HTTP/1.1", f"POST {http.url} HTTP/1.1"]
    login = b"Proxy-Authorization: Basic " + b64encode(b"us@er:pass")
    assert all(login in head.split(b"\r\n") for head in proxy.heads)
    tunnel = next(head for head in proxy.heads if head.startswith(b"CONNECT"))
    assert b"Content-Type" not in tunnel  # what is for the endpoint is not for the proxy
    assert (https.connections, http.connections) == (1, 1)


def test_the_proxy_connects_to_the_address_that_was_judged(
    make: Callable[..., Sender], https: Server, http: Server, lookups: Lookups
) -> None:
    """It need not look the name up, and what it thinks of the name does not matter."""
    lookups["localhost"] = ("::1", "127.0.0.1")
    with RawProxy(names={"localhost": "127.0.0.2"}) as proxy:
        sender = make(proxy.url)
        assert sender.send(f"https://localhost:{https.port}/a?")[0].status == 204
        proxy.names["localhost"] = "127.0.0.1"
        assert sender.send(f"http://localhost:{http.port}/b?")[0].status == 204
    assert proxy.lines == [
        f"CONNECT 127.0.0.1:{https.port} HTTP/1.1",
        f"POST http://localhost:{http.port}/b? HTTP/1.1",
    ]
    assert https.heads[0].startswith(b"POST /a? HTTP/1.1\r\nHost: localhost:")
    assert f"Host: localhost:{http.port}".encode() in proxy.heads[1].split(b"\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("resolves", [False, True])
def test_what_leads_inward_is_refused_before_the_proxy_is_asked(
    resolves: bool, scheme: str, make: Callable[..., Sender], lookups: Lookups
) -> None:
    lookups["inside.example"] = ("93.184.215.14", "10.0.0.1")
    lookups["meta.example"] = ("169.254.169.254",)
    hosts = ["10.0.0.1", "2130706433", "[::1]", "[64:ff9b::a00:1]", "169.254.169.254"]
    if not resolves:
        hosts += ["inside.example", "meta.example"]
    with RawProxy() as proxy:
        answers = make(proxy.url, resolves=resolves, networks=()).send(*[f"{scheme}://{host}/" for host in hosts])
    assert {answer.error for answer in answers} == {"refused_address"}
    assert all("public addresses only" in answer.detail for answer in answers)
    assert proxy.lines == []


def test_a_proxy_that_resolves_names_gets_them(
    make: Callable[..., Sender], https: Server, http: Server, lookups: Lookups
) -> None:
    """Hosts behind such a proxy often know no names of the world outside."""
    lookups.clear()
    with RawProxy(names={"localhost": "127.0.0.1"}) as proxy:
        sender = make(proxy.url, resolves=True)
        answers = sender.send(f"https://localhost:{https.port}/", f"http://localhost:{http.port}/")
        assert [answer.status for answer in answers] == [204, 204]
        assert make(proxy.url).send(f"http://localhost:{http.port}/")[0].error == "dns"
    assert sorted(proxy.lines) == [
        f"CONNECT localhost:{https.port} HTTP/1.1",
        f"POST http://localhost:{http.port}/ HTTP/1.1",
    ]


@pytest.mark.parametrize("status", [b"403 No", b"407 Who are you", b"502 Not there"])
def test_a_proxy_that_does_not_connect_is_told_from_an_endpoint_that_does_not_answer(
    status: bytes, make: Callable[..., Sender], https: Server
) -> None:
    with RawProxy(refuses=b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n") as proxy:
        (answer,) = make(proxy.url).send(https.url)
    assert (answer.status, answer.error) == (None, "proxy_refused")
    assert status[:3].decode() in answer.detail
    assert https.connections == 0


def test_a_proxy_that_is_away_is_no_fault_of_the_endpoint(make: Callable[..., Sender], https: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    (answer,) = make(nobody).send(https.url)
    assert answer.error == "proxy_failed"
    (answer,) = make("http://does-not-exist.invalid:3128").send(https.url)
    assert answer.error == "proxy_failed"
