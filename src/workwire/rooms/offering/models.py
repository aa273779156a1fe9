"""Tables of service lines, work types, processes and their versions, schedules."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from workwire.kernel import clock, ids
from workwire.kernel.keys import NameKey
from workwire.rooms.offering.flow_graphs import NodeKind, WhenEmpty


class ProcessType(models.IntegerChoices):
    """The three kinds of work item (documented numbers)."""

    CASE = 1, "Case"
    TICKET = 2, "Ticket"
    ACTION = 3, "Action"


class VersionState(models.IntegerChoices):
    """The life of a process version (documented numbers)."""

    DRAFT = 1, "Draft"
    TESTING = 2, "Testing"
    LIVE = 8, "Live"
    RETIRING = 16, "Retiring"
    ARCHIVE = 32, "Archive"


class ServiceLine(models.Model):
    """A field of work with its own ticket, case and action types."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="service_line_name_key_once")]

    def __str__(self) -> str:
        return self.name


class WorkType(models.Model):
    """A ticket type, case type or action type of a service line. It has no versions: what it says holds at once.

    Cases of a type, with their actions and sub-cases, have a primary contact and a requester where `contacts_mandatory`. Their
    records are counted, under the `record_count_label`, where `counts_records`; each is expected to take `effort_per_record`
    minutes where the version says nothing. The `process_group` gathers types that belong together.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    service_line = models.ForeignKey(ServiceLine, on_delete=models.PROTECT, related_name="work_types")
    kind = models.IntegerField(choices=ProcessType.choices)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    process_group = models.CharField(max_length=100, blank=True, default="", db_default="")
    contacts_mandatory = models.BooleanField(default=False, db_default=False)
    effort_per_record = models.PositiveIntegerField(null=True)
    counts_records = models.BooleanField(default=True, db_default=True)
    record_count_label = models.CharField(max_length=100, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service_line", "kind", "name_key"], name="work_type_name_key_once")
        ]

    def __str__(self) -> str:
        return self.name


class Process(models.Model):
    """One ticket type or case type offered under one service."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    service = models.ForeignKey("parties.Service", on_delete=models.PROTECT, related_name="processes")
    work_type = models.ForeignKey(WorkType, on_delete=models.PROTECT, related_name="processes")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "work_type"], name="process_once_per_service")]

    def __str__(self) -> str:
        return f"{self.service} · {self.work_type}"


