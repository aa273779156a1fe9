"""How errors look: a status, a `Reason` header in English, a body with messages in the language of the caller; and which
documented MessageID says what."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import translation
from django.utils.cache import patch_vary_headers

from workwire.access.preferences import language_of
from workwire.kernel.errors import (
    Away,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Limited,
    NotFound,
    TooLarge,
    Unauthenticated,
    away,
)
from workwire.kernel.wording import ENGLISH
from workwire.webapi.calls import UnsupportedBody
from workwire.webapi.record_bodies import NIL_GUID, respond

logger = logging.getLogger(__name__)
Family = Literal["packet", "configuration", "webhook"]  # the last has the messages of the second and texts of its own
INVALID, DENIED = "The request is invalid", "Authorization has been denied for this request"  # documented texts
LONGEST_REASON = 200
UNEXPECTED = "General_UnexpectedFailure"

PACKET_MESSAGES = {
    "title_blank": "Packet_TitleCannotBeBlank",
    "category_missing": "Ticket_TicketCategoryAttributeOrTicketAttributeVersionGUIDRequired",
    "ticket_version_missing": "Ticket_TicketCategoryAttributeOrTicketAttributeVersionGUIDRequired",
    "ticket_category_not_found": "Ticket_CategoryDoesNotExist",
    "category_not_leaf": "Ticket_CategoryDoesNotExist",
    "version_draft": "Ticket_TicketAttributeVersionDraft",
    "version_testing": "Ticket_TicketAttributeVersionTesting",
    "version_retiring": "Ticket_TicketAttributeVersionRetiring",
    "version_archive": "Ticket_TicketAttributeVersionArchived",
    "requester_with_contacts": "Ticket_RequesterUserGUIDCannotBeSetWithContacts",
    "record_count_invalid": "Packet_RecordCountMustBeGreatherThanZero",
    "due_date_invalid": "Packet_OverrideDueDateNotValid",
    "due_date_fixed": "Packet_OverrideDueDateCannotChange",
    "primary_contact_missing": "Packet_PrimaryContactMissing",
    "requester_missing": "Packet_RequestorContactMissing",
    "not_assigned_to_you": "Packet_IsNotAssignedToAuthenticatedUser",
    "resolve_not_possible": "Packet_IsCompletedNoUpdatesPossible",
    "submit_not_possible": "Packet_IsCompletedNoUpdatesPossible",
    "item_completed": "Packet_IsCompletedNoUpdatesPossible",
    "wait_not_in_future": "Packet_ScheduledFollowUpOnMustBeInFuture",
    "work_item_not_found": "Packet_NotAccessibleByAuthenticatedUser",
    "contact_not_found": "PacketContact_EmployeeDoesNotExist",
    "contact_of_other_company": "PacketContact_EmployeeNotValidForPacketCompany",
    "contact_retired": "PacketContact_UserIsRetired",
    "contact_tag_not_found": "PacketContactTag_TagDoesNotExist",
    "contact_tag_held_twice": "PacketContactTag_TagUseIncorrect",
    "contact_tag_of_other_company": "PacketContactTag_ContactTagNotValidForPacketCompany",
    "contact_tag_retired": "PacketContactTag_ContactTagRetired",
    "version_conflict": "PacketCustomData_AlreadyUpdated",
    "field_not_found": "PacketCustomData_FieldNotFound",
    "short_text_too_long": "PacketCustomData_ShortTextTooLong",
    "value_not_in_list": "PacketCustomData_ValueNotInList",
    "multi_level_too_long": "PacketCustomData_MultipleLevelListTooLong",
    "multi_level_value_invalid": "PacketCustomData_InvalidMultipleLevelListValue",
    "value_not_in_multi_level_list": "PacketCustomData_ValueNotInMultipleLevelList",
    "date_time_value_invalid": "PacketCustomData_InvalidDateTimeValue",
    "date_value_invalid": "PacketCustomData_InvalidDateValue",
    "check_box_value_invalid": "PacketCustomData_InvalidCheckBoxValue",
    "decimal_value_invalid": "PacketCustomData_InvalidDecimalValue",
    "whole_number_value_invalid": "PacketCustomData_InvalidWholeValue",
    "table_field_not_found": "PacketCustomData_TableFieldNotFound",
    "item_file_not_found": "PacketFile_NotFound",
    "file_data_update_not_allowed": "PacketFile_DataUpdateNotAllowed",
    "file_replace_not_allowed": "PacketFile_ReplaceFileNotAllowed",
    "file_name_changed": "PacketFile_FilenameChanged",
    "file_data_required": "PacketFile_DataRequired",
    "file_data_or_temporary": "PacketFile_DataOrTemporaryFileGUID",
    "file_name_required": "PacketFile_FileNameRequired",
    "temporary_file_not_found": "PacketFile_TemporaryFileNotFound",
    "file_tag_not_found": "PacketFile_TagNotFound",
    "email_attachment_must_have_guid": "PacketFile_EmailAttachmentMustHaveGUID",
    "email_attachment_cannot_be_retired": "PacketFile_EmailAttachmentCannotBeRetired",
    "already_assigned": "AllocationAttribute_PacketAlreadyAssigned",
    "reassign_forbidden": "AllocationAttribute_UserDoesNotHaveReassignPermission",
    "assignee_retired": "AllocationAttribute_UserRetired",
    "assignee_wrong_type": "AllocationAttribute_UserIsWrongType",
    "assignee_may_not_work": "AllocationAttribute_UserDoesNotHaveAccessToPacketType",
    "assignee_sees_not": "AllocationAttribute_UserDoesNotHaveAccessToPacket",
    "assignee_not_found": "AllocationAttribute_UserDoesNotExist",
    "case_not_for_robots": "AllocationAttribute_CaseCannotAssignToRobotUser",
    "robot_rejected": "AllocationAttribute_PacketCannotBeAssignedToRobot",
    "robot_too_often": "AllocationAttribute_PacketAlreadyAssignedToRobotTooManyTimes",
    "case_version_missing": "Case_CaseAttributeVersionGUIDRequired",
    "process_version_not_found": "Case_CaseAttributeGUIDNotFound",
    "action_not_in_case": "Case_ActionAttributeNotInCase",
    "case_without_schedule": "Case_CaseDoesNotSupportSchedules",
    "schedule_differs": "Case_CaseScheduleSpecifiedIsDifferentToExpected",
    "schedule_fixed": "Case_CaseCannotChangeScheduleWithoutRework",
    "schedule_period_missing": "Case_CaseRequireScheduleToBeSpecified",
    "case_has_open_work": "Case_CaseCantBeCompletedWithRunningWorkItems",
    "checklist_open": "Action_CannotCloseWithOutstandingChecklists",
}
CONFIGURATION_MESSAGES = {
    "webhook_unknown": "WebHookSubscription_WebHookDoesNotExist",
    "filter_missing": "WebHookSubscription_FilterObjectTypeIsRequired",
    "url_refused": "WebHookSubscription_URLIsNotValid",
    "version_conflict": "General_ObjectUpdatedTimeConflict",
    "feature_missing": "General_UserDoesNotHavePermission",
    "schedule_missing": "General_NoData",
    "file_tag_not_found": "FileTag_DoesNotExist",
    "contact_tag_not_found": "ContactTag_DoesNotExist",
}

PACKET_FIELDS = {
    "title": "Title",
    "description": "Description",
    "category": "TicketCategoryAttribute",
    "custom_data": "DataFields",
    "record_count": "AffectedRecordCount",
    "due_date": "OverrideDueDate",
    "schedule_period": "SchedulePeriodGUID",
    "contacts": "Contacts",
    "files": "Files",
    "user": "UserGUID",
    "reason": "RejectReason",
    "note": "Note",
    "tags": "Tags",
    "action": "ActionAttributeGUID",
    "times": "NumberOfTimesToLaunch",
    "instructions": "ActionOverrideInstruction",
    "kind": "CommunicationType",
    "subject": "Subject",
    "body": "Body",
    "sender": "From",
    "to": "To",
    "copies": "Cc",
    "blind_copies": "Bcc",
    "attachments": "Attachments",
    "file_name": "FileName",
    "data": "Data",
}
CONFIGURATION_FIELDS = {
    "webhook": "Webhook",
    "url": "SubscriberURL",
    "filter_type": "FilterObjectType",
    "filter_guid": "FilterObjectGUID",
    "header_name": "CustomHeader",
    "header_value": "CustomHeaderValue",
}


def message(error: DomainError, family: Family) -> dict[str, Any]:
    """One error message in the documented shape."""
    table = PACKET_MESSAGES if family == "packet" else CONFIGURATION_MESSAGES
    found: dict[str, Any] = {
        "MessageID": table.get(error.code, UNEXPECTED),
        "IsError": True,
        "MessageDescription": error.sentence(),
        "Parameters": [{"Field": _documented(error.field, family)}] if error.field else [],
    }
    if family != "packet":
        found |= {"RelatedObjectGUID": NIL_GUID, "RelatedObjectType": "None"}
    return found


def refusal(
    error: DomainError, family: Family, *, status: int | None = None, at_the_door: bool = False
) -> HttpResponse:
    """A refusal by status (that of its kind unless one is named), with the reason as a header and as a body.

    The `Message` of every 400 of the webhook operations, and of every 401 of an operation that needs a token (`at_the_door`),
    is a documented text; what exactly was wrong stands in `Messages` and in the header.
    """
    text, english = (_text(error, family, language) for language in (None, ENGLISH))
    status = status or _status(error)
    documented = INVALID if family == "webhook" and status == 400 else DENIED if at_the_door and status == 401 else text
    response = respond({"Message": documented, "Messages": [message(error, family)]}, status=status)
    response.headers["Reason"] = english.encode("ascii", "replace").decode()[:LONGEST_REASON].replace("\n", " ")
    if isinstance(error, (Limited, Away)):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _text(error: DomainError, family: Family, language: str | None) -> str:
    sentence = error.sentence(language)
    return f"{_documented(error.field, family)}: {sentence}" if error.field else sentence


def _documented(field: str, family: Family) -> str:
    """What this API calls a field; a custom data field has its own name."""
    first, _, rest = field.partition(".")
    if first == "custom_data" and rest:
        return rest
    return (PACKET_FIELDS if family == "packet" else CONFIGURATION_FIELDS).get(first, field)


def unless_away(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view in the language of the caller; while the database or the disk cannot work, a refusal with 503 and the
    seconds after which to try again. A client that leaves while its body is read is no error of ours."""

    @wraps(view)
    def answer(request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        with translation.override(language_of(None, request.headers.get("Accept-Language", ""))):
            response = _answered(request, *given, **named)
            response.headers["Content-Language"] = translation.get_language() or ENGLISH
        patch_vary_headers(response, ("Accept-Language", "Authorization", "Cookie"))
        return response

    def _answered(request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:
        try:
            return view(request, *given, **named)
        except UnreadablePostError:
            return refusal(Invalid("body_broken_off"), "packet")
        except (OperationalError, InterfaceError, OSError) as error:
            if (gone := away(error)) is None:
                raise
            logger.warning("%s (%s): %s %s", gone.code, error, request.method, request.path)
            return refusal(gone, "packet")

    return answer


def failed(error: BaseException | None) -> HttpResponse:
    """The answer to what nobody expected, without a word of what it was; 503 while the database cannot work."""
    if (gone := away(error)) is not None:
        return refusal(gone, "packet")
    said = DomainError("unexpected")
    return refusal(said, "packet", status=500)


def _status(error: DomainError) -> int:
    kinds: tuple[tuple[type[DomainError], int], ...] = (
        (UnsupportedBody, 415),
        (TooLarge, 413),
        (Unauthenticated, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Limited, 429),
        (Away, 503),
        (Conflict, 400),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)
