"""The clients of the doors, for attacks on them."""

from __future__ import annotations

from tests.doors.conftest import administrator, builder, caller, member, narrow

__all__ = ["administrator", "builder", "caller", "member", "narrow"]
