"""What the OpenAPI document says beyond the operations: shared refusals, headers, security, and the `webhooks` section.

Each `with_…` takes the document and returns it with one more thing said. What an operation does with `Idempotency-Key`,
`If-Match` and `ETag` is read from the names its function uses, so it cannot be forgotten here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from workwire import __version__
from workwire.api.errors import Problem
from workwire.api.idempotency import LONGEST_KEY
from workwire.reactions.webhooks import catalogue

REFUSALS = {
    400: ("Unreadable", "The request cannot be read."),
    401: ("Unauthenticated", "There is no valid token."),
    403: ("Forbidden", "The account may not do this."),
    404: ("NotFound", "There is no such record, or the account may not see it."),
    409: ("Conflicting", "The present state does not allow it."),
    412: ("Changed", "The record has changed since the version that `If-Match` names."),
    413: ("TooLarge", "The request is larger than is read."),
    422: ("BreaksRule", "The input breaks a rule; `field` and `errors` say where."),
    429: ("TooMany", "Too many requests; `Retry-After` says when to come back."),
    503: ("Unavailable", "Not possible at the moment; `Retry-After` says when to come back."),
}  # by status: the name of the component and what it means
WAITING = frozenset({429, 503})
HEADERS = {
    "Webhook-Subscription": "GUID of the subscription: the proof that the message is ours.",
    "Webhook-Event": "Name of the webhook.",
    "Webhook-Id": "Id of the message, the same over retries, resends and replays.",
    "Webhook-Timestamp": "Moment of this attempt in seconds.",
    "Webhook-Signature": "Standard Webhooks: one `v1,<base64>` for each valid secret.",
    "Webhook-Attempt": "Number of this attempt, from 1.",
}
MARKS = {
    "Webhook-Test": "`true` for a test message sent on request; otherwise absent.",
    "Webhook-Replay": "`true` when the message is sent again on request; otherwise absent.",
}
TAGS = {
    "work": "Tickets, cases and actions, and what belongs to them.",
    "errors": "What the codes of errors say.",
    "batches": "Many work items assigned, or created from a spreadsheet, by a job.",
    "defects": "Defects of work items, defect categories and parties at fault.",
    "effort": "Time that accounts spend on work items.",
    "files": "Files of work items, uploads and file tags.",
    "contacts": "People outside, and what they are to a work item.",
    "parties": "Companies, contracts and services.",
    "calendars": "Working weeks, holidays and exceptions.",
    "offering": "What can be started: service lines, process versions and schedules.",
    "building": "How processes are shaped.",
    "webhooks": "Subscriptions, deliveries, replays and reconciling.",
    "following": "Work items that you follow, and your focus list.",
    "find": "Quick find: work, what was said, people and files by their words.",
    "notices": "What the account is told because it concerns it.",
    "administration": "Accounts, roles, groups, permissions and credentials.",
    "jobs": "What is done in the background, how far it is and why it failed.",
    "audit": "Events: what happened, who did it, and what it changed inside.",
    "sessions": "Logging in and out.",
}
INFO = {
    "title": "Workwire",
    "version": __version__,
    "summary": "Work orchestration for service operations, whose heart is a webhook provider.",
    "description": (
        "Send the token of `POST /api/v1/tokens` as `Authorization: Bearer`. Lists are pages: pass `next_cursor` of one "
        "as `cursor` of the next. In a `PATCH` what is left out stays as it is, and null empties a field that may be "
        "empty. Values of enumerations are in lower case. Errors are problem documents (RFC 9457) with a stable `code`; "
        "each answer carries `X-Request-Id`, by which an operator finds it in the log."
    ),
    "contact": {"name": "The operator of this installation"},
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
Views = Mapping[str, Callable[..., Any]]


def completed(document: dict[str, Any], views: Views) -> dict[str, Any]:
    """The whole document; `views` are the functions of the operations by operation id."""
    document |= {
        "info": INFO,
        "servers": [{"url": "/", "description": "This installation."}],
        "security": [{"Bearer": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
    }
    for step in (with_plain_operations, with_bodies, with_refusals, with_webhooks):
        document = step(document)
    return without_unused(with_headers(document, views))


def with_plain_operations(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the first sentence of each description as summary, query parameters that are never null, and
    `security` where none is needed."""
    for operation in _operations(document):
        summary, _, _ = operation.setdefault("description", operation["summary"]).partition("\n\n")
        operation["summary"] = " ".join(summary.split()).rstrip(".")
        operation.setdefault("security", [])
        for parameter in operation["parameters"]:
            parameter["schema"] = _without_null(parameter["schema"])
            parameter.pop("example", None)
    return document


