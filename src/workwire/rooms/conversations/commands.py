"""The only writer of communications."""

from __future__ import annotations

from django.db import transaction

from workwire.access import features
from workwire.access.models import User
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.conversations import events, policy
from workwire.rooms.conversations.models import Communication, CommunicationType
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as work_queries
from workwire.rooms.work.models import WorkItem

LONGEST_BODY = 1024 * 1024
LONGEST_ADDRESSES = 20_000
_FROM_OUTSIDE = frozenset(
    {CommunicationType.PHONE_INCOMING, CommunicationType.EMAIL_INCOMING, CommunicationType.LETTER_INCOMING}
)
INCOMING = _FROM_OUTSIDE | {CommunicationType.SELF_SERVICE_COMMENT}


@transaction.atomic
def add(
    item: WorkItem,
    *,
    by: Actor,
    kind: CommunicationType | None = None,
    body: str = "",
    html_body: str = "",
    subject: str = "",
    sender_address: str = "",
    recipients: str = "",
    copies: str = "",
    is_resolution: bool = False,
    is_system_generated: bool = False,
) -> Communication:
    """Record something said about a work item the actor sees; without a kind, a comment in self service, else a note.

    What comes in (a call, a mail, a letter, a comment) wakes an item that waits for information and reopens one resolved
    inside its feedback window, in the same transaction. Bodies are at most 1 MiB each.
    """
    item = work_queries.item(item.guid, by=by)
    kind = policy.natural_kind(by) if kind is None else _checked_kind(kind)
    _require_may_add(by, kind)
    sender_address = text.line(sender_address, field="sender_address", longest=320)
    sender = _sender(by, kind, sender_address)
    communication = Communication(
        work_item=item,
        kind=kind,
        sender=sender,
        sender_address=sender_address or (sender.email if sender and kind not in _FROM_OUTSIDE else ""),
        recipients=_line(recipients, "recipients", LONGEST_ADDRESSES),
        copies=_line(copies, "copies", LONGEST_ADDRESSES),
        subject=_line(subject, "subject", 500),
        body=text.prose(body, field="body", longest=LONGEST_BODY),
        html_body=text.prose(html_body, field="html_body", longest=LONGEST_BODY),
        is_resolution=is_resolution,
        is_system_generated=is_system_generated,
    )
    if not (body.strip() or html_body.strip() or subject.strip()):
        raise Invalid("communication_empty", "A communication says something.", field="body")
    communication.save(force_insert=True)
    events.record_new(communication, by=by)
    if kind in INCOMING:
        work.information_arrived(item, by=by)
    return communication


def _checked_kind(kind: int) -> CommunicationType:
    try:
        return CommunicationType(kind)
    except ValueError as error:
        raise Invalid("communication_type_unknown", "There is no such type of communication.", field="kind") from error


def _require_may_add(actor: Actor, kind: CommunicationType) -> None:
    """Raise Forbidden for who may add nothing, Invalid for a kind that is not the actor's to write."""
    if not policy.in_self_service(actor):
        require(actor, features.WORK_ITEMS)
    if not policy.may_add(actor, kind):
        message = "Comments are written in self service, and nothing else is."
        raise Invalid("communication_type_not_allowed", message, field="kind")


def _sender(actor: Actor, kind: CommunicationType, address: str) -> User | None:
    """Whom it came from: the actor, unless it came from outside and the address says from whom."""
    if actor.user_id is None or (kind in _FROM_OUTSIDE and address):
        return None
    return User.objects.get(pk=actor.user_id)


def _line(value: str, field: str, longest: int) -> str:
    return text.line(value, field=field, longest=longest)
