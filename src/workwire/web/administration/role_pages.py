"""Roles: the list, one with its features in words and who holds it; making, copying, changing and removing one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.access import commands, features, queries
from workwire.access.policy import require_of_person, require_one_of
from workwire.kernel.actor import Actor
from workwire.kernel.ids import parse_guid
from workwire.web.administration.feature_words import GROUPS, SAID, name_of
from workwire.web.kit.overtaken import Overtaken, VersionedForm, overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, State, Words

if TYPE_CHECKING:
    from workwire.access.models import Role

MOST_SHOWN = 50
KINDS: dict[str, Words] = {
    features.OPERATIONAL: gettext_lazy("Operational"),
    features.BUILDER: gettext_lazy("Builder"),
}
BUILT_IN = frozenset(role.name for role in features.BUILT_IN_ROLES)
_FEATURE = "feature-"
_INCLUDED = State("circle-check", gettext_lazy("Included"), "ok")
_HELD = State("circle-check", gettext_lazy("Held"), "ok")
_MISSING = State("minus", gettext_lazy("Not held"), "off")


class RoleForm(VersionedForm):
    """The name of a role, and a box for each feature."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    second_factor = forms.BooleanField(
        label=gettext_lazy("Asks for a second factor"),
        required=False,
        help_text=gettext_lazy("Who holds the role can do nothing before a second factor is set up."),
    )


class NewRoleForm(RoleForm):
    """The same with the kind, which never changes."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=list(KINDS.items()),
        help_text=gettext_lazy("An account holds one operational role, and at most one builder role."),
    )


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role in the list."""

    address: str
    name: str
    kind: Words
    is_built_in: bool
    features: str
    holders: int


@dataclass(frozen=True, slots=True)
class RoleList:
    """What the list shows."""

    crumbs: tuple[Link, ...]
    rows: tuple[RoleRow, ...]
    may_make: bool


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature in words, and whether the role has it."""

    state: State
    name: Words
    sentence: Words


@dataclass(frozen=True, slots=True)
class Features:
    """Features that belong together."""

    words: Words
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class RolePage:
    """What the page of a role shows."""

    crumbs: tuple[Link, ...]
    address: str
    name: str
    kind: Words
    is_built_in: bool
    groups: tuple[Features, ...]
    holders: tuple[Link, ...]
    held_by: str
    all_holders: str
    asks_second_factor: bool
    may_ask: bool
    may_change: bool
    may_make: bool


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of features that belong together."""

    words: Words
    fields: tuple[forms.BoundField, ...]


@dataclass(frozen=True, slots=True)
class RoleEditing:
    """What the form shows."""

    crumbs: tuple[Link, ...]
    title: str
    address: str
    back: str
    form: VersionedForm
    own: tuple[forms.BoundField, ...]
    boxes: tuple[Boxes, ...]
    overtaken: Overtaken | None
    is_new: bool


@page("administration/roles.html")
def roles(visit: Visit) -> RoleList:
    """All roles."""
    require_one_of(visit.actor, features.USERS, features.ROLES)
    holders = queries.holder_counts()
    return RoleList(
        crumbs=(Link(_("Administration")), Link(_("Roles"), is_here=True)),
        rows=tuple(_row(one, holders.get(one.pk, 0)) for one in queries.roles()),
        may_make=_may_make(visit.actor),
    )


@page("administration/role.html")
def role(visit: Visit, guid: UUID) -> RolePage:
    """One role."""
    actor = visit.actor
    require_one_of(actor, features.USERS, features.ROLES)
    found = queries.role(guid)
    held = _held(found)
    count = queries.holder_counts().get(found.pk, 0)
    may_open = actor.has(features.USERS)
    may_ask = _may_make(actor) and features.with_included(held) <= _own(actor)
    return RolePage(
        crumbs=(Link(_("Administration")), Link(_("Roles"), reverse("roles")), Link(found.name, is_here=True)),
        address=reverse("role", args=[guid]),
        name=found.name,
        kind=KINDS[found.kind],
        is_built_in=found.name in BUILT_IN,
        groups=tuple(Features(words, tuple(_feature(name, held) for name in names)) for words, names in GROUPS),
        holders=tuple(
            Link(one.full_name, reverse("account", args=[one.guid]))
            for one in queries.holders(found, by=actor).order_by("full_name")[:MOST_SHOWN]
        ),
        held_by=ngettext("%(count)d account holds it", "%(count)d accounts hold it", count) % {"count": count},
        all_holders=f"{reverse('accounts')}?role={guid}" if may_open else "",
        asks_second_factor=found.requires_second_factor,
        may_ask=may_ask,
        may_change=may_ask and found.name not in BUILT_IN,
        may_make=_may_make(actor),
    )


