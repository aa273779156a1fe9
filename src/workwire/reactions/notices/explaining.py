"""What a notice says and why this account is told, as codes with parameters."""

from __future__ import annotations

from workwire.kernel.wording import Statement, statement
from workwire.reactions.notices.models import Kind, Notice, Reason

_TOLD = {
    Kind.ASSIGNED: "notice_told.assigned",
    Kind.COMMUNICATION: "notice_told.communication",
    Kind.OVERDUE: "notice_told.overdue",
    Kind.SUBSCRIPTION_PAUSED: "notice_told.subscription_paused",
    Kind.ENDPOINT_FAILING: "notice_told.endpoint_failing",
    Kind.SECRET_EXPIRING: "notice_told.secret_expiring",
}
_WHY = {
    Reason.ASSIGNEE: "notice_reason.assignee",
    Reason.OWNER: "notice_reason.owner",
    Reason.SUBSCRIBER: "notice_reason.subscriber",
}


def told(notice: Notice) -> Statement:
    """What happened."""
    if notice.kind == Kind.ASSIGNED and not notice.parameters.get("by"):
        return statement("notice_told.assigned_by_rule", reference=notice.parameters.get("reference"))
    return statement(_TOLD[Kind(notice.kind)], **notice.parameters)


def why(notice: Notice) -> Statement:
    """Why this account is told."""
    return statement(_WHY[Reason(notice.reason)])
