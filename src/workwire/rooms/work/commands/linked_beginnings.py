"""How a new item is begun from another one: linked to it, with copies of what is wanted, which both change by themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Unpack
from uuid import UUID

from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.changes import RowChange
from workwire.rooms.files import commands as files
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import family_sight, policy, relations
from workwire.rooms.work.commands import item_contacts
from workwire.rooms.work.commands.changing import Change, Changes, require_may_work
from workwire.rooms.work.commands.linking import locked_together, relate
from workwire.rooms.work.commands.one_time_copies import Copied, copy_from_rooms
from workwire.rooms.work.commands.starting import started
from workwire.rooms.work.models import RelationKind, WorkItem


@transaction.atomic
def create_linked(
    item: WorkItem,
    version_guid: UUID,
    *,
    by: Actor,
    copies: Collection[Copied] = (),
    submit: bool = False,
    **fields: Unpack[Changes],
) -> WorkItem:
    """Begin a ticket or a case of a live process, for any customer, linked to an item, which may be in any state; returns the
    new one. Of the item it has copies of what `copies` names, as far as they may stand there. What is given of its custom data
    counts before a copy. The event of the link is that of the item.
    """
    require_may_work(by)
    policy.require(policy.may_start(by), "feature_missing.to_start")
    change = Change(locked_together([item], by=by)[item.pk], by=by)
    item = change.item
    if item.kind == ProcessType.ACTION:
        raise Invalid("link_not_for_actions")
    version = offering.live_version(version_guid, by=by)
    if Copied.CUSTOM_DATA in copies:
        fields["custom_data"] = {
            **family_sight.shared_data_shown(item, by=by),
            **(fields.get("custom_data") or {}),
        }

    def copied(made: WorkItem) -> list[RowChange]:
        changed = item_contacts.copy(item, made, by=by, at=change.at) if Copied.CONTACTS in copies else []
        if Copied.FILES in copies:
            changed += files.copy(relations.own_and_taken_over(item, by=by), made.pk, by=by, at=change.at)
        return changed + copy_from_rooms(copies, item, [made], by=by, at=change.at)

    kind = ProcessType(version.process.work_type.kind)
    made = started(kind, version, fields, at_once=submit, by=by, copied=copied)
    change.touch(relate(made, RelationKind.LINKED, item, change))
    change.done()
    return made
