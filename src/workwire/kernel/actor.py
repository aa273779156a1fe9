"""On whose behalf a command or query runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID


class UserType(IntEnum):
    """The three types of user (documented numbers)."""

    OPERATIONAL = 1
    SELF_SERVICE = 2
    ROBOT = 8


@dataclass(frozen=True, slots=True)
class Actor:
    """An authenticated account with the features it holds right now, or the system itself (`user_id` None).

    `bound_to_self_service` says that the account is in self service by all its roles, whichever of them a credential has: an
    application sees no more than its account.

    `guid` and `credential_guid` are the public names of the account and of the application credential it acts through; they
    tell readers of an event who it was; `language` and `time_zone` are what the account chose (empty for no choice);
    `address` is where its request came from (empty where there is none). None of them decides anything, so two actors that
    differ only in them are equal.
    """

    user_id: int | None
    user_type: UserType | None = None
    features: frozenset[str] = field(default_factory=frozenset)
    credential_id: int | None = None
    in_bulk: bool = False
    bound_to_self_service: bool = False
    guid: UUID | None = field(default=None, compare=False)
    credential_guid: UUID | None = field(default=None, compare=False)
    language: str = field(default="", compare=False)
    time_zone: str = field(default="", compare=False)
    address: str = field(default="", compare=False)

    def has(self, feature: str) -> bool:
        """Whether the actor holds a feature; the system holds all."""
        return self.user_id is None or feature in self.features


SYSTEM = Actor(user_id=None)
