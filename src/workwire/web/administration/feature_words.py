"""What features are called on pages, in groups, and what each lets one do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.kernel.wording import say
from workwire.web.kit.parts import Words

SAID: dict[str, Words] = {
    features.WORK_ITEMS: gettext_lazy("Starts and works on tickets, cases and actions, and writes communications."),
    features.ASSIGN_WORK: gettext_lazy("Gives work items to others and takes them away."),
    features.SELF_SERVICE: gettext_lazy(
        "Starts tickets and cases and follows them; alone it shows only what one started."
    ),
    features.ALL_RECORDS: gettext_lazy("Whatever the data permissions say."),
    features.PROCESS_BUILDER: gettext_lazy("What work is about and how it runs; includes the nine below."),
    features.COMPANIES: gettext_lazy("Configures companies, contracts and services."),
    features.PROCESSES: gettext_lazy(
        "Configures service lines, work types, checklists and processes, up to their release."
    ),
    features.RELEASES: gettext_lazy("Sets a version of a process live."),
    features.DATA_FIELDS: gettext_lazy("Configures custom data fields."),
    features.SCHEDULES: gettext_lazy("Configures schedules."),
    features.CALENDARS: gettext_lazy("Configures calendars."),
    features.QUEUES: gettext_lazy("Configures queues and job positions, and sees all of them."),
    features.TAGS: gettext_lazy("Configures contact tags and file tags."),
    features.WEBHOOKS: gettext_lazy("Subscribes to webhooks, repairs and replays deliveries of its own subscriptions."),
    features.ADMINISTRATOR: gettext_lazy("Sees all records and everything of all accounts; includes the six below."),
    features.USERS: gettext_lazy("Makes, changes and retires accounts that may do no more than oneself."),
    features.GROUPS: gettext_lazy("Manages user groups and data permissions: decides who sees which records."),
    features.ROLES: gettext_lazy("Makes, changes and removes roles of features one holds."),
    features.SETTINGS: gettext_lazy("Changes the settings of the installation."),
    features.AUDIT: gettext_lazy("Reads the history of all records: who changed what."),
    features.OPERATION: gettext_lazy(
        "Looks at the health of the installation: workers, deliveries and failures of all accounts."
    ),
}
GROUPS: tuple[tuple[Words, tuple[str, ...]], ...] = (
    (
        gettext_lazy("Work and sight"),
        (features.WORK_ITEMS, features.ASSIGN_WORK, features.SELF_SERVICE, features.ALL_RECORDS),
    ),
    (
        gettext_lazy("Configure"),
        (
            features.PROCESS_BUILDER,
            *sorted(features.INCLUDES[features.PROCESS_BUILDER], key=list(features.FEATURES).index),
        ),
    ),
    (
        gettext_lazy("Administer"),
        (features.ADMINISTRATOR, *sorted(features.INCLUDES[features.ADMINISTRATOR], key=list(features.FEATURES).index)),
    ),
)


def name_of(feature: str) -> str:
    """What a feature is called, as refusals and explanations call it, too."""
    return say(f"feature_name.{feature}", {})
