"""Numbers that come as text, in queries and bodies: only plain digits count as one."""

from __future__ import annotations

from typing import Any, get_args

from ninja import Schema
from pydantic import ValidationInfo, field_validator

from workwire.kernel import plain_numbers


class Written(Schema):
    """Something sent, whose whole numbers may be written as text."""

    @field_validator("*", mode="before")
    @classmethod
    def _in_plain_digits(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and int in (kind, *get_args(kind)) and not plain_numbers.is_whole(value):
            raise ValueError("must be a whole number in plain digits")
        return value
