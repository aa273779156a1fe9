"""The page of a delivery: request, answer, attempts, checks, and sending it again."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from tests.web.gallery import without_colours
from workwire.access import commands as access
from workwire.access import sessions
from workwire.kernel import ids
from workwire.reactions.webhooks import log
from workwire.reactions.webhooks.log import Wish
from workwire.reactions.webhooks.models import Delivery, State, Subscription


def _one(organisation: Organisation, subscription: Subscription, state: State) -> Delivery:
    actor = sessions.actor_for(organisation.accounts[traffic.WHO].user)
    found = log.page(actor, Wish(subscription.guid, state), limit=200).rows
    return next(one for one in found if one.event_id is not None)


def _text(browser: Client, delivery: Delivery, query: str = "") -> str:
    answer = browser.get(f"/webhooks/deliveries/{delivery.guid}?{query}")
    assert answer.status_code == 200
    return unescape(without_colours(answer.content.decode()))


def test_request_and_answer_are_shown_without_what_is_secret(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    text = _text(builder, _one(organisation, sent["well"], State.DELIVERED))
    assert '"accepted": true' in text
    assert "Webhook-Signature: •••" in text
    assert "X-Team: •••" in text
    assert "operations" not in text
    assert f"curl -X POST {sent['well'].url}" in text
    assert "The event matches" in text
    assert "Taken after" in text
    assert "Where the time went, in milliseconds" in text
    assert '<th scope="row">First byte</th>' in text


def test_every_attempt_can_be_looked_at(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    gave_up = _one(organisation, sent["gives up"], State.GAVE_UP)
    last, first = _text(builder, gave_up), _text(builder, gave_up, "attempt=1")
    assert gave_up.attempts == last.count('class="when"') == 4
    assert "closed for maintenance" in last
    assert "Webhook-Attempt: 4" in last
    assert "Webhook-Attempt: 1" in first
    assert "after the one before" in last
    assert _text(builder, gave_up, "attempt=99").count('aria-current="true"') == 1


def test_what_was_withheld_says_why_and_shows_nothing_of_the_record(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    withheld = _one(organisation, sent["well"], State.WITHHELD)
    group, user = organisation.customers[1].group, organisation.accounts[traffic.WHO].user
    access.change_members(group, remove=[user], by=admin)
    text = _text(builder, withheld)
    assert "Nothing was sent." in text
    assert "The owner may not see the object the subscription is for." in text
    assert "Nobody may see this title" not in text
    assert "msg_" not in text
    access.change_members(group, add=[user], by=admin)
    assert "What would be sent" in _text(builder, withheld)


def test_sending_again_is_offered_to_who_may(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    delivered = _one(organisation, sent["well"], State.DELIVERED)
    address = f"/webhooks/deliveries/{delivered.guid}"
    answer = builder.post(f"{address}/resend")
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    text = _text(builder, delivered)
    assert "It is sent again." in text
    delivered.refresh_from_db()
    assert delivered.state == State.DUE
    cancelled = _one(organisation, sent["ended"], State.CANCELLED)
    assert "Send again" not in _text(builder, cancelled)
    assert builder.post(f"/webhooks/deliveries/{cancelled.guid}/resend").status_code == 409
    member = gallery.signed_in(organisation.accounts["team member"])
    assert member.get(address).status_code == 404
    assert member.post(f"{address}/resend").status_code == 403
    assert builder.get(f"/webhooks/deliveries/{ids.new_guid()}").status_code == 404


def test_one_leads_to_the_one_before_and_after(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    actor = sessions.actor_for(organisation.accounts[traffic.WHO].user)
    newest, middle, older = log.page(actor, Wish(sent["fails"].guid), limit=3).rows
    text = _text(builder, middle)
    assert f'href="/webhooks/deliveries/{newest.guid}" aria-label="Newer delivery"' in text
    assert f'href="/webhooks/deliveries/{older.guid}" aria-label="Older delivery"' in text
    assert "Newer delivery" not in _text(builder, newest)


def test_attempts_are_told_to_the_second_with_what_http_calls_the_answer_and_step_by_step(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    gave_up = _one(organisation, sent["gives up"], State.GAVE_UP)
    text = _text(builder, gave_up)
    assert '503 <span lang="en">Service Unavailable</span>' in text
    assert len(re.findall(r'class="when"><time [^>]*>[^<]*\d\d:\d\d:\d\d</time>', text)) == gave_up.attempts
    bars = re.findall(r'<svg viewBox="0 0 240 8" aria-hidden="true">(.*?)</svg>', text)
    assert len(bars) == gave_up.attempts
    for bar, attempt in zip(bars, gave_up.attempt_rows.order_by("number"), strict=True):
        assert ('class="connecting"' in bar) == (attempt.connect_us is not None)
        assert ('class="run"' in bar) == (attempt.first_byte_us is not None)
        pieces = [(float(x), float(width)) for x, width in re.findall(r'x="([\d.]+)" width="([\d.]+)"', bar)]
        assert pieces[0][0] == 0
        assert sum(pieces[-1]) <= 243
    legend = re.findall(r"</svg>([^<]+)</li>", text)
    assert {"Connecting", "First byte"} <= set(legend)
    assert "TLS" not in legend
    refused = Delivery.objects.filter(subscription=sent["refused"], attempts__gt=0).earliest("pk")
    assert "connection refused" in _text(builder, refused)


def test_who_manages_accounts_is_led_to_why_the_owner_may_not_see_it(
    organisation: Organisation, sent: dict[str, Subscription], builder: Client
) -> None:
    account, admin = organisation.accounts[traffic.WHO], organisation.accounts["administrator"]
    group = organisation.customers[1].group
    access.change_members(group, remove=[account.user], by=sessions.actor_for(admin.user))
    withheld = _one_of_all(sent["well"], State.WITHHELD)
    why = f"/administration/accounts/{account.user.guid}/sight?kind="
    found = {}
    for who, browser in (("manager", gallery.signed_in(admin)), ("owner", builder)):
        for address in (
            f"deliveries/{withheld.guid}",
            f"subscriptions/{sent['well'].guid}/explain?about={withheld.guid}",
        ):
            text = unescape(browser.get(f"/webhooks/{address}").content.decode())
            found[who, address[:4]] = re.findall(rf'href="({re.escape(why)}[^"]+)"', text)
    company = f"{why}company&record={organisation.customers[1].company.guid}"
    record = f"{why}work_item&record={withheld.record_guid}"
    assert found["manager", "deli"] == found["manager", "subs"] == [company, record], found
    assert found["owner", "deli"] == found["owner", "subs"] == []
    assert "does not see this" in gallery.signed_in(admin).get(record).content.decode()


def _one_of_all(subscription: Subscription, state: State) -> Delivery:
    return Delivery.objects.filter(subscription=subscription, state=state).latest("pk")
