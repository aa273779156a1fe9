"""News at running cases: who is assigned it, who acknowledges it, and how the case runs on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.doors.conftest import Caller, caller
from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role, User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.work import commands as work
from workwire.rooms.work import obtaining, queries
from workwire.rooms.work.models import Status, StatusReason, WorkItem

__all__ = ["caller"]


@pytest.fixture
def tomas(actors: dict[str, Actor]) -> Actor:
    """The team member, who owns the case."""
    return actors["team member"]


@pytest.fixture
def nora(first: Customer, actors: dict[str, Actor]) -> Actor:
    """Another member of the team."""
    admin = actors["administrator"]
    made = access.create_user("nora", "Nora", list(Role.objects.filter(name="Team Member")), by=admin)
    access.change_members(first.group, add=[made], by=admin)
    return sessions.actor_for(made)


@pytest.fixture
def case(first: Customer, tomas: Actor) -> WorkItem:
    """A running case of the team member."""
    return work.create_case(first.case_version.guid, by=tomas, title="Invoice", submit=True)


def now(item: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=item.pk)


def who(item: WorkItem) -> tuple[int | None, int | None]:
    """The assignee and the owner of an item now."""
    found = now(item)
    return found.assignee_id, found.owner_id


def got(by: Actor) -> int | None:
    """What somebody gets next, None for nothing."""
    found = work.get_more_work(by=by)
    return None if found is None else found.pk


def mail(item: WorkItem, by: Actor = SYSTEM) -> None:
    conversations.add(
        item, by=by, kind=CommunicationType.EMAIL_INCOMING, body="And?", sender_address="ines@willow.example"
    )


def test_news_at_a_running_case_is_assigned_until_it_is_acknowledged(
    case: WorkItem, tomas: Actor, nora: Actor, first: Customer
) -> None:
    """work-manager ASG-25, ASG-26: the flow goes on meanwhile, and who has it owns it again."""
    mail(case)
    found = now(case)
    assert (found.status, who(case), found.queue_id) == (
        Status.IN_PROGRESS,
        (tomas.user_id, None),
        first.case_version.queue_id,
    )
    assert found.news_since is not None
    with recorded() as told:
        mail(case)
    assert told.names == ["NewCommunication"]
    (action, *_) = queries.items_under(case, by=tomas)
    work.resolve(action, by=nora)
    assert who(case) == (tomas.user_id, None)
    with pytest.raises(Forbidden):
        work.acknowledge(case, by=nora)
    work.acknowledge(case, by=tomas)
    found = now(case)
    assert (found.status, found.news_since, who(case), found.queue_id) == (
        Status.IN_PROGRESS,
        None,
        (None, tomas.user_id),
        None,
    )
    with recorded() as told:
        work.acknowledge(case, by=tomas)
    assert told.events == []


def test_a_kept_case_comes_to_who_keeps_it_with_its_news(
    case: WorkItem, tomas: Actor, nora: Actor, actors: dict[str, Actor]
) -> None:
    """work-manager ASG-27."""
    work.update(case, keep_with_me=True, by=tomas)
    work.unassign(case, by=tomas)
    mail(case)
    assert who(case) == (tomas.user_id, None)
    work.acknowledge(case, by=tomas)
    assert who(case) == (None, tomas.user_id)
    mail(case)
    work.acknowledge(case, by=actors["administrator"])  # who gives work out may say it for others
    assert who(case) == (None, tomas.user_id)


def test_what_nobody_has_is_owned_by_who_acknowledges_it_and_taking_acknowledges(
    case: WorkItem, tomas: Actor, nora: Actor
) -> None:
    mail(case)
    work.unassign(case, by=nora)
    assert (who(case), now(case).status) == ((None, None), Status.IN_PROGRESS)
    work.acknowledge(case, by=nora)
    assert who(case) == (None, nora.user_id)
    mail(case)
    work.unassign(case, by=tomas)
    work.take(case, by=tomas)
    assert (who(case), now(case).news_since) == ((None, tomas.user_id), None)


def test_news_that_nobody_has_is_got_from_the_queue_of_its_case(
    case: WorkItem, tomas: Actor, nora: Actor, first: Customer, actors: dict[str, Actor]
) -> None:
    """work-manager ASG-26: a running case lies in no queue; with news it is work like other work, though not for robots."""
    admin = actors["administrator"]
    WorkItem.objects.filter(parent=case.pk).update(queue=None)
    assert got(nora) is None
    mail(case)
    work.unassign(case, by=nora)
    WorkItem.objects.filter(pk=case.pk).update(queue=first.queue)
    assert who(case) == (None, None)
    assert not obtaining.is_work_available(nora)  # not a member
    members = [User.objects.get(pk=one.user_id) for one in (nora, actors["robot"])]
    work.update_queue(first.queue, members=members, by=admin)
    assert obtaining.is_work_available(nora)
    assert not obtaining.is_work_available(actors["robot"])
    assert got(actors["robot"]) is None
    assert got(nora) == case.pk
    assert (who(case), now(case).news_since, now(case).queue_id) == ((None, nora.user_id), None, None)
    assert got(nora) is None
    mail(case)
    assert who(case) == (nora.user_id, None)
    assert got(nora) is None  # she has it


def test_news_of_cases_and_other_work_are_got_in_one_order(
    case: WorkItem, tomas: Actor, first: Customer, actors: dict[str, Actor]
) -> None:
    mail(case)
    work.unassign(case, by=tomas)
    late, soon = queries.items_under(case, by=tomas).order_by("pk")
    WorkItem.objects.filter(pk=late.pk).update(due_date=clock.now() - timedelta(days=3))
    WorkItem.objects.filter(pk=case.pk).update(due_date=clock.now() - timedelta(days=2), queue=first.queue)
    WorkItem.objects.filter(pk=soon.pk).update(due_date=clock.now() + timedelta(days=2))
    expected = list(obtaining.obtainable(tomas, clock.now()).values_list("pk", flat=True))
    assert expected == [late.pk, case.pk, soon.pk]
    assert [got(tomas) for _ in expected] == expected


def test_what_the_owner_brings_is_no_news(case: WorkItem, tomas: Actor, nora: Actor) -> None:
    mail(case, by=tomas)
    assert (who(case), now(case).news_since) == ((None, tomas.user_id), None)
    mail(case, by=nora)
    assert who(case) == (tomas.user_id, None)


def test_news_that_wakes_a_case_lets_it_flow_again_once_acknowledged(case: WorkItem, tomas: Actor) -> None:
    """work-manager ASG-26."""
    work.wait_for_information(case, by=tomas)
    mail(case)
    found = now(case)
    assert (found.status, found.status_reason, who(case)) == (
        Status.TO_DO,
        StatusReason.NEW_INFORMATION,
        (tomas.user_id, None),
    )
    work.acknowledge(case, by=tomas)
    assert (now(case).status, who(case)) == (Status.IN_PROGRESS, (None, tomas.user_id))


def test_a_case_that_needs_attention_needs_it_still_once_its_news_is_known(
    case: WorkItem, tomas: Actor, nora: Actor
) -> None:
    """work-manager ASG-26."""
    (action, *_) = queries.items_under(case, by=tomas)
    work.complete_unsuccessfully(action, by=nora)
    assert who(case) == (tomas.user_id, None)
    mail(case)
    work.acknowledge(case, by=tomas)
    found = now(case)
    assert (found.status, who(case), found.attention is not None) == (Status.TO_DO, (tomas.user_id, None), True)


def test_a_ticket_that_is_merged_into_a_running_case_is_news(
    case: WorkItem, first: Customer, tomas: Actor, nora: Actor
) -> None:
    """work-manager ASG-26, MRG-4."""
    ticket = work.create_ticket(
        first.ticket_version.guid, by=nora, title="Asked again", category_guid=first.category.guid, submit=True
    )
    work.merge([ticket], case, by=nora)
    assert (who(case), now(case).status) == ((tomas.user_id, None), Status.IN_PROGRESS)


def test_news_ends_with_its_case_and_waits_with_it(case: WorkItem, tomas: Actor) -> None:
    mail(case)
    work.wait_for_information(case, by=tomas)
    assert who(case) == (None, tomas.user_id)
    work.abort(case, by=tomas)
    assert (now(case).status, now(case).news_since) == (Status.CLOSED, None)


def test_only_cases_have_news_to_acknowledge(
    case: WorkItem, first: Customer, tomas: Actor, nora: Actor, caller: Callable[[str], Caller]
) -> None:
    (action, *_) = queries.items_under(case, by=tomas)
    mail(action)
    assert now(action).news_since is None
    with pytest.raises(Invalid) as refusal:
        work.acknowledge(action, by=tomas)
    assert refusal.value.code == "not_a_case"
    mail(case)
    member = caller("team member")
    assert member.api("GET", f"/work-items/{case.guid}").json()["news_since"] is not None
    body = member.api("POST", f"/work-items/{case.guid}/acknowledge").json()
    assert (body["news_since"], body["owner"], body["assignee"]) == (None, str(tomas.guid), None)
