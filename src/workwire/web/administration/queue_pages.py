"""Queues: how much waits in each, one with its members and managers, making, changing and retiring them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from workwire.access import features
from workwire.access.policy import require, require_one_of
from workwire.access.queries import user_named
from workwire.kernel import clock
from workwire.kernel.errors import not_found
from workwire.kernel.pages import page as newest_page
from workwire.rooms.work import commands, queries, queue_loads
from workwire.rooms.work.queue_loads import Waiting
from workwire.web.administration.editing import counted
from workwire.web.kit.account_people import person_of
from workwire.web.kit.list_part import part_of
from workwire.web.kit.overtaken import Overtaken, VersionedForm, overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Due, Empty, Link, Pager, Person, Words, lasted

if TYPE_CHECKING:
    from workwire.access.models import User
    from workwire.rooms.work.models import Queue

MOST_SHOWN = 200
RELATIONS: dict[str, Words] = {"members": gettext_lazy("Members"), "managers": gettext_lazy("Managers")}


class QueueForm(VersionedForm):
    """What can be changed of a queue."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Description"), widget=forms.Textarea(attrs={"rows": 4}), required=False
    )
    strict = forms.BooleanField(
        label=gettext_lazy("Robots first"),
        help_text=gettext_lazy("People get from it only what robots rejected."),
        required=False,
    )


