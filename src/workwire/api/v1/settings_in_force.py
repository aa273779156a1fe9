"""Settings that an administrator changes while the installation runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from workwire.access import commands, features, run_time_settings
from workwire.api.auth import allowed
from workwire.api.v1.shapes import In, Listing, answers, whole

router = Router(tags=["administration"])


class SettingOut(Schema):
    """A setting as it counts now. What the operator set, in the environment or the file, counts before what an administrator
    chose."""

    name: str
    value: int | str
    source: Literal["operator", "administrator", "default"]
    default: int | str
    description: str


class SettingsChange(In):
    """Values of settings by name; null goes back to the default."""

    values: dict[str, int | str | None]


@router.get("/settings", response=answers(Listing[SettingOut]), operation_id="list_settings")
def list_settings(request: HttpRequest) -> dict[str, Any]:
    """List the settings that can be changed at run time, with the values in force and where each came from."""
    allowed(request, features.SETTINGS)
    return _all()


@router.patch("/settings", response=answers(Listing[SettingOut]), operation_id="update_settings")
def update_settings(request: HttpRequest, wish: SettingsChange) -> dict[str, Any]:
    """Change settings, all or none; every process follows within three seconds."""
    commands.change_settings(wish.values, by=allowed(request, features.SETTINGS))
    return _all()


def _all() -> dict[str, Any]:
    return whole([asdict(one) for one in run_time_settings.all_in_force()])
