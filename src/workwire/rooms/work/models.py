"""The table of work items and the documented numbers in it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q, Value

from workwire.kernel import clock, ids
from workwire.kernel.keys import NameKey, SearchText
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.advancing import NodeState, Phase

_NO_VALUES = Value({}, models.JSONField())  # for processes of an older release, which know nothing of the column


class Status(models.IntegerChoices):
    """Where a work item stands (documented numbers)."""

    DRAFT = 0, "Draft"
    TO_DO = 1, "ToDo"
    IN_PROGRESS = 2, "InProgress"
    WAITING = 3, "Waiting"
    RESOLVED = 4, "Resolved"
    CLOSED = 5, "Closed"


class StatusReason(models.IntegerChoices):
    """Why a work item stands where it stands (documented numbers)."""

    NEWLY_CREATED = 0
    UPDATED_BY_RESOURCE = 1
    UPDATED_BY_INTEGRATION = 2
    NEW_INFORMATION = 4
    TIMEOUT = 5
    DATE_REACHED = 6
    ALL_SPLIT_TICKETS_COMPLETED = 7
    SUB_CASE_COMPLETED = 9
    SUB_CASE_CANCELLED = 10
    BLOCKED_BY_RULE = 11
    FEEDBACK_WINDOW_PASSED = 14
    ALL_CHILDREN_COMPLETED = 17
    PREVIOUS_STEP_COMPLETED = 18
    ACTION_UNABLE_TO_COMPLETE = 19
    UPDATED_BY_SYSTEM = 20
    REWORK = 21


class StartedBy(models.IntegerChoices):
    """What brought a work item into being (documented numbers)."""

    WORKFLOW = 0, "ByWorkflow"
    OPERATIONAL_USER = 1, "ByOperationalUser"
    SELF_SERVICE_USER = 2, "BySelfServiceUser"
    ROBOT_USER = 3, "ByRobotUser"
    EMAIL = 4, "ByEmail"
    TICKET = 5, "FromTicket"
    OPERATIONAL_USER_IN_BULK = 6, "ByOperationalUserInBulk"
    ROBOT_USER_IN_BULK = 7, "ByRobotUserInBulk"
    SCHEDULE = 8, "BySchedule"


class Rag(models.IntegerChoices):
    """How a work item stands against its due date (documented numbers)."""

    TO_BE_DETERMINED = -2
    OVERDUE = -1
    DUE_TODAY = 0
    DUE_IN_FUTURE = 1


class WaitType(models.IntegerChoices):
    """What a waiting work item waits for."""

    INFORMATION = 1
    DATE = 2
    SUB_CASE = 3
    RELATED_WORK = 4
    PAUSE = 5


class RelationKind(models.IntegerChoices):
    """How a work item is related to another one: it was made from it, went into it, or is merely linked to it."""

    SPLIT_FROM = 1
    MERGED_INTO = 2
    CONVERTED_FROM = 3
    REWORKED_FROM = 4
    LINKED = 5


class ResolutionMethod(models.TextChoices):
    """How a work item was resolved (documented names)."""

    COMMUNICATION = "CommunicationWithServiceRecipient"
    CASE_LAUNCHED = "CaseLaunched"
    NO_CUSTOMER_RESPONSE = "NoCustomerResponse"
    SPLIT = "SplitIntoMultipleTickets"
    MERGED = "Merged"
    ALL_CHILDREN_CLOSED = "AllChildWorkItemsClosed"
    CANCELLED = "Cancelled"
    DONE_SUCCESSFULLY = "DoneSuccessfully"
    NOT_DONE_SUCCESSFULLY = "NotDoneSuccessfully"
    CASE_COMPLETED = "CaseCompleted"
    REWORK = "Rework"
    REJECTED = "Rejected"
    REJECTED_AS_SPAM = "RejectedAsSpam"
    REJECTED_UNCONFIGURED_ADDRESS = "RejectedUnconfiguredEmailAddress"


class ChecklistResult(models.IntegerChoices):
    """What was answered to a line of a checklist (documented numbers)."""

    NONE = 0, "None"
    NOT_APPLICABLE = 1, "NA"
    NO = 2, "No"
    YES = 3, "Yes"


class Queue(models.Model):
    """Where work waits for its members; a `strict` one gives people only what robots rejected."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    strict = models.BooleanField(default=False)
    members = models.ManyToManyField("access.User", related_name="queues")
    managers = models.ManyToManyField("access.User", related_name="managed_queues")
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="queue_name_key_once")]

    def __str__(self) -> str:
        return self.name


