"""Files: what is kept, under which name and type, who may read it, and what is swept away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from tests.support import upkeep
from tests.support.recorded import recorded
from tests.support.waiting import eventually
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import DomainError, Invalid
from workwire.kernel.ids import new_guid
from workwire.rooms.files import commands, queries
from workwire.rooms.files.commands import FileWish, TagWish, uploading
from workwire.rooms.files.models import FileTag, ItemFile, Source, StoredFile, TemporaryFile
from workwire.rooms.files.storage import LocalFolder, storage
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.job_lanes import JobLane
from workwire.worker.lanes import Lane

PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage of the test's own, with room for one MiB a file."""
    configured = settings.CONFIG.model_copy(update={"files_dir": tmp_path / "files", "largest_file_mb": 1})
    monkeypatch.setattr(settings, "CONFIG", configured)
    return tmp_path / "files"


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def ticket(open_ticket: Callable[..., WorkItem]) -> WorkItem:
    """A draft of the team member."""
    return open_ticket()


def _contents(folder: Path) -> list[Path]:
    return [path for path in folder.glob("??/??/*") if path.is_file()]


def _read(file: ItemFile) -> bytes:
    with queries.contents(file.stored) as content:
        return content.read()


def test_a_file_is_kept_whole_readable_by_the_owner_only(ticket: WorkItem, by: Actor, folder: Path) -> None:
    file = work.attach_file(ticket, FileWish(data=PDF, file_name="C:\\Users\\mei\\paid.pdf", note="Proof."), by=by)
    assert (file.file_name, file.note, file.stored.size, file.stored.media_type) == (
        "paid.pdf",
        "Proof.",
        len(PDF),
        "application/pdf",
    )
    assert _read(file) == PDF
    (path,) = _contents(folder)
    assert path.stat().st_mode & 0o077 == 0
    assert "paid" not in str(path)


def test_attaching_is_one_change_of_the_work_item(ticket: WorkItem, by: Actor) -> None:
    with recorded() as found:
        work.attach_file(ticket, FileWish(data=PDF, file_name="a.pdf"), by=by)
    assert found.only.name == "WorkItemUpdated"
    assert found.only.record_guid == ticket.guid


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (FileWish(file_name="a.pdf"), "file_data_required"),
        (FileWish(data=PDF), "file_name_required"),
        (FileWish(data=PDF, file_name="..."), "file_name_required"),
        (FileWish(data=PDF, file_name="/"), "file_name_required"),
        (FileWish(data=PDF, temporary_guid=UUID(int=1), file_name="a"), "file_data_or_temporary"),
        (FileWish(temporary_guid=UUID(int=1)), "temporary_file_not_found"),
        (FileWish(data=PDF, file_name="a", source=Source.EMAIL), "email_attachment_must_have_guid"),
        (FileWish(data=PDF, file_name="a", tags=(TagWish(UUID(int=1)),)), "file_tag_not_found"),
        (FileWish(guid=UUID(int=1), note="x"), "item_file_not_found"),
        (FileWish(data=b"x" * (1024 * 1024 + 1), file_name="a"), "file_too_large"),
    ],
)
def test_a_wrong_wish_is_refused_and_leaves_nothing(
    wish: FileWish, code: str, ticket: WorkItem, by: Actor, folder: Path
) -> None:
    with recorded() as found, pytest.raises(DomainError) as refusal:
        work.attach_file(ticket, wish, by=by)
    assert refusal.value.code == code
    assert found.events == []
    assert not ItemFile.objects.exists()
    assert not StoredFile.objects.exists()


def test_the_content_and_name_of_a_file_never_change(ticket: WorkItem, by: Actor) -> None:
    file = work.attach_file(ticket, FileWish(data=PDF, file_name="a.pdf"), by=by)
    for wish, code in (
        (FileWish(guid=file.guid, data=b"y"), "file_data_update_not_allowed"),
        (FileWish(guid=file.guid, temporary_guid=new_guid()), "file_replace_not_allowed"),
        (FileWish(guid=file.guid, file_name="b.pdf"), "file_name_changed"),
    ):
        with pytest.raises(Invalid) as refusal:
            work.update(ticket, by=by, files=[wish])
        assert refusal.value.code == code


def test_tags_are_given_and_taken_and_a_removed_file_is_gone(ticket: WorkItem, by: Actor) -> None:
    tag = FileTag.objects.get(name="Invoice")
    file = work.attach_file(ticket, FileWish(data=PDF, file_name="a.pdf", tags=(TagWish(tag.guid),)), by=by)
    (shown,) = queries.files_of(ticket.pk)
    assert [held.tag.name for held in shown.tags.all()] == ["Invoice"]
    with recorded() as found:
        for _ in range(2):  # the second time there is nothing to take away
            work.update(ticket, by=by, files=[FileWish(guid=file.guid, tags=(TagWish(tag.guid, retired=True),))])
    assert found.only.name == "WorkItemUpdated"
    work.update(ticket, by=by, files=[FileWish(guid=file.guid, retired=True)])
    assert list(queries.files_of(ticket.pk)) == []
    with pytest.raises(Invalid, match="no such file"):
        work.update(ticket, by=by, files=[FileWish(guid=file.guid, note="again")])


