"""What a command wrote to the ledger: the events of a block, in order."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workwire.outbox.models import Event


@dataclass
class Recorded:
    """The events recorded inside the block; filled when it ends, also when it ends in a refusal."""

    events: list[Event] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [event.name for event in self.events]

    @property
    def only(self) -> Event:
        """The one event; fails when there is none or more than one."""
        assert len(self.events) == 1, self.names
        return self.events[0]

    @property
    def body(self) -> dict[str, Any]:
        """The body of the one event, without the envelope that every body carries."""
        body: dict[str, Any] = json.loads(self.only.body)
        assert body.pop("EventID") == str(self.only.guid)
        assert body.pop("Sequence") == self.only.sequence
        assert body.pop("OccurredAt").endswith("Z")
        assert body.pop("Epoch") == 1
        assert (body.pop("ChangedBy") is None) == (self.only.actor_id is None)
        return body


@contextlib.contextmanager
def recorded() -> Iterator[Recorded]:
    """Collect the events that the block records."""
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found = Recorded()
    try:
        yield found
    finally:
        found.events = list(Event.objects.filter(pk__gt=last).order_by("pk"))
