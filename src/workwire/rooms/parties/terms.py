"""What a contract says to work that began at a moment: a change holds for what begins after it. Pure.

The supplier is no part of that: another one is the supplier of all work, also of what began before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workwire.rooms.parties.models import Contract


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract says: its name, the time zone and the number of the calendar by which work is due."""

    name: str
    time_zone: str
    calendar_id: int | None


def terms_of(contract: Contract) -> Terms:
    """What a contract says now."""
    return Terms(contract.name, contract.time_zone, contract.calendar_id)


def terms_at(contract: Contract, moment: datetime) -> Terms:
    """What a contract said at a moment."""
    for kept in contract.earlier_terms or ():
        if moment < datetime.fromisoformat(kept["until"]):
            return Terms(kept["name"], kept["time_zone"], kept["calendar"])
    return terms_of(contract)


def with_earlier(contract: Contract, terms: Terms, until: datetime) -> list[dict[str, Any]]:
    """The earlier terms of a contract with further ones, which held until a moment."""
    kept = {
        "until": until.isoformat(),
        "name": terms.name,
        "time_zone": terms.time_zone,
        "calendar": terms.calendar_id,
    }
    return [*(contract.earlier_terms or ()), kept]
