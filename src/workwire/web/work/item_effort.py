"""What the page of a work item says about its effort: expected, spent, left, and why so much is expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.kernel.actor import Actor
from workwire.rooms.effort import estimates
from workwire.rooms.work import policy
from workwire.rooms.work.queries import WorkItem
from workwire.web.kit.parts import Fact


@dataclass(frozen=True, slots=True)
class Effort:
    """The effort in words, the latest start that meets the due date, and the reasons."""

    facts: tuple[Fact, ...]
    start_by: datetime | None
    reasons: tuple[str, ...]


def effort_of(item: WorkItem, actor: Actor) -> Effort | None:
    """The effort of an item for who works; None for others, and where nothing is expected and nothing was spent."""
    if not policy.may_work(actor):
        return None
    found = estimates.effort_of(item, by=actor, with_parts=False)
    if found.expected is None and not found.actual:
        return None
    named = (
        (_("Expected"), found.expected),
        (_("Not created yet"), found.rest),
        (_("Spent"), found.actual),
        (_("Left"), found.remaining),
    )
    facts = tuple(Fact(name, in_hours(minutes)) for name, minutes in named if minutes is not None)
    return Effort(facts, found.start_by, tuple(reason.sentence() for reason in found.explanation))


def in_hours(minutes: float) -> str:
    """Working time in hours and minutes, such as "26 h 5 min": a day of work has no fixed length."""
    hours, rest = divmod(round(minutes), 60)
    parts = []
    if hours:
        parts.append(ngettext("%(count)d h", "%(count)d h", hours) % {"count": hours})
    if rest or not hours:
        parts.append(ngettext("%(count)d min", "%(count)d min", rest) % {"count": rest})
    return " ".join(parts)
