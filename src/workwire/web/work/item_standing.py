"""Why a work item stands where it stands, and who did what for that: the card of its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from workwire.rooms.work import item_states
from workwire.rooms.work.queries import WorkItem
from workwire.web.kit.choice_words import CHOICES
from workwire.web.kit.parts import Person
from workwire.web.work.item_parts import person_at_item


@dataclass(frozen=True, slots=True)
class Doing:
    """What somebody did about the state of an item, and when; without a person the system did it."""

    what: str
    person: Person | None
    moment: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Why an item stands where it stands, and who did what for that."""

    reason: str
    done: tuple[Doing, ...]


def standing_of(item: WorkItem) -> Standing:
    """Who set the state of an item, why and when, who reopened it, and who changed it last."""
    state = item_states.state_of(item)
    told = (
        (_("State set by"), state.set_by, state.set_at),
        (_("Reopened by"), state.reopened_by, state.reopened_on),
        (_("Last changed by"), state.updated_by, state.updated_at),
    )
    done = tuple(Doing(what, person_at_item(who) if who else None, when) for what, who, when in told if when)
    return Standing(str(CHOICES[state.reason.name.lower()]), done)
