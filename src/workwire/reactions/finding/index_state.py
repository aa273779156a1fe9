"""Whether the documents of a kind are all there, in the present form; what is missing is made by a job (`rebuilding`)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import F

from workwire.kernel import clock
from workwire.reactions.finding.documents import SOURCES
from workwire.reactions.finding.full_text import index
from workwire.reactions.finding.models import Kind, KindIndex

FORM = 1  # of documents; another number has all of them made anew
GUIDS = {kind: UUID(f"f19d0000-0000-4000-8000-{kind:012}") for kind in Kind}  # what the jobs are about


def prepare(using: str, **_: Any) -> None:
    """Make the tables that are missing; of a kind without records the index is whole. Listens to ``post_migrate``."""
    database = connections[using]
    if using != DEFAULT_DB_ALIAS or KindIndex._meta.db_table not in database.introspection.table_names():
        return
    index().prepare()
    known = set(KindIndex.objects.values_list("kind", flat=True))
    for kind in Kind:
        if kind not in known:  # what the index holds is of no record there is
            index().clear(kind)
            has_records = SOURCES[kind].rows().exists()
            KindIndex.objects.create(kind=kind, form=0 if has_records else FORM)


def missing() -> list[Kind]:
    """The kinds whose documents are not all there in the present form."""
    there = set(KindIndex.objects.filter(form=FORM).values_list("kind", flat=True))
    return [kind for kind in Kind if kind not in there]


def times_anew(kind: Kind) -> int:
    """How often the documents of a kind were asked for anew."""
    return KindIndex.objects.get_or_create(kind=kind)[0].anew


def note_whole(kind: Kind) -> None:
    """Note that the documents of a kind are all there."""
    KindIndex.objects.filter(kind=kind).update(form=FORM, made_at=clock.now())


def ask_anew(kind: Kind) -> None:
    """Note that the documents of a kind are to be made anew, from the first."""
    KindIndex.objects.get_or_create(kind=kind)
    KindIndex.objects.filter(kind=kind).update(form=0, anew=F("anew") + 1)
