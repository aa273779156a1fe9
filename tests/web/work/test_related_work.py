"""Merging, splitting, converting and linking in the browser: what is found, what is said before, what is refused."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.test import Client

from tests.support.organisation import Customer, Organisation
from tests.web import gallery
from workwire.access import sessions
from workwire.kernel.actor import Actor
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.files.models import ItemFile
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands, relations
from workwire.rooms.work.commands import ContactWish
from workwire.rooms.work.models import ItemContact, Relation, RelationKind, ResolutionMethod, Status, WorkItem


def _ticket(customer: Customer, by: Actor, title: str, **more: object) -> WorkItem:
    fields = {"title": title, "category_guid": customer.category.guid, "submit": True} | more
    return commands.create_ticket(customer.ticket_version.guid, by=by, **fields)  # type: ignore[arg-type] # free fields


@pytest.fixture
def ticket(customer: Customer, by: Actor) -> WorkItem:
    """A ticket to do that nobody has."""
    return _ticket(customer, by, "Broken chair")


def _now(item: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=item.pk)


def _text(browser: Client, address: str, status: int = 200) -> str:
    answer = browser.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_a_ticket_is_merged_into_one_that_was_found_after_it_was_said_what_goes_along(
    browser: Client, customer: Customer, by: Actor, ticket: WorkItem
) -> None:
    """work-manager MRG-1, MRG-2, MRG-3."""
    target = commands.wait_for_information(_ticket(customer, by, "Chairs in the hall"), by=by)
    conversations.add(ticket, by=by, body="They rang.")
    here = f"/work/{ticket.guid}/merge"
    assert target.title not in _text(browser, here)
    assert f"{here}?into={target.guid}" in _text(browser, f"{here}?text=chairs+willow")
    assert "No work item fits these words." in _text(browser, f"{here}?text=nobody-calls-it-so")
    shown = _text(browser, f"{here}?into={target.guid}")
    for words in (
        "1, shown there, too",
        "it waited for information and is to do again",
        f"Merge into {target.reference}",
    ):
        assert words in shown
    sent = browser.post(here, {"version": ticket.version, "into": target.guid})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/work/{target.reference}")
    assert (_now(ticket).status, _now(ticket).resolution_method) == (Status.CLOSED, ResolutionMethod.MERGED)
    assert _now(target).status == Status.TO_DO
    assert "They rang." in _text(browser, f"/work/{target.guid}")


def test_a_merge_that_is_refused_says_why_and_merges_nothing(
    browser: Client, customer: Customer, by: Actor, ticket: WorkItem
) -> None:
    here, over = f"/work/{ticket.guid}/merge", commands.resolve(_ticket(customer, by, "Over"), by=by)
    wishes: tuple[tuple[dict[str, object], int], ...] = (
        ({"into": ticket.guid}, 422),
        ({"into": over.guid}, 409),
        ({}, 422),
    )
    for wish, status in wishes:
        assert browser.post(here, {"version": ticket.version} | wish).status_code == status
    other = _ticket(customer, by, "Another")
    late = browser.post(here, {"version": ticket.version - 1, "into": other.guid})
    assert late.status_code == 409
    assert "changed this meanwhile" in late.content.decode()
    assert _now(ticket).status == Status.TO_DO
    closed = commands.resolve(ticket, by=by)
    assert "is not possible" in _text(browser, f"/work/{closed.guid}/merge")


def test_a_ticket_is_split_into_as_many_as_are_asked_for(
    browser: Client, customer: Customer, by: Actor, ticket: WorkItem
) -> None:
    """work-manager SPL-2."""
    here = f"/work/{ticket.guid}/split"
    about = f"{ticket.process_version.guid}:{customer.category.guid}"
    asked = _text(browser, here)
    assert asked.count('name="title_') == 2
    assert f'<option value="{about}" selected>' in asked
    wish = {
        "version": ticket.version,
        "parts": 2,
        "title_1": "A leg",
        "about_1": about,
        "title_2": "",
        "about_2": about,
    }
    more = browser.post(here, wish | {"draft": "1"})
    assert (more.status_code, more.content.decode().count('name="title_')) == (200, 3)
    assert 'value="A leg"' in more.content.decode()
    assert "This field is required." in browser.post(here, wish).content.decode()
    assert browser.post(here, wish | {"title_2": "A back", "description_2": "Torn"}).status_code == 303
    made = relations.made_of(ticket)
    assert sorted((one.title, one.description) for one in made) == [("A back", "Torn"), ("A leg", "")]
    assert (_now(ticket).status, _now(ticket).resolution_method) == (Status.WAITING, ResolutionMethod.SPLIT)
    assert "waits for" in _text(browser, here)


def test_a_ticket_becomes_a_case_of_a_process_of_its_customer(
    browser: Client, organisation: Organisation, customer: Customer, ticket: WorkItem
) -> None:
    """work-manager CNV-1, CNV-2."""
    here, process = f"/work/{ticket.guid}/convert", customer.case_version.process.guid
    assert 'value="Broken chair"' in _text(browser, here)  # there is one process to choose
    other = organisation.customers[1].case_version.process.guid
    assert browser.get(f"{here}?process={other}").status_code == 404
    wish = {"version": ticket.version, "title": "Chairs", "description": "All", "keep_with_me": "on"}
    sent = browser.post(f"{here}?process={process}", wish)
    assert sent.status_code == 303
    (case,) = relations.made_of(ticket)
    assert (case.title, case.description, case.keep_with) == (
        "Chairs",
        "All",
        organisation.accounts["team member"].user,
    )
    assert sent.headers["Location"] == f"/work/{case.reference}"
    assert _now(ticket).status == Status.WAITING


def test_items_are_linked_and_the_link_is_taken_away(
    browser: Client, customer: Customer, by: Actor, ticket: WorkItem
) -> None:
    """work-manager LNK-2, LNK-5."""
    one, two = (commands.resolve(_ticket(customer, by, title), by=by) for title in ("Chair one", "Chair two"))
    here = f"/work/{ticket.guid}/link"
    found = _text(browser, f"{here}?text=chair")
    assert {UUID(guid) for guid in re.findall('name="other" value="([^"]+)"', found)} == {one.guid, two.guid}
    assert browser.post(here, {}).status_code == 422
    assert browser.post(here, {"other": [one.guid, two.guid]}).status_code == 303
    assert Relation.objects.filter(kind=RelationKind.LINKED).count() == 2
    assert 'name="other"' not in _text(browser, f"{here}?text=chair")
    assert f'action="/work/{ticket.guid}/unlink/{one.guid}"' in _text(browser, f"/work/{ticket.guid}")
    for _ in range(2):  # also when it is away already
        assert browser.post(f"/work/{ticket.guid}/unlink/{one.guid}").status_code == 303
    assert [relation.item_id for relation in Relation.objects.filter(kind=RelationKind.LINKED)] == [two.pk]


def test_linked_work_is_begun_with_copies_of_what_was_chosen(
    browser: Client, organisation: Organisation, customer: Customer, by: Actor, ticket: WorkItem
) -> None:
    """work-manager LNK-3."""
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    ann = parties.create_contact("ann@willow.example", first_name="Ann", company=customer.company, by=admin)
    commands.update(ticket, by=by, contacts=[ContactWish(ann.guid)])
    process = customer.ticket_version.process.guid
    address = f"/work/{ticket.guid}/linked?process={process}"
    assert f'name="process" value="{process}"' in _text(browser, f"/work/{ticket.guid}/linked")
    assert 'value="Broken chair"' in _text(browser, address)
    wish = {
        "title": "The same again",
        "description": "D",
        "category": customer.category.guid,
        "copies": ["contacts", "files"],
    }
    assert browser.post(address, wish | {"copies": ["everything"]}).status_code == 422
    sent = browser.post(address, wish)
    assert sent.status_code == 303
    made = WorkItem.objects.get(title="The same again")
    assert [row.contact for row in ItemContact.objects.filter(item=made)] == [ann]
    assert not ItemFile.objects.filter(work_item=made).exists()
    assert Relation.objects.get(item=made).other_id == ticket.pk


def test_what_cannot_be_done_now_is_told_with_its_reason_and_what_one_may_not_do_is_not_named(
    browser: Client, organisation: Organisation, customer: Customer, by: Actor, ticket: WorkItem
) -> None:
    assert "Not now" not in _text(browser, f"/work/{ticket.guid}")
    commands.split(ticket, [commands.Part(), commands.Part()], by=by)
    shown = _text(browser, f"/work/{ticket.guid}")
    menu = shown[shown.index("Not now") :]
    assert "Convert to a case" in menu[: menu.index("</details>")]
    sam = gallery.accounts(organisation)["self service"]
    own = _ticket(customer, sessions.actor_for(sam.user), "Mine")
    outside = gallery.signed_in(sam)
    assert "Not now" not in _text(outside, f"/work/{own.guid}")
    for deed in ("merge", "split", "convert", "link"):
        assert outside.post(f"/work/{own.guid}/{deed}", {"version": own.version, "parts": 2}).status_code == 403
    assert outside.get(f"/work/{own.guid}/linked").status_code == 403
    assert _now(own).status == own.status