def with_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the defaults of whole bodies: that one may be left out is said by `required`."""
    for operation in _operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["schema"] = content["schema"].get("allOf", [content["schema"]])[0]
    return document


def with_refusals(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every refusal as a reference to a shared component, named as the problem document it is."""
    shared = document["components"].setdefault("responses", {})
    document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    for status, (name, text) in REFUSALS.items():
        schema = {"$ref": "#/components/schemas/Problem"}
        shared[name] = {"description": text, "content": {"application/problem+json": {"schema": schema}}}
        if status in WAITING:
            seconds = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
            shared[name]["headers"] = {"Retry-After": seconds}
    for operation in _operations(document):
        good = {str(status): one for status, one in operation["responses"].items() if int(status) < 400}
        refused = {str(status): {"$ref": f"#/components/responses/{name}"} for status, (name, _) in REFUSALS.items()}
        operation["responses"] = good | refused
    return document


def with_headers(document: dict[str, Any], views: Views) -> dict[str, Any]:
    """The document with `Idempotency-Key`, `If-Match` and `ETag` where an operation heeds or sends them."""
    components = document["components"]
    components["parameters"] = {
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A request repeated with the same key within 24 hours is carried out once and answered the same.",
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of the version that is to be changed; another version is refused with 412.",
            "schema": {"type": "string"},
        },
    }
    components["headers"] = {"ETag": {"description": "The version of the record.", "schema": {"type": "string"}}}
    for operation in _operations(document):
        names = _names(views[operation["operationId"]].__code__)
        if "once" in names:
            operation["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
        if names & {"wanted", "do"}:
            operation["parameters"].append({"$ref": "#/components/parameters/IfMatch"})
        if names & {"tag", "do", "show", "_answer"}:
            for status, response in operation["responses"].items():
                if status.startswith("2") and "content" in response:
                    response["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
    return document


def with_webhooks(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every webhook a subscriber may receive, in each of the three formats."""
    schemas = document["components"]["schemas"]
    for entry in catalogue.entries():
        schemas |= _body_schemas(entry)
    document["webhooks"] = {entry["name"]: {"post": _webhook(entry)} for entry in catalogue.entries()}
    return document


def without_unused(document: dict[str, Any]) -> dict[str, Any]:
    """The document without schemas that nothing refers to, such as those whose fields became parameters."""
    schemas = document["components"]["schemas"]
    while unused := set(schemas) - _referred(document):
        for name in unused:
            del schemas[name]
    return document


def _webhook(entry: dict[str, Any]) -> dict[str, Any]:
    name, sample = entry["name"], entry["sample"]
    plain, standard, cloudevent = ({"$ref": f"#/components/schemas/{name}{form}"} for form in _FORMS)
    return {
        "operationId": f"receive_{name}",
        "summary": entry["description"].rstrip("."),
        "description": entry["fires_when"],
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            *(_header(header, text, required=True) for header, text in HEADERS.items()),
            *(_header(header, text, required=False) for header, text in MARKS.items()),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [plain, standard]}, "example": sample},
                "application/cloudevents+json": {"schema": cloudevent},
            },
        },
        "responses": {
            "2XX": {"description": "Taken; anything else is tried again."},
            "410": {"description": "Gone: the subscription is paused."},
        },
    }


_FORMS = ("Body", "Standard", "CloudEvent")


def _body_schemas(entry: dict[str, Any]) -> dict[str, Any]:
    """The three formats of a webhook's body by name of component."""
    name, moment = entry["name"], {"type": "string", "format": "date-time"}
    data = {"$ref": f"#/components/schemas/{name}Body"}
    body = dict(entry["schema"]) | {"title": f"{name}Body"}
    inner = body.pop("$defs", {})
    standard = {
        "title": f"{name}Standard",
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {"type": {"const": name}, "timestamp": moment, "data": data},
    }
    cloudevent = {
        "title": f"{name}CloudEvent",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": {"type": "string"},
            "type": {"const": f"workwire.{name}"},
            "subject": {"type": "string", "format": "uuid"},
            "time": moment,
            "datacontenttype": {"const": "application/json"},
            "data": data,
        },
    }
    made = dict(zip((f"{name}{form}" for form in _FORMS), (body, standard, cloudevent), strict=True))
    return made | {title: _at_components(one) for title, one in inner.items()}


def _at_components(schema: Any) -> Any:
    """A schema whose references lead to the components of the document."""
    if isinstance(schema, dict):
        return {name: _at_components(value) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_at_components(value) for value in schema]
    return schema.replace("#/$defs/", "#/components/schemas/") if isinstance(schema, str) else schema


def _referred(part: Any) -> set[str]:
    """The names of all that a part of the document refers to."""
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_referred(value) for value in part.values()))
    return set[str]().union(*(_referred(value) for value in part)) if isinstance(part, list) else set()


def _header(name: str, text: str, *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string"}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a query parameter: one that is left out is absent, not null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    rest = {
        name: value for name, value in schema.items() if name != "anyOf" and not (name == "default" and value is None)
    }
    if not kinds:
        return rest
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for operations in document["paths"].values() for operation in operations.values()]


def _names(code: CodeType) -> set[str]:
    """The names a function uses, those of the functions inside it among them."""
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*(_names(one) for one in inner))
