"""Settings that an administrator changes while the installation runs: what is in force, and where it came from.

Which ones there are `RUN_TIME` says; what they mean, their bounds and their defaults stand at their fields of `Config`. What
the operator set, in the environment or the file, counts before what an administrator chose, and that before the default. A
choice is read once and kept for `KEPT_FOR` seconds, so that no request and no message asks for it: another process follows it
within that time, the one that wrote it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Annotated, Any, Literal

from django.conf import settings
from django.db import DatabaseError, transaction
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from workwire.access.models import Setting
from workwire.config import Config
from workwire.kernel import clock
from workwire.kernel.errors import Invalid

logger = logging.getLogger(__name__)
KEPT_FOR = 3.0
NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})  # zones that mean something else on every machine
RUN_TIME = (
    "default_language",
    "default_time_zone",
    "token_idle_minutes",
    "login_attempts",
    "feedback_window_hours",
    "ticket_resolution_asks_for",
    "defects_changed_by",
    "linked_work_shows",
    "longest_session_hours",
    "largest_file_mb",
    "webhook_most_subscriptions",
    "webhook_most_tests",
    "webhook_pause_after_hours",
    "webhook_rotation_hours",
    "webhook_retention_days",
    "sign_in_retention_days",
)
OF_ADMINISTRATORS = frozenset(
    {"token_idle_minutes", "login_attempts", "webhook_retention_days", "sign_in_retention_days"}
)  # what guards, or removes
ZONE = "default_time_zone"
Source = Literal["operator", "administrator", "default"]


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting as it counts now."""

    name: str
    value: int | str
    source: Source
    default: int | str
    description: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What administrators chose, and until when it is believed."""

    chosen: Mapping[str, Any]
    until: float


_kept = Kept({}, 0.0)
_keeping = Lock()


def value_of(name: str) -> Any:
    """The value of a run-time setting that is in force."""
    return _found(name)[0]


def token_idle() -> timedelta:
    """How long a token may be unused before it is void."""
    return timedelta(minutes=value_of("token_idle_minutes"))


def in_force(name: str) -> InForce:
    """A run-time setting, its value and where that came from."""
    field, (value, source) = Config.model_fields[name], _found(name)
    return InForce(name, value, source, field.get_default(), field.description or "")


def all_in_force() -> list[InForce]:
    """Every run-time setting."""
    return [in_force(name) for name in RUN_TIME]


def is_set_by_operator(name: str) -> bool:
    """Whether the environment or the file sets it, which counts before any choice."""
    return name in settings.CONFIG.model_fields_set


def checked(name: str, value: object) -> int | str:
    """A value that a setting may have; raises Invalid."""
    field: FieldInfo = Config.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    try:
        found: int | str = TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        raise Invalid("setting_invalid", field="values", setting=name, rule=error.errors()[0]["msg"]) from error
    if name == ZONE and found in NO_PLACES:
        raise Invalid("time_zone_invalid", field="values")
    return found


def forget() -> None:
    """Read what was chosen anew when it is next asked for."""
    global _kept
    with _keeping:
        _kept = Kept(_kept.chosen, 0.0)


def _found(name: str) -> tuple[Any, Source]:
    """The value of a run-time setting, and where it came from."""
    if is_set_by_operator(name):
        return getattr(settings.CONFIG, name), "operator"
    if name in (chosen := _chosen()):
        return chosen[name], "administrator"
    return getattr(settings.CONFIG, name), "default"


def _readable(rows: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What counts here of what was chosen: a zone, for one, may have come from a host that knows more of them."""
    for name, value in rows:
        try:
            yield name, checked(name, value)
        except Invalid as error:
            logger.warning("the chosen value of %s does not count: %s", name, error)


def _chosen() -> Mapping[str, Any]:
    """What administrators chose; what was known last while the database cannot tell."""
    global _kept
    known = _kept
    if clock.count() < known.until:
        return known.chosen
    chosen = known.chosen
    with suppress(DatabaseError), transaction.atomic():  # a failure must not end the transaction around it
        chosen = dict(_readable(Setting.objects.filter(name__in=RUN_TIME).values_list("name", "value")))
    with _keeping:
        if _kept is known:  # otherwise a choice was made while these were read, or another thread was first
            _kept = Kept(chosen, clock.count() + KEPT_FOR)
    return chosen
