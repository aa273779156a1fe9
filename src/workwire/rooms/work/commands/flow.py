"""How a case flows: steps in order, in a step branches beside each other, in a branch actions one after the other."""

from __future__ import annotations

from datetime import datetime

from workwire.kernel.actor import Actor
from workwire.rooms.catalogue import queries as catalogue
from workwire.rooms.catalogue.models import ActionDefinition, CaseStep, ProcessType
from workwire.rooms.work import dues, events, transitions
from workwire.rooms.work.commands.changing import stand
from workwire.rooms.work.models import ResolutionMethod, StartedBy, WorkItem


def next_step(case: WorkItem) -> CaseStep | None:
    """The step after the case's current one, the first when it has none; steps without actions are passed over."""
    done = case.current_step.number if case.current_step else 0
    steps = catalogue.steps_of(case.process_version)
    return next((step for step in steps if step.number > done and list(step.actions.all())), None)


def begin_step(case: WorkItem, *, at: datetime, by: Actor) -> None:
    """Start the first action of every branch of the case's current step."""
    if case.current_step is None:
        return
    firsts: dict[int, ActionDefinition] = {}
    for definition in sorted(case.current_step.actions.all(), key=lambda action: (action.branch, action.position)):
        firsts.setdefault(definition.branch, definition)
    for definition in firsts.values():
        start(case, definition, at=at, by=by)


def successor_of(action: WorkItem) -> ActionDefinition | None:
    """What follows an action in its branch."""
    done = action.definition
    if done is None:
        return None
    later = done.step.actions.filter(branch=done.branch, position__gt=done.position)
    return later.select_related("step", "work_type").order_by("position").first()


def step_is_done(case: WorkItem) -> bool:
    """Whether every action of the case's current step was completed successfully."""
    if case.current_step is None:
        return False
    completed = WorkItem.objects.filter(parent=case.pk, resolution_method=ResolutionMethod.DONE_SUCCESSFULLY)
    return not case.current_step.actions.exclude(pk__in=completed.values("definition")).exists()


def start(case: WorkItem, definition: ActionDefinition, *, at: datetime, by: Actor) -> WorkItem:
    """Bring an action of a locked case into existence, ready to be worked on, due by its own rule."""
    action = WorkItem(
        kind=ProcessType.ACTION,
        reference=f"{case.reference}-A{definition.step.number}.{definition.number}",
        title=case.title,
        description=definition.instructions,
        customer=case.customer,
        contract=case.contract,
        service=case.service,
        process_id=case.process_id,
        process_version=case.process_version,
        work_type=definition.work_type,
        definition=definition,
        parent=case,
        due_date=dues.due_date(at, definition.due_within),
        owner_id=case.owner_id,
        started_by_method=StartedBy.WORKFLOW,
        created_at=at,
        started_at=at,
        updated_at=at,
        updated_by_id=by.user_id,
    )
    stand(action, transitions.create(ProcessType.ACTION, draft=False))
    action.save(force_insert=True)
    events.record_created(action, at=at, by=by)
    return action
