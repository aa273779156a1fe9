"""What can be subscribed to, as data: generated from the event types that build the messages, so it cannot differ from them.

Served by the APIs, printed by the command line, rendered into the docs; a committed snapshot makes an unintended change
of any body fail the tests.
"""

from __future__ import annotations

from typing import Any

from workwire.outbox.registry import SAMPLE_ACTOR, Envelope, Webhook, body_of, webhooks


def entries() -> list[dict[str, Any]]:
    """All webhooks by number: name, number, description, when it fires, allowed filters, JSON Schema and a sample."""
    return [_entry(hook) for hook in webhooks().values()]


def by_name_or_number(text: str | int) -> Webhook | None:
    """The webhook named by its name (in any case), an accepted other name, or its number; None for none."""
    wanted = str(text).strip().lower()
    for hook in webhooks().values():
        names = [hook.name, *hook.aliases, str(hook.number)]
        if wanted in (name.lower() for name in names):
            return hook
    return None


def schema(hook: Webhook) -> dict[str, Any]:
    """The JSON Schema of a webhook's body, envelope included."""
    body, envelope = body_of(hook).model_json_schema(), _inlined(Envelope.model_json_schema())
    return body | {
        "title": hook.name,
        "properties": body["properties"] | envelope["properties"],
        "required": [*body.get("required", []), *envelope["required"]],
        "additionalProperties": True,
    }


def _entry(hook: Webhook) -> dict[str, Any]:
    return {
        "name": hook.name,
        "number": hook.number,
        "other_names": list(hook.aliases),
        "description": hook.description,
        "fires_when": hook.fires_when,
        "filters": [
            {"type": kind.public_name, "number": int(kind), "guid_required": hook.needs_guid} for kind in hook.filters
        ],
        "schema": schema(hook),
        "sample": body_of(hook).sample().model_dump(mode="json")
        | {
            "EventID": "0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b80",
            "OccurredAt": "2026-01-15T09:30:00.000Z",
            "Sequence": 1,
            "Epoch": 1,
            "ChangedBy": SAMPLE_ACTOR.model_dump(),
        },
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to put in place, so that it can be joined with another one."""
    known = schema.pop("$defs", {})

    def put(part: Any) -> Any:
        if isinstance(part, dict):
            named = part.get("$ref", "").removeprefix("#/$defs/") if isinstance(part.get("$ref"), str) else ""
            return put(known[named]) if named else {key: put(value) for key, value in part.items()}
        return [put(one) for one in part] if isinstance(part, list) else part

    joined: dict[str, Any] = put(schema)
    return joined
