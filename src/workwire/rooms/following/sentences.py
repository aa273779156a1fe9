"""What the codes of following and focus lists say."""

from workwire.kernel.wording import register

register(
    "following",
    refusals={
        "focus_list_full": "A focus list holds at most {most} work items.",
        "focus_not_possible": "A closed work item is not put on a focus list.",
        "focus_place_invalid": "A place is a number from 1 to {most}.",
        "follow_not_possible": "Nobody follows a draft or a closed work item.",
        "system_only.following": "Only the system ends what others follow.",
    },
    words={
        "event_kind": {
            "WorkItemFollowed": "Work item followed",
            "WorkItemUnfollowed": "Work item followed no more",
            "FocusListChanged": "Focus list changed",
        },
    },
)
