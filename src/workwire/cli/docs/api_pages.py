"""The reference pages of both APIs, written from their OpenAPI documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from workwire.api.v1 import api
from workwire.webapi import openapi_document
from workwire.webapi import urls as _urls  # noqa: F401 - registers the operations

_METHODS = ("get", "post", "put", "patch", "delete")


def rest_api() -> str:
    """The page of `/api/v1`."""
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    intro = [
        "# REST API",
        "",
        document["info"]["description"],
        "",
        "Every operation may also answer with one of the refusals at the end. The whole document is served at "
        "`/api/v1/openapi.json`.",
    ]
    return _page(intro, document, (tag["name"] for tag in document["tags"]))


def web_api() -> str:
    """The page of the documented web API."""
    document = openapi_document.document()
    intro = [
        "# The documented web API",
        "",
        document["info"]["description"],
        "",
        "The whole document, with every schema, is served at `/webapi/openapi.json`.",
    ]
    tags = sorted({tag for _, _, operation in _operations(document) for tag in operation["tags"]})
    return _page(intro, document, tags)


def _page(intro: list[str], document: dict[str, Any], tags: Iterable[str]) -> str:
    about = {tag["name"]: tag["description"] for tag in document.get("tags", ())}
    lines = list(intro)
    for tag in tags:
        lines += ["", f"## {tag[:1].upper()}{tag[1:]}"]
        if tag in about:
            lines += ["", about[tag]]
        for method, path, operation in _operations(document):
            if tag in operation["tags"]:
                lines += ["", *_operation(document, method, path, operation)]
    lines += ["", "## Schemas", "", "A field with an asterisk is always there, or must be given."]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _schema(name, schema)
    lines += ["", "## Refusals", "", "| status | meaning |", "| --- | --- |"]
    lines += [f"| {status} | {text} |" for status, text in sorted(_refusals(document).items())]
    return "\n".join(lines) + "\n"


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"### `{method.upper()} {path}`", "", f"{operation['summary']}."]
    if more := operation.get("description", "").partition("\n\n")[2]:
        lines += ["", " ".join(more.split())]
    given = [
        f"`{one['name']}`{'*' if one.get('required') else ''} {_kind(one['schema'])}"
        for one in _query(document, operation)
    ]
    if given:
        lines += ["", f"Query and headers: {', '.join(given)}."]
    if body := _content(operation.get("requestBody", {})):
        lines += ["", f"Body: {_kind(body)}."]
    answers = [
        f"{status} {_kind(_content(answer))}" if _content(answer) else str(status)
        for status, answer in sorted(operation["responses"].items(), key=lambda one: str(one[0]))
        if str(status).startswith("2")
    ]
    return [*lines, "", f"Answers: {', '.join(answers)}."]


def _parameter(one: dict[str, Any]) -> str:
    return f"`{one['name']}`{'*' if one.get('required') else ''} {_kind(one['schema'])}"


def _schema(name: str, schema: dict[str, Any]) -> list[str]:
    lines = ["", f'<a id="{name}"></a>', "", f"### {name}"]
    if text := schema.get("description"):
        lines += ["", " ".join(text.split())]
    if parts := schema.get("allOf"):
        lines += ["", f"All of {', '.join(_kind(part) for part in parts)}."]
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    if not properties:
        return lines if parts else [*lines, "", f"{_kind(schema)}."]
    lines += ["", "| field | kind | |", "| --- | --- | --- |"]
    for field, one in properties.items():
        about = " ".join(one.get("description", "").split())
        lines.append(f"| `{field}`{'*' if field in required else ''} | {_kind(one)} | {about} |")
    return lines


def _kind(schema: dict[str, Any]) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_kind(one) for one in several)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if inner := schema.get("properties"):
        needed = set(schema.get("required", ()))
        return ", ".join(f"`{name}`{'*' if name in needed else ''} {_nested(one)}" for name, one in inner.items())
    return _bounded(schema)


def _nested(schema: dict[str, Any]) -> str:
    """What a value within a value is, in brackets where it has fields."""
    kind = _kind(schema)
    return f"({kind})" if schema.get("properties") or schema.get("items", {}).get("properties") else kind


def _bounded(schema: dict[str, Any]) -> str:
    kind = {"uuid": "GUID", "date-time": "moment", "date": "date"}.get(
        schema.get("format", ""), schema.get("type", "any")
    )
    bounds = [
        f"{word} {schema[name]}"
        for name, word in (("minimum", "from"), ("maximum", "to"), ("minLength", "at least"), ("maxLength", "at most"))
        if name in schema
    ]
    return f"{kind} ({', '.join(bounds)})" if bounds else str(kind)


def _query(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    shared = document["components"].get("parameters", {})
    given = [
        shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in operation.get("parameters", ())
    ]
    return [one for one in given if one["in"] != "path"]


def _content(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(part.get("content", {}).values()), {})
    return dict(found.get("schema", {}))


def _refusals(document: dict[str, Any]) -> dict[str, str]:
    shared = document["components"].get("responses", {})
    found: dict[str, str] = {}
    for _, _, operation in _operations(document):
        for status, answer in operation["responses"].items():
            if re.match(r"[45]", str(status)):
                answer = shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
                found[str(status)] = answer["description"]
    return found


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operations[method])
        for path, operations in document["paths"].items()
        for method in _METHODS
        if method in operations
    ]
