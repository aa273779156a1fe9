"""The only writer of work items.

Every command is one transaction: it locks the item (a case before what lies under it, outermost first, in this order
everywhere), checks that the actor sees it and may do the deed, compares the optimistic `version` when one is given, moves
it by a transition, saves it and records at most one `WorkItemUpdated` for each item. Commands return the item as it stands
afterwards; the object handed in is not touched. What an actor may not see is NotFound; a deed its role does not cover is
Forbidden; a deed its status or version does not allow is Conflict.
"""

from workwire.rooms.work.commands.aborting import abort, discard
from workwire.rooms.work.commands.asked_for import create_asked_for
from workwire.rooms.work.commands.assignment import (
    assign,
    get_more_work,
    give_back_all,
    move_to_queue,
    reject,
    take,
    unassign,
)
from workwire.rooms.work.commands.changing import Changes
from workwire.rooms.work.commands.editing_and_waiting import (
    acknowledge,
    answer_checklist,
    attach_file,
    date_reached,
    due_date_passed,
    follow_data,
    follow_title,
    information_arrived,
    update,
    wait_for_information,
    wait_until,
)
from workwire.rooms.work.commands.finishing import (
    RESOLUTION_METHODS,
    close_window,
    complete_unsuccessfully,
    reopen,
    resolve,
)
from workwire.rooms.work.commands.item_contacts import ContactWish, TagWish, requester
from workwire.rooms.work.commands.launching import (
    MOST_LAUNCHED,
    launch_action,
    launch_sub_case,
    start_next_step,
    submit_or_go_on,
)
from workwire.rooms.work.commands.linked_beginnings import create_linked
from workwire.rooms.work.commands.linking import MOST_LINKED, link, unlink
from workwire.rooms.work.commands.merging import MOST_MERGED, merge
from workwire.rooms.work.commands.one_time_copies import Copied
from workwire.rooms.work.commands.positioning import create_job_position, update_job_position
from workwire.rooms.work.commands.queueing import create_queue, update_queue
from workwire.rooms.work.commands.reworking import rework
from workwire.rooms.work.commands.splitting import MOST_PARTS, Part, complete_divided, convert, split
from workwire.rooms.work.commands.starting import create_case, create_ticket, submit

__all__ = [
    "MOST_LAUNCHED",
    "MOST_LINKED",
    "MOST_MERGED",
    "MOST_PARTS",
    "RESOLUTION_METHODS",
    "Changes",
    "ContactWish",
    "Copied",
    "Part",
    "TagWish",
    "abort",
    "acknowledge",
    "answer_checklist",
    "assign",
    "attach_file",
    "close_window",
    "complete_divided",
    "complete_unsuccessfully",
    "convert",
    "create_asked_for",
    "create_case",
    "create_job_position",
    "create_linked",
    "create_queue",
    "create_ticket",
    "date_reached",
    "discard",
    "due_date_passed",
    "follow_data",
    "follow_title",
    "get_more_work",
    "give_back_all",
    "information_arrived",
    "launch_action",
    "launch_sub_case",
    "link",
    "merge",
    "move_to_queue",
    "reject",
    "reopen",
    "requester",
    "resolve",
    "rework",
    "split",
    "start_next_step",
    "submit",
    "submit_or_go_on",
    "take",
    "unassign",
    "unlink",
    "update",
    "update_job_position",
    "update_queue",
    "wait_for_information",
    "wait_until",
]
