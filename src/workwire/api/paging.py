"""How lists are paged: `?limit=` and `?cursor=` in, `items` and `next_cursor` out."""

from __future__ import annotations

from typing import Any

from ninja import Field

from workwire.api.numbers_as_text import Written
from workwire.kernel.pages import MOST


class PageQuery(Written):
    """Which part of a list is wanted."""

    limit: int = Field(50, ge=1, le=MOST, description="How many at most.")
    cursor: str | None = Field(None, max_length=400, description="The `next_cursor` of the page before.")

    def arguments(self) -> dict[str, Any]:
        """For `kernel.pages.page`."""
        return {"limit": self.limit, "cursor": self.cursor}
