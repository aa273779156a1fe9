"""Jobs on a page: one's own, or all for an administrator; how far they are, why they fail, cancelling them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import transaction
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.jobs import commands, kinds
from workwire.jobs.models import Job, JobState
from workwire.jobs.running import FORGET
from workwire.kernel import clock, ids
from workwire.web.operate.job_list import KINDS


def _rows(browser: Client, query: str = "") -> list[str]:
    answer = browser.get(f"/operate/jobs?{query}")
    assert answer.status_code == 200, answer.content
    body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", unescape(row)).split()) for row in body.split("<tr>")[1:]]


@pytest.fixture
def asked(organisation: Organisation) -> list[Job]:
    """Three jobs of the team member (under way, failing, given up) and one of the system."""
    by = sessions.actor_for(organisation.accounts["team member"].user)
    with transaction.atomic():
        found = [commands.enqueue(FORGET, by=by, subject=ids.new_guid(), after=timedelta(hours=1)) for _ in range(3)]
        Job.objects.create(kind=FORGET, lane="upkeep", standing=True, ready_at=clock.now())
    error = {"error_code": "broken", "error_text": "The disk is full."}
    Job.objects.filter(pk=found[0].pk).update(state=JobState.RUNNING, done=1_500, total=6_000)
    Job.objects.filter(pk=found[1].pk).update(**error)
    Job.objects.filter(pk=found[2].pk).update(state=JobState.FAILED, ended_at=clock.now(), **error)
    return found


def test_jobs_tell_how_far_they_are_and_why_they_fail(organisation: Organisation, asked: list[Job]) -> None:
    given_up, failing, under_way = _rows(gallery.signed_in(organisation.accounts["team member"]))
    assert under_way.startswith("Under way Forget old jobs")
    assert "1,500 of 6,000" in under_way
    assert failing.startswith("Failed, is tried again")
    assert "The disk is full." in failing
    assert given_up.startswith("Given up")
    assert "Cancel" not in given_up


def test_only_administrators_see_jobs_of_others_and_the_system(organisation: Organisation, asked: list[Job]) -> None:
    everything = _rows(gallery.signed_in(organisation.accounts["administrator"]))
    assert len(everything) == 4
    assert any("Workwire itself" in row for row in everything)
    stranger = gallery.signed_in(organisation.accounts["process builder"])
    assert _rows(stranger) == []
    assert stranger.post(f"/operate/jobs/{asked[0].guid}/cancel").status_code == 404
    assert Job.objects.get(pk=asked[0].pk).cancel_asked_at is None


def test_jobs_are_narrowed_by_state(organisation: Organisation, asked: list[Job]) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    assert len(_rows(browser, "state=failed")) == 1
    assert len(_rows(browser, "state=nothing&cursor=x")) == 3
    assert "No jobs" in browser.get("/operate/jobs?state=done").content.decode()


def test_a_job_is_cancelled(organisation: Organisation, asked: list[Job]) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    answer = browser.post(f"/operate/jobs/{asked[0].guid}/cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/operate/jobs")
    assert _rows(browser)[2].startswith("Ends with its next piece")
    refused = browser.post(f"/operate/jobs/{asked[2].guid}/cancel")
    assert refused.status_code == 409
    assert "This job has ended already." in refused.content.decode()


def test_every_kind_has_words() -> None:
    assert set(kinds.kinds()) - set(KINDS) == set()
