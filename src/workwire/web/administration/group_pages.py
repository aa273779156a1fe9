"""User groups: the list, and one with its members and what they may see by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.access import commands, features, queries, sight
from workwire.access.policy import require
from workwire.kernel.errors import not_found
from workwire.kernel.pages import page as newest_page
from workwire.web.administration.editing import LEVELS, counted
from workwire.web.administration.permitted import Permitted, permitted
from workwire.web.kit.account_people import person_of
from workwire.web.kit.list_part import part_of
from workwire.web.kit.overtaken import Overtaken, VersionedForm, overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Empty, Link, Pager, Person, address

MOST_SHOWN = 200
LONGEST_TEXT = 200


class GroupForm(VersionedForm):
    """The name of a group."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)


class MemberForm(forms.Form):
    """Who is to join."""

    username = forms.CharField(
        label=gettext_lazy("User name"), max_length=150, help_text=gettext_lazy("Of the account that is to join.")
    )


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group in the list."""

    address: str
    name: str
    members: str


@dataclass(frozen=True, slots=True)
class GroupList:
    """What the list shows."""

    crumbs: tuple[Link, ...]
    rows: tuple[GroupRow, ...]
    pager: Pager
    empty: Empty


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group."""

    guid: UUID
    person: Person
    username: str
    address: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Grantable:
    """An object that can be granted."""

    level: str
    guid: UUID
    name: str


@dataclass(frozen=True, slots=True)
class GroupPage:
    """What the page of a group shows."""

    crumbs: tuple[Link, ...]
    address: str
    name: str
    form: GroupForm
    overtaken: Overtaken | None
    members: tuple[Member, ...]
    member_count: str
    joining: MemberForm
    permissions: tuple[Permitted, ...]
    hidden: int
    levels: tuple[Link, ...]
    level: str
    text: str
    grantable: tuple[Grantable, ...]
    may_change: bool


@dataclass(frozen=True, slots=True)
class GroupMaking:
    """What the form of a new group shows."""

    crumbs: tuple[Link, ...]
    form: GroupForm


@page("administration/groups.html")
def groups(visit: Visit) -> GroupList:
    """All user groups."""
    require(visit.actor, features.GROUPS)
    part = part_of(visit, lambda cursor: newest_page(queries.groups(), cursor=cursor), reverse("groups"))
    counts = queries.member_counts(part.rows)
    return GroupList(
        crumbs=(Link(_("Administration")), Link(_("User groups"), is_here=True)),
        rows=tuple(
            GroupRow(reverse("group", args=[one.guid]), one.name, _members(counts[one.pk])) for one in part.rows
        ),
        pager=part.pager,
        empty=Empty(
            "users",
            _("No groups yet"),
            _("A user group lets its members see a company, contract, service or process and all below it."),
            Link(_("Make a group"), reverse("new-group")),
        ),
    )


@page("administration/group_form.html", methods=FORM)
def new_group(visit: Visit) -> GroupMaking | See:
    """Make a user group."""
    require(visit.actor, features.GROUPS)
    form = visit.form(GroupForm)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            made = commands.create_group(form.cleaned_data["name"], by=visit.actor)
            return See(reverse("group", args=[made.guid]))
    return GroupMaking((Link(_("User groups"), reverse("groups")), Link(_("New group"), is_here=True)), form)


@page("administration/group.html", methods=FORM)
def group(visit: Visit, guid: UUID) -> GroupPage | See:
    """One group; what is sent is its name."""
    require(visit.actor, features.GROUPS)
    found = queries.group(guid)
    form = visit.form(GroupForm, name=found.name, version=found.version)
    faster = None
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.rename_group(
                found, form.cleaned_data["name"], by=visit.actor, version=form.cleaned_data["version"]
            )
            visit.tell(_("Saved."))
            return See(reverse("group", args=[guid]))
        faster = overtaken(visit, form, found.guid, found.version, {"name": found.name})
    return _shown(visit, guid, form=form, faster=faster)


