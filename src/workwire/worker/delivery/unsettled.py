"""What one worker has claimed and not settled yet. Used by the engine's thread alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from workwire.reactions.webhooks.preparing import Prepared
from workwire.reactions.webhooks.settling import Outcome


class InFlight(NamedTuple):
    """An attempt handed to the transport and not answered yet. `ours_until` is when it has to begin at the latest, on the
    counter of `clock.count`, to end before the lease does."""

    delivery: Prepared
    sent: str
    started_at: datetime
    ours_until: float


@dataclass(slots=True)
class Unsettled:
    """Each claimed delivery is in one of these: in flight, overdue for another check, with an outcome, to be given back."""

    in_flight: dict[int, InFlight] = field(default_factory=dict)
    overdue: list[InFlight] = field(default_factory=list)  # checked too long ago
    outcomes: list[Outcome] = field(default_factory=list)
    unmade: list[int] = field(default_factory=list)

    def give_back_rest_of(self, claimed: set[int]) -> None:
        """Give back the claimed that became neither attempts nor outcomes."""
        self.unmade += claimed - self.in_flight.keys() - {outcome.id for outcome in self.outcomes}

    @property
    def unanswered(self) -> list[int]:
        """The deliveries whose attempts were not answered."""
        return [*self.in_flight, *(one.delivery.content.id for one in self.overdue)]
