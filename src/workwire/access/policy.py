"""Who may administer accounts and rights, and the one way to insist on a feature."""

from __future__ import annotations

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden


def require(actor: Actor, feature: str) -> None:
    """Raise Forbidden unless the actor holds the feature."""
    if not actor.has(feature):
        raise Forbidden("feature_missing", f"This needs a role with the feature '{feature}'.")


def require_administrator(actor: Actor) -> None:
    """Raise Forbidden unless the actor is an administrator."""
    require(actor, features.ADMINISTRATOR)
