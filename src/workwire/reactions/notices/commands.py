"""The writer of what an account does with its notices, and of their end."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.reactions.notices import queries
from workwire.reactions.notices.models import Kind, Notice, UnwantedKind

KEPT = timedelta(days=90)


@transaction.atomic
def read(guid: UUID, *, by: Actor) -> Notice:
    """Note that a notice has been read; one that was stays as it is."""
    found = queries.notice(guid, by=by)
    if found.read_at is None:
        found.read_at = clock.now()
        found.save(update_fields=["read_at"])
    return found


@transaction.atomic
def read_all(*, by: Actor, until: UUID | None = None) -> int:
    """Note that all notices the account is shown have been read, or those up to one of them; returns how many that were."""
    unread = queries.notices_of(by).filter(read_at=None)
    if until is not None:
        unread = unread.filter(pk__lte=queries.notice(until, by=by).pk)
    return unread.update(read_at=clock.now())


@transaction.atomic
def choose(kind: Kind, wanted: bool, *, by: Actor) -> None:
    """Want a kind of notice, or do without it from now on."""
    if wanted:
        UnwantedKind.objects.filter(account=by.user_id or 0, kind=kind).delete()
    elif by.user_id is not None:
        UnwantedKind.objects.bulk_create([UnwantedKind(account_id=by.user_id, kind=kind)], ignore_conflicts=True)


def forget_old(now: datetime, most: int) -> int:
    """Remove some of the notices that are older than they are kept, at most so many; returns how many."""
    some = queries.oldest_before(now - KEPT).values_list("pk", flat=True)[:most]
    return Notice.objects.filter(pk__in=list(some)).delete()[0]
