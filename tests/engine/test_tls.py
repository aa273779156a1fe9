"""TLS: whom the transport trusts, also after the file of authorities has changed, and how an answer may end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.raw_server import OK, Sender, Server, Talk
from tests.support.waiting import eventually, linger
from workwire.worker.delivery.transport import ChildProcessTransport, Request, ThreadTransport

HEAD = b"HTTP/1.1 200 OK\r\nX-Y: z\r\n"


class Site:
    """Servers of one authority, and a file that may name it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.authority, self.other = folder, Authority("ours"), Authority("another's")
        self.file, self._servers = folder / "trusted.pem", list[Server]()
        self.trust(self.authority)

    def trust(self, *authorities: Authority) -> None:
        """Write the file anew, as a careful operator does."""
        draft = self.folder / "draft"
        draft.write_bytes(b"".join(authority.certificate for authority in authorities))
        draft.rename(self.file)

    def serve(self, talk: Talk = lambda connection: connection.sendall(OK), **options: Any) -> Server:
        """Start a server."""
        self._servers.append(Server(talk, tls=self.authority.server(self.folder, **options)))
        return self._servers[-1]

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.socket.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that is trusted."""
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=[ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def sender(request: pytest.FixtureRequest, site: Site) -> Iterator[Sender]:
    """A sender that trusts whom the file names."""
    made = Sender(request.param, ca_bundle=site.file)
    yield made
    made.transport.close()


def test_only_who_is_signed_by_an_authority_is_trusted(site: Site, sender: Sender) -> None:
    server = site.serve()
    assert sender.send(server.url)[0].status == 204
    (by_name,) = sender.send(f"https://localhost:{server.port}/")
    assert by_name.status == 204
    other = site.serve(also="127.0.0.2")
    (of_another_name,) = sender.send(other.url)
    assert of_another_name.error == "tls"
    assert "127.0.0.1" in of_another_name.detail
    stranger = Sender(ca_bundle=site.other.file(site.folder))
    try:
        assert stranger.send(server.url)[0].error == "tls"
    finally:
        stranger.transport.close()
    assert server.requests == 2


def test_a_removed_authority_is_not_trusted_any_more_kept_connections_included(site: Site, sender: Sender) -> None:
    server = site.serve()
    assert [sender.send(server.url)[0].status for _ in range(2)] == [204, 204]
    assert server.connections == 1
    for trusted, outcome in ((site.other, "tls"), (site.authority, 204), (site.other, "tls")):
        site.trust(trusted)
        eventually(lambda outcome=outcome: _outcome(sender, server) == outcome)
        before = server.requests
        assert _outcome(sender, server) == outcome
        assert server.requests - before == (1 if outcome == 204 else 0)


@pytest.mark.parametrize("content", [None, b"", b"nothing of that kind"], ids=["gone", "empty", "something else"])
def test_a_file_that_cannot_be_read_is_no_fault_of_the_endpoint(
    content: bytes | None, site: Site, sender: Sender
) -> None:
    server = site.serve()
    assert sender.send(server.url)[0].status == 204
    site.file.unlink()
    if content is not None:
        site.file.write_bytes(content)
    eventually(lambda: _outcome(sender, server) == "authorities_unreadable")
    site.trust(site.authority)
    eventually(lambda: _outcome(sender, server) == 204)


def test_each_request_shows_its_own_certificate_and_trusts_its_own_authorities(site: Site, sender: Sender) -> None:
    """On connections of their own, though the endpoint is the same."""
    seen: list[object] = []

    def talk(connection: socket.socket) -> None:
        subject = connection.getpeercert()["subject"]  # type: ignore[attr-defined]  # it is one of TLS
        seen.append(dict(pair[0] for pair in subject)["commonName"])
        connection.sendall(OK)

    clients = Authority("clients")
    ours, theirs = clients.sign("ours"), clients.sign("theirs")
    server = site.serve(talk, asks_for=clients)
    here = site.authority.certificate.decode()
    site.trust(site.other)
    tls = [
        (ours.certificate.decode(), ours.key.decode(), here),
        (theirs.certificate.decode(), theirs.key.decode(), here),
        ("", "", here),
        (ours.certificate.decode(), ours.key.decode(), ""),
        (ours.certificate.decode(), ours.key.decode(), site.other.certificate.decode()),
    ]
    told: list[int | str | None] = []
    for terms in (*tls, *tls[:2]):
        sender.transport.submit([Request(1, server.url, (), b"{}", total_timeout=5, tls=terms)])
        answer = sender.queue.get(timeout=10)
        told.append(answer.status or answer.error)
    assert told[2] in ("tls", "reset")  # as the server's alert or the end of the connection comes first
    assert [*told[:2], *told[3:]] == [204, 204, "tls", "tls", 204, 204]
    assert seen == ["ours", "theirs", "ours", "theirs"]
    assert sender.send(server.url)[0].error == "tls"
    assert server.requests == 4


def _outcome(sender: Sender, server: Server) -> int | str | None:
    """The status of the next answer, or what went wrong."""
    (answer,) = sender.send(server.url)
    return answer.status or answer.error


def _cut(*parts: bytes) -> Talk:
    """Say something and end the connection below TLS."""

    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            linger(0.02)
        os.close(connection.detach())

    return talk


@pytest.mark.parametrize(
    ("talk", "outcome"),
    [
        (_cut(HEAD + b"\r\n"), 200),
        (_cut(HEAD + b"\r\n", b"done"), 200),
        (_cut(HEAD + b"Connection: close\r\n\r\n", b"done"), 200),
        (_cut(b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"\r\n"), 200),
        (_cut(b"HTTP/1.1 500 No\r\n\r\n", b"sorry"), 500),
        (_cut(b"HTTP/1.1 100 Continue\r\n\r\n"), "reset"),
        (_cut(HEAD), "reset"),
        (_cut(HEAD + b"Content-Length: 9\r\n\r\n", b"done"), "reset"),
        (_cut(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\ndone\r\n"), "reset"),
        (_cut(), "reset"),
    ],
)
def test_a_whole_head_without_a_length_counts_however_tls_is_ended(
    talk: Talk, outcome: int | str, site: Site, sender: Sender
) -> None:
    """As without TLS, where the end of the connection is the end of such an answer."""
    (answer,) = sender.send(site.serve(talk).url)
    assert (answer.status or answer.error) == outcome
    assert ("without a word of TLS" in answer.detail) == isinstance(outcome, int)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://new.example/hook?a=b", "https://new.example/hook?a=b"),
        ("/hook", "{url}hook"),
        ("https://new.example/\x7f\xe4", "https://new.example/?ä"),
        ("x" * 3000, "{url}xxx"),
    ],
    ids=["elsewhere", "relative", "not printable", "long"],
)
def test_where_a_redirect_leads_is_told_and_not_followed(
    location: str, told: str, serve_plain: Callable[[Talk], Server], sender: Sender
) -> None:
    head = f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    server = serve_plain(lambda connection: connection.sendall(head))
    (answer,) = sender.send(server.url)
    assert (answer.status, answer.error, server.requests) == (307, None, 1)
    assert told.format(url=server.url) in answer.detail
    assert answer.detail.isprintable()
    assert len(answer.detail) <= 300


@pytest.fixture
def serve_plain() -> Iterator[Callable[[Talk], Server]]:
    """Start servers without TLS."""
    servers: list[Server] = []

    def start(talk: Talk) -> Server:
        servers.append(Server(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.close()
