"""How to look at what is offered, always as an actor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from workwire.access import features, sight
from workwire.access.policy import require
from workwire.access.queries import Account, granted, holds, sees_all
from workwire.kernel import keys
from workwire.kernel.actor import Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Invalid, not_found
from workwire.kernel.wording import Statement, statement
from workwire.outbox import ledger
from workwire.outbox.objects import ObjectType
from workwire.rooms.offering import data_field_queries
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    ChecklistLine,
    Process,
    ProcessVersion,
    Schedule,
    SchedulePeriod,
    ServiceLine,
    TicketCategory,
    TypeStep,
    WorkType,
)
from workwire.rooms.offering.models import FieldKind as FieldKind  # for doors
from workwire.rooms.offering.models import ProcessType as ProcessType  # for doors, which do not read models
from workwire.rooms.offering.models import ScheduleState as ScheduleState
from workwire.rooms.offering.models import VersionState as VersionState

_ABOVE = "process__service__contract"
ALLOCATION = ("queue", "person", "secondary_person", "job_position", "secondary_job_position")
_DEFAULTS = "default_values"
_NOT_LIVE = {
    VersionState.DRAFT: "version_draft",
    VersionState.TESTING: "version_testing",
    VersionState.RETIRING: "version_retiring",
    VersionState.ARCHIVE: "version_archive",
}


_ABOVE_PROCESS = {
    "company": "service__contract__customer_id",
    "parent": "service__contract__customer__parent_id",
    "contract": "service__contract_id",
    "service": "service_id",
    "process": "pk",
}


def processes_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the process of the outer query."""
    return granted(account, **_ABOVE_PROCESS)


