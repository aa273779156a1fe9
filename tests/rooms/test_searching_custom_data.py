"""Defaults and short codes of custom data fields, and work items that are found by what they have in a field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import queries as accounts
from workwire.access import sessions
from workwire.access.models import Role
from workwire.jobs import running
from workwire.jobs.models import OPEN, Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.commands.data_fields import RESERVED_CODES, SEARCH_JOB
from workwire.rooms.offering.models import DataField, FieldKind
from workwire.rooms.work import commands as work
from workwire.rooms.work import data_search, lists, queries
from workwire.rooms.work.models import SearchableValue, WorkItem

TREE = {"tree": {"Europe": {}}}


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator, who defines fields."""
    return actors["administrator"]


@pytest.fixture
def invoice(admin: Actor) -> DataField:
    """A short text that can be searched for."""
    return offering.update_data_field(DataField.objects.get(name="Invoice"), short_code="in", by=admin)


def _found(search: str, by: Actor) -> list[int]:
    wanted = lists.Wanted(data=data_search.having(search, by))
    return list(lists.narrowed(queries.items_visible_to(by), wanted).order_by("pk").values_list("pk", flat=True))


def _work_off() -> None:
    jobs = Job.objects.filter(OPEN, kind=SEARCH_JOB)
    while jobs.update(ready_at=clock.now()):
        job = running.claim(data_search.KIND.lane)
        assert job is not None
        running.carry_on(job, data_search.KIND)


@pytest.mark.parametrize(
    ("kind", "options", "default"),
    [
        (FieldKind.MULTI_LEVEL_LIST, TREE, ["Europe"]),
        (FieldKind.DECIMAL, {}, 1.5),
        (FieldKind.TABLE, {"columns": {"Item": "short_text"}}, [{"Item": "Pen"}]),
    ],
)
def test_lists_of_several_levels_and_decimal_numbers_have_no_default(
    kind: FieldKind, options: dict[str, Any], default: Any, admin: Actor
) -> None:
    """builder CD-1."""
    with recorded() as found, pytest.raises(Invalid) as refusal:
        offering.create_data_field("Region", kind, options=options, default=default, by=admin)
    assert (refusal.value.code, refusal.value.field, found.events) == ("default_not_for_kind", "default", [])


@pytest.mark.parametrize(
    ("kind", "options", "default", "kept"),
    [
        (FieldKind.SHORT_TEXT, {}, " Berlin ", "Berlin"),
        (FieldKind.LIST, {"values": ["Low", "High"]}, "Low", "Low"),
        (FieldKind.CHECK_BOX, {}, "false", False),
        (FieldKind.WHOLE_NUMBER, {}, "3", 3),
        (FieldKind.DATE, {}, "2026-03-31", "2026-03-31"),
    ],
)
def test_new_tickets_and_cases_begin_with_defaults(
    kind: FieldKind, options: dict[str, Any], default: Any, kept: Any, first: Customer, by: Actor, admin: Actor
) -> None:
    """builder CD-1: of the kinds that have one; what is given counts, also an empty value."""
    offering.create_data_field("Place", kind, options=options, default=default, by=admin)
    ticket = work.create_ticket(first.ticket_version.guid, by=by)
    case = work.create_case(first.case_version.guid, title="An order", submit=True, by=by)
    emptied = work.create_ticket(first.ticket_version.guid, custom_data={"place": None, "Invoice": "1"}, by=by)
    actions = WorkItem.objects.filter(parent=case)
    assert [one.custom_data for one in (ticket, case, emptied)] == [{"Place": kept}, {"Place": kept}, {"Invoice": "1"}]
    assert {str(one.custom_data) for one in actions} == {"{}"}


