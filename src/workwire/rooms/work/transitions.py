"""The only way to a new status: pure functions from one standing of a work item to the next.

`RULES` is the whole table (specification: work, section 2). The functions below consult it for every step, and
docs/work-item-states.md is drawn from it, so that neither can say something else. What a rule does not allow is refused
with Conflict and a stable code. An action is never a draft and has no feedback window: what follows it may have begun.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from workwire.kernel.errors import Conflict
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import ResolutionMethod, Status, StatusReason, WaitType

CASE, TICKET, ACTION = ProcessType.CASE, ProcessType.TICKET, ProcessType.ACTION


class Move(StrEnum):
    """What happens to a work item, in the words of the diagram."""

    CREATE = "create"
    SUBMIT = "submit"
    TAKE = "take or edit"
    GIVE_AWAY = "unassign or give away"
    WAIT = "wait"
    INFORM = "information arrives"
    COME_DUE = "date reached"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "feedback window passed"
    BLOCK = "action unable to complete"
    HALT = "step done, the next one by hand"
    AWAIT = "sub-case launched"
    GO_ON = "sub-case ended"
    DIVIDE = "split or converted"
    COMPLETE = "related work closed"
    MERGE = "merged into another item"
    STALL = "condition cannot be evaluated"
    PAUSE = "empty step that pauses"
    RESUME = "continue by hand"
    REWORK = "rework"
    ABORT = "abort"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Rule:
    """A move that leads from any of `sources` to one of `targets`; no source means the item does not exist yet."""

    move: Move
    kinds: tuple[ProcessType, ...]
    sources: tuple[Status, ...]
    targets: tuple[Status, ...]


_NOT_POSSIBLE = {
    Move.SUBMIT: "submit_not_possible",
    Move.TAKE: "take_not_possible",
    Move.GIVE_AWAY: "give_away_not_possible",
    Move.WAIT: "wait_not_possible",
    Move.INFORM: "inform_not_possible",
    Move.COME_DUE: "come_due_not_possible",
    Move.RESOLVE: "resolve_not_possible",
    Move.REOPEN: "reopen_not_possible",
    Move.CLOSE: "close_not_possible",
    Move.BLOCK: "block_not_possible",
    Move.HALT: "halt_not_possible",
    Move.AWAIT: "await_not_possible",
    Move.GO_ON: "go_on_not_possible",
    Move.DIVIDE: "divide_not_possible",
    Move.COMPLETE: "complete_not_possible",
    Move.MERGE: "merge_not_possible",
    Move.STALL: "stall_not_possible",
    Move.PAUSE: "pause_not_possible",
    Move.RESUME: "resume_not_possible",
    Move.REWORK: "rework_not_possible",
    Move.ABORT: "abort_not_possible",
    Move.DISCARD: "discard_not_possible",
}
_WITH_WINDOW = (CASE, TICKET)
_EVERY = (CASE, TICKET, ACTION)
OPEN = (Status.TO_DO, Status.IN_PROGRESS, Status.WAITING)
DUE = (Status.TO_DO, Status.IN_PROGRESS)  # what a due date presses: neither paused nor finished
FINISHED = (Status.RESOLVED, Status.CLOSED)

RULES = (
    Rule(Move.CREATE, (TICKET,), (), (Status.DRAFT, Status.TO_DO)),
    Rule(Move.CREATE, (CASE,), (), (Status.DRAFT, Status.IN_PROGRESS)),
    Rule(Move.CREATE, (ACTION,), (), (Status.TO_DO,)),
    Rule(Move.SUBMIT, (TICKET,), (Status.DRAFT,), (Status.TO_DO,)),
    Rule(Move.SUBMIT, (CASE,), (Status.DRAFT,), (Status.IN_PROGRESS,)),
    Rule(Move.DISCARD, _WITH_WINDOW, (Status.DRAFT,), (Status.CLOSED,)),
    Rule(Move.TAKE, (TICKET, ACTION), (Status.TO_DO, Status.WAITING), (Status.IN_PROGRESS,)),
    Rule(Move.TAKE, (CASE,), OPEN, (Status.IN_PROGRESS,)),
    Rule(Move.GIVE_AWAY, (TICKET, ACTION), (Status.IN_PROGRESS, Status.WAITING), (Status.TO_DO,)),
    Rule(Move.GIVE_AWAY, (CASE,), (Status.IN_PROGRESS,), (Status.TO_DO, Status.IN_PROGRESS)),
    Rule(Move.WAIT, _EVERY, (Status.TO_DO, Status.IN_PROGRESS), (Status.WAITING,)),
    Rule(Move.INFORM, _EVERY, (Status.WAITING,), (Status.TO_DO,)),
    Rule(Move.COME_DUE, _EVERY, (Status.WAITING,), (Status.TO_DO,)),
    Rule(Move.BLOCK, (CASE,), OPEN, (Status.TO_DO,)),
    Rule(Move.STALL, (CASE,), OPEN, (Status.TO_DO,)),
    Rule(Move.HALT, (CASE,), OPEN, (Status.TO_DO,)),
    Rule(Move.PAUSE, (CASE,), (Status.TO_DO, Status.IN_PROGRESS), (Status.WAITING,)),
    Rule(Move.RESUME, (CASE,), OPEN, (Status.IN_PROGRESS,)),
    Rule(Move.REWORK, (CASE,), OPEN, (Status.IN_PROGRESS,)),
    Rule(Move.REWORK, (ACTION,), OPEN, (Status.CLOSED,)),
    Rule(Move.AWAIT, (CASE,), (Status.TO_DO, Status.IN_PROGRESS), (Status.WAITING,)),
    Rule(Move.GO_ON, (CASE,), (Status.WAITING,), (Status.TO_DO, Status.IN_PROGRESS)),
    Rule(Move.DIVIDE, (TICKET,), OPEN, (Status.WAITING,)),
    Rule(Move.COMPLETE, (TICKET,), (Status.WAITING,), (Status.CLOSED,)),
    Rule(Move.MERGE, (TICKET,), OPEN, (Status.CLOSED,)),
    Rule(Move.RESOLVE, _WITH_WINDOW, OPEN, (Status.RESOLVED, Status.CLOSED)),
    Rule(Move.RESOLVE, (ACTION,), OPEN, (Status.CLOSED,)),
    Rule(Move.ABORT, (CASE,), (*OPEN, Status.RESOLVED), (Status.CLOSED,)),
    Rule(Move.ABORT, (ACTION,), OPEN, (Status.CLOSED,)),
    Rule(Move.REOPEN, _WITH_WINDOW, (Status.RESOLVED,), (Status.TO_DO,)),
    Rule(Move.CLOSE, _WITH_WINDOW, (Status.RESOLVED,), (Status.CLOSED,)),
)
_BY_KIND_AND_MOVE = {(kind, rule.move): rule for rule in RULES for kind in rule.kinds}


@dataclass(frozen=True, slots=True)
class Standing:
    """All of a work item that a transition reads or writes; users are named by their ids."""

    kind: ProcessType
    status: Status
    reason: StatusReason = StatusReason.NEWLY_CREATED
    assignee: int | None = None
    wait_type: WaitType | None = None
    wait_until: datetime | None = None
    method: ResolutionMethod | None = None
    resolved_on: datetime | None = None
    resolved_by: int | None = None
    closes_on: datetime | None = None
    closed_on: datetime | None = None
    needs_attention: bool = False


def create(kind: ProcessType, *, draft: bool) -> Standing:
    """A new work item, as a draft, ready to be worked on, or (a case) flowing."""
    status = Status.DRAFT if draft else _begun(kind)
    if status not in _BY_KIND_AND_MOVE[kind, Move.CREATE].targets:
        raise Conflict("create_not_possible")
    return Standing(kind, status)


def submit(item: Standing, reason: StatusReason) -> Standing:
    """A draft becomes work to do, a case flows."""
    return _moved(item, Move.SUBMIT, _begun(item.kind), reason)


def discard(item: Standing, reason: StatusReason, *, who: int | None, at: datetime) -> Standing:
    """A draft is not wanted; it is closed for good."""
    return _closed(_moved(item, Move.DISCARD, Status.CLOSED, reason), ResolutionMethod.CANCELLED, who, at)


def take(item: Standing, who: int, reason: StatusReason) -> Standing:
    """Start work on an item to do, by taking or editing it, or on one that waits, which ends the waiting."""
    require_not_divided(item)
    return replace(_moved(item, Move.TAKE, Status.IN_PROGRESS, reason), assignee=who)


def give(item: Standing, who: int | None, reason: StatusReason) -> Standing:
    """Assign or unassign an item; work in progress becomes work to do again, a case that flows goes on."""
    if item.status == Status.IN_PROGRESS:
        flows = item.kind == CASE and not item.needs_attention
        item = _moved(item, Move.GIVE_AWAY, Status.IN_PROGRESS if flows else Status.TO_DO, reason)
    elif item.status not in OPEN:
        raise _refused(item, Move.GIVE_AWAY)
    return replace(item, assignee=who, reason=reason)


def unassign(item: Standing, reason: StatusReason, *, at: datetime) -> Standing:
    """Nobody has the item any more: it is to do again, also when it waited or was resolved.

    A case stands as it stood unless it was resolved, and so does a ticket that waits for related work.
    """
    if item.status == Status.RESOLVED:
        return replace(reopen(item, reason, at=at), assignee=None)
    if item.status != Status.WAITING:
        return give(item, None, reason)
    if item.kind == CASE or item.wait_type == WaitType.RELATED_WORK:
        return replace(item, assignee=None, reason=reason)
    return replace(_moved(item, Move.GIVE_AWAY, Status.TO_DO, reason), assignee=None)


def wait_for_information(item: Standing, until: datetime | None, reason: StatusReason) -> Standing:
    """Work pauses until information arrives, at most until a moment when one is given."""
    moved = _moved(item, Move.WAIT, Status.WAITING, reason)
    return replace(moved, wait_type=WaitType.INFORMATION, wait_until=until)


def wait_until(item: Standing, until: datetime, reason: StatusReason) -> Standing:
    """Work pauses until a moment."""
    return replace(_moved(item, Move.WAIT, Status.WAITING, reason), wait_type=WaitType.DATE, wait_until=until)


def wait_for_sub_case(item: Standing, reason: StatusReason) -> Standing:
    """A case pauses until the sub-cases launched from it have ended."""
    return replace(_moved(item, Move.AWAIT, Status.WAITING, reason), wait_type=WaitType.SUB_CASE)


def sub_case_ended(item: Standing, *, cancelled: bool) -> Standing:
    """The last sub-case that a case waited for has ended; it flows again, unless a person must decide."""
    if item.status == Status.WAITING and item.wait_type != WaitType.SUB_CASE:
        raise Conflict("waits_for_other")
    reason = StatusReason.SUB_CASE_CANCELLED if cancelled else StatusReason.SUB_CASE_COMPLETED
    decides = cancelled or item.needs_attention
    return _moved(item, Move.GO_ON, Status.TO_DO if decides else Status.IN_PROGRESS, reason)


def halt(item: Standing, owner: int | None, reason: StatusReason = StatusReason.PREVIOUS_STEP_COMPLETED) -> Standing:
    """A step of the case is done, or there is none, and its owner decides how it goes on."""
    return replace(_moved(item, Move.HALT, Status.TO_DO, reason), assignee=owner)


def inform(item: Standing) -> Standing:
    """The information waited for arrives."""
    require_not_divided(item)
    if item.status == Status.WAITING and item.wait_type != WaitType.INFORMATION:
        raise Conflict("waits_for_date")
    return _moved(item, Move.INFORM, Status.TO_DO, StatusReason.NEW_INFORMATION)


def come_due(item: Standing, at: datetime) -> Standing:
    """The moment waited for comes; for information that never came it is a timeout."""
    if item.status == Status.WAITING and (item.wait_until is None or item.wait_until > at):
        raise Conflict("date_not_reached")
    timeout = item.wait_type == WaitType.INFORMATION
    return _moved(item, Move.COME_DUE, Status.TO_DO, StatusReason.TIMEOUT if timeout else StatusReason.DATE_REACHED)


def block(item: Standing) -> Standing:
    """An action of the case cannot be completed; the case needs attention."""
    return _moved(item, Move.BLOCK, Status.TO_DO, StatusReason.ACTION_UNABLE_TO_COMPLETE)


def stall(item: Standing) -> Standing:
    """A condition of the case cannot be evaluated; the case needs attention."""
    return _moved(item, Move.STALL, Status.TO_DO, StatusReason.BLOCKED_BY_RULE)


def pause(item: Standing, reason: StatusReason) -> Standing:
    """The case comes to an empty step that pauses; it waits until a person lets it go on."""
    return replace(_moved(item, Move.PAUSE, Status.WAITING, reason), wait_type=WaitType.PAUSE)


def resume(item: Standing, reason: StatusReason) -> Standing:
    """A person lets the case go on."""
    return _moved(item, Move.RESUME, Status.IN_PROGRESS, reason)


def acknowledge(item: Standing, reason: StatusReason) -> Standing:
    """What came in at a case is known: one that is to do for it alone flows again."""
    if item.status != Status.TO_DO or item.reason != StatusReason.NEW_INFORMATION:
        return item
    return replace(item, reason=reason) if item.needs_attention else resume(item, reason)


def rework(item: Standing) -> Standing:
    """The case goes back in its flow."""
    return _moved(item, Move.REWORK, Status.IN_PROGRESS, StatusReason.REWORK)


def replaced(item: Standing, *, who: int | None, at: datetime) -> Standing:
    """A running action is closed because its case goes back in its flow."""
    return _closed(_moved(item, Move.REWORK, Status.CLOSED, StatusReason.REWORK), ResolutionMethod.REWORK, who, at)


def abort(item: Standing, method: ResolutionMethod, reason: StatusReason, *, who: int | None, at: datetime) -> Standing:
    """Close a case or an action for good; what was resolved keeps how it was."""
    kept = item.method if item.status == Status.RESOLVED and item.method is not None else method
    return _closed(_moved(item, Move.ABORT, Status.CLOSED, reason), kept, who, at)


def resolve(
    item: Standing,
    method: ResolutionMethod,
    reason: StatusReason,
    *,
    who: int | None,
    at: datetime,
    closes_on: datetime | None,
) -> Standing:
    """The work is done: resolved until `closes_on`, or closed at once without a feedback window.

    Who resolved it first and when stays, however often it is reopened.
    """
    require_not_divided(item)
    window = closes_on is not None and item.kind in _WITH_WINDOW
    moved = _moved(item, Move.RESOLVE, Status.RESOLVED if window else Status.CLOSED, reason)
    first = item.resolved_on is None
    return replace(
        moved,
        method=method,
        resolved_on=at if first else item.resolved_on,
        resolved_by=who if first else item.resolved_by,
        closes_on=closes_on if window else None,
        closed_on=None if window else at,
    )


def reopen(item: Standing, reason: StatusReason, *, at: datetime) -> Standing:
    """A resolved item is taken up again inside its feedback window."""
    moved = _moved(item, Move.REOPEN, Status.TO_DO, reason)
    if item.closes_on is not None and item.closes_on <= at:
        raise Conflict("feedback_window_passed")
    return replace(moved, method=None, closes_on=None)


def close(item: Standing, *, at: datetime) -> Standing:
    """The feedback window of a resolved item has passed."""
    if item.status == Status.RESOLVED and item.closes_on is not None and item.closes_on > at:
        raise Conflict("feedback_window_open")
    moved = _moved(item, Move.CLOSE, Status.CLOSED, StatusReason.FEEDBACK_WINDOW_PASSED)
    return replace(moved, closes_on=None, closed_on=at)


def divide(item: Standing, method: ResolutionMethod, reason: StatusReason) -> Standing:
    """A ticket waits for what it was split into, or for the case it became; it is resolved by that, and by nothing else."""
    require_not_divided(item)
    moved = _moved(item, Move.DIVIDE, Status.WAITING, reason)
    return replace(moved, wait_type=WaitType.RELATED_WORK, method=method)


def complete(item: Standing, reason: StatusReason, *, who: int | None, resolved_on: datetime, at: datetime) -> Standing:
    """All that a split or converted ticket waited for is closed; it was resolved when the last of it was."""
    if item.status == Status.WAITING and item.wait_type != WaitType.RELATED_WORK:
        raise Conflict("waits_for_other.related_work")
    moved = _moved(item, Move.COMPLETE, Status.CLOSED, reason)
    return _closed(moved, moved.method, who, at, resolved_on=resolved_on)


def merge(item: Standing, reason: StatusReason, *, who: int | None, at: datetime) -> Standing:
    """A ticket is closed, because its work goes on in another item."""
    require_not_divided(item)
    return _closed(_moved(item, Move.MERGE, Status.CLOSED, reason), ResolutionMethod.MERGED, who, at)


def require_not_divided(item: Standing) -> None:
    """Raise Conflict for a ticket that waits for related work."""
    if item.status == Status.WAITING and item.wait_type == WaitType.RELATED_WORK:
        raise Conflict("waits_for_related_work")


def _begun(kind: ProcessType) -> Status:
    """The status in which an item of a kind starts."""
    return Status.IN_PROGRESS if kind == CASE else Status.TO_DO


def _closed(
    item: Standing,
    method: ResolutionMethod | None,
    who: int | None,
    at: datetime,
    *,
    resolved_on: datetime | None = None,
) -> Standing:
    """A closed item with its method, resolved when it was closed or at another moment; the first who and when stay."""
    first = item.resolved_on is None
    return replace(
        item,
        method=method,
        resolved_on=(resolved_on or at) if first else item.resolved_on,
        resolved_by=who if first else item.resolved_by,
        closes_on=None,
        closed_on=at,
    )


def _moved(item: Standing, move: Move, to: Status, reason: StatusReason) -> Standing:
    """The standing after a move the table allows; waiting ends with every move."""
    rule = _BY_KIND_AND_MOVE.get((item.kind, move))
    if rule is None or item.status not in rule.sources or to not in rule.targets:
        raise _refused(item, move)
    return replace(item, status=to, reason=reason, wait_type=None, wait_until=None)


def _refused(item: Standing, move: Move) -> Conflict:
    return Conflict(_NOT_POSSIBLE[move], kind=item.kind.label.lower(), status=item.status.label)
