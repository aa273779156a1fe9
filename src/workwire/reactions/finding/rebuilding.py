"""Making all documents of a kind anew, by a job: for an installation that had no index, for documents of another form, and
where an administrator asks for it. Events are handled meanwhile; whoever writes documents reads what they are made of only
while nobody else writes any, so none is older than its record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from workwire.jobs import commands as jobs
from workwire.jobs.kinds import Done, JobKind, More, Piece, Wanted
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.reactions.finding import index_state
from workwire.reactions.finding.documents import SOURCES, documents_of
from workwire.reactions.finding.full_text import BEHIND_ALL, index
from workwire.reactions.finding.index_state import GUIDS
from workwire.reactions.finding.models import Kind

JOB = "finding.rebuild"
PIECE = 250  # records


def make_anew(kind: Kind, *, by: Actor = SYSTEM) -> None:
    """Ask for all documents of a kind to be made anew; inside a transaction. A job under way begins again."""
    index_state.ask_anew(kind)
    jobs.ensure(JOB, by=by, subject=GUIDS[kind])


@transaction.atomic
def make_all_anew() -> None:
    """Ask for all documents of every kind to be made anew."""
    for kind in Kind:
        make_anew(kind)


def rebuild(piece: Piece, _answer: Any) -> More | Done:
    """Make the documents of the next records, the newest first, and remove those of records that are gone."""
    begun = time.monotonic()
    kind = next(kind for kind, guid in GUIDS.items() if guid == piece.record)
    index().write_alone()
    anew, rows = index_state.times_anew(kind), SOURCES[kind].rows().order_by("-pk")
    upto, done, total = BEHIND_ALL, 0, rows.order_by().count() if piece.cursor is None else piece.total
    if piece.cursor is not None and piece.cursor["anew"] == anew:
        upto, done = piece.cursor["upto"], piece.done
    numbers = list(rows.filter(pk__lte=upto).values_list("pk", flat=True)[:PIECE])
    after = numbers[-1] - 1 if len(numbers) == PIECE else 0
    made, _ = documents_of(kind, numbers)
    index().put(kind, made)
    index().remove(kind, index().records_between(kind, after, upto) - {one.record for one in made})
    done += len(made)
    if after > 0:
        return More({"anew": anew, "upto": after}, done=done, total=total, after=_pause(begun))
    index_state.note_whole(kind)
    return Done({"documents": done}, done=done)


def _pause(begun: float) -> timedelta:
    """As long as a piece took, on the embedded database: there others cannot write meanwhile."""
    taken = time.monotonic() - begun
    return timedelta(0) if connection.vendor == "postgresql" else timedelta(seconds=taken)


def wanted() -> Iterator[Wanted]:
    """A job for each kind whose documents are not all there."""
    now = clock.now()
    return (Wanted(GUIDS[kind], None, now) for kind in index_state.missing())


KIND = JobKind(JOB, "upkeep", rebuild, wanted=wanted)
