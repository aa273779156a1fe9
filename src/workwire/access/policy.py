"""Who may administer accounts and rights, and the one way to insist on a feature."""

from __future__ import annotations

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden


def require(actor: Actor, feature: str) -> None:
    """Raise Forbidden unless the actor holds the feature."""
    if not actor.has(feature):
        raise Forbidden("feature_missing", feature=feature)


def require_one_of(actor: Actor, *wanted: str) -> None:
    """Raise Forbidden unless the actor holds one of the features."""
    if not any(actor.has(feature) for feature in wanted):
        raise Forbidden("feature_missing.one_of", features=wanted)


def in_self_service(actor: Actor) -> bool:
    """Whether the actor follows what it started, and is shown only what is meant for it."""
    return actor.has(features.SELF_SERVICE) and not actor.has(features.WORK_ITEMS)


def require_administrator(actor: Actor) -> None:
    """Raise Forbidden unless the actor is an administrator."""
    require(actor, features.ADMINISTRATOR)


def require_in_person(actor: Actor) -> None:
    """Raise Forbidden for an application: what it made or raised would outlive its credential, and it ends only itself."""
    if actor.credential_id is not None:
        raise Forbidden("refused_to_applications")


def require_may_administer(actor: Actor) -> None:
    """Raise Forbidden unless the actor is an administrator in person, or the system."""
    require_administrator(actor)
    require_in_person(actor)
