"""What this room asks of the rooms above it: to release the work of an account that retires."""

from __future__ import annotations

from typing import Protocol

from workwire.access.models import User
from workwire.kernel.actor import Actor


class LetGo(Protocol):
    """Gives back what a retiring account has, on behalf of the one who retires it."""

    def __call__(self, user: User, /, *, by: Actor) -> None:
        """Release what the account holds, inside the transaction that retires it."""


_LET_GO: list[LetGo] = []


def on_retirement(let_go: LetGo) -> None:
    """Call a function whenever an account retires."""
    if let_go not in _LET_GO:
        _LET_GO.append(let_go)


def retire(user: User, *, by: Actor) -> None:
    """Call every registered room to release what an account holds."""
    for let_go in _LET_GO:
        let_go(user, by=by)
