"""Tables of stored and temporary files, files of work items, file tags."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids
from workwire.kernel.keys import NameKey


class Source(models.IntegerChoices):
    """How a file came to a work item (documented names)."""

    ATTACHED = 0, "AttachedToPacket"
    EMAIL = 1, "EmailAttachment"


class StoredFile(models.Model):
    """A content in the storage under `key`; `size` in bytes, `digest` its SHA-256 in hex, `media_type` by its content."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    key = models.CharField(max_length=32, unique=True)
    size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return self.key


class TemporaryFile(models.Model):
    """An upload that waits to become a file of something."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    stored = models.OneToOneField(StoredFile, on_delete=models.CASCADE, related_name="temporary")
    file_name = models.CharField(max_length=255)
    uploaded_by = models.ForeignKey("access.User", null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return self.file_name


class FileTag(models.Model):
    """What a file is; a hidden one is not shown in self service."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=100)
    name_key = NameKey()
    description = models.TextField(blank=True)
    is_hidden = models.BooleanField(default=False)
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="file_tag_name_key_once")]

    def __str__(self) -> str:
        return self.name


class ItemFile(models.Model):
    """A file of a work item. A removed one stays as `retired`, for communications may show it."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="files")
    stored = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="uses")
    file_name = models.CharField(max_length=255)
    note = models.TextField(blank=True)
    source = models.IntegerField(choices=Source.choices, default=Source.ATTACHED)
    added_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    updated_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    retired = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["work_item", "-id"], name="file_of_item")]

    def __str__(self) -> str:
        return self.file_name


class ItemFileTag(models.Model):
    """A tag of a file of a work item."""

    item_file = models.ForeignKey(ItemFile, on_delete=models.CASCADE, related_name="tags")
    tag = models.ForeignKey(FileTag, on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item_file", "tag"], name="file_tag_once")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.tag}"
