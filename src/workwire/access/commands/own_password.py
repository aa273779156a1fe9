"""One's own password, by who knows the present one."""

from __future__ import annotations

from uuid import UUID

from workwire.access import guessing, queries
from workwire.access.commands.accounts import set_password
from workwire.access.models import User
from workwire.access.policy import require_in_person
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, Unauthenticated


def change_own_password(present: str, new: str, *, by: Actor, kept: UUID | None) -> None:
    """Change the actor's own password; ends its other sessions.

    Raises Invalid when `present` is wrong, which counts as a failed login, and Limited after too many of them.
    """
    user = require_own_password(present, by=by)
    set_password(user, new, by=by, kept=kept)


def require_own_password(present: str, *, by: Actor) -> User:
    """The actor's own account, by who knows its password; refuses as `change_own_password` does."""
    require_in_person(by)
    user = queries.account(by)
    try:
        return guessing.require_password(user, present, called=user.username, address=by.address)
    except Unauthenticated as error:
        raise Invalid("password_wrong", field="present") from error
