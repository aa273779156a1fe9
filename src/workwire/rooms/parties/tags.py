"""The contact tags every installation has; each is held by at most one contact of a work item."""

PRIMARY = "primary"
ORIGINAL_REQUESTER = "original_requester"
REQUESTER = "requester"
SUBJECT = "subject"

BUILT_IN = {
    PRIMARY: ("Primary Contact", "Whom to talk to about the work."),
    ORIGINAL_REQUESTER: ("Original Requester", "Who asked for the work in the first place."),
    REQUESTER: ("Requester", "Who asks for the work now."),
    SUBJECT: ("Subject", "Whom the work is about."),
}
