"""The only writer of work items.

Every command is one transaction: it locks the item (a case before its actions, in this order everywhere), checks that the
actor sees it and may do the deed, compares the optimistic `version` when one is given, moves it by a transition, saves it
and records at most one `WorkItemUpdated` for each item. Commands return the item as it stands afterwards; the object handed
in is not touched. What an actor may not see is NotFound; a deed its role does not cover is Forbidden; a deed its status or
version does not allow is Conflict.
"""

from workwire.rooms.work.commands.changing import Changes
from workwire.rooms.work.commands.finishing import close_window, complete_unsuccessfully, reopen, resolve
from workwire.rooms.work.commands.handing import assign, take, unassign
from workwire.rooms.work.commands.starting import create_case, create_ticket, submit
from workwire.rooms.work.commands.working import (
    date_reached,
    information_arrived,
    update,
    wait_for_information,
    wait_until,
)

__all__ = [
    "Changes",
    "assign",
    "close_window",
    "complete_unsuccessfully",
    "create_case",
    "create_ticket",
    "date_reached",
    "information_arrived",
    "reopen",
    "resolve",
    "submit",
    "take",
    "unassign",
    "update",
    "wait_for_information",
    "wait_until",
]
