"""The features a role may hold, and the built-in roles.

Every command and page asks for exactly one fine feature. *Process Builder* (documented) and *Administrator* are bundles: who
holds one holds what it `INCLUDES`, so that roles made before the fine features go on to allow what they allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

ADMINISTRATOR = "administrator"
USERS = "users"
GROUPS = "groups"
ROLES = "roles"
SETTINGS = "settings"
AUDIT = "audit"
OPERATION = "operation"
ALL_RECORDS = "all_records"
PROCESS_BUILDER = "process_builder"
COMPANIES = "companies"
PROCESSES = "processes"
RELEASES = "releases"
DATA_FIELDS = "data_fields"
SCHEDULES = "schedules"
CALENDARS = "calendars"
QUEUES = "queues"
TAGS = "tags"
WEBHOOKS = "webhooks"
WORK_ITEMS = "work_items"
ASSIGN_WORK = "assign_work"
SELF_SERVICE = "self_service"

FEATURES = {
    ADMINISTRATOR: "Sees all records, the subscriptions and credentials of all accounts; includes the six below.",
    USERS: "Manages accounts: makes, changes and retires those that may do no more than oneself.",
    GROUPS: "Manages user groups and data permissions: decides who sees which records.",
    ROLES: "Makes, changes and removes roles of features one holds.",
    SETTINGS: "Changes the settings of the installation.",
    AUDIT: "Reads the history of all records: who changed what.",
    OPERATION: "Looks at the health of the installation: workers, deliveries and failures of all accounts.",
    ALL_RECORDS: "Sees all records, whatever the data permissions say.",
    PROCESS_BUILDER: "Configures what work is about and how it runs; includes the nine below.",
    COMPANIES: "Configures companies, contracts and services.",
    PROCESSES: "Configures service lines, work types, checklists and processes, up to their release.",
    RELEASES: "Releases processes: sets a version live.",
    DATA_FIELDS: "Configures data fields.",
    SCHEDULES: "Configures schedules.",
    CALENDARS: "Configures calendars.",
    QUEUES: "Configures queues and job positions; sees all of them.",
    TAGS: "Configures contact tags and file tags.",
    WEBHOOKS: "Subscribes to webhooks, repairs and replays deliveries of its own subscriptions.",
    WORK_ITEMS: "Starts and works on tickets, cases and actions, and writes communications.",
    ASSIGN_WORK: "Gives work items to others and takes them away.",
    SELF_SERVICE: "Starts tickets and cases and follows them in self service.",
}

INCLUDES = {
    ADMINISTRATOR: frozenset({USERS, GROUPS, ROLES, SETTINGS, AUDIT, OPERATION}),
    PROCESS_BUILDER: frozenset(
        {COMPANIES, PROCESSES, RELEASES, DATA_FIELDS, SCHEDULES, CALENDARS, QUEUES, TAGS, WEBHOOKS}
    ),
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


def bind_to_self_service(held: Collection[str]) -> bool:
    """Whether all the features of an account bind it to self service, which shows less than data permissions say."""
    return SELF_SERVICE in held and WORK_ITEMS not in held


def with_included(held: Iterable[str]) -> frozenset[str]:
    """Features with all that the bundles among them include."""
    named = frozenset(held)
    return named.union(*(INCLUDES.get(feature, ()) for feature in named))


def that_allow(*wanted: str) -> frozenset[str]:
    """The features of which each allows what one of the wanted ones allows: these, and the bundles that include them."""
    return frozenset(wanted).union(bundle for bundle, included in INCLUDES.items() if included & set(wanted))
