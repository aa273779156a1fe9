"""What the OpenAPI document says beyond the operations: the `webhooks` section, from the catalogue, and problem documents."""

from __future__ import annotations

from typing import Any

from workwire.reactions.webhooks import catalogue

HEADERS = {
    "Webhook-Subscription": "GUID of the subscription: the proof that the message is ours.",
    "Webhook-Event": "Name of the webhook.",
    "Webhook-Id": "Id of the message, the same over retries, resends and replays.",
    "Webhook-Timestamp": "Moment of this attempt in seconds.",
    "Webhook-Signature": "Standard Webhooks: one `v1,<base64>` for each valid secret.",
    "Webhook-Attempt": "Number of this attempt, from 1.",
}
MARKS = {
    "Webhook-Test": "`true` when somebody asked for a sample message; otherwise absent.",
    "Webhook-Replay": "`true` when the message is sent again because somebody asked for it; otherwise absent.",
}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every refusal named as the problem document it is."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and "application/json" in response.get("content", {}):
                    response["content"]["application/problem+json"] = response["content"].pop("application/json")
    return document


def with_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the defaults of whole bodies: that one may be left out is said by `required`."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["schema"] = content["schema"].get("allOf", [content["schema"]])[0]
    return document


def with_webhooks(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every webhook a subscriber may receive."""
    document["webhooks"] = {
        entry["name"]: {
            "post": {
                "operationId": f"receive_{entry['name']}",
                "summary": entry["description"],
                "description": entry["fires_when"],
                "parameters": [
                    {
                        "name": name,
                        "in": "header",
                        "required": True,
                        "description": text,
                        "schema": {"type": "string"},
                    }
                    for name, text in HEADERS.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": entry["schema"], "example": entry["sample"]}},
                },
                "responses": {"2XX": {"description": "Taken; anything else is tried again."}},
            }
        }
        for entry in catalogue.entries()
    }
    return document
