"""Quick find on its page and in the palette: what is found, by whom, in how many queries, and where Enter leads."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from workwire.access import sessions
from workwire.kernel import clock
from workwire.outbox import listener_feed
from workwire.outbox.models import Event
from workwire.reactions.finding.indexing import LISTENER
from workwire.reactions.webhooks.models import Delivery, State
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.files.commands import FileWish
from workwire.rooms.parties.models import Contact
from workwire.rooms.work import commands, lists
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import ItemContact
from workwire.web.search import find_page

_QUERIES = 22  # session, features, account of the shell, what the index is asked, two or three for each kind of record


def indexed() -> None:
    """Let the listener read all that happened."""
    while listener_feed.turn(LISTENER, clock.now()):
        pass


def _hits(browser: Client, text: str) -> list[str]:
    indexed()
    answer = browser.get("/find", {"q": text})
    assert answer.status_code == 200
    return re.findall(r'class="hit[^"]*" href="(/work[^"]*)"', answer.content.decode().split('id="found"')[1])


def test_references_guids_titles_and_names_lead_to_records(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    items = gallery.items(organisation)
    plain = items["plain"]
    company = organisation.customers[0].company
    page = f"/work/{plain.reference}"
    assert _hits(browser, str(plain.reference)) == [page]
    assert _hits(browser, f"  {str(plain.reference).lower()} ") == [page]
    assert page in _hits(browser, str(plain.reference).partition("-")[0])
    assert _hits(browser, str(plain.guid)) == [page]
    assert page in _hits(browser, plain.title.upper())
    assert f"/work?view=all&amp;customer={company.guid}" in _hits(browser, company.name.lower())
    assert _hits(browser, str(company.guid)) == [f"/work?view=all&amp;customer={company.guid}"]


def test_a_contact_leads_to_the_work_it_belongs_to(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    gallery.items(organisation)
    link = ItemContact.objects.exclude(contact=None).select_related("contact", "item")[0]
    contact = link.contact
    assert contact is not None
    wanted = f"/work?view=all&amp;contact={contact.guid}"
    assert wanted in _hits(browser, contact.email)
    assert wanted in _hits(browser, contact.full_name)
    shown = browser.get("/work", {"view": "all", "contact": str(contact.guid)}).content.decode()
    theirs = work.WorkItem.objects.filter(contacts__contact=contact).count()
    assert len(re.findall(r'class="title"', shown)) == theirs
    assert f"Take off: Contact is {contact.full_name}" in shown


def test_nobody_finds_what_they_may_not_see(organisation: Organisation) -> None:
    accounts, items = gallery.accounts(organisation), gallery.items(organisation)
    contact = Contact.objects.exclude(company=None)[0]
    for account in accounts.values():
        actor = sessions.actor_for(account.user)
        browser = gallery.signed_in(account)
        seen = {item.guid for item in work.items_visible_to(actor)}
        for item in items.values():
            assert bool(_hits(browser, str(item.guid))) == (item.guid in seen)
    requester = gallery.signed_in(accounts["self service"])
    assert _hits(requester, str(contact.guid)) == []
    assert requester.get("/work", {"view": "all", "contact": str(contact.guid)}).status_code == 404
    assert Client().get("/find", {"q": "invoice"}).status_code == 302


def test_enter_leads_to_the_one_record_that_is_named_exactly(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    plain = gallery.items(organisation)["plain"]
    answer = browser.get("/find", {"q": plain.reference, "go": "1"})
    assert (answer.status_code, answer["Location"]) == (303, f"/work/{plain.reference}")
    assert browser.get("/find", {"q": plain.title, "go": "1"}).status_code == 200
    assert browser.get("/find", {"q": plain.reference}).status_code == 200


def test_what_was_said_is_shown_with_its_item_and_marked(organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    browser = gallery.signed_in(account)
    plain = gallery.items(organisation)["plain"]
    conversations.add(plain, by=sessions.actor_for(account.user), body='A <b>Zeppelin</b> & a "quagga"')
    indexed()
    text = browser.get("/find", {"q": "zeppelin qua"}).content.decode()
    assert "A &lt;b&gt;<mark>Zeppelin</mark>&lt;/b&gt; &amp; a &quot;<mark>quagga</mark>&quot;" in text
    assert "Said in a note." in text
    assert _hits(browser, "zeppelin qua") == [f"/work/{plain.reference}"]


def test_files_and_accounts_are_shown_where_they_lead(organisation: Organisation) -> None:
    account = organisation.accounts["administrator"]
    browser, actor = gallery.signed_in(account), sessions.actor_for(organisation.accounts["team member"].user)
    plain = gallery.items(organisation)["plain"]
    commands.attach_file(plain, FileWish(data=b"x", file_name="Zeppelin_2024.pdf"), by=actor)
    assert _hits(browser, "zeppelin") == [f"/work/{plain.reference}"]
    user = organisation.accounts["team member"].user
    shown = browser.get("/find", {"q": user.full_name}).content.decode()
    assert f'href="/administration/accounts/{user.guid}"' in shown
    other = gallery.signed_in(organisation.accounts["team member"])
    assert "/administration/accounts/" not in other.get("/find", {"q": user.full_name}).content.decode()


def test_one_kind_is_shown_page_by_page(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_page, "OF_ONE_KIND", 2)
    account = organisation.accounts["team member"]
    browser, actor = gallery.signed_in(account), sessions.actor_for(account.user)
    version = organisation.customers[0].ticket_version.guid
    made = [commands.create_ticket(version, by=actor, title=f"Zebra {number}") for number in range(5)]
    indexed()
    address, shown = "/find?q=zebra&kind=work", list[str]()
    for _ in range(3):
        answer = browser.get(address).content.decode()
        shown += re.findall(r'class="hit[^"]*" href="/work/([^"]+)"', answer.split('id="found"')[1])
        older = re.search(r'rel="next" href="([^"]+)"', answer)
        address = older[1].replace("&amp;", "&") if older else ""
    assert shown == [item.reference for item in made[::-1]]
    assert address == ""
    assert browser.get("/find?q=zebra&kind=work&cursor=x").status_code == 200
    assert browser.get("/find?q=zebra&kind=nonsense").status_code == 200


def test_the_former_address_leads_to_the_present_one(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    assert browser.get("/search?q=zebra&go=1")["Location"] == "/find?q=zebra&go=1"


def test_references_are_looked_for_along_an_index(organisation: Organisation) -> None:
    gallery.items(organisation)
    actor = sessions.actor_for(organisation.accounts["team member"].user)
    if ON_POSTGRES:  # a table of few rows is read as a whole otherwise
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    for words in ("40308-T", "40308"):
        condition = lists.called(words)
        assert condition is not None
        sql, values = work.items_visible_to(actor).filter(condition).order_by("-pk").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"{'EXPLAIN' if ON_POSTGRES else 'EXPLAIN QUERY PLAN'} {sql}", values)
            plan = [str(row[-1]) for row in cursor.fetchall()]
        assert not [
            step for step in plan if re.search(r"Seq Scan on work_workitem|SCAN work_workitem(?! USING)", step)
        ], plan
        assert "reference" in "".join(plan)


def test_odd_texts_find_nothing_and_break_nothing(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    gallery.items(organisation)
    for text in ("", " ", "x", "\x00\x00", "%%", "__", "\u202e\u202e", "a" * 5000, "' OR 1=1 --", "{{ 7 }}"):
        assert _hits(browser, text) == []
    assert "Nothing found" in browser.get("/find", {"q": "no such thing anywhere"}).content.decode()
    assert "Type a reference" in browser.get("/find").content.decode()


def test_the_palette_asks_for_the_found_part_alone_in_few_queries(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    plain = gallery.items(organisation)["plain"]
    headers = {"HX-Request": "true", "HX-Target": "found"}
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get("/find", {"q": plain.reference}, headers=headers)
    assert answer.content.decode().startswith('<div id="found">')
    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) <= _QUERIES


def test_subscriptions_deliveries_and_events_are_found_by_who_may_see_them(organisation: Organisation) -> None:
    sent = traffic.send(organisation)
    builder = gallery.signed_in(organisation.accounts[traffic.WHO])
    well = sent["well"]
    page = f"/webhooks/subscriptions/{well.guid}"
    delivery = Delivery.objects.filter(subscription=well, state=State.DELIVERED).exclude(event=None)[0]
    event = Event.objects.get(pk=delivery.event_id)
    of_delivery, of_event = f"/webhooks/deliveries/{delivery.guid}", f"/webhooks/events/{event.guid}"
    assert _found(builder, str(well.guid)) == [page]
    assert page in _found(builder, "/WELL")
    assert page in _found(builder, "packetupd")
    assert _found(builder, str(delivery.guid)) == [of_delivery]
    assert _found(builder, str(event.guid)) == [of_event]
    answer = builder.get("/find", {"q": str(event.guid), "go": "1"})
    assert (answer.status_code, answer["Location"]) == (303, of_event)
    assert f"/webhooks/subscriptions/{sent['ended'].guid}" not in _found(builder, "/ended")
    for who in ("team member", "process builder"):
        other = gallery.signed_in(organisation.accounts[who])
        for text in (str(well.guid), "/well", str(delivery.guid)):
            assert _found(other, text) == []
    accounts = gallery.accounts(organisation)
    requester = gallery.signed_in(accounts["self service"])
    assert _found(requester, str(event.guid)) == []
    admin = gallery.signed_in(accounts["administrator"])
    assert _found(admin, str(delivery.guid)) == [of_delivery]


def _found(browser: Client, text: str) -> list[str]:
    indexed()
    answer = browser.get("/find", {"q": text})
    assert answer.status_code == 200
    return re.findall(r'class="hit[^"]*" href="(/webhooks/[^"]*)"', answer.content.decode().split('id="found"')[1])
