"""Jobs in every state, of an account and of Workwire itself, for pages to show."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from tests.support.organisation import Organisation
from workwire.access import sessions
from workwire.jobs import commands
from workwire.jobs.models import Job, JobState
from workwire.jobs.running import FORGET
from workwire.kernel import clock, ids

WHO = "administrator"
_ERROR = {
    "error_code": "broken",
    "error_text": "The disk of the folder for files is full: no space is left on the device.",
}


def ask(organisation: Organisation) -> list[Job]:
    """Ask for jobs as an administrator; those that wait begin in a year, so that no worker changes what is shown."""
    by, now = sessions.actor_for(organisation.accounts[WHO].user), clock.now()
    with transaction.atomic():
        later = timedelta(days=365)
        made = [commands.enqueue(FORGET, by=by, subject=ids.new_guid(), after=later) for _ in range(5)]
    under_way, failing, given_up, cancelled, _waiting = made
    Job.objects.filter(pk=under_way.pk).update(state=JobState.RUNNING, done=1_500, total=6_000)
    Job.objects.filter(pk=failing.pk).update(**_ERROR)
    Job.objects.filter(pk=given_up.pk).update(state=JobState.FAILED, ended_at=now, **_ERROR)
    Job.objects.filter(pk=cancelled.pk).update(state=JobState.CANCELLED, ended_at=now)
    return made
