"""Tables of what is done later."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from workwire.kernel import clock, ids


class Timer(models.Model):
    """A moment at which a record is to be moved. `ready_at` is when it may be claimed: `due_at`, moved on by the lease of a
    claim and by the pause after a failure."""

    kind = models.CharField(max_length=40)
    subject = models.UUIDField()  # the GUID of the record
    due_at = models.DateTimeField()
    ready_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="timer_once")]
        indexes = [models.Index(fields=["ready_at", "id"], name="timer_ready")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject} at {self.due_at}"


class JobState(models.TextChoices):
    """Where a job stands: waiting for its first piece or another try, between two pieces, or ended."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = Q(state__in=(JobState.WAITING, JobState.RUNNING))


class Job(models.Model):
    """Work to be done in pieces by the handler of its kind.

    `ready_at` is when the next piece may be claimed; a claim moves it on by the lease and writes its own mark, `claim`, so
    that a worker whose lease was lost writes nothing. `cursor` says where the next piece begins. `done` and `total` count what
    the kind counts; a `total` of null is not known. `tries` counts the claims since the last piece that went well, and
    `error_code` says why the last one did not. A job of nobody (`asked_by` null) is the system's. A *standing* job is planned
    anew after every run and never ends; `started_at` and `ended_at` are those of its last run.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    kind = models.CharField(max_length=40)
    lane = models.CharField(max_length=20)
    standing = models.BooleanField(default=False)
    subject = models.UUIDField(null=True)  # the GUID of the record it is about, if there is one
    arguments = models.JSONField(default=dict)
    asked_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    ready_at = models.DateTimeField()
    claim = models.UUIDField(null=True)
    tries = models.PositiveIntegerField(default=0)
    cursor = models.JSONField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    cancel_asked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Job]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="job_once", condition=OPEN),
            models.UniqueConstraint(fields=["kind"], name="job_standing", condition=OPEN & Q(standing=True)),
        ]
        indexes = [
            models.Index(fields=["lane", "ready_at", "id"], name="job_ready", condition=OPEN),
            models.Index(fields=["asked_by", "-id"], name="job_asked_by"),
            models.Index(fields=["created_at", "id"], name="job_created"),
            models.Index(fields=["kind", "-id"], name="job_kind"),
            models.Index(fields=["state", "-id"], name="job_state"),
            models.Index(fields=["ended_at"], name="job_ended", condition=~OPEN),
            models.Index(fields=["id"], name="job_failing", condition=OPEN & ~Q(error_code="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.guid}"
