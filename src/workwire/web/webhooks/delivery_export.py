"""The list of deliveries as a file: CSV for spreadsheets, JSON lines for programs; written page by page as it is sent.

Guarantee: no cell of the CSV is taken for a formula, and a file has a bounded number of lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import orjson
from django.http import StreamingHttpResponse

from workwire.kernel.clock import rfc3339
from workwire.kernel.limits import ConcurrencyLimit
from workwire.kernel.pages import MOST
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import log, queries
from workwire.reactions.webhooks.models import Attempt, Delivery
from workwire.web.kit.page import Visit, page
from workwire.web.webhooks import delivery_filters
from workwire.web.webhooks.delivery_parts import about, is_seen

MOST_LINES = 50_000
COLUMNS = (
    *("delivery", "subscription", "webhook", "state", "reason", "reference", "title", "record", "sequence"),
    *("status", "error", "duration_ms", "attempts", "created_at", "finished_at"),
)
_FORMULA_BEHIND = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")  # the wide ones count where they are typed
_EXPORTS = ConcurrencyLimit(2, "exports")
Line = dict[str, Any]


class _Lines:
    """Lines of a file, made as they are asked for; holds one of the account's places until it is closed."""

    def __init__(self, lines: Iterator[bytes], place: ExitStack) -> None:
        self._lines, self._place = lines, place

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        """Give the place back."""
        self._place.close()


@page("")
def as_csv(visit: Visit) -> StreamingHttpResponse:
    """The list as comma separated values."""
    return _file(visit, _csv, "text/csv; charset=utf-8", "deliveries.csv")


@page("")
def as_json_lines(visit: Visit) -> StreamingHttpResponse:
    """The list as a JSON object a line."""
    return _file(visit, _json_lines, "application/jsonl", "deliveries.jsonl")


def _file(
    visit: Visit, written: Callable[[Iterator[Line]], Iterator[bytes]], kind: str, name: str
) -> StreamingHttpResponse:
    wish = delivery_filters.read(visit.request.GET, visit.actor).wish(visit.actor)
    place = ExitStack()
    place.enter_context(_EXPORTS.one_for(visit.actor.user_id))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_Lines(written(_lines(visit, wish)), place), content_type=kind, headers=headers)


def _lines(visit: Visit, wish: log.Wish) -> Iterator[Line]:
    cursor, left, actor = None, MOST_LINES, visit.actor
    while left:
        part = log.page(actor, wish, limit=min(MOST, left), cursor=cursor)
        last = queries.last_attempts(part.rows)
        yield from (_line(one, last.get(one.pk)) for one in part.rows)
        cursor, left = part.next_cursor, left - len(part.rows)
        if cursor is None:
            return


def _line(delivery: Delivery, last: Attempt | None) -> Line:
    seen = is_seen(delivery)
    told, answer = about(delivery), last if seen else None
    record = delivery.record_guid if seen else None
    values = (
        str(delivery.guid),
        str(delivery.subscription.guid),
        webhooks()[delivery.subscription.webhook].name,
        queries.standing(delivery).label,
        delivery.end_reason,
        told.reference,
        str(told.title) if seen and (delivery.event_id or delivery.tested_event_id) else "",
        str(record) if record else "",
        int(told.sequence) if told.sequence else None,
        answer.status if answer else None,
        answer.error if answer else "",
        round(answer.duration * 1000, 1) if answer else None,
        delivery.attempts,
        rfc3339(delivery.created_at),
        rfc3339(delivery.finished_at),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _csv(lines: Iterator[Line]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([cell(value) for value in line.values()])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _json_lines(lines: Iterator[Line]) -> Iterator[bytes]:
    return (
        orjson.dumps({name: value for name, value in line.items() if value not in ("", None)}) + b"\n" for line in lines
    )


def cell(value: Any) -> str:
    """A value as a cell; what a spreadsheet would take for a formula is made a text, also behind a character that separates
    cells in some languages."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = _FORMULA_BEHIND.sub(r"\1'", value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
