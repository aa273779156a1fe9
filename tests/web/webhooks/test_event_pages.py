"""The event explorer: what happened, what changed, where it was sent, and nothing of what one may not see."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from workwire.access import sessions
from workwire.kernel import clock, ids
from workwire.outbox.models import Event
from workwire.reactions.webhooks import fanning
from workwire.reactions.webhooks.models import Delivery, State, Subscription
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.content
    return unescape(answer.content.decode())


def _events(text: str) -> list[str]:
    return re.findall(r'href="/webhooks/events/([0-9a-f-]{36})"', text)


def test_an_event_says_what_changed_and_leads_to_its_record_and_its_deliveries(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    delivery = (
        Delivery.objects.filter(subscription=sent["well"], state=State.DELIVERED).exclude(event=None).order_by("pk")[0]
    )
    event = delivery.event
    assert event is not None
    listed = _text(builder, "/webhooks/events")
    assert "Work item changed" in listed
    text = _text(builder, f"/webhooks/events/{event.guid}")
    assert f'href="/webhooks/deliveries/{delivery.guid}"' in text
    assert f'href="/work/{event.work_item_guid}"' in text
    assert '"EventID"' in text
    assert f"<code>{event.name}</code>" in text
    assert re.search(r'<span class="faint">Epoch</span>1<', text)
    page = _text(builder, f"/webhooks/deliveries/{delivery.guid}")
    assert f'href="/webhooks/events/{event.guid}"' in page


def test_the_history_of_an_item_leads_to_its_events(organisation: Organisation) -> None:
    plain = gallery.items(organisation)["plain"]
    member = sessions.actor_for(organisation.accounts["team member"].user)
    work.update(plain, by=member, title="Paid at last")
    conversations.add(plain, by=member, body="Called.")
    browser = gallery.signed_in(organisation.accounts["team member"])
    page = _text(browser, f"/work/{plain.reference}")
    found = _events(page)
    newest = Event.objects.filter(work_item_guid=plain.guid).order_by("-pk").values_list("guid", flat=True)[:8]
    assert found == [str(guid) for guid in newest]
    assert f"/webhooks/events?record={plain.reference}" in page
    changed = Event.objects.filter(work_item_guid=plain.guid, name="WorkItemUpdated").order_by("-pk")[0]
    text = _text(browser, f"/webhooks/events/{changed.guid}")
    assert "Where is our invoice?" in text
    assert "Paid at last" in text
    assert "Title" in text
    said = _text(browser, f"/webhooks/events/{found[0]}")
    assert f"Communication added {plain.reference}" in said
    assert "Deliveries" not in said.split("<main")[1]


def test_filters_are_chips_and_odd_ones_count_as_none(organisation: Organisation) -> None:
    items = gallery.items(organisation)
    browser = gallery.signed_in(organisation.accounts["team member"])
    plain, everything = items["plain"], _events(_text(browser, "/webhooks/events"))
    assert len(everything) == 50
    own = _events(_text(browser, f"/webhooks/events?record={plain.reference}&kind=WorkItemCreated&account=tomas"))
    assert own == [str(Event.objects.get(record_guid=plain.guid, sequence=1).guid)]
    text = _text(browser, f"/webhooks/events?record={plain.reference}&since=1h&account=tomas&from=1999-01-01T00:00")
    for name in ("Record", "Account", "Since", "From"):
        assert f"Take off: {name}" in text
    assert _events(_text(browser, "/webhooks/events?account=nobody-here")) == []
    assert "Take the filters off" in _text(browser, "/webhooks/events?record=999999-T")
    for odd in (
        "kind=Nothing",
        "kind=UserCreated",
        "since=9y",
        "from=yesterday",
        "record=%00",
        "cursor=xx",
        "account=%0A",
    ):
        assert _events(_text(browser, f"/webhooks/events?{odd}")) == everything, odd
    older = re.search(r'rel="next" href="|href="([^"]+)" rel="next"', _text(browser, "/webhooks/events"))
    assert older is not None


def test_nobody_sees_an_event_of_what_they_may_not_see(organisation: Organisation) -> None:
    accounts, items = gallery.accounts(organisation), gallery.items(organisation)
    hidden = Event.objects.filter(work_item_guid=items["plain"].guid)[0]
    narrow = gallery.signed_in(accounts[traffic.WHO])
    assert narrow.get(f"/webhooks/events/{hidden.guid}").status_code == 404
    assert narrow.get(f"/webhooks/events/{ids.new_guid()}").status_code == 404
    assert _events(_text(narrow, f"/webhooks/events?record={items['plain'].reference}")) == []
    assert _events(_text(narrow, f"/webhooks/events?record={items['plain'].guid}")) == []
    assert _events(_text(gallery.signed_in(accounts["guest"]), "/webhooks/events")) == []
    requester = gallery.signed_in(accounts["self service"])
    assert requester.get("/webhooks/events").status_code == 403
    assert requester.get(f"/webhooks/events/{hidden.guid}").status_code == 403
    own = WorkItem.objects.all()[0]
    assert "/webhooks/events" not in requester.get(f"/work/{own.reference}").content.decode()
    assert Client().get("/webhooks/events").status_code == 302


def test_a_communication_in_the_log_names_its_item(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    member = sessions.actor_for(organisation.accounts["team member"].user)
    item = WorkItem.objects.filter(customer=organisation.customers[1].company)[0]
    conversations.add(item, by=member, body="Called.")
    fanning.fan_out(clock.now())
    listed = _text(builder, "/webhooks/deliveries?webhook=NewCommunication")
    assert f'<b class="strong">{item.reference}</b> <span dir="auto">(no title)</span>' in listed


def test_a_subscription_is_called_by_its_endpoint_for_the_path_of_its_url_may_hold_a_secret(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    wish = {"webhook": "PacketUpdated", "filter_type": "everything", "format": "plain"}
    answer = builder.post("/webhooks/subscribe", {**wish, "url": "https://203.0.114.7/services/T0/hush?key=hush"})
    assert answer.status_code == 201
    admin = gallery.signed_in(organisation.accounts["administrator"])
    for browser, address in ((admin, "/operate/audit?area=webhooks"), (admin, "/webhooks/events")):
        listed = _text(browser, address)
        assert "https://203.0.114.7:443" in listed, address
        assert "hush" not in listed, address


def test_what_was_decided_is_told_in_sentences_and_not_in_codes(organisation: Organisation) -> None:
    customer, account = organisation.customers[0], organisation.accounts["team member"]
    member = sessions.actor_for(account.user)
    wish = {"category_guid": customer.category.guid, "submit": True}
    item = work.create_ticket(customer.ticket_version.guid, by=member, title="Mine", **wish)
    work.take(item, by=member)
    taken = Event.objects.filter(work_item_guid=item.guid).latest("pk")
    text = _text(gallery.signed_in(organisation.accounts["administrator"]), f"/webhooks/events/{taken.guid}")
    changes = text[text.index('id="changes"') : text.index('id="body"')]
    assert "Why somebody has it" in changes
    assert customer.queue.name in changes
    assert not re.findall(r"\b(?:who_|due_step)[a-z_.]+|parameters|tried:", changes)
