"""What pages call the rows and columns of internal changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import Model
from django.utils import translation

from tests.support.organisation import Customer
from tests.support.rows import models
from workwire.kernel.actor import Actor
from workwire.outbox import changes
from workwire.outbox.models import Event
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.web.kit.change_words import COLUMNS, RECORDS
from workwire.web.kit.choice_words import CHOICES
from workwire.web.kit.ledger_parts import record_name, rows, value_name


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_recorded_row_and_column_has_words(model: type[Model]) -> None:
    assert record_name(model.__name__) in RECORDS
    assert _columns(model) - set(COLUMNS) == set()


def test_no_words_are_for_what_is_not_recorded() -> None:
    assert set(RECORDS) == {record_name(model.__name__) for model in models()}
    assert set(COLUMNS) == {name for model in models() for name in _columns(model)}


def test_every_value_of_a_choice_has_words_and_nothing_else_has() -> None:
    recorded = [(model, changes.columns(model())) for model in models()]
    fields = (field for model, names in recorded for field in model._meta.concrete_fields if field.attname in names)
    assert set(CHOICES) == {value_name(str(label)) for field in fields for _value, label in field.choices or ()}


def test_values_of_choices_are_said_in_the_readers_language(
    actors: dict[str, Actor], first: Customer, open_ticket: Callable[..., WorkItem]
) -> None:
    item = work.take(open_ticket(first, category_guid=first.category.guid, submit=True), by=actors["team member"])
    taken = Event.objects.filter(record_guid=item.guid).latest("pk")
    for language, said in (("en", "To do → In progress"), ("de", "Zu tun → In Arbeit")):
        with translation.override(language):
            (row,) = rows([taken], values_for=actors["team member"])
            assert said in row.values


def _columns(model: type[Model]) -> set[str]:
    """The columns and relations to many that changes of a row name, as pages look them up."""
    names = {field.attname: field.name for field in model._meta.concrete_fields}
    return {names[column] for column in changes.columns(model())} | {
        relation.name for relation in model._meta.local_many_to_many
    }
