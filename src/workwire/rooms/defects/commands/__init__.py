"""The only writer of defects, their categories and parties at fault."""

from workwire.rooms.defects.commands.defect_lists import (
    create_category,
    create_party,
    update_category,
    update_party,
)
from workwire.rooms.defects.commands.item_defects import DefectChanges, add, change, remove

__all__ = [
    "DefectChanges",
    "add",
    "change",
    "create_category",
    "create_party",
    "remove",
    "update_category",
    "update_party",
]
