"""The work that an actor may get from its queues, and what it gets first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When

from workwire.access import queries as access
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import Queue, Status, WorkItem
from workwire.rooms.work.policy import MOST_ROBOT_ASSIGNMENTS
from workwire.rooms.work.queries import visible
from workwire.rooms.work.transitions import FINISHED
from workwire.rooms.work.who_gets_it import UNTROUBLED

_TO_DO = Q(status=Status.TO_DO)
_NEWS = Q(
    status=Status.IN_PROGRESS, kind=ProcessType.CASE, news_since__isnull=False
)  # while the flow of the case goes on


def obtainable(actor: Actor, now: datetime) -> QuerySet[WorkItem]:
    """What an actor may get from its queues, in the order in which it is given out: the most overdue, then (for people)
    what robots rejected, then the soonest due.

    Robots get actions only, none that a robot rejected or had too often, and nothing while they are suspended; people get
    from strict queues only what robots rejected; a case is given out only when it needs attention or has news.
    """
    return _in_order(_obtainable(actor, _TO_DO if _is_robot(actor) else _TO_DO | _NEWS), now)


def firsts_of_queues(actor: Actor, now: datetime, passed_by: Collection[int] = ()) -> set[int]:
    """The keys of what comes first of each rank in each of the actor's queues; what comes first of all is one of them.

    They are found along indexes, however much waits. Those in `passed_by` are left out.
    """
    ranks = _ranks(_here(actor, _TO_DO, passed_by), now)
    if not _is_robot(actor):
        of_news = _ranks(_here(actor, _NEWS, passed_by), now)
        del of_news["rejected"]  # no robot gets a case
        ranks |= {f"news_{rank}": found for rank, found in of_news.items()}
    firsts = {rank: Subquery(found.values("pk")[:1]) for rank, found in ranks.items()}
    queues = Queue.objects.filter(members=actor.user_id or 0).annotate(**firsts)
    return {key for keys_of_queue in queues.values_list(*firsts) for key in keys_of_queue if key is not None}


def is_work_available(actor: Actor) -> bool:
    """Whether the actor would get something if it asked for more work now."""
    return obtainable(actor, clock.now()).exists()


def _obtainable(actor: Actor, waiting: Q) -> QuerySet[WorkItem]:
    """What an actor may get from its queues of what waits."""
    mine = Queue.objects.filter(members=actor.user_id or 0)
    found = visible(WorkItem.objects.filter(waiting, assignee=None), actor)
    if _is_robot(actor):
        return found.filter(
            ~Exists(access.suspended(actor.user_id or 0)),
            kind=ProcessType.ACTION,
            robot_rejected=False,
            robot_assignments__lte=MOST_ROBOT_ASSIGNMENTS,
            queue__in=mine,
        )
    runs_by_itself = Q(kind=ProcessType.CASE, status_reason__in=UNTROUBLED, news_since=None) & Exists(
        WorkItem.objects.filter(parent=OuterRef("pk"), independent=False).exclude(status__in=FINISHED)
    )
    lenient = Q(queue__in=mine.filter(strict=False)) | Q(queue__in=mine, robot_rejected=True)
    return found.filter(lenient).exclude(runs_by_itself)


def _here(actor: Actor, waiting: Q, passed_by: Collection[int]) -> QuerySet[WorkItem]:
    return _obtainable(actor, waiting).filter(queue=OuterRef("pk")).exclude(pk__in=passed_by)


def _ranks(here: QuerySet[WorkItem], now: datetime) -> dict[str, QuerySet[WorkItem]]:
    return {
        "overdue": here.filter(due_date__lt=now).order_by("due_date", "pk"),
        "rejected": here.filter(robot_rejected=True).order_by(F("due_date").asc(nulls_last=True), "pk"),
        "due": here.filter(due_date__gte=now).order_by("due_date", "pk"),
        "undated": here.filter(due_date=None).order_by("pk"),
    }


def _in_order(found: QuerySet[WorkItem], now: datetime) -> QuerySet[WorkItem]:
    rank = Case(When(due_date__lt=now, then=Value(0)), When(robot_rejected=True, then=Value(1)), default=Value(2))
    return found.order_by(rank, F("due_date").asc(nulls_last=True), "pk")


def _is_robot(actor: Actor) -> bool:
    return actor.user_type == UserType.ROBOT
