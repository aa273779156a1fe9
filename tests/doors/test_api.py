"""The REST API through HTTP: problems, pages, versions, idempotency, the log, and who sees what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client

from tests.doors.conftest import Caller
from tests.support import upkeep
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from workwire.api.models import IdempotentRequest
from workwire.kernel import addresses, clock, crypto
from workwire.kernel.ids import new_guid
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine


def _problem(answer: Any, status: int, code: str = "") -> dict[str, Any]:
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer.headers["Content-Type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["status"] == status
    assert {"type", "title", "detail", "code"} <= set(content)
    assert not code or content["code"] == code
    return content


def test_a_database_that_cannot_work_is_no_mistake_of_ours_and_worth_another_try(
    member: Caller, first: Customer
) -> None:
    def refuse(*_given: Any) -> Any:
        raise OperationalError("database or disk is full")

    wish = {"process_version": str(first.ticket_version.guid), "title": "Unpaid"}
    with connection.execute_wrapper(refuse):
        answer = member.api("POST", "/tickets", wish)
    _problem(answer, 503, "database_away")
    assert answer.headers["Retry-After"] == "5"
    assert member.api("POST", "/tickets", wish).status_code == 201


@pytest.fixture
def ticket(member: Caller, first: Customer) -> dict[str, Any]:
    """A draft ticket of the first customer."""
    answer = member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": "Unpaid"})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def _subscribe(caller: Caller, receiver: Receiver, customer: Customer | None, **more: Any) -> dict[str, Any]:
    wish = {"webhook": "PacketCreated", "url": receiver.url("/hook"), **more}
    if customer is not None:
        wish |= {"filter_type": "company", "filter_guid": str(customer.company.guid)}
    answer = caller.api("POST", "/subscriptions", wish)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_ticket_goes_its_way(member: Caller, organisation: Organisation, ticket: dict[str, Any]) -> None:
    path = f"/work-items/{ticket['guid']}"
    category = str(organisation.customers[0].category.guid)
    assert member.api("POST", f"{path}/submit", {"category": category}).json()["status"] == "to_do"
    assert member.api("POST", f"{path}/take").json()["status"] == "in_progress"
    assert member.api("POST", f"{path}/wait", {"for": "information"}).json()["status"] == "waiting"
    said = member.api(
        "POST", f"{path}/communications", {"kind": "email_incoming", "body": "Here it is.", "subject": "Re"}
    )
    assert said.status_code == 201
    assert member.api("GET", path).json()["status"] == "to_do"
    _problem(member.api("POST", f"{path}/resolve", {}), 409, "communication_missing")
    done = member.api("POST", f"{path}/resolve", {"note": "Sent a new one."}).json()
    assert done["status"] == "closed"
    said = member.api("GET", f"{path}/communications").json()["items"]
    assert (said[0]["kind"], said[0]["body"]) == ("audit_note", "Sent a new one.")
    _problem(member.api("POST", f"{path}/resolve", {}), 409, "resolve_not_possible")
    events = member.api("GET", f"{path}/events?limit=50").json()["items"]
    mine = [event for event in events if event["name"] != "NewCommunication"]
    assert [event["sequence"] for event in mine] == list(range(len(mine), 0, -1))
    assert mine[0]["body"]["Previous"]["Status"] == 1


def test_a_list_is_read_page_by_page(member: Caller, first: Customer) -> None:
    made = [
        member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": f"No. {number}"})
        for number in range(5)
    ]
    seen, cursor = [], ""
    while cursor is not None:
        page = member.api("GET", f"/work-items?limit=2&kind=ticket{f'&cursor={cursor}' if cursor else ''}").json()
        assert len(page["items"]) <= 2
        seen += [item["guid"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [answer.json()["guid"] for answer in reversed(made)]
    _problem(member.api("GET", "/work-items?cursor=nonsense"), 422, "cursor_invalid")
    _problem(member.api("GET", "/work-items?limit=0"), 422, "input_invalid")
    _problem(member.api("GET", "/work-items?status=Lost"), 422, "input_invalid")


def test_a_change_insists_on_the_version_it_has_read(member: Caller, ticket: dict[str, Any]) -> None:
    path = f"/work-items/{ticket['guid']}"
    tag = member.api("GET", path).headers["ETag"]
    changed = member.api("PATCH", path, {"description": "one"}, If_Match=tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    _problem(member.api("PATCH", path, {"description": "two"}, If_Match=tag), 412, "version_conflict")
    assert member.api("GET", path).json()["description"] == "one"


def test_a_key_makes_one_of_a_repeated_request(member: Caller, first: Customer) -> None:
    wish = {"process_version": str(first.ticket_version.guid), "title": "Once"}
    answers = [member.api("POST", "/tickets", wish, Idempotency_Key="k-1") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert WorkItem.objects.count() == 1
    other = member.api("POST", "/tickets", wish | {"title": "Twice"}, Idempotency_Key="k-1")
    _problem(other, 409, "idempotency_key_reused")
    refused = member.api("POST", "/tickets", wish | {"title": "x" * 600}, Idempotency_Key="k-2")
    _problem(refused, 422)
    assert member.api("POST", "/tickets", wish, Idempotency_Key="k-2").status_code == 201


def test_secrets_shown_once_are_not_kept_for_repeated_requests(
    builder: Caller, first: Customer, receiver: Receiver
) -> None:
    wish = {"webhook": "PacketCreated", "url": receiver.url("/"), "filter_type": "company"}
    wish["filter_guid"] = str(first.company.guid)
    made = builder.api("POST", "/subscriptions", wish, Idempotency_Key="s").json()
    again = builder.api("POST", "/subscriptions", wish, Idempotency_Key="s").json()
    assert made["secret"].startswith("whsec_")
    assert again == made | {"secret": None}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "n"}])
def test_no_transaction_is_open_while_a_name_is_looked_up(
    builder: Caller, first: Customer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    look_up, open_ones = addresses.resolve_refusal, []

    def noting(*asked: Any) -> str | None:
        open_ones.append(connection.in_atomic_block)
        return look_up(*asked)

    monkeypatch.setattr(addresses, "resolve_refusal", noting)
    wish = {"webhook": "PacketCreated", "url": receiver.url("/hook"), "filter_type": "company"}
    wish["filter_guid"] = str(first.company.guid)
    for _ in range(2):
        assert builder.api("POST", "/subscriptions", wish, **headers).status_code == 201
    assert open_ones == [False] * (1 if headers else 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"process_version": "x", "title": "t"}, "process_version"),
        ({"title": "t"}, "process_version"),
        ({"process_version": str(new_guid()), "color": "red"}, "color"),
        ({"process_version": str(new_guid()), "record_count": 0}, "record_count"),
    ],
)
def test_bad_input_names_the_field(body: dict[str, Any], field: str, member: Caller) -> None:
    content = _problem(member.api("POST", "/tickets", body), 422, "input_invalid")
    assert content["detail"].startswith(f"{field}: ")
    assert (content["field"], content["errors"][0]["field"]) == (field, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://example.com/x"}, "url"),
        ({"filter_guid": None}, "filter_guid"),
        ({"filter_type": "schedule"}, "filter_type"),
        ({"header_name": "Host", "header_value": "x"}, "header_name"),
        ({"header_name": "X-Team"}, "header_value"),
        ({"retry_schedule": [1]}, "retry_schedule"),
        ({"most_per_second": 0}, "most_per_second"),
    ],
)
def test_a_subscription_is_refused_by_the_names_of_this_api(
    body: dict[str, Any], field: str, builder: Caller, first: Customer, receiver: Receiver
) -> None:
    wish = {"webhook": "PacketUpdated", "url": receiver.url("/"), "filter_type": "company"}
    wish["filter_guid"] = str(first.company.guid)
    assert _problem(builder.api("POST", "/subscriptions", wish | body), 422)["field"] == field


def test_work_is_refused_by_the_names_of_this_api(
    member: Caller, administrator: Caller, first: Customer, ticket: dict[str, Any]
) -> None:
    path, absent = f"/work-items/{ticket['guid']}", str(new_guid())

    def field(answer: Any) -> Any:
        return _problem(answer, 422)["field"]

    assert field(member.api("POST", f"{path}/submit", {})) == "category"
    assert field(member.api("PATCH", path, {"custom_data": {"No such": 1}})) == "custom_data"
    assert field(member.api("PATCH", path, {"custom_data": {"Amount": "much"}})) in (
        "custom_data",
        "custom_data.Amount",
    )
    assert field(member.api("PATCH", path, {"files": [{"upload": absent}]})) == "files.upload"
    assert field(member.api("POST", f"{path}/files", {"upload": absent})) == "upload"
    assert field(member.api("POST", f"{path}/contacts", {"guid": absent})) == "guid"
    mail = {"to": ["s@example.com"], "subject": "x", "sender": "nobody"}
    assert field(member.api("POST", f"{path}/mails", mail)) == "sender"
    mail = {"to": ["s@example.com"], "subject": "x", "attachments": [{"upload": absent}]}
    assert field(member.api("POST", f"{path}/mails", mail)) == "attachments.upload"
    due = {"amount": 4_001, "unit": "days"}
    process = administrator.api("GET", "/processes").json()["items"][0]["guid"]
    assert field(administrator.api("POST", f"/processes/{process}/versions", {"due": due})) == "due.amount"


@pytest.mark.parametrize("name", ["update_work_item", "reject_work_item", "wait_work_item", "rotate_secret"])
def test_no_body_counts_as_an_empty_one_where_no_key_is_required(
    name: str, member: Caller, builder: Caller, first: Customer, receiver: Receiver, organisation: Organisation
) -> None:
    wish = {"process_version": str(first.ticket_version.guid), "title": "Unpaid", "submit": True}
    wish["category"] = str(organisation.customers[0].category.guid)
    path = f"/work-items/{member.api('POST', '/tickets', wish).json()['guid']}"
    if name == "rotate_secret":
        member, path = builder, f"/subscriptions/{_subscribe(builder, receiver, first)['guid']}/rotate-secret"
    elif name != "update_work_item":
        member.api("POST", f"{path}/take")
        path += f"/{name.partition('_')[0]}"
    answer = member.api("PATCH" if name == "update_work_item" else "POST", path)
    assert answer.status_code == 200, answer.content


def test_the_document_says_which_bodies_may_be_left_out() -> None:
    document = Client().get("/api/v1/openapi.json").json()
    said = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "$ref" in content["schema"]:
                    body = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                    said[operation["operationId"]] = (operation["requestBody"]["required"], bool(body.get("required")))
    assert len(said) > 40
    assert {name for name, (required, needs) in said.items() if required != needs} == set()
    assert said["rotate_secret"] == (False, False)
    assert said["create_ticket"] == (True, True)


def test_broken_json_and_unknown_paths_are_problems(member: Caller) -> None:
    _problem(member.api("POST", "/tickets", "{"), 400)
    _problem(member.api("GET", "/nothing/here"), 404)
    _problem(Client().get("/api/v1/work-items"), 401)
    wrong = Client().post("/api/v1/tokens", {"username": "paul", "password": "no"}, content_type="application/json")
    _problem(wrong, 401, "login_failed")


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/work-items/x", "/work-items/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_path_that_is_none_is_a_problem(path: str, method: str) -> None:
    _problem(Client(enforce_csrf_checks=True).generic(method, f"/api/v1{path}"), 404, "path_not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(member: Caller) -> None:
    answer = member.api("PUT", "/subscriptions", {})
    assert "GET, POST" in _problem(answer, 405, "method_not_allowed")["detail"]
    assert answer.headers["Allow"] == "GET, POST"


def test_what_nobody_expected_is_a_problem_without_a_word_of_it(
    member: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_given: Any, **_named: Any) -> Any:
        raise RuntimeError("the password is 4711")

    monkeypatch.setattr("workwire.rooms.work.queries.items_visible_to", break_down)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/work-items", headers={"Authorization": f"Bearer {member.token}"})
    assert "4711" not in str(_problem(answer, 500, "unexpected"))


def test_subscribing_testing_and_reading_the_log(
    builder: Caller, first: Customer, receiver: Receiver, engine: Engine, ticket: dict[str, Any], member: Caller
) -> None:
    made = _subscribe(builder, receiver, first, header_name="X-Team", header_value="operations")
    listed = builder.api("GET", "/subscriptions").json()["items"]
    assert [row["guid"] for row in listed] == [made["guid"]]
    assert "secret" not in listed[0]
    engine.drain()
    receiver.requests.clear()
    member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": "Next"})
    receiver.script("/hook", status=500, body=b"<oops \xff>", times=1)
    engine.drain()
    (row,) = builder.api("GET", f"/deliveries?subscription={made['guid']}&state=due").json()["items"]
    assert (row["attempts"], row["webhook"]) == (1, "PacketCreated")
    (attempt,) = builder.api("GET", f"/deliveries/{row['guid']}/attempts").json()["items"]
    assert (attempt["status"], attempt["answer"]) == (500, "<oops �>")
    assert attempt["headers"]["X-Team"] == "•••"
    timings = attempt["timings_ms"]
    assert 0 < timings["first_byte"] <= attempt["duration_ms"]
    assert (timings["name_lookup"], timings["tls"]) == (None, None)  # an address, without TLS
    assert builder.api("GET", f"/deliveries/{row['guid']}").json()["body"]["GUID"] == row["record"]
    assert row["is_replay"] is False
    assert builder.api("POST", f"/deliveries/{row['guid']}/resend").json()["is_replay"] is True
    engine.drain()
    sent = builder.api("GET", f"/deliveries/{row['guid']}").json()
    assert (sent["state"], sent["is_replay"]) == ("delivered", True)
    assert ("Webhook-Replay", "true") in receiver.requests[-1].headers
    told = builder.api("GET", f"/deliveries?subscription={made['guid']}").json()["items"]
    assert [one["is_replay"] for one in told] == [one["guid"] == row["guid"] for one in told]
    assert len(told) > 1
    told = builder.api("GET", f"/subscriptions/{made['guid']}/explain?record={row['record']}").json()
    assert told["would_be_sent"] is True
    assert told["body"]["GUID"] == row["record"]
    assert builder.api("DELETE", f"/subscriptions/{made['guid']}").status_code == 204
    _problem(builder.api("GET", f"/subscriptions/{made['guid']}"), 404)


def test_a_header_whose_stored_value_no_key_opens_can_be_given_again(
    builder: Caller, first: Customer, receiver: Receiver
) -> None:
    made = _subscribe(builder, receiver, first, header_name="X-Team", header_value="operations")
    Subscription.objects.filter(guid=made["guid"]).update(header_value_sealed="sealed with a key that is lost")
    path = f"/subscriptions/{made['guid']}"
    told = _problem(builder.api("PATCH", path, {"header_name": "X-Group"}), 422, "header_value_unreadable")
    assert told["field"] == "header_value"
    assert builder.api("GET", path).json()["header_name"] == "X-Team"
    changed = builder.api("PATCH", path, {"header_name": "X-Group", "header_value": "operations"})
    assert (changed.status_code, changed.json()["header_name"]) == (200, "X-Group")
    assert builder.api("PATCH", path, {"header_name": "X-Crew"}).status_code == 200


def test_a_header_is_given_again_where_its_secret_would_go_to_another_origin(
    builder: Caller, first: Customer, receiver: Receiver
) -> None:
    here = f"http://localhost:{receiver.port}"
    made = _subscribe(builder, receiver, first, url=f"{here}/a", header_name="X-Team", header_value="operations")
    path = f"/subscriptions/{made['guid']}"
    for url in (
        f"http://localhost:{receiver.port + 1}/a",
        f"https://localhost:{receiver.port}/a",
        "http://127.0.0.1/a",
    ):
        told = _problem(builder.api("PATCH", path, {"url": url}), 422, "header_value_missing")
        assert told["field"] == "header_value"
    for url in (f"{here}/b", f"http://LOCALHOST.:{receiver.port}/c?d"):
        assert builder.api("PATCH", path, {"url": url}).json()["url"] == url
    away = {"url": f"http://localhost:{receiver.port + 1}/a", "header_value": "others"}
    assert builder.api("PATCH", path, away).status_code == 200


def test_a_rate_is_set_changed_shown_and_taken_away(builder: Caller, first: Customer, receiver: Receiver) -> None:
    made = _subscribe(builder, receiver, first, most_per_second=10)
    path = f"/subscriptions/{made['guid']}"
    assert made["most_per_second"] == 10
    assert builder.api("PATCH", path, {"most_per_second": 10_000}).json()["most_per_second"] == 10_000
    for wrong in (0, -1, 10_001):
        _problem(builder.api("PATCH", path, {"most_per_second": wrong}), 422, "rate_invalid")
    assert builder.api("PATCH", path, {"in_order": True}).json()["most_per_second"] == 10_000
    assert builder.api("PATCH", path, {"most_per_second": None}).json()["most_per_second"] is None
    assert builder.api("GET", path).json()["most_per_second"] is None


def test_a_withheld_delivery_shows_why_and_not_what(
    administrator: Caller,
    narrow: Caller,
    organisation: Organisation,
    second: Customer,
    receiver: Receiver,
    engine: Engine,
) -> None:
    made = _subscribe(narrow, receiver, second)
    user = organisation.accounts["process builder of one company"].user
    gone = administrator.api("DELETE", f"/user-groups/{second.group.guid}/members/{user.guid}")
    assert gone.status_code == 200
    wish = {"process_version": str(second.ticket_version.guid), "title": "Secret plan"}
    guid = administrator.api("POST", "/tickets", wish).json()["guid"]
    engine.drain()
    (row,) = narrow.api("GET", f"/deliveries?subscription={made['guid']}").json()["items"]
    assert (row["state"], row["withheld_reason"]) == ("withheld", "filter_object_not_visible")
    assert (row["record"], row["event"], row["message_id"]) == (None, None, None)
    assert narrow.api("GET", f"/deliveries/{row['guid']}").json()["body"] is None
    assert narrow.api("GET", f"/deliveries?record={guid}").json()["items"] == []
    (seen,) = administrator.api("GET", f"/deliveries?record={guid}").json()["items"]
    assert seen["record"] == guid
    assert receiver.requests == []


def test_lists_take_the_same_number_of_queries_however_long(
    builder: Caller, member: Caller, first: Customer, django_assert_num_queries: Callable[..., Any]
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            for path in ("/work-items", "/companies", "/subscriptions", "/deliveries", "/process-versions", "/roles"):
                assert builder.api("GET", path).status_code == 200
        return len(captured)

    before = count()
    for number in range(4):
        member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": str(number)})
        builder.api("POST", "/companies", {"name": f"Company {number}"})
    assert count() == before
    assert before <= 6 * 5


def test_creating_a_ticket_takes_at_most_twelve_queries(
    member: Caller, first: Customer, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(12):
        member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": "x"})


def test_what_a_key_was_used_for_cannot_be_guessed_and_is_swept(
    member: Caller, first: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest is keyed; an answer outlives a change of keys; after a day the worker forgets it."""
    wish = {"process_version": str(first.ticket_version.guid), "title": "Once"}
    made = member.api("POST", "/tickets", wish, Idempotency_Key="once")
    row = IdempotentRequest.objects.get()
    asked = f"POST\n/api/v1/tickets\n\n{json.dumps(wish)}".encode()
    assert row.digest == crypto.keyed_digests(asked)[0] != hashlib.sha256(asked).hexdigest()
    monkeypatch.setattr(settings, "SECRET_KEYS", [Fernet.generate_key().decode(), *settings.SECRET_KEYS])
    assert member.api("POST", "/tickets", wish, Idempotency_Key="once").json() == made.json()
    for hours, there in ((23, True), (25, False)):
        with clock.frozen(clock.now() + timedelta(hours=hours)):
            upkeep.run("api.idempotency")
        assert IdempotentRequest.objects.exists() == there
