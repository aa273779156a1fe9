"""Notices: who is told what and why, who is not, and what is shown when rights change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer, Organisation
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role
from workwire.jobs import timers
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.errors import NotFound
from workwire.outbox import listener_feed
from workwire.outbox.models import Event, FeedEntry
from workwire.reactions.notices import commands, explaining, queries
from workwire.reactions.notices.models import Kind, Notice, Reason
from workwire.reactions.notices.telling import LISTENER
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks import events as subscription_events
from workwire.reactions.webhooks import hand_over, rotation
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import Communication, CommunicationType
from workwire.rooms.files.commands import FileWish
from workwire.rooms.following import commands as following
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import VersionState, WorkType
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem

Open = Callable[..., WorkItem]
MEMBER, LEADER = "team member", "integrator"


@pytest.fixture(autouse=True)
def _joined(organisation: Organisation) -> None:
    """What the sample organisation did is told, and forgotten."""
    tell()
    Notice.objects.all().delete()


@pytest.fixture
def ticket(open_ticket: Open, organisation: Organisation) -> WorkItem:
    """A ticket of the first customer that the member opened, who has it no more than others (work-manager, 1.2)."""
    category = organisation.customers[0].category
    return open_ticket(category_guid=category.guid, submit=True)


def tell() -> None:
    """Let the listener read all that happened."""
    while listener_feed.turn(LISTENER, clock.now()):
        pass
    assert not FeedEntry.objects.filter(listener=LISTENER.name).exists()


def told(actor: Actor) -> list[tuple[str, str]]:
    """Kind and reason of what an actor is shown, oldest first."""
    tell()
    return list(queries.notices_of(actor).order_by("pk").values_list("kind", "reason"))


def test_who_is_assigned_by_somebody_else_is_told(
    ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation
) -> None:
    work.assign(ticket, organisation.accounts[MEMBER].user, by=actors[LEADER])
    assert told(actors[MEMBER]) == [(Kind.ASSIGNED, Reason.ASSIGNEE)]
    assert told(actors[LEADER]) == []
    notice, leader = Notice.objects.get(), organisation.accounts[LEADER].user.full_name
    assert notice.work_item_guid == ticket.guid
    assert notice.parameters == {
        "reference": ticket.reference,
        "title": ticket.title,
        "by": leader,
    }


def test_who_takes_work_is_not_told(ticket: WorkItem, actors: dict[str, Actor]) -> None:
    work.take(ticket, by=actors[MEMBER])
    assert told(actors[MEMBER]) == []


def test_a_robot_is_not_told(ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation) -> None:
    action = next(iter(WorkItem.objects.filter(kind=ticket.kind)))
    work.assign(action, organisation.accounts["robot"].user, by=actors[LEADER], force=True)
    tell()
    assert not Notice.objects.exists()


def test_a_change_that_concerns_nobody_costs_no_row(ticket: WorkItem, actors: dict[str, Actor]) -> None:
    work.update(ticket, title='"assignee_id":7', by=actors[MEMBER])
    conversations.add(ticket, by=actors[LEADER], kind=CommunicationType.AUDIT_NOTE, body='"kind":2')
    assert not FeedEntry.objects.filter(listener=LISTENER.name).exists()


@pytest.mark.parametrize("kind", sorted(conversations.INCOMING - {CommunicationType.SELF_SERVICE_COMMENT}))
def test_assignee_and_owner_are_told_of_what_comes_in(
    ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation, kind: CommunicationType
) -> None:
    """An item has one of the two (work-manager, table 1.2): an assignee at work, an owner while it waits. One from before that
    was decided may have both."""
    item = work.assign(ticket, organisation.accounts[LEADER].user, by=actors["administrator"])
    tell()
    Notice.objects.all().delete()

    def come_in() -> Communication:
        return conversations.add(
            item, by=actors["administrator"], kind=kind, body="Paid?", subject="Invoice", sender_address="a@b.example"
        )

    come_in()
    assert told(actors[LEADER]) == [(Kind.COMMUNICATION, Reason.ASSIGNEE)]
    assert told(actors[MEMBER]) == []
    WorkItem.objects.filter(pk=item.pk).update(owner=organisation.accounts[MEMBER].user)
    made = come_in()
    assert told(actors[LEADER])[1:] == [(Kind.COMMUNICATION, Reason.ASSIGNEE)]
    assert told(actors[MEMBER]) == [(Kind.COMMUNICATION, Reason.OWNER)]
    parameters = queries.notices_of(actors[MEMBER]).get().parameters
    assert (parameters["sender"], parameters["subject"]) == ("a@b.example", "Invoice")
    assert parameters["communication"] == str(made.guid)
    work.wait_until(item, clock.now() + timedelta(days=1), by=actors[LEADER])
    assert (item.assignee_id, WorkItem.objects.get(pk=item.pk).assignee_id) == (actors[LEADER].user_id, None)
    come_in()
    assert told(actors[MEMBER])[1:] == [(Kind.COMMUNICATION, Reason.OWNER)]


def test_what_comes_in_at_a_merged_ticket_is_told_at_the_item_that_took_it_over(
    ticket: WorkItem, open_ticket: Open, actors: dict[str, Actor], organisation: Organisation
) -> None:
    """work-manager NOT-2, MRG-4: what was said before the merge as well, notes not."""
    by, category = actors["administrator"], organisation.customers[0].category
    merged = open_ticket(category_guid=category.guid, submit=True)
    work.take(ticket, by=actors[MEMBER])
    following.follow(ticket, by=actors[LEADER])
    for kind, body in ((CommunicationType.PHONE_INCOMING, "Paid?"), (CommunicationType.AUDIT_NOTE, "A note")):
        conversations.add(merged, by=by, kind=kind, body=body)
    tell()
    Notice.objects.all().delete()
    conversations.merge_tickets([merged], ticket, by=by)
    assert told(actors[MEMBER]) == [(Kind.COMMUNICATION, Reason.ASSIGNEE)]
    assert told(actors[LEADER]) == [(Kind.COMMUNICATION, Reason.FOLLOWER)]
    conversations.add(merged, by=by, kind=CommunicationType.PHONE_INCOMING, body="And now?")
    assert [kind for kind, _ in told(actors[MEMBER])] == [Kind.COMMUNICATION] * 2
    assert {notice.work_item_guid for notice in queries.notices_of(actors[MEMBER])} == {ticket.guid}
    assert told(by) == []


def test_who_is_in_self_service_is_told_nothing_of_what_was_said_at_another_ticket(
    ticket: WorkItem, open_ticket: Open, actors: dict[str, Actor], organisation: Organisation
) -> None:
    by, category = actors["administrator"], organisation.customers[0].category
    kind, roles = UserType.SELF_SERVICE, list(Role.objects.filter(name="Self Service"))
    asker = access.create_user("ida", "Ida", roles, user_type=kind, by=by)
    access.change_members(organisation.customers[0].group, add=[asker], by=by)
    own = work.create_ticket(
        organisation.customers[0].ticket_version.guid,
        by=sessions.actor_for(asker),
        title="Mine",
        category_guid=category.guid,
        submit=True,
    )
    merged = open_ticket(category_guid=category.guid, submit=True)
    conversations.add(merged, by=by, kind=CommunicationType.PHONE_INCOMING, body="Paid?", subject="Secret")
    WorkItem.objects.filter(pk=own.pk).update(owner=asker)
    tell()
    Notice.objects.all().delete()
    conversations.merge_tickets([merged], own, by=by)
    tell()
    assert not Notice.objects.filter(account=asker, kind=Kind.COMMUNICATION).exists()


def test_nobody_is_told_of_a_note_or_of_what_they_wrote_down_themselves(
    ticket: WorkItem, actors: dict[str, Actor]
) -> None:
    conversations.add(ticket, by=actors[LEADER], kind=CommunicationType.AUDIT_NOTE, body="Note")
    conversations.add(ticket, by=actors[MEMBER], kind=CommunicationType.PHONE_INCOMING, body="A call")
    assert told(actors[MEMBER]) == []


def test_who_has_an_item_that_passed_its_due_date_is_told_once(ticket: WorkItem, actors: dict[str, Actor]) -> None:
    item = work.take(ticket, by=actors[MEMBER])
    assert item.due_date is not None
    with clock.frozen(item.due_date + timedelta(seconds=1)):
        work.due_date_passed(item, by=SYSTEM)
        assert told(actors[MEMBER]) == [(Kind.OVERDUE, Reason.ASSIGNEE)]
    assert Notice.objects.get().parameters["due_date"] == clock.rfc3339(item.due_date)


def test_who_follows_an_item_is_told_of_what_comes_in_of_files_and_when_it_is_overdue(
    ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation
) -> None:
    """work-manager NOT-2: new information, new file, overdue."""
    work.take(ticket, by=actors[MEMBER])
    following.follow(ticket, by=actors[LEADER])
    by, leader = actors["administrator"], organisation.accounts["administrator"].user.full_name
    conversations.add(ticket, by=by, kind=CommunicationType.PHONE_INCOMING, body="Paid?", sender_address="a@b.example")
    conversations.add(ticket, by=by, kind=CommunicationType.AUDIT_NOTE, body="A note")
    work.attach_file(ticket, FileWish(data=b"x", file_name="proof.txt"), by=by)
    assert ticket.due_date is not None
    with clock.frozen(ticket.due_date + timedelta(seconds=1)):
        work.due_date_passed(ticket, by=SYSTEM)
        kinds = (Kind.COMMUNICATION, Kind.FILE_ADDED, Kind.OVERDUE)
        assert told(actors[LEADER]) == [(kind, Reason.FOLLOWER) for kind in kinds]
        assert told(actors[MEMBER]) == [(kind, Reason.ASSIGNEE) for kind in kinds]
        assert told(by) == []
    file = queries.notices_of(actors[LEADER]).get(kind=Kind.FILE_ADDED)
    assert explaining.told(file).sentence() == f"{leader} added a file to {ticket.reference}: proof.txt"
    assert explaining.why(file).sentence() == "You are told because you follow it."


def test_who_follows_a_case_is_told_when_it_needs_attention_and_when_its_actions_are_overdue(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    """work-manager NOT-2: case needs attention; overdue also tells subscribers of the parent."""
    version = organisation.customers[0].case_version.guid
    case = work.create_case(version, by=actors[MEMBER], title="Order", submit=True)
    following.follow(case, by=actors["administrator"])
    one, two = case.children.order_by("pk")
    assert one.due_date is not None
    with clock.frozen(one.due_date + timedelta(seconds=1)):
        work.due_date_passed(one, by=SYSTEM)
        assert told(actors["administrator"]) == [(Kind.OVERDUE, Reason.FOLLOWER)]
    work.complete_unsuccessfully(two, by=actors[LEADER])
    assert told(actors["administrator"])[1:] == [(Kind.ATTENTION, Reason.FOLLOWER)]
    assert told(actors[MEMBER]) == [(Kind.ATTENTION, Reason.ASSIGNEE)]  # who owned it has it now
    assert told(actors[LEADER]) == []


def test_the_owner_is_told_when_the_next_step_of_a_case_starts_by_hand(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    """work-manager NOT-2: it is told once, and not again when it goes on."""
    admin, kind = actors["administrator"], WorkType.objects.get(name="Check Budget")
    version = offering.create_version(organisation.customers[0].case_version.process, by=admin)
    for name, automatic in (("Prepare", False), ("Carry out", True)):
        offering.add_action(offering.add_step(version, name, by=admin, automatic=automatic), kind, by=admin)
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    case = work.create_case(version.guid, by=actors[MEMBER], title="Order", submit=True)
    work.resolve(case.children.get(), by=actors[LEADER])
    assert told(actors[MEMBER]) == [(Kind.ATTENTION, Reason.ASSIGNEE)]
    so_far = told(actors[MEMBER])
    work.start_next_step(case, by=actors[LEADER])
    assert told(actors[MEMBER]) == so_far


def test_who_does_without_a_kind_or_sees_the_item_no_more_is_not_told_by_following(
    ticket: WorkItem, actors: dict[str, Actor]
) -> None:
    following.follow(ticket, by=actors["administrator"])
    following.follow(ticket, by=actors[LEADER])
    commands.choose(Kind.FILE_ADDED, False, by=actors["administrator"])
    following.unfollow(ticket, by=actors[LEADER])
    work.attach_file(ticket, FileWish(data=b"x", file_name="x.txt"), by=actors[MEMBER])
    assert told(actors["administrator"]) == told(actors[LEADER]) == []


def test_who_subscribed_is_told_that_the_endpoint_fails_and_of_a_pause_by_others(
    subscribe: Subscribe, actors: dict[str, Actor]
) -> None:
    made, _ = subscribe()
    subscription_events.note(subscription_events.EndpointFailing, made, SYSTEM, Reason="status_503")
    webhooks.pause(made.guid, by=actors["administrator"])
    assert told(actors["integrator"]) == [
        (Kind.ENDPOINT_FAILING, Reason.SUBSCRIBER),
        (Kind.SUBSCRIPTION_PAUSED, Reason.SUBSCRIBER),
    ]
    assert told(actors["administrator"]) == []
    first = queries.notices_of(actors["integrator"]).order_by("pk")[0]
    assert first.subscription_guid == made.guid
    assert first.parameters == {"webhook": "PacketCreated", "url": made.url, "why": "status_503"}


def test_who_pauses_a_subscription_is_not_told(subscribe: Subscribe, actors: dict[str, Actor]) -> None:
    made, _ = subscribe()
    webhooks.pause(made.guid, by=actors["integrator"])
    assert told(actors["integrator"]) == []


def test_who_rotated_a_secret_is_told_before_the_old_one_ends(subscribe: Subscribe, actors: dict[str, Actor]) -> None:
    made, _ = subscribe()
    rotation.rotate_secret(made.guid, by=actors["integrator"], overlap=timedelta(hours=8))
    with clock.frozen(clock.now() + timedelta(hours=5)):
        timers.turn(clock.now())
        assert told(actors["integrator"]) == [(Kind.SECRET_EXPIRING, Reason.SUBSCRIBER)]
    assert set(Notice.objects.get().parameters) == {"webhook", "url", "valid_until"}


def test_who_subscribed_is_told_that_certificates_end(subscribe: Subscribe, actors: dict[str, Actor]) -> None:
    made, _ = subscribe()
    end = clock.rfc3339(clock.now() + timedelta(days=7))
    subscription_events.note(subscription_events.CertificateExpiring, made, SYSTEM, ValidUntil=end)
    assert told(actors["integrator"]) == [(Kind.CERTIFICATE_EXPIRING, Reason.SUBSCRIBER)]
    assert Notice.objects.get().parameters == {"webhook": "PacketCreated", "url": made.url, "valid_until": end}


def test_who_gets_a_subscription_and_who_had_it_are_told(
    subscribe: Subscribe, actors: dict[str, Actor], organisation: Organisation
) -> None:
    made, _ = subscribe()
    after = organisation.accounts["process builder"].user
    hand_over.hand_over(made.guid, owner=after.guid, by=actors["administrator"])
    kind = Kind.SUBSCRIPTION_HANDED_OVER
    assert told(actors["process builder"]) == [(kind, Reason.SUBSCRIBER)]
    assert told(actors["integrator"]) == [(kind, Reason.FORMER_SUBSCRIBER)]  # though it sees the subscription no more
    of_former = queries.notices_of(actors["integrator"]).get()
    assert of_former.subscription_guid is None
    assert (
        explaining.told(of_former)
        .sentence()
        .endswith(f"over to {after.full_name}: your rights no longer decide what it is sent.")
    )
    assert told(actors["administrator"]) == []


def test_who_takes_a_subscription_over_is_not_told_but_who_had_it_is(
    subscribe: Subscribe, actors: dict[str, Actor], organisation: Organisation
) -> None:
    made, _ = subscribe()
    admin = organisation.accounts["administrator"].user
    access.set_roles(
        organisation.accounts["integrator"].user, [Role.objects.get(name="Team Leader")], by=actors["administrator"]
    )
    hand_over.hand_over(made.guid, owner=admin.guid, by=actors["administrator"])
    assert told(actors["administrator"]) == []
    assert told(actors["integrator"]) == [(Kind.SUBSCRIPTION_HANDED_OVER, Reason.FORMER_SUBSCRIBER)]


def test_who_may_not_see_an_item_is_not_told(
    ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation, first: Customer
) -> None:
    work.assign(ticket, organisation.accounts[MEMBER].user, by=actors[LEADER])
    access.change_members(first.group, remove=[organisation.accounts[MEMBER].user], by=actors["administrator"])
    tell()
    assert not Notice.objects.exists()


def test_what_one_may_no_longer_see_is_not_shown_or_counted_until_one_may_again(
    ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation, first: Customer
) -> None:
    member, user = actors[MEMBER], organisation.accounts[MEMBER].user
    work.assign(ticket, user, by=actors[LEADER])
    assert len(told(member)) == 1
    guid = Notice.objects.get().guid
    access.change_members(first.group, remove=[user], by=actors["administrator"])
    assert told(member) == []
    assert queries.unread(member) == queries.Unread(0, False)
    with pytest.raises(NotFound):
        commands.read(guid, by=member)
    assert commands.read_all(by=member) == 0
    access.change_members(first.group, add=[user], by=actors["administrator"])
    assert queries.unread(member) == queries.Unread(1, False)


def test_notices_of_a_subscription_need_the_right_to_look_at_it(
    subscribe: Subscribe, actors: dict[str, Actor], organisation: Organisation
) -> None:
    made, _ = subscribe()
    user = organisation.accounts["integrator"].user
    webhooks.pause(made.guid, by=actors["administrator"])
    assert len(told(actors["integrator"])) == 1
    access.set_roles(user, [Role.objects.get(name="Team Leader")], by=actors["administrator"])
    webhooks.resume(made.guid, by=actors["administrator"])
    webhooks.pause(made.guid, by=actors["administrator"])
    assert told(sessions.actor_for(user)) == []
    assert Notice.objects.count() == 1


def test_an_account_does_without_a_kind(ticket: WorkItem, actors: dict[str, Actor], organisation: Organisation) -> None:
    member = actors[MEMBER]
    commands.choose(Kind.ASSIGNED, False, by=member)
    commands.choose(Kind.ASSIGNED, False, by=member)
    assert [kind for kind, wanted in queries.wanted(member).items() if not wanted] == [Kind.ASSIGNED]
    item = work.assign(ticket, organisation.accounts[MEMBER].user, by=actors[LEADER])
    assert told(member) == []
    commands.choose(Kind.ASSIGNED, True, by=member)
    work.unassign(item, by=actors[LEADER])
    work.assign(ticket, organisation.accounts[MEMBER].user, by=actors[LEADER])
    assert told(member) == [(Kind.ASSIGNED, Reason.ASSIGNEE)]


def give(count: int, item: WorkItem, account: Actor) -> None:
    """So many unread notices of an account, as the listener would have written them."""
    events = Event.objects.order_by("-pk")[:count]
    assert account.user_id is not None
    for event in events:
        Notice.objects.create(
            account_id=account.user_id,
            event=event,
            kind=Kind.ASSIGNED,
            reason=Reason.ASSIGNEE,
            parameters={"reference": item.reference, "title": item.title, "by": "Petra Nilsen"},
            work_item_guid=item.guid,
            occurred_at=event.occurred_at,
        )


def test_unread_notices_are_counted_up_to_a_hundred_in_one_query(
    ticket: WorkItem, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_UNREAD", 3)
    for count, more in ((3, False), (4, True)):
        Notice.objects.all().delete()
        give(count, ticket, actors[MEMBER])
        with CaptureQueriesContext(connection) as asked:
            assert queries.unread(actors[MEMBER]) == queries.Unread(3, more)
        assert len(asked) == 1


def test_old_notices_are_forgotten(ticket: WorkItem, actors: dict[str, Actor]) -> None:
    give(5, ticket, actors[MEMBER])
    newest = Notice.objects.order_by("-occurred_at")[0].occurred_at
    assert commands.forget_old(newest + commands.KEPT, 3) == 3
    assert commands.forget_old(newest + commands.KEPT, 3) == 1
    assert commands.forget_old(newest + commands.KEPT + timedelta(seconds=1), 3) == 1
