"""What the commands of this room share: saving a row whose name may be taken, texts, the record of an event."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Model

from workwire.kernel import text
from workwire.kernel.errors import Conflict

LONGEST_DESCRIPTION = 64 * 1024
_TAKEN = {
    "category": "category_name_taken",
    "data_field": "data_field_name_taken",
    "period": "period_name_taken",
    "process": "process_name_taken",
    "schedule": "schedule_name_taken",
    "service_line": "service_line_name_taken",
    "short_code": "short_code_taken",
    "work_type": "work_type_name_taken",
}


def save(row: Model, what: str) -> None:
    """Save a new or changed row; a name that somebody else took in the meantime is a Conflict."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise taken(what) from error


def taken(what: str) -> Conflict:
    """The refusal of a name that another record has."""
    return Conflict(_TAKEN[what], field="short_code" if what == "short_code" else "name")


def prose(value: str) -> str:
    """A description of acceptable length; raises Invalid."""
    return text.prose(value, field="description", longest=LONGEST_DESCRIPTION)