class JobPosition(models.Model):
    """What several people are in the organisation; of its holders the one with the least in the inbox gets the work."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    name = models.CharField(max_length=200)
    name_key = NameKey()
    description = models.TextField(blank=True)
    holders = models.ManyToManyField("access.User", related_name="job_positions")
    retired = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key"], name="job_position_name_key_once")]

    def __str__(self) -> str:
        return self.name


class WorkItem(models.Model):
    """One ticket, case or action. The objects it lies under are copied from its process and never change by themselves."""

    unrecorded_columns: ClassVar[frozenset[str]] = frozenset(
        {"status_set_by_id", "status_set_at", "reopened_by_id", "reopened_on", "data_origins"}
    )  # which the event of the change tells by itself

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    kind = models.IntegerField(choices=ProcessType.choices)
    reference = models.CharField(max_length=60, unique=True, null=True)
    title = models.CharField(max_length=500, blank=True)
    search = SearchText(of=("title",))
    description = models.TextField(blank=True)

    customer = models.ForeignKey("parties.Company", on_delete=models.PROTECT, related_name="+")
    contract = models.ForeignKey("parties.Contract", on_delete=models.PROTECT, related_name="+")
    service = models.ForeignKey("parties.Service", on_delete=models.PROTECT, related_name="+")
    process = models.ForeignKey("catalogue.Process", on_delete=models.PROTECT, related_name="+")
    process_version = models.ForeignKey("catalogue.ProcessVersion", on_delete=models.PROTECT, related_name="+")
    work_type = models.ForeignKey("catalogue.WorkType", on_delete=models.PROTECT, related_name="+")
    category = models.ForeignKey("catalogue.TicketCategory", null=True, on_delete=models.PROTECT, related_name="+")
    definition = models.ForeignKey("catalogue.ActionDefinition", null=True, on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    goes_on_in = models.ForeignKey(  # what took a merged or converted ticket over; what was said at it is seen there
        "self", null=True, on_delete=models.PROTECT, related_name="taken_over", db_index=False
    )
    family = models.ForeignKey(  # the outermost case, which keeps what is shared; none at that and at what is alone
        "self", null=True, on_delete=models.PROTECT, related_name="members", db_index=False
    )
    current_step = models.ForeignKey("catalogue.CaseStep", null=True, on_delete=models.PROTECT, related_name="+")
    schedule_period = models.ForeignKey(
        "catalogue.SchedulePeriod", null=True, on_delete=models.PROTECT, related_name="+"
    )
    ad_hoc = models.BooleanField(default=False)  # launched by hand: the flow of its case does not wait for its success
    independent = models.BooleanField(default=False)  # a sub-case that its parent does not wait for

    status = models.IntegerField(choices=Status.choices)
    status_reason = models.IntegerField(choices=StatusReason.choices, default=StatusReason.NEWLY_CREATED)
    status_set_by = models.ForeignKey(
        "access.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    status_set_at = models.DateTimeField(null=True)
    reopened_by = models.ForeignKey(
        "access.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reopened_on = models.DateTimeField(null=True)  # the last time
    wait_type = models.IntegerField(choices=WaitType.choices, null=True)
    wait_until = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)
    attention = models.JSONField(null=True, blank=True)  # a statement: why a person must decide how a case goes on
    news_since = models.DateTimeField(null=True)  # since when there is something new at a case that nobody acknowledged
    due_date = models.DateTimeField(null=True)
    due_date_overridden = models.BooleanField(default=False)
    due_passed = models.BooleanField(default=False, db_default=False)  # its last event says that it is overdue
    due_steps = models.JSONField(default=list)  # how the due date came about, step by step
    resolution_method = models.CharField(max_length=40, choices=ResolutionMethod.choices, blank=True)
    resolved_on = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    closes_on = models.DateTimeField(null=True)  # the end of the feedback window while resolved
    closed_on = models.DateTimeField(null=True)

    assignee = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="assigned_items")
    owner = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    queue = models.ForeignKey(Queue, null=True, on_delete=models.PROTECT, related_name="items")
    keep_with = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    keep_actions_with = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    assignment = models.JSONField(null=True, blank=True)  # how it came to its assignee, owner and queue last
    robot_assignments = models.PositiveSmallIntegerField(default=0)
    robot_rejected = models.BooleanField(default=False)  # no robot gets it again
    rejected_reason = models.TextField(blank=True)
    rejected_because = models.JSONField(null=True, blank=True)  # a statement, where the reason is one of ours
    started_by_method = models.IntegerField(choices=StartedBy.choices)
    started_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    updated_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    record_count = models.PositiveIntegerField(default=1)
    custom_data = models.JSONField(default=dict)  # what a family shares, at the one that keeps it
    private_data = models.JSONField(default=dict, db_default=_NO_VALUES)  # the values of private fields
    data_origins = models.JSONField(default=dict, db_default=_NO_VALUES)  # by field, the item where it was written
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="action_lies_in_a_case", condition=~Q(kind=ProcessType.ACTION) | Q(parent__isnull=False)
            ),
            models.CheckConstraint(
                name="waiting_has_a_reason", condition=~Q(status=Status.WAITING) | Q(wait_type__isnull=False)
            ),
            models.CheckConstraint(
                name="resolved_has_a_method",
                condition=~Q(status__in=[Status.RESOLVED, Status.CLOSED]) | ~Q(resolution_method=""),
            ),
            models.CheckConstraint(
                name="in_progress_is_assigned",
                condition=~Q(status=Status.IN_PROGRESS) | Q(assignee__isnull=False) | Q(kind=ProcessType.CASE),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="item_customer"),
            models.Index(fields=["status", "due_date"], name="item_due"),
            models.Index(fields=["due_date", "id"], name="item_due_order"),
            models.Index(
                fields=["due_date"],
                name="item_due_to_pass",
                condition=Q(due_passed=False, status__in=[Status.TO_DO, Status.IN_PROGRESS]),
            ),
            models.Index(fields=["status", "-id"], name="item_status"),
            models.Index(fields=["kind", "-id"], name="item_kind"),
            models.Index(fields=["updated_at", "id"], name="item_updated"),
            models.Index(
                fields=["queue", "due_date", "id"],
                name="item_to_get",
                condition=Q(status=Status.TO_DO, assignee=None, queue__isnull=False),
            ),
            models.Index(
                fields=["queue", "due_date", "id"],
                name="item_rejected_to_get",
                condition=Q(status=Status.TO_DO, assignee=None, queue__isnull=False, robot_rejected=True),
            ),
            models.Index(
                fields=["queue", "due_date", "id"],
                name="item_news_to_get",
                condition=Q(assignee=None, kind=ProcessType.CASE, news_since__isnull=False)
                & Q(queue__isnull=False, status=Status.IN_PROGRESS),
            ),
            models.Index(
                fields=["assignee"],
                name="item_inbox",
                condition=Q(status__in=[Status.TO_DO, Status.IN_PROGRESS], assignee__isnull=False),
            ),
            models.Index(fields=["wait_until"], name="item_wait_until", condition=Q(wait_until__isnull=False)),
            models.Index(fields=["closes_on"], name="item_closes_on", condition=Q(closes_on__isnull=False)),
            models.Index(fields=["family"], name="item_family", condition=Q(family__isnull=False)),
            models.Index(fields=["goes_on_in"], name="item_taken_over", condition=Q(goes_on_in__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.reference or str(self.guid)


class SearchableValue(models.Model):
    """What a work item has in a field that can be searched for, as it is compared; written at its family's item `origin`."""

    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="searchable_values", db_index=False)
    field = models.ForeignKey("catalogue.DataField", on_delete=models.CASCADE, related_name="+", db_index=False)
    value = models.CharField(max_length=255)
    origin = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "field"], name="searchable_value_once")]
        indexes = [
            models.Index(
                fields=["field", "value", "item"],
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
                name="items_by_value",
            )
        ]

    def __str__(self) -> str:
        return self.value


