"""The documented web API as an OpenAPI 3.1 document: `/webapi/openapi.json`.

`openapi_facts.json` holds what is fixed by the documentation: operations, parameters, schemas and statuses; and apart from
these the keys that we answer besides (`added`). What each operation does is said by the function that does it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse

from workwire import __version__
from workwire.webapi.operations import operations
from workwire.webapi.record_bodies import respond

FACTS = Path(__file__).with_name("openapi_facts.json")
_LOGIN, _UPLOAD, _TOKEN = "Authentication/Login", "Packet/PrepareNewFile", "/Auth/OAuth/Token"
_SUMMARIES = {_LOGIN: "Log in; the answer is the token, or a cookie where one is asked for"}
_MEANINGS = {
    "200": "Done.",
    "204": "Done; there is nothing to answer.",
    "400": "The input cannot be read, or breaks a rule.",
    "401": "There is no valid token.",
    "403": "The account may not do this.",
    "404": "There is no such record, or the account may not see it.",
    "409": "The present state does not allow it.",
    "413": "The request is larger than is read.",
    "415": "A body of this kind is not read.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "Not possible at the moment; `Retry-After` says when to come back.",
}
_EVERYWHERE = ("400", "401", "413", "429", "503")


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    facts = json.loads(FACTS.read_text())
    summaries = _SUMMARIES | {one.path: _first_sentence(one.handler.__doc__ or "") for one in operations()}
    for name, keys in facts["added"].items():
        facts["schemas"][name].setdefault("properties", {}).update(keys)
    paths = {
        f"/webapi/{path}": {said["method"].lower(): _operation(path, said, summaries[path])}
        for path, said in sorted(facts["operations"].items())
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Workwire, documented web API",
            "version": __version__,
            "description": (
                "Paths are read in any case, with or without the instance's name in front. A token is sent as the query "
                "parameter `authToken`, the header `apikey` or `Authorization: Bearer`. Keys without a value are left out."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"Query": []}, {"Header": []}, {"Bearer": []}],
        "paths": paths | {_TOKEN: {"post": _token()}},
        "components": {
            "schemas": facts["schemas"],
            "securitySchemes": {
                "Query": {"type": "apiKey", "in": "query", "name": "authToken"},
                "Header": {"type": "apiKey", "in": "header", "name": "apikey"},
                "Bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def served(_request: HttpRequest, instance: str = "") -> HttpResponse:
    """Serve the document; no login needed."""
    return respond(document())


def _operation(path: str, said: dict[str, Any], summary: str) -> dict[str, Any]:
    answers: dict[str, dict[str, Any]] = {
        status: {"description": _MEANINGS[status]} for status in sorted({*said["answers"], *_EVERYWHERE})
    }
    for status, answer in answers.items():
        schema = said["answers"].get(status) if int(status) < 400 else {"$ref": "#/components/schemas/Refusal"}
        if schema is not None:
            answer["content"] = {"application/json": {"schema": schema}}
    found: dict[str, Any] = {
        "operationId": path.replace("/", "_"),
        "summary": summary,
        "tags": [path.partition("/")[0]],
        "parameters": said["parameters"],
        "responses": answers,
    }
    if said["body"] is not None:
        content = {kind: {"schema": said["body"]} for kind in ("application/json", "application/x-www-form-urlencoded")}
        found["requestBody"] = {"content": content}
    elif path == _UPLOAD:
        file = {
            "type": "object",
            "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
        }
        found["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": file}}}
    if path == _LOGIN:
        found["security"] = []
    return found


def _token() -> dict[str, Any]:
    form = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
        },
    }
    refused = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TokenRefusal"}}}}
    return {
        "operationId": "Auth_OAuth_Token",
        "summary": "Exchange client credentials for a token (RFC 6749); HTTP Basic is read as well",
        "tags": ["Authentication"],
        "security": [],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {
            "200": {
                "description": "The token.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Token"}}},
            },
            **{status: {"description": _MEANINGS[status]} | refused for status in ("400", "401", "413", "429")},
        },
    }


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).rstrip(".")
