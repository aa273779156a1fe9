"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workwire.kernel.wording import Statement


class Outcome(StrEnum):
    """How a check ended: all is well, something is worth knowing, something has to be mended."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it. `named` are records that not everybody who sees findings may see."""

    check: str
    outcome: Outcome
    said: Statement
    advice: Statement | None = None
    named: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be mended."""
        return self.outcome is not Outcome.WRONG

    @property
    def sentence(self) -> str:
        """All of it in English, as the command line says it."""
        named = f"({', '.join(self.named)})" if self.named else ""
        return " ".join(part for part in (str(self.said), named, str(self.advice or "")) if part)


def well(check: str, said: Statement) -> Finding:
    """A check that found nothing."""
    return Finding(check, Outcome.OK, said)


def worth_knowing(check: str, said: Statement, advice: Statement, *named: str) -> Finding:
    """A check that found something that needs no mending of the installation."""
    return Finding(check, Outcome.NOTE, said, advice, named)


def wrong(check: str, said: Statement, advice: Statement) -> Finding:
    """A check that found something to mend."""
    return Finding(check, Outcome.WRONG, said, advice)
