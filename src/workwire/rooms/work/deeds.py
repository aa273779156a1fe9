"""What may be done with a work item now, and why not: asked of the same checks as the commands make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from workwire.kernel.actor import Actor
from workwire.kernel.errors import DomainError
from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import policy
from workwire.rooms.work.commands import deed_checks
from workwire.rooms.work.models import Status, StatusReason, WorkItem


class Deed(StrEnum):
    """What a person does with a work item, by the name of its command."""

    SUBMIT = "submit"
    DISCARD = "discard"
    TAKE = "take"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    UNABLE_TO_COMPLETE = "unable_to_complete"
    NEXT_STEP = "next_step"
    WAIT = "wait"
    ASSIGN = "assign"
    UNASSIGN = "unassign"
    REJECT = "reject"
    MOVE_TO_QUEUE = "move_to_queue"
    UPDATE = "update"
    REOPEN = "reopen"
    REWORK = "rework"
    LAUNCH_ACTION = "launch_action"
    LAUNCH_SUB_CASE = "launch_sub_case"
    MERGE = "merge"
    SPLIT = "split"
    CONVERT = "convert"
    LINK = "link"
    ABORT = "abort"


class Check(Protocol):
    """Raises what a command refuses a deed with."""

    def __call__(self, item: WorkItem, /, *, by: Actor) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a deed is possible; what refuses it, or makes it pointless, is None where it is."""

    deed: Deed
    refusal: Statement | None

    @property
    def is_possible(self) -> bool:
        """Whether the deed would change something."""
        return self.refusal is None


_EVERY = tuple(ProcessType)
_WITH_DRAFT = (ProcessType.TICKET, ProcessType.CASE)
_CHECKS: Mapping[Deed, tuple[tuple[ProcessType, ...], Check]] = {
    Deed.SUBMIT: (_WITH_DRAFT, deed_checks.submit),
    Deed.DISCARD: (_WITH_DRAFT, deed_checks.discard),
    Deed.TAKE: (_EVERY, deed_checks.take),
    Deed.ACKNOWLEDGE: ((ProcessType.CASE,), deed_checks.acknowledge),
    Deed.RESOLVE: (_EVERY, deed_checks.resolve),
    Deed.UNABLE_TO_COMPLETE: ((ProcessType.ACTION,), deed_checks.complete_unsuccessfully),
    Deed.NEXT_STEP: ((ProcessType.CASE,), deed_checks.next_step),
    Deed.WAIT: (_EVERY, deed_checks.wait),
    Deed.ASSIGN: (_EVERY, deed_checks.assign),
    Deed.UNASSIGN: (_EVERY, deed_checks.unassign),
    Deed.REJECT: (_EVERY, deed_checks.reject),
    Deed.MOVE_TO_QUEUE: (_EVERY, deed_checks.move_to_queue),
    Deed.UPDATE: (_EVERY, deed_checks.edit),
    Deed.REOPEN: (_WITH_DRAFT, deed_checks.reopen),
    Deed.REWORK: ((ProcessType.CASE, ProcessType.ACTION), deed_checks.rework),
    Deed.LAUNCH_ACTION: ((ProcessType.CASE,), deed_checks.launch),
    Deed.LAUNCH_SUB_CASE: ((ProcessType.CASE,), deed_checks.launch_sub_case),
    Deed.MERGE: ((ProcessType.TICKET,), deed_checks.merge),
    Deed.SPLIT: ((ProcessType.TICKET,), deed_checks.split),
    Deed.CONVERT: ((ProcessType.TICKET,), deed_checks.convert),
    Deed.LINK: (_WITH_DRAFT, deed_checks.link),
    Deed.ABORT: ((ProcessType.CASE,), deed_checks.abort),
}


def deeds_of(item: WorkItem, *, by: Actor) -> tuple[Answer, ...]:
    """The deeds that there are for an item of this kind, each with what refuses it now. The caller has checked that the actor
    sees the item; what a deed is given (fields, a person, a method) is checked when it is done."""
    return tuple(answer(deed, item, by=by) for deed, (kinds, _) in _CHECKS.items() if item.kind in kinds)


def require_possible(deed: Deed, item: WorkItem, *, by: Actor) -> None:
    """Raise what refuses a deed."""
    _CHECKS[deed][1](item, by=by)


def answer(deed: Deed, item: WorkItem, *, by: Actor) -> Answer:
    """Whether one deed is possible, and what refuses it."""
    try:
        require_possible(deed, item, by=by)
    except DomainError as error:
        return Answer(deed, error.statement)
    return Answer(deed, _pointless(deed, item))


def _pointless(deed: Deed, item: WorkItem) -> Statement | None:
    """What is said of a deed that would leave the item as it is."""
    if deed == Deed.TAKE and not deed_checks.begins(item):
        return statement("deed_pointless.take")
    if deed == Deed.UNASSIGN and policy.holder_of(item) is None:
        return statement("deed_pointless.unassign")
    if deed == Deed.ACKNOWLEDGE and not _has_news(item):
        return statement("deed_pointless.acknowledge")
    return None


def _has_news(case: WorkItem) -> bool:
    woken = case.status == Status.TO_DO and case.status_reason == StatusReason.NEW_INFORMATION
    return case.news_since is not None or woken
