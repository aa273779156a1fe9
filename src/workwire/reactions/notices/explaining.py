"""What a notice says and why this account is told, as codes with parameters."""

from __future__ import annotations

from workwire.kernel.wording import Statement, statement
from workwire.reactions.notices.models import Kind, Notice, Reason

_TOLD = {
    Kind.ASSIGNED: "notice_told.assigned",
    Kind.COMMUNICATION: "notice_told.communication",
    Kind.FILE_ADDED: "notice_told.file_added",
    Kind.OVERDUE: "notice_told.overdue",
    Kind.ATTENTION: "notice_told.attention",
    Kind.SUBSCRIPTION_PAUSED: "notice_told.subscription_paused",
    Kind.ENDPOINT_FAILING: "notice_told.endpoint_failing",
    Kind.SECRET_EXPIRING: "notice_told.secret_expiring",
    Kind.CERTIFICATE_EXPIRING: "notice_told.certificate_expiring",
    Kind.SUBSCRIPTION_HANDED_OVER: "notice_told.subscription_handed_over",
}
_KINDS = {
    Kind.ASSIGNED: "notice_kind.assigned",
    Kind.COMMUNICATION: "notice_kind.communication",
    Kind.FILE_ADDED: "notice_kind.file_added",
    Kind.OVERDUE: "notice_kind.overdue",
    Kind.ATTENTION: "notice_kind.attention",
    Kind.SUBSCRIPTION_PAUSED: "notice_kind.subscription_paused",
    Kind.ENDPOINT_FAILING: "notice_kind.endpoint_failing",
    Kind.SECRET_EXPIRING: "notice_kind.secret_expiring",
    Kind.CERTIFICATE_EXPIRING: "notice_kind.certificate_expiring",
    Kind.SUBSCRIPTION_HANDED_OVER: "notice_kind.subscription_handed_over",
}
_WHY = {
    Reason.ASSIGNEE: "notice_reason.assignee",
    Reason.OWNER: "notice_reason.owner",
    Reason.FOLLOWER: "notice_reason.follower",
    Reason.SUBSCRIBER: "notice_reason.subscriber",
    Reason.FORMER_SUBSCRIBER: "notice_reason.former_subscriber",
}


def meaning(kind: Kind) -> Statement:
    """What a kind of notice tells."""
    return statement(_KINDS[kind])


def told(notice: Notice) -> Statement:
    """What happened."""
    if notice.kind == Kind.ASSIGNED and not notice.parameters.get("by"):
        return statement("notice_told.assigned_by_rule", reference=notice.parameters.get("reference"))
    if notice.kind == Kind.COMMUNICATION and not notice.parameters.get("subject"):
        return statement("notice_told.communication_without_subject", **notice.parameters)
    if notice.reason == Reason.FORMER_SUBSCRIBER:
        return statement("notice_told.subscription_handed_over_from", **notice.parameters)
    return statement(_TOLD[Kind(notice.kind)], **notice.parameters)


def why(notice: Notice) -> Statement:
    """Why this account is told."""
    return statement(_WHY[Reason(notice.reason)])
