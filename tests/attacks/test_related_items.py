"""What is related to a work item and lies out of sight: neither told, nor named, nor counted, by whatever is in sight."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation
from tests.web.gallery import signed_in
from workwire.kernel.actor import Actor
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import Relation, WorkItem


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator, who relates what others see one half of."""
    return actors["administrator"]


def _ticket(customer: Customer, title: str, by: Actor) -> WorkItem:
    return work.create_ticket(
        customer.ticket_version.guid, title=title, category_guid=customer.category.guid, submit=True, by=by
    )


def _history(caller: Caller, item: WorkItem) -> list[dict[str, Any]]:
    answer = caller.api("GET", f"/work-items/{item.guid}/events")
    assert answer.status_code == 200, answer.content
    return [change for event in answer.json()["items"] for change in event["changes"]]


def _tells_of(text: str, item: WorkItem) -> bool:
    return str(item.guid) in text or item.guid.hex in text or (item.reference or item.title) in text


def test_the_history_of_a_ticket_does_not_name_what_it_was_linked_to_or_merged_into(
    first: Customer, second: Customer, admin: Actor, narrow: Caller
) -> None:
    own, hidden, carried = (
        _ticket(second, "Own", admin),
        _ticket(first, "Hidden", admin),
        _ticket(first, "Carried", admin),
    )
    work.link(own, [hidden], by=admin)
    work.merge([carried], own, by=admin)
    work.merge([own], hidden, by=admin)
    relations = {str(guid) for guid in Relation.objects.values_list("guid", flat=True)}
    seen = _history(narrow, own)
    assert {change["record"] for change in seen} == {"WorkItem"}
    assert not any(_tells_of(json.dumps(seen), item) for item in (hidden, carried))
    assert not any(guid in json.dumps(seen) for guid in relations)
    explored = narrow.api("GET", f"/events?record={own.guid}").content.decode()
    assert not any(_tells_of(explored, item) for item in (hidden, carried))


def test_who_sees_both_ends_and_who_audits_read_how_they_are_related(
    first: Customer, second: Customer, admin: Actor, member: Caller, administrator: Caller
) -> None:
    one, other, joined = (
        _ticket(customer, title, admin) for customer, title in ((first, "1"), (second, "2"), (first, "3"))
    )
    work.merge([joined], one, by=admin)
    work.merge([one], other, by=admin)
    for reader in (member, administrator):
        changes = _history(reader, one)
        (merged,) = (change["new"] for change in changes if change["record"] == "Relation")
        assert (merged["item"], merged["other"]) == (str(one.guid), str(other.guid))
        assert str(joined.guid) in {change["guid"] for change in changes}


def test_a_case_does_not_name_the_ticket_it_was_made_of(
    first: Customer, second: Customer, admin: Actor, narrow: Caller, member: Caller, organisation: Organisation
) -> None:
    asked = _ticket(first, "Asked for by another customer", admin)
    case = work.convert(asked, second.case_version.guid, title="New", by=admin)
    answer = narrow.api("GET", f"/work-items/{case.guid}")
    assert answer.status_code == 200
    assert answer.json()["parent"] is None
    assert member.api("GET", f"/work-items/{case.guid}").json()["parent"] == str(asked.guid)
    listed = narrow.api("GET", "/work-items?kind=case").json()["items"]
    assert [one["parent"] for one in listed] == [None]
    assert narrow.api("GET", f"/work-items/{case.guid}/relations").json()["items"] == []
    page = signed_in(organisation.accounts["process builder of one company"]).get(f"/work/{case.guid}")
    assert page.status_code == 200
    assert not _tells_of(page.content.decode(), asked)
