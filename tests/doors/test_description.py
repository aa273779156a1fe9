"""Our own document of the documented web API: valid, complete, served, and the same as the published contract."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from tests.doors.contract import contract, described, needs_contract
from workwire.webapi import openapi_document
from workwire.webapi.operations import operations

FACTS = json.loads(openapi_document.FACTS.read_text())
OF_EVERY_CALL = {"HostUrl", "InstanceName", "AuthToken"}  # parameters of the contract that stand for path and token


def test_it_is_a_valid_document_and_describes_every_operation_once() -> None:
    validate(openapi_document.document())
    paths = set(openapi_document.document()["paths"])
    ours = {f"/webapi/{one.path}" for one in operations()}
    assert paths == ours | {"/webapi/Authentication/Login", "/Auth/OAuth/Token"}
    for one in operations():
        assert one.method.lower() in openapi_document.document()["paths"][f"/webapi/{one.path}"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/webapi/openapi.json", "/WebApi/OpenAPI.json"])
def test_it_is_served_to_whoever_asks(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 200
    assert answer.json() == openapi_document.document()


@needs_contract
def test_operations_parameters_and_statuses_are_those_of_the_contract() -> None:
    for path, methods in contract()["paths"].items():
        ((method, theirs),) = methods.items()
        ours = described(path.removeprefix("/webapi/"))
        assert method in openapi_document.document()["paths"][path], path
        given = [one for one in theirs.get("parameters", ()) if one["name"] not in OF_EVERY_CALL]
        query = {(one["name"], one["type"]) for one in given if one["in"] == "query"}
        assert query == {(one["name"], one["schema"]["type"]) for one in ours["parameters"]}, path
        assert set(theirs["responses"]) <= set(ours["responses"]), path
        for one in given:
            if one["in"] == "body":
                assert _shape(ours["requestBody"]["content"]["application/json"]["schema"]) == _shape(one["schema"]), (
                    path
                )


@needs_contract
def test_schemas_have_the_keys_and_types_of_the_contract() -> None:
    for name, theirs in contract()["definitions"].items():
        ours = FACTS["schemas"][_named(name)]
        assert _shape(ours) == _shape(theirs), name
        assert not set(FACTS["added"].get(_named(name), ())) & set(_shape(theirs) or ()), name


def _named(name: str) -> str:
    """What our document calls a definition of the contract, whose names hold brackets."""
    found = re.match(r"ApiResponse\[(.*),\w+\]$", name)
    inner = found[1].replace("List[", "ListOf") + "Answer" if found else name
    return re.sub(r"\W+", "", inner)


def _shape(schema: dict[str, Any]) -> Any:
    """Keys, types and references of a schema, without words."""
    if "$ref" in schema:
        return _named(schema["$ref"].split("/", 2)[-1].removeprefix("schemas/"))
    kind = schema.get("type")
    if kind == "array":
        return [_shape(schema.get("items", {}))]
    if kind == "object" or "properties" in schema:
        return {name: _shape(one) for name, one in schema.get("properties", {}).items()}
    return kind
