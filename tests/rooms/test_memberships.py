"""The four lists of Home, rule by rule: what belongs to them, who is told of it, and how it stands against its due date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer, Organisation
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.access.models import Role, User
from workwire.access.teams import team_of
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.rooms.offering.models import ProcessVersion
from workwire.rooms.work import commands as work
from workwire.rooms.work import due_states, memberships
from workwire.rooms.work.due_states import DueState
from workwire.rooms.work.memberships import Membership
from workwire.rooms.work.models import Queue, Rag, Status, WaitType, WorkItem
from workwire.rooms.work.queries import rag

Make = Callable[..., WorkItem]


@dataclass(frozen=True)
class Team:
    """A leader with reports, one of them with a report of its own, who all see the first customer."""

    leader: User
    member: User
    peer: User
    report: User
    stranger: User


@pytest.fixture
def team(organisation: Organisation, first: Customer) -> Team:
    """People in a line of reports: leader above member and peer, report below peer; a stranger beside."""
    member_role, leader_role = (Role.objects.get(name=name) for name in ("Team Member", "Team Leader"))

    def person(name: str, role: Role, manager: User | None = None) -> User:
        return access.create_user(name, name.title(), [role], manager=manager, by=SYSTEM)

    leader = person("leader", leader_role)
    member = person("member", member_role, leader)
    peer = person("peer", member_role, leader)
    found = Team(leader, member, peer, person("report", member_role, peer), person("stranger", member_role))
    access.change_members(first.group, add=[leader, member, peer, found.report, found.stranger], by=SYSTEM)
    return found


@pytest.fixture
def make(first: Customer, actors: dict[str, Actor]) -> Make:
    """Make a ticket of the first customer, in no queue unless one is named, with what it is given changed by force."""

    def made(title: str = "Invoice", version: ProcessVersion | None = None, **more: object) -> WorkItem:
        used = version or first.ticket_version
        category = used.categories.order_by("-level", "pk")[0].guid
        item = work.create_ticket(
            used.guid, by=actors["administrator"], title=title, category_guid=category, submit=True
        )
        WorkItem.objects.filter(pk=item.pk).update(**({"queue": None} | more))
        item.refresh_from_db()
        return item

    return made


def listed(wanted: Membership, user: User) -> list[WorkItem]:
    """What belongs to a list of somebody, oldest first."""
    by = sessions.actor_for(user)
    return list(memberships.members(wanted, by=by).order_by("pk"))


def test_the_work_inbox_holds_what_is_assigned_and_not_at_rest(make: Make, team: Team) -> None:
    """work-manager ASG-25, STA-10: the assignee of drafts, of what is to do and of what is in progress; nobody else's."""
    mine = [
        make(assignee=team.member, status=Status.DRAFT),
        make(assignee=team.member, status=Status.TO_DO),
        make(assignee=team.member, status=Status.IN_PROGRESS),
    ]
    make(assignee=team.peer, status=Status.TO_DO)
    make(status=Status.TO_DO)
    make(owner=team.member, status=Status.WAITING, wait_type=WaitType.INFORMATION)
    assert listed(Membership.INBOX, team.member) == mine


def test_owned_work_holds_what_waits_runs_or_was_resolved(
    make: Make, team: Team, first: Customer, actors: dict[str, Actor]
) -> None:
    """work-manager ASG-25: a running case has an owner only. STA-10: what waits moves from the inbox to owned work."""
    by = sessions.actor_for(team.member)
    waiting = work.wait_for_information(work.take(make(), by=by), by=by)
    case = work.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    resolved = make(owner=team.member, status=Status.RESOLVED, resolution_method="DoneSuccessfully")
    make(owner=team.peer, status=Status.WAITING, wait_type=WaitType.DATE)
    make(status=Status.CLOSED, resolution_method="DoneSuccessfully")
    assert (case.owner_id, case.status) == (team.member.pk, Status.IN_PROGRESS)
    assert listed(Membership.OWNED, team.member) == [waiting, case, resolved]
    assert not listed(Membership.INBOX, team.member)


def test_the_team_inbox_holds_the_work_of_manager_and_peers_and_for_leaders_of_all_reports(
    make: Make, team: Team
) -> None:
    """work-manager-notes 6.1: mine, my manager's, my peers'; a leader's also of its reports, at any depth."""
    of = {
        user.username: make(assignee=user, status=Status.TO_DO)
        for user in (team.leader, team.member, team.peer, team.report, team.stranger)
    }
    assert listed(Membership.TEAM_INBOX, team.member) == [of["leader"], of["member"], of["peer"]]
    assert listed(Membership.TEAM_INBOX, team.leader) == [of["leader"], of["member"], of["peer"], of["report"]]
    assert listed(Membership.TEAM_INBOX, team.peer) == [of["leader"], of["member"], of["peer"]]  # no leader
    assert listed(Membership.TEAM_INBOX, team.report) == [of["peer"], of["report"]]
    assert listed(Membership.TEAM_INBOX, team.stranger) == [of["stranger"]]


