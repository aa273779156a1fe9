"""Which processes somebody may start work of now: found by words, and the live version of one."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import and_
from uuid import UUID

from django.db.models import Q, QuerySet

from workwire.kernel import folding, keys, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.offering.models import ProcessType, ProcessVersion, SchedulePeriod, TicketCategory
from workwire.rooms.offering.queries import offer, startable

MOST_WORDS = 8
_CONTRACT = "process__service__contract"
_NAMES = (
    "process__work_type__name_key",
    "process__service__name_key",
    f"{_CONTRACT}__name_key",
    f"{_CONTRACT}__customer__name_key",
)


def offer_found(words: str, *, by: Actor, kind: ProcessType | None = None) -> QuerySet[ProcessVersion]:
    """The live versions an actor may start of which each word is part of the name of the process, its service, its contract or
    its customer, ordered by these from the customer on; all of them for no words."""
    return offer(by, kind).exclude(process__work_type__kind=ProcessType.ACTION).filter(_named(words))


def offer_for(customer: int, kind: ProcessType, *, by: Actor, words: str = "") -> QuerySet[ProcessVersion]:
    """The same of one kind for one customer, by its id."""
    return offer_found(words, by=by, kind=kind).filter(process__service__contract__customer=customer)


def offer_of(processes: Collection[int], *, by: Actor) -> dict[int, ProcessVersion]:
    """The live versions of some processes, as far as the actor may start them, by the id of the process."""
    return {one.process_id: one for one in startable(by).filter(process__in=processes)}


def live_version_of(process: UUID, *, by: Actor) -> ProcessVersion:
    """The live version of a process; raises NotFound where there is none that the actor may start."""
    found = startable(by).filter(process__guid=process).exclude(process__work_type__kind=ProcessType.ACTION).first()
    if found is None:
        raise not_found("process")
    return found


def categories_of_all(versions: Collection[ProcessVersion]) -> dict[int, list[TicketCategory]]:
    """The categories of some ticket versions, upper levels first, by the id of the version: one look for all."""
    found: dict[int, list[TicketCategory]] = {version.pk: [] for version in versions}
    for category in TicketCategory.objects.filter(version__in=found).order_by("level", "name"):
        found[category.version_id].append(category)
    return found


def periods_of(schedule_id: int) -> QuerySet[SchedulePeriod]:
    """The periods of a schedule, the latest first."""
    return SchedulePeriod.objects.filter(schedule=schedule_id).order_by("-start_date", "-pk")


def _named(words: str) -> Q:
    if not text.is_storable(words):
        return Q(pk__in=())
    wanted = folding.words(words)[:MOST_WORDS]
    return reduce(and_, (keys.holding(word, *_NAMES) for word in wanted), Q())
