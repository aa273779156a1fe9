"""The documented web API as we describe it, the published contract, and whether an answer fits both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from workwire.webapi import openapi_document

CONTRACT = Path(__file__).parents[3] / "shared" / "contract" / "enate-connector.swagger.json"
needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the contract file lies in ../shared, which is absent"
)


@cache
def contract() -> dict[str, Any]:
    """The contract, as it was published."""
    found: dict[str, Any] = json.loads(CONTRACT.read_text())
    return found


def listed(operation: str) -> dict[str, Any]:
    """What the contract says of an operation."""
    (found,) = contract()["paths"][f"/webapi/{operation}"].values()
    return dict(found)


def fits(operation: str, answer: Any) -> Any:
    """Check an answer against our own document, and against the contract where it is there: its status is listed and its
    body fits the schema.

    Input that cannot be read is refused with 400 whether the contract lists it or not (specification: webhooks, section 8).
    """
    content = json.loads(answer.content) if answer.content else None
    _fits_our_document(operation, answer.status_code, content)
    assert [*empty(content)] == [], operation
    if CONTRACT.exists():
        responses = listed(operation)["responses"]
        assert str(answer.status_code) in {*responses, "400"}, (answer.status_code, answer.content)
        schema = responses.get(str(answer.status_code), {}).get("schema")
        if answer.status_code == 200 and schema:
            Draft4Validator({**schema, "definitions": contract()["definitions"]}).validate(content)
    return content


def empty(content: Any, name: str = "") -> Iterator[str]:
    """The names of keys that hold null, at any depth: no answer of this API has one (decision 8)."""
    if content is None and name:
        yield name
    for key, value in content.items() if isinstance(content, dict) else ():
        yield from empty(value, f"{name}/{key}")
    for number, value in enumerate(content if isinstance(content, list) else ()):
        yield from empty(value, f"{name}/{number}")


def described(operation: str) -> dict[str, Any]:
    """What our own document says of an operation."""
    (found,) = openapi_document.document()["paths"][f"/webapi/{operation}"].values()
    return dict(found)


def _fits_our_document(operation: str, status: int, content: Any) -> None:
    responses = described(operation)["responses"]
    assert str(status) in responses, (operation, status, content)
    schema = responses[str(status)].get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        assert content is None, (operation, content)
        return
    components = {"components": {"schemas": _closed_schemas()}}
    Draft202012Validator({**schema, **components}).validate(content)


@cache
def _closed_schemas() -> dict[str, Any]:
    """The schemas of our document, which then allow no key that they do not name."""
    schemas = openapi_document.document()["components"]["schemas"]
    inner = {
        part["$ref"].rpartition("/")[2] for one in schemas.values() for part in one.get("allOf", ()) if "$ref" in part
    }
    return {name: one if name in inner else one | {"unevaluatedProperties": False} for name, one in schemas.items()}
