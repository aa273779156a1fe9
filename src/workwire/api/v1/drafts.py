"""What operations that save a draft answer: the whole version, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workwire.api.v1.version_checks import FindingOut, findings_of
from workwire.api.v1.version_shapes import VersionDetail, version_detail
from workwire.kernel.actor import Actor

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion


class DraftOut(VersionDetail):
    """A draft as it was saved, with what is wrong with it."""

    findings: list[FindingOut]


def draft_out(row: ProcessVersion, by: Actor) -> dict[str, Any]:
    """A draft with what is wrong with it."""
    return version_detail(row, by) | {"findings": findings_of(row)}
