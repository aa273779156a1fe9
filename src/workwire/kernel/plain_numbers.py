"""Numbers written as text, by people and programs: plain ASCII digits, and never another number than was written.

Python itself reads ``1_000``, full-width and Arabic digits and turns ``1e-400`` into nothing; here such texts are no numbers.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

LONGEST = 40  # characters of a number
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def is_whole(written: str) -> bool:
    """Whether a text is a whole number in plain digits."""
    return len(written) <= LONGEST and _WHOLE.fullmatch(written) is not None


def whole(value: object, *, digits: int) -> int:
    """A whole number of at most so many digits, a number itself or written; raises ValueError."""
    if isinstance(value, str) and is_whole(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 10**digits:
        raise ValueError("this is no whole number of that many digits")
    return value


def decimal(value: object, *, digits: int) -> float:
    """A decimal number of at most so many significant digits, a number itself or written; raises ValueError for one that a
    JSON number does not keep exactly."""
    written = value if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(written) > LONGEST:
        raise ValueError("this is no number")
    if not _DECIMAL.fullmatch(written):
        raise ValueError("this is no number in plain digits")
    number = Decimal(written)
    kept = float(number)
    if not math.isfinite(kept) or len(number.normalize().as_tuple().digits) > digits or Decimal(repr(kept)) != number:
        raise ValueError("this number cannot be kept exactly")
    return kept or 0.0  # no minus before nothing
