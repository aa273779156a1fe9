"""The mirror's database: every message once, and a view of the newest one of each work item."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS subscription (webhook TEXT PRIMARY KEY, guid TEXT NOT NULL, secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    event TEXT PRIMARY KEY, subscription TEXT NOT NULL, day TEXT NOT NULL,
    item TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS message_item ON message (item, epoch, sequence);
CREATE INDEX IF NOT EXISTS message_day ON message (subscription, day);
CREATE VIEW IF NOT EXISTS item AS
    SELECT item AS guid, json_extract(body, '$.Reference') AS reference, json_extract(body, '$.Title') AS title,
           json_extract(body, '$.Status') AS status, json_extract(body, '$.CustomerName') AS customer,
           json_extract(body, '$.DueDate') AS due, epoch, sequence
    FROM message AS newest WHERE (epoch, sequence) = (
        SELECT epoch, sequence FROM message WHERE item = newest.item ORDER BY epoch DESC, sequence DESC LIMIT 1);
"""


class Store:
    """Opens and makes the database. Messages may come twice and in any order; the view is right all the same."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._open() as database:
            database.executescript(TABLES)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            yield database

    def keep(self, subscription: str, body: dict[str, Any]) -> bool:
        """Keep a message; False when it was here already."""
        row = (
            body["EventID"], subscription, body["OccurredAt"][:10],
            body["GUID"], body.get("Epoch", 1), body["Sequence"], json.dumps(body),
        )  # fmt: skip
        with self._open() as database:
            return database.execute("INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount == 1

    def digest(self, subscription: str, day: str) -> tuple[int, str]:
        """Count and SHA-256 of the events of a day, as Workwire makes them."""
        with self._open() as database:
            found = database.execute(
                "SELECT event FROM message WHERE (subscription, day) = (?, ?)", (subscription, day)
            )
            events = sorted(event for (event,) in found)
        return len(events), hashlib.sha256("".join(f"{event}\n" for event in events).encode()).hexdigest()

    def days(self, subscription: str, first: str) -> set[str]:
        """The days from `first` on of which there are messages."""
        ask = "SELECT DISTINCT day FROM message WHERE subscription = ? AND day >= ?"
        with self._open() as database:
            return {day for (day,) in database.execute(ask, (subscription, first))}

    def forget(self, subscription: str, day: str) -> None:
        """Forget a day that is not right; it is asked for again."""
        with self._open() as database:
            database.execute("DELETE FROM message WHERE (subscription, day) = (?, ?)", (subscription, day))

    def remember(self, webhook: str, guid: str, secret: str) -> None:
        """Note a subscription."""
        with self._open() as database:
            database.execute("INSERT INTO subscription VALUES (?, ?, ?)", (webhook, guid, secret))

    def secret(self) -> str | None:
        """The secret all subscriptions share; None before the first one."""
        with self._open() as database:
            found = database.execute("SELECT secret FROM subscription").fetchone()
        return str(found[0]) if found else None

    def subscriptions(self) -> dict[str, str]:
        """GUID of each subscription by its webhook."""
        with self._open() as database:
            return dict(database.execute("SELECT webhook, guid FROM subscription"))
