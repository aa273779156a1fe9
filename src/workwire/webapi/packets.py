"""How work items look in the documented API: whole, in short, as a ticket, as what to work on next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workwire.kernel.clock import rfc3339
from workwire.rooms.defects import queries as defects
from workwire.rooms.work import family_sight, item_due_dates, item_files, queries
from workwire.webapi.record_bodies import NIL_GUID, account, outsider, present, user_for_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workwire.kernel.actor import Actor
    from workwire.rooms.defects.models import Defect, DefectCategory
    from workwire.rooms.files.models import ItemFile
    from workwire.rooms.offering.models import TicketCategory
    from workwire.rooms.work.models import ChecklistItem, ItemContact, WorkItem

_STATES = {
    0: "ProcessNotStarted",
    1: "AwaitingWA",
    2: "WithWA",
    3: "ProcessingWaitForTask",
    4: "Complete",
    5: "Complete",
}
STATE_DESCRIPTIONS = {
    "ProcessNotStarted": "Not started",
    "AwaitingWA": "Waiting for somebody to work on it",
    "WithWA": "Somebody works on it",
    "ProcessingWaitForTask": "Waiting",
    "Complete": "Complete",
}


def full_item(item: WorkItem, by: Actor) -> dict[str, Any]:
    """A ticket, case or action with all the contract lists of it."""
    actor_id = by.user_id
    shown = {
        **basic_item(item),
        "CustomerGUID": str(item.customer.guid),
        "ContractGUID": str(item.contract.guid),
        "ServiceGUID": str(item.service.guid),
        "ServiceLineGUID": str(item.service.service_line.guid),
        "EndDate": rfc3339(item.closed_on),
        "LastUpdatedByUserOn": rfc3339(item.updated_at),
        "ResolutionMethod": item.resolution_method or None,
        "StartedByUser": user_for_list(item.started_by, actor_id),
        "OwnerUser": user_for_list(item.owner, actor_id),
        "ResolvedByUser": user_for_list(item.resolved_by, actor_id),
        "LastUpdatedByUser": user_for_list(item.updated_by, actor_id),
        "AssignedUser": user_for_list(item.assignee, actor_id),
        "QueueName": item.queue.name if item.queue else None,
        "Description": item.description,
        "DataFields": family_sight.custom_data_shown(item, by=by),
        "AffectedRecordCount": item.record_count,
        "Files": [_file(row, item, actor_id) for row in item_files.files_of(item, by=by)],
        "Contacts": [_contact(row, actor_id) for row in queries.all_contacts_of(item, by=by)],
        "Defects": [_defect(row, item, actor_id) for row in defects.defects_of(item, by=by)],
    }
    if item.kind == queries.ProcessType.TICKET:
        shown["TicketCategoryAttribute"] = _category(item)
    if item.kind == queries.ProcessType.CASE and item.schedule_period is not None:
        shown["SchedulePeriodGUID"] = str(item.schedule_period.guid)
    if item.kind == queries.ProcessType.ACTION:
        lines = list(queries.checklist_of(item))
        shown["Checklist"] = [_line(line, actor_id) for line in lines]
        shown["PeerReviewerChecklist"] = []
    return present(shown)


def basic_item(item: WorkItem) -> dict[str, Any]:
    """A work item in short."""
    due = None if item.status == queries.Status.DRAFT else item.due_date
    return present(
        {
            "GUID": str(item.guid),
            "Reference": item.reference,
            "Title": item.title or None,
            "CustomerName": item.customer.name,
            "SupplierName": item.contract.supplier.name,
            "ContractName": item_due_dates.terms_of(item).name,
            "ServiceName": item.service.name,
            "ServiceLineName": item.service.service_line.name,
            "ProcessTypeName": item.work_type.name,
            "StartDate": rfc3339(item.started_at or item.created_at),
            "DueDate": rfc3339(due),
            "ResolvedOn": rfc3339(item.resolved_on),
            "Status": item.get_status_display(),
            "StartedByMethod": item.get_started_by_method_display(),
        }
    )


def ticket_packet(item: WorkItem, by: Actor, *, contacts: Sequence[ItemContact] | None = None) -> dict[str, Any]:
    """A ticket as creating and updating one answer it; with these contacts where the caller knows them."""
    actor_id, shown = by.user_id, basic_item(item)
    if contacts is None:
        contacts = queries.all_contacts_of(item, by=by)
    del shown["SupplierName"], shown["ServiceLineName"], shown["Status"]
    return present(
        {
            **shown,
            "CustomerGUID": str(item.customer.guid),
            "ContractGUID": str(item.contract.guid),
            "ServiceGUID": str(item.service.guid),
            "EndDate": rfc3339(item.closed_on),
            "LastUpdatedByUserOn": rfc3339(item.updated_at),
            "Description": item.description,
            "TicketStartedMethod": shown["StartedByMethod"],
            "ProcessName": item.work_type.name,
            "LastUpdatedByUserDate": rfc3339(item.updated_at),
            "QueueName": item.queue.name if item.queue else None,
            "State": _STATES[item.status],
            "ProcessType": "Ticket",
            "CompletedBy": account(item.resolved_by, actor_id),
            "OwnerUser": account(item.owner, actor_id),
            "StartedByUser": account(item.started_by, actor_id),
            "Contacts": [case_flow_contact(row, actor_id) for row in contacts],
        }
    )


def updated_ticket(item: WorkItem, by: Actor) -> dict[str, Any]:
    """A ticket as updating one answers it."""
    shown = ticket_packet(item, by)
    return shown | {"Processing": False, "StateDescription": STATE_DESCRIPTIONS[shown["State"]]}


def work_to_do(item: WorkItem) -> dict[str, Any]:
    """A work item as what to work on next."""
    shown, state, kind = basic_item(item), _STATES[item.status], item.get_kind_display()
    kept = ("GUID", "Reference", "Title", "DueDate", "Status", "CustomerName", "ContractName", "ServiceName")
    return {key: shown[key] for key in kept if key in shown} | {
        "State": state,
        "StateDescription": STATE_DESCRIPTIONS[state],
        "ProcessType": kind,
        "ProcessTypeDescription": kind,
        "ProcessName": item.work_type.name,
    }


def case_flow_contact(row: ItemContact, actor_id: int | None) -> dict[str, Any]:
    """A contact or account of a work item, with its tags."""
    someone = outsider(row.contact) if row.contact else account(row.user, actor_id) or {}
    return {
        "Employee": someone,
        "Tags": [{"GUID": str(tag.guid), "Name": tag.name} for tag in row.tags.all()],
        "EmailAddress": someone.get("EmailAddress", ""),
    }


def _contact(row: ItemContact, actor_id: int | None) -> dict[str, Any]:
    someone = outsider(row.contact) if row.contact else account(row.user, actor_id) or {}
    return present(
        {
            **{key: value for key, value in someone.items() if key != "EntityGUID"},
            "UserRetired": someone.get("Retired", False),
            "Retired": False,
            "AddedOn": rfc3339(row.added_at),
            "AddedByUser": user_for_list(row.added_by, actor_id),
            "Tags": [{"GUID": str(tag.guid), "Name": tag.name} for tag in row.tags.all()],
        }
    )


def _file(row: ItemFile, item: WorkItem, actor_id: int | None) -> dict[str, Any]:
    tags = [
        present(
            {
                "IsHidden": held.tag.is_hidden,
                "AddedOn": rfc3339(held.added_at),
                "AddedByUser": user_for_list(held.added_by, actor_id),
                "Description": held.tag.description,
                "Name": held.tag.name,
                "GUID": str(held.tag.guid),
            }
        )
        for held in row.tags.all()
    ]
    return present(
        {
            "Source": row.get_source_display(),
            "FileName": row.file_name,
            "Note": row.note,
            "Tags": tags,
            "LastUpdatedOn": rfc3339(row.updated_at),
            "LastUpdatedByUser": user_for_list(row.updated_by, actor_id),
            "FileSize": row.stored.size,
            "Packet": basic_item(item),
            "GUID": str(row.guid),
        }
    )


def _defect(row: Defect, item: WorkItem, actor_id: int | None) -> dict[str, Any]:
    return present(
        {
            "GUID": str(row.guid),
            "Packet": basic_item(item),
            "AddedOn": rfc3339(row.added_at),
            "AddedByUser": user_for_list(row.added_by, actor_id),
            "Description": row.description,
            "AffectedRecordCount": row.affected_records,
            "Resolved": row.resolved_on is not None,
            "LoggedOnStep": row.logged_on_step,
            "DefectPartyAtFaultOption": {"GUID": str(row.party.guid), "Name": row.party.name} if row.party else None,
            "DefectCategory": _defect_category(row.category),
        }
    )


def _defect_category(row: DefectCategory) -> dict[str, Any]:
    above = _defect_category(row.parent) if row.parent is not None else None
    return present({"GUID": str(row.guid), "Name": row.name, "ParentDefectCategory": above})


def _line(row: ChecklistItem, actor_id: int | None) -> dict[str, Any]:
    return present(
        {
            "GUID": str(row.guid),
            "Result": row.get_result_display(),
            "Note": row.note,
            "PeerReviewNote": row.peer_note,
            "CheckedBy": user_for_list(row.checked_by, actor_id),
            "CheckedOn": rfc3339(row.checked_at),
            "Definition": {
                "Order": row.line.order,
                "Description": row.line.description,
                "IsGlobal": row.line.work_type_id is not None,
                "GUID": str(row.line.guid),
            },
        }
    )


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
