"""Django's `migrate`, quick where there is nothing yet."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from workwire.kernel.first_schema import make_first_schema

PARTS = ("app_label", "plan", "check_unapplied", "fake", "prune")  # options that ask for something else


class Command(migrate.Command):
    """Bring a database up to date; the tables of an empty one are made at once."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing, and tell Django's listeners."""
        if not any(options[part] for part in PARTS):
            make_first_schema(connections[options["database"]])
        super().handle(*args, **options)
