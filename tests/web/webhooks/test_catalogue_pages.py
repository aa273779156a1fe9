"""The catalogue on pages: every webhook with all keys of its message, as the API tells them."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks import catalogue
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.work import commands as work


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_every_webhook_is_listed_and_has_a_page_with_every_key(sent: dict[str, Subscription], builder: Client) -> None:
    listed = _text(builder, "/webhooks/catalogue")
    for entry in catalogue.entries():
        assert f'href="/webhooks/catalogue/{entry["name"]}"' in listed
        text = _text(builder, f"/webhooks/catalogue/{entry['name']}")
        keys = re.findall(r'<th scope="row" class="inside0"><code>([^<]+)<', text)
        assert keys == list(entry["schema"]["properties"])
        assert entry["fires_when"] in text
        inside = re.findall(r'<th scope="row" class="inside1"><code>([^<]+)<', text)
        assert {"GUID", "UserType", "CredentialGUID"} <= set(inside)  # of ChangedBy
    assert "Changed at last" in _text(builder, "/webhooks/catalogue/PacketUpdated")
    assert "Nothing of this kind happened yet that you may see." in _text(builder, "/webhooks/catalogue/2")


def test_events_are_shown_to_who_may_see_their_records_whether_or_not_they_were_sent(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    address, titles = "/webhooks/catalogue/PacketUpdated", ("Of the first", "Of the second")
    for customer, title in zip(organisation.customers, titles, strict=False):
        made = work.create_ticket(
            customer.ticket_version.guid,
            by=actors["team member"],
            title="Of nobody",
            category_guid=customer.category.guid,
            submit=True,
        )
        work.update(made, by=actors["team member"], title=title)
    everything, narrow = (
        _text(gallery.signed_in(organisation.accounts[who]), address)
        for who in ("administrator", "process builder of one company")
    )
    assert [title in everything for title in titles] == [True, True]
    assert 'href="/webhooks/events?kind=WorkItemUpdated"' in everything
    assert [title in narrow for title in titles] == [False, True]


def test_the_catalogue_is_for_who_may_subscribe(organisation: Organisation) -> None:
    builder = gallery.signed_in(organisation.accounts["process builder"])
    assert builder.get("/webhooks/catalogue/NoSuchHook").status_code == 404
    member = gallery.signed_in(organisation.accounts["team member"])
    assert member.get("/webhooks/catalogue").status_code == 403
    assert member.get("/webhooks/catalogue/PacketUpdated").status_code == 403
