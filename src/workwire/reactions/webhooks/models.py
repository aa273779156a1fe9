"""Tables of subscriptions, deliveries and attempts, and of the workers that send them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q

from workwire.kernel import clock, ids
from workwire.outbox.objects import ObjectType

if TYPE_CHECKING:
    from workwire.outbox.models import Event


class Format(models.TextChoices):
    """How the body of a message is wrapped."""

    PLAIN = "plain"
    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


SECRET_REMINDER = "webhooks.secret_reminder"  # noqa: S105 - a kind of timer
CERTIFICATE_REMINDER = "webhooks.certificate_reminder"
SOON = timedelta(days=30)  # that certificates end
UNWELL = Q(ended_at__isnull=True) & (
    Q(paused_at__isnull=False) | Q(failing_since__isnull=False) | Q(access_lost_at__isnull=False)
)


class Subscription(models.Model):
    """Who wants which webhook, for which object, at which URL.

    `filter_key` is what matching looks up (see `matching`). `secrets` holds the valid secrets, newest first, each
    ``{"sealed": …, "expires_at": ISO or null}``. `endpoint` is scheme, host and port of the URL, the unit of bounded
    concurrency. `client_certificate` is shown to it, and `authorities` are trusted instead of the installation's (PEM).
    `most_per_second` is how many messages a second the subscriber wants at most. `remind_at` is
    when its owner is to be told that an old secret is about to expire, `certificates_remind_at` the same of the certificates,
    with which nothing can be sent from `certificates_end_at` on. A subscription that ended keeps its row, because its log
    refers to it.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    owner = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="subscriptions")
    credential = models.ForeignKey("access.Credential", null=True, on_delete=models.PROTECT, related_name="+")
    webhook = models.SmallIntegerField()
    filter_type = models.IntegerField(default=ObjectType.NONE)  # an ObjectType
    filter_guid = models.UUIDField(null=True)
    filter_key = models.CharField(max_length=60)
    url = models.CharField(max_length=2048)
    endpoint = models.CharField(max_length=300)
    format = models.CharField(max_length=20, choices=Format.choices, default=Format.PLAIN)
    header_name = models.CharField(max_length=200, blank=True)
    header_value_sealed = models.TextField(blank=True)
    secrets = models.JSONField(default=list)
    client_certificate = models.TextField(blank=True, default="", db_default="")
    client_key_sealed = models.TextField(blank=True, default="", db_default="")
    authorities = models.TextField(blank=True, default="", db_default="")
    in_order = models.BooleanField(default=False)
    retry_schedule = models.JSONField(null=True)
    most_per_second = models.PositiveIntegerField(null=True)
    starts_after = models.BigIntegerField(default=0, db_default=0)  # a position; events up to it are not for this one
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    version = models.PositiveIntegerField(default=1)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=40, blank=True)
    failing_since = models.DateTimeField(null=True)
    access_lost_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)
    certificates_end_at = models.DateTimeField(null=True)
    certificates_remind_at = models.DateTimeField(null=True)

    secret_columns: ClassVar[frozenset[str]] = frozenset({"secrets", "header_value_sealed", "client_key_sealed"})

    class Meta:
        indexes = [
            models.Index(
                fields=["webhook", "filter_key"],
                name="subscription_match",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(fields=["remind_at"], name="subscription_remind", condition=Q(remind_at__isnull=False)),
            models.Index(fields=["id"], name="subscription_unwell", condition=UNWELL),
            models.Index(
                fields=["certificates_end_at"],
                name="subscription_certificates",
                condition=Q(ended_at__isnull=True, certificates_end_at__isnull=False),
            ),
            models.Index(fields=["owner", "-id"], name="subscription_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.guid} → {self.endpoint}"


class State(models.IntegerChoices):
    """Where a delivery stands. The first two are the queue, the others are ends that only a repair leaves."""

    DUE = 0, "due"
    SENDING = 1, "sending"
    DELIVERED = 2, "delivered"
    WITHHELD = 3, "withheld"
    GAVE_UP = 4, "gave_up"
    CANCELLED = 5, "cancelled"


class Lane(models.IntegerChoices):
    """The lanes of the queue; `queue.LANES` says which is served first. Tests go out whatever the state of their
    subscription or endpoint."""

    FRESH = 0, "fresh"
    RETRY = 1, "retry"
    BULK = 2, "bulk"
    TEST = 3, "test"


TRIED_ENOUGH, UNSUBSCRIBED = "tried_enough", "unsubscribed"  # reasons of ends; all others are reasons to withhold
UNUSUAL = {
    State.WITHHELD: ~Q(end_reason="") & ~Q(end_reason=TRIED_ENOUGH) & ~Q(end_reason=UNSUBSCRIBED),
    State.GAVE_UP: Q(end_reason=TRIED_ENOUGH),
    State.CANCELLED: Q(end_reason=UNSUBSCRIBED),
}  # ends in terms of their reason, which settling leaves alone where all goes well


class Delivery(models.Model):
    """One event prepared for one subscription, or a test message (no event, its own `test_body`): a line of the log.

    A test that carries what an event told names it as `tested_event`, and its record: who may not see that record may not see
    the test either (decision 86). Any other test is a sample.

    `state` is DUE as long as the delivery has a row in the queue, then how it ended; `end_reason` says why it ended
    otherwise than delivered. `attempts` counts the attempts recorded.

    Millions of rows: no index holds what settling changes, nor has it in its condition, so that PostgreSQL can settle in place
    (heap-only update); what ended otherwise than delivered is found by its reason. Rows of tables that never lose one are
    referred to without a constraint (decision 19).
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="deliveries", db_index=False, db_constraint=False
    )
    event = models.ForeignKey(
        "outbox.Event",
        null=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    record_guid = models.UUIDField(null=True)
    tested_event = models.ForeignKey(
        "outbox.Event", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    test_body = models.TextField(blank=True)
    state = models.SmallIntegerField(choices=State.choices, default=State.DUE)
    attempts = models.PositiveIntegerField(default=0)
    end_reason = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "subscription"], name="delivery_once"),
            models.CheckConstraint(
                name="delivery_of_event_or_test", condition=Q(event__isnull=False) ^ ~Q(test_body="")
            ),
        ]
        indexes = [
            models.Index(fields=["subscription", "-id"], name="delivery_log"),
            *(models.Index(fields=["-id"], name=f"delivery_{s.label}", condition=end) for s, end in UNUSUAL.items()),
            *(
                models.Index(fields=["subscription", "-id"], name=f"delivery_log_{s.label}", condition=end)
                for s, end in UNUSUAL.items()
            ),
            models.Index(fields=["record_guid", "-id"], name="delivery_record"),
            models.Index(fields=["created_at"], name="delivery_created"),
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.guid} {self.get_state_display()}"

    @property
    def told_event(self) -> Event | None:
        """The event that it tells of, also as a test; None for a sample. Asks a query where it is such a test."""
        return self.event or self.tested_event


class Queued(models.Model):
    """A delivery's place in the queue, from fan-out (or a repair) until it ends.

    `due_at` is when it may be claimed; claiming moves it on by the lease. `tries` counts the attempts since it was put
    here. `in_order` is the subscription's, so that the index of what has to wait is small.
    """

    delivery = models.OneToOneField(
        Delivery, primary_key=True, on_delete=models.CASCADE, related_name="queued", db_constraint=False
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    record_guid = models.UUIDField(null=True)
    lane = models.SmallIntegerField(choices=Lane.choices, default=Lane.FRESH)
    due_at = models.DateTimeField()
    claimed_by = models.UUIDField(null=True)
    tries = models.PositiveIntegerField(default=0)
    is_replay = models.BooleanField(default=False)
    in_order = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["lane", "subscription", "due_at", "delivery"],
                name="queue_ring",
                condition=Q(claimed_by__isnull=True),
            ),
            models.Index(fields=["due_at"], name="queue_leases", condition=Q(claimed_by__isnull=False)),
            models.Index(
                fields=["subscription", "record_guid", "delivery"],
                name="queue_order",
                condition=Q(in_order=True),
            ),
        ]
        verbose_name_plural = "queued"

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.get_lane_display()}"


class Attempt(models.Model):
    """One HTTP request made for a delivery. `duration` is in seconds; `answer_head` is the first bytes of the answer;
    `sent` is what `messages.headers_of` needs to tell the headers sent, secrets masked. Microseconds
    that steps took, one after the other within `duration`, are null where a step was not made, as on a kept connection, or was
    not timed."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="attempt_rows", db_index=False, db_constraint=False
    )
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration = models.FloatField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    answer_head = models.BinaryField(default=bytes)
    sent = models.CharField(max_length=400, blank=True)
    name_us = models.IntegerField(null=True)
    connect_us = models.IntegerField(null=True)
    tls_us = models.IntegerField(null=True)
    first_byte_us = models.IntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "number"], name="attempt_of_delivery")]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.status or self.error}"


