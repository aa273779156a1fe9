"""Names and their addresses: who is silent holds up nobody else."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.nameserver import NameServer
from tests.support.namespace import own_network
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from workwire.worker.delivery.transport import Answer, Request, ThreadTransport, name_lookup

LOOPBACK = (ip_network("127.0.0.0/8"),)
SILENT = 60  # far more than libcurl would look up at a time


class Book:
    """Names with their addresses; whoever asks for a silent one waits until the book is closed."""

    def __init__(self) -> None:
        self.addresses: dict[str, tuple[str, ...]] = {}
        self.asked: Counter[str] = Counter()
        self.silent: set[str] = set()
        self.closed = threading.Event()

    def addresses_of(self, host: str) -> tuple[str, ...]:
        """What stands there."""
        self.asked[host] += 1
        if host in self.silent:
            self.closed.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return self.addresses.get(host, ())


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    """The book in which names are looked up."""
    made = Book()
    monkeypatch.setattr(name_lookup, "addresses_of", made.addresses_of)
    yield made
    made.closed.set()


Send = Callable[..., dict[int, Answer]]


@pytest.fixture
def send() -> Iterator[Send]:
    """Send requests to URLs, and wait for so many answers (all by default)."""
    answered: queue.Queue[list[Answer]] = queue.Queue()
    transport = ThreadTransport(LOOPBACK, answered.put)

    def sending(*urls: str, wait_for: int | None = None, connect: float = 1.0, first: int = 0) -> dict[int, Answer]:
        transport.submit(Request(first + n, url, (), b"{}", connect, 3.0) for n, url in enumerate(urls))
        found: dict[int, Answer] = {}
        while len(found) < (len(urls) if wait_for is None else wait_for):
            found |= {answer.key: answer for answer in answered.get(timeout=10)}
        return found

    yield sending
    transport.close()


def test_names_whose_server_is_silent_hold_up_no_other(book: Book, send: Send) -> None:
    book.silent = {f"silent{number}.example" for number in range(SILENT)}
    book.addresses = {f"good{number}.example": ("127.0.0.1",) for number in range(5)}
    with Receiver() as receiver:
        send(*(f"http://{name}:{receiver.port}/" for name in sorted(book.silent)), wait_for=0, connect=3.0)
        begun = time.monotonic()
        good = send(*(f"http://{name}:{receiver.port}/" for name in book.addresses), first=SILENT)
        took = time.monotonic() - begun
    assert {answer.status for answer in good.values()} == {204}
    assert took < 2
    silent = send(wait_for=SILENT)
    assert {answer.error for answer in silent.values()} == {"connect_timeout"}
    assert all(2.9 < answer.total_seconds < 6 for answer in silent.values())
    assert max(book.asked.values()) == 1


def test_a_name_is_asked_for_once_and_again_when_what_was_found_is_old(
    book: Book, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, monotonic = [0.0], time.monotonic
    monkeypatch.setattr(name_lookup, "time", SimpleNamespace(monotonic=lambda: monotonic() + passed[0]))
    book.addresses["good.example"] = ("127.0.0.1",)
    with Receiver() as receiver:
        url = f"http://good.example:{receiver.port}/"
        assert {answer.status for answer in send(*[url] * 20).values()} == {204}
        assert book.asked == {"good.example": 1}
        passed[0] += name_lookup.FRESH + 1
        assert send(url)[0].status == 204
        assert book.asked == {"good.example": 2}
        book.silent.add("good.example")
        passed[0] += name_lookup.FRESH + 1
        waited, at_once = send(url)[0], send(*[url] * 20)
        assert waited.status == 204
        assert 0.4 < waited.total_seconds < 1
        assert {answer.status for answer in at_once.values()} == {
            204
        }  # it is silent still, so nobody waits for it again
        assert max(answer.total_seconds for answer in at_once.values()) < 0.4
        monkeypatch.setattr(name_lookup, "SERVES_ON", 0.0)
        assert send(url)[0].error == "connect_timeout"
        assert book.asked == {"good.example": 3}  # it is still being looked up


def test_a_silent_name_is_not_asked_for_again_at_once(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "FRESH", 0.0)
    ring = threading.Semaphore(0)
    found = name_lookup.Names(ring.release)

    def look_up() -> None:
        found.look_up("good.example")
        assert ring.acquire(timeout=5)
        found.ended()

    book.addresses["good.example"] = ("127.0.0.1",)
    look_up()
    assert found.known("good.example") is None
    book.silent.add("good.example")
    book.closed.set()  # the answer is that there is no answer
    look_up()
    served = found.known("good.example")
    assert served is not None
    assert served.addresses == ("127.0.0.1",)
    assert served.until - time.monotonic() > name_lookup.SILENCE - 5


def test_a_system_that_gives_no_more_threads_delays_names_and_ends_nothing(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object, **_named: object) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    ring = threading.Semaphore(0)
    found = name_lookup.Names(ring.release)
    book.addresses["good.example"] = ("127.0.0.1",)
    with monkeypatch.context() as scarce:
        scarce.setattr(name_lookup.threading, "Thread", refuse)
        found.look_up("good.example")
        assert found.ended() == []
    assert (found.ended(), ring.acquire(timeout=5)) == ([], True)
    ((host, told),) = found.ended()
    assert (host, told and told.addresses) == ("good.example", ("127.0.0.1",))


def test_a_name_of_which_nothing_is_known_goes_first(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(name_lookup, "FRESH", 0.0)
    ring = threading.Semaphore(0)
    found = name_lookup.Names(ring.release)
    book.addresses |= dict.fromkeys(("one.example", "two.example", "new.example"), ("127.0.0.1",))
    for host in ("one.example", "two.example"):
        found.look_up(host)
        assert ring.acquire(timeout=5)
        found.ended()
    book.silent.add("silent.example")
    for host in ("silent.example", "one.example", "two.example", "new.example"):
        found.look_up(host)
    book.closed.set()
    order: list[str] = []
    while len(order) < 4:
        assert ring.acquire(timeout=5)
        order += [host for host, _ in found.ended()]
    assert order == ["silent.example", "new.example", "one.example", "two.example"]


def test_a_name_that_is_gone_or_is_not_answered_for_is_told_as_that(
    book: Book, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_lookup, "FRESH", 0.0)
    book.addresses["gone.example"] = ("127.0.0.1",)
    with Receiver() as receiver:
        url = f"http://gone.example:{receiver.port}/"
        assert send(url)[0].status == 204
        del book.addresses["gone.example"]
        assert (send(url)[0].error, send(url)[0].error) == ("dns", "dns")
        book.closed.set()
        book.silent.add("refused.example")
        assert send(f"http://refused.example:{receiver.port}/")[0].error == "dns"


def test_what_waits_for_a_name_is_answered_when_the_transport_closes(book: Book) -> None:
    book.silent.add("silent.example")
    answered: queue.Queue[list[Answer]] = queue.Queue()
    transport = ThreadTransport(LOOPBACK, answered.put)
    transport.submit([Request(7, "http://silent.example/", (), b"{}", 30.0, 30.0)])
    begun = time.monotonic()
    transport.close(0.2)
    assert time.monotonic() - begun < 2
    (answer,) = answered.get(timeout=1)
    assert (answer.key, answer.error) == (7, "cancelled")
    book.closed.set()  # the thread that looks up tells a transport that is no more


def test_so_many_names_at_a_time_and_the_others_afterwards(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "MOST_AT_ONCE", 3)
    ring = threading.Semaphore(0)
    found = name_lookup.Names(ring.release)
    book.silent = {f"silent{number}.example" for number in range(3)}
    book.addresses["good.example"] = ("127.0.0.1", "::1")
    for host in (*sorted(book.silent), "good.example", "good.example"):
        found.look_up(host)
    assert (found.ended(), book.asked["good.example"]) == ([], 0)
    book.closed.set()
    told = {}
    while len(told) < 4:
        assert ring.acquire(timeout=5)
        told |= dict(found.ended())
    good = told.pop("good.example")
    assert set(told.values()) == {None}
    assert good is not None
    assert good.addresses == ("127.0.0.1", "::1")
    assert found.known("good.example") == found.still_serving("good.example") == good
    assert book.asked["good.example"] == 1


def test_what_is_kept_has_a_bound(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookup, "MOST_KEPT", 2)
    ring = threading.Semaphore(0)
    found = name_lookup.Names(ring.release)
    for number in range(3):
        book.addresses[f"{number}.example"] = ("127.0.0.1",)
        found.look_up(f"{number}.example")
        assert ring.acquire(timeout=5)
        found.ended()
    assert [found.known(f"{number}.example") is None for number in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("error", "found"),
    [(socket.EAI_NONAME, ()), (socket.EAI_NODATA, ()), (socket.EAI_AGAIN, None), (socket.EAI_FAIL, None)],
)
def test_no_such_name_is_told_from_no_answer(
    error: int, found: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_asked: object, **_how: object) -> None:
        raise socket.gaierror(error, "refused")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    if found is None:
        with pytest.raises(OSError, match="refused"):
            name_lookup.addresses_of("some.example")
    else:
        assert name_lookup.addresses_of("some.example") == found


def test_addresses_come_once_each_and_without_the_zone_of_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(0, 0, 0, "", (address, 0)) for address in ("192.0.2.1", "fe80::1%eth0", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_how: found)
    assert name_lookup.addresses_of("some.example") == ("192.0.2.1", "fe80::1")


def test_a_real_name_server_that_is_silent_for_some_names(tmp_path: Path) -> None:
    silent = frozenset(f"silent{number}.example" for number in range(SILENT))
    answered: queue.Queue[list[Answer]] = queue.Queue()
    with own_network([], tmp_path) as inside:
        server = NameServer({"good.example": ["127.0.0.1"]}, silent=silent)
        inside.run(server.__enter__)
        receiver = Receiver()
        inside.run(receiver.__enter__)
        transport = inside.run(ThreadTransport, LOOPBACK, answered.put)
        try:
            transport.submit(
                Request(number, f"http://{name}:{receiver.port}/", (), b"{}", 5.0, 15.0)
                for number, name in enumerate(sorted(silent))
            )
            eventually(lambda: len(set(server.asked) & silent) >= SILENT, 4, what=lambda: f"asked for: {server.asked}")
            transport.submit([Request(SILENT, f"http://good.example:{receiver.port}/", (), b"{}", 5.0, 15.0)])
            first = answered.get(timeout=10)
        finally:
            transport.close()
            receiver.__exit__(None, None, None)
            server.__exit__(None, None, None)
    assert [(answer.key, answer.status) for answer in first] == [(SILENT, 204)]
