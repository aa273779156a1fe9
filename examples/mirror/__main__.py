"""A mirror of all work items in SQLite, kept by webhooks alone: no list is read, every gap is found and filled.

At each start it proves with digests that it missed nothing, asks again for the days that differ, and then goes on listening.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from examples.client import Workwire
from examples.mirror.store import Store
from examples.receiving import Message, listening, new_secret, until_stopped

WEBHOOKS = ("PacketCreated", "PacketUpdated")
SINCE = os.environ.get("SINCE", "2020-01-01")  # the first day that is wanted
PROVEN_DAYS = 30  # as far back as one digest reaches


def begin(workwire: Workwire, store: Store, url: str, secret: str) -> None:
    """Subscribe to what is not subscribed yet, and ask for everything that happened before."""
    for webhook in WEBHOOKS:
        if webhook not in store.subscriptions():
            made = workwire.post("/subscriptions", {"webhook": webhook, "url": url, "secret": secret})
            store.remember(webhook, made["guid"], secret)
            workwire.post(f"/subscriptions/{made['guid']}/backfill", {"since": f"{SINCE}T00:00:00Z"})


def repair(workwire: Workwire, store: Store) -> list[str]:
    """Compare each of the last days with Workwire's digest; forget the days that differ and ask for them again.

    Returns those days. What is on its way at this moment may make today one of them, which does no harm.
    """
    first = max(SINCE, (datetime.now(UTC) - timedelta(days=PROVEN_DAYS)).date().isoformat())
    wrong: set[str] = set()
    for guid in store.subscriptions().values():
        path = f"/subscriptions/{guid}"
        said = workwire.get(f"{path}/digest", since=f"{first}T00:00:00Z")["days"]
        right = {one["day"]: (one["count"], one["sha256"]) for one in said}
        differ = [day for day in right.keys() | store.days(guid, first) if store.digest(guid, day) != right.get(day)]
        for day in differ:
            store.forget(guid, day)
        if differ:
            since = f"{min(differ)}T00:00:00Z"
            workwire.post(f"{path}/replay", {"since": since})  # what was sent, withheld or given up
            workwire.post(f"{path}/backfill", {"since": since})  # what was never prepared
        wrong.update(differ)
    return sorted(wrong)


def main() -> None:
    """Keep the mirror in the file MIRROR (mirror.db) until stopped; the subscriptions stay, so that nothing is lost."""
    workwire, store = Workwire.from_environment(), Store(os.environ.get("MIRROR", "mirror.db"))
    secret = store.secret() or new_secret()

    def take(message: Message) -> None:
        if not message.is_test:
            store.keep(message.subscription, message.body)

    with listening(secret, take) as url:
        for day in repair(workwire, store):
            print(f"asked again for {day}", flush=True)
        begin(workwire, store, url, secret)
        until_stopped()


if __name__ == "__main__":
    main()
