"""Why a work item is with who has it: what the rules of `who_gets_it` said last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden
from workwire.kernel.wording import Statement
from workwire.rooms.work import policy
from workwire.rooms.work.models import WorkItem


@dataclass(frozen=True, slots=True)
class WhyAssigned:
    """When the rules of `who_gets_it` were asked last about an item, and what each said; nothing for one from before them."""

    at: datetime | None
    tried: tuple[Statement, ...]


def why_assigned(found: WorkItem, *, by: Actor) -> WhyAssigned:
    """How an item came to who has it, and to its queue; raises Forbidden in self service."""
    if policy.in_self_service(by):
        raise Forbidden("feature_missing.for_assignment")
    kept = found.assignment or {}
    at = datetime.fromisoformat(kept["at"]) if "at" in kept else None
    return WhyAssigned(at, tuple(Statement(one["code"], one["parameters"]) for one in kept.get("tried", ())))
