"""Links, merges, splits and conversions: what happens at both ends, who may, and what happens at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from tests.support.recorded import recorded
from workwire.access import features
from workwire.jobs import timers
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations import queries as said
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.defects import commands as defects
from workwire.rooms.defects import queries as defect_queries
from workwire.rooms.files.commands import FileWish
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands, family_sight, item_files, queries, relations
from workwire.rooms.work.models import (
    ItemContact,
    Relation,
    RelationKind,
    ResolutionMethod,
    StartedBy,
    Status,
    StatusReason,
    WaitType,
    WorkItem,
)

Make = Callable[..., WorkItem]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work and sees both customers."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def ticket(first: Customer, by: Actor) -> Make:
    """A ticket of the first customer that is to do."""

    def make(title: str = "Invoice 4711 unpaid", customer: Customer = first, by: Actor = by) -> WorkItem:
        return commands.create_ticket(
            customer.ticket_version.guid, by=by, title=title, category_guid=customer.category.guid, submit=True
        )

    return make


@pytest.fixture
def case(first: Customer, by: Actor) -> WorkItem:
    """A running case of the first customer."""
    return commands.create_case(first.case_version.guid, by=by, title="Onboard", submit=True)


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feedback window of one day."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))


def _now(item: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=item.pk)


def _relations(item: WorkItem, by: Actor) -> list[tuple[str, str | None]]:
    found = relations.relations_of(item, by=by).order_by("pk")
    return [(seen.name, seen.other.reference) for seen in (relations.seen_from(item, row) for row in found)]


def _tick() -> None:
    """Let the clock look, until nothing is due any more."""
    while timers.turn(clock.now()):
        pass


def test_links_are_shown_at_both_ends_and_change_nothing_else(ticket: Make, case: WorkItem, by: Actor) -> None:
    """work-manager LNK-1, LNK-2."""
    main, other = ticket(), ticket("Another one")
    with recorded() as found:
        commands.link(main, [other, case, other], by=by)
    assert [(event.name, event.record_guid) for event in found.events] == [("WorkItemUpdated", main.guid)]
    assert _relations(main, by) == [("linked", other.reference), ("linked", case.reference)]
    assert _relations(other, by) == [("linked", main.reference)]
    assert (_now(other).version, _now(case).version) == (other.version, case.version)
    with recorded() as found:
        commands.link(other, [main], by=by)
    assert found.events == []
    commands.unlink(other, main, by=by)
    assert _relations(main, by) == [("linked", case.reference)]
    with pytest.raises(NotFound, match="not linked"):
        commands.unlink(main, other, by=by)


def test_what_cannot_be_linked(ticket: Make, case: WorkItem, by: Actor, actors: dict[str, Actor]) -> None:
    """work-manager LNK-1, LNK-2."""
    main = ticket()
    (action, *_) = queries.items_under(case, by=by)
    for others, code in (
        ([action], "link_not_for_actions"),
        ([main], "related_to_itself"),
        ([], "links_invalid"),
        ([case] * 51, "links_invalid"),
    ):
        with pytest.raises(Invalid) as refusal:
            commands.link(main, others, by=by)
        assert refusal.value.code == code
    with pytest.raises(Conflict):
        commands.link(main, [case], by=by, version=main.version + 1)
    assert Relation.objects.count() == 0


def test_what_one_may_not_see_is_not_among_the_relations(
    ticket: Make, second: Customer, admin: Actor, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_sided = actors["process builder of one company"]
    main, own = ticket("Main", second, admin), ticket("Own", second, admin)
    foreign = ticket("Foreign")
    commands.link(main, [foreign, own], by=admin)
    assert [name for _, name in _relations(main, admin)] == [foreign.reference, own.reference]
    found = relations.relations_of(main, by=one_sided).order_by("pk")
    assert [relations.seen_from(main, row).may_open for row in found] == [False, True]  # a header is all that is shown
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"linked_work_shows": "nothing"}))
    assert [name for _, name in _relations(main, one_sided)] == [own.reference]
    for refused in (
        lambda: commands.link(own, [foreign], by=one_sided),
        lambda: commands.merge([own], foreign, by=one_sided),
        lambda: commands.merge([foreign], own, by=one_sided),
    ):
        with pytest.raises(NotFound):
            refused()


def test_a_merged_ticket_is_closed_and_what_was_said_is_seen_and_told_at_the_other(
    ticket: Make, first: Customer, by: Actor
) -> None:
    """work-manager MRG-3 … MRG-5."""
    one, two = ticket("Paid twice"), ticket("Paid twice as well")
    call = conversations.add(one, by=by, kind=CommunicationType.PHONE_INCOMING, body="It was paid twice.")
    file = commands.attach_file(one, FileWish(data=b"x", file_name="bill.txt"), by=by)
    due = two.due_date
    with recorded() as found:
        conversations.merge_tickets([one], two, by=by)
    closed = _now(one)
    assert (closed.status, closed.resolution_method) == (Status.CLOSED, ResolutionMethod.MERGED)
    assert (closed.resolved_by_id, closed.closed_on is not None) == (by.user_id, True)
    assert [(event.name, event.work_item_guid) for event in found.events] == [
        ("WorkItemUpdated", one.guid),
        ("NewCommunication", two.guid),
    ]
    body = json.loads(found.events[-1].body)
    assert (body["GUID"], body["PacketGUID"]) == (str(call.guid), str(two.guid))
    assert [row.guid for row in said.communications_of(two, by=by)] == [call.guid]
    assert [row.guid for row in item_files.files_of(two, by=by)] == [file.guid]
    assert _now(two).due_date == due
    assert _relations(one, by) == [("merged_into", two.reference)]
    assert _relations(two, by) == [("merged_from", one.reference)]


def test_what_comes_in_at_a_merged_ticket_is_news_for_the_item_that_took_it_over(
    ticket: Make, second: Customer, by: Actor, admin: Actor, actors: dict[str, Actor]
) -> None:
    one, two = ticket("Asked", second, admin), commands.wait_for_information(ticket("Goes on here"), by=by)
    conversations.merge_tickets([one], two, by=admin)
    commands.wait_for_information(two, by=by)
    asker = actors["process builder of one company"]  # who sees the merged ticket only
    with recorded() as found:
        call = conversations.add(one, by=asker, kind=CommunicationType.PHONE_INCOMING, body="Any news?")
    told = [(event.name, event.work_item_guid) for event in found.events]
    assert told == [("NewCommunication", one.guid), ("NewCommunication", two.guid), ("WorkItemUpdated", two.guid)]
    assert (_now(two).status, _now(two).status_reason) == (Status.TO_DO, StatusReason.NEW_INFORMATION)
    assert [row.guid for row in said.communications_of(two, by=by)] == [call.guid]
    assert _now(one).status == Status.CLOSED


def test_what_was_merged_goes_on_where_its_target_goes(ticket: Make, by: Actor) -> None:
    one, two, three = (ticket(f"Ticket {number}") for number in range(3))
    note = conversations.add(one, by=by, body="Hello")
    conversations.merge_tickets([one], two, by=by)
    conversations.merge_tickets([two], three, by=by)
    assert _now(one).goes_on_in_id == three.pk
    assert [row.guid for row in said.communications_of(three, by=by)] == [note.guid]
    for refused in (lambda: commands.merge([three], one, by=by), lambda: commands.merge([three], two, by=by)):
        with pytest.raises(Conflict) as conflict:
            refused()
        assert conflict.value.code == "merge_target_finished"


def test_a_merge_is_new_information_for_its_target(ticket: Make, case: WorkItem, window: None, by: Actor) -> None:
    """work-manager MRG-1, MRG-4."""
    waiting = commands.wait_for_information(ticket(), by=by)
    assert commands.merge([ticket()], waiting, by=by).status_reason == StatusReason.NEW_INFORMATION
    resolved = commands.resolve(ticket(), by=by)
    reopened = commands.merge([ticket()], resolved, by=by)
    assert (reopened.status, reopened.status_reason) == (Status.TO_DO, StatusReason.NEW_INFORMATION)
    (action, *_) = queries.items_under(case, by=by)
    commands.merge([ticket(), ticket()], action, by=by)
    assert _now(action).status == action.status
    WorkItem.objects.filter(pk=resolved.pk).update(
        status=Status.RESOLVED, resolution_method="Cancelled", closes_on=clock.now() - timedelta(seconds=1)
    )
    with pytest.raises(Conflict, match="running"):
        commands.merge([ticket()], resolved, by=by)


def test_what_cannot_be_merged(ticket: Make, case: WorkItem, by: Actor, admin: Actor, actors: dict[str, Actor]) -> None:
    one, two = ticket(), ticket()
    for tickets, code in (([case], "not_a_ticket"), ([two], "merged_into_itself"), ([], "merges_invalid")):
        with pytest.raises(Invalid) as refusal:
            commands.merge(tickets, two, by=by)
        assert refusal.value.code == code
    with pytest.raises(Forbidden):
        commands.merge([commands.take(ticket(), by=admin)], two, by=by)
    for version in ({"version": 9}, {"target_version": 9}):
        with pytest.raises(Conflict):
            commands.merge([one], two, by=by, **version)
    assert Relation.objects.count() == 0


def test_targets_of_a_merge_are_found_by_what_people_know(
    ticket: Make, case: WorkItem, first: Customer, second: Customer, by: Actor, admin: Actor
) -> None:
    """work-manager MRG-2."""
    one, two, foreign = ticket("Paid twice"), ticket("Lost goods"), ticket("Lost bill", customer=second, by=admin)
    closed = commands.resolve(ticket("Lost cause"), by=by)
    assert closed.status == Status.CLOSED

    def found(words: str) -> set[int]:
        return {item.pk for item in relations.merge_targets(one, words, by=admin)}

    assert found("lost") == {two.pk, foreign.pk}
    assert found(two.reference or "") == {two.pk}
    assert found(f"{first.company.name} lost") == {two.pk}
    assert found(f"{first.company.name} {first.contract.name.split()[0]} LOST") == {two.pk}
    assert found("nothing like it") == found("\x00") == set()
    assert case.pk in found(first.service.name)
    assert one.pk not in found("paid twice")


def test_a_split_ticket_waits_for_all_and_is_resolved_with_the_last(
    ticket: Make, window: None, by: Actor, organisation: Organisation
) -> None:
    """work-manager SPL-1 … SPL-4, LNK-4; LNK-7: a part has what the ticket had then, and shares nothing from then on."""
    original = ticket("Two things")
    user = organisation.accounts["team member"].user
    commands.update(original, by=by, custom_data={"Invoice": "4711"}, contacts=[commands.requester(user.guid)])
    commands.attach_file(original, FileWish(data=b"x", file_name="bill.txt"), by=by)
    linked = ticket("Linked")
    commands.link(original, [linked], by=by)
    kind = defects.create_category(original.service.service_line, "Late", by=SYSTEM)
    defects.add(original, kind.guid, description="A week.", by=by)
    started = _now(original).started_at
    with recorded() as found:
        one, two = commands.split(original, [commands.Part(title="One"), commands.Part(description="Second")], by=by)
    assert found.names == ["WorkItemCreated", "WorkItemCreated", "WorkItemUpdated"]
    waits = _now(original)
    assert (waits.status, waits.wait_type) == (Status.WAITING, WaitType.RELATED_WORK)
    assert waits.resolution_method == ResolutionMethod.SPLIT
    assert (one.title, two.title, two.description) == ("One", "Two things", "Second")
    for part in (one, two):
        assert [member.pk for member in family_sight.members(part, by=by)] == [part.pk]
        assert (part.started_at, part.started_by_method) == (started, StartedBy.TICKET)
        assert part.custom_data == {"Invoice": "4711"}
        assert [file.file_name for file in item_files.files_of(part, by=by)] == ["bill.txt"]
        assert [one.description for one in defect_queries.defects_of(part, by=by)] == ["A week."]
        tags = ContactTag.objects.filter(pk__in=ItemContact.objects.filter(item=part.pk).values("tags"))
        assert {tag.built_in for tag in tags} == {"original_requester", "primary", "requester", "subject"} - (
            set() if ContactTag.objects.filter(built_in="original_requester").exists() else {"original_requester"}
        )
        assert _relations(part, by) == [("split_from", original.reference), ("linked", linked.reference)]
    commands.update(one, by=by, custom_data={"Invoice": "4712"})
    shown = [family_sight.custom_data_shown(queries.item(item.guid, by=by), by=by) for item in (original, one, two)]
    assert shown == [{"Invoice": "4711"}, {"Invoice": "4712"}, {"Invoice": "4711"}]
    assert _relations(original, by)[1:] == [("split_into", one.reference), ("split_into", two.reference)]
    for refused in (
        lambda: commands.resolve(original, by=by),
        lambda: commands.split(original, [commands.Part(), commands.Part()], by=by),
        lambda: commands.merge([original], linked, by=by),
        lambda: commands.merge([linked], original, by=by),
    ):
        with pytest.raises(Conflict) as conflict:
            refused()
        assert conflict.value.code == "waits_for_related_work"
    commands.resolve(one, by=by)
    last = commands.resolve(two, by=by)
    _tick()
    assert _now(original).status == Status.WAITING
    for part in (one, two):
        commands.close_window(_over(part), by=SYSTEM)
    _tick()
    done = _now(original)
    assert (done.status, done.resolution_method) == (Status.CLOSED, ResolutionMethod.SPLIT)
    assert done.status_reason == StatusReason.ALL_SPLIT_TICKETS_COMPLETED
    assert (done.resolved_on, done.resolved_by_id) == (last.resolved_on, by.user_id)


def _over(item: WorkItem) -> WorkItem:
    """A resolved item whose feedback window has just passed."""
    WorkItem.objects.filter(pk=item.pk).update(closes_on=clock.now() - timedelta(seconds=1))
    return queries.for_events().get(pk=item.pk)


def test_parts_of_another_process_have_a_category_of_it(
    ticket: Make, second: Customer, by: Actor, admin: Actor
) -> None:
    original, version = ticket(), second.ticket_version.guid
    with pytest.raises(Invalid) as refusal:
        commands.split(original, [commands.Part(), commands.Part(version_guid=version)], by=admin)
    assert refusal.value.code == "category_missing"
    other = commands.Part(version_guid=version, category_guid=second.category.guid)
    _, made = commands.split(original, [commands.Part(), other], by=admin)
    assert made.customer_id == second.company.pk
    assert WorkItem.objects.count() == 3


def test_what_cannot_be_split(ticket: Make, case: WorkItem, by: Actor) -> None:
    for item, parts, code in (
        (case, 2, "not_a_ticket"),
        (ticket(), 1, "split_parts_invalid"),
        (ticket(), 21, "split_parts_invalid"),
    ):
        with pytest.raises(Invalid) as refusal:
            commands.split(item, [commands.Part()] * parts, by=by)
        assert refusal.value.code == code
    with pytest.raises(Conflict):
        commands.split(commands.resolve(ticket(), by=by), [commands.Part()] * 2, by=by)


def test_a_converted_ticket_lies_above_its_case_and_is_closed_with_it(
    ticket: Make, first: Customer, by: Actor, organisation: Organisation
) -> None:
    """work-manager CNV-1, CNV-2."""
    asked = ticket("Equip the new clinic")
    commands.update(asked, by=by, contacts=[commands.requester(organisation.accounts["team member"].user.guid)])
    note = conversations.add(asked, by=by, body="It opens in May.")
    kept: commands.Changes = {"description": "All of it", "keep_with_me": True, "keep_actions_with_me": True}
    case = commands.convert(asked, first.case_version.guid, by=by, **kept)
    assert (case.keep_with_id, case.keep_actions_with_id) == (by.user_id, by.user_id)
    number = (asked.reference or "").partition("-")[0]
    assert (case.reference, case.title, case.description) == (f"{number}-C", asked.title, "All of it")
    assert (case.parent_id, case.started_by_method, case.status) == (asked.pk, StartedBy.TICKET, Status.IN_PROGRESS)
    assert ItemContact.objects.filter(item=case.pk).count() == 1
    assert [row.guid for row in said.communications_of(case, by=by)] == [note.guid]
    waits = _now(asked)
    assert (waits.status, waits.resolution_method) == (Status.WAITING, ResolutionMethod.CASE_LAUNCHED)
    assert _relations(case, by) == [("converted_from", asked.reference)]
    assert _relations(asked, by) == [("converted_into", case.reference)]
    while (action := queries.items_under(case, by=by).exclude(status=Status.CLOSED).first()) is not None:
        commands.resolve(action, by=by)
        assert _now(asked).status == Status.WAITING
    closed = _now(case)
    assert closed.status == Status.CLOSED
    _tick()
    done = _now(asked)
    assert (done.status, done.resolution_method) == (Status.CLOSED, ResolutionMethod.CASE_LAUNCHED)
    assert (done.status_reason, done.resolved_on) == (StatusReason.ALL_CHILDREN_COMPLETED, closed.resolved_on)


def test_what_went_into_a_ticket_goes_on_in_the_case_it_becomes_and_its_files_in_the_parts_it_is_split_into(
    ticket: Make, first: Customer, by: Actor
) -> None:
    one, two, three = ticket("Joined"), ticket("Becomes a case"), ticket("Becomes two")
    note = conversations.add(one, by=by, body="Hello")
    file = commands.attach_file(one, FileWish(data=b"x", file_name="bill.txt"), by=by)
    conversations.merge_tickets([one], two, by=by)
    case = commands.convert(two, first.case_version.guid, by=by)
    assert _now(one).goes_on_in_id == case.pk
    assert [row.guid for row in said.communications_of(case, by=by)] == [note.guid]
    assert [row.guid for row in item_files.files_of(case, by=by)] == [file.guid]
    other = ticket("Joined as well")
    commands.attach_file(other, FileWish(data=b"y", file_name="letter.txt"), by=by)
    conversations.merge_tickets([other], three, by=by)
    for part in commands.split(three, [commands.Part()] * 2, by=by):
        assert [row.file_name for row in item_files.files_of(part, by=by)] == ["letter.txt"]


def test_links_are_passed_on_in_one_statement_however_many_they_are(
    ticket: Make, by: Actor, django_assert_max_num_queries: Callable[..., AbstractContextManager[object]]
) -> None:
    main, target = ticket("Main"), ticket("Target")
    others = [ticket(f"Other {number}") for number in range(12)]
    commands.link(main, others[:6], by=by)
    for other in others[6:]:
        commands.link(other, [main], by=by)
    commands.link(target, [others[0], main], by=by)
    with django_assert_max_num_queries(30):
        commands.merge([main], target, by=by)
    linked = [reference for name, reference in _relations(target, by) if name == "linked"]
    assert sorted(linked, key=str) == sorted((one.reference for one in (main, *others)), key=str)
    led = Relation.objects.filter(kind=RelationKind.LINKED, other=target.pk).values_list("item", flat=True)
    assert set(led) == {main.pk, *(one.pk for one in others[:6])}


def test_only_a_ticket_becomes_a_case_and_only_once(ticket: Make, case: WorkItem, first: Customer, by: Actor) -> None:
    with pytest.raises(Invalid):
        commands.convert(case, first.case_version.guid, by=by)
    with pytest.raises(NotFound):
        commands.convert(ticket(), first.ticket_version.guid, by=by)
    asked = ticket()
    commands.convert(asked, first.case_version.guid, by=by)
    with pytest.raises(Conflict):
        commands.convert(asked, first.case_version.guid, by=by)


def test_only_the_clock_completes_a_split_ticket_and_not_too_early(ticket: Make, by: Actor) -> None:
    original = ticket()
    commands.split(original, [commands.Part()] * 2, by=by)
    with pytest.raises(Forbidden):
        commands.complete_divided(_now(original), by=by)
    with pytest.raises(Conflict, match="not closed"):
        commands.complete_divided(queries.for_events().get(pk=original.pk), by=SYSTEM)
    assert list(relations.complete_tickets()) == []


def test_who_is_in_self_service_sees_nothing_of_what_was_merged_into_its_ticket(
    ticket: Make, by: Actor, organisation: Organisation
) -> None:
    asked, other = ticket("Mine"), ticket("Somebody else's")
    call = conversations.add(other, by=by, kind=CommunicationType.PHONE_INCOMING, body="Private")
    conversations.merge_tickets([other], asked, by=by)
    me = replace(by, user_type=UserType.SELF_SERVICE, features=frozenset({features.SELF_SERVICE}))
    assert list(said.communications_of(asked, by=by)) == [call]
    assert list(relations.own_and_taken_over(asked, by=me)) == [asked.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first_is_lower", [True, False])
def test_of_two_merges_into_each_other_one_wins(ticket: Make, by: Actor, first_is_lower: bool) -> None:
    pair = [ticket("One"), ticket("Two")]
    one, two = pair if first_is_lower else reversed(pair)
    done, refused = overlap(lambda: commands.merge([one], two, by=by), lambda: commands.merge([two], one, by=by))
    assert isinstance(done, WorkItem)
    assert isinstance(refused, Conflict)
    assert refused.code == "merge_target_finished"
    assert (_now(one).status, _now(two).status) == (Status.CLOSED, Status.TO_DO)


@pytest.mark.django_db(transaction=True)
def test_a_ticket_is_merged_once_and_what_joins_it_meanwhile_is_not_lost(ticket: Make, by: Actor) -> None:
    one, two, three, four = (ticket(f"Ticket {number}") for number in range(4))
    done, refused = overlap(lambda: commands.merge([one], two, by=by), lambda: commands.merge([one], three, by=by))
    assert isinstance(done, WorkItem)
    assert isinstance(refused, Conflict)
    assert [row.other_id for row in Relation.objects.filter(kind=RelationKind.MERGED_INTO)] == [two.pk]
    joined, overtaken = overlap(lambda: commands.merge([three], two, by=by), lambda: commands.merge([two], four, by=by))
    assert isinstance(joined, WorkItem)
    assert isinstance(overtaken, Conflict | WorkItem)
    ends = set(WorkItem.objects.filter(pk__in=[one.pk, three.pk]).values_list("goes_on_in", flat=True))
    assert ends == ({two.pk} if isinstance(overtaken, Conflict) else {four.pk})


@pytest.mark.django_db(transaction=True)
def test_a_ticket_is_split_or_resolved_or_merged_by_one_only(ticket: Make, by: Actor) -> None:
    def split(item: WorkItem) -> WorkItem:
        return commands.split(item, [commands.Part()] * 2, by=by)[0]

    def merge(item: WorkItem) -> WorkItem:
        return commands.merge([item], target, by=by)

    target = ticket("Target")
    for other in (split, merge, partial(commands.resolve, by=by)):
        item = ticket()
        done, refused = overlap(partial(split, item), partial(other, item))
        assert isinstance(done, WorkItem)
        assert isinstance(refused, Conflict)
        assert _now(item).wait_type == WaitType.RELATED_WORK


@pytest.mark.django_db(transaction=True)
def test_the_last_parts_closed_at_once_complete_their_ticket(ticket: Make, by: Actor) -> None:
    original = ticket()
    one, two = commands.split(original, [commands.Part()] * 2, by=by)
    overlap(lambda: commands.resolve(one, by=by), lambda: commands.resolve(two, by=by))
    _tick()
    assert _now(original).status == Status.CLOSED


@pytest.mark.django_db(transaction=True)
def test_links_made_from_both_ends_at_once_are_one(ticket: Make, by: Actor) -> None:
    one, two = ticket("One"), ticket("Two")
    overlap(lambda: commands.link(two, [one], by=by), lambda: commands.link(one, [two], by=by))
    assert Relation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_joins_a_ticket_that_becomes_a_case_goes_on_there_or_is_refused(
    ticket: Make, first: Customer, by: Actor
) -> None:
    one, two, three = ticket("Joins"), ticket("Becomes a case"), ticket("Becomes a case as well")
    version = first.case_version.guid
    joined, made = overlap(lambda: commands.merge([one], two, by=by), lambda: commands.convert(two, version, by=by))
    assert isinstance(joined, WorkItem)
    if isinstance(made, WorkItem):
        assert _now(one).goes_on_in_id == made.pk
    else:
        assert (made.code, _now(two).goes_on_in_id) == ("version_conflict", None)
    case, refused = overlap(
        lambda: commands.convert(three, version, by=by), lambda: commands.merge([ticket()], three, by=by)
    )
    assert isinstance(case, WorkItem)
    assert isinstance(refused, Conflict)
    assert refused.code == "waits_for_related_work"


@pytest.mark.django_db(transaction=True)
def test_an_action_that_is_merged_into_while_it_ends_is_ended_once(ticket: Make, case: WorkItem, by: Actor) -> None:
    (action, *_) = queries.items_under(case, by=by)
    joins = ticket("Joins")
    ended, refused = overlap(lambda: commands.resolve(action, by=by), lambda: commands.merge([joins], action, by=by))
    assert isinstance(ended, WorkItem)
    assert isinstance(refused, Conflict)
    assert refused.code == "merge_target_finished"
    assert _now(joins).status == Status.TO_DO
    (further, *_) = queries.items_under(case, by=by).exclude(status=Status.CLOSED)
    merged, ended = overlap(lambda: commands.merge([joins], further, by=by), lambda: commands.resolve(further, by=by))
    assert isinstance(merged, WorkItem)
    assert isinstance(ended, WorkItem)
    assert _now(joins).goes_on_in_id == further.pk
