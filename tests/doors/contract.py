"""The published contract: its operations, and whether an answer fits it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

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
    """Check an answer against the contract, where it is there: its status is listed and its body fits the schema.

    Input that cannot be read is refused with 400 whether the contract lists it or not (specification: webhooks, section 8).
    """
    content = json.loads(answer.content) if answer.content else None
    if CONTRACT.exists():
        responses = listed(operation)["responses"]
        assert str(answer.status_code) in {*responses, "400"}, (answer.status_code, answer.content)
        schema = responses.get(str(answer.status_code), {}).get("schema")
        if answer.status_code == 200 and schema:
            Draft4Validator({**schema, "definitions": contract()["definitions"]}).validate(content)
    return content
