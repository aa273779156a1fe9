"""What is said, in the documented keys of the webhook NewCommunication (specification: webhooks, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from workwire.kernel.actor import Actor
from workwire.outbox.changes import RowChange
from workwire.outbox.documented_webhooks import NEW_COMMUNICATION
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Area, EventBody, event
from workwire.rooms.conversations.models import Communication
from workwire.rooms.work import events as work_events
from workwire.rooms.work.models import WorkItem


@event("NewCommunication", NEW_COMMUNICATION)
class NewCommunication(EventBody):
    """A communication was added to a work item, or came to it with a ticket that was merged into it. `GUID` is the
    communication, `PacketGUID` the work item."""

    area = Area.WORK

    Sender: str
    From: str
    CC: str
    Subject: str
    AttachmentCount: int
    CommunicationType: int
    GUID: str
    PacketGUID: str

    @classmethod
    def sample(cls) -> Self:
        """A mail that came in."""
        return cls(
            Sender="Ines Duarte",
            From="ines.duarte@northwind.example",
            CC="",
            Subject="Invoice 4711 was paid twice",
            AttachmentCount=1,
            CommunicationType=2,
            GUID="0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7ba3",
            PacketGUID="0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b90",
        )


def record_new(communication: Communication, *, by: Actor, changes: Sequence[RowChange]) -> None:
    """Write that a communication was added."""
    body = _body(communication, communication.work_item)
    record(body, about=_about(communication, communication.work_item), by=by, changes=changes)


def record_copy(communication: Communication, item: WorkItem, *, by: Actor) -> None:
    """Write that a communication is seen at another item from now on, because its own was merged into that."""
    record(_body(communication, item), about=_about(communication, item), by=by, changes=())


def _body(communication: Communication, item: WorkItem) -> NewCommunication:
    sender = communication.sender
    return NewCommunication(
        Sender=sender.full_name if sender else communication.sender_address,
        From=communication.sender_address,
        CC=communication.copies,
        Subject=communication.subject,
        AttachmentCount=communication.attachment_count,
        CommunicationType=int(communication.kind),
        GUID=str(communication.guid),
        PacketGUID=str(item.guid),
    )


@event("MailSendingChanged")
class MailSendingChanged(EventBody):
    """A mail that goes out was sent, failed and will be tried again, or was given up."""

    area = Area.WORK

    GUID: str
    PacketGUID: str
    SendStatus: str
    Attempts: int
    Error: str


def record_sent(communication: Communication, *, by: Actor, changes: Sequence[RowChange]) -> None:
    """Write what became of a mail that goes out."""
    item = communication.work_item
    body = MailSendingChanged(
        GUID=str(communication.guid),
        PacketGUID=str(item.guid),
        SendStatus=communication.get_send_status_display() or "",
        Attempts=communication.send_attempts,
        Error=communication.send_error,
    )
    record(body, about=_about(communication, item), by=by, changes=changes)


def _about(communication: Communication, item: WorkItem) -> Subject:
    return work_events.below_item(ObjectType.COMMUNICATION, communication.guid, item)
