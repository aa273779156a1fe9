"""The form of an application credential, a new one or one to change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from workwire.kernel import clock
from workwire.web.account.new_passwords import PresentForm
from workwire.web.kit.page import Visit

if TYPE_CHECKING:
    from workwire.access.models import Role

USUAL_LIFE = timedelta(days=365)
_OF_ROLES = "role-"


class CredentialForm(forms.Form):
    """The name and the last day of a credential; a box for each role is added to them."""

    name = forms.CharField(
        label=gettext_lazy("Name"), help_text=gettext_lazy("Which application it is for."), max_length=100
    )
    expires_at = forms.DateField(
        label=gettext_lazy("Valid until"),
        help_text=gettext_lazy("The last day, at most two years from now."),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )


class NewCredentialForm(CredentialForm, PresentForm):
    """A new credential, and the present password."""


def new_form(visit: Visit, roles: Sequence[Role]) -> forms.Form:
    """The form of a new credential as it was sent, or with its first values: a year."""
    form = visit.form(NewCredentialForm, expires_at=timezone.localdate(clock.now() + USUAL_LIFE))
    for role in roles:
        form.fields[_OF_ROLES + str(role.guid)] = forms.BooleanField(label=role.name, required=False)
    return form


def boxes(form: forms.Form) -> tuple[forms.BoundField, ...]:
    """The boxes of the roles."""
    return tuple(form[name] for name in form.fields if name.startswith(_OF_ROLES))


def expiry(form: forms.Form, *, unless: datetime | None = None) -> datetime:
    """The end of the last day, in the reader's zone; `unless` it was that day before, which then stays as it is."""
    day: date = form.cleaned_data["expires_at"]
    if unless is not None and day == timezone.localdate(unless):
        return unless
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


def chosen(form: forms.Form, roles: Sequence[Role]) -> list[Role]:
    """The roles that were chosen."""
    return [role for role in roles if form.cleaned_data[_OF_ROLES + str(role.guid)]]
