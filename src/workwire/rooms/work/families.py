"""Families: a case with its actions and sub-cases, and the ticket that it was made for. What belongs to a family is kept once.

Custom data is kept at the outermost case, to which `family` of every other member leads; what private fields hold stays with
its own item. A member that wrote a value is its origin, an action stands for its case there. Contacts of a case are those of
its actions. Files, defects and communications stay with the item at which they came in, and are looked at together.
"""

from __future__ import annotations

from typing import Any

from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import WorkItem


def holder_of(item: WorkItem) -> WorkItem:
    """The item whose row keeps what the family of an item shares: its outermost case, or the item itself."""
    return item.family if item.family is not None else item


def custom_data_of(item: WorkItem) -> dict[str, Any]:
    """All custom data of an item, whoever may see it: what its family shares, and what is private to it."""
    return {**holder_of(item).custom_data, **item.private_data}


def origin_of(item: WorkItem) -> int | None:
    """The number of the item that counts as the origin of what is written at an item: an action stands for its case."""
    return item.parent_id if item.kind == ProcessType.ACTION else item.pk


def join(item: WorkItem, case: WorkItem) -> None:
    """Let a new action or sub-case belong to the family of the case it lies in."""
    if case.family_id is None:
        item.family = case
    else:
        item.family_id = case.family_id


def keeps_contacts(item: WorkItem) -> int:
    """The number of the item that keeps the contacts of an item: those of an action are its case's."""
    return origin_of(item) or item.pk