class JoiningForm(forms.Form):
    """Who is to belong to the queue."""

    username = forms.CharField(
        label=gettext_lazy("User name"), max_length=150, help_text=gettext_lazy("Of the account that is to join.")
    )

    def __init__(self, relation: str, sent: QueryDict | None = None) -> None:
        super().__init__(sent, auto_id=f"id_{relation}_%s")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue in the list, with how much waits in it."""

    address: str
    name: str
    is_retired: bool
    is_strict: bool
    waiting: str
    oldest: Due
    members: str
    managers: str


@dataclass(frozen=True, slots=True)
class QueueList:
    """What the list shows."""

    crumbs: tuple[Link, ...]
    rows: tuple[QueueRow, ...]
    pager: Pager
    empty: Empty
    may_change: bool


@dataclass(frozen=True, slots=True)
class Belonging:
    """An account that belongs to a queue."""

    guid: UUID
    person: Person
    username: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class People:
    """The members or the managers of a queue, and the form by which another one joins."""

    relation: str
    words: Words
    count: str
    shown: tuple[Belonging, ...]
    joining: JoiningForm


@dataclass(frozen=True, slots=True)
class QueuePage:
    """What the page of a queue shows."""

    crumbs: tuple[Link, ...]
    address: str
    name: str
    description: str
    is_retired: bool
    is_strict: bool
    version: int
    waiting: str
    oldest: Due
    people: tuple[People, ...]
    may_change: bool


@dataclass(frozen=True, slots=True)
class QueueEditing:
    """What the form shows."""

    crumbs: tuple[Link, ...]
    title: str
    address: str
    back: str
    form: QueueForm
    overtaken: Overtaken | None
    is_new: bool


@page("administration/queues.html")
def queues(visit: Visit) -> QueueList:
    """All queues that one sees, with how much waits in each."""
    actor = visit.actor
    require_one_of(actor, features.QUEUES, features.ASSIGN_WORK)
    part = part_of(visit, lambda cursor: newest_page(queries.queues(actor), cursor=cursor), reverse("queues"))
    waiting, now = queue_loads.waiting_in(part.rows), clock.now()
    may_change = actor.has(features.QUEUES)
    return QueueList(
        crumbs=(Link(_("Administration")), Link(_("Queues"), is_here=True)),
        rows=tuple(_row(one, waiting[one.pk], now) for one in part.rows),
        pager=part.pager,
        empty=Empty(
            "inbox",
            _("No queues yet"),
            _("Work waits in a queue until one of its members gets it or one of its managers gives it to someone."),
            Link(_("Make a queue"), reverse("new-queue")) if may_change else None,
        ),
        may_change=may_change,
    )


@page("administration/queue_form.html", methods=FORM)
def new_queue(visit: Visit) -> QueueEditing | See:
    """Make a queue."""
    require(visit.actor, features.QUEUES)
    form = visit.form(QueueForm)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            wish = form.cleaned_data
            made = commands.create_queue(
                wish["name"], description=wish["description"], strict=wish["strict"], by=visit.actor
            )
            visit.tell(_("The queue is made. Add its members."))
            return See(reverse("queue", args=[made.guid]))
    crumbs = (Link(_("Queues"), reverse("queues")), Link(_("New queue"), is_here=True))
    return QueueEditing(crumbs, _("New queue"), reverse("new-queue"), reverse("queues"), form, None, is_new=True)


@page("administration/queue.html")
def queue(visit: Visit, guid: UUID) -> QueuePage:
    """One queue."""
    require_one_of(visit.actor, features.QUEUES, features.ASSIGN_WORK)
    return _shown(visit, guid)


@page("administration/queue_form.html", methods=FORM)
def edit_queue(visit: Visit, guid: UUID) -> QueueEditing | See:
    """Change a queue."""
    require(visit.actor, features.QUEUES)
    found = queries.queue(guid, by=visit.actor)
    present = {"name": found.name, "description": found.description, "strict": found.strict}
    form, back = visit.form(QueueForm, version=found.version, **present), reverse("queue", args=[guid])
    faster = None
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            wish = form.cleaned_data
            commands.update_queue(
                found,
                by=visit.actor,
                version=wish["version"],
                name=wish["name"],
                description=wish["description"],
                strict=wish["strict"],
            )
            visit.tell(_("Saved."))
            return See(back)
        faster = overtaken(visit, form, found.guid, found.version, present)
    crumbs = (Link(_("Queues"), reverse("queues")), Link(found.name, back), Link(_("Edit"), is_here=True))
    return QueueEditing(crumbs, found.name, reverse("edit-queue", args=[guid]), back, form, faster, is_new=False)


@page("administration/queue.html", methods=("POST",))
def join_queue(visit: Visit, guid: UUID, relation: str) -> QueuePage | See:
    """Let an account belong to a queue."""
    require(visit.actor, features.QUEUES)
    joining = JoiningForm(relation, visit.request.POST)
    if joining.is_valid():
        with visit.refusals(joining):
            user = user_named(joining.cleaned_data["username"], by=visit.actor, field="username")
            found = queries.queue(guid, by=visit.actor)
            _set(visit, found, relation, [*_people(found, relation), user])
            visit.tell(_("%(name)s joined.") % {"name": user.full_name})
            return See(reverse("queue", args=[guid]))
    return _shown(visit, guid, joining={relation: joining})


@page("", methods=("POST",))
def leave_queue(visit: Visit, guid: UUID, relation: str, user: UUID) -> See:
    """Let an account no longer belong to a queue."""
    require(visit.actor, features.QUEUES)
    found = queries.queue(guid, by=visit.actor)
    people = _people(found, relation)
    if user not in {one.guid for one in people}:
        raise not_found("user")
    _set(visit, found, relation, [one for one in people if one.guid != user])
    return See(reverse("queue", args=[guid]))


@page("", methods=("POST",))
def retire_queue(visit: Visit, guid: UUID, retired: bool) -> See:
    """Retire a queue, or bring it back."""
    require(visit.actor, features.QUEUES)
    commands.update_queue(queries.queue(guid, by=visit.actor), retired=retired, by=visit.actor)
    visit.tell(_("The queue is retired.") if retired else _("The queue is back."))
    return See(reverse("queue", args=[guid]))


def _set(visit: Visit, found: Queue, relation: str, people: list[User]) -> None:
    """Set who belongs to a queue; refused where somebody else has just changed it."""
    if relation == "members":
        commands.update_queue(found, by=visit.actor, version=found.version, members=people)
    else:
        commands.update_queue(found, by=visit.actor, version=found.version, managers=people)


def _people(found: Queue, relation: str) -> list[User]:
    return list(found.members.all() if relation == "members" else found.managers.all())


def _shown(visit: Visit, guid: UUID, joining: dict[str, JoiningForm] | None = None) -> QueuePage:
    found = queries.queue(guid, by=visit.actor)
    waiting = queue_loads.waiting_in([found])[found.pk]
    return QueuePage(
        crumbs=(Link(_("Administration")), Link(_("Queues"), reverse("queues")), Link(found.name, is_here=True)),
        address=reverse("queue", args=[guid]),
        name=found.name,
        description=found.description,
        is_retired=found.retired,
        is_strict=found.strict,
        version=found.version,
        waiting=_waiting(waiting),
        oldest=_oldest(waiting.oldest_due, clock.now()),
        people=tuple(
            _belonging(relation, words, _people(found, relation), (joining or {}).get(relation))
            for relation, words in RELATIONS.items()
        ),
        may_change=visit.actor.has(features.QUEUES),
    )


def _belonging(relation: str, words: Words, people: list[User], joining: JoiningForm | None) -> People:
    shown = sorted(people, key=lambda one: one.full_name)[:MOST_SHOWN]
    return People(
        relation,
        words,
        counted(len(people)),
        tuple(Belonging(one.guid, person_of(one), one.username, one.is_active) for one in shown),
        joining or JoiningForm(relation),
    )


def _row(one: Queue, waiting: Waiting, now: datetime) -> QueueRow:
    return QueueRow(
        address=reverse("queue", args=[one.guid]),
        name=one.name,
        is_retired=one.retired,
        is_strict=one.strict,
        waiting=counted(waiting.count),
        oldest=_oldest(waiting.oldest_due, now),
        members=counted(len(_people(one, "members"))),
        managers=counted(len(_people(one, "managers"))),
    )


def _waiting(waiting: Waiting) -> str:
    return ngettext("%(count)s item waits", "%(count)s items wait", waiting.count) % {"count": counted(waiting.count)}


def _oldest(due: datetime | None, now: datetime) -> Due:
    if due is None:
        return Due("minus", _("No due date"), "off")
    if due < now:
        return Due("flag", _("Overdue %(time)s") % {"time": lasted(now - due)}, "bad", due)
    return Due("calendar", date_format(timezone.localtime(due), pgettext("format of a day", "D j M")), "off", due)
