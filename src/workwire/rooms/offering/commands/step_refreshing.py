"""The steps of a draft follow those of its case type, when a builder says so."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.draft_parts import drop_step
from workwire.rooms.offering.commands.renumbering import move_away
from workwire.rooms.offering.models import CaseStep, ProcessType, ProcessVersion, TypeStep, WorkType
from workwire.rooms.offering.step_differences import differences, matched


@transaction.atomic
def refresh_steps(
    version: ProcessVersion, *, by: Actor, type_version: int, revision: int | None = None
) -> ProcessVersion:
    """Give a draft the steps of its case type: steps are added, renamed and moved with their actions; the actions of those
    that are gone become ad hoc actions. Recorded once, and not at all when every step is already that of its
    type. `type_version` is that of the type whose differences were shown; raises Conflict for one that has passed, and for a
    revision that has."""
    version = versions.draft(version, ProcessType.CASE, by, revision)
    work_type = WorkType.objects.select_for_update(no_key=True).get(pk=version.process.work_type_id)
    if type_version != work_type.version:
        raise Conflict("version_conflict.work_type")
    wanted, present = list(work_type.steps.all()), own_steps(version)
    pairs = list(zip(wanted, matched(wanted, present), strict=True))
    if differences(wanted, present) or _are_matched_by_name(pairs):
        versions.record_change(version, "steps refreshed", by, hold_steps(version, pairs, present))
    return version


def own_steps(version: ProcessVersion) -> list[CaseStep]:
    """The steps of a version in order, but for that of the ad hoc actions."""
    return list(version.steps.filter(number__gt=versions.AD_HOC).order_by("number"))


def _are_matched_by_name(pairs: Iterable[tuple[TypeStep, CaseStep | None]]) -> bool:
    """Whether a step has only the name of that of its type: from now on it follows when that is renamed."""
    return any(step is not None and step.identity != one.guid for one, step in pairs)


def hold_steps(
    version: ProcessVersion, pairs: list[tuple[TypeStep, CaseStep | None]], present: Iterable[CaseStep]
) -> list[RowChange]:
    """Make the steps of a draft those of its type, each out of the one it is paired with, and drop the others; returns the
    changes. A new step begins as the type says, the others keep what they say beside name and number."""
    kept = [step for _, step in pairs if step is not None]
    before = {step.pk: columns(step) for step in kept}
    changes = [change for step in present if step.pk not in before for change in drop_step(version, step)]
    move_away(kept, "number")
    for one, step in pairs:
        row = step or versions.step_of(one, version)
        row.key, row.number, row.name = one.guid, one.number, one.name
        row.save()
        changes += added(row) if step is None else altered(row, before[row.pk])
    return changes
