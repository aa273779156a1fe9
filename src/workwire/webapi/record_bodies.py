"""How records look in the documented API. Keys without a value are left out, as the contract knows no null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nh3
import orjson
from django.http import HttpResponse

from workwire.kernel.actor import UserType
from workwire.kernel.clock import rfc3339
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.rooms.conversations import policy

if TYPE_CHECKING:
    from workwire.access.models import User
    from workwire.kernel.actor import Actor
    from workwire.reactions.webhooks.models import Subscription
    from workwire.rooms.conversations.models import Attachment, Communication
    from workwire.rooms.parties.models import Contact

NIL_GUID = "00000000-0000-0000-0000-000000000000"
MASK = "********"
_USER_TYPES = {
    UserType.OPERATIONAL: "Operational",
    UserType.SELF_SERVICE: "EmployeeSelfService",
    UserType.ROBOT: "Robot",
}
_TYPE_NAMES = {
    0: "Outgoing mail",
    1: "Incoming phone call",
    2: "Incoming mail",
    3: "Self service comment",
    4: "Note",
    5: "Outgoing phone call",
    6: "Incoming letter",
    7: "Outgoing letter",
}


def respond(content: Any, *, status: int = 200) -> HttpResponse:
    """A JSON answer."""
    return HttpResponse(orjson.dumps(content), status=status, content_type="application/json; charset=utf-8")


def enveloped(result: Any) -> dict[str, Any]:
    """The answer of a changing call that succeeded."""
    return {"Result": result, "Messages": []}


def communication(row: Communication, actor: Actor, *, full: bool) -> dict[str, Any]:
    """A communication, in a list or whole."""
    attachments = list(row.attachments.all())
    by: dict[str, Any] = {
        "Employee": account(row.sender, actor.user_id),
        "Tags": [],
        "EmailAddress": row.sender_address,
    }
    shown: dict[str, Any] = {
        "GUID": str(row.guid),
        "From": row.sender_address or (row.sender.full_name if row.sender else ""),
        "Logged": rfc3339(row.logged_at),
        "Subject": row.subject,
        "Body": row.body,
        "Read": True,
        "AttachmentCount": len(attachments),
        "IsSystemGenerated": row.is_system_generated,
        "FromUser": present(by),
        "Importance": row.get_importance_display(),
        "ImportanceDescription": row.get_importance_display(),
        "CommunicationScope": "Private",
        "CommunicationScopeDescription": "Private",
        "Type": row.get_kind_display(),
        "TypeDescription": _TYPE_NAMES[row.kind],
        "IsResolutionCommunication": row.is_resolution,
        "SentOn": rfc3339(row.sent_on),
        "SendStatus": row.get_send_status_display() if row.send_status is not None else None,
        "NextAttemptToSend": rfc3339(row.next_attempt_at),
    }
    if full:
        shown |= {
            "To": row.recipients,
            "CCs": row.copies,
            "BCCs": row.blind_copies if policy.sees_blind_copies(actor) else "",
            "HTMLBody": row.html_body,
            "Attachments": [_attachment(attachment) for attachment in attachments],
        }
    return present(shown)


def subscription(row: Subscription, *, secret: str | None = None) -> dict[str, Any]:
    """A subscription; its secret is whole in the answer that made it, masked afterwards."""
    return present(
        {
            "GUID": str(row.guid),
            "Webhook": webhooks()[row.webhook].name,
            "FilterObjectGUID": str(row.filter_guid) if row.filter_guid else None,
            "FilterObjectType": ObjectType(row.filter_type).public_name,
            "SubscriberURL": row.url,
            "Signature": secret or MASK,
            "CustomHeader": row.header_name or None,
            "CustomHeaderValue": MASK if row.header_name else None,
        }
    )


def user_for_list(user: User | None, actor_id: int | None) -> dict[str, Any] | None:
    """An account as lists show it."""
    if user is None:
        return None
    return {
        "FullName": user.full_name,
        "EmailAddress": user.email,
        "HasProfilePicture": False,
        "UserType": _USER_TYPES[UserType(user.user_type)],
        "IsMe": user.pk == actor_id,
        "Retired": not user.is_active,
        "GUID": str(user.guid),
    }


def account(user: User | None, actor_id: int | None) -> dict[str, Any] | None:
    """An account as a reference to it."""
    listed = user_for_list(user, actor_id)
    return None if listed is None else {"EntityGUID": listed["GUID"], **listed}


def outsider(contact: Contact) -> dict[str, Any]:
    """A contact as a reference to it, in the shape of an account."""
    return {
        "EntityGUID": str(contact.guid),
        "FullName": contact.full_name,
        "EmailAddress": contact.email,
        "HasProfilePicture": False,
        "UserType": "None",
        "IsMe": False,
        "Retired": contact.retired,
        "GUID": str(contact.guid),
    }


def _attachment(row: Attachment) -> dict[str, Any]:
    return {
        "GUID": str(row.file.guid),
        "Filename": row.file.file_name,
        "ContentType": row.file.stored.media_type,
        "AttachmentType": "RegularAttachment",
        "Note": row.file.note,
    }


def present(mapping: dict[str, Any]) -> dict[str, Any]:
    """The mapping without the keys that have no value."""
    return {key: value for key, value in mapping.items() if value is not None}


def harmless(html: str) -> str:
    """HTML without scripts, handlers, forms or remote styles."""
    return nh3.clean(html)
