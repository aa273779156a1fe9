"""The list of work items: views, filters, pages, and addresses people can share."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.kernel.ids import new_guid
from workwire.rooms.work import commands as work
from workwire.rooms.work import lists, queries
from workwire.web.work import item_list


def test_an_item_is_found_by_its_reference_in_any_case(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    items = gallery.items(organisation)
    for name in ("plain", "action", "sub-case"):
        reference = items[name].reference
        assert reference
        assert browser.get(f"/work/{reference}").status_code == 200
        assert browser.get(f"/work/{reference.lower()}").status_code == 200
    assert browser.get("/work/1-T").status_code == 404
    assert browser.get("/work/9999999999999999999999-T").status_code == 404


def test_the_list_leads_to_readable_addresses(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    item = gallery.items(organisation)["plain"]
    assert f'href="/work/{item.reference}"' in browser.get("/work?view=all").content.decode()


def test_kinds_and_customers_are_filters_that_can_be_taken_off(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    gallery.items(organisation)
    first, second = (customer.company for customer in organisation.customers)
    actions = browser.get("/work?view=all&kind=action").content.decode()
    assert set(re.findall(r'class="reference">[0-9]+-([A-Z])', actions)) == {"C"}  # named after their cases
    of_first = browser.get(f"/work?view=all&customer={first.guid}").content.decode()
    assert "Take off: Customer is Willow Clinics" in of_first
    assert 'href="/work?view=all"' in of_first
    of_second = browser.get(f"/work?view=all&customer={second.guid}").content.decode()
    assert "No work fits these filters." in of_second
    assert browser.get(f"/work?view=all&customer={new_guid()}").status_code == 404
    assert browser.get("/work?view=all&customer=x&kind=y&cursor=z").status_code == 200


def test_titles_and_references_are_found_and_lists_are_sorted(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    items = gallery.items(organisation)

    def shown(query: str) -> list[str]:
        return re.findall(r'class="reference">([^<]+)<', browser.get(f"/work?view=all&{query}").content.decode())

    assert shown("text=where is OUR inv") == shown(f"text={items['plain'].reference}") == [items["plain"].reference]
    assert shown("text=%00") == shown("") == shown("sort=nothing")
    tickets = [item for item in items.values() if (item.reference or "").endswith("-T")]
    dated = sorted((item for item in tickets if item.due_date), key=lambda item: (item.due_date, item.pk))
    soonest, latest = shown("sort=due&kind=ticket"), shown("sort=-due&kind=ticket")
    assert soonest[: len(dated)] == [item.reference for item in dated]
    assert latest[: len(dated)] == [item.reference for item in reversed(dated)]
    text = browser.get("/work?view=all&sort=due").content.decode()
    assert 'aria-sort="ascending"' in text
    assert "sort=-due" in text


def test_long_lists_go_on_page_by_page_and_are_counted(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    member = sessions.actor_for(organisation.accounts["team member"].user)
    version = organisation.customers[0].ticket_version
    category = version.categories.order_by("-level", "pk")[0].guid
    made = [
        work.create_ticket(version.guid, by=member, title=f"T{number}", category_guid=category, submit=True)
        for number in range(51)
    ]
    first = browser.get("/work?view=open").content.decode()
    assert "51 items" in first
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = browser.get(older.replace("&amp;", "&")).content.decode()
    shown = [re.findall(r'class="reference">([^<]+)<', text) for text in (first, second)]
    assert shown == [[item.reference for item in made[:0:-1]], [made[0].reference]]


def test_open_work_is_shown_newest_first_page_by_page(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_list, "MOST", 2)
    gallery.items(organisation)
    actor = sessions.actor_for(organisation.accounts["team member"].user)
    seen = queries.items_visible_to(actor).filter(status__in=queries.OPEN).order_by("-pk")
    browser, address, shown = gallery.signed_in(organisation.accounts["team member"]), "/work?view=open", []
    while address:
        text = browser.get(address).content.decode()
        rows = re.findall(r'class="reference">([^<]+)<', text)
        assert 0 < len(rows) <= 2
        shown += rows
        older = re.search(r'href="(/work\?[^"]*cursor=[^"]+)"', text)
        address = older[1].replace("&amp;", "&") if older else ""
    assert shown == [item.reference for item in seen]
    assert len(shown) > 4


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL walks the ids")
def test_open_work_is_read_along_the_index_of_each_status(organisation: Organisation) -> None:
    actor = sessions.actor_for(organisation.accounts["team member"].user)
    found = queries.items_visible_to(actor)
    sql, values = lists.newest_in(queries.OPEN, found, 51).order_by("-pk")[:51].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        plan = [row[-1] for row in cursor.fetchall()]
    assert sum("item_status (status=?" in step for step in plan) >= len(queries.OPEN)
    assert not [step for step in plan if "work_workitem" in step and "INTEGER PRIMARY KEY" not in step]


def test_ones_own_work_is_found_by_its_ids_before_rows_are_read(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds thousands of items waits for a sort of their ids, and not of all that a list shows of them."""
    account, version = organisation.accounts["team member"], organisation.customers[0].ticket_version
    member = sessions.actor_for(account.user)
    category = organisation.customers[0].category.guid
    mine = [
        work.take(
            work.create_ticket(version.guid, by=member, title="Mine", category_guid=category, submit=True), by=member
        )
        for _ in range(5)
    ]
    monkeypatch.setattr(item_list, "MOST", 2)
    browser, address, shown = gallery.signed_in(account), "/work?view=mine", []
    while address:
        with CaptureQueriesContext(connection) as asked:
            text = unescape(browser.get(address).content.decode())
        (rows,) = [one["sql"] for one in asked if '"work_workitem"."description"' in one["sql"]]
        assert re.search(r'"id" IN \(SELECT .*ORDER BY 1 DESC LIMIT 3\)', rows)
        shown += re.findall(r'href="/work/([^"?]+-T)"', text)
        address = next(iter(re.findall(r'rel="next" href="([^"]+)"', text)), "")
    assert shown == [item.reference for item in reversed(mine)]
