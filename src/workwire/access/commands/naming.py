"""Records whose name nobody else has."""

from __future__ import annotations

from django.db import IntegrityError, models, transaction

from workwire.kernel.errors import Invalid

LONGEST_NAME = 100


def save_named(row: models.Model, taken: Invalid) -> None:
    """Save a new row; raises `taken` when its name is another's, also since a moment ago."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise taken from error
