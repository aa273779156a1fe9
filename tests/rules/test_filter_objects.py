"""Kinds of object that subscriptions may be for: registered once, by the rooms they belong to."""

from __future__ import annotations

import pytest

from workwire.access.sight import filter_object, filter_objects, register
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks


def test_every_filter_of_a_webhook_is_a_kind_that_a_room_registered() -> None:
    wanted = {kind for hook in webhooks().values() for kind in hook.filters}
    assert wanted == {kind.type for kind in filter_objects()}


def test_every_kind_names_columns_of_the_ledger() -> None:
    columns = {field.name for field in Event._meta.concrete_fields}
    assert {column for kind in filter_objects() for column in (kind.column, kind.record_column)} <= columns


def test_every_record_that_webhooks_tell_of_is_seen_by_way_of_one_kind() -> None:
    records = [record for kind in filter_objects() for record in kind.records]
    assert len(records) == len(set(records))
    assert set(records) == {
        ObjectType.COMPANY,
        ObjectType.PACKET,
        ObjectType.COMMUNICATION,
        ObjectType.SCHEDULE,
    }


def test_a_kind_is_registered_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        register(filter_object(ObjectType.COMPANY))