def test_the_team_inbox_holds_what_lies_in_queues_one_is_a_member_or_manager_of(
    make: Make, team: Team, actors: dict[str, Actor]
) -> None:
    """work-manager-notes 6.1: items in queues I am member or manager of, whoever has them."""
    admin = actors["administrator"]
    own: Queue = work.create_queue("Own", members=[team.member], by=admin)
    managed: Queue = work.create_queue("Managed", managers=[team.leader], by=admin)
    other: Queue = work.create_queue("Other", by=admin)
    in_own = make(queue=own)
    with_stranger = make(queue=own, assignee=team.stranger, status=Status.TO_DO)
    in_managed = make(queue=managed)
    make(queue=other)
    assert listed(Membership.TEAM_INBOX, team.member) == [in_own, with_stranger]
    assert listed(Membership.TEAM_INBOX, team.leader) == [in_managed]


def test_team_owned_work_holds_what_the_team_owns_and_nothing_of_queues(make: Make, team: Team) -> None:
    """work-manager-notes 6.1, ASG 1.2: what waits leaves its queue, so it belongs to the team of its owner."""
    of = {
        user.username: make(owner=user, status=Status.WAITING, wait_type=WaitType.DATE)
        for user in (team.leader, team.member, team.report, team.stranger)
    }
    assert listed(Membership.TEAM_OWNED, team.member) == [of["leader"], of["member"]]
    assert listed(Membership.TEAM_OWNED, team.leader) == [of["leader"], of["member"], of["report"]]


def test_nobody_sees_or_counts_what_is_not_in_sight(make: Make, team: Team, first: Customer) -> None:
    make(assignee=team.member, status=Status.TO_DO)
    make(owner=team.member, status=Status.WAITING, wait_type=WaitType.DATE)
    by = sessions.actor_for(team.member)
    assert memberships.counts(by=by) == dict.fromkeys(Membership, 1)
    access.change_members(first.group, remove=[team.member], by=SYSTEM)
    by = sessions.actor_for(team.member)
    assert memberships.counts(by=by) == dict.fromkeys(Membership, 0)
    for one in Membership:
        members = memberships.members(one, by=by)
        assert not members.exists()
        assert memberships.totals(members) == dict.fromkeys(DueState, 0)


def test_the_lists_are_for_who_works(organisation: Organisation) -> None:
    builder = organisation.accounts["process builder"].user
    guest = access.create_user("guest", "Guest", [access.create_role("Guest", "operational", (), by=SYSTEM)], by=SYSTEM)
    for user in (guest, builder):
        by = sessions.actor_for(user)
        if not by.has(features.WORK_ITEMS):
            for ask in (lambda: memberships.members(Membership.INBOX, by=by), lambda: memberships.counts(by=by)):  # noqa: B023 - called in this very round
                with pytest.raises(Forbidden):
                    ask()
    assert not sessions.actor_for(guest).has(features.WORK_ITEMS)


def test_the_team_is_found_in_one_statement_also_where_lines_of_reports_form_a_ring(team: Team) -> None:
    by = sessions.actor_for(team.leader)
    User.objects.filter(pk=team.leader.pk).update(manager=team.report)  # which no command would do
    with CaptureQueriesContext(connection) as asked:
        found = team_of(by)
    assert len(asked) == 1
    assert set(found) == {team.leader.pk, team.member.pk, team.peer.pk, team.report.pk}


