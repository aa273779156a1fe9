"""Guessing what belongs to others: ids, keys, cursors and versions tell nothing, neither by answers nor by effort."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.doors.conftest import Caller
from tests.doors.stage import Stage
from tests.doors.test_matrix import FOREIGNER, OPERATIONS, SHARED, _answer, callers, stage
from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer
from tests.support.receiver import Receiver
from workwire.api.models import IdempotentRequest
from workwire.kernel import clock, pages
from workwire.kernel.ids import new_guid
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.worker.delivery.engine import Engine

__all__ = ["callers", "stage"]
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")


@pytest.mark.skipif(ON_POSTGRES, reason="answers and queries are the same there, and a thousand savepoints slow")
def test_a_record_of_others_costs_and_says_what_one_that_is_not_there_does(
    callers: dict[str, Caller],
    stage: Stage,
) -> None:
    """For every operation: status, headers, body and the very statements the database sees, but for the id."""
    told_apart = []
    for name, operation in OPERATIONS.items():
        if operation.record in SHARED:
            continue
        absent = stage | {operation.record: str(new_guid())}
        seen = []
        for names in (stage, absent):
            with CaptureQueriesContext(connection) as asked:
                answer = _answer(operation, callers[FOREIGNER], names)
            headers = {
                key: _blind(value) for key, value in answer.headers.items() if key not in ("Set-Cookie", "X-Request-Id")
            }
            statements = [_blind(query["sql"]) for query in asked]
            seen.append((answer.status_code, headers, _blind(answer.content.decode()), statements))
        if seen[0] != seen[1]:
            told_apart.append(
                (name, *(part for one, other in zip(*seen, strict=True) if one != other for part in (one, other)))
            )
    assert told_apart == []


def _blind(text: str) -> str:
    """A text without ids, moments and the names of savepoints, which differ by themselves."""
    text = re.sub(r'"s\d+_x\d+"', "…", GUID.sub("…", text))
    return re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*(?:\+00:00|Z)?", "…", text)


def test_a_key_of_another_account_is_ones_own(builder: Caller, narrow: Caller, member: Caller, first: Customer) -> None:
    """The same `Idempotency-Key` in two accounts: neither an answer of the other's nor a word that it was used."""
    wish = {"process_version": str(first.ticket_version.guid), "title": "Secret plan"}
    made = member.api("POST", "/tickets", wish, Idempotency_Key="k")
    assert made.status_code == 201
    other = narrow.api("POST", "/tickets", wish, Idempotency_Key="k")
    fresh = narrow.api("POST", "/tickets", wish, Idempotency_Key="never used")
    assert (other.status_code, other.json()) == (fresh.status_code, fresh.json())
    assert other.status_code >= 400
    assert IdempotentRequest.objects.count() == 1
    also = builder.api("POST", "/tickets", wish, Idempotency_Key="k")
    assert also.status_code != 409
    assert also.json().get("guid") != made.json()["guid"]


@pytest.fixture
def others(builder: Caller, member: Caller, first: Customer, receiver: Receiver, engine: Engine) -> dict[str, Any]:
    """A subscription of the process builder at the first customer with three deliveries."""
    wish = {"webhook": "PacketCreated", "url": receiver.url("/hook"), "filter_type": "company"}
    made = builder.api("POST", "/subscriptions", wish | {"filter_guid": str(first.company.guid)}).json()
    for number in range(3):
        member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": str(number)})
    engine.drain()
    return dict(made)


def test_cursors_made_up_or_borrowed_show_nothing_of_others(
    builder: Caller, narrow: Caller, others: dict[str, Any]
) -> None:
    """A cursor is a place and no right: whatever it says, only one's own rows come."""
    borrowed = [
        builder.api("GET", f"/{kind}?limit=1").json()["next_cursor"]
        for kind in ("deliveries", "work-items", "companies")
    ]
    newest = Delivery.objects.latest("pk").pk
    made_up = [pages.cursor_at(number) for number in (newest + 1, 10**17, 0)]
    assert all(borrowed[:2])
    for cursor in filter(None, (*borrowed, *made_up)):
        for kind in ("deliveries", "subscriptions", "work-items"):
            assert narrow.api("GET", f"/{kind}?cursor={cursor}").json()["items"] == []
    for text in ("id:1", "cursor:1", "id:-1", "id:1e3", "pk:1", "id:1 OR 1=1", "id:\u0663", "id:" + "9" * 30):
        cursor = urlsafe_b64encode(text.encode()).decode().rstrip("=")
        refused = narrow.api("GET", f"/deliveries?cursor={cursor}")
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_invalid"), text


