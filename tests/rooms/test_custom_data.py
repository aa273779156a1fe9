"""Custom data: values of every kind, as they come in and as they are kept, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.recorded import recorded
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import fields
from workwire.rooms.offering.models import DataField, FieldKind
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem

OPTIONS: dict[FieldKind, dict[str, Any]] = {
    FieldKind.LIST: {"values": ["Low", "High"]},
    FieldKind.MULTI_LEVEL_LIST: {"tree": {"Europe": {"Norway": {}, "Spain": {"Galicia": {}}}, "Asia": {}}},
    FieldKind.TABLE: {"columns": {"Item": "short_text", "Price": "decimal", "Paid": "check_box"}},
}


def _field(kind: FieldKind) -> DataField:
    return DataField(name="Field", key="field", kind=kind, options=OPTIONS.get(kind, {}))


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (FieldKind.SHORT_TEXT, " Berlin ", "Berlin"),
        (FieldKind.LONG_TEXT, "one\ntwo", "one\ntwo"),
        (FieldKind.LIST, "High", "High"),
        (FieldKind.MULTI_LEVEL_LIST, ["Europe", "Spain", "Galicia"], ["Europe", "Spain", "Galicia"]),
        (FieldKind.MULTI_LEVEL_LIST, "Europe > Norway", ["Europe", "Norway"]),
        (FieldKind.DATE, "2026-03-31", "2026-03-31"),
        (FieldKind.DATE, "2026-03-31T23:30:00+02:00", "2026-03-31"),
        (FieldKind.DATE_TIME, "2026-03-31T14:00:00+02:00", "2026-03-31T12:00:00.000Z"),
        (FieldKind.DATE_TIME, "2026-03-31T14:00:00", "2026-03-31T14:00:00.000Z"),
        (FieldKind.CHECK_BOX, "True", True),
        (FieldKind.CHECK_BOX, False, False),
        (FieldKind.DECIMAL, "12.50", 12.5),
        (FieldKind.DECIMAL, -3, -3.0),
        (FieldKind.WHOLE_NUMBER, "42", 42),
        (FieldKind.EMAIL, "mei@example.org", "mei@example.org"),
        (
            FieldKind.TABLE,
            [{"item": "Pen", "PRICE": "1.5", "Paid": True}],
            [{"Item": "Pen", "Price": 1.5, "Paid": True}],
        ),
        (FieldKind.TABLE, [{"Item": ""}], [{}]),
        *((kind, empty, None) for kind in FieldKind for empty in (None, "")),
    ],
)
def test_a_value_is_kept_in_one_form(kind: FieldKind, given: Any, kept: Any) -> None:
    assert fields.read(_field(kind), given) == kept


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [
        (FieldKind.SHORT_TEXT, "x" * 501, "short_text_too_long"),
        (FieldKind.SHORT_TEXT, 5, "short_text_too_long"),
        (FieldKind.LONG_TEXT, ["x"], "long_text_invalid"),
        (FieldKind.LIST, "Middle", "value_not_in_list"),
        (FieldKind.LIST, {"a": 1}, "value_not_in_list"),
        (FieldKind.MULTI_LEVEL_LIST, ["Europe", "Chile"], "value_not_in_multi_level_list"),
        (FieldKind.MULTI_LEVEL_LIST, ["Europe"] * 9, "multi_level_too_long"),
        (FieldKind.MULTI_LEVEL_LIST, [1], "multi_level_value_invalid"),
        (FieldKind.DATE, "31.03.2026", "date_value_invalid"),
        (FieldKind.DATE, 20260331, "date_value_invalid"),
        (FieldKind.DATE_TIME, "tomorrow", "date_time_value_invalid"),
        (FieldKind.CHECK_BOX, "yes", "check_box_value_invalid"),
        (FieldKind.CHECK_BOX, 1, "check_box_value_invalid"),
        (FieldKind.DECIMAL, "1e400", "decimal_value_invalid"),
        (FieldKind.DECIMAL, "NaN", "decimal_value_invalid"),
        (FieldKind.DECIMAL, "1e-400", "decimal_value_invalid"),
        (FieldKind.DECIMAL, "1_000", "decimal_value_invalid"),
        (FieldKind.DECIMAL, "\uff11\uff12", "decimal_value_invalid"),
        (FieldKind.DECIMAL, "\u0661\u0662", "decimal_value_invalid"),
        (FieldKind.DECIMAL, " 5", "decimal_value_invalid"),
        (FieldKind.WHOLE_NUMBER, "1_000", "whole_number_value_invalid"),
        (FieldKind.WHOLE_NUMBER, "\uff11\uff12", "whole_number_value_invalid"),
        (FieldKind.WHOLE_NUMBER, "\u0661\u0662", "whole_number_value_invalid"),
        (FieldKind.WHOLE_NUMBER, 10**15, "whole_number_value_invalid"),
        (FieldKind.WHOLE_NUMBER, "1234567890123456", "whole_number_value_invalid"),
        (FieldKind.DECIMAL, True, "decimal_value_invalid"),
        (FieldKind.DECIMAL, "1.2345678901234567", "decimal_value_invalid"),
        (FieldKind.WHOLE_NUMBER, "1.5", "whole_number_value_invalid"),
        (FieldKind.WHOLE_NUMBER, 10**16, "whole_number_value_invalid"),
        (FieldKind.EMAIL, "mei at example", "email_value_invalid"),
        (FieldKind.TABLE, {"Item": "Pen"}, "table_invalid"),
        (FieldKind.TABLE, [{}] * 1001, "table_invalid"),
        (FieldKind.TABLE, [{"Colour": "red"}], "table_field_not_found"),
        (FieldKind.TABLE, [{"Price": "much"}], "decimal_value_invalid"),
    ],
)
def test_a_wrong_value_is_refused_with_the_field(kind: FieldKind, given: Any, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        fields.read(_field(kind), given)
    assert refusal.value.code == code
    assert (refusal.value.field or "").startswith("Field")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(list(FieldKind)), JSON)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_is_kept_or_refused_and_what_is_kept_stays_as_it_is(kind: FieldKind, value: Any) -> None:
    field = _field(kind)
    try:
        kept = fields.read(field, value)
    except Invalid:
        return
    json.dumps(kept, allow_nan=False).encode()
    assert fields.read(field, kept) == kept


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (FieldKind.SHORT_TEXT, {"values": ["x"]}),
        (FieldKind.LIST, {}),
        (FieldKind.LIST, {"values": []}),
        (FieldKind.LIST, {"values": [1]}),
        (FieldKind.MULTI_LEVEL_LIST, {"tree": {}}),
        (FieldKind.MULTI_LEVEL_LIST, {"tree": {"a": ["b"]}}),
        (FieldKind.TABLE, {"columns": {"a": "table"}}),
        (FieldKind.TABLE, {"columns": {"a": "date", "A": "date"}}),
    ],
)
def test_a_field_is_defined_with_what_its_kind_needs(
    kind: FieldKind, options: dict[str, Any], actors: dict[str, Actor]
) -> None:
    with recorded() as found, pytest.raises(Invalid) as refusal:
        offering.create_data_field("Odd", kind, options=options, by=actors["administrator"])
    assert refusal.value.code == "options_invalid"
    assert found.events == []


def test_a_name_is_taken_whatever_its_case(actors: dict[str, Actor]) -> None:
    with pytest.raises(Conflict):
        offering.create_data_field("INVOICE", FieldKind.DATE, by=actors["administrator"])


def test_fields_are_set_one_by_one_and_emptied_by_null(
    open_ticket: Callable[..., WorkItem], actors: dict[str, Actor]
) -> None:
    ticket, by = open_ticket(), actors["team member"]
    ticket = work.update(ticket, by=by, custom_data={"invoice": "4711", "Amount": "12.5"})
    assert ticket.custom_data == {"Invoice": "4711", "Amount": 12.5}
    ticket = work.update(ticket, by=by, custom_data={"INVOICE": None, "Hurry": "High"})
    assert ticket.custom_data == {"Amount": 12.5, "Hurry": "High"}
    with recorded() as found:
        work.update(ticket, by=by, custom_data={"Amount": 12.50})
    assert found.events == []
    with recorded() as found, pytest.raises(Invalid) as refusal:
        work.update(ticket, by=by, custom_data={"Amount": 1, "Colour": "red"})
    assert refusal.value.code == "field_not_found"
    assert found.events == []


def test_a_retired_field_takes_nothing_new_and_keeps_what_it_has(
    open_ticket: Callable[..., WorkItem], actors: dict[str, Actor]
) -> None:
    ticket, by = open_ticket(), actors["team member"]
    work.update(ticket, by=by, custom_data={"Invoice": "4711"})
    offering.update_data_field(DataField.objects.get(name="Invoice"), retired=True, by=actors["administrator"])
    with pytest.raises(Invalid):
        work.update(ticket, by=by, custom_data={"Invoice": "4712"})
    assert work.update(ticket, by=by, title="Another").custom_data == {"Invoice": "4711"}