def test_a_default_follows_its_list_and_ends_with_its_field(first: Customer, by: Actor, admin: Actor) -> None:
    """builder CD-1."""
    field = offering.create_data_field("Size", FieldKind.LIST, options={"values": ["S", "M"]}, default="M", by=admin)
    for wrong in ({"options": {"values": ["S"]}}, {"default": "L"}):
        with pytest.raises(Invalid) as refusal:
            offering.update_data_field(field, by=admin, **wrong)  # type: ignore[arg-type]  # as a door would
        assert refusal.value.field == "default"
    offering.update_data_field(field, default=None, options={"values": ["S"]}, by=admin)
    assert work.create_ticket(first.ticket_version.guid, by=by).custom_data == {}
    offering.update_data_field(field, default="S", retired=True, by=admin)
    assert work.create_ticket(first.ticket_version.guid, by=by).custom_data == {}


@pytest.mark.parametrize("kind", [kind for kind in FieldKind if kind not in (FieldKind.SHORT_TEXT, FieldKind.LIST)])
def test_only_short_texts_and_lists_are_searched_for(kind: FieldKind, admin: Actor) -> None:
    """builder CD-3."""
    options = {FieldKind.MULTI_LEVEL_LIST: TREE, FieldKind.TABLE: {"columns": {"Item": "date"}}}.get(kind, {})
    with recorded() as found, pytest.raises(Invalid) as refusal:
        offering.create_data_field("Other", kind, options=options, short_code="ot", by=admin)
    assert (refusal.value.code, found.events) == ("short_code_not_for_kind", [])


def test_items_are_found_by_what_they_have_in_a_field(
    open_ticket: Callable[..., WorkItem], by: Actor, admin: Actor, invoice: DataField
) -> None:
    """builder CD-3: short texts and lists, in any spelling, with how they begin where a star says so."""
    offering.update_data_field(DataField.objects.get(name="Hurry"), short_code="HU", by=admin)
    one = open_ticket(custom_data={"Invoice": "Straße 4711", "Hurry": "High"})
    other = open_ticket(custom_data={"Invoice": "strasse 4712"})
    open_ticket()
    assert _found("IN: STRASSE  4711", by) == [one.pk]
    assert _found("in:strasse*", by) == [one.pk, other.pk]
    assert _found("in:asse 4711", by) == _found("IN:47*", by) == []
    assert _found("hu: high", by) == [one.pk]
    work.update(one, custom_data={"Invoice": "4713", "Hurry": None}, by=by)
    assert (_found("in:strasse*", by), _found("IN:4713", by), _found("HU:High", by)) == ([other.pk], [one.pk], [])


def test_what_one_may_not_see_is_not_found(
    open_ticket: Callable[..., WorkItem], second: Customer, actors: dict[str, Actor], admin: Actor, invoice: DataField
) -> None:
    """builder CD-3."""
    hidden = work.create_ticket(second.ticket_version.guid, custom_data={"Invoice": "4711"}, by=admin)
    seen = open_ticket(custom_data={"Invoice": "4711"})
    narrow = actors["process builder of one company"]  # of the second one
    assert (_found("IN:4711", narrow), _found("IN:4711", admin)) == ([hidden.pk], [hidden.pk, seen.pk])


