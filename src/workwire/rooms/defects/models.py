"""Tables of defects, their categories, and parties at fault."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workwire.kernel import clock, ids
from workwire.kernel.keys import NameKey


class DefectCategory(models.Model):
    """What kind of thing went wrong in a service line, in up to three levels."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    service_line = models.ForeignKey("catalogue.ServiceLine", on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    level = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service_line", "parent", "name_key"],
                name="defect_category_key_once",
                condition=Q(parent__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["service_line", "name_key"], name="top_defect_category_once", condition=Q(parent=None)
            ),
            models.CheckConstraint(name="defect_category_level", condition=Q(level__gte=1, level__lte=3)),
        ]

    def __str__(self) -> str:
        return self.name


class DefectParty(models.Model):
    """Who may be at fault for a defect."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="defect_party_name_key_once")]

    def __str__(self) -> str:
        return self.name


class Defect(models.Model):
    """Something that went wrong at a work item; `logged_on_step` is the step its case was on then."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="defects", db_index=False)
    category = models.ForeignKey(DefectCategory, on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey(DefectParty, null=True, on_delete=models.PROTECT, related_name="+")
    description = models.TextField(blank=True)
    affected_records = models.PositiveIntegerField(null=True)
    logged_on_step = models.PositiveSmallIntegerField(null=True)
    added_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=clock.now)
    resolved_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    resolved_on = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["work_item", "-id"], name="defect_of_item")]

    def __str__(self) -> str:
        return f"{self.category} at {self.work_item}"
