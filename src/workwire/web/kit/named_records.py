"""Records by what people write of them: a reference or a GUID."""

from __future__ import annotations

from uuid import UUID

from workwire.kernel.actor import Actor
from workwire.kernel.errors import NotFound
from workwire.kernel.ids import parse_guid
from workwire.kernel.text import is_storable
from workwire.rooms.work import queries as work

LONGEST_RECORD = 64


def record_named(written: str, actor: Actor) -> UUID | None:
    """The record that a GUID or a reference names; None for a reference that may not be seen."""
    found = parse_guid(written)
    if found is not None or not written or not is_storable(written):
        return found
    try:
        return work.item_with_reference(written, by=actor).guid
    except NotFound:
        return None
