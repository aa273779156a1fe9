"""Who may administer accounts and rights, and the one way to insist on a feature."""

from __future__ import annotations

from collections.abc import Iterable

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


def may_explore(actor: Actor) -> bool:
    """Whether the actor may look for events at all: who audits, and who is not in self service."""
    return actor.has(features.AUDIT) or not in_self_service(actor)


def may_see_what_people_do(actor: Actor) -> bool:
    """Whether an actor is told what accounts do at work items, such as following them: who works, and who reads the history of
    all records."""
    return actor.has(features.WORK_ITEMS) or actor.has(features.AUDIT)


def in_self_service(actor: Actor) -> bool:
    """Whether the actor follows what it started, and is shown only what is meant for it."""
    return actor.bound_to_self_service or features.bind_to_self_service(actor.features)


def require_in_person(actor: Actor) -> None:
    """Raise Forbidden for an application: what it made or raised would outlive its credential, and it ends only itself."""
    if actor.credential_id is not None:
        raise Forbidden("refused_to_applications")


def require_of_person(actor: Actor, feature: str) -> None:
    """Raise Forbidden unless the actor holds the feature and acts in person, or is the system. In self service nobody manages
    accounts and rights: there a feature less shows more."""
    require(actor, feature)
    require_in_person(actor)
    if in_self_service(actor):
        raise Forbidden("refused_in_self_service")


def require_no_more(actor: Actor, held: Iterable[str]) -> None:
    """Raise Forbidden for features the actor does not hold: nobody but an administrator gives, or takes over, more than it
    has."""
    if not actor.has(features.ADMINISTRATOR) and (more := features.with_included(held) - actor.features):
        raise Forbidden("more_than_own", features=sorted(more))
