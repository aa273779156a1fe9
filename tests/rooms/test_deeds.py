"""What may be done with an item: the answers are those of the commands, for every deed, kind of item and account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import transaction

from tests.support.organisation import Customer, Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.access.models import User
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import DomainError
from workwire.kernel.ids import new_guid
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ProcessType, ProcessVersion, VersionState
from workwire.rooms.work import commands, policy, queries
from workwire.rooms.work.deeds import Answer, Deed, deeds_of
from workwire.rooms.work.models import ChecklistResult, Queue, Relation, Status, WorkItem


class _Undone(Exception):
    """Ends a trial of a command."""


def _to_somebody_else(item: WorkItem, by: Actor) -> WorkItem:
    taken = {by.user_id, policy.holder_of(item)}
    other = next(user for user in User.objects.filter(username__in=("tomas", "ines", "paul")) if user.pk not in taken)
    return commands.assign(item, other, by=by, force=True)


def _complete(item: WorkItem) -> commands.Changes:
    """What a draft may lack."""
    category = item.process_version.categories.order_by("-level", "pk").first()
    wish: commands.Changes = {"title": item.title or "Named now"}
    return wish | {"category_guid": category.guid} if category is not None else wish


DONE: Mapping[Deed, Callable[[WorkItem, Actor], Any]] = {
    Deed.SUBMIT: lambda item, by: commands.submit(item, by=by, **_complete(item)),
    Deed.DISCARD: lambda item, by: commands.discard(item, by=by),
    Deed.TAKE: lambda item, by: commands.take(item, by=by),
    Deed.ACKNOWLEDGE: lambda item, by: commands.acknowledge(item, by=by),
    Deed.RESOLVE: lambda item, by: commands.resolve(
        item, by=by, **(_complete(item) if item.status == Status.DRAFT else {})
    ),
    Deed.UNABLE_TO_COMPLETE: lambda item, by: commands.complete_unsuccessfully(item, by=by),
    Deed.NEXT_STEP: lambda item, by: commands.start_next_step(item, by=by),
    Deed.WAIT: lambda item, by: commands.wait_until(item, clock.now() + timedelta(days=1), by=by),
    Deed.ASSIGN: _to_somebody_else,
    Deed.UNASSIGN: lambda item, by: commands.unassign(item, by=by),
    Deed.REJECT: lambda item, by: commands.reject(item, "I cannot.", by=by),
    Deed.MOVE_TO_QUEUE: lambda item, by: commands.move_to_queue(item, _another_queue(item), by=by),
    Deed.UPDATE: lambda item, by: commands.update(item, by=by, description="Said anew."),
    Deed.REOPEN: lambda item, by: commands.reopen(item, by=by),
    Deed.REWORK: lambda item, by: commands.rework(item, 1, by=by),
    Deed.LAUNCH_ACTION: lambda item, by: commands.launch_action(item, _by_hand(item), by=by),
    Deed.LAUNCH_SUB_CASE: lambda item, by: commands.launch_sub_case(item, _case_version(item), "Below", by=by),
    Deed.MERGE: lambda item, by: commands.merge([item], _running_beside(item), by=by),
    Deed.SPLIT: lambda item, by: commands.split(item, [commands.Part(), commands.Part()], by=by),
    Deed.CONVERT: lambda item, by: commands.convert(item, _case_version(item), by=by),
    Deed.LINK: lambda item, by: commands.link(item, [_not_linked_to(item)], by=by),
    Deed.ABORT: lambda item, by: commands.abort(item, by=by),
}


def _by_hand(case: WorkItem) -> UUID:
    """An action that a case lets people launch; none for what is no case."""
    found = offering.launchable(case.process_version).first()
    return found.guid if found is not None else new_guid()


def _case_version(item: WorkItem) -> UUID:
    kind = {"process__work_type__kind": ProcessType.CASE, "state": VersionState.LIVE}
    return ProcessVersion.objects.filter(**kind, process__service__contract__customer=item.customer).earliest("pk").guid


def _running_beside(item: WorkItem) -> WorkItem:
    """A running item that a ticket can be merged into, and that all see who see the ticket."""
    running = WorkItem.objects.filter(status=Status.IN_PROGRESS, customer=item.customer).exclude(pk=item.pk)
    return running.earliest("pk")


def _not_linked_to(item: WorkItem) -> WorkItem:
    linked = Relation.objects.filter(item=item.pk).values("other")
    others = WorkItem.objects.filter(customer=item.customer).exclude(kind=ProcessType.ACTION).exclude(pk=item.pk)
    return others.exclude(pk__in=linked).exclude(relations__other=item.pk).earliest("pk")


def _another_queue(item: WorkItem) -> Any:
    return Queue.objects.exclude(pk=item.queue_id or 0).first()


def _of_cases(customer: Customer, by: Actor) -> dict[str, WorkItem]:
    """Cases and actions where a deed depends on more than the state."""

    def case(title: str) -> WorkItem:
        return commands.create_case(customer.case_version.guid, by=by, title=title, submit=True)

    def below(one: WorkItem) -> list[WorkItem]:
        return list(queries.items_under(one, by=by).order_by("pk"))

    draft = commands.create_case(customer.case_version.guid, by=by, title="Not yet")
    news, failed, through, aborted = case("News"), case("Failed"), case("Through"), case("Aborted")
    commands.information_arrived(commands.assign(news, User.objects.get(username="ines"), by=by, force=True), by=by)
    commands.complete_unsuccessfully(below(failed)[0], by=by)
    _finish(below(failed)[1], by)
    _finish(below(through)[0], by)
    commands.abort(aborted, by=by)
    return {
        "draft of a case": draft,
        "with news": news,
        "with a failed action": failed,
        "through": through,
        "aborted": aborted,
        "closed action": below(through)[0],
        "action to do": below(news)[0],
        "own action": commands.take(below(news)[1], by=by),
    }


def _finish(action: WorkItem, by: Actor) -> None:
    for line in queries.checklist_of(action):
        commands.answer_checklist(line, by=by, result=ChecklistResult.YES)
    commands.resolve(action, by=by)


def _trial(deed: Deed, item: WorkItem, by: Actor) -> tuple[str | None, bool]:
    """What the command says: the code of its refusal, or whether it changed anything; nothing of it stays."""
    said: tuple[str | None, bool] = (None, False)
    count = WorkItem.objects.count()
    try:
        with transaction.atomic():
            try:
                DONE[deed](item, by)
                changed = WorkItem.objects.get(pk=item.pk).version != item.version
                said = (None, changed or WorkItem.objects.count() > count)  # what is launched changes no case
            except DomainError as error:
                said = (error.statement.code, False)
            raise _Undone
    except _Undone:
        return said


def _expected(answer: Answer) -> tuple[str | None, bool]:
    pointless = answer.refusal is not None and answer.refusal.code.startswith("deed_pointless")
    return (None if answer.refusal is None or pointless else answer.refusal.code, answer.is_possible)


def test_the_answers_are_those_of_the_commands(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))
    accounts = gallery.accounts(organisation)
    admin = sessions.actor_for(accounts["administrator"].user)
    items = gallery.items(organisation) | _of_cases(organisation.customers[0], admin)
    possible: set[Deed] = set()
    asked = 0
    for who, account in accounts.items():
        by = sessions.actor_for(account.user)
        for name, one in items.items():
            item = queries.items_visible_to(by).filter(pk=one.pk).first()
            if item is None:
                continue
            for answer in deeds_of(item, by=by):
                asked += 1
                assert _expected(answer) == _trial(answer.deed, item, by), (who, name, answer)
                possible |= {answer.deed} if answer.is_possible else set()
    assert possible == set(Deed)
    assert asked > 1000


def test_what_is_pointless_says_why(organisation: Organisation, actors: dict[str, Actor]) -> None:
    by, customer = actors["team member"], organisation.customers[0]
    ticket = commands.create_ticket(
        customer.ticket_version.guid, by=by, title="Broken", category_guid=customer.category.guid, submit=True
    )
    case = commands.create_case(customer.case_version.guid, by=by, title="Order", submit=True)
    assert _said(ticket, by, Deed.UNASSIGN) == "Nobody has it."
    assert _said(commands.take(ticket, by=by), by, Deed.TAKE) == "It is yours already."
    assert _said(case, by, Deed.ACKNOWLEDGE) == "Nothing new came in."
    assert _said(case, by, Deed.RESOLVE) == "The case cannot be resolved while work under it is open."


def test_an_action_is_resolved_once_its_checklist_is_answered(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    by = actors["team member"]
    action = next(item for item in gallery.items(organisation).values() if item.checklist.exists())
    commands.take(action, by=by)
    for line in queries.checklist_of(action):
        assert (
            _said(action, by, Deed.RESOLVE)
            == "The action cannot be resolved while a line of its checklist is unanswered."
        )
        commands.answer_checklist(line, by=by, result=ChecklistResult.YES)
    assert _said(action, by, Deed.RESOLVE) == ""


def _said(item: WorkItem, by: Actor, deed: Deed) -> str:
    answers = {one.deed: one for one in deeds_of(queries.item(item.guid, by=by), by=by)}
    refusal = answers[deed].refusal
    return "" if refusal is None else refusal.sentence("en")