@page("administration/role_form.html", methods=FORM)
def new_role(visit: Visit) -> RoleEditing | See:
    """Make a role, also as a copy of another one."""
    require_of_person(visit.actor, features.ROLES)
    copied = _copied(visit)
    initial: dict[str, Any] = {"kind": features.OPERATIONAL}
    if copied is not None:
        initial = {"kind": copied.kind, "name": _("Copy of %(name)s") % {"name": copied.name}}
        initial |= {"second_factor": copied.requires_second_factor}
    form = visit.form(NewRoleForm, **initial)
    _offer(form, _held(copied) if copied is not None else (), visit.actor)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            wish = form.cleaned_data
            made = commands.create_role(
                wish["name"], wish["kind"], _wanted(form), second_factor=wish["second_factor"], by=visit.actor
            )
            visit.tell(_("The role is made."))
            return See(reverse("role", args=[made.guid]))
    crumbs = (Link(_("Roles"), reverse("roles")), Link(_("New role"), is_here=True))
    return _editing(crumbs, _("New role"), reverse("new-role"), reverse("roles"), form, None, is_new=True)


@page("administration/role_form.html", methods=FORM)
def edit_role(visit: Visit, guid: UUID) -> RoleEditing | See:
    """Change the name and the features of a role."""
    require_of_person(visit.actor, features.ROLES)
    found = queries.role(guid)
    form = visit.form(RoleForm, name=found.name, second_factor=found.requires_second_factor, version=found.version)
    held = _held(found)
    _offer(form, held, visit.actor)
    back = reverse("role", args=[guid])
    faster = None
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            wish = form.cleaned_data
            kept = {name for name in held if _FEATURE + name not in form.fields}
            commands.change_role(
                found,
                by=visit.actor,
                name=wish["name"],
                features_held=kept | set(_wanted(form)),
                second_factor=wish["second_factor"],
                version=wish["version"],
            )
            visit.tell(_("Saved. Sessions of accounts whose features changed have ended."))
            return See(back)
        present: dict[str, Any] = {"name": found.name, "second_factor": found.requires_second_factor}
        present |= {_FEATURE + name: name in held for name in features.FEATURES}
        faster = overtaken(visit, form, found.guid, found.version, present)
    crumbs = (Link(_("Roles"), reverse("roles")), Link(found.name, back), Link(_("Edit"), is_here=True))
    return _editing(crumbs, found.name, reverse("edit-role", args=[guid]), back, form, faster, is_new=False)


@page("", methods=("POST",))
def ask_second_factor(visit: Visit, guid: UUID) -> See:
    """Let a role, a built-in one too, ask for a second factor, or no longer."""
    require_of_person(visit.actor, features.ROLES)
    wanted = visit.request.POST.get("wanted") == "yes"
    commands.set_second_factor_required(queries.role(guid), wanted, by=visit.actor)
    visit.tell(_("The role asks for a second factor.") if wanted else _("The role asks for a second factor no longer."))
    return See(reverse("role", args=[guid]))


@page("", methods=("POST",))
def remove_role(visit: Visit, guid: UUID) -> See:
    """Remove a role that nobody holds."""
    require_of_person(visit.actor, features.ROLES)
    found = queries.role(guid)
    commands.remove_role(found, by=visit.actor)
    visit.tell(_("The role is removed."))
    return See(reverse("roles"))


def _editing(
    crumbs: tuple[Link, ...],
    title: str,
    address: str,
    back: str,
    form: VersionedForm,
    faster: Overtaken | None,
    *,
    is_new: bool,
) -> RoleEditing:
    own = tuple(bound for bound in form.shown if not bound.name.startswith(_FEATURE))
    boxes = tuple(
        Boxes(words, tuple(form[_FEATURE + name] for name in names if _FEATURE + name in form.fields))
        for words, names in GROUPS
    )
    return RoleEditing(
        crumbs, title, address, back, form, own, tuple(one for one in boxes if one.fields), faster, is_new
    )


def _offer(form: RoleForm, held: Iterable[str], actor: Actor) -> None:
    """A box for each feature the actor may give."""
    may_give = _own(actor)
    for _words, names in GROUPS:
        for name in names:
            if name in may_give:
                form.fields[_FEATURE + name] = forms.BooleanField(
                    label=name_of(name), help_text=str(SAID[name]), required=False, initial=name in set(held)
                )


def _wanted(form: RoleForm) -> list[str]:
    return [
        name.removeprefix(_FEATURE) for name, value in form.cleaned_data.items() if name.startswith(_FEATURE) and value
    ]


def _own(actor: Actor) -> frozenset[str]:
    """The features an actor may give."""
    return frozenset(features.FEATURES) if queries.administers(actor) else actor.features


def _may_make(actor: Actor) -> bool:
    return actor.has(features.ROLES) and actor.credential_id is None


def _copied(visit: Visit) -> Role | None:
    guid = parse_guid(visit.request.GET.get("copy", ""))
    return queries.role(guid) if guid is not None else None


def _held(found: Role) -> frozenset[str]:
    return frozenset(feature.feature for feature in found.features.all())


def _row(one: Role, holders: int) -> RoleRow:
    names = [name_of(name) for _words, group in GROUPS for name in group if name in _held(one)]
    return RoleRow(
        reverse("role", args=[one.guid]),
        one.name,
        KINDS[one.kind],
        one.name in BUILT_IN,
        ", ".join(names) or _("Nothing"),
        holders,
    )


def _feature(name: str, held: frozenset[str]) -> Feature:
    state = _HELD if name in held else _INCLUDED if name in features.with_included(held) else _MISSING
    return Feature(state, name_of(name), SAID[name])
