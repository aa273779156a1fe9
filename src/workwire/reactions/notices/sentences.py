"""What the codes of notices say."""

from workwire.kernel.wording import register

register(
    "notices",
    refusals={"notice_not_found": "There is no such notice."},
    explanations={
        "notice_told.assigned": "{by} assigned {reference} to you.",
        "notice_told.assigned_by_rule": "{reference} was assigned to you.",
        "notice_told.communication": "{sender} wrote or called about {reference}: {subject}",
        "notice_told.overdue": "{reference} passed its due date.",
        "notice_told.subscription_paused": "Your subscription to {webhook} at {url} was suspended.",
        "notice_told.endpoint_failing": "The endpoint {url} of your subscription to {webhook} fails; it may be suspended.",
        "notice_told.secret_expiring": "An old secret of your subscription to {webhook} soon signs no more.",
        "notice_reason.assignee": "You are told because you are the assignee.",
        "notice_reason.owner": "You are told because you are the owner.",
        "notice_reason.subscriber": "You are told because the subscription is yours.",
    },
)
