"""Uploads: what is kept for a day until something uses it, and what is swept away afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath, PureWindowsPath

from django.db import transaction

from workwire.access import features, run_time_settings
from workwire.jobs.kinds import Done, JobKind, More, Piece
from workwire.kernel import clock, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.outbox.changes import added
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.files import events, sniffing
from workwire.rooms.files.models import StoredFile, TemporaryFile
from workwire.rooms.files.storage import PARTS, storage

LONGEST_FILE_NAME = 255
KEPT = timedelta(hours=24)
BATCH = 500
SWEPT_AT_A_TIME = 10.0  # seconds, in one piece of the sweep
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f]")  # turn the order of a name's parts, and no name needs them


def prepare(chunks: Iterable[bytes], file_name: str, *, by: Actor) -> TemporaryFile:
    """Keep an upload for a day, for its uploader to use; raises Invalid for a name that is none and a file too large."""
    if not (by.has(features.WORK_ITEMS) or by.has(features.SELF_SERVICE)):
        raise Forbidden("feature_missing.to_start")
    name = checked_name(file_name)
    stored = store(chunks)
    with transaction.atomic():
        stored.save(force_insert=True)
        kept = TemporaryFile.objects.create(stored=stored, file_name=name, uploaded_by_id=by.user_id)
        body = events.TemporaryFileUploaded(GUID=str(kept.guid), FileName=name, Size=stored.size, Digest=stored.digest)
        about = Subject(ObjectType.TEMPORARY_FILE, kept.guid)
        record(body, about=about, by=by, changes=added(stored, kept))
    return kept


def store(chunks: Iterable[bytes]) -> StoredFile:
    """Put a content into the storage; the row is not saved yet. Raises Invalid for one that is too large."""
    kept = storage().save(chunks, most=run_time_settings.value_of("largest_file_mb") * 1024 * 1024)
    return StoredFile(key=kept.key, size=kept.size, digest=kept.digest, media_type=sniffing.media_type(kept.head))


def checked_name(given: str, *, field: str = "file_name") -> str:
    """The last part of a file name as it was given, if it can be one, without what makes it look like another; raises
    Invalid."""
    name = PureWindowsPath(PurePosixPath(given).name).name
    name = text.line(_DIRECTION_MARKS.sub("", name), field=field, longest=LONGEST_FILE_NAME)
    if not name.strip("."):
        raise Invalid("file_name_required.upload", field=field)
    return name


def forget_unused(piece: Piece, swept: tuple[int, int]) -> More | Done:
    """Forget uploads that nothing used within a day, first of all, and a batch of contents that nothing refers to; then go on
    with the parts of the storage, as far as `delete_orphans` came."""
    old = piece.now - KEPT
    if piece.cursor is None:
        TemporaryFile.objects.filter(created_at__lt=old).delete()
        unused = StoredFile.objects.filter(created_at__lt=old, temporary=None, uses=None)
        keys = list(unused.values_list("key", flat=True)[:BATCH])
        StoredFile.objects.filter(key__in=keys, temporary=None, uses=None).delete()
        return More(None if len(keys) == BATCH else [0, 0], total=PARTS)
    part, removed = swept[0], piece.cursor[1] + swept[1]
    return Done({"removed": removed}, done=part) if part == PARTS else More([part, removed], done=part)


def delete_orphans(piece: Piece) -> tuple[int, int]:
    """Remove the contents of some parts of the storage that are older than a day and that nothing refers to, for some seconds
    or a part at least; returns with which part to go on and how many were removed. Outside any transaction: what is removed
    here cannot be taken back."""
    if piece.cursor is None:
        return 0, 0
    part, gone, until = piece.cursor[0], 0, clock.count() + SWEPT_AT_A_TIME
    while part < PARTS:
        gone += _delete_orphans_of(part, piece.now - KEPT)
        part += 1
        if clock.count() >= until:
            break
    return part, gone


def _delete_orphans_of(part: int, before: datetime) -> int:
    gone, contents = 0, storage()
    aged = (key for key, moment in contents.kept(part) if moment < before)
    while batch := list(islice(aged, BATCH)):
        known = set(StoredFile.objects.filter(key__in=batch).values_list("key", flat=True))
        for key in set(batch) - known:
            contents.delete(key)
            gone += 1
    return gone


SWEEPING = JobKind(
    "files.sweep",
    "upkeep",
    forget_unused,
    outward=delete_orphans,
    every=timedelta(hours=1),
    lease=timedelta(minutes=10),
)
