"""What was said, copied once to a new item that is linked to another one: as a record, which is neither sent nor announced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from workwire.kernel.actor import Actor
from workwire.outbox.changes import RowChange, added
from workwire.rooms.conversations import queries
from workwire.rooms.conversations.models import Attachment, Communication, SendStatus
from workwire.rooms.files import queries as files
from workwire.rooms.files.commands.keeping import copy_rows
from workwire.rooms.work.models import WorkItem

MOST_COPIED = 500  # the newest
_ALIKE = (
    *("kind", "sender_id", "sender_address", "recipients", "copies", "blind_copies", "importance", "subject", "body"),
    *("html_body", "attachment_count", "is_resolution", "is_system_generated", "logged_at"),
)
_STILL_TO_SEND = (SendStatus.QUEUED, SendStatus.PENDING_RETRY)


def copy(origin: WorkItem, made: Sequence[WorkItem], *, by: Actor, at: datetime) -> list[RowChange]:
    """Give new items copies of what the actor sees that was said at another one and its family, with the files that came and
    went with it; returns what changed."""
    said = list(queries.communications_of(origin, by=by, related=True)[:MOST_COPIED])[::-1]
    return [change for item in made for change in _copy_to(item, said, by, at)]


def _copy_to(made: WorkItem, said: Sequence[Communication], by: Actor, at: datetime) -> list[RowChange]:
    copies = Communication.objects.bulk_create([_copied(one, made) for one in said], batch_size=50)
    attached = [(kept.file, copied) for one, copied in zip(said, copies, strict=True) for kept in one.attachments.all()]
    there = {(file.stored_id, file.file_name): file for file in files.files_of(made.pk)}
    missing = {(file.stored_id, file.file_name): file for file, _ in attached}
    new, changed = copy_rows([file for key, file in missing.items() if key not in there], made.pk, by=by, at=at)
    there |= {(file.stored_id, file.file_name): file for file in new}
    rows = Attachment.objects.bulk_create(
        Attachment(communication=copied, file=there[file.stored_id, file.file_name]) for file, copied in attached
    )
    return [*added(*copies), *changed, *added(*rows)]


def _copied(said: Communication, made: WorkItem) -> Communication:
    sent = {} if said.send_status in _STILL_TO_SEND else {"send_status": said.send_status, "sent_on": said.sent_on}
    return Communication(work_item=made, **{name: getattr(said, name) for name in _ALIKE}, **sent)
