"""Of which processes somebody started work lately."""

from __future__ import annotations

from workwire.kernel.actor import Actor
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import WorkItem

LOOKED_AT = 200  # items that were started last


def processes_started_lately(by: Actor) -> list[int]:
    """The ids of the processes of the tickets and cases that the actor started last, each once, the last first."""
    started = WorkItem.objects.filter(started_by=by.user_id or 0, kind__in=(ProcessType.TICKET, ProcessType.CASE))
    return list(dict.fromkeys(started.order_by("-pk").values_list("process_id", flat=True)[:LOOKED_AT]))
