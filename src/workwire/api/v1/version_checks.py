"""What builders ask before a version goes live: its findings, the fields of conditions, what a condition says of an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from workwire.access import features
from workwire.access.policy import require
from workwire.api.auth import actor
from workwire.api.v1.shapes import Guid, In, Listing, StatementOut, answers, whole
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Statement
from workwire.rooms.offering import condition_fields, conditions, queries, version_findings
from workwire.rooms.offering.conditions import KnownField, Seen
from workwire.rooms.offering.findings import Finding
from workwire.rooms.work import condition_facts

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion

router = Router(tags=["building"])
SeverityName = Literal["must", "before_live", "advice"]
SourceName = Literal["platform", "work_item", "dates", "custom_data", "checklist"]
TypeName = Literal["text", "number", "date", "moment", "flag", "answer", "table"]
OperatorName = Literal["equals", "differs", "greater", "less", "at_least", "at_most", "between", "is_empty", "contains"]


class FindingOut(StatementOut):
    """What is wrong: `must` keeps it from being saved, `before_live` from going live, `advice` from nothing. `place` says
    where, such as ``steps/2/actions/1``; empty for the whole."""

    severity: SeverityName
    place: str


class ConditionFieldOut(Schema):
    """A field of conditions, written ``[name]``; `choices` are its only values, where there are few. A `retired` one is not
    for new conditions."""

    name: str
    type: TypeName
    source: SourceName
    label: str
    operators: list[OperatorName]
    choices: list[str]
    retired: bool


class ConditionIn(In):
    """A condition as text, such as ``[amount] >= 100``."""

    text: str = Field(min_length=1, max_length=10_000)


class ComparisonOut(Schema):
    """One comparison: the values of its fields, whether it holds (null where that cannot be evaluated), and this in words."""

    comparison: str
    values: dict[str, Any]
    holds: bool | None
    said: StatementOut


class TrialOut(Schema):
    """What a condition says of a work item: `holds` is null where it cannot be evaluated. `text` is its one spelling,
    `condition` how it is kept, `findings` what is wrong with it."""

    guid: Guid
    text: str
    condition: dict[str, Any]
    holds: bool | None
    comparisons: list[ComparisonOut]
    findings: list[FindingOut]


@router.get(
    "/process-versions/{uuid:guid}/findings", response=answers(Listing[FindingOut]), operation_id="list_findings"
)
def list_findings(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """List what is wrong with a process version; builders only."""
    by = actor(request)
    require(by, features.PROCESSES)
    return whole(findings_of(queries.version(guid, by=by)))


def findings_of(version: ProcessVersion) -> list[dict[str, Any]]:
    """What is wrong with a process version, as it goes out."""
    return [_finding(one) for one in version_findings.findings(version)]


@router.get(
    "/process-versions/{uuid:guid}/condition-fields",
    response=answers(Listing[ConditionFieldOut]),
    operation_id="list_condition_fields",
)
def list_condition_fields(request: HttpRequest, guid: UUID, step: UUID | None = None) -> dict[str, Any]:
    """List the fields that conditions of a process version may name; with a step, only answers of the steps before it."""
    by = actor(request)
    require(by, features.PROCESSES)
    version = queries.version(guid, by=by)
    before = queries.step(step, by=by) if step is not None else None
    return whole([_field(one) for one in condition_fields.known_fields(version, before=before).values()])


@router.post("/work-items/{uuid:guid}/condition-trials", response=answers(TrialOut), operation_id="try_condition")
def try_condition(request: HttpRequest, guid: UUID, wish: ConditionIn) -> dict[str, Any]:
    """Evaluate a condition against a work item, with what it saw; builders only. Nothing is kept."""
    by = actor(request)
    require(by, features.PROCESSES)
    try:
        tree = conditions.parse(wish.text)
    except Invalid as refused:
        raise refused.as_a(Invalid, field="text") from refused
    trial = condition_facts.try_on(guid, tree, by=by)
    said = conditions.explain(trial.outcome.as_json())
    return {
        "guid": str(guid),
        "text": conditions.render(tree),
        "condition": conditions.as_json(tree),
        "holds": trial.outcome.holds,
        "comparisons": [_comparison(seen, one) for seen, one in zip(trial.outcome.seen, said, strict=True)],
        "findings": [_finding(one) for one in trial.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return _said(one.said) | {"severity": one.severity.value, "place": one.place}


def _said(said: Statement) -> dict[str, Any]:
    return said.as_json() | {"sentence": said.sentence()}


def _comparison(seen: Seen, said: Statement) -> dict[str, Any]:
    return {
        "comparison": seen.comparison,
        "values": dict(seen.values),
        "holds": seen.holds,
        "said": _said(said),
    }


def _field(field: KnownField) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type.value,
        "source": field.source.value,
        "label": field.label,
        "operators": [operator.value for operator in conditions.OPERATORS[field.type]],
        "choices": list(field.choices),
        "retired": field.retired,
    }
