"""Tables of the ledger and the queue."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids


class Event(models.Model):
    """Something that happened to a record; written once, never changed.

    `company_guid`, `contract_guid`, `service_guid` and `work_item_guid` name the objects the record lies under, by which
    subscriptions are matched. `body` is the documented JSON as of the event, `changes` what it changed inside (see `changes`;
    null for an event recorded before that was kept). `actor`, `actor_type` and `credential` say who did it; all are null for
    the system. `address` is where the request came from, kept of what is audited only (see `registry.AUDITED`).
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=60)
    record_type = models.IntegerField()  # an ObjectType
    record_guid = models.UUIDField()
    sequence = models.BigIntegerField()
    company_guid = models.UUIDField(null=True)
    contract_guid = models.UUIDField(null=True)
    service_guid = models.UUIDField(null=True)
    work_item_guid = models.UUIDField(null=True)
    actor = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor_type = models.SmallIntegerField(null=True)  # a UserType
    credential = models.ForeignKey(
        "access.Credential", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    address = models.CharField(max_length=64, null=True)
    occurred_at = models.DateTimeField(default=clock.now)
    body = models.TextField()
    changes = models.TextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record_guid", "sequence"], name="event_sequence_once"),
        ]
        indexes = [
            models.Index(fields=["work_item_guid", "id"], name="event_history"),
            models.Index(fields=["occurred_at"], name="event_occurred_at"),
            models.Index(fields=["name", "id"], name="event_kind"),
            models.Index(fields=["actor", "name", "id"], name="event_by_account"),
            models.Index(fields=["service_guid", "name", "id"], name="event_of_service"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.record_guid} #{self.sequence}"


class Pending(models.Model):
    """An event that waits to be fanned out; removed in the transaction that writes its deliveries. One that cannot be fanned
    out is put aside until a moment, so that it does not stop the others."""

    event = models.OneToOneField(Event, primary_key=True, on_delete=models.CASCADE, related_name="pending")
    in_bulk = models.BooleanField(default=False)
    aside_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["in_bulk", "event"], name="pending_order")]


class FeedEntry(models.Model):
    """An event that waits for a listener; removed in the transaction in which it is handled. One that cannot be handled is put
    aside until a moment."""

    listener = models.CharField(max_length=40)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+", db_index=False)
    record_guid = models.UUIDField()
    aside_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["listener", "event"], name="feed_entry_once")]
        indexes = [models.Index(fields=["listener", "record_guid", "event"], name="feed_entry_of_record")]

    def __str__(self) -> str:
        return f"event {self.event_id} for {self.listener}"


class FeedState(models.Model):
    """A listener that a worker has known: from which position on it is told what happens, how far the ledger up to there was
    looked through for it (null where that is not wanted), and when a worker knew it last."""

    listener = models.CharField(max_length=40, unique=True)
    starts_after = models.BigIntegerField()
    backfilled_to = models.BigIntegerField(null=True)
    known_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.listener} from {self.starts_after} on"


class RecordSequence(models.Model):
    """The last sequence number given to a record's events."""

    record_guid = models.UUIDField(primary_key=True)
    last = models.BigIntegerField()


class LedgerState(models.Model):
    """The one row that says which epoch the ledger is in, where it lies and whether sending is held (see `restores`)."""

    epoch = models.PositiveIntegerField(default=1)
    epoch_began_at = models.DateTimeField(null=True)
    place = models.CharField(max_length=64, blank=True)
    held = models.CharField(max_length=20, blank=True)
