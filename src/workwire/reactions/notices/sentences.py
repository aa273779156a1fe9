"""What the codes of notices say."""

from workwire.kernel.wording import register

register(
    "notices",
    refusals={"notice_not_found": "There is no such notice."},
    explanations={
        "notice_told.assigned": "{by} assigned {reference} to you.",
        "notice_told.assigned_by_rule": "{reference} was assigned to you.",
        "notice_told.communication": "{sender} wrote or called about {reference}: {subject}",
        "notice_told.communication_without_subject": "{sender} wrote or called about {reference}.",
        "notice_told.file_added": "{by} added a file to {reference}: {file_name}",
        "notice_told.attention": "{reference} needs attention.",
        "notice_told.overdue": "{reference} passed its due date.",
        "notice_told.subscription_paused": "Your subscription to {webhook} at {url} was suspended.",
        "notice_told.endpoint_failing": "The endpoint {url} of your subscription to {webhook} fails; it may be suspended.",
        "notice_told.secret_expiring": "An old secret of your subscription to {webhook} soon signs no more.",
        "notice_told.certificate_expiring": (
            "Certificates of your subscription to {webhook} at {url} end soon; nothing can be sent from then on."
        ),
        "notice_told.subscription_handed_over": (
            "An administrator handed over to you the subscription to {webhook} at {url}: your rights decide what it is sent "
            "from now on. Make a new secret, for the owner before you may know the present one."
        ),
        "notice_told.subscription_handed_over_from": (
            "An administrator handed your subscription to {webhook} at {url} over to {to}: your rights no longer decide what "
            "it is sent."
        ),
        "notice_kind.assigned": "A work item was assigned to you by somebody else.",
        "notice_kind.communication": "Somebody outside wrote or called about a work item of yours or one you follow.",
        "notice_kind.file_added": "Somebody else added a file to a work item of yours or one you follow.",
        "notice_kind.overdue": "A work item of yours, or one you follow, passed its due date.",
        "notice_kind.attention": "A case of yours, or one you follow, needs attention.",
        "notice_kind.subscription_paused": "A subscription of yours was suspended.",
        "notice_kind.endpoint_failing": "The endpoint of a subscription of yours fails, which may suspend it.",
        "notice_kind.secret_expiring": "An old secret of a subscription of yours soon signs no more.",
        "notice_kind.certificate_expiring": "Certificates of a subscription of yours soon end.",
        "notice_kind.subscription_handed_over": "A subscription was handed over to you, or one of yours to somebody else.",
        "notice_reason.assignee": "You are told because you are the assignee.",
        "notice_reason.owner": "You are told because you are the owner.",
        "notice_reason.follower": "You are told because you follow it.",
        "notice_reason.subscriber": "You are told because the subscription is yours.",
        "notice_reason.former_subscriber": "You are told because the subscription was yours.",
    },
)