@pytest.mark.usefixtures("others")
def test_a_cursor_does_not_tell_how_many_rows_there_are(builder: Caller) -> None:
    """Of the same length for every row, never twice the same, and no number in it."""
    cursors = [builder.api("GET", "/deliveries?limit=1").json()["next_cursor"] for _ in range(2)]
    assert len(set(cursors)) == 2
    assert {len(cursor) for cursor in cursors} == {len(pages.cursor_at(10**17))}
    newest = str(Delivery.objects.latest("pk").pk)
    assert all(f":{newest}".encode() not in urlsafe_b64decode(f"{cursor}==") for cursor in cursors)


def test_a_version_guessed_for_a_record_of_others_tells_nothing(narrow: Caller, others: dict[str, Any]) -> None:
    """Neither the right nor a wrong `If-Match` is told apart from one for a record that is not there."""
    before = Event.objects.count()
    for guid in (others["guid"], str(new_guid())):
        for tag in (f'"{others["version"]}"', '"99"', "*"):
            changed = narrow.api("PATCH", f"/subscriptions/{guid}", {"in_order": True}, If_Match=tag)
            rotated = narrow.api("POST", f"/subscriptions/{guid}/rotate-secret", {}, If_Match=tag)
            assert {(answer.status_code, answer.json()["code"]) for answer in (changed, rotated)} == {
                (404, "subscription_not_found")
            }
            assert "ETag" not in changed.headers
    assert Event.objects.count() == before
    assert Subscription.objects.get().version == others["version"]


def test_the_log_filtered_by_what_belongs_to_others_is_empty(
    narrow: Caller, administrator: Caller, others: dict[str, Any]
) -> None:
    """Filters find nothing of others, and nothing differs from a filter for what is not there; no list counts."""
    delivery = Delivery.objects.latest("pk")
    absent = str(new_guid())
    for name, value in (("subscription", others["guid"]), ("record", str(delivery.record_guid))):
        there, nowhere = (narrow.api("GET", f"/deliveries?{name}={guid}") for guid in (value, absent))
        assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
        assert there.json() == {"items": [], "next_cursor": None}
        assert len(administrator.api("GET", f"/deliveries?{name}={value}").json()["items"]) >= 1
    for path in ("", "/attempts"):
        there, nowhere = (narrow.api("GET", f"/deliveries/{guid}{path}") for guid in (delivery.guid, absent))
        assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
        assert there.status_code == 404


def test_filters_of_events_tell_nothing_of_what_may_not_be_seen(
    narrow: Caller, member: Caller, first: Customer, second: Customer
) -> None:
    """By record, reference, kind, account and time, in whole pages, with the very statements of what is not there."""
    made = [
        member.api("POST", "/tickets", {"process_version": str(one.ticket_version.guid), "title": "Secret plan"}).json()
        for one in (first, second)
    ]
    hidden, seen = made
    for number in range(60):
        member.api("PATCH", f"/work-items/{hidden['guid']}", {"title": f"Secret plan {number}"})
    (of_hidden, *_) = Event.objects.filter(work_item_guid=hidden["guid"]).order_by("pk")
    until = clock.rfc3339(of_hidden.occurred_at)
    for query in (
        "",
        "kind=WorkItemUpdated",
        "kind=LoggedIn",
        f"account={new_guid()}",
        f"until={until}",
        f"since={until}",
    ):
        text, cursor = "", ""
        while True:
            page = narrow.api("GET", f"/events?limit=2&{query}{cursor}")
            text += page.content.decode()
            if page.json()["next_cursor"] is None:
                break
            assert len(page.json()["items"]) == 2
            cursor = f"&cursor={page.json()['next_cursor']}"
        assert hidden["guid"] not in text
        assert "Secret plan 1" not in text
        assert ("LoggedIn" in text) is False
    assert seen["guid"] in narrow.api("GET", "/events").content.decode()
    asked_of = []
    for guid in (hidden["guid"], str(new_guid())):
        for path in (f"/events?record={guid}", f"/events?record={guid}&kind=WorkItemUpdated", f"/events/{guid}"):
            with CaptureQueriesContext(connection) as asked:
                answer = narrow.api("GET", path)
            asked_of.append(
                (answer.status_code, _blind(answer.content.decode()), [_blind(one["sql"]) for one in asked])
            )
    assert asked_of[:3] == asked_of[3:]
    assert narrow.api("GET", f"/events/{of_hidden.guid}").status_code == 404
    assert narrow.api("GET", "/audit").status_code == 403
