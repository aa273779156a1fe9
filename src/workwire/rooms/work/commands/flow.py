"""How a case flows: what its run says is to be done (`advancing`) is done here, to the case and to what lies under it.

Cases are moved under their own lock, outermost first. What is launched by hand (ad hoc) stands beside the flow: a case does
not end before it, but no step waits for it. A case is in progress while its flow runs; it is to do when a person must decide,
and then its `attention` says why.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from workwire.access import run_time_settings
from workwire.kernel import composed_writes
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict
from workwire.kernel.wording import Statement, statement
from workwire.outbox.changes import RowChange, added
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ActionDefinition, ChecklistLine, ProcessType
from workwire.rooms.work import events, families, item_due_dates, queries, transitions
from workwire.rooms.work.advancing import (
    Because,
    Begun,
    Close,
    Completed,
    Continued,
    Effect,
    Enter,
    Failed,
    Freed,
    Halt,
    Phase,
    Start,
    failed_conditions,
)
from workwire.rooms.work.commands import allocation
from workwire.rooms.work.commands.changing import Change, locked, reason_for, stand
from workwire.rooms.work.commands.runs import CaseRun
from workwire.rooms.work.models import (
    ChecklistItem,
    ResolutionMethod,
    StartedBy,
    Status,
    StatusReason,
    WaitType,
    WorkItem,
)

ENDED_EARLY = (ResolutionMethod.CANCELLED, ResolutionMethod.REWORK)


def begin(change: Change) -> None:
    """Start the flow of a case that was submitted, and record the change."""
    run = CaseRun(change.item, change.at, is_new=True)
    effects = run.tell(Begun(), change)
    change.touch(run.write())
    carry_out([change], run, effects)


def begin_new(case: WorkItem, *, at: datetime, by: Actor, changes: list[RowChange]) -> None:
    """Record that a case was created, with changes beside its own, and start its flow."""
    run = CaseRun(case, at, is_new=True)
    effects = run.tell(Begun(), Change(case, by=by))
    _enter(case, run, effects)
    composed_writes.update(case, "current_step_id")
    events.record_created(case, at=at, by=by, changes=added(case) + changes + run.write())
    carry_out([Change(case, by=by)], run, effects)


def continue_by_hand(line: Sequence[Change]) -> None:
    """Let the last case of the line go on; raises Conflict while work of its step, or at its end any work, is open."""
    case = line[-1]
    run, effects = continued(case)
    if run.run.phase != Phase.HALTED:
        resume(case, reason_for(case.by))
    case.touch(run.write())
    carry_out(line, run, effects)


def continued(case: Change) -> tuple[CaseRun, list[Effect]]:
    """What a case comes to that goes on by hand, before any of it is written; raises Conflict as `continue_by_hand` does."""
    is_open = queries.open_items_under(case.item).exclude(ad_hoc=True).exists()
    if is_open and case.item.attention is None:  # a condition that could not be evaluated needs attention
        raise Conflict("step_not_done")
    run = CaseRun(case.item, case.at)
    if is_open and not failed_conditions(run.graph, run.run):
        raise Conflict("step_not_done")
    effects = run.tell(Continued(), case)
    if any(isinstance(effect, Close) for effect in effects) and queries.has_open_items_under(case.item):
        raise Conflict("case_has_open_work.end")
    return run, effects


def go_on(line: Sequence[Change], action: Change) -> None:
    """Record that an action ended, and do what that sets going in its case, the last of the line: what follows, the next step,
    the end; of one that cannot be completed, that the case needs attention."""
    case, item = line[-1], action.item
    run = CaseRun(case.item, case.at)
    node, failed = run.node_of(item), item.resolution_method == ResolutionMethod.NOT_DONE_SUCCESSFULLY
    if node is not None:
        effects = run.tell(Failed(node) if failed else Completed(node), action)
    else:
        effects = [] if failed else run.tell(Freed(), action)
    action.touch(run.write())
    action.done()
    if failed:
        _need_attention(
            case, transitions.block(case.standing), statement("attention.action_failed", action=item.reference)
        )
        effects = [effect for effect in effects if not isinstance(effect, Halt)]
    carry_out(line, run, effects)


def go_on_after_wait(case: Change) -> None:
    """Start the actions of a case that waits no more which its flow came to meanwhile; call it once the change is recorded."""
    if case.item.kind == ProcessType.CASE and case.item.status in transitions.DUE:
        run = CaseRun(case.item, case.at)
        _start(case, run, run.held())


def carry_out(line: Sequence[Change], run: CaseRun, effects: Sequence[Effect]) -> None:
    """Do what the run of the last case of the line says, and record what changed; a case that waits starts nothing."""
    case = line[-1]
    _enter(case.item, run, effects)
    for effect in effects:
        if isinstance(effect, Halt):
            _halt(case, run, effect)
    case.done()
    for number in run.stopped:
        _stop(number, by=case.by)
    if case.item.status != Status.WAITING:
        starting = [effect.node for effect in effects if isinstance(effect, Start)]
        _start(case, run, list(dict.fromkeys([*starting, *run.held()])))
    if any(isinstance(effect, Close) for effect in effects):
        _end(line)


def new_action(case: WorkItem, definition: ActionDefinition, count: int, *, at: datetime, by: Actor) -> WorkItem:
    """An action of a case that is not saved yet, so many of the same counted."""
    name = f"A{definition.step.number}.{definition.number}" + (f"-{count}" if count > 1 else "")
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
        keep_with_id=case.keep_actions_with_id,
        started_by_method=StartedBy.WORKFLOW,
        status_set_by_id=by.user_id,
        status_set_at=at,
        created_at=at,
        started_at=at,
        updated_at=at,
        updated_by_id=by.user_id,
    )
    families.join(action, case)
    stand(action, transitions.create(ProcessType.ACTION, draft=False))
    return action


def bring(action: WorkItem, *, at: datetime, by: Actor) -> WorkItem:
    """Save a new action and record that it was created."""
    lines = {} if action.definition is None else offering.checklists_of([action.definition])
    checklists = _save([action], lines, at, by)
    events.record_created(action, at=at, by=by, changes=added(action, *checklists[action.pk]))
    return action


def finish(change: Change, method: ResolutionMethod, reason: StatusReason) -> None:
    """Resolve an item, with the feedback window its kind has."""
    hours = run_time_settings.value_of("feedback_window_hours")
    closes_on = change.at + timedelta(hours=hours) if hours else None
    after = transitions.resolve(
        change.standing, method, reason, who=change.by.user_id, at=change.at, closes_on=closes_on
    )
    change.move(after)
    change.item.attention = None


def sub_case_ended(line: Sequence[Change], sub_case: WorkItem) -> None:
    """What the end of a sub-case means for the cases above it, outermost first: the one it was launched from goes on, and ends
    with it if nothing else is left to do, which may end the next one above."""
    above = list(line)
    while above and not sub_case.independent:
        parent = above.pop()
        waited = parent.item.status == Status.WAITING
        _wake(parent, sub_case)
        open_still = parent.item.status in transitions.OPEN
        ends = open_still and _is_over(parent) and _finish_if_empty(parent)
        parent.done()
        if not ends:
            if waited:
                go_on_after_wait(parent)
            return
        sub_case = parent.item


def resume(case: Change, reason: StatusReason) -> None:
    """Let a case flow again that needed attention."""
    case.move(transitions.resume(case.standing, reason))
    case.item.attention = None


def _start(case: Change, run: CaseRun, nodes: Sequence[str]) -> None:
    """Bring the actions of some nodes into existence: ready to be worked on, due by their own rules, in their queues."""
    definitions = {node: run.version.actions[node] for node in nodes}
    lines = offering.checklists_of(definitions.values()) if definitions else {}
    actions, repeated = dict[str, WorkItem](), set[int]()
    for node, definition in definitions.items():
        count = 1 if run.is_new else 1 + _present(case.item, run, definition)
        actions[node] = new_action(case.item, definition, count, at=case.at, by=case.by)
        repeated |= {definition.pk} if count > 1 else set()
    checklists = _save(actions.values(), lines, case.at, case.by, repeated)
    rows = run.started(actions)
    for node, action in actions.items():
        beside = [*added(action, *checklists[action.pk]), rows[node]]
        events.record_created(action, at=case.at, by=case.by, changes=beside)


def _present(case: WorkItem, run: CaseRun, definition: ActionDefinition) -> int:
    """How many actions of a definition a case has already."""
    if run.run.in_pass == 1 and not definition.launchable:
        return 0
    return WorkItem.objects.filter(parent=case.pk, definition=definition.pk).count()


def _save(
    actions: Collection[WorkItem],
    lines: Mapping[int, Sequence[ChecklistLine]],
    at: datetime,
    by: Actor,
    repeated: Collection[int] = (),
) -> dict[int, list[ChecklistItem]]:
    """Give new actions their due dates, places and checklists (`lines` by definition), and save them; the checklists by
    action. `repeated` are the definitions that the case had actions of before."""
    for action in actions:
        item_due_dates.set_due(action, at)
        item_due_dates.note_passing(action, at)
        allocation.allocate(action, allocation.Cause({}, by, at, is_repeated=action.definition_id in repeated))
    WorkItem.objects.bulk_create(actions)
    checklists = {
        action.pk: [ChecklistItem(item=action, line=line) for line in lines.get(action.definition_id or 0, ())]
        for action in actions
    }
    ChecklistItem.objects.bulk_create(itertools.chain.from_iterable(checklists.values()))
    return checklists


def _enter(case: WorkItem, run: CaseRun, effects: Sequence[Effect]) -> None:
    """Note the step that the case has come to."""
    for effect in effects:
        if isinstance(effect, Enter):
            case.current_step = run.version.steps[effect.stage]


def _wake(parent: Change, sub_case: WorkItem) -> None:
    """Let a case go on that waited for the last of its sub-cases."""
    waits = parent.item.status == Status.WAITING and parent.item.wait_type == WaitType.SUB_CASE
    if not waits or queries.open_items_under(parent.item).filter(kind=ProcessType.CASE).exists():
        return
    ended_early = sub_case.resolution_method in ENDED_EARLY
    after = transitions.sub_case_ended(parent.standing, cancelled=ended_early)
    if ended_early:
        _need_attention(parent, after, statement("attention.sub_case_cancelled", case=sub_case.reference))
    else:
        parent.move(after)


def _halt(case: Change, run: CaseRun, halt: Halt) -> None:
    owner, reason = case.item.owner_id, case.standing.reason
    step = run.graph.by_number[run.run.stage].name if run.run.stage else ""
    match halt.because:
        case Because.NO_STEP:
            _need_attention(case, transitions.halt(case.standing, owner, reason), statement("attention.no_step"))
        case Because.STEP_DONE:
            _need_attention(case, transitions.halt(case.standing, owner), statement("attention.step_done", step=step))
        case Because.STEP_EMPTY:
            _need_attention(case, transitions.halt(case.standing, owner), statement("attention.step_empty", step=step))
        case Because.PAUSED:
            waits = case.item.status == Status.WAITING
            after = case.standing if waits else transitions.pause(case.standing, reason_for(case.by))
            _need_attention(case, after, statement("attention.paused", step=step))
        case _:
            name = run.graph.by_key[halt.node].name
            said = statement("attention.condition_failed", condition=name, step=step)
            _need_attention(case, transitions.stall(case.standing), said)


def _need_attention(case: Change, to: transitions.Standing, why: Statement) -> None:
    case.move(to)
    case.item.attention = why.as_json()


def _stop(number: int, *, by: Actor) -> None:
    """Close a running action because of rework."""
    change = Change(locked(number, by=SYSTEM), by=by)
    if change.item.status in transitions.OPEN:
        change.move(transitions.replaced(change.standing, who=by.user_id, at=change.at))
        change.done()


def _is_over(case: Change) -> bool:
    return CaseRun(case.item, case.at).run.phase == Phase.OVER


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
