"""The work items that a text names exactly: by GUID, reference, the number in it, or a value of a field with a short code."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from workwire.access import queries as access
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.ids import parse_guid
from workwire.kernel.wording import Statement, statement
from workwire.reactions.finding.asked import Term
from workwire.reactions.finding.found import Found, found_item
from workwire.reactions.finding.models import Kind
from workwire.rooms.offering.commands.data_fields import LONGEST_CODE
from workwire.rooms.work import data_search, lists
from workwire.rooms.work import queries as work

MOST = 50  # of each way
_SHORTEST_VALUE = 2


def found(kind: Kind, search: str, terms: Sequence[Term], by: Actor) -> list[Found]:
    """The records of a kind that a text names exactly, the newest first."""
    return _items(" ".join(search.split()), terms, by) if kind == Kind.ITEM else []


def _items(search: str, terms: Sequence[Term], by: Actor) -> list[Found]:
    rows = work.items_visible_to(by)
    if guid := parse_guid(search):
        return [found_item(row, terms, statement("found_by.guid"), is_exact=True) for row in rows.filter(guid=guid)]
    called, coded = lists.called(search), _by_short_code(search, by)
    if called is None and coded is None:
        return []
    conditions = [condition for condition in (called, coded) if condition is not None]
    either = conditions[0] if len(conditions) == 1 else _either(conditions)
    newest = rows.filter(either).order_by("-pk")[:MOST]
    named = [found_item(row, terms, _why(row, search), is_exact=_is_called(row, search)) for row in newest]
    return sorted(named, key=lambda one: not one.is_exact)


def _either(conditions: Sequence[Q]) -> Q:
    """Along the index of each: databases walk none of two for an alternative."""
    parts = [work.WorkItem.objects.filter(condition).order_by("-pk").values("pk")[:MOST] for condition in conditions]
    return Q(pk__in=parts[0]) | Q(pk__in=parts[1])


def _by_short_code(search: str, by: Actor) -> Q | None:
    """Items with a value in the field of a short code, which the text names or the account has chosen; None for no field."""
    code, colon, value = search.partition(":")
    is_named = bool(colon) and len(code.strip()) <= LONGEST_CODE
    if not is_named and not (by.user_id and access.account(by).short_code):
        return None
    if len((value if is_named else search).strip()) < _SHORTEST_VALUE:
        return None
    try:
        return data_search.having(search, by)
    except Invalid:  # what stands before the colon is no short code
        return None


def _is_called(row: work.WorkItem, search: str) -> bool:
    return row.reference == search.upper()


def _why(row: work.WorkItem, search: str) -> Statement:
    by_number = (row.reference or "").partition("-")[0] == search.strip()
    if _is_called(row, search) or by_number:
        return statement("found_by.reference")
    return statement("found_by.value")
