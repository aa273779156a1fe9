"""The table of working calendars."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids
from workwire.kernel.keys import NameKey


class Calendar(models.Model):
    """When work is done under a contract.

    `week` lists the working hours of each day, Monday first, as pairs ``["09:00", "17:00"]``; `exceptions` maps single days
    (``2026-12-24``) to theirs.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    country = models.CharField(max_length=2, blank=True)
    subdivision = models.CharField(max_length=10, blank=True)
    week = models.JSONField()
    exceptions = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="calendar_name_key_once")]

    def __str__(self) -> str:
        return self.name
