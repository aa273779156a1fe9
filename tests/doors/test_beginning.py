"""Beginning without gap or overlap: a position, the lists, then everything behind the position."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connections

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import sessions
from workwire.api.v1 import positions
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import reconciling
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]


@contextmanager
def _writers(count: int, write: Callable[[int, threading.Event], None]) -> Iterator[threading.Event]:
    """Threads that write until the block ends, and have ended with it."""
    over = threading.Event()

    def run(number: int) -> None:
        write(number, over)
        connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.django_db(transaction=True)
def test_from_a_list_and_a_position_on_nothing_is_missing_and_nothing_comes_twice(
    organisation: Organisation,
    actors: dict[str, Actor],
    first: Customer,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    caller: Callable[[str], Caller],
) -> None:
    """People go on working while somebody reads the lists and subscribes."""
    for number in range(20):
        open_ticket(title=f"Before {number}")

    def write(number: int, over: threading.Event) -> None:
        mine: list[WorkItem] = []
        while not over.is_set():
            mine.append(open_ticket(title=f"Meanwhile {number}"))
            for title in ("one", "two"):
                work.update(mine[-1], by=actors["team member"], title=f"{title} {len(mine)}")

    builder = caller("process builder")
    with _writers(3, write):
        engine.step()
        position = builder.api("GET", "/position").json()["position"]
        listed = dict(_listed(builder))
        for webhook in ("PacketCreated", "PacketUpdated"):
            wish = {"webhook": webhook, "url": receiver.url(f"/{webhook}"), "after": position}
            wish |= {"filter_type": "company", "filter_guid": str(first.company.guid)}
            assert builder.api("POST", "/subscriptions", wish).status_code == 201
        engine.step()
    engine.drain()
    came: dict[str, list[int]] = defaultdict(list)
    for request in receiver.requests:
        came[request.json()["GUID"]].append(request.json()["Sequence"])
    lasts = {str(guid): last for guid, last in _last_sequences()}
    assert len(listed) >= 20
    assert set(lasts) == set(listed) | set(came)
    for guid, last in lasts.items():
        known = listed.get(guid, 0)
        assert sorted(sequence for sequence in came[guid] if sequence > known) == list(range(known + 1, last + 1))
        assert len(came[guid]) == len(set(came[guid]))
    untouched = [guid for guid, sequence in listed.items() if lasts[guid] == sequence]
    assert sum(len(came[guid]) for guid in untouched[-20:]) == 0, "what was before the position does not come"


def _listed(builder: Caller) -> Iterator[tuple[str, int]]:
    cursor = ""
    while True:
        answer = builder.api("GET", f"/work-items?limit=7{cursor}").json()
        for item in answer["items"]:
            yield item["guid"], item["sequence"]
        if answer["next_cursor"] is None:
            return
        cursor = f"&cursor={answer['next_cursor']}"


def _last_sequences() -> Iterator[tuple[object, int]]:
    of_items = Event.objects.filter(record_type=ObjectType.PACKET).order_by("sequence")
    yield from dict(of_items.values_list("record_guid", "sequence")).items()


def test_a_position_is_opaque_and_only_ours_are_taken(caller: Callable[[str], Caller]) -> None:
    builder = caller("process builder")
    position = builder.api("GET", "/position").json()["position"]
    assert not position.isdecimal()
    for wrong in ("17", position[:-4] + "AAAA", sessions.__name__):
        answer = builder.api(
            "POST", "/subscriptions", {"webhook": "PacketCreated", "url": "http://127.0.0.1/", "after": wrong}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, "after")


def test_an_account_has_few_long_requests_under_way_at_a_time(
    organisation: Organisation, caller: Callable[[str], Caller], subscribe: Subscribe
) -> None:
    made, _ = subscribe(by="process builder")
    builder, other = caller("process builder"), caller("administrator")
    account = organisation.accounts["process builder"].user.pk
    for few, path in (
        (positions.POSITIONS, "/position"),
        (reconciling.DIGESTS, f"/subscriptions/{made.guid}/digest"),
    ):
        with few.one_for(account):
            assert builder.api("GET", path).status_code == 200
            with few.one_for(account):
                refused = builder.api("GET", path)
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_at_once")
                assert refused.headers["Retry-After"] == "5"
                assert other.api("GET", path).status_code == 200
        assert builder.api("GET", path).status_code == 200
        assert few.is_idle
    assert builder.api("GET", f"/subscriptions/{made.guid}/digest?since=2020-01-01T00:00:00Z").status_code == 422
    assert reconciling.DIGESTS.is_idle