class ProcessVersion(models.Model):
    """How a process runs: when its work is due (none means never), and to whom it goes first (see `commands.Allocation`).

    `due_rule` is a `commitments.rules.DueRule` as JSON. `revision` counts the changes, so that who edits a draft from what
    another one changed since is refused.
    """

    unrecorded_columns: ClassVar[frozenset[str]] = frozenset({"revision"})

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    process = models.ForeignKey(Process, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.IntegerField(choices=VersionState.choices, default=VersionState.DRAFT)
    due_rule = models.JSONField(null=True)
    schedule = models.ForeignKey("Schedule", null=True, on_delete=models.PROTECT, related_name="process_versions")
    queue = models.ForeignKey("work.Queue", null=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    secondary_person = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    job_position = models.ForeignKey("work.JobPosition", null=True, on_delete=models.PROTECT, related_name="+")
    secondary_job_position = models.ForeignKey(
        "work.JobPosition", null=True, on_delete=models.PROTECT, related_name="+"
    )
    requires_primary_contact = models.BooleanField(default=False)
    requires_requester = models.BooleanField(default=False)
    requires_description = models.BooleanField(default=False, db_default=False)
    title_editable = models.BooleanField(default=True, db_default=True)  # also of what was submitted
    effort_per_record = models.PositiveIntegerField(null=True)  # minutes that each record is expected to take
    revision = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["process", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["process"], name="one_live_version", condition=Q(state=VersionState.LIVE)),
        ]

    def __str__(self) -> str:
        return f"{self.process} v{self.number}"


class PartOfVersion(models.Model):
    """A part of a process version that has the same identity in the versions that were made of this one.

    `key` is the identity where it differs from the GUID.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    key = models.UUIDField(null=True)

    class Meta:
        abstract = True

    @property
    def identity(self) -> UUID:
        """What the part is called by in all versions of its process."""
        return self.key or self.guid


class TicketCategory(PartOfVersion):
    """What a ticket is about, in up to three levels; tickets name a leaf. One with a `due_rule` of its own says when its
    tickets are due, instead of the version."""

    version = models.ForeignKey(ProcessVersion, on_delete=models.CASCADE, related_name="categories")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    level = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    due_rule = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "parent", "name_key"], name="category_key_once", condition=Q(parent__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["version", "name_key"], name="top_category_key_once", condition=Q(parent=None)
            ),
            models.UniqueConstraint(fields=["version", "key"], name="category_once_in_a_version"),
            models.CheckConstraint(name="category_level", condition=Q(level__gte=1, level__lte=3)),
        ]

    def __str__(self) -> str:
        return self.name


class NumberedStep(models.Model):
    """What a step of a case and one of a case type have in common.

    After an `automatic` step the next one starts by itself, after another one the case goes to its owner. `milestone` is how
    much of the case is done with it, in per cent.
    """

    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    automatic = models.BooleanField(default=True)
    when_empty = models.CharField(
        max_length=10,
        choices=[(one.value, one.value) for one in WhenEmpty],
        default=WhenEmpty.SKIP.value,
        db_default=WhenEmpty.SKIP.value,
    )
    milestone = models.PositiveSmallIntegerField(null=True)

    class Meta:
        abstract = True


class TypeStep(NumberedStep):
    """A step that all processes of a case type have; the step of a version that is this one has its GUID as identity. What it
    says beside its name and number is where the step of a version begins."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_type = models.ForeignKey(WorkType, on_delete=models.CASCADE, related_name="steps")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work_type", "number"], name="type_step_number_once"),
            models.CheckConstraint(name="type_step_milestone", condition=Q(milestone=None) | Q(milestone__lte=100)),
        ]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}. {self.name}"


class CaseStep(PartOfVersion, NumberedStep):
    """A step of a case; its nodes and the edges between them say what runs beside and after each other. Step 0 never runs: it
    holds the actions that are only launched by hand."""

    version = models.ForeignKey(ProcessVersion, on_delete=models.CASCADE, related_name="steps")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="step_number_once"),
            models.UniqueConstraint(fields=["version", "key"], name="step_once_in_a_version"),
            models.CheckConstraint(name="step_milestone", condition=Q(milestone=None) | Q(milestone__lte=100)),
        ]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}. {self.name}"


class ActionDefinition(PartOfVersion):
    """An action a case step creates. `number` counts the actions of the step; `branch` and `position` order them. Its identity
    is the key of its node in the flow.

    To whom it goes first is its allocation (see `commands.Allocation`). A `launchable` one may also be started by hand, any
    number of times.
    """

    step = models.ForeignKey(CaseStep, on_delete=models.CASCADE, related_name="actions")
    work_type = models.ForeignKey(WorkType, on_delete=models.PROTECT, related_name="action_definitions")
    number = models.PositiveSmallIntegerField()
    branch = models.PositiveSmallIntegerField(default=1)
    position = models.PositiveSmallIntegerField(default=1)
    instructions = models.TextField(blank=True)
    due_rule = models.JSONField(null=True)
    queue = models.ForeignKey("work.Queue", null=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    secondary_person = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    job_position = models.ForeignKey("work.JobPosition", null=True, on_delete=models.PROTECT, related_name="+")
    secondary_job_position = models.ForeignKey(
        "work.JobPosition", null=True, on_delete=models.PROTECT, related_name="+"
    )
    launchable = models.BooleanField(default=False)
    effort_per_record = models.PositiveIntegerField(null=True)  # minutes, as of a version

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["step", "number"], name="action_number_once"),
            models.UniqueConstraint(fields=["step", "branch", "position"], name="action_place_once"),
        ]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.step.number}.{self.number} {self.work_type}"


