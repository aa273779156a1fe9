"""What callers of the REST API know: the keys of each operation's body and query, from the OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from workwire.api.v1 import api


@cache
def known_keys() -> dict[tuple[str, str], frozenset[str]]:
    """The keys of body and query by method and path, such as ``("POST", "/api/v1/tickets")``."""
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    return {
        (method.upper(), path): frozenset(_keys(operation, document["components"]["schemas"]))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def check_fields(method: str, path: str, problem: Any) -> None:
    """Check that the fields a refusal names are keys that the caller knows, or parts of the path. A key that is refused for
    being none of ours is one the caller sent, and so is a parameter."""
    if problem.get("code") == "parameter_unknown":
        return
    wrong = problem.get("errors") or [{"field": problem.get("field"), "message": problem["detail"]}]
    fields = [error["field"] for error in wrong if error["message"] != "Extra inputs are not permitted"]
    for field in filter(None, fields):
        assert field.split(".")[0] in known_keys()[method, path] | _of_path(path), (method, path, problem)


def path_of(route: str) -> str:
    """A path of the OpenAPI document by the route of Django that answers it."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def _of_path(path: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", path))


def _keys(operation: Any, schemas: Any) -> set[str]:
    found = {parameter["name"] for parameter in operation.get("parameters", ()) if "name" in parameter}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        named = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ())), None)
        found |= set((schemas[named.rsplit("/", 1)[1]] if named else schema)["properties"])
    return found
