"""How large the database is, how fast it grows, and how long what it holds is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import features, run_time_settings
from workwire.kernel import table_sizes
from workwire.kernel.actor import Actor
from workwire.kernel.table_growth import Growth
from workwire.outbox import ledger
from workwire.reactions.webhooks import queries
from workwire.web.kit.parts import Link, Words

MOST_TABLES = 8


@dataclass(frozen=True, slots=True)
class Table:
    """A large table, its bytes with its indexes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Growing:
    """What grows with use: how much of it was written lately, the oldest that there is, and how long it is kept."""

    name: Words
    day: str
    week: str
    oldest: datetime | None
    kept: Link


@dataclass(frozen=True, slots=True)
class Database:
    """The database."""

    size: int
    growing: tuple[Growing, ...]
    tables: tuple[Table, ...]


def database(now: datetime, actor: Actor) -> Database:
    """The database at a moment; four queries, three on SQLite."""
    days = run_time_settings.value_of("webhook_retention_days")
    kept = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    change = reverse("run-time-setting", args=["webhook_retention_days"]) if actor.has(features.SETTINGS) else ""
    return Database(
        size=table_sizes.whole(),
        growing=(
            _growing(_("Deliveries"), queries.growth(now), Link(kept, change)),
            _growing(_("Events"), ledger.growth(now), Link(_("for good"))),
        ),
        tables=tuple(Table(name, size) for name, size in table_sizes.largest(MOST_TABLES)),
    )


def _growing(name: Words, found: Growth, kept: Link) -> Growing:
    day, week = (number_format(count, force_grouping=True) for count in (found.day, found.week))
    return Growing(name, day, week, found.oldest, kept)
