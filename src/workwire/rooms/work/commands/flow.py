"""How a case flows: steps in order, in a step branches beside each other, in a branch actions one after the other.

Cases are moved under their own lock, outermost first. What is launched by hand (ad hoc) stands beside the flow: a case does
not end before it, but no step waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from workwire.access import run_time_settings
from workwire.kernel.actor import Actor
from workwire.outbox.changes import added
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ActionDefinition, CaseStep, ProcessType
from workwire.rooms.work import events, item_due_dates, queries, transitions
from workwire.rooms.work.commands import allocation
from workwire.rooms.work.commands.changing import Change, stand
from workwire.rooms.work.models import (
    ChecklistItem,
    ResolutionMethod,
    StartedBy,
    Status,
    StatusReason,
    WaitType,
    WorkItem,
)


def next_step(case: WorkItem) -> CaseStep | None:
    """The step after the case's current one, the first when it has none; steps without actions are passed over."""
    done = case.current_step.number if case.current_step else 0
    steps = offering.steps_of(case.process_version)
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


def start(case: WorkItem, definition: ActionDefinition, *, at: datetime, by: Actor) -> WorkItem:
    """Bring an action of a locked case into existence: ready to be worked on, due by its own rule, in its queue."""
    action = new_action(case, definition, f"A{definition.step.number}.{definition.number}", at=at, by=by)
    return bring(action, at=at, by=by)


def new_action(case: WorkItem, definition: ActionDefinition, name: str, *, at: datetime, by: Actor) -> WorkItem:
    """An action of a case that is not saved yet."""
    action = WorkItem(
        kind=ProcessType.ACTION,
        reference=f"{case.reference}-{name}",
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
        schedule_period=case.schedule_period,
        record_count=case.record_count,
        owner_id=case.owner_id,
        started_by_method=StartedBy.WORKFLOW,
        created_at=at,
        started_at=at,
        updated_at=at,
        updated_by_id=by.user_id,
    )
    stand(action, transitions.create(ProcessType.ACTION, draft=False))
    return action


def bring(action: WorkItem, *, at: datetime, by: Actor) -> WorkItem:
    """Give a new action its due date, its place and its checklist, save it and record that it was created."""
    item_due_dates.set_due(action, at)
    item_due_dates.note_passing(action, at)
    allocation.allocate(action)
    action.save(force_insert=True)
    lines = [] if action.definition is None else offering.checklist_of(action.definition)
    checklist = ChecklistItem.objects.bulk_create(ChecklistItem(item=action, line=line) for line in lines)
    events.record_created(action, at=at, by=by, changes=added(action, *checklist))
    return action


def go_on(line: Sequence[Change], action: WorkItem) -> None:
    """What a finished action sets going in its case, the last of the line: its successor, the next step, the end."""
    case = line[-1]
    successor = None if action.ad_hoc else _successor_of(action)
    if successor is not None:
        start(case.item, successor, at=case.at, by=case.by)
    elif action.ad_hoc or _step_is_done(case.item):
        advance(line, by_hand=False, ad_hoc=action.ad_hoc)


def advance(line: Sequence[Change], *, by_hand: bool, ad_hoc: bool = False) -> None:
    """Start the next step of the last case of the line, let it halt before one that starts by hand, or end the case."""
    case = line[-1]
    following = next_step(case.item)
    if following is None:
        if by_hand or _step_is_done(case.item):
            _end(line)
    elif ad_hoc:
        return
    elif by_hand or case.item.current_step is None or case.item.current_step.automatic:
        case.item.current_step = following
        case.done()
        begin_step(case.item, at=case.at, by=case.by)
    else:
        case.move(transitions.halt(case.standing, case.item.owner_id))
        case.done()


def finish(change: Change, method: ResolutionMethod, reason: StatusReason) -> None:
    """Resolve an item, with the feedback window its kind has."""
    hours = run_time_settings.value_of("feedback_window_hours")
    closes_on = change.at + timedelta(hours=hours) if hours else None
    after = transitions.resolve(
        change.standing, method, reason, who=change.by.user_id, at=change.at, closes_on=closes_on
    )
    change.move(after)


def sub_case_ended(line: Sequence[Change], sub_case: WorkItem) -> None:
    """What the end of a sub-case means for the cases above it, outermost first: the one it was launched from goes on, and ends
    with it if nothing else is left to do, which may end the next one above."""
    above = list(line)
    while above and not sub_case.independent:
        parent = above.pop()
        waits = parent.item.status == Status.WAITING and parent.item.wait_type == WaitType.SUB_CASE
        if waits and not queries.open_items_under(parent.item).filter(kind=ProcessType.CASE).exists():
            cancelled = sub_case.resolution_method == ResolutionMethod.CANCELLED
            parent.move(transitions.sub_case_ended(parent.standing, cancelled=cancelled))
        open_still = parent.item.status in transitions.OPEN
        ends = open_still and next_step(parent.item) is None and _step_is_done(parent.item) and _finish_if_empty(parent)
        parent.done()
        if not ends:
            return
        sub_case = parent.item


def _end(line: Sequence[Change]) -> None:
    """Resolve the last case of the line if nothing under it is open, which may end the cases above it."""
    case = line[-1]
    if _finish_if_empty(case):
        case.done()
        sub_case_ended(line[:-1], case.item)


def _finish_if_empty(case: Change) -> bool:
    """Resolve a case if nothing under it is open; returns whether."""
    if queries.has_open_items_under(case.item):
        return False
    finish(case, ResolutionMethod.CASE_COMPLETED, StatusReason.ALL_CHILDREN_COMPLETED)
    return True


def _successor_of(action: WorkItem) -> ActionDefinition | None:
    """What follows an action in its branch."""
    done = action.definition
    if done is None:
        return None
    later = offering.definitions().filter(step=done.step_id, branch=done.branch, position__gt=done.position)
    return later.order_by("position").first()


def _step_is_done(case: WorkItem) -> bool:
    """Whether every action of the case's current step was completed successfully; a case without steps waits for none."""
    if case.current_step is None:
        return True
    completed = WorkItem.objects.filter(parent=case.pk, resolution_method=ResolutionMethod.DONE_SUCCESSFULLY)
    return not case.current_step.actions.exclude(pk__in=completed.values("definition")).exists()
