"""What happens to batches; what becomes of their items is told by the items."""

from __future__ import annotations

from workwire.kernel.actor import Actor
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Area, EventBody, event
from workwire.rooms.batches.models import Batch


class BatchBody(EventBody):
    """A batch and how many rows it has."""

    area = Area.DATA

    GUID: str
    Kind: str
    Rows: int


@event("BatchMade")
class BatchMade(BatchBody):
    """A batch was made; one of a spreadsheet was checked and waits to be started."""


@event("BatchStarted")
class BatchStarted(BatchBody):
    """The rows of a batch are being done."""


@event("BatchEnded")
class BatchEnded(BatchBody):
    """A batch came to its end, or was ended before."""

    State: str


def note(kind: type[BatchBody], batch: Batch, by: Actor, **more: str) -> None:
    """Record what happened to a batch."""
    body = kind(GUID=str(batch.guid), Kind=batch.kind, Rows=batch.waiting + batch.done + batch.refused, **more)
    record(body, about=Subject(ObjectType.BATCH, batch.guid), by=by, changes=[])
