"""The features a role may hold, and the built-in roles."""

from __future__ import annotations

from dataclasses import dataclass

ADMINISTRATOR = "administrator"
ALL_RECORDS = "all_records"
PROCESS_BUILDER = "process_builder"
WORK_ITEMS = "work_items"
ASSIGN_WORK = "assign_work"
SELF_SERVICE = "self_service"

FEATURES = {
    ADMINISTRATOR: "Sees all records; manages users, roles, user groups and data permissions.",
    ALL_RECORDS: "Sees all records, whatever the data permissions say.",
    PROCESS_BUILDER: "Configures companies, contracts, services, processes and schedules; subscribes to webhooks.",
    WORK_ITEMS: "Starts and works on tickets, cases and actions, and writes communications.",
    ASSIGN_WORK: "Gives work items to others and takes them away.",
    SELF_SERVICE: "Starts tickets and cases and follows them in self service.",
}

SEES_ALL = (ADMINISTRATOR, ALL_RECORDS)
OPERATIONAL, BUILDER = "operational", "builder"


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role every installation has."""

    name: str
    kind: str
    features: tuple[str, ...]


BUILT_IN_ROLES = (
    BuiltInRole("Team Member", OPERATIONAL, (WORK_ITEMS,)),
    BuiltInRole("Team Leader", OPERATIONAL, (WORK_ITEMS, ASSIGN_WORK)),
    BuiltInRole("Self Service", OPERATIONAL, (SELF_SERVICE,)),
    BuiltInRole("Robot", OPERATIONAL, (WORK_ITEMS,)),
    BuiltInRole("Process Builder", BUILDER, (PROCESS_BUILDER,)),
    BuiltInRole("Administrator", BUILDER, (ADMINISTRATOR, PROCESS_BUILDER)),
)
