"""Forms that change a record: a version holds off overwriting, and who was slower sees what changed and keeps either."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _

from workwire.access import queries
from workwire.web.kit.page import Visit
from workwire.web.kit.parts import Fact, Words


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
    visit: Visit,
    form: forms.Form,
    record: UUID,
    version: int,
    present: Mapping[str, Any],
    said: Mapping[str, Words] | None = None,
) -> Overtaken | None:
    """Who was faster, when the form was refused for that: then it may be sent once more, over what there is now. `present` are
    the values of the record by field, `said` the words for those that the field itself cannot put into words."""
    changed = queries.last_change(record) if visit.status == HTTPStatus.CONFLICT else None
    if changed is None or form.data.get("version") == str(version):
        return None
    sent, words = form.cleaned_data, said or {}
    differing = [
        Fact(form.fields[name].label or name, words[name] if name in words else _shown(form.fields[name], value))
        for name, value in present.items()
        if name in form.fields and sent.get(name) != value
    ]
    refill(form, version=str(version))
    return Overtaken(changed[0] or _("The system"), changed[1], tuple(differing))


def refill(form: forms.Form, **values: str) -> None:
    """Let a form that was sent come back with other values."""
    data = form.data.copy()  # type: ignore[attr-defined]  # what was sent keeps every choice of a field
    for name, value in values.items():
        data[name] = value
    form.data = data


def _shown(field: forms.Field, value: Any) -> Words:
    value = field.prepare_value(value)
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices  # pairs
        return str(dict(choices).get(value, "–"))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(value) if value else "–"
