"""Making an account and editing one: name, login, language, zone, manager, roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import commands, features, queries
from workwire.access.commands.accounts import LONGEST_FULL_NAME, LONGEST_PASSWORD
from workwire.access.policy import require_of_person
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import named
from workwire.web.administration.editing import languages, zones
from workwire.web.kit.overtaken import Overtaken, VersionedForm, overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link

if TYPE_CHECKING:
    from workwire.access.models import Role, User

TYPES = {
    UserType.OPERATIONAL: gettext_lazy("Person who works"),
    UserType.SELF_SERVICE: gettext_lazy("Person in self service"),
    UserType.ROBOT: gettext_lazy("Robot"),
}
_NO_ROLE = ("", gettext_lazy("None"))


class AccountForm(VersionedForm):
    """What can be changed of an account."""

    full_name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST_FULL_NAME, required=False)
    email = forms.CharField(label=gettext_lazy("Mail address"), max_length=254, required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("Operational role"), help_text=gettext_lazy("What it may do with work.")
    )
    builder_role = forms.ChoiceField(
        label=gettext_lazy("Builder role"),
        help_text=gettext_lazy("What it may configure and administer."),
        required=False,
    )
    manager = forms.CharField(
        label=gettext_lazy("Manager"),
        help_text=gettext_lazy("The user name of the account it reports to."),
        max_length=150,
        required=False,
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)


class NewAccountForm(AccountForm):
    """What an account is made with."""

    username = forms.CharField(
        label=gettext_lazy("User name"), max_length=150, help_text=gettext_lazy("For signing in; it never changes.")
    )
    user_type = forms.TypedChoiceField(
        label=gettext_lazy("Type"), choices=[(kind.value, words) for kind, words in TYPES.items()], coerce=int
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        help_text=gettext_lazy("At least 10 characters; tell it to the person. Without one nobody can sign in."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        max_length=LONGEST_PASSWORD,
        required=False,
        strip=False,
    )
    field_order = ("username", "full_name", "user_type", "email", "role", "builder_role", "password", "manager")


@dataclass(frozen=True, slots=True)
class AccountEditing:
    """What the pages show."""

    crumbs: tuple[Link, ...]
    title: str
    address: str
    back: str
    form: VersionedForm
    overtaken: Overtaken | None
    is_new: bool


@page("administration/account_form.html", methods=FORM, secret=True)
def new_account(visit: Visit) -> AccountEditing | See:
    """Make an account."""
    require_of_person(visit.actor, features.USERS)
    form = visit.form(NewAccountForm)
    _offer(form)
    if visit.is_sent and form.is_valid():
        wish = form.cleaned_data
        with visit.refusals(form), named({"roles": "role"}):
            made = commands.create_user(
                wish["username"],
                wish["full_name"],
                _roles(form),
                by=visit.actor,
                password=wish["password"] or None,
                email=wish["email"],
                user_type=UserType(wish["user_type"]),
                manager=_manager(form, visit.actor),
                language=wish["language"],
                time_zone=wish["time_zone"],
            )
            visit.tell(_("The account is made."))
            return See(reverse("account", args=[made.guid]))
    here = reverse("new-account")
    crumbs = (Link(_("Accounts"), reverse("accounts")), Link(_("New account"), is_here=True))
    return AccountEditing(crumbs, _("New account"), here, reverse("accounts"), form, None, is_new=True)


@page("administration/account_form.html", methods=FORM)
def edit_account(visit: Visit, guid: UUID) -> AccountEditing | See:
    """Change an account; on a conflict show what it is now."""
    require_of_person(visit.actor, features.USERS)
    user = queries.user(guid, by=visit.actor)
    present = _present(user)
    form = visit.form(AccountForm, **present, version=user.version)
    _offer(form)
    back = reverse("account", args=[guid])
    faster = None
    if visit.is_sent and form.is_valid():
        wish = form.cleaned_data
        with visit.refusals(form), named({"roles": "role"}):
            commands.change_user(
                user,
                by=visit.actor,
                version=wish["version"],
                full_name=wish["full_name"],
                email=wish["email"],
                roles=_roles(form),
                manager=_manager(form, visit.actor),
                language=wish["language"],
                time_zone=wish["time_zone"],
            )
            visit.tell(_("Saved."))
            return See(back)
        faster = overtaken(visit, form, user.guid, user.version, present)
    else:
        queries.require_may_manage(user, visit.actor)
    crumbs = (
        Link(_("Accounts"), reverse("accounts")),
        Link(user.full_name, back),
        Link(_("Edit"), is_here=True),
    )
    here = reverse("edit-account", args=[guid])
    return AccountEditing(crumbs, user.full_name, here, back, form, faster, is_new=False)


def _offer(form: AccountForm) -> None:
    roles = list(queries.roles())
    of_kind = {
        kind: [(str(role.guid), role.name) for role in roles if role.kind == kind]
        for kind in (features.OPERATIONAL, features.BUILDER)
    }
    form.choose("role", of_kind[features.OPERATIONAL])
    form.choose("builder_role", [_NO_ROLE, *of_kind[features.BUILDER]])
    form.choose("language", languages())
    form.choose("time_zone", zones())


def _present(user: User) -> dict[str, Any]:
    held = {assignment.kind: str(assignment.role.guid) for assignment in user.role_assignments.all()}
    return {
        "full_name": user.full_name,
        "email": user.email,
        "role": held.get(features.OPERATIONAL, ""),
        "builder_role": held.get(features.BUILDER, ""),
        "manager": user.manager.username if user.manager is not None else "",
        "language": user.language,
        "time_zone": user.time_zone,
    }


def _roles(form: AccountForm) -> list[Role]:
    wanted = (form.cleaned_data["role"], form.cleaned_data["builder_role"])
    return [queries.role(UUID(guid)) for guid in wanted if guid]


def _manager(form: AccountForm, by: Actor) -> User | None:
    username = form.cleaned_data["manager"]
    return queries.user_named(username, by=by, field="manager") if username else None
