"""What is related to a work item and lies out of sight: neither told, nor named, nor counted, by whatever is in sight, but for
the header of what is linked, which an installation may turn off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

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


def test_a_list_costs_the_same_however_many_of_its_items_have_values_from_elsewhere(
    first: Customer, second: Customer, admin: Actor, member: Caller
) -> None:
    """builder CD-2."""

    def converted() -> WorkItem:
        fields: dict[str, Any] = {"category_guid": first.category.guid, "custom_data": {"Invoice": "4711"}}
        asked = work.create_ticket(first.ticket_version.guid, title="Asked for", submit=True, by=admin, **fields)
        return work.convert(asked, second.case_version.guid, by=admin)

    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            found = member.api("GET", path).json()["items"]
        assert {str(item["custom_data"]) for item in found} == {"{'Invoice': '4711'}"}
        return len(asked)

    converted()
    member.api("GET", "/work-items")
    one = cost("/work-items?kind=case")
    for _ in range(4):
        converted()
    assert cost("/work-items?kind=case") == one


def _relations(caller: Caller, item: WorkItem) -> list[dict[str, Any]]:
    answer = caller.api("GET", f"/work-items/{item.guid}/relations")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_linked_work_out_of_sight_shows_its_header_and_no_more(
    first: Customer, second: Customer, admin: Actor, narrow: Caller, member: Caller, organisation: Organisation
) -> None:
    """work-manager LNK-5."""
    own, hidden = _ticket(second, "Own", admin), _ticket(first, "Hidden", admin)
    work.link(own, [hidden], by=admin)
    work.take(hidden, by=admin)
    (seen,) = _relations(narrow, own)
    assert seen.pop("guid") == str(Relation.objects.get().guid)
    due = WorkItem.objects.get(pk=hidden.pk).due_date
    assert due is not None
    assert seen.pop("due_date")[:19] == due.isoformat()[:19]
    assert seen == {
        "relation": "linked",
        "may_open": False,
        "item": None,
        "kind": None,
        "reference": hidden.reference,
        "title": "Hidden",
        "status": None,
        "assignee_name": organisation.accounts["administrator"].user.full_name,
        "queue_name": first.queue.name,
        "made_by": None,
        "made_at": None,
    }
    assert narrow.api("GET", f"/work-items/{hidden.guid}").status_code == 404
    assert narrow.api("DELETE", f"/work-items/{own.guid}/links/{hidden.guid}").status_code == 404
    page = signed_in(organisation.accounts["process builder of one company"]).get(f"/work/{own.guid}").content.decode()
    assert hidden.reference is not None
    assert hidden.reference in page
    assert f'href="/work/{hidden.reference}' not in page
    assert str(hidden.guid) not in page
    assert not _tells_of(json.dumps(_history(narrow, own)), hidden)
    (shown,) = _relations(member, own)
    assert (shown["may_open"], shown["item"], shown["kind"]) == (True, str(hidden.guid), "ticket")


def test_what_is_not_linked_and_drafts_show_no_header(
    first: Customer, second: Customer, admin: Actor, narrow: Caller
) -> None:
    own, merged = _ticket(second, "Own", admin), _ticket(first, "Merged", admin)
    draft = work.create_ticket(first.ticket_version.guid, title="Not yet", by=admin)
    work.link(own, [draft], by=admin)
    work.merge([merged], own, by=admin)
    assert _relations(narrow, own) == []


def test_an_installation_may_show_nothing_of_linked_work(
    first: Customer, second: Customer, admin: Actor, narrow: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, hidden = _ticket(second, "Own", admin), _ticket(first, "Hidden", admin)
    work.link(own, [hidden], by=admin)
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"linked_work_shows": "nothing"}))
    assert _relations(narrow, own) == []
