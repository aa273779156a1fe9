"""The checks of the installation, as `workwire doctor` makes them."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from workwire.access import features
from workwire.api.auth import allowed
from workwire.api.v1.shapes import Moment, StatementOut, answers, rfc3339
from workwire.checks import inspection
from workwire.kernel import clock
from workwire.kernel.wording import Statement

router = Router(tags=["administration"])


class FoundOut(Schema):
    """What a check found: `ok`, a `note` that asks for no mending, or something `wrong`; and what to do about it."""

    check: str
    outcome: Literal["ok", "note", "wrong"]
    found: StatementOut
    advice: StatementOut | None


class InspectionOut(Schema):
    """All checks, made at the moment of the request; `well` says that nothing has to be mended."""

    checked_at: Moment
    well: bool
    checks: list[FoundOut]


@router.get("/checks", response=answers(InspectionOut), operation_id="check_installation")
def check_installation(request: HttpRequest) -> dict[str, Any]:
    """Check the installation: files and settings as this web process sees them, database, workers, jobs and backlog."""
    allowed(request, features.OPERATION)
    at, found = clock.now(), inspection.findings()
    return {
        "checked_at": rfc3339(at),
        "well": all(one.is_well for one in found),
        "checks": [
            {
                "check": one.check,
                "outcome": one.outcome.value,
                "found": _said(one.said),
                "advice": one.advice and _said(one.advice),
            }
            for one in found
        ],
    }


def _said(one: Statement) -> dict[str, Any]:
    return one.as_json() | {"sentence": one.sentence()}
