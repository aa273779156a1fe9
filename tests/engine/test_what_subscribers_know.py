"""Whoever applies webhooks and nothing else knows what the API says: after any commands, in whatever order they arrive.

A model-based test: random commands by random people on tickets, cases, actions and sub-cases, time that passes, an endpoint
that fails now and then. In the end the subscriber's records equal what `GET` answers, and no number of a sequence is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access import sessions
from workwire.jobs import timers
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import DomainError
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks.models import Queued
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.files.commands import FileWish
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import ChecklistItem, ChecklistResult, StartedBy, Status, WorkItem
from workwire.worker.delivery.engine import Engine

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = (
    "CustomerName SupplierName ContractName ServiceName ServiceLineName ProcessTypeName Reference Title DueDate "
    "ResolvedOn GUID"
).split()
STATUS = {status.label: int(status) for status in Status}
STARTED_BY = {method.label: int(method) for method in StartedBy}


class Play:
    """The records of one run and everything that can happen to them."""

    def __init__(self, customer: Customer, people: list[Actor], advance: Callable[[timedelta], None]) -> None:
        self.customer, self.people, self.advance = customer, people, advance
        self.category = customer.category.guid
        self.ad_hoc = customer.case_version.steps.get(number=0).actions.get().guid
        self.last = WorkItem.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    @property
    def items(self) -> list[WorkItem]:
        """All work items of this run."""
        return list(WorkItem.objects.filter(pk__gt=self.last).order_by("pk"))

    def ticket(self, by: Actor, _item: WorkItem, number: int) -> None:
        """Start a ticket, every other one as a draft."""
        work.create_ticket(
            self.customer.ticket_version.guid,
            by=by,
            title=f"Ticket {number}",
            category_guid=self.category,
            submit=bool(number % 2),
        )

    def case(self, by: Actor, _item: WorkItem, number: int) -> None:
        """Start a case."""
        work.create_case(self.customer.case_version.guid, by=by, title=f"Case {number}", submit=bool(number % 4))

    def submit(self, by: Actor, item: WorkItem, _number: int) -> None:
        """Submit a draft, or let a case go on."""
        work.submit_or_go_on(item, by=by)

    def edit(self, by: Actor, item: WorkItem, number: int) -> None:
        """Change a title, and sometimes the due date."""
        due = {"due_date": clock.now() + timedelta(days=number % 9)} if number % 3 == 0 else {}
        work.update(item, by=by, title=f"Title {number}", **due)  # type: ignore[typeddict-item]  # only a due date

    def file(self, by: Actor, item: WorkItem, number: int) -> None:
        """Attach a file, which shows in no key."""
        work.attach_file(item, FileWish(data=b"x", file_name=f"{number}.txt"), by=by)

    def take(self, by: Actor, item: WorkItem, _number: int) -> None:
        """Take it."""
        work.take(item, by=by)

    def more_work(self, by: Actor, _item: WorkItem, _number: int) -> None:
        """Get more work."""
        work.get_more_work(by=by)

    def put_back(self, by: Actor, item: WorkItem, number: int) -> None:
        """Put it back, or reject it."""
        if number % 2:
            work.unassign(item, by=by)
        else:
            work.reject(item, "no", by=by)

    def wait(self, by: Actor, item: WorkItem, number: int) -> None:
        """Let it wait for information or for a date."""
        if number % 2:
            work.wait_for_information(item, by=by)
        else:
            work.wait_until(item, clock.now() + timedelta(hours=1 + number % 50), by=by)

    def say(self, by: Actor, item: WorkItem, number: int) -> None:
        """Say something; a call wakes what waits."""
        kind = CommunicationType.PHONE_INCOMING if number % 2 else CommunicationType.AUDIT_NOTE
        conversations.add(item, by=by, kind=kind, body="Hello")

    def check(self, by: Actor, item: WorkItem, _number: int) -> None:
        """Answer what is asked before it is done."""
        for line in ChecklistItem.objects.filter(item=item):
            work.answer_checklist(line, result=ChecklistResult.YES, by=by)

    def finish(self, by: Actor, item: WorkItem, _number: int) -> None:
        """Resolve it."""
        work.resolve(item, by=by)

    def give_up(self, by: Actor, item: WorkItem, _number: int) -> None:
        """Say that it cannot be completed."""
        work.complete_unsuccessfully(item, by=by)

    def reopen(self, by: Actor, item: WorkItem, _number: int) -> None:
        """Take it up again."""
        work.reopen(item, by=by)

    def launch(self, by: Actor, item: WorkItem, number: int) -> None:
        """Launch actions or a sub-case from a case."""
        if number % 2:
            work.launch_action(item, self.ad_hoc, by=by, times=1 + number % 3)
        else:
            work.launch_sub_case(item, self.customer.case_version.guid, "Below", by=by, independent=number % 4 == 0)

    def time(self, _by: Actor, _item: WorkItem, number: int) -> None:
        """Let time pass, and do what it brings."""
        self.advance(timedelta(hours=number % 40))
        timers.turn(clock.now())


MOVES = [name for name, member in vars(Play).items() if callable(member) and not name.startswith("_")]
moves = st.lists(
    st.tuples(st.sampled_from(MOVES), st.integers(0, 3), st.integers(0, 999), st.integers(0, 999), st.booleans()),
    min_size=1,
    max_size=40,
)


def _known(receiver: Receiver) -> dict[str, dict[str, Any]]:
    """What a subscriber knows that keeps, of every record, the body of the highest sequence; none is missing."""
    seen: dict[str, dict[int, dict[str, Any]]] = {}
    for request in receiver.requests:
        body = request.json()
        seen.setdefault(body["GUID"], {})[body["Sequence"]] = body
    for guid, bodies in seen.items():
        assert sorted(bodies) == list(range(1, len(bodies) + 1)), f"a message of {guid} is missing"
        _follows(bodies)
    return {guid: bodies[max(bodies)] for guid, bodies in seen.items()}


def _follows(bodies: dict[int, dict[str, Any]]) -> None:
    """Every message says rightly what the keys were before it."""
    for number in range(2, len(bodies) + 1):
        before, after = bodies[number - 1], bodies[number]
        for key, value in after["Previous"].items():
            if key != "RAGStatus":  # moves with time, without a message
                assert before[key] == value, (key, before, after)
        for key in NAMES:
            assert key in after["Previous"] or before[key] == after[key], (key, before, after)


def _asked(caller: Caller, item: WorkItem) -> dict[str, Any]:
    """What the documented API answers about a work item, in the keys and numbers of a message."""
    kind = item.get_kind_display()
    answer = caller.webapi(f"{kind}/Get", **{f"{kind}GUID": str(item.guid)})
    assert answer.status_code == 200, answer.content
    content = answer.json()
    found = {name: content.get(name) for name in NAMES}
    if content["Status"] == "Draft":
        found["Title"] = None  # a message shows it from submission on
    return found | {"Status": STATUS[content["Status"]], "StartedByMethod": STARTED_BY[content["StartedByMethod"]]}


@pytest.fixture
def subscribed(organisation: Organisation, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """An organisation with a feedback window whose first customer somebody subscribed to, and a checklist on an action."""
    configured = django_settings.CONFIG.model_copy(
        update={"feedback_window_hours": 24, "token_idle_minutes": 60 * 24 * 365}
    )
    monkeypatch.setattr(django_settings, "CONFIG", configured)
    by = sessions.actor_for(organisation.accounts["integrator"].user)
    customer = organisation.customers[0]
    with clock.frozen(START - timedelta(days=30)):
        for webhook in (0, 1):
            webhooks.subscribe(
                webhooks.Terms(
                    webhook=webhook,
                    url=receiver.url("/hook"),
                    filter_type=ObjectType.COMPANY,
                    filter_guid=customer.company.guid,
                ),
                by=by,
            )
    return organisation


@given(script=moves)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
def test_a_subscriber_that_applies_only_webhooks_ends_equal_to_the_api(
    script: list[tuple[str, int, int, int, bool]], subscribed: Organisation, receiver: Receiver, engine: Engine
) -> None:
    receiver.requests.clear()
    people = [
        sessions.actor_for(subscribed.accounts[name].user)
        for name in ("team member", "robot", "process builder", "administrator")
    ]
    with clock.frozen(START) as advance, transaction.atomic():
        play = Play(subscribed.customers[0], people, advance)
        play.ticket(people[0], WorkItem(), 1)
        play.case(people[0], WorkItem(), 1)
        for move, who, which, number, fails in script:
            if fails:
                receiver.script("/hook", status=503, times=2)
            items = play.items
            try:
                getattr(play, move)(people[who], items[which % len(items)], number)
            except DomainError:
                continue  # refused, as somebody's wish may be; it has changed nothing
        while Queued.objects.exists() or engine.step():
            engine.drain()
            advance(timedelta(hours=1))
        token = sessions.log_in("paul", subscribed.accounts["process builder"].password, address="127.0.0.1")
        known = _known(receiver)
        items = play.items
        assert set(known) == {str(item.guid) for item in items}
        for item in items:
            body = known[str(item.guid)]
            asked = _asked(Caller(token), item)
            assert {key: body[key] for key in asked} == asked
        transaction.set_rollback(True)  # the next run begins with none of this


def test_the_moves_of_the_model_happen(subscribed: Organisation) -> None:
    """A model whose every wish is refused would prove nothing."""
    admin = sessions.actor_for(subscribed.accounts["administrator"].user)
    work.update_queue(subscribed.customers[0].queue, members=[subscribed.accounts["administrator"].user], by=admin)
    access.change_members(subscribed.customers[0].group, add=[subscribed.accounts["administrator"].user], by=admin)
    with clock.frozen(START) as advance:
        play = Play(subscribed.customers[0], [admin], advance)
        for number in (0, 1, 2, 3):
            play.ticket(admin, WorkItem(), number)
            play.case(admin, WorkItem(), number)
        unmoved = {move for move in MOVES if not _moves(play, move, admin)}
        assert unmoved <= {"check"}  # the checklists of the sample are empty


def _moves(play: Play, move: str, by: Actor) -> bool:
    """Whether a move changes something of one of the items, with one of a few numbers; two of the last ones wait."""
    for number in (0, 1):
        play.ticket(by, WorkItem(), 1)
        play.wait(by, play.items[-1], number)
    for item in play.items:
        for number in (0, 1, 2, 3, 39):
            before = list(WorkItem.objects.values_list("pk", "version"))
            try:
                getattr(play, move)(by, item, number)
            except DomainError:
                continue
            if list(WorkItem.objects.values_list("pk", "version")) != before:
                return True
    return False
