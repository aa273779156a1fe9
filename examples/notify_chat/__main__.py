"""Tell a chat about new work: each ticket or case that is submitted becomes a line in a channel."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from examples.client import Workwire
from examples.receiving import Message, listening, new_secret, until_stopped

DRAFT = 0  # `Status` of what is not submitted yet
KINDS = {1: "case", 2: "ticket"}  # `ProcessType`; actions are left out
told: set[str] = set()


def take(message: Message) -> None:
    """Write to the chat, once for each message; raises when the chat does not take it, so that the message comes again."""
    item = message.body
    if message.is_test or message.id in told or item["ProcessType"] not in KINDS:
        return
    if not is_new(item):
        return
    kind = KINDS[item["ProcessType"]]
    say(f"New {kind} {item['Reference']} for {item['CustomerName']}: {item['Title']} (due {item['DueDate']})")
    told.add(message.id)


def is_new(item: dict[str, Any]) -> bool:
    """Whether the message tells that an item was submitted: at once when it was made, or later."""
    return item["Status"] != DRAFT and item.get("Previous", {"Status": DRAFT}).get("Status") == DRAFT


def say(text: str) -> None:
    """Post to the incoming webhook of a chat; CHAT is its URL."""
    data = json.dumps({"text": text}).encode()
    request = urllib.request.Request(os.environ["CHAT"], data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        print(text, flush=True)


def main() -> None:
    """Subscribe, listen until stopped, unsubscribe."""
    workwire, secret = Workwire.from_environment(), new_secret()
    with listening(secret, take) as url:
        wanted = [{"webhook": one, "url": url, "secret": secret} for one in ("PacketCreated", "PacketUpdated")]
        made = [workwire.post("/subscriptions", one) for one in wanted]
        until_stopped()
        for one in made:
            workwire.delete(f"/subscriptions/{one['guid']}")


if __name__ == "__main__":
    main()
