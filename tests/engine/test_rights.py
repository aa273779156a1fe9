"""The check before every message: each right taken away withholds the next one, and what comes back flows again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden
from workwire.outbox.models import Event
from workwire.reactions.webhooks import (
    commands,
    fanning,
    log,
    preparing,
    queries,
    queue,
    reconciling,
    repair,
    replays,
    rights,
    rotation,
    settling,
)
from workwire.reactions.webhooks.models import Delivery, Lane, State, Subscription
from workwire.rooms.parties import commands as parties
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine


def _lose_role(organisation: Organisation, actors: dict[str, Actor]) -> None:
    user = organisation.accounts["integrator"].user
    access.set_roles(user, [Role.objects.get(name="Team Leader")], by=actors["administrator"])


def _retire(organisation: Organisation, actors: dict[str, Actor]) -> None:
    access.set_active(organisation.accounts["integrator"].user, False, by=actors["administrator"])


def _lose_sight(organisation: Organisation, actors: dict[str, Actor]) -> None:
    user = organisation.accounts["integrator"].user
    access.change_members(organisation.customers[0].group, remove=[user], by=actors["administrator"])


@pytest.mark.parametrize(
    ("take_away", "reason"),
    [
        (_lose_role, rights.ROLE_MISSING),
        (_retire, rights.OWNER_INACTIVE),
        (_lose_sight, rights.FILTER_INVISIBLE),
    ],
)
def test_a_right_taken_away_withholds_the_next_message(
    take_away: Callable[[Organisation, dict[str, Actor]], None],
    reason: str,
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    engine.drain()
    take_away(organisation, actors)
    open_ticket()
    engine.drain()
    assert len(receiver.requests) == 1
    withheld = Delivery.objects.get(state=State.WITHHELD)
    assert withheld.end_reason == reason
    assert withheld.attempts == 0
    assert Event.objects.filter(name="AccessLost", record_guid=subscription.guid).count() == 1


def test_a_retry_is_checked_again(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
) -> None:
    receiver.script("/hook", status=503)
    subscribe()
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        engine.drain()
        _lose_sight(organisation, actors)
        advance(timedelta(minutes=1))
        engine.drain()
    assert len(receiver.requests) == 1
    assert Delivery.objects.get().state == State.WITHHELD


def test_a_credential_that_ended_withholds(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
) -> None:
    user = organisation.accounts["integrator"].user
    credential = user.credentials.get()
    actors["machine"] = sessions.actor_for(user, credential)
    subscribe(by="machine")
    open_ticket()
    engine.drain()
    access.revoke_credential(credential, by=actors["administrator"])
    open_ticket()
    engine.drain()
    assert len(receiver.requests) == 1
    assert Delivery.objects.get(state=State.WITHHELD).end_reason == rights.CREDENTIAL_INVALID


def test_when_the_right_comes_back_messages_flow_and_withheld_ones_can_be_replayed(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
) -> None:
    subscription, _ = subscribe()
    user, group = organisation.accounts["integrator"].user, organisation.customers[0].group
    _lose_sight(organisation, actors)
    open_ticket()
    engine.drain()
    access.change_members(group, add=[user], by=actors["administrator"])
    open_ticket()
    engine.drain()
    assert len(receiver.requests) == 1
    start = clock.now() - timedelta(hours=1)
    builder = actors["integrator"]
    asked = replays.replay(subscription.guid, by=builder, since=start, states=[State.WITHHELD])
    engine.drain()
    assert replays.find(asked.guid, by=builder).queued == 1
    assert len(receiver.requests) == 2
    assert dict(receiver.requests[1].headers)["Webhook-Replay"] == "true"
    assert Event.objects.filter(name="AccessBack").count() == 1


def test_a_type_subscription_gets_only_what_its_owner_may_see(
    actors: dict[str, Actor],
    subscribe: Subscribe,
    second: Customer,
    first: Customer,
    engine: Engine,
    receiver: Receiver,
) -> None:
    from workwire.outbox.objects import ObjectType

    subscribe(by="process builder of one company", webhook=5, filter_type=ObjectType.COMPANY, filter_guid=None)
    parties.update_company(first.company, by=actors["administrator"], description="Moved")
    parties.update_company(second.company, by=actors["administrator"], description="Moved too")
    engine.drain()
    assert [delivery.state for delivery in Delivery.objects.order_by("id")] == [
        State.WITHHELD,
        State.DELIVERED,
    ]
    assert len(receiver.requests) == 1
    withheld = Delivery.objects.get(state=State.WITHHELD)
    seen = queries.delivery(withheld.guid, by=actors["process builder of one company"])
    assert seen.content_visible is False  # type: ignore[attr-defined] # annotated by the query
    wish = log.Wish(record_guid=first.company.guid)
    assert not log.page(actors["process builder of one company"], wish).rows


def test_without_a_filter_what_the_owner_may_not_see_is_no_match(
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    first: Customer,
    second: Customer,
    engine: Engine,
    receiver: Receiver,
) -> None:
    from workwire.outbox.objects import ObjectType

    subscribe(by="process builder of one company", filter_type=ObjectType.NONE, filter_guid=None)
    open_ticket(first)
    seen = open_ticket(second)
    engine.drain()
    assert Delivery.objects.get().record_guid == seen.guid
    assert len(receiver.requests) == 1


def test_others_do_not_see_a_subscription_but_an_administrator_does(
    actors: dict[str, Actor], subscribe: Subscribe
) -> None:
    subscription, _ = subscribe()
    from workwire.kernel.errors import NotFound

    other = actors["process builder of one company"]
    for deed in (
        lambda: queries.subscription(subscription.guid, by=other),
        lambda: commands.update(subscription.guid, by=other, url="https://example.com/"),
        lambda: commands.unsubscribe(subscription.guid, by=other),
        lambda: repair.simulate(subscription.guid, by=other),
        lambda: repair.explain(subscription.guid, by=other, record_guid=subscription.guid),
    ):
        with pytest.raises(NotFound):
            deed()
    assert queries.subscription(subscription.guid, by=actors["administrator"]).pk == subscription.pk


def test_the_check_of_a_batch_takes_the_same_queries_however_large_it_is(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine
) -> None:
    subscription, _ = subscribe()
    for count in (1, 20):
        for _ in range(count):
            open_ticket()
        now = clock.now()
        fanning.fan_out(now)
        claimed = queue.claim(engine.guid, now, Lane.FRESH, [(subscription.pk, 20)], until=now + timedelta(minutes=1))
        with CaptureQueriesContext(connection) as captured:
            prepared = preparing.prepare(claimed, {subscription.pk}, now)
        assert [row.refusal for row in prepared] == [""] * count == [""] * len(claimed)
        assert len(captured) <= 3
        settling.cancel(engine.guid, claimed, now)


def test_the_kept_queries_say_what_the_composed_ones_say(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    fanning.fan_out(clock.now())
    (delivery,) = Delivery.objects.values_list("pk", flat=True)
    said: set[str] = set()
    for take_away in (lambda *_: None, _lose_sight, _lose_role, _retire):
        take_away(organisation, actors)
        row = rights.standing(Subscription.objects.all()).get()
        composed = next((why for column, why in rights.STANDING_CHECKS if not getattr(row, column)), "")
        (prepared,) = preparing.prepare([delivery], [subscription.pk], clock.now())
        assert rights.standing_refusals([subscription.pk], clock.now()) == {subscription.pk: composed}
        seen = Delivery.objects.filter(queries.content_visible(actors["integrator"])).exists()
        assert prepared.content.visible == seen
        said.add(prepared.refusal)
    assert "" in said
    assert len(said) > 2


def test_explain_says_what_decides(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
) -> None:
    subscription, _ = subscribe()
    ticket = open_ticket()
    builder = actors["integrator"]
    sent = repair.explain(subscription.guid, by=builder, record_guid=ticket.guid)
    assert sent.would_be_sent
    assert sent.body["GUID"] == str(ticket.guid)
    _lose_sight(organisation, actors)
    lost = repair.explain(subscription.guid, by=builder, record_guid=ticket.guid)
    assert not lost.would_be_sent
    assert lost.body is None
    failed = {check.code for check in lost.checks if not check.passed}
    assert failed == {rights.FILTER_INVISIBLE, rights.RECORD_INVISIBLE}
    unknown = repair.explain(subscription.guid, by=builder, record_guid=subscription.guid)
    assert [check.sentence for check in unknown.checks if check.code == rights.RECORD_INVISIBLE] == [
        check.sentence for check in lost.checks if check.code == rights.RECORD_INVISIBLE
    ]


def test_explain_says_of_each_check_what_is_the_case(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
) -> None:
    subscription, _ = subscribe(webhook=2)
    ticket = open_ticket()
    said = {}
    for _ in range(2):
        told = repair.explain(subscription.guid, by=actors["integrator"], record_guid=ticket.guid)
        for check in told.checks:
            assert (check.said.code in rights.REASONS) <= (not check.passed), check
            assert (check.said.code in (*rights.HOLDS.values(), "filter.passed")) == check.passed, check
            said[check.code, check.passed] = check.sentence
        _lose_sight(organisation, actors)
    assert said[repair.FILTER, False] == "The webhook or the filter of the subscription does not match the event."
    assert tuple(rights.HOLDS) == rights.REASONS
    assert said[rights.OWNER_INACTIVE, True] == "The account that owns the subscription is active."
    assert said[rights.FILTER_INVISIBLE, False] != said[rights.FILTER_INVISIBLE, True]


def test_who_is_in_self_service_is_sent_nothing_and_cannot_subscribe(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
) -> None:
    """Self service sees its own items only, which is less than the data permissions that messages are checked by."""
    subscribe()
    roles = list(Role.objects.filter(name__in=("Self Service", "Process Builder")))
    user = organisation.accounts["integrator"].user
    access.set_roles(user, roles, by=actors["administrator"])
    open_ticket()
    engine.drain()
    assert receiver.requests == []
    assert Delivery.objects.get().end_reason == rights.ROLE_MISSING
    with pytest.raises(Forbidden):
        commands.subscribe(commands.Terms(0, receiver.url("/")), by=sessions.actor_for(user))


def test_who_is_in_self_service_is_shown_nothing_of_what_was_sent_before(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
) -> None:
    subscription, _ = subscribe()
    ticket = open_ticket()
    engine.drain()
    delivery, user = Delivery.objects.get(), organisation.accounts["integrator"].user
    assert _is_shown(subscription, ticket, delivery, sessions.actor_for(user)) == (True, True, True)
    roles = list(Role.objects.filter(name__in=("Self Service", "Process Builder")))
    access.set_roles(user, roles, by=actors["administrator"])
    assert _is_shown(subscription, ticket, delivery, sessions.actor_for(user)) == (False, False, False)


def test_an_application_is_shown_no_record_that_it_may_not_see_though_its_user_may(
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
) -> None:
    user, admin = organisation.accounts["integrator"].user, actors["administrator"]
    everything = access.create_role(
        "Auditor", features.OPERATIONAL, [features.WORK_ITEMS, features.ALL_RECORDS], by=admin
    )
    access.set_roles(user, [everything, Role.objects.get(name="Process Builder")], by=admin)
    few = sessions.actor_for(user, user.credentials.get())
    _lose_sight(organisation, actors)
    actors["integrator"] = sessions.actor_for(user)
    subscription, _ = subscribe()
    ticket = open_ticket()
    engine.drain()
    delivery = Delivery.objects.get()
    assert _is_shown(subscription, ticket, delivery, actors["integrator"]) == (True, True, True)
    assert _is_shown(subscription, ticket, delivery, few) == (False, False, False)
    with pytest.raises(Forbidden):
        commands.update(subscription.guid, by=few, url="http://127.0.0.1:9/elsewhere")
    with pytest.raises(Forbidden):
        rotation.rotate_secret(subscription.guid, by=few)
    with pytest.raises(Forbidden):
        reconciling.digests(subscription.guid, by=few)
    own, _ = commands.subscribe(commands.Terms(0, subscription.url), by=few)
    for by in (few, actors["integrator"]):
        commands.update(own.guid, by=by, url=f"http://127.0.0.1:9/{by.credential_id}")
        rotation.rotate_secret(own.guid, by=by)
        assert list(reconciling.digests(own.guid, by=by)) == []


def _is_shown(subscription: Subscription, ticket: WorkItem, delivery: Delivery, by: Actor) -> tuple[bool, bool, bool]:
    """Whether somebody is told of a ticket by the log, by an explanation and by its sequence."""
    logged = queries.deliveries_visible_to(by).filter(queries.content_visible(by), pk=delivery.pk)
    explained = repair.explain(subscription.guid, by=by, record_guid=ticket.guid).body
    return logged.exists(), explained is not None, bool(reconciling.of_record(subscription.guid, ticket.guid, by=by))
