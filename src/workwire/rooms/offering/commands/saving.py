"""What the commands of this room share: saving a row whose name may be taken, texts, the record of an event."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Model

from workwire.kernel import text
from workwire.kernel.errors import Conflict

LONGEST_DESCRIPTION = 64 * 1024


def save(row: Model, what: str) -> None:
    """Save a new or changed row; a name that somebody else took in the meantime is a Conflict."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise taken(what) from error


def taken(what: str) -> Conflict:
    """The refusal of a name that another record has."""
    return Conflict(f"{what}_name_taken", f"A {what.replace('_', ' ')} with this name exists already.", field="name")


def prose(value: str) -> str:
    """A description of acceptable length; raises Invalid."""
    return text.prose(value, field="description", longest=LONGEST_DESCRIPTION)
