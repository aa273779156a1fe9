"""Which fields conditions know: those of the product, the custom data fields, and the checklist lines of earlier steps."""

from __future__ import annotations

from django.db.models import Q

from workwire.rooms.offering import queries
from workwire.rooms.offering.conditions.known_fields import (
    BUILT_IN,
    DataFieldShape,
    KnownField,
    KnownFields,
    of_answer,
    of_data_fields,
)
from workwire.rooms.offering.models import (
    CaseStep,
    ChecklistLine,
    DataField,
    FieldKind,
    ProcessVersion,
)


def data_fields() -> dict[str, KnownField]:
    """All custom data fields, retired ones too, by their names in conditions."""
    rows = DataField.objects.order_by("pk").values_list("name", "kind", "options", "retired")
    return of_data_fields(
        DataFieldShape(name, FieldKind(kind), _choices(kind, options), retired) for name, kind, options, retired in rows
    )


def known_fields(version: ProcessVersion | None = None, *, before: CaseStep | None = None) -> KnownFields:
    """The fields that a condition may name: of a version also the answers of its steps, or of those before a step."""
    found = {**BUILT_IN, **data_fields()}
    if version is not None:
        found |= {field.name: field for field in _answers(version, before)}
    return found


def _answers(version: ProcessVersion, before: CaseStep | None) -> list[KnownField]:
    """The lines of actions in earlier steps, in the order of the flow; a line that several actions ask counts once."""
    earlier = queries.definitions().filter(step__version=version.pk, step__number__gte=1)
    if before is not None:
        earlier = earlier.filter(step__number__lt=before.number)
    actions = sorted(earlier, key=lambda action: (action.step.number, action.number))
    asked = Q(definition__in=[action.pk for action in actions]) | Q(work_type__in={one.work_type_id for one in actions})
    lines = list(ChecklistLine.objects.filter(asked, retired=False))
    found: dict[str, KnownField] = {}
    for action in actions:
        of_action = [one for one in lines if action.pk == one.definition_id or action.work_type_id == one.work_type_id]
        for line in of_action:
            field = of_answer(line.guid, f"{action}: {line.description}")
            found.setdefault(field.name, field)
    return list(found.values())


def _choices(kind: str, options: dict[str, object]) -> tuple[str, ...]:
    values = options.get("values") if kind == FieldKind.LIST else None
    return tuple(map(str, values)) if isinstance(values, list) else ()
