"""What is wrong with a process version as it stands: asked by who builds, and before it is tested or goes live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from workwire.kernel import folding
from workwire.kernel.wording import statement
from workwire.rooms.commitments.rules import Base, DueRule
from workwire.rooms.offering import queries
from workwire.rooms.offering.data_field_queries import data_fields_named
from workwire.rooms.offering.findings import Finding
from workwire.rooms.offering.flow_checks import findings_of_conditions, flaws_of
from workwire.rooms.offering.flow_graphs import WhenEmpty
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    DataField,
    FieldKind,
    ProcessType,
    ProcessVersion,
    TicketCategory,
    VersionState,
)
from workwire.rooms.offering.step_differences import are_outdated
from workwire.rooms.offering.version_graphs import VersionGraph, graph_of

_DATES = (FieldKind.DATE, FieldKind.DATE_TIME)


@dataclass
class _Looked:
    """A version with what the rules look at, read once."""

    version: ProcessVersion
    steps: list[CaseStep] = field(default_factory=list)
    categories: list[TicketCategory] = field(default_factory=list)

    @cached_property
    def dates(self) -> set[str]:
        """The names of the dates that the periods of the schedule have."""
        schedule = self.version.schedule
        return {name for period in schedule.periods.all() for name in period.dates} if schedule is not None else set()

    @cached_property
    def flow(self) -> VersionGraph:
        """The graph of a case version."""
        return graph_of(self.version.pk)

    @cached_property
    def data_fields(self) -> Mapping[str, DataField]:
        """The custom data fields in use that due date rules name."""
        of_actions = [action.due_rule for step in self.steps for action in step.actions.all()]
        rules = [self.version.due_rule, *of_actions, *(category.due_rule for category in self.categories)]
        return data_fields_named(rule["of"] for rule in rules if rule and rule.get("base") == Base.CUSTOM_DATE)


def findings(version: ProcessVersion) -> list[Finding]:
    """What is wrong with a version, in the order of its parts; the caller has checked that the actor may ask."""
    looked = _Looked(version)
    if version.process.work_type.kind == ProcessType.CASE:
        looked.steps = queries.steps_of(version)
    else:
        looked.categories = list(queries.categories_of(version))
    return [finding for rule in _RULES for finding in rule(looked)]


def _schedule(looked: _Looked) -> list[Finding]:
    schedule = looked.version.schedule
    if schedule is None or not schedule.retired:
        return []
    return [Finding(statement("finding_schedule_retired", schedule=schedule.name))]


def _version_itself(looked: _Looked) -> list[Finding]:
    return _work(looked, looked.version, "")


def _categories(looked: _Looked) -> list[Finding]:
    if looked.version.process.work_type.kind != ProcessType.TICKET:
        return []
    if not looked.categories:
        return [Finding(statement("finding_no_category"))]
    ruled = [(one, DueRule.from_json(one.due_rule)) for one in looked.categories if one.due_rule]
    return [finding for one, rule in ruled for finding in _due(looked, rule, f"categories/{one.name}")]


def _steps(looked: _Looked) -> list[Finding]:
    if looked.version.process.work_type.kind != ProcessType.CASE:
        return []
    if not looked.steps:
        return [Finding(statement("finding_no_step"))]
    return [finding for step in looked.steps for finding in _step(looked, step)]


def _steps_of_type(looked: _Looked) -> list[Finding]:
    """That the steps of a draft are no longer those of its case type."""
    work_type, is_draft = looked.version.process.work_type, looked.version.state == VersionState.DRAFT
    wanted = list(work_type.steps.all()) if is_draft and work_type.kind == ProcessType.CASE else []
    outdated = wanted and are_outdated(wanted, [step for step in looked.steps if step.number > 0])
    return [Finding(statement("finding_steps_outdated"), "steps")] if outdated else []


def _step(looked: _Looked, step: CaseStep) -> list[Finding]:
    place = f"steps/{step.number}"
    actions = list(step.actions.all())
    passed_over = step.when_empty == WhenEmpty.SKIP and not looked.flow.graph.in_stage(step.number)
    if not actions and passed_over:
        return [Finding(statement("finding_step_empty", step=step.name), place)]
    return [finding for action in actions for finding in _work(looked, action, f"{place}/actions/{action.number}")]


def _flow(looked: _Looked) -> list[Finding]:
    """What is wrong with the graph of a case version, with the place of the node or step; what is wrong with a condition, with
    the place of its branch."""
    if looked.version.process.work_type.kind != ProcessType.CASE:
        return []
    told = findings_of_conditions(looked.version, looked.flow)
    return told + [
        Finding(statement(flaw.code, node=flaw.name or flaw.node, step=flaw.stage), flaw.place)
        for flaw in flaws_of(looked.version, looked.flow)
        if not (flaw.code == "flow_condition_invalid" and any(one.place.startswith(f"{flaw.place}/") for one in told))
    ]


def _work(looked: _Looked, placed: ProcessVersion | ActionDefinition, place: str) -> list[Finding]:
    """What is wrong with when work is due and to whom it goes."""
    said = []
    if placed.queue is not None and placed.queue.retired:
        said.append(statement("finding_queue_retired", queue=placed.queue.name))
    for person in (placed.person, placed.secondary_person):
        if person is not None and not person.is_active:
            said.append(statement("finding_person_retired", user=person.username))
    for position in (placed.job_position, placed.secondary_job_position):
        if position is not None and position.retired:
            said.append(statement("finding_job_position_retired", name=position.name))
    to_somebody = any(getattr(placed, name) is not None for name in queries.ALLOCATION if name != "queue")
    if placed.queue is None and not to_somebody:
        said.append(statement("finding_no_allocation"))
    elif placed.queue is None:
        said.append(statement("finding_person_without_queue"))
    if placed.due_rule is None:
        said.append(statement("finding_no_due_date"))
    found = [Finding(one, place) for one in said]
    return found + (_due(looked, DueRule.from_json(placed.due_rule), place) if placed.due_rule else [])


def _due(looked: _Looked, rule: DueRule, place: str) -> list[Finding]:
    if rule.base == Base.SCHEDULE_DATE:
        if looked.version.schedule is None:
            return [Finding(statement("finding_due_without_schedule", date=rule.of), place)]
        if rule.of not in looked.dates:
            return [Finding(statement("finding_due_date_name", date=rule.of), place)]
    if rule.base == Base.CUSTOM_DATE:
        named = looked.data_fields.get(folding.key(rule.of))
        if named is None:
            return [Finding(statement("finding_due_field", name=rule.of), place)]
        if named.kind not in _DATES:
            return [Finding(statement("finding_due_field_kind", name=rule.of), place)]
    return []


_RULES: tuple[Callable[[_Looked], list[Finding]], ...] = (
    _schedule,
    _version_itself,
    _categories,
    _steps,
    _steps_of_type,
    _flow,
)
