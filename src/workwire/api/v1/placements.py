"""When work is due, to whom it goes and how long it takes, as it comes in for versions and actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from ninja import Field

from workwire.access import queries as access
from workwire.api.v1.shapes import In
from workwire.api.v1.spelling import chosen
from workwire.api.v1.version_shapes import DueRuleIn
from workwire.kernel.actor import Actor
from workwire.rooms.commitments.rules import DueRule, Override
from workwire.rooms.offering import commands
from workwire.rooms.work import positions_held
from workwire.rooms.work import queries as work


class Placed(In):
    """When work is due, to whom it goes (its queue, and who gets it from there at once: the first of two people and the
    holders of two job positions who may have it; all by GUID), and how many minutes each of its records is expected to
    take."""

    due: DueRuleIn | None = None
    queue: UUID | None = None
    person: UUID | None = None
    effort_per_record: int | None = Field(None, ge=0)
    secondary_person: UUID | None = None
    job_position: UUID | None = None
    secondary_job_position: UUID | None = None


def placed(wish: Placed, by: Actor) -> dict[str, Any]:
    """All of it, as commands want it."""
    found = placed_changes(wish.dict(include=set(Placed.model_fields)), by)
    itself = {name: found.pop(name) for name in ("due", "effort_per_record")}
    return itself | {"allocation": commands.Allocation(**found)}


def placed_changes(given: Mapping[str, Any], by: Actor) -> dict[str, Any]:
    """What of it is given, with the records in place of their GUIDs."""
    find: dict[str, Callable[[Any], Any]] = {
        "due": due_rule,
        "effort_per_record": int,
        "queue": lambda guid: work.queue(guid, by=by),
        "person": lambda guid: access.user(guid, by=by),
        "secondary_person": lambda guid: access.user(guid, by=by),
        "job_position": lambda guid: positions_held.job_position(guid, by=by),
        "secondary_job_position": lambda guid: positions_held.job_position(guid, by=by),
    }
    return {name: None if given[name] is None else find[name](given[name]) for name in find if name in given}


def due_rule(given: Mapping[str, Any]) -> DueRule:
    """A due date rule."""
    return DueRule.from_json({**given, "override": chosen(Override, given["override"]).value})
