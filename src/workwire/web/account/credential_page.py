"""An application credential of one's own: making one, changing it, a new secret, its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from workwire.access import commands, queries
from workwire.web.account import credential_form
from workwire.web.account.new_passwords import PresentForm
from workwire.web.kit.credential_states import state_of
from workwire.web.kit.page import FORM, See, Shown, Visit, page
from workwire.web.kit.parts import Link, State

if TYPE_CHECKING:
    from workwire.access.models import Credential


@dataclass(frozen=True, slots=True)
class NewCredential:
    """The form of a new credential."""

    crumbs: tuple[Link, ...]
    form: forms.Form
    roles: tuple[forms.BoundField, ...]


@dataclass(frozen=True, slots=True)
class CredentialPage:
    """What the page of a credential shows; `secret` is a new one, this once; `form` is there while it can be changed."""

    crumbs: tuple[Link, ...]
    name: str
    address: str
    client_id: str
    roles: str
    state: State
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    secret: str
    form: forms.Form | None
    of_renewal: forms.Form


@page("account/new_credential.html", methods=FORM, secret=True)
def new_credential(visit: Visit) -> NewCredential | Shown:
    """Make an application credential and show its secret in the answer, nowhere else."""
    roles = list(queries.own_roles(visit.actor))
    form = credential_form.new_form(visit, roles)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            made, secret = commands.create_own_credential(
                form.cleaned_data["present"],
                form.cleaned_data["name"],
                credential_form.chosen(form, roles),
                expires_at=credential_form.expiry(form),
                by=visit.actor,
            )
            return Shown("account/credential.html", _made(visit, made.guid, secret))
    return NewCredential(_crumbs(_("New credential")), form, credential_form.boxes(form))


@page("account/credential.html", methods=FORM, secret=True)
def own_credential(visit: Visit, guid: UUID) -> CredentialPage | See:
    """Show a credential, and change its name and its last day."""
    found = queries.own_credential(guid, by=visit.actor)
    form = visit.form(credential_form.CredentialForm, **_first(found))
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.update_credential(
                found,
                name=form.cleaned_data["name"],
                expires_at=credential_form.expiry(form, unless=found.expires_at),
                by=visit.actor,
            )
            visit.tell(_("Saved."))
            return See(reverse("own-credential", args=[guid]))
    return _shown(found, form)


@page("account/credential.html", methods=("POST",), secret=True)
def renew_secret(visit: Visit, guid: UUID) -> CredentialPage:
    """Make a new secret, by the present password, and show it in the answer, nowhere else."""
    found, form = queries.own_credential(guid, by=visit.actor), visit.form(PresentForm)
    if form.is_valid():
        with visit.refusals(form):
            _credential, secret = commands.renew_own_secret(form.cleaned_data["present"], found, by=visit.actor)
            return _made(visit, guid, secret)
    return _shown(found, credential_form.CredentialForm(initial=_first(found)), of_renewal=form)


@page("", methods=("POST",))
def revoke(visit: Visit, guid: UUID) -> See:
    """End a credential for good."""
    commands.revoke_credential(queries.own_credential(guid, by=visit.actor), by=visit.actor)
    visit.tell(_("Revoked. The application cannot get in any more."))
    return See(reverse("own-credentials"))


def _made(visit: Visit, guid: UUID, secret: str) -> CredentialPage:
    visit.status = HTTPStatus.CREATED
    found = queries.own_credential(guid, by=visit.actor)
    return _shown(found, credential_form.CredentialForm(initial=_first(found)), secret)


def _first(found: Credential) -> dict[str, Any]:
    """The values that a form to change a credential begins with."""
    return {"name": found.name, "expires_at": timezone.localdate(found.expires_at)}


def _shown(
    found: Credential, form: forms.Form, secret: str = "", *, of_renewal: forms.Form | None = None
) -> CredentialPage:
    return CredentialPage(
        crumbs=_crumbs(found.name),
        name=found.name,
        address=reverse("own-credential", args=[found.guid]),
        client_id=found.client_id,
        roles=", ".join(sorted(role.name for role in found.roles.all())),
        state=state_of(found),
        created_at=found.created_at,
        expires_at=found.expires_at,
        last_used_at=found.last_used_at,
        secret=secret,
        form=form if found.revoked_at is None else None,
        of_renewal=of_renewal or PresentForm(auto_id="renewal_%s"),
    )


def _crumbs(here: str) -> tuple[Link, ...]:
    return (Link(_("Applications"), reverse("own-credentials")), Link(here))
