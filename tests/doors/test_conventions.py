"""What holds for every operation of the REST API, whatever it is about."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from tests.doors.conftest import Caller
from tests.doors.stage import MEMBER
from tests.support.organisation import Customer, Organisation
from workwire.api.v1 import api, openapi
from workwire.kernel import clock
from workwire.kernel.pages import MOST
from workwire.outbox.registry import webhooks


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    return found


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def _schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    name = content["schema"].get("$ref", "").rpartition("/")[2] if content else ""
    return dict(document()["components"]["schemas"].get(name, {}))


def test_the_document_is_a_valid_openapi_document() -> None:
    validate(document())


def test_each_name_of_a_schema_belongs_to_one_class() -> None:
    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    from ninja import Schema

    ours = [kind for kind in below(Schema) if kind.__module__.startswith("workwire.") and "[" not in kind.__name__]
    twice = [name for name, times in Counter(kind.__name__ for kind in ours).items() if times > 1]
    assert len(ours) > 80
    assert twice == []


def test_every_reference_leads_somewhere_and_no_schema_is_without_one() -> None:
    components = document()["components"]
    referred = re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(document()))
    assert {(kind, name) for kind, name in referred if name not in components[kind]} == set()
    assert set(components["schemas"]) == {name for kind, name in referred if kind == "schemas"}


def test_every_operation_says_what_it_is_and_whether_it_needs_a_token() -> None:
    known = {tag["name"] for tag in document()["tags"]}
    for method, path, operation in operations():
        assert operation["summary"], (method, path)
        assert not operation["summary"].endswith("."), (method, path)
        assert set(operation["tags"]) <= known, (method, path)
        assert operation["security"] == ([] if operation["operationId"] == "create_token" else [{"Bearer": []}]), path


def test_the_document_says_whose_it_is_and_where_it_is_served() -> None:
    info = document()["info"]
    assert info["license"]["identifier"] == "Apache-2.0"
    assert info["contact"]["name"]
    assert [server["url"] for server in document()["servers"]] == ["/"]


def test_what_a_receiver_takes_is_described_under_components() -> None:
    """In each of the three formats, with the headers that mark a message, so that a generator finds a name for every body."""
    described = document()["webhooks"]
    assert set(described) == {hook.name for hook in webhooks().values()}
    for name, methods in described.items():
        bodies = methods["post"]["requestBody"]["content"]
        said = {
            kind: sorted(one["$ref"] for one in body["schema"].get("oneOf", [body["schema"]]))
            for kind, body in bodies.items()
        }
        schemas = f"#/components/schemas/{name}"
        assert said == {
            "application/json": [f"{schemas}Body", f"{schemas}Standard"],
            "application/cloudevents+json": [f"{schemas}CloudEvent"],
        }
        headers = {one["name"]: one["required"] for one in methods["post"]["parameters"] if one["in"] == "header"}
        assert {header for header, required in headers.items() if not required} == {"Webhook-Test", "Webhook-Replay"}
        signed = {"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}
        assert signed <= {header for header, required in headers.items() if required}


def test_a_version_is_told_wherever_one_is_asked_for() -> None:
    """Who is to say `If-Match` finds the version, of drafts the revision, in the answer before: as a tag or in the record."""
    for method, path, operation in operations():
        asked = {parameter.get("$ref", "").rpartition("/")[2] for parameter in operation["parameters"]}
        if method == "PATCH" and "IfMatch" in asked:
            told = any("ETag" in answer.get("headers", {}) for answer in operation["responses"].values())
            assert told or {"version", "revision"} & _schema(operation)["properties"].keys(), path


def test_guids_moments_and_enumerations_have_one_spelling() -> None:
    wrong = []
    for name, schema in document()["components"]["schemas"].items():
        if name.endswith(("Body", "Standard", "CloudEvent")):
            continue  # messages have the documented keys
        for key, value in schema.get("properties", {}).items():
            kinds = [value, *value.get("anyOf", ()), value.get("items", {})]
            if key == "guid" and not any(kind.get("format") == "uuid" for kind in kinds):
                wrong.append((name, key))
            if re.search(r"_(at|on|until|since)$", key) and not any(
                kind.get("format") == "date-time" for kind in kinds
            ):
                wrong.append((name, key))
            for kind in kinds:
                wrong += [
                    (name, key, one) for one in kind.get("enum", ()) if not re.fullmatch(r"[a-z0-9_.]+", str(one))
                ]
    assert wrong == []


def test_every_list_is_a_page() -> None:
    bare = []
    for method, path, operation in operations():
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        if content.get("schema", {}).get("type") == "array":
            bare.append((method, path))
        properties = _schema(operation).get("properties", {})
        if "items" in properties and method == "GET":
            assert "next_cursor" in properties, path
    assert bare == []


@pytest.mark.parametrize("path", ["/work-items", "/companies", "/me", "/queues"])
def test_a_parameter_that_is_not_known_is_refused(path: str, caller: Callable[[str], Caller]) -> None:
    answer = caller(MEMBER).api("GET", f"{path}?customr=1")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "parameter_unknown", "customr")


def test_an_operation_keeps_what_is_said_of_its_keys_and_versions(caller: Callable[[str], Caller]) -> None:
    said = {
        operation["operationId"]: {
            parameter["$ref"].rpartition("/")[2] for parameter in operation["parameters"] if "$ref" in parameter
        }
        for _, _, operation in operations()
    }
    assert said["create_ticket"] == {"IdempotencyKey"}
    assert said["update_work_item"] == said["take_work_item"] == {"IfMatch"}
    assert said["get_work_item"] == said["list_work_items"] == set()
    assert sum("IdempotencyKey" in one for one in said.values()) > 20


@pytest.fixture
def member(caller: Callable[[str], Caller]) -> Caller:
    """Somebody who works on tickets."""
    return caller(MEMBER)


@pytest.fixture
def first(organisation: Organisation) -> Customer:
    """The first customer."""
    return organisation.customers[0]


def _ticket(member: Caller, first: Customer, title: str, **more: Any) -> dict[str, Any]:
    answer = member.api("POST", "/tickets", {"process_version": str(first.ticket_version.guid), "title": title} | more)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_steps_of_a_due_date_have_codes_and_are_said_in_the_language_asked_for(
    member: Caller, first: Customer, organisation: Organisation
) -> None:
    category = str(organisation.customers[0].category.guid)
    item = _ticket(member, first, "Unpaid", category=category, submit=True)
    later = clock.rfc3339(clock.now() + timedelta(days=90))
    assert member.api("PATCH", f"/work-items/{item['guid']}", {"due_date": later}).status_code == 200
    told = {
        asked: member.api("GET", f"/work-items/{item['guid']}/due-date", accept_language=asked).json()["steps"]
        for asked in ("de", "en")
    }
    assert told["de"] == [{"said": "Von Hand gesetzt.", "code": "due_step.by_hand", "parameters": {}, "moment": later}]
    assert told["en"] == [{**told["de"][0], "said": "Set by hand."}]


def test_null_goes_back_to_the_due_date_of_the_rule_and_is_refused_where_a_field_cannot_be_empty(
    member: Caller, first: Customer, organisation: Organisation
) -> None:
    category = str(organisation.customers[0].category.guid)
    item = _ticket(member, first, "Unpaid", category=category, submit=True)
    path, later = f"/work-items/{item['guid']}", clock.rfc3339(clock.now() + timedelta(days=90))
    assert member.api("PATCH", path, {"due_date": later}).json()["due_date_overridden"] is True
    cleared = member.api("PATCH", path, {"due_date": None}).json()
    assert (cleared["due_date_overridden"], cleared["due_date"]) == (False, item["due_date"])
    refused = member.api("PATCH", path, {"title": None})
    assert (refused.status_code, refused.json()["field"]) == (422, "title")
    assert member.api("GET", path).json()["title"] == "Unpaid"


def test_a_contract_loses_its_calendar_by_null(caller: Callable[[str], Caller], first: Customer) -> None:
    builder = caller("process builder")
    calendar = builder.api("POST", "/calendars", {"name": "Of the house"}).json()["guid"]
    path = f"/contracts/{first.service.contract.guid}"
    assert builder.api("PATCH", path, {"calendar": calendar}).json()["calendar"] == calendar
    assert builder.api("PATCH", path, {"calendar": None}).json()["calendar"] is None


def test_work_is_found_by_reference_text_customer_and_since_when_it_changed(member: Caller, first: Customer) -> None:
    early = _ticket(member, first, "A broken Lamp")
    between = clock.rfc3339(clock.now())
    late = _ticket(member, first, "A broken pump")
    customer = str(first.company.guid)

    def found(**filters: str) -> list[str]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = member.api("GET", f"/work-items?{query}")
        assert answer.status_code == 200, answer.content
        return [item["title"] for item in answer.json()["items"]]

    assert found(reference=early["reference"].lower()) == found(text="lamp") == ["A broken Lamp"]
    assert found(text=late["reference"]) == ["A broken pump"]
    assert found(text="broken", customer=customer) == ["A broken pump", "A broken Lamp"]
    assert found(text="broken", contract=str(first.company.guid)) == []
    assert found(text="broken", updated_since=str(between)) == ["A broken pump"]


@pytest.mark.parametrize("sort", ["updated", "-updated", "due", "-due", "-created"])
def test_every_order_is_read_page_by_page_without_gap_or_repetition(
    sort: str, member: Caller, first: Customer, organisation: Organisation
) -> None:
    now, category = clock.now(), str(organisation.customers[0].category.guid)
    dues = [None, 5, 3, None, 5, 9]
    for days in dues:
        due = {"due_date": clock.rfc3339(now + timedelta(days=days))} if days else {}
        _ticket(member, first, "Sorted", category=category, **due)
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = member.api(
            "GET", f"/work-items?text=Sorted&limit=2&sort={sort}{f'&cursor={cursor}' if cursor else ''}"
        )
        assert answer.status_code == 200, answer.content
        seen += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
    assert len({item["guid"] for item in seen}) == len(seen) == len(dues)
    key = {"updated": "updated_at", "due": "due_date", "created": "created_at"}[sort.lstrip("-")]
    values = [item[key] for item in seen if item[key] is not None]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert all(item[key] is None for item in seen[len(values) :])


def test_a_cursor_of_one_order_is_refused_in_another(member: Caller, first: Customer) -> None:
    for _ in range(3):
        _ticket(member, first, "Sorted")
    cursor = member.api("GET", "/work-items?limit=1&sort=updated").json()["next_cursor"]
    refused = member.api("GET", f"/work-items?limit=1&sort=-updated&cursor={cursor}")
    assert (refused.status_code, refused.json()["code"]) == (422, "cursor_invalid")


def test_every_answer_names_its_request(member: Caller) -> None:
    answer = member.api("GET", "/work-items?limit=0")
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
    given = Client().get("/api/v1/me", headers={"X-Request-Id": "from-the-proxy.7"})
    assert given.headers["X-Request-Id"] == "from-the-proxy.7"
    forged = Client().get("/api/v1/me", headers={"X-Request-Id": "a b"})
    assert forged.headers["X-Request-Id"] != "a b"


def test_refusals_are_shared() -> None:
    for _, path, operation in operations():
        for status, (name, _) in openapi.REFUSALS.items():
            assert operation["responses"][str(status)] == {"$ref": f"#/components/responses/{name}"}, path
    assert MOST == 200
