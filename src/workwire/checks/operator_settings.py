"""The settings that count in this process, and where each came from, for whoever operates the installation.

Nothing secret is told: of keys only how many there are, of an address neither user name nor password nor query.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from django.conf import settings

from workwire.access import run_time_settings
from workwire.config import Config

Origin = Literal["environment", "file", "administrator", "default"]
SECRET = frozenset({"secret_keys"})
_END = re.compile("[/?#]")  # what ends the place in an address


class SettingInForce(NamedTuple):
    """A setting: its variable, its value as it may be shown, None for none, and where that came from. `name` is empty where it
    does not change at run time."""

    variable: str
    value: str | bool | None
    origin: Origin
    name: str


def settings_in_force() -> list[SettingInForce]:
    """Every setting, in the order of their documentation."""
    given = {name.upper() for name in os.environ}
    return [_in_force(name, given) for name in Config.model_fields]


def without_secrets(text: str) -> str:
    """An address without what may be secret in it; any other text as it is."""
    scheme, has_scheme, rest = text.partition("://")
    if not has_scheme:
        return text
    place = _END.split(rest, maxsplit=1)[0]
    if "@" in rest[len(place) :]:
        return f"{scheme}://…"  # where the password ends is not certain
    return f"{scheme}://{rest.partition('?')[0].partition('#')[0].rpartition('@')[2]}"


def _in_force(name: str, given: set[str]) -> SettingInForce:
    variable, changes = f"WORKWIRE_{name.upper()}", name in run_time_settings.RUN_TIME
    value, origin = getattr(settings.CONFIG, name), _origin(name, variable in given)
    if changes and origin == "default":
        found = run_time_settings.in_force(name)
        value, origin = found.value, "administrator" if found.source == "administrator" else "default"
    return SettingInForce(variable, _shown(name, value), origin, name if changes else "")


def _origin(name: str, is_given: bool) -> Origin:
    if name not in settings.CONFIG.model_fields_set:
        return "default"
    return "environment" if is_given else "file"


def _shown(name: str, value: Any) -> str | bool | None:
    if isinstance(value, bool) or value is None:
        return value
    if name in SECRET:
        return str(len(value)) if value else None
    if isinstance(value, (str, Path)):
        return without_secrets(str(value)) or None
    return ", ".join(map(str, value)) or None if isinstance(value, Sequence) else str(value)
