"""Jobs as the REST API tells them: lists with filters, orders and pages, one, and cancelling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from tests.doors.conftest import Caller
from workwire.jobs import commands
from workwire.jobs.models import Job, JobState
from workwire.jobs.running import FORGET
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor


@pytest.fixture
def asked(actors: dict[str, Actor]) -> list[Job]:
    """Five jobs of the team member, each a second younger and three of them ended, and one of the system."""
    found = []
    with clock.frozen(clock.now()) as advance, transaction.atomic():
        for number in range(5):
            advance(timedelta(seconds=1))
            job = commands.enqueue(FORGET, by=actors["team member"], subject=ids.new_guid())
            if number < 3:
                Job.objects.filter(pk=job.pk).update(
                    state=JobState.DONE, ended_at=clock.now() + timedelta(minutes=10 - number), result={"removed": 7}
                )
            found.append(job)
        commands.enqueue(FORGET, by=actors["administrator"], subject=ids.new_guid())
    return found


def _guids(of: Caller, query: str = "") -> list[str]:
    return [row["guid"] for row in of.api("GET", f"/jobs{query}").json()["items"]]


def test_jobs_are_listed_filtered_and_sorted(member: Caller, asked: list[Job]) -> None:
    guids = [str(job.guid) for job in asked]
    assert _guids(member) == guids[::-1]
    assert _guids(member, "?sort=created") == guids
    assert _guids(member, "?state=done&sort=ended") == [guids[2], guids[1], guids[0]]
    assert _guids(member, "?sort=-ended")[:3] == guids[:3]
    assert set(_guids(member, "?state=waiting")) == set(guids[3:])
    assert _guids(member, "?kind=jobs.forget&state=done") == guids[:3][::-1]
    assert _guids(member, "?kind=nothing") == []
    for wrong in ("?state=gone", "?sort=kind", "?kinds=x", "?cursor=x"):
        assert member.api("GET", f"/jobs{wrong}").status_code == 422, wrong


@pytest.mark.parametrize("sort", ["-created", "created", "ended", "-ended"])
def test_pages_of_jobs_hold_each_once(member: Caller, asked: list[Job], sort: str) -> None:
    whole, pages, cursor = _guids(member, f"?sort={sort}"), [], ""
    while True:
        page = member.api("GET", f"/jobs?sort={sort}&limit=2{cursor}").json()
        pages += [row["guid"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert pages == whole
    assert len(pages) == len(asked)


def test_one_job_is_told_with_its_progress_and_its_error(member: Caller, asked: list[Job]) -> None:
    Job.objects.filter(pk=asked[4].pk).update(
        state=JobState.RUNNING, done=3, total=9, tries=2, error_code="amount_wrong", error_text="The amount is wrong."
    )
    told = member.api("GET", f"/jobs/{asked[4].guid}").json()
    assert (told["kind"], told["state"], told["done"], told["total"]) == (FORGET, "running", 3, 9)
    assert (told["tries"], told["error"]) == (2, {"code": "amount_wrong", "text": "The amount is wrong."})
    assert (told["record"], told["standing"], told["cancelling"]) == (str(asked[4].subject), False, False)
    assert told["next_at"] is not None
    ended = member.api("GET", f"/jobs/{asked[0].guid}").json()
    assert (ended["result"], ended["error"], ended["next_at"]) == ({"removed": 7}, None, None)


def test_a_job_is_cancelled_by_who_asked_for_it(
    member: Caller, asked: list[Job], caller: Callable[[str], Caller]
) -> None:
    told = member.api("POST", f"/jobs/{asked[4].guid}/cancel", {})
    assert (told.status_code, told.json()["cancelling"]) == (200, True)
    refused = member.api("POST", f"/jobs/{asked[0].guid}/cancel", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "job_ended")
    stranger, administrator = caller("process builder"), caller("administrator")
    for method, path in (("GET", f"/jobs/{asked[3].guid}"), ("POST", f"/jobs/{asked[3].guid}/cancel")):
        assert stranger.api(method, path, {} if method == "POST" else None).status_code == 404
    assert _guids(stranger) == []
    assert len(_guids(administrator)) == len(asked) + 1
    assert administrator.api("POST", f"/jobs/{asked[3].guid}/cancel", {}).status_code == 200