def test_a_field_that_gets_a_short_code_finds_what_was_there(
    open_ticket: Callable[..., WorkItem], by: Actor, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """builder CD-3: a job makes what is searched, piece by piece, and removes it with the short code."""
    monkeypatch.setattr(data_search, "PIECE", 2)
    items = [open_ticket(custom_data={"Invoice": f"A{number % 2}"} if number != 2 else {}) for number in range(5)]
    field = offering.update_data_field(DataField.objects.get(name="Invoice"), short_code="IN", by=admin)
    assert _found("IN:A*", by) == []
    work.update(items[0], custom_data={"Invoice": "A9"}, by=by)
    _work_off()
    assert _found("IN:A*", by) == [items[number].pk for number in (0, 1, 3, 4)]
    assert (_found("IN:A1", by), _found("IN:A9", by)) == ([items[1].pk, items[3].pk], [items[0].pk])
    offering.update_data_field(field, short_code=None, by=admin)
    _work_off()
    assert not SearchableValue.objects.exists()
    assert set(Job.objects.filter(kind=SEARCH_JOB).values_list("state", flat=True)) == {JobState.DONE}


def test_copies_are_found_as_well(
    first: Customer, open_ticket: Callable[..., WorkItem], by: Actor, invoice: DataField
) -> None:
    """builder CD-3."""
    category = first.category.guid
    ticket = open_ticket(custom_data={"Invoice": "4711"}, category_guid=category, submit=True)
    case = work.convert(ticket, first.case_version.guid, by=by)
    part, other = work.split(
        open_ticket(custom_data={"Invoice": "4712"}, category_guid=category, submit=True), [work.Part()] * 2, by=by
    )
    assert _found("IN:4712", by)[1:] == [part.pk, other.pk]
    actions = list(queries.items_under(case, by=by).order_by("pk").values_list("pk", flat=True))
    assert _found("IN:4711", by) == [ticket.pk, case.pk, *actions]
    work.update(case, custom_data={"Invoice": "4713"}, by=by)
    assert (_found("IN:4711", by), _found("IN:4713", by)) == ([], [ticket.pk, case.pk, *actions])


def test_a_value_that_is_written_while_a_job_looks_is_found(
    open_ticket: Callable[..., WorkItem], by: Actor, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """builder CD-3: between the look for the items that have the field and the making of their rows."""
    one, other = open_ticket(custom_data={"Invoice": "A1"}), open_ticket()
    offering.update_data_field(DataField.objects.get(name="Invoice"), short_code="IN", by=admin)
    look = data_search.to_fill

    def look_and_write(field: DataField, after: int, upto: int) -> set[int]:
        found = look(field, after, upto)
        work.update(other, custom_data={"Invoice": "A2"}, by=by)
        return found

    monkeypatch.setattr(data_search, "to_fill", look_and_write)
    _work_off()
    assert _found("IN:A*", by) == [one.pk, other.pk]


def test_values_that_left_while_the_field_had_no_short_code_are_not_found(
    open_ticket: Callable[..., WorkItem], by: Actor, admin: Actor, invoice: DataField
) -> None:
    """builder CD-3."""
    ticket = open_ticket(custom_data={"Invoice": "A1"})
    field = offering.update_data_field(invoice, short_code=None, by=admin)
    work.update(ticket, custom_data={"Invoice": None}, by=by)
    offering.update_data_field(field, short_code="IN", by=admin)
    _work_off()
    assert _found("IN:A1", by) == []


@pytest.mark.skipif(not ON_POSTGRES, reason="SQLite's planner is asked in the next one")
def test_a_search_goes_along_the_index_of_postgresql(by: Actor, invoice: DataField) -> None:
    """builder CD-3."""
    for search in ("IN:4711", "IN:47*"):
        _assert_uses_index(search, by, "SET LOCAL enable_seqscan = off", "EXPLAIN ")


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL's planner is asked in the one before")
def test_a_search_goes_along_the_index_of_sqlite(by: Actor, invoice: DataField) -> None:
    """builder CD-3."""
    for search in ("IN:4711", "IN:47*"):
        _assert_uses_index(search, by, "", "EXPLAIN QUERY PLAN ")


def _assert_uses_index(search: str, by: Actor, before: str, explain: str) -> None:
    rows = data_search.having(search, by)
    sql, parameters = WorkItem.objects.filter(rows).order_by().values("pk").query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        if before:
            cursor.execute(before)
        cursor.execute(explain + sql, parameters)
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "items_by_value" in plan, plan


@pytest.mark.parametrize("code", ["ABC", "ä", "-", "A B", *sorted(RESERVED_CODES), "fw"])
def test_a_short_code_has_one_or_two_characters_and_is_not_reserved(code: str, admin: Actor) -> None:
    """builder CD-4."""
    with pytest.raises(Invalid) as refusal:
        offering.create_data_field("Other", FieldKind.SHORT_TEXT, short_code=code, by=admin)
    assert refusal.value.field == "short_code"


def test_a_short_code_is_there_once_in_any_case(invoice: DataField, admin: Actor) -> None:
    """builder CD-4."""
    with recorded() as found, pytest.raises(Conflict) as refusal:
        offering.create_data_field("Other", FieldKind.SHORT_TEXT, short_code="In", by=admin)
    assert (refusal.value.code, refusal.value.field, found.events) == ("short_code_taken", "short_code", [])
    assert offering.create_data_field("Other", FieldKind.SHORT_TEXT, short_code="i", by=admin).short_code == "I"
    offering.update_data_field(invoice, short_code="IN", description="Still that.", by=admin)


def test_a_text_without_a_short_code_means_the_field_of_the_account(
    open_ticket: Callable[..., WorkItem], by: Actor, invoice: DataField
) -> None:
    """builder CD-5."""
    ticket = open_ticket(custom_data={"Invoice": "No: 4711"})
    for search, code in (("4711", "short_code_missing"), ("XY:4711", "short_code_unknown")):
        with pytest.raises(Invalid) as refusal:
            _found(search, by)
        assert (refusal.value.code, refusal.value.field) == (code, "data")
    access.set_preferences(accounts.account(by), short_code="in", by=by)
    assert _found("no: 4711", by) == _found("NO*", by) == [ticket.pk]
    assert _found("4711", by) == []
    for nothing in ("IN:", " ", "IN: *", "\0"):
        with pytest.raises(Invalid):
            _found(nothing, by)


def test_what_a_family_shares_is_found_at_its_members_by_who_sees_where_it_came_from(
    first: Customer, second: Customer, invoice: DataField, actors: dict[str, Actor]
) -> None:
    """builder CD-2, CD-3."""
    admin, by = actors["administrator"], actors["team member"]
    case = work.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    action = queries.items_under(case, by=by).order_by("pk")[0]
    actions = list(queries.items_under(case, by=by).order_by("pk").values_list("pk", flat=True))
    work.update(action, by=by, custom_data={"Invoice": "4711"})
    assert _found("in: 4711", by) == [case.pk, *actions]
    sub_case = work.launch_sub_case(case, first.case_version.process.guid, "Below", by=by)
    work.update(sub_case, by=by, custom_data={"Hurry": "High"})
    offering.update_data_field(DataField.objects.get(name="Hurry"), short_code="hu", by=admin)
    _work_off()
    assert SearchableValue.objects.get(field__name="Hurry").origin == sub_case.pk
    below = list(queries.items_under(sub_case, by=by).order_by("pk").values_list("pk", flat=True))
    assert _found("hu: high", by) == [case.pk, *actions, sub_case.pk, *below]
    WorkItem.objects.filter(pk=sub_case.pk).update(
        customer=second.company, contract=second.contract, service=second.service, process=second.case_version.process
    )
    only_first = access.create_user("nora", "Nora", list(Role.objects.filter(name="Team Member")), by=admin)
    access.change_members(first.group, add=[only_first], by=admin)
    nora = sessions.actor_for(only_first)
    assert _found("in: 4711", nora) == [case.pk, *actions, *below]
    assert _found("hu: high", nora) == below
    only_second = access.create_user("ola", "Ola", list(Role.objects.filter(name="Team Member")), by=admin)
    access.change_members(second.group, add=[only_second], by=admin)
    ola = sessions.actor_for(only_second)
    assert _found("in: 4711", ola) == []
    assert _found("hu: high", ola) == [sub_case.pk]


def test_the_value_of_a_private_field_is_found_at_its_item(first: Customer, actors: dict[str, Actor]) -> None:
    admin, by = actors["administrator"], actors["team member"]
    offering.create_data_field("Box", FieldKind.SHORT_TEXT, short_code="bx", private=True, by=admin)
    case = work.create_case(first.case_version.guid, by=by, title="Order", submit=True)
    action = queries.items_under(case, by=by).order_by("pk")[0]
    work.update(action, by=by, custom_data={"Box": "17"})
    assert _found("bx: 17", by) == [action.pk]
    work.update(action, by=by, custom_data={"Box": None})
    assert _found("bx: 17", by) == []
