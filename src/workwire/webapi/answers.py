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

if TYPE_CHECKING:
    from workwire.access.models import User
    from workwire.reactions.webhooks.models import Subscription
    from workwire.rooms.catalogue.models import TicketCategory
    from workwire.rooms.conversations.models import Communication
    from workwire.rooms.work.models import WorkItem

NIL_GUID = "00000000-0000-0000-0000-000000000000"
MASK = "********"
_USER_TYPES = {
    UserType.OPERATIONAL: "Operational",
    UserType.SELF_SERVICE: "EmployeeSelfService",
    UserType.ROBOT: "Robot",
}
_STATES = {
    0: "ProcessNotStarted",
    1: "AwaitingWA",
    2: "WithWA",
    3: "ProcessingWaitForTask",
    4: "Complete",
    5: "Complete",
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


def full_item(item: WorkItem, actor_id: int | None) -> dict[str, Any]:
    """A ticket, case or action with all the contract lists of it."""
    draft = item.status == 0
    shown = {
        **_basics(item),
        "SupplierName": item.contract.supplier.name,
        "ServiceLineName": item.service.service_line.name,
        "ServiceLineGUID": str(item.service.service_line.guid),
        "Status": item.get_status_display(),
        "ResolutionMethod": item.resolution_method or None,
        "StartedByUser": user_for_list(item.started_by, actor_id),
        "OwnerUser": user_for_list(item.owner, actor_id),
        "ResolvedByUser": user_for_list(item.resolved_by, actor_id),
        "LastUpdatedByUser": user_for_list(item.updated_by, actor_id),
        "Description": item.description,
        "DataFields": item.custom_data,
        "AffectedRecordCount": item.record_count,
        "TicketCategoryAttribute": _category(item),
        "Files": [],
        "Contacts": [],
        "Defects": [],
    }
    if item.kind == 3:
        shown |= {"Checklist": [], "PeerReviewerChecklist": []}
    return present(shown | ({"DueDate": None} if draft else {}))


def ticket_packet(item: WorkItem, actor_id: int | None) -> dict[str, Any]:
    """A ticket as creating and updating one answer it."""
    return present(
        {
            **_basics(item),
            "Description": item.description,
            "TicketStartedMethod": item.get_started_by_method_display(),
            "ProcessName": item.work_type.name,
            "LastUpdatedByUserDate": rfc3339(item.updated_at),
            "State": _STATES[item.status],
            "ProcessType": "Ticket",
            "CompletedBy": user_for_list(item.resolved_by, actor_id),
            "OwnerUser": user_for_list(item.owner, actor_id),
            "StartedByUser": user_for_list(item.started_by, actor_id),
            "Contacts": [],
        }
    )


def communication(row: Communication, actor_id: int | None, *, full: bool) -> dict[str, Any]:
    """A communication, in a list or whole."""
    by: dict[str, Any] = {
        "Employee": user_for_list(row.sender, actor_id),
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
        "AttachmentCount": row.attachment_count,
        "IsSystemGenerated": row.is_system_generated,
        "FromUser": present(by),
        "Importance": "Normal",
        "ImportanceDescription": "Normal",
        "CommunicationScope": "Private",
        "CommunicationScopeDescription": "Private",
        "Type": row.get_kind_display(),
        "TypeDescription": _TYPE_NAMES[row.kind],
        "IsResolutionCommunication": row.is_resolution,
    }
    if full:
        shown |= {"To": row.recipients, "CCs": row.copies, "BCCs": "", "HTMLBody": row.html_body, "Attachments": []}
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


def present(mapping: dict[str, Any]) -> dict[str, Any]:
    """The mapping without the keys that have no value."""
    return {key: value for key, value in mapping.items() if value is not None}


def _basics(item: WorkItem) -> dict[str, Any]:
    return {
        "GUID": str(item.guid),
        "Reference": item.reference,
        "Title": item.title or None,
        "CustomerGUID": str(item.customer.guid),
        "CustomerName": item.customer.name,
        "ContractGUID": str(item.contract.guid),
        "ContractName": item.contract.name,
        "ServiceGUID": str(item.service.guid),
        "ServiceName": item.service.name,
        "ProcessTypeName": item.work_type.name,
        "StartDate": rfc3339(item.started_at or item.created_at),
        "DueDate": rfc3339(item.due_date),
        "EndDate": rfc3339(item.closed_on),
        "ResolvedOn": rfc3339(item.resolved_on),
        "LastUpdatedByUserOn": rfc3339(item.updated_at),
        "StartedByMethod": item.get_started_by_method_display(),
    }


def _category(item: WorkItem) -> dict[str, Any] | None:
    """The category of a ticket, its levels from the top; levels it does not have are empty."""
    if item.category is None:
        return None
    levels: list[TicketCategory] = [item.category]
    while levels[0].parent is not None:
        levels.insert(0, levels[0].parent)
    shown: dict[str, Any] = {"GUID": str(item.category.guid), "AllowTitleChange": True, "RecordCount": False}
    for number in (1, 2, 3):
        level = levels[number - 1] if number <= len(levels) else None
        shown[f"CategoryLevel{number}"] = level.name if level else ""
        shown[f"CategoryLevel{number}GUID"] = str(level.guid) if level else NIL_GUID
    return shown


def harmless(html: str) -> str:
    """HTML without scripts, handlers, forms or remote styles."""
    return nh3.clean(html)
