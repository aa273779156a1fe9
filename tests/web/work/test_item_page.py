"""The page of a work item: for items with every kind of related data, and every kind of account."""

from __future__ import annotations

import re

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import commands as access
from workwire.access import sessions
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.rooms.effort import commands as effort
from workwire.rooms.following import commands as following
from workwire.rooms.work import commands, queries
from workwire.rooms.work.models import WorkItem
from workwire.web.work.item_effort import in_hours


def test_the_page_of_every_item_is_answered_to_every_account(organisation: Organisation) -> None:
    accounts = gallery.accounts(organisation)
    items = gallery.items(organisation)
    for who, account in accounts.items():
        browser = gallery.signed_in(account)
        seen = {item.pk for item in queries.items_visible_to(sessions.actor_for(account.user))}
        for name, item in items.items():
            answer = browser.get(f"/work/{item.guid}")
            assert answer.status_code == (200 if item.pk in seen else 404), (who, name)


def test_the_page_names_contacts_from_outside_and_accounts(organisation: Organisation) -> None:
    browser = gallery.signed_in(gallery.accounts(organisation)["team member"])
    page = browser.get(f"/work/{gallery.items(organisation)['with contacts'].guid}").content.decode()
    for name in ("Sabine Köhler", "no-name@example.com", "Paul Ekdahl", "Original Requester"):
        assert name in page


def test_the_page_says_why_there_is_no_due_date(organisation: Organisation) -> None:
    browser = gallery.signed_in(gallery.accounts(organisation)["team member"])
    items = gallery.items(organisation)
    page = browser.get(f"/work/{items['nothing to count from'].guid}").content.decode()
    assert "There is no due date: the field &#x27;Pay By&#x27; has no value." in page


def test_the_page_says_what_is_expected_and_why_to_who_works(organisation: Organisation) -> None:
    """work-manager TIM-4."""
    accounts = gallery.accounts(organisation)
    item = gallery.items(organisation)["with contacts"]
    browser = gallery.signed_in(accounts["team member"])
    assert "Effort" not in browser.get(f"/work/{item.guid}").content.decode()
    effort.expect(item, 95, by=sessions.actor_for(accounts["team member"].user))
    page = browser.get(f"/work/{item.guid}").content.decode()
    for words in ("1 h 35 min", "Tomas Sato set it to 95 minutes."):
        assert words in page
    outside = gallery.signed_in(accounts["self service"]).get(f"/work/{item.guid}")
    assert "1 h 35 min" not in outside.content.decode()


def test_the_page_of_a_case_that_needs_attention_says_why_to_who_works(organisation: Organisation) -> None:
    accounts, customer = gallery.accounts(organisation), organisation.customers[0]
    by = sessions.actor_for(accounts["team member"].user)
    case = commands.create_case(customer.case_version.guid, by=by, title="Equip the clinic", submit=True)
    browser = gallery.signed_in(accounts["team member"])
    assert "Needs attention" not in browser.get(f"/work/{case.guid}").content.decode()
    failed = commands.complete_unsuccessfully(queries.items_under(case, by=by).order_by("pk")[0], by=by)
    page = browser.get(f"/work/{case.guid}").content.decode()
    for words in ("Needs attention", f"Action {failed.reference} could not be completed."):
        assert words in page
    german = browser.get(f"/work/{case.guid}", headers={"accept-language": "de"}).content.decode()
    assert f"Die Aktion {failed.reference} konnte nicht erledigt werden." in german


def test_the_page_tells_who_set_the_state_why_and_when_and_who_reopened_it(organisation: Organisation) -> None:
    """work-manager STA-4."""
    accounts, customer = gallery.accounts(organisation), organisation.customers[0]
    by, admin = (sessions.actor_for(accounts[name].user) for name in ("team member", "administrator"))
    ticket = commands.create_ticket(
        customer.ticket_version.guid, by=by, title="Chair", category_guid=customer.category.guid, submit=True
    )
    browser = gallery.signed_in(accounts["team member"])

    def told() -> str:
        text = browser.get(f"/work/{ticket.guid}").content.decode()
        card = text[text.index("<h2>State</h2>") :]
        return " ".join(re.sub("<[^>]*>", " ", card[: card.index("</details>")]).split())

    commands.take(ticket, by=admin)
    commands.update(ticket, by=admin, description="In the hall.")
    assert re.search(
        "In progress Changed by an account State set by .* Olga Brandt Last changed by .* Olga Brandt", told()
    )
    assert "Reopened by" not in told()
    WorkItem.objects.filter(pk=ticket.pk).update(reopened_by=by.user_id, reopened_on=clock.now(), status_set_by=None)
    assert re.search("State set by .* The system Reopened by .* Tomas Sato Last changed by", told())
    german = browser.get(f"/work/{ticket.guid}", headers={"accept-language": "de"}).content.decode()
    assert "Zustand gesetzt von" in german
    outside = gallery.signed_in(accounts["self service"]).get(f"/work/{ticket.guid}").content.decode()
    assert "State set by" not in outside


def test_effort_is_told_in_hours() -> None:
    assert [in_hours(minutes) for minutes in (0, 0.4, 59.6, 61, 26 * 60)] == [
        "0 min",
        "0 min",
        "1 h",
        "1 h 1 min",
        "26 h",
    ]


def test_what_came_back_from_waiting_and_news_are_marked(organisation: Organisation) -> None:
    """work-manager STA-10."""
    account, customer = organisation.accounts["team member"], organisation.customers[0]
    by, browser = sessions.actor_for(account.user), gallery.signed_in(account)
    item = commands.create_ticket(
        customer.ticket_version.guid, by=by, title="Back", category_guid=customer.category.guid, submit=True
    )
    commands.wait_for_information(commands.take(item, by=by), by=by)
    assert "To do again" not in browser.get("/work?view=mine").content.decode()
    commands.information_arrived(item, by=SYSTEM)
    assert "To do again" in browser.get("/work?view=mine").content.decode()
    assert "To do again" in browser.get(f"/work/{item.guid}").content.decode()
    case = commands.create_case(customer.case_version.guid, by=by, title="Runs", submit=True)
    commands.information_arrived(case, by=SYSTEM)
    text = browser.get(f"/work/{case.guid}").content.decode()
    assert "Something new came in." in text
    commands.acknowledge(case, by=by)
    assert "Something new came in." not in browser.get(f"/work/{case.guid}").content.decode()


def test_the_page_tells_what_people_do_at_an_item_to_who_works(organisation: Organisation) -> None:
    accounts, customer = gallery.accounts(organisation), organisation.customers[0]
    by = sessions.actor_for(accounts["team member"].user)
    access.change_members(
        customer.group, add=[accounts["guest"].user], by=sessions.actor_for(accounts["administrator"].user)
    )
    item = commands.create_ticket(
        customer.ticket_version.guid, by=by, title="Seen", category_guid=customer.category.guid, submit=True
    )
    following.follow(item, by=by)
    effort.stop(effort.start(item, by=by), by=by)
    told = ("Time session started", "Time session ended", "Work item followed")
    works, sees = (
        gallery.signed_in(accounts[who]).get(f"/work/{item.guid}").content.decode() for who in ("team member", "guest")
    )
    assert [words in works for words in told] == [True, True, True]
    assert [words in sees for words in told] == [False, False, False]
    assert "Work item made" in sees
