"""Quick find: work, what was said, people and files by the words they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from django.http import HttpRequest
from django.utils import translation
from ninja import Field, Query, Router, Schema

from workwire.api.auth import actor
from workwire.api.numbers_as_text import Written
from workwire.api.v1.shapes import Guid, Listing, Moment, StatementOut, answers, rfc3339
from workwire.api.v1.spelling import StatusName, spelled
from workwire.kernel.errors import Invalid
from workwire.reactions.finding import queries
from workwire.reactions.finding.queries import Kind
from workwire.rooms.work.queries import Status

if TYPE_CHECKING:
    from workwire.reactions.finding.marks import Marked
    from workwire.reactions.finding.queries import Found
    from workwire.rooms.work.models import WorkItem

router = Router(tags=["find"])
KindName = Literal["work_item", "communication", "contact", "account", "file"]
MOST, OF_EACH = 50, 10


class FindQuery(Written):
    """What to look for."""

    q: str = Field(
        max_length=10_000,
        description="All words have to be there, in any case; words in quotes follow each other; the last word may go on. "
        "Very common words and those of one or two characters count in quotes only. A reference, GUID or `code: value` of a "
        "field with a short code names work items. The first 500 characters count.",
    )
    kind: KindName | None = Field(None, description="Only records of one kind, page by page; otherwise some of each.")
    limit: int = Field(OF_EACH, ge=1, le=MOST, description="How many of each kind at most.")
    cursor: str | None = Field(None, max_length=400, description="The `next_cursor` of the page before, with a `kind`.")


class PartOut(Schema):
    """A piece of a text, and whether it is what was looked for."""

    text: str
    match: bool


class FoundAtOut(Schema):
    """The work item that was found, or at which it is shown."""

    guid: Guid
    reference: str
    title: str
    status: StatusName
    due_date: Moment | None
    customer: str


class FindOut(Schema):
    """A record that was found: its title and, where that says more, the piece of text around the first match; why it was
    found; `exact` where it has the very reference or GUID. `at` is when it came."""

    kind: KindName
    guid: Guid
    title: list[PartOut]
    snippet: list[PartOut]
    why: StatementOut
    exact: bool
    work_item: FoundAtOut | None
    at: Moment | None


@router.get("/find", response=answers(Listing[FindOut]), operation_id="find")
def find(request: HttpRequest, wanted: Query[FindQuery]) -> dict[str, Any]:
    """Find work, communications, contacts, accounts and files by their words. What fits a title comes before what fits a text,
    and what is new before what is old; a page may be shorter than asked for though another one follows."""
    if wanted.cursor and wanted.kind is None:
        raise Invalid("cursor_invalid", field="cursor")
    kinds = [kind for kind in Kind if wanted.kind in (None, kind.label)]
    language = translation.get_language() or "en"
    pages = queries.find(
        wanted.q, by=actor(request), language=language, most=wanted.limit, kinds=kinds, cursor=wanted.cursor
    )
    cursors = [page.next_cursor for page in pages.values()] if wanted.kind else []
    found = [_shown(one) for page in pages.values() for one in page.found]
    return {"items": found, "next_cursor": cursors[0] if cursors else None}


def _shown(found: Found) -> dict[str, Any]:
    return {
        "kind": found.kind.label,
        "guid": str(found.record.guid),
        "title": _parts(found.title),
        "snippet": _parts(found.snippet),
        "why": found.why.as_json() | {"sentence": found.why.sentence()},
        "exact": found.is_exact,
        "work_item": _at(found.item) if found.item is not None else None,
        "at": rfc3339(found.at),
    }


def _at(item: WorkItem) -> dict[str, Any]:
    return {
        "guid": str(item.guid),
        "reference": item.reference or "",
        "title": item.title,
        "status": spelled(Status(item.status)),
        "due_date": rfc3339(item.due_date),
        "customer": item.customer.name,
    }


def _parts(marked: Marked) -> list[dict[str, Any]]:
    return [{"text": part.text, "match": part.is_match} for part in marked]