def test_an_upload_is_its_uploaders_used_once_and_over_after_a_day(
    ticket: WorkItem, by: Actor, actors: dict[str, Actor]
) -> None:
    upload = commands.prepare([PDF[:50], PDF[50:]], "up.pdf", by=by)
    with pytest.raises(Invalid, match="temporary file"):
        work.attach_file(ticket, FileWish(temporary_guid=upload.guid), by=actors["process builder"])
    file = work.attach_file(ticket, FileWish(temporary_guid=upload.guid), by=by)
    assert (file.file_name, _read(file)) == ("up.pdf", PDF)
    with pytest.raises(Invalid, match="temporary file"):
        work.attach_file(ticket, FileWish(temporary_guid=upload.guid), by=by)
    late = commands.prepare([PDF], "late.pdf", by=by)
    TemporaryFile.objects.filter(pk=late.pk).update(created_at=clock.now() - timedelta(hours=25))
    with pytest.raises(Invalid, match="temporary file"):
        work.attach_file(ticket, FileWish(temporary_guid=late.guid), by=by)


def _sweep(at: datetime) -> int:
    """Run the sweep at a moment; returns how many contents went."""
    with clock.frozen(at):
        removed: int = upkeep.run("files.sweep")["removed"]
    return removed


def test_a_transaction_rolled_back_leaves_no_row_and_the_sweep_takes_its_content(
    ticket: WorkItem, by: Actor, folder: Path
) -> None:
    wishes = [FileWish(data=PDF, file_name="a.pdf"), FileWish(data=PDF)]
    with pytest.raises(Invalid):
        work.update(ticket, by=by, files=wishes)
    assert not StoredFile.objects.exists()
    (orphan,) = _contents(folder)
    assert _sweep(clock.now()) == 0  # it may belong to a transaction that is under way
    assert _sweep(clock.now() + timedelta(hours=25)) == 1
    assert not orphan.exists()


def test_the_sweep_keeps_what_is_used_and_takes_what_nobody_used(ticket: WorkItem, by: Actor, folder: Path) -> None:
    kept = work.attach_file(ticket, FileWish(data=PDF, file_name="a.pdf"), by=by)
    unused = commands.prepare([b"unused"], "b.txt", by=by)
    tomorrow = clock.now() + timedelta(hours=25)
    past = clock.now() - timedelta(hours=48)
    StoredFile.objects.update(created_at=past)
    TemporaryFile.objects.update(created_at=past)
    assert _sweep(tomorrow) == 1
    assert not TemporaryFile.objects.filter(pk=unused.pk).exists()
    assert _read(kept) == PDF
    assert len(_contents(folder)) == 1


def test_a_sweep_of_slow_storage_goes_on_in_the_next_piece(
    ticket: WorkItem, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        LocalFolder(folder).save([b"orphan %d" % number], most=100)
    monkeypatch.setattr(uploading, "SWEPT_AT_A_TIME", 0.0)  # a part of the storage in each piece
    assert _sweep(clock.now() + timedelta(hours=25)) == 20
    assert _contents(folder) == []


@pytest.mark.django_db(transaction=True)
def test_a_sweep_beside_the_engine_runs_by_itself(folder: Path) -> None:
    kept = LocalFolder(folder).save([b"orphan"], most=100)
    (path,) = _contents(folder)
    old = time.time() - 3 * 24 * 3600
    os.utime(path, (old, old))
    sweeper = Lane("upkeep", JobLane("upkeep").turn)
    sweeper.start()
    eventually(lambda: not path.exists(), 10, what=kept.key)
    sweeper.join()


def test_a_content_that_is_too_large_or_breaks_off_leaves_nothing(folder: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"begin"
        raise ConnectionError("gone")

    with pytest.raises(Invalid):
        LocalFolder(folder).save([b"12345", b"67890"], most=9)
    with pytest.raises(ConnectionError):
        LocalFolder(folder).save(broken(), most=100)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "a" * 31, "A" * 32, "/etc/passwd", "0" * 32 + "\n"])
def test_only_keys_become_paths(key: str) -> None:
    with pytest.raises(FileNotFoundError):
        storage().open(key)


def test_a_file_whose_content_is_lost_is_not_found(ticket: WorkItem, by: Actor) -> None:
    file = work.attach_file(ticket, FileWish(data=PDF, file_name="a.pdf"), by=by)
    storage().delete(file.stored.key)
    with pytest.raises(DomainError) as refusal:
        queries.contents(file.stored)
    assert refusal.value.code == "file_content_not_found"