class Relation(models.Model):
    """That a work item is split from, merged into, converted from or reworked from another one, or linked to it; of links the
    other one is the main item."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    kind = models.IntegerField(choices=RelationKind.choices)
    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="relations")
    other = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="relations_of_others")
    made_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "other", "kind"], name="relation_once"),
            models.CheckConstraint(name="relation_is_of_two", condition=~Q(item=models.F("other"))),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.guid}"


class FlowRun(models.Model):
    """Where a case stands in the graph of its version (`advancing.Run`): its stage, its pass, how it stands."""

    case = models.OneToOneField(WorkItem, on_delete=models.CASCADE, related_name="flow_run")
    stage = models.PositiveSmallIntegerField(default=0)
    in_pass = models.PositiveIntegerField(default=1)
    phase = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in Phase], default=Phase.RUNNING.value
    )
    ending = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.case}: {self.phase} in step {self.stage}"


class NodeRun(models.Model):
    """One node of a run in one pass: how it stands, the action it became, the branch it chose.

    What rework does again is `replaced_at` then, and stays for the history.
    """

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="nodes")
    node = models.UUIDField()  # the key of the node
    in_pass = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=[(one.value, one.value) for one in NodeState])
    branch = models.CharField(max_length=40, blank=True)
    item = models.OneToOneField(WorkItem, null=True, on_delete=models.CASCADE, related_name="node_run")
    reached_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "node", "in_pass"], name="node_once_per_pass")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.node} {self.state}"


class ConditionEvaluation(models.Model):
    """One evaluation of a condition: the branch it chose (none where it could not be evaluated) and what each branch that was
    tried saw (`conditions.Outcome` as JSON, with the key of the branch)."""

    node_run = models.ForeignKey(NodeRun, on_delete=models.CASCADE, related_name="evaluations")
    at = models.DateTimeField()
    branch = models.CharField(max_length=40, blank=True)
    tried = models.JSONField(default=list)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.node_run}: {self.branch}"


class ItemContact(models.Model):
    """A contact of a work item: a contact from outside, or an account."""

    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="contacts")
    contact = models.ForeignKey("parties.Contact", null=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=clock.now)
    tags = models.ManyToManyField("parties.ContactTag", related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="item_contact_is_one",
                condition=Q(contact__isnull=False, user=None) | Q(contact=None, user__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["item", "contact"], name="contact_once_per_item", condition=Q(contact__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["item", "user"], name="user_once_per_item", condition=Q(user__isnull=False)
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.contact or self.user)


class ChecklistItem(models.Model):
    """A line of a checklist at an action, with what was answered to it."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="checklist")
    line = models.ForeignKey("catalogue.ChecklistLine", on_delete=models.PROTECT, related_name="+")
    result = models.IntegerField(choices=ChecklistResult.choices, default=ChecklistResult.NONE)
    note = models.TextField(blank=True)
    peer_note = models.TextField(blank=True)
    checked_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    checked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.line}: {self.get_result_display()}"
