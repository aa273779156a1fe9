"""Handing a subscription over: who may, to whom, what it would let the receiver see, and whose rights count afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import orjson
import pytest

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.access import run_time_settings
from workwire.access.models import Credential, Role
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands, hand_over, queries, rights
from workwire.reactions.webhooks.models import Delivery, State, Subscription
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

ONE_COMPANY, EVERY_COMPANY = "process builder of one company", "process builder"
EVERYTHING = {"filter_type": ObjectType.NONE, "filter_guid": None}


@pytest.fixture
def people(organisation: Organisation) -> dict[str, UUID]:
    """The GUIDs of accounts by what they may do."""
    return {name: account.user.guid for name, account in organisation.accounts.items()}


def test_from_then_on_the_rights_of_the_new_owner_count(
    organisation: Organisation,
    actors: dict[str, Actor],
    people: dict[str, UUID],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
) -> None:
    first, second = organisation.customers
    made, _ = subscribe(**EVERYTHING)
    Subscription.objects.filter(pk=made.pk).update(access_lost_at=clock.now())
    open_ticket(first)
    engine.drain()
    assert len(receiver.requests) == 1
    waiting = open_ticket(first)
    after = hand_over.hand_over(made.guid, owner=people[ONE_COMPANY], by=actors["administrator"], version=made.version)
    open_ticket(first)
    engine.drain()
    assert len(receiver.requests) == 1  # its new owner sees the second company only
    open_ticket(second)
    engine.drain()
    assert len(receiver.requests) == 2
    assert (after.version, after.access_lost_at) == (made.version + 1, None)
    assert after.secrets == made.secrets
    assert not Delivery.objects.filter(record_guid=waiting.guid, state=State.DELIVERED).exists()
    assert queries.subscription(made.guid, by=actors[ONE_COMPANY]).pk == made.pk
    with pytest.raises(NotFound):
        queries.subscription(made.guid, by=actors["integrator"])


def test_it_is_recorded_with_both_accounts_and_the_bond_to_an_application_ends(
    actors: dict[str, Actor], people: dict[str, UUID], subscribe: Subscribe
) -> None:
    credential = Credential.objects.get(user__guid=people["integrator"])
    made, _ = subscribe()
    Subscription.objects.filter(pk=made.pk).update(credential=credential)
    after = hand_over.hand_over(made.guid, owner=people[EVERY_COMPANY], by=actors["administrator"])
    assert after.credential_id is None
    event = Event.objects.get(name="SubscriptionHandedOver")
    assert (event.record_guid, event.actor_id) == (made.guid, actors["administrator"].user_id)
    body = orjson.loads(event.body)
    assert (body["From"], body["To"]) == (str(people["integrator"]), str(people[EVERY_COMPANY]))
    assert '"credential_id":null' in (event.changes or "")
    assert rights.standing_refusals([made.pk], clock.now()) == {made.pk: ""}


def test_nobody_but_an_administrator_in_person_hands_over(
    organisation: Organisation, actors: dict[str, Actor], people: dict[str, UUID], subscribe: Subscribe
) -> None:
    """An owner who could would receive, at its own URL, what only the new owner may see."""
    made, _ = subscribe()
    application = replace(actors["administrator"], credential_id=Credential.objects.all()[0].pk)
    for by in (actors["integrator"], application):
        for ask in (hand_over.hand_over, hand_over.preview):
            with pytest.raises(Forbidden):
                ask(made.guid, owner=people[EVERY_COMPANY], by=by)
        with pytest.raises(Forbidden):
            hand_over.candidates(made.guid, "", by=by)
        assert not hand_over.may_hand_over(by)
    assert hand_over.may_hand_over(actors["administrator"])
    assert Subscription.objects.get(pk=made.pk).owner_id == organisation.accounts["integrator"].user.pk


def test_only_who_could_have_subscribed_becomes_the_owner(
    organisation: Organisation, actors: dict[str, Actor], people: dict[str, UUID], subscribe: Subscribe
) -> None:
    admin = actors["administrator"]
    made, _ = subscribe()
    refused = {"integrator": "already", "team member": "feature", ONE_COMPANY: "filter_object"}
    for who, why in refused.items():
        _refused(made, people[who], why, admin)
    user = organisation.accounts["robot"].user
    access.set_roles(user, list(Role.objects.filter(name__in=("Self Service", "Process Builder"))), by=admin)
    _refused(made, user.guid, "self_service", admin)
    access.set_active(organisation.accounts[EVERY_COMPANY].user, False, by=admin)
    _refused(made, people[EVERY_COMPANY], "retired", admin)
    with pytest.raises(NotFound) as nobody:
        hand_over.hand_over(made.guid, owner=ids.new_guid(), by=admin)
    assert nobody.value.field == "owner"
    assert not Event.objects.filter(name="SubscriptionHandedOver").exists()


def _refused(made: Subscription, owner: UUID, why: str, by: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        hand_over.hand_over(made.guid, owner=owner, by=by)
    assert (refusal.value.full_code, refusal.value.field) == (f"new_owner_unfit.{why}", "owner")
    obstacle = hand_over.preview(made.guid, owner=owner, by=by).obstacle
    assert obstacle is not None
    assert obstacle.sentence() == refusal.value.sentence()


def test_neither_the_limit_nor_a_change_since_is_passed_over(
    actors: dict[str, Actor],
    people: dict[str, UUID],
    subscribe: Subscribe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = actors["administrator"]
    made, _ = subscribe()
    commands.update(made.guid, by=actors["integrator"], in_order=True)
    with pytest.raises(Conflict):
        hand_over.hand_over(made.guid, owner=people[EVERY_COMPANY], by=admin, version=made.version)
    monkeypatch.setattr(run_time_settings, "value_of", lambda name: 0)
    with pytest.raises(Conflict) as full:
        hand_over.hand_over(made.guid, owner=people[EVERY_COMPANY], by=admin)
    assert full.value.code == "too_many_subscriptions"


def test_the_preview_counts_what_each_owner_sees_of_recent_events(
    organisation: Organisation,
    actors: dict[str, Actor],
    people: dict[str, UUID],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = organisation.customers
    made, _ = subscribe(**EVERYTHING)
    hidden = [open_ticket(first) for _ in range(2)]
    open_ticket(second)
    admin = actors["administrator"]
    told = hand_over.preview(made.guid, owner=people[ONE_COMPANY], by=admin)
    assert (told.counted, told.kept, told.gained, told.lost, told.obstacle) == (3, 1, 0, 2, None)
    assert [one.work_item_guid for one in told.unseen] == [item.guid for item in reversed(hidden)]
    access.change_members(first.group, remove=[organisation.accounts["integrator"].user], by=admin)
    told = hand_over.preview(made.guid, owner=people[EVERY_COMPANY], by=admin)
    assert (told.kept, told.gained, told.lost, told.seen) == (1, 2, 0, 3)
    monkeypatch.setattr(hand_over, "MOST_COUNTED", 2)
    assert hand_over.preview(made.guid, owner=people[EVERY_COMPANY], by=admin).counted == 2
    monkeypatch.setattr(hand_over, "LOOKED_AT", 2)  # of which the change of members is the last
    assert hand_over.preview(made.guid, owner=people[EVERY_COMPANY], by=admin).counted == 1


def test_offered_are_others_who_may_subscribe(
    organisation: Organisation, actors: dict[str, Actor], subscribe: Subscribe
) -> None:
    made, _ = subscribe()
    admin = actors["administrator"]
    offered = [user.username for user in hand_over.candidates(made.guid, "", by=admin)]
    assert offered == ["bea", "olga", "paul"]  # by name, without its owner, members and robots
    assert [user.username for user in hand_over.candidates(made.guid, "ekdahl", by=admin)] == ["paul"]
