"""What forms of administration share: a version that holds off overwriting, and who was faster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import preferences, queries
from workwire.web.kit.page import Visit
from workwire.web.kit.parts import Fact

MOST_COUNTED = 1000
Words = str | Promise
LEVELS = {
    "company": gettext_lazy("Company"),
    "contract": gettext_lazy("Contract"),
    "service": gettext_lazy("Service"),
    "process": gettext_lazy("Process"),
}


class VersionedForm(forms.Form):
    """A form that knows which version of a record it was filled from."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @property
    def shown(self) -> list[forms.BoundField]:
        """The fields that people see."""
        return self.visible_fields()

    def choose(self, name: str, choices: Iterable[tuple[str, Any]]) -> None:
        """Let a field offer choices."""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Somebody else changed the record after the form was filled: who, when, and what it is now where that differs."""

    by: str
    at: datetime
    differing: tuple[Fact, ...]


def overtaken(
    visit: Visit, form: forms.Form, record: UUID, version: int, present: Mapping[str, Any]
) -> Overtaken | None:
    """Who was faster, when the form was refused for that: then it may be sent once more, over what there is now."""
    changed = queries.last_change(record) if visit.status == HTTPStatus.CONFLICT else None
    if changed is None or form.data.get("version") == str(version):
        return None
    sent = form.cleaned_data
    differing = [
        Fact(form.fields[name].label or name, _shown(form.fields[name], value))
        for name, value in present.items()
        if name in form.fields and sent.get(name) != value
    ]
    refill(form, version=str(version))
    return Overtaken(changed[0] or _("The system"), changed[1], tuple(differing))


def refill(form: forms.Form, **values: str) -> None:
    """Let a form that was sent come back with other values."""
    form.data = {name: form.data[name] for name in form.data} | values


def counted(count: int) -> str:
    """A number that is counted up to a thousand only."""
    if count > MOST_COUNTED:
        return _("more than %(count)s") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    return number_format(count, force_grouping=True)


def languages() -> list[tuple[str, Any]]:
    """The languages to choose from, none first."""
    return [("", _("As the browser says")), *preferences.languages().items()]


def zones() -> list[tuple[str, Any]]:
    """The time zones to choose from, none first."""
    return [("", _("As the browser says")), *((zone, zone) for zone in sorted(preferences.zones()))]


def _shown(field: forms.Field, value: Any) -> Words:
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices  # pairs
        return str(dict(choices).get(value, "–"))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(value) if value else "–"
