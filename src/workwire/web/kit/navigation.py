"""Where the shell leads: the places of the product, by the names of their addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from workwire.access import features
from workwire.access.policy import may_explore
from workwire.kernel.actor import Actor

Words = str | Promise


def _everybody(_actor: Actor) -> bool:
    return True


def _works(actor: Actor) -> bool:
    return actor.has(features.WORK_ITEMS)


def _works_not(actor: Actor) -> bool:
    return not _works(actor)


def _operates(actor: Actor) -> bool:
    return actor.has(features.OPERATION)


def _administers(actor: Actor) -> bool:
    return actor.has(features.ADMINISTRATOR)


def _audits(actor: Actor) -> bool:
    return actor.has(features.AUDIT)


def _manages_accounts(actor: Actor) -> bool:
    return actor.has(features.USERS)


def _sees_roles(actor: Actor) -> bool:
    return actor.has(features.USERS) or actor.has(features.ROLES)


def _manages_groups(actor: Actor) -> bool:
    return actor.has(features.GROUPS)


def _sees_all_queues(actor: Actor) -> bool:
    return actor.has(features.QUEUES) or actor.has(features.ASSIGN_WORK)


def _keeps_calendars(actor: Actor) -> bool:
    return actor.has(features.CALENDARS)


def _changes_settings(actor: Actor) -> bool:
    return actor.has(features.SETTINGS)


def _starts_work(actor: Actor) -> bool:
    return actor.has(features.WORK_ITEMS) or actor.has(features.SELF_SERVICE)


def _subscribes(actor: Actor) -> bool:
    return actor.has(features.WEBHOOKS)


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the navigation. `query` chooses a view of the page, `may` says who is shown the line, `key` leads there. On
    a phone the bar has the lines that are `on_phone`; one button leads to all others."""

    name: str
    words: Words
    icon: str
    query: str = ""
    may: Callable[[Actor], bool] = _everybody
    on_phone: bool = False
    key: str = ""

    @property
    def address(self) -> str:
        """Where it leads."""
        return reverse(self.name) + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Group:
    """Places under one heading; the first group has none."""

    words: Words
    places: tuple[Place, ...]


GROUPS = (
    Group(
        "",
        (
            Place("home", _("Home"), "house", may=_works, on_phone=True),
            Place("work", _("My work"), "inbox", "view=mine", may=_works_not, on_phone=True),
            Place("work", _("Open work"), "list", "view=open", on_phone=True),
            Place("work", _("All work"), "layers", "view=all"),
            Place("new-work", _("New work"), "plus", may=_starts_work, key="c"),
        ),
    ),
    Group(
        _("Connect"),
        (
            Place("subscriptions", _("Subscriptions"), "webhook", may=_subscribes),
            Place("deliveries", _("Deliveries"), "send", may=_subscribes, on_phone=True),
            Place("events", _("Events"), "history", may=may_explore),
            Place("catalogue", _("Catalogue"), "book-open", may=_subscribes),
        ),
    ),
    Group(
        _("Administration"),
        (
            Place("accounts", _("Accounts"), "user", may=_manages_accounts),
            Place("roles", _("Roles"), "shield", may=_sees_roles),
            Place("groups", _("User groups"), "users", may=_manages_groups),
            Place("queues", _("Queues"), "layers", may=_sees_all_queues),
            Place("calendars", _("Calendars"), "calendar", may=_keeps_calendars),
            Place("run-time-settings", _("Settings"), "settings", may=_changes_settings),
        ),
    ),
    Group(
        _("Operate"),
        (
            Place("operate", _("Overview"), "activity", may=_operates, on_phone=True),
            Place("checks", _("Checks"), "circle-check", may=_operates),
            Place("jobs", _("Jobs"), "rotate-cw", may=_administers),
            Place("audit", _("Audit"), "shield-check", may=_audits),
            Place("settings-in-force", _("Settings in force"), "rows-3", may=_operates),
        ),
    ),
)
