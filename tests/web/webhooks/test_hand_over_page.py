"""The page that hands a subscription over: choosing, the preview, confirming, and who may not."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from workwire.access import sessions
from workwire.kernel import ids
from workwire.reactions.webhooks import commands
from workwire.reactions.webhooks.models import Subscription


@pytest.fixture
def admin(organisation: Organisation, sent: dict[str, Subscription]) -> Client:
    """The browser of an administrator."""
    return gallery.signed_in(organisation.accounts["administrator"])


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def _address(one: Subscription) -> str:
    return f"/webhooks/subscriptions/{one.guid}/hand-over"


def test_an_administrator_chooses_sees_what_would_change_and_hands_over(
    sent: dict[str, Subscription], admin: Client, builder: Client, organisation: Organisation
) -> None:
    one, paul = sent["well"], organisation.accounts["process builder"].user
    address = f"/webhooks/subscriptions/{one.guid}"
    assert f'href="{address}/hand-over"' in _text(admin, address)
    choice = _text(admin, f"{address}/hand-over?text=ekdahl")
    assert f'value="{paul.guid}"' in choice
    assert "Olga Brandt</button>" not in choice
    preview = _text(admin, f"{address}/hand-over?owner={paul.guid}")
    assert "Hand over to Paul Ekdahl" in preview
    assert "200 at most, among the last 10,000 events of all kinds" in preview
    assert "do not allow" not in preview  # he sees no more of this company than its owner
    wish = {"owner": paul.guid, "version": one.version}
    assert admin.post(f"{address}/hand-over", wish).headers["Location"] == address
    assert "Handed over. Both accounts are told." in _text(admin, address)
    assert builder.get(address).status_code == 404
    assert gallery.signed_in(organisation.accounts["process builder"]).get(address).status_code == 200


def test_what_the_receiver_gains_and_what_the_new_owner_may_not_see_are_said(
    sent: dict[str, Subscription], admin: Client, organisation: Organisation
) -> None:
    one, accounts = sent["everything"], organisation.accounts
    gains = _text(admin, f"{_address(one)}?owner={accounts['administrator'].user.guid}")
    assert "messages that the rights of the present owner do not allow" not in gains  # nothing of others has happened
    paul = sessions.actor_for(accounts["process builder"].user)
    wide, _ = commands.subscribe(commands.Terms(webhook=0, url="http://127.0.0.1:9/all"), by=paul)
    gallery.items(organisation)  # of the first company
    bea = accounts[traffic.WHO].user
    less = _text(admin, f"{_address(wide)}?owner={bea.guid}")
    assert f"{bea.full_name} may not see" in less
    assert f"/administration/accounts/{bea.guid}/sight?kind=work_item&record=" in less
    narrow, _ = commands.subscribe(commands.Terms(webhook=0, url="http://127.0.0.1:9/less"), by=sessions.actor_for(bea))
    more = _text(admin, f"{_address(narrow)}?owner={paul.guid}")
    assert "messages that the rights of the present owner do not allow" in more


def test_refusals_stand_on_the_page_and_change_nothing(
    sent: dict[str, Subscription], admin: Client, organisation: Organisation
) -> None:
    one, accounts = sent["well"], organisation.accounts
    member, paul = accounts["team member"].user, accounts["process builder"].user
    preview = _text(admin, f"{_address(one)}?owner={member.guid}")
    assert "This account does not hold the feature Webhooks." in preview
    assert "Hand over to" not in preview
    refused = admin.post(_address(one), {"owner": member.guid, "version": one.version})
    assert refused.status_code == 422
    assert "This account does not hold the feature Webhooks." in refused.content.decode()
    assert admin.get(f"{_address(one)}?owner={ids.new_guid()}").status_code == 404
    assert admin.post(_address(one), {"owner": "x"}).status_code == 422
    commands.pause(sent["fails"].guid, by=sessions.actor_for(accounts["administrator"].user))
    commands.update(one.guid, by=sessions.actor_for(accounts[traffic.WHO].user), in_order=True)
    late = admin.post(_address(one), {"owner": paul.guid, "version": one.version})
    assert late.status_code == 409
    text = unescape(late.content.decode())
    assert "Bea Moreau changed this meanwhile." in text
    assert f'name="version" value="{one.version + 1}"' in text  # so that it may be confirmed over what there is now
    assert Subscription.objects.get(pk=one.pk).owner_id == one.owner_id


def test_owners_and_members_hand_nothing_over(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    address = f"/webhooks/subscriptions/{sent['well'].guid}"
    assert "hand-over" not in _text(builder, address)
    assert builder.get(f"{address}/hand-over").status_code == 403
    wish = {"owner": organisation.accounts["process builder"].user.guid, "version": 1}
    assert builder.post(f"{address}/hand-over", wish).status_code == 403
    assert gallery.signed_in(organisation.accounts["process builder"]).get(f"{address}/hand-over").status_code == 404
    assert gallery.signed_in(organisation.accounts["team member"]).get(f"{address}/hand-over").status_code == 403
