"""How errors look: a status, a `Reason` header, a body with messages; and which documented MessageID says what."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpResponse

from workwire.kernel.errors import Conflict, DomainError, Forbidden, Limited, NotFound, Unauthenticated
from workwire.webapi.answers import NIL_GUID, respond
from workwire.webapi.calls import UnsupportedBody

Family = Literal["packet", "configuration"]
LONGEST_REASON = 200
UNEXPECTED = "General_UnexpectedFailure"

PACKET_MESSAGES = {
    "title_blank": "Packet_TitleCannotBeBlank",
    "category_missing": "Ticket_TicketCategoryAttributeOrTicketAttributeVersionGUIDRequired",
    "ticket_category_not_found": "Ticket_CategoryDoesNotExist",
    "category_not_leaf": "Ticket_CategoryDoesNotExist",
    "record_count_invalid": "Packet_RecordCountMustBeGreatherThanZero",
    "due_date_invalid": "Packet_OverrideDueDateNotValid",
    "case_has_open_work": "Case_CaseCantBeCompletedWithRunningWorkItems",
    "already_assigned": "AllocationAttribute_PacketAlreadyAssigned",
    "resolve_not_possible": "Packet_IsCompletedNoUpdatesPossible",
    "submit_not_possible": "Packet_IsCompletedNoUpdatesPossible",
    "finished": "Packet_IsCompletedNoUpdatesPossible",
}
CONFIGURATION_MESSAGES = {
    "webhook_unknown": "WebHookSubscription_WebHookDoesNotExist",
    "filter_missing": "WebHookSubscription_FilterObjectTypeIsRequired",
    "url_refused": "WebHookSubscription_URLIsNotValid",
    "version_conflict": "General_ObjectUpdatedTimeConflict",
    "feature_missing": "General_UserDoesNotHavePermission",
}


def message(error: DomainError, family: Family) -> dict[str, Any]:
    """One error message in the documented shape."""
    table = PACKET_MESSAGES if family == "packet" else CONFIGURATION_MESSAGES
    found: dict[str, Any] = {
        "MessageID": table.get(error.code, UNEXPECTED),
        "IsError": True,
        "MessageDescription": error.message,
        "Parameters": [error.field] if error.field else [],
    }
    if family == "configuration":
        found |= {"RelatedObjectGUID": NIL_GUID, "RelatedObjectType": "None"}
    return found


def refusal(error: DomainError, family: Family) -> HttpResponse:
    """A refusal by status, with the reason as a header and as a body."""
    text = f"{error.field}: {error.message}" if error.field else error.message
    response = respond({"Message": text, "Messages": [message(error, family)]}, status=_status(error))
    response.headers["Reason"] = text.encode("ascii", "replace").decode()[:LONGEST_REASON].replace("\n", " ")
    if isinstance(error, Limited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _status(error: DomainError) -> int:
    kinds: tuple[tuple[type[DomainError], int], ...] = (
        (UnsupportedBody, 415),
        (Unauthenticated, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Limited, 429),
        (Conflict, 400),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)