@page("administration/group.html", methods=("POST",))
def add_group_member(visit: Visit, guid: UUID) -> GroupPage | See:
    """Let an account join."""
    require(visit.actor, features.GROUPS)
    joining = MemberForm(visit.request.POST)
    if joining.is_valid():
        with visit.refusals(joining):
            user = queries.user_named(joining.cleaned_data["username"], by=visit.actor, field="username")
            commands.change_members(queries.group(guid), add=[user], by=visit.actor)
            visit.tell(_("%(name)s joined.") % {"name": user.full_name})
            return See(reverse("group", args=[guid]))
    return _shown(visit, guid, joining=joining)


@page("", methods=("POST",))
def remove_group_member(visit: Visit, guid: UUID, user: UUID) -> See:
    """Let an account leave."""
    require(visit.actor, features.GROUPS)
    commands.change_members(queries.group(guid), remove=[queries.member(guid, user)], by=visit.actor)
    return See(reverse("group", args=[guid]))


@page("", methods=("POST",))
def grant_permission(visit: Visit, guid: UUID, level: str, target: UUID) -> See:
    """Let the group see an object and all below it."""
    require(visit.actor, features.GROUPS)
    commands.grant(queries.group(guid), level, _target(visit, level, target), by=visit.actor)
    visit.tell(_("Granted. It counts at once."))
    return See(reverse("group", args=[guid]))


@page("", methods=("POST",))
def revoke_permission(visit: Visit, guid: UUID, level: str, target: UUID) -> See:
    """Take a data permission back."""
    require(visit.actor, features.GROUPS)
    commands.revoke(queries.group(guid), level, _target(visit, level, target), by=visit.actor)
    visit.tell(_("Taken back. It counts at once, also for messages that wait."))
    return See(reverse("group", args=[guid]))


def _target(visit: Visit, level: str, target: UUID) -> Any:
    if level not in LEVELS:
        raise not_found("page")
    return sight.record(level, target, by=visit.actor)


def _members(count: int) -> str:
    return ngettext("%(count)s member", "%(count)s members", count) % {"count": counted(count)}


def _shown(
    visit: Visit,
    guid: UUID,
    *,
    form: GroupForm | None = None,
    joining: MemberForm | None = None,
    faster: Overtaken | None = None,
) -> GroupPage:
    actor, found, asked = visit.actor, queries.group(guid), visit.request.GET
    level, text = asked.get("level", ""), asked.get("text", "").strip()[:LONGEST_TEXT]
    level = level if level in LEVELS else "company"
    here = reverse("group", args=[guid])
    permissions, hidden = permitted(queries.permissions_of_group(found), actor)
    granted = {(one.level, one.target) for one in permissions}
    may_open = actor.has(features.USERS)
    members = sorted(found.members.all(), key=lambda one: one.full_name)
    return GroupPage(
        crumbs=(Link(_("Administration")), Link(_("User groups"), reverse("groups")), Link(found.name, is_here=True)),
        address=here,
        name=found.name,
        form=form or GroupForm(initial={"name": found.name, "version": found.version}),
        overtaken=faster,
        members=tuple(
            Member(
                one.guid,
                person_of(one),
                one.username,
                reverse("account", args=[one.guid]) if may_open else "",
                one.is_active,
            )
            for one in members[:MOST_SHOWN]
        ),
        member_count=_members(len(members)),
        joining=joining or MemberForm(),
        permissions=permissions,
        hidden=hidden,
        levels=tuple(
            Link(words, address(here, {"level": name, "text": text}), name == level) for name, words in LEVELS.items()
        ),
        level=level,
        text=text,
        grantable=tuple(
            Grantable(level, one.guid, one.name)
            for one in sight.matching(level, text, by=actor)
            if (level, one.guid) not in granted
        ),
        may_change=actor.credential_id is None,
    )