def versions_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the process version of the outer query."""
    return granted(
        account,
        company=f"{_ABOVE}__customer_id",
        parent=f"{_ABOVE}__customer__parent_id",
        contract=f"{_ABOVE}_id",
        service="process__service_id",
        process="process_id",
    )


def schedules_seen_by(account: Account) -> Q:
    """Whether an account may see the schedule of the outer query: schedules belong to no customer, so who configures
    processes sees all of them, and others those of the processes they see."""
    return Q(_configures_schedules(account)) | Q(_follows_a_schedule(account))


def _configures_schedules(account: Account) -> Exists:
    return holds(account, features.SCHEDULES, features.PROCESSES)


def _follows_a_schedule(account: Account) -> Exists:
    """Whether a process that the account sees follows the schedule of the outer query."""
    return Exists(ProcessVersion.objects.filter(versions_seen_by(_one_out(account)), schedule=OuterRef("pk")))


def _say_followed(looked: sight.Looked) -> list[Statement]:
    if not looked.holds:
        return [statement("sight_schedule.unused")]
    used = ProcessVersion.objects.filter(versions_seen_by(looked.user.pk), schedule=looked.record.pk)
    names = sorted(set(used.values_list("process__work_type__name", flat=True)))
    return [statement("sight_schedule.used", processes=names[: sight.MOST_NAMED])]


PROCESS_RULES = (sight.ALL_RECORDS, sight.by_permission(processes_seen_by, _ABOVE_PROCESS))
SCHEDULE_RULES = (
    sight.ALL_RECORDS,
    sight.Rule(
        "configures_schedules",
        lambda actor: _configures_schedules(actor.user_id or 0),
        sight.features_say(features.SCHEDULES, features.PROCESSES),
    ),
    sight.Rule("process_seen", lambda actor: _follows_a_schedule(actor.user_id or 0), _say_followed),
)


def processes_visible_to(actor: Actor) -> QuerySet[Process]:
    """The processes an actor may see."""
    found = Process.objects.select_related("service__contract__customer", "work_type")
    return sight.seen(found, actor, PROCESS_RULES)


def process(guid: UUID, *, by: Actor) -> Process:
    """One process; raises NotFound."""
    found = processes_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("process")
    return found


def versions_visible_to(actor: Actor) -> QuerySet[ProcessVersion]:
    """The process versions an actor may see, with all that lies above them."""
    found = ProcessVersion.objects.select_related(
        "process__work_type",
        "process__service__service_line",
        f"{_ABOVE}__customer",
        f"{_ABOVE}__supplier",
        f"{_ABOVE}__calendar",
        *ALLOCATION,
        "schedule",
    )
    return found if sees_all(actor) else found.filter(versions_seen_by(actor.user_id or 0))


def live_version(guid: UUID, *, by: Actor, kind: ProcessType | None = None) -> ProcessVersion:
    """The live process version with a GUID, with all that starting work needs, in one query; raises NotFound, and Invalid
    for one in another state."""
    return _live(_VERSION.first(by, kind, guid=guid))


def default_values(version: ProcessVersion) -> dict[str, Any]:
    """What new work of a version that `live_version` gave begins with: the defaults of custom data fields, by name."""
    found: dict[str, Any] | None = getattr(version, _DEFAULTS)
    return found or {}


def version_of_category(guid: UUID, *, by: Actor) -> ProcessVersion:
    """The live process version that a ticket category belongs to; raises NotFound, and Invalid for one in another state."""
    found = _VERSION_OF_CATEGORY.first(by, category=guid)
    if found is None:
        raise not_found("ticket_category")
    return _live(found)


def _version(by: Actor, kind: ProcessType | None, *, guid: UUID) -> QuerySet[ProcessVersion]:
    found = versions_visible_to(by).filter(guid=guid).annotate(**{_DEFAULTS: data_field_queries.default_values()})
    return found if kind is None else found.filter(process__work_type__kind=kind)


def _version_of_category(by: Actor, *, category: UUID) -> QuerySet[ProcessVersion]:
    return versions_visible_to(by).filter(categories__guid=category)


_VERSION, _VERSION_OF_CATEGORY = ComposedQuery(_version), ComposedQuery(_version_of_category)


def startable(actor: Actor, kind: ProcessType | None = None) -> QuerySet[ProcessVersion]:
    """What an actor may start, of one kind or of any: live versions."""
    found = versions_visible_to(actor).filter(state=VersionState.LIVE)
    return found if kind is None else found.filter(process__work_type__kind=kind)


def offer(actor: Actor, kind: ProcessType | None = None) -> QuerySet[ProcessVersion]:
    """What an actor may start, of one kind or of any, ordered by customer, contract, service and name."""
    return startable(actor, kind).order_by(
        f"{_ABOVE}__customer__name", f"{_ABOVE}__name", "process__service__name", "process__work_type__name", "pk"
    )


def service_lines(*, by: Actor) -> QuerySet[ServiceLine]:
    """All service lines by name, for who configures processes; raises Forbidden for others."""
    require(by, features.PROCESSES)
    return ServiceLine.objects.order_by("name")


def schedules_with_guid(guid: UUID | OuterRef) -> QuerySet[Schedule]:
    """Schedules by a GUID that may be a column of an outer query, without a check of rights."""
    return Schedule.objects.filter(guid=guid)


def schedules_visible_to(actor: Actor) -> QuerySet[Schedule]:
    """The schedules an actor may see, each with the sequence of its last event."""
    found = Schedule.objects.prefetch_related("periods").annotate(sequence=ledger.sequence_of(OuterRef("guid")))
    return sight.seen(found, actor, SCHEDULE_RULES)


def schedules_matching(words: str) -> Q:
    """Schedules whose name holds a text, in any spelling."""
    return keys.holding(words, "name_key")


def schedule(guid: UUID, *, by: Actor) -> Schedule:
    """One schedule; raises NotFound."""
    found = schedules_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("schedule")
    return found


def steps_of(version: ProcessVersion) -> list[CaseStep]:
    """The steps of a case version in order, step 0 (what is only launched by hand) first, each with its actions."""
    return _steps(version, definitions())


def steps_with_checklists(version: ProcessVersion) -> list[CaseStep]:
    """The steps of a case version like `steps_of`, each action with its own checklist."""
    return _steps(version, definitions().prefetch_related("checklist"))


def categories_of(version: ProcessVersion) -> QuerySet[TicketCategory]:
    """The categories of a ticket version, upper levels first."""
    return version.categories.select_related("parent").order_by("level", "name")


def category(version: ProcessVersion, guid: UUID) -> TicketCategory:
    """A leaf category of a ticket version; raises NotFound, or Invalid for one that has others below it."""
    found = version.categories.filter(guid=guid).select_related("parent__parent").first()
    if found is None:
        raise not_found("ticket_category")
    if found.children.exists():
        raise Invalid("category_not_leaf", field="category")
    return found


def _steps(version: ProcessVersion, actions: QuerySet[ActionDefinition]) -> list[CaseStep]:
    ordered = Prefetch("actions", queryset=actions.order_by("number"))
    return list(version.steps.order_by("number").prefetch_related(ordered))


def _live(version: ProcessVersion | None) -> ProcessVersion:
    if version is None:
        raise not_found("process_version")
    if version.state != VersionState.LIVE:
        raise Invalid(_NOT_LIVE[VersionState(version.state)], field="process_version")
    return version


def _one_out(account: Account) -> Account:
    """The account as seen from one subquery further in."""
    return OuterRef(account) if isinstance(account, OuterRef) else account


def service_line(guid: UUID) -> ServiceLine:
    """One service line; raises NotFound."""
    found = ServiceLine.objects.filter(guid=guid).first()
    if found is None:
        raise not_found("service_line")
    return found


def definitions() -> QuerySet[ActionDefinition]:
    """Actions of case versions with all that starting one needs."""
    return ActionDefinition.objects.select_related("step", "work_type", *ALLOCATION)


def launchable(version: ProcessVersion) -> QuerySet[ActionDefinition]:
    """The actions of a case version that may be launched by hand, by step and number."""
    return definitions().filter(step__version=version.pk, launchable=True).order_by("step__number", "number")


def checklists_of(actions: Iterable[ActionDefinition]) -> dict[int, list[ChecklistLine]]:
    """The lines that actions start with, by number: the global ones of the type, each between those of the action that stand
    before and after it, then the others of the action."""
    wanted = list(actions)
    whose = Q(work_type__in={one.work_type_id for one in wanted}) | Q(definition__in=[one.pk for one in wanted])
    lines = list(ChecklistLine.objects.filter(whose, retired=False).order_by("order", "pk"))
    return {
        one.pk: _in_order(
            [line for line in lines if line.work_type_id == one.work_type_id],
            [line for line in lines if line.definition_id == one.pk],
        )
        for one in wanted
    }


def _in_order(of_type: list[ChecklistLine], own: list[ChecklistLine]) -> list[ChecklistLine]:
    known = {line.pk for line in of_type}
    found: list[ChecklistLine] = []
    for line in of_type:
        beside = [one for one in own if one.anchor_id == line.pk]
        found += [*(one for one in beside if one.before), line, *(one for one in beside if not one.before)]
    return found + [one for one in own if one.anchor_id not in known]


def version_for_case(guid: UUID, *, by: Actor) -> ProcessVersion:
    """The live case version with a GUID, or the live one of the case process with that GUID; raises NotFound."""
    found = startable(by, ProcessType.CASE).filter(Q(guid=guid) | Q(process__guid=guid)).first()
    if found is None:
        raise not_found("process_version")
    return found


def version(guid: UUID, *, by: Actor) -> ProcessVersion:
    """One process version in any state; raises NotFound."""
    found = versions_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("process_version")
    return found


def work_types() -> QuerySet[WorkType]:
    """All ticket, case and action types by name, with their service lines."""
    return WorkType.objects.select_related("service_line").order_by("name", "pk")


def work_type(guid: UUID) -> WorkType:
    """One ticket, case or action type; raises NotFound."""
    found = work_types().filter(guid=guid).first()
    if found is None:
        raise not_found("work_type")
    return found


def type_steps(work_type: WorkType) -> list[TypeStep]:
    """The steps that all processes of a case type have, in order."""
    return list(work_type.steps.all())


def global_checklist(work_type: WorkType) -> list[ChecklistLine]:
    """The lines that every action of a type asks, in order."""
    return list(work_type.checklist.filter(retired=False))


def step(guid: UUID, *, by: Actor) -> CaseStep:
    """One step of a case version that the actor sees, in any state; raises NotFound."""
    found = CaseStep.objects.select_related("version").filter(guid=guid, version__in=versions_visible_to(by)).first()
    if found is None:
        raise not_found("case_step")
    return found


def action_definition(guid: UUID, *, by: Actor) -> ActionDefinition:
    """One action of a case version that the actor sees, in any state; raises NotFound."""
    found = ActionDefinition.objects.select_related("step__version")
    action = found.filter(guid=guid, step__version__in=versions_visible_to(by)).first()
    if action is None:
        raise not_found("action_definition")
    return action


def schedule_period(guid: UUID, schedule_id: int | None) -> SchedulePeriod:
    """A period of the schedule a process follows; raises Invalid for one of another schedule, or where there is none."""
    if schedule_id is None:
        raise Invalid("case_without_schedule", field="schedule_period")
    found = SchedulePeriod.objects.filter(guid=guid).first()
    if found is None or found.schedule_id != schedule_id:
        raise Invalid("schedule_differs", field="schedule_period")
    return found


def matrix(actor: Actor, line: ServiceLine) -> QuerySet[Process]:
    """The processes of a service line that an actor may see, by customer, contract, service and name."""
    found = processes_visible_to(actor).filter(work_type__service_line=line.pk)
    return (
        found.select_related("service__contract__customer", "work_type")
        .prefetch_related("versions")
        .order_by(
            "service__contract__customer__name", "service__contract__name", "service__name", "work_type__name", "pk"
        )
    )


def processes_matching(words: str) -> Q:
    """Processes whose name, or whose customer's, holds a text, in any spelling."""
    return keys.holding(words, "work_type__name_key", "service__contract__customer__name_key")


def _process_called(row: Process) -> str:
    return f"{row.service.contract.customer.name} · {row.service.name} · {row.work_type.name}"


sight.register(sight.Kind("process", processes_visible_to, PROCESS_RULES, processes_matching, _process_called))
sight.register(
    sight.FilterObject(
        "schedule",
        schedules_visible_to,
        SCHEDULE_RULES,
        schedules_matching,
        str,
        ObjectType.SCHEDULE,
        "record_guid",
        schedules_with_guid,
        schedules_seen_by,
        records=(ObjectType.SCHEDULE,),
    )
)
