"""How to look at what is offered, always as an actor."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from workwire.access import features
from workwire.access.queries import Account, granted, holds, sees_all
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, not_found
from workwire.rooms.catalogue.models import (
    ActionDefinition,
    CaseStep,
    Process,
    ProcessVersion,
    Schedule,
    ServiceLine,
    TicketCategory,
    VersionState,
)
from workwire.rooms.catalogue.models import ProcessType as ProcessType  # for doors, which do not read models
from workwire.rooms.catalogue.models import ScheduleState as ScheduleState

_ABOVE = "process__service__contract"


def processes_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the process of the outer query."""
    return granted(
        account,
        company="service__contract__customer_id",
        parent="service__contract__customer__parent_id",
        contract="service__contract_id",
        service="service_id",
        process="pk",
    )


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
    used = ProcessVersion.objects.filter(versions_seen_by(_one_out(account)), schedule=OuterRef("pk"))
    return Q(holds(account, features.PROCESS_BUILDER)) | Q(Exists(used))


def processes_visible_to(actor: Actor) -> QuerySet[Process]:
    """The processes an actor may see."""
    found = Process.objects.select_related("service__contract__customer", "work_type")
    return found if sees_all(actor) else found.filter(processes_seen_by(actor.user_id or 0))


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
    )
    return found if sees_all(actor) else found.filter(versions_seen_by(actor.user_id or 0))


def live_version(guid: UUID, *, by: Actor, kind: ProcessType | None = None) -> ProcessVersion:
    """The live process version with a GUID, with all that starting work needs, in one query; raises NotFound."""
    found = versions_visible_to(by).filter(guid=guid, state=VersionState.LIVE)
    if kind is not None:
        found = found.filter(process__work_type__kind=kind)
    version = found.first()
    if version is None:
        raise not_found("process_version")
    return version


def startable(actor: Actor, kind: ProcessType | None = None) -> QuerySet[ProcessVersion]:
    """What an actor may start, of one kind or of any: live versions."""
    found = versions_visible_to(actor).filter(state=VersionState.LIVE)
    return found if kind is None else found.filter(process__work_type__kind=kind)


def offer(actor: Actor, kind: ProcessType) -> QuerySet[ProcessVersion]:
    """What an actor may start of one kind, ordered by customer, contract, service and name."""
    return startable(actor, kind).order_by(
        f"{_ABOVE}__customer__name", f"{_ABOVE}__name", "process__service__name", "process__work_type__name", "pk"
    )


def service_lines() -> QuerySet[ServiceLine]:
    """All service lines by name; they are nobody's secret."""
    return ServiceLine.objects.order_by("name")


def schedules_with_guid(guid: UUID | OuterRef) -> QuerySet[Schedule]:
    """Schedules by a GUID that may be a column of an outer query, whoever sees them."""
    return Schedule.objects.filter(guid=guid)


def schedules_visible_to(actor: Actor) -> QuerySet[Schedule]:
    """The schedules an actor may see."""
    found = Schedule.objects.prefetch_related("periods")
    return found if sees_all(actor) else found.filter(schedules_seen_by(actor.user_id or 0))


def schedule(guid: UUID, *, by: Actor) -> Schedule:
    """One schedule; raises NotFound."""
    found = schedules_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("schedule")
    return found


def steps_of(version: ProcessVersion) -> list[CaseStep]:
    """The steps of a case version in order, each with its actions and their types."""
    actions = ActionDefinition.objects.select_related("work_type").order_by("number")
    return list(version.steps.order_by("number").prefetch_related(Prefetch("actions", queryset=actions)))


def categories_of(version: ProcessVersion) -> QuerySet[TicketCategory]:
    """The categories of a ticket version, upper levels first."""
    return version.categories.select_related("parent").order_by("level", "name")


def category(version: ProcessVersion, guid: UUID) -> TicketCategory:
    """A leaf category of a ticket version; raises NotFound, or Invalid for one that has others below it."""
    found = version.categories.filter(guid=guid).select_related("parent__parent").first()
    if found is None:
        raise not_found("ticket_category")
    if found.children.exists():
        raise Invalid("category_not_leaf", "Name a category that has none below it.", field="category_guid")
    return found


def _one_out(account: Account) -> Account:
    """The account as seen from one subquery further in."""
    return OuterRef(account) if isinstance(account, OuterRef) else account


def service_line(guid: UUID) -> ServiceLine:
    """One service line; raises NotFound."""
    found = ServiceLine.objects.filter(guid=guid).first()
    if found is None:
        raise not_found("service_line")
    return found
