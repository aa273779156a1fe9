"""What is wrong with a version, a graph or a condition: a code with parameters, how much it matters, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workwire.kernel.wording import Statement


class Severity(StrEnum):
    """What a finding forbids: to save at all, or to go live."""

    MUST = "must"
    BEFORE_LIVE = "before_live"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `place` says where, as a path of names joined by slashes; empty for the whole."""

    said: Statement
    severity: Severity = Severity.MUST
    place: str = ""
