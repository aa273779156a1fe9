"""Asking whether an endpoint can be reached before anything is sent to it: a job, so that only the worker talks outward.

Nobody scans a network with it: of an account one test waits at a time and few are made in a minute, of all accounts not many
more, and the worker's guard judges every address as it does when messages are sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.jobs import commands as jobs
from workwire.jobs import queries as done_later
from workwire.jobs.queries import Job
from workwire.kernel import addresses, clock, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, Limited, not_found, refusal_of
from workwire.kernel.limits import ConcurrencyLimit
from workwire.reactions.webhooks.tls_terms import LONGEST_PEM

KIND = "webhooks.reach"
MINUTE = timedelta(minutes=1)
MOST_IN_A_MINUTE, MOST_OF_ALL = 10, 60
MOST_WAITING = 10
AGAIN = 10  # seconds
LONGEST = 5.0  # seconds that a test takes in the worker
GRACE = 3.0  # seconds beyond that, for a worker to pick it up
_TESTS = ConcurrencyLimit(1, "tests")


def try_to_reach(url: str, authorities: str = "", *, by: Actor) -> Mapping[str, Any] | None:
    """Have a worker try to reach the endpoint of a URL, and wait for what it saw; None when no worker told in time. Raises
    Invalid for what may not be a destination, and Limited."""
    with _TESTS.one_for(by.user_id):
        asked = ask(url, authorities, by=by)
        until, pause = time.monotonic() + seconds_of_a_test() + GRACE, 0.05
        while (found := done_later.result_of(asked)) is None and time.monotonic() < until:
            time.sleep(pause)
            pause = min(pause * 1.5, 0.3)
        return found


@transaction.atomic
def ask(url: str, authorities: str = "", *, by: Actor) -> UUID:
    """Ask for a test; returns the GUID of its job. Raises Invalid also for authorities that no database can keep."""
    require(by, features.WEBHOOKS)
    authorities = text.prose(authorities, field="authorities", longest=LONGEST_PEM)
    policy = addresses.AddressPolicy(tuple(settings.CONFIG.webhook_allowed_networks))
    try:
        target = addresses.check_url(url, policy)
    except addresses.UnsafeTarget as error:
        raise refusal_of(error.rule, Invalid, field="url") from error
    lately = done_later.of_kind(KIND, since=clock.now() - MINUTE)
    mine = [one for one in lately if one.asked_by_id == by.user_id]
    waiting = [one for one in lately if one.ended_at is None]
    if (
        len(mine) >= MOST_IN_A_MINUTE
        or len(lately) >= MOST_OF_ALL
        or len(waiting) >= MOST_WAITING
        or any(one.ended_at is None for one in mine)
    ):
        raise Limited("too_many_reach_tests", retry_after=AGAIN)
    return jobs.enqueue(KIND, {"url": target.url, "authorities": authorities}, by=by).guid


def test(guid: UUID, *, by: Actor) -> Job:
    """A test that the actor has asked for, ended or not; raises NotFound, also for one of another account."""
    require(by, features.WEBHOOKS)
    found = done_later.narrowed(done_later.jobs(by.user_id), kind=KIND).filter(guid=guid).first()
    if found is None:
        raise not_found("endpoint_test")
    return found


def seconds_of_a_test() -> float:
    """How long a test may take in the worker."""
    return min(LONGEST, float(settings.CONFIG.webhook_connect_timeout))