class ReplayKind(models.TextChoices):
    """What is sent again: deliveries that ended, or events of the ledger that were never prepared."""

    REPLAY = "replay"
    BACKFILL = "backfill"


class ReplayState(models.TextChoices):
    """Where a replay stands; finished when all of it was queued."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Replay(models.Model):
    """A range to be sent to a subscription again, queued bit by bit (see `replays`).

    `first`, `position` and `last` are ids of deliveries, or of events for a backfill: what lies behind `position` and up to
    `last` is still to be looked at. `queued` counts the messages put into the queue so far.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="replays", db_index=False)
    kind = models.CharField(max_length=10, choices=ReplayKind.choices)
    state = models.CharField(max_length=10, choices=ReplayState.choices, default=ReplayState.RUNNING)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    states = models.JSONField(default=list)
    record_guid = models.UUIDField(null=True)
    first = models.BigIntegerField()
    position = models.BigIntegerField()
    last = models.BigIntegerField()
    queued = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="replay_running", condition=Q(state="running")),
            models.Index(fields=["subscription", "-id"], name="replay_log"),
        ]

    def __str__(self) -> str:
        return f"{self.guid} {self.state}"


class Worker(models.Model):
    """A worker process, when it was last seen alive, and what it told then (see `workers.Report`)."""

    guid = models.UUIDField(primary_key=True, default=ids.new_guid)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now, db_index=True)
    report = models.JSONField(null=True)

    class Meta:
        db_table = "dispatcher_worker"  # as older releases know it

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class WorkerSlot(models.Model):
    """How far the counts of a worker had come by the end of a quarter of an hour (see `worker_slots`)."""

    worker = models.UUIDField()
    begins = models.DateTimeField(db_index=True)
    counts = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "begins"], name="worker_slot_once")]

    def __str__(self) -> str:
        return f"{self.worker} at {self.begins}"
