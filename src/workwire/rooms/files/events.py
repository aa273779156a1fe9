"""What happens to uploads and file tags; files of work items are changes of the work item."""

from __future__ import annotations

from workwire.outbox.registry import Area, EventBody, event


class FileTagBody(EventBody):
    """A file tag as of the event."""

    GUID: str
    Name: str
    Retired: bool


@event("FileTagCreated")
class FileTagCreated(FileTagBody):
    """A file tag was made."""


@event("FileTagUpdated")
class FileTagUpdated(FileTagBody):
    """A file tag changed."""


@event("TemporaryFileUploaded")
class TemporaryFileUploaded(EventBody):
    """A file was uploaded, to be used later."""

    area = Area.DATA

    GUID: str
    FileName: str
    Size: int
    Digest: str
