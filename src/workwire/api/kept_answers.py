"""How long answers to requests with an `Idempotency-Key` are kept, and the standing job that forgets them.

Apart from `idempotency`, so that workers need not load the framework of the REST API.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from workwire.api.models import IdempotentRequest
from workwire.jobs.kinds import forgetting

KEPT = timedelta(hours=24)


def sweep(now: datetime, most: int) -> int:
    """Forget some of what is older than a day, at most so much; returns how much."""
    some = IdempotentRequest.objects.filter(created_at__lt=now - KEPT).values_list("pk", flat=True)[:most]
    return IdempotentRequest.objects.filter(pk__in=list(some)).delete()[0]


SWEEPING = forgetting("api.idempotency", sweep)