class FlowNode(models.Model):
    """A node in the flow of a case version. `key` is its identity in all versions of the process.

    A condition has `branches`, tried in order: objects of `key`, `name` and `condition`, which is null in the *otherwise*.
    """

    version = models.ForeignKey(ProcessVersion, on_delete=models.CASCADE, related_name="nodes")
    step = models.ForeignKey(CaseStep, on_delete=models.CASCADE, related_name="nodes")
    key = models.UUIDField(default=ids.new_guid)
    kind = models.CharField(max_length=10, choices=[(one.value, one.value) for one in NodeKind])
    name = models.CharField(max_length=200, blank=True)
    definition = models.OneToOneField(ActionDefinition, null=True, on_delete=models.CASCADE, related_name="node")
    branches = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="node_key_once"),
            models.CheckConstraint(
                name="node_of_an_action",
                condition=Q(kind=NodeKind.ACTION.value, definition__isnull=False)
                | (~Q(kind=NodeKind.ACTION.value) & Q(definition=None)),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.key)


class FlowEdge(models.Model):
    """From a node to one that follows it in its step; out of a condition along the branch with a key."""

    version = models.ForeignKey(ProcessVersion, on_delete=models.CASCADE, related_name="edges")
    source = models.ForeignKey(FlowNode, on_delete=models.CASCADE, related_name="out_of")
    target = models.ForeignKey(FlowNode, on_delete=models.CASCADE, related_name="into")
    branch = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "target", "branch"], name="edge_once")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class ChecklistLine(models.Model):
    """A line to tick off before an action is done: of every action of a type (global), or of one action (local), which may
    stand `before` a global one, its `anchor`, or after it, and moves with that."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_type = models.ForeignKey(WorkType, null=True, on_delete=models.PROTECT, related_name="checklist")
    definition = models.ForeignKey(ActionDefinition, null=True, on_delete=models.CASCADE, related_name="checklist")
    order = models.PositiveSmallIntegerField()
    anchor = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    before = models.BooleanField(default=False, db_default=False)
    description = models.CharField(max_length=500)
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="checklist_line_of_one",
                condition=Q(work_type__isnull=False, definition=None) | Q(work_type=None, definition__isnull=False),
            )
        ]
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.description


class FieldKind(models.TextChoices):
    """What a custom data field holds."""

    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    LIST = "list"
    MULTI_LEVEL_LIST = "multi_level_list"
    DATE = "date"
    DATE_TIME = "date_time"
    CHECK_BOX = "check_box"
    DECIMAL = "decimal"
    WHOLE_NUMBER = "whole_number"
    EMAIL = "email"
    TABLE = "table"


class DataField(models.Model):
    """A custom data field that work items may carry, under one name for the whole installation.

    `options` hold what its kind needs: the values of a list, the tree of a multi-level list (a mapping of each value to
    the tree below it), the columns of a table (a mapping of each name to its kind). `key` is the name without regard to
    case, for looking up. New tickets and cases begin with the `default`. Values of a field with a `short_code` can be searched
    for; it is kept in capitals. The values of a `private` field are not shared in a family.
    """

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=100)
    key = NameKey(unique=True)
    kind = models.CharField(max_length=20, choices=FieldKind.choices)
    options = models.JSONField(default=dict)
    default = models.JSONField(null=True)
    short_code = models.CharField(max_length=2, blank=True, default="", db_default="")
    description = models.TextField(blank=True)
    private = models.BooleanField(default=False, db_default=False)
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["short_code"], name="short_code_once", condition=~Q(short_code=""))
        ]

    def __str__(self) -> str:
        return self.name


class ScheduleState(models.IntegerChoices):
    """Whether a schedule runs (documented numbers)."""

    RESUMED = 0, "Resumed"
    PAUSED = 1, "Paused"


class Schedule(models.Model):
    """Named periods and dates that work follows."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    state = models.IntegerField(choices=ScheduleState.choices, default=ScheduleState.RESUMED)
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="schedule_name_key_once")]

    def __str__(self) -> str:
        return self.name


class SchedulePeriod(models.Model):
    """One period of a schedule, with its named dates (a mapping of name to ISO date)."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="periods")
    year = models.PositiveSmallIntegerField()
    period = models.CharField(max_length=40)
    period_key = NameKey(of="period")
    start_date = models.DateField()
    dates = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "year", "period_key"], name="period_key_once")]
        ordering = ["start_date"]

    def __str__(self) -> str:
        return f"{self.period} {self.year}"
