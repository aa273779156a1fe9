"""What deeds are called on pages, what is said once they are done, and what one should know before."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from workwire.rooms.work.deeds import Deed
from workwire.web.kit.parts import Words


@dataclass(frozen=True, slots=True)
class DeedWords:
    """A deed in words: on its button, when it is done, and, where it cannot be undone, what it does."""

    button: Words
    done: Words
    warning: Words = ""


WORDS = {
    Deed.SUBMIT: DeedWords(_("Submit"), _("Submitted.")),
    Deed.DISCARD: DeedWords(_("Discard"), _("Discarded."), _("The draft is closed for good.")),
    Deed.TAKE: DeedWords(_("Take"), _("It is yours.")),
    Deed.ACKNOWLEDGE: DeedWords(_("Acknowledge"), _("Acknowledged.")),
    Deed.RESOLVE: DeedWords(_("Resolve"), _("Resolved.")),
    Deed.UNABLE_TO_COMPLETE: DeedWords(
        _("Unable to complete"),
        _("The action ended, and its case needs attention."),
        _(
            "The action ends without being completed; nothing follows it, and somebody must decide how its case goes on."
        ),
    ),
    Deed.NEXT_STEP: DeedWords(_("Next step"), _("The case goes on.")),
    Deed.WAIT: DeedWords(_("Wait"), _("It waits.")),
    Deed.ASSIGN: DeedWords(_("Assign"), _("Assigned.")),
    Deed.UNASSIGN: DeedWords(_("Unassign"), _("Nobody has it now.")),
    Deed.REJECT: DeedWords(_("Reject"), _("You gave it back.")),
    Deed.MOVE_TO_QUEUE: DeedWords(_("Move to a queue"), _("Moved.")),
    Deed.UPDATE: DeedWords(_("Edit"), _("Saved.")),
    Deed.REOPEN: DeedWords(_("Reopen"), _("Reopened.")),
    Deed.REWORK: DeedWords(_("Rework"), _("The case went back.")),
    Deed.LAUNCH_ACTION: DeedWords(_("Start an action"), _("Started.")),
    Deed.LAUNCH_SUB_CASE: DeedWords(_("Start a sub-case"), _("Started.")),
    Deed.MERGE: DeedWords(_("Merge into another item"), _("Merged: the work goes on here.")),
    Deed.SPLIT: DeedWords(_("Split the ticket"), _("Split: the ticket waits for what was made of it.")),
    Deed.CONVERT: DeedWords(_("Convert to a case"), _("The case is started, and the ticket waits for it.")),
    Deed.LINK: DeedWords(_("Link"), _("Linked.")),
    Deed.ABORT: DeedWords(
        _("Abort the case"),
        _("The case was aborted."),
        _("The case and everything under it are closed for good."),
    ),
}