def test_totals_say_what_each_item_says_of_itself(make: Make, team: Team, first: Customer) -> None:
    """work-manager-notes 4.3: red, amber, green; grey for drafts, without a date, and for what waits with its due date."""
    zone = ZoneInfo(first.contract.time_zone)
    now = datetime(2026, 3, 10, 12, 0, tzinfo=zone)
    version = first.ticket_version
    rule = dict(version.due_rule or {}) | {"add_wait_time": True}
    ProcessVersion.objects.filter(pk=version.pk).update(due_rule=rule)
    at_work = {"assignee": team.member, "status": Status.TO_DO}
    waits = {"assignee": None, "owner": team.member, "status": Status.WAITING, "waiting_since": now}
    wanted = {
        make(due_date=now - timedelta(minutes=1), **at_work).pk: DueState.OVERDUE,
        make(due_date=now, **at_work).pk: DueState.TODAY,
        make(due_date=now.replace(hour=23, minute=59), **at_work).pk: DueState.TODAY,
        make(due_date=now.replace(hour=0) + timedelta(days=1), **at_work).pk: DueState.LATER,
        make(due_date=None, **at_work).pk: DueState.NOT_SET,
        make(due_date=now - timedelta(days=1), assignee=team.member, status=Status.DRAFT).pk: DueState.NOT_SET,
        make(due_date=now, wait_type=WaitType.INFORMATION, **waits).pk: DueState.NOT_SET,
        make(due_date=now, wait_type=WaitType.DATE, due_date_overridden=True, **waits).pk: DueState.TODAY,
        make(due_date=now - timedelta(days=2), wait_type=WaitType.PAUSE, **waits).pk: DueState.OVERDUE,
    }
    found = due_states.with_due_state(WorkItem.objects.filter(pk__in=wanted), now)
    assert {item.pk: item.due_state for item in found} == wanted  # type: ignore[attr-defined]  # annotated
    assert due_states.totals(found) == {state: list(wanted.values()).count(state) for state in DueState}
    of_items = {Rag.OVERDUE: DueState.OVERDUE, Rag.DUE_TODAY: DueState.TODAY, Rag.DUE_IN_FUTURE: DueState.LATER}
    for item in WorkItem.objects.filter(pk__in=wanted, status=Status.TO_DO, due_date__isnull=False):
        assert wanted[item.pk] == of_items[rag(item, now)]
    for state in DueState:
        kept = memberships.in_due_state(WorkItem.objects.filter(pk__in=wanted), state, now)
        assert {item.pk for item in kept} == {pk for pk, one in wanted.items() if one == state}


def test_the_rule_of_the_category_says_whether_the_due_date_waits_along(
    make: Make, team: Team, first: Customer
) -> None:
    """The category's rule counts before the version's, as in `item_due_dates.rule_of`."""
    now = clock.now()
    rule = dict(first.ticket_version.due_rule or {})
    item = make(
        due_date=now - timedelta(hours=1),
        owner=team.member,
        status=Status.WAITING,
        wait_type=WaitType.DATE,
        waiting_since=now,
    )
    for of_category, of_version, state in (
        (True, False, DueState.NOT_SET),
        (False, True, DueState.OVERDUE),
        (None, True, DueState.NOT_SET),
        (None, False, DueState.OVERDUE),
    ):
        written = None if of_category is None else rule | {"add_wait_time": of_category}
        category = item.category
        assert category is not None
        type(category).objects.filter(pk=category.pk).update(due_rule=written)
        ProcessVersion.objects.filter(pk=item.process_version_id).update(due_rule=rule | {"add_wait_time": of_version})
        (found,) = due_states.with_due_state(WorkItem.objects.filter(pk=item.pk), now)
        assert found.due_state == state  # type: ignore[attr-defined]  # annotated


@pytest.mark.parametrize("order", memberships.ORDERS)
def test_lists_go_on_page_by_page_in_every_order(order: str, make: Make, team: Team) -> None:
    by, now = sessions.actor_for(team.member), clock.now()
    dues = (now, now, None, now - timedelta(days=1), None, now + timedelta(days=1))
    for due in dues:
        make(assignee=team.member, status=Status.TO_DO, due_date=due)
    items, cursor, shown = memberships.members(Membership.INBOX, by=by), None, []
    while True:
        found = memberships.ordered_page(items, order, by=by, limit=2, cursor=cursor)
        assert len(found.rows) == 2
        shown += found.rows
        cursor = found.next_cursor
        if cursor is None:
            break
    assert len(shown) == len(set(shown)) == len(dues)
    column = {"created": "created_at", "updated": "updated_at", "due": "due_date"}[order.removeprefix("-")]
    held = [value for item in shown if (value := getattr(item, column)) is not None]
    assert held == sorted(held, reverse=order.startswith("-"))
    assert [item for item in shown if getattr(item, column) is not None] == shown[: len(held)]
    with pytest.raises(Invalid):
        memberships.ordered_page(items, order, by=by, cursor="elsewhere")


@pytest.mark.skipif(ON_POSTGRES, reason="plans of PostgreSQL follow its statistics")
@pytest.mark.parametrize("wanted", Membership)
def test_lists_are_read_along_the_indexes_of_who_has_the_work(wanted: Membership, team: Team) -> None:
    by = sessions.actor_for(team.member)
    sql, values = memberships.members(wanted, by=by).values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        plan = [row[-1] for row in cursor.fetchall()]
    assert not [step for step in plan if step.startswith("SCAN work_workitem")], plan
    assert [step for step in plan if "work_workitem" in step and ("assignee_id" in step or "owner_id" in step)], plan
