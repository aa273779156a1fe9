"""How the steps of a draft differ from those of its case type, and which of them are the same. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from workwire.kernel import folding
from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering.models import CaseStep, TypeStep


def matched(wanted: Sequence[TypeStep], present: Sequence[CaseStep]) -> list[CaseStep | None]:
    """The steps of a draft that are those of its type, None for one it does not have: by their identity, or else by their
    names, for drafts that were there before the type had steps."""
    of_type = {step.guid for step in wanted}
    by_identity = {step.identity: step for step in present}
    by_name = {folding.key(step.name): step for step in present if step.identity not in of_type}
    return [by_identity.get(step.guid) or by_name.pop(folding.key(step.name), None) for step in wanted]


def differences(wanted: Sequence[TypeStep], present: Sequence[CaseStep]) -> list[Statement]:
    """What refreshing does to the steps of a draft: those removed first, the others in their order; none where the type has
    no steps."""
    if not wanted:
        return []
    pairs = list(zip(wanted, matched(wanted, present), strict=True))
    kept = {step.pk for _, step in pairs if step is not None}
    found = [statement("step_removed", name=step.name) for step in present if step.pk not in kept]
    moved = _moved([step for _, step in pairs if step is not None])
    for one, step in pairs:
        if step is None:
            found.append(statement("step_added", name=one.name, number=one.number))
            continue
        if step.name != one.name:
            found.append(statement("step_renamed", name=step.name, to=one.name))
        if step.pk in moved:
            found.append(statement("step_moved", name=one.name, number=one.number))
    return found


def are_outdated(wanted: Sequence[TypeStep], present: Sequence[CaseStep]) -> bool:
    """Whether steps of a draft differ from those of its type."""
    return bool(differences(wanted, present))


def _moved(kept: Sequence[CaseStep]) -> set[int]:
    """The steps that trade places, of those in their new order: all but the longest run of them that stays in order."""
    ends: list[int] = []
    rows: list[CaseStep] = []
    before: dict[int, CaseStep | None] = {}
    for step in kept:
        at = bisect_left(ends, step.number)
        ends[at : at + 1], rows[at : at + 1] = [step.number], [step]
        before[step.pk] = rows[at - 1] if at else None
    stay: set[int] = set()
    last = rows[-1] if rows else None
    while last is not None:
        stay.add(last.pk)
        last = before[last.pk]
    return {step.pk for step in kept} - stay
