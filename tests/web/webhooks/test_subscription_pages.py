"""The list of subscriptions and the page of one: how they are, pausing, testing, a new secret, the end."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.kernel import clock, ids
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Delivery, State, Subscription


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def _conditions(text: str) -> list[str]:
    return re.findall(r'<td class="state-cell"><span class="state [a-z]+">.*?<span>([^<]+)</span>', text)


def test_every_condition_is_a_word_and_can_be_asked_for(sent: dict[str, Subscription], builder: Client) -> None:
    Subscription.objects.filter(pk=sent["everything"].pk).update(access_lost_at=None)
    text = _text(builder, "/webhooks/subscriptions")
    assert f"{len(sent) - 1} subscriptions" in text  # one has ended
    for name, word in (("failing", "Failing"), ("paused", "Paused"), ("access_lost", "Access lost")):
        found = set(_conditions(_text(builder, f"/webhooks/subscriptions?condition={name}")))
        assert found <= {word}
        assert (word in _conditions(text)) == bool(found)
    assert {"Healthy", "Paused"} <= set(_conditions(text))


def test_the_list_asks_as_many_queries_however_long_it_is(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            _text(builder, "/webhooks/subscriptions")
        return len(asked)

    _text(builder, "/webhooks/subscriptions")  # the session notes its use
    before = queries()
    one = sent["well"]
    for number in range(60):
        Subscription.objects.create(
            owner_id=one.owner_id,
            webhook=1,
            filter_key="x",
            url=f"https://example.com/{number}",
            endpoint="https://example.com:443",
        )
    assert queries() <= before
    text = _text(builder, "/webhooks/subscriptions")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', text)
    assert "example.com/9" in _text(builder, older)


def test_others_see_no_subscription_and_those_without_the_feature_not_the_page(
    sent: dict[str, Subscription], organisation: Organisation
) -> None:
    address = f"/webhooks/subscriptions/{sent['well'].guid}"
    other = gallery.signed_in(organisation.accounts["process builder"])
    assert "Nobody is told anything yet" in _text(other, "/webhooks/subscriptions")
    assert other.get(address).status_code == 404
    assert other.post(f"{address}/pause").status_code == 404
    member = gallery.signed_in(organisation.accounts["team member"])
    assert member.get("/webhooks/subscriptions").status_code == 403
    assert member.post(f"{address}/unsubscribe").status_code == 403
    assert "/webhooks/subscriptions" not in member.get("/work").content.decode()
    admin = gallery.signed_in(organisation.accounts["administrator"])
    assert sent["well"].url in _text(admin, address)
    assert admin.get(f"/webhooks/subscriptions/{ids.new_guid()}").status_code == 404


def test_a_subscription_says_how_it_is_and_why(sent: dict[str, Subscription], builder: Client) -> None:
    failing = _text(builder, f"/webhooks/subscriptions/{sent['fails'].guid}")
    assert "The endpoint has not taken a message since." in failing
    assert "503, " in failing
    paused = _text(builder, f"/webhooks/subscriptions/{sent['paused'].guid}")
    assert "The owner has paused the subscription, or an administrator." in paused
    assert "CloudEvents" in paused
    waiting = Delivery.objects.filter(subscription=sent["paused"], state=State.DUE).count()
    assert f"Unsubscribe and cancel {waiting}" in paused
    well = _text(builder, f"/webhooks/subscriptions/{sent['well'].guid}")
    assert "X-Team" in well
    assert "operations" not in well


def test_a_subscription_says_when_its_certificates_end(sent: dict[str, Subscription], builder: Client) -> None:
    address, mine = (
        f"/webhooks/subscriptions/{sent['everything'].guid}",
        Subscription.objects.filter(pk=sent["everything"].pk),
    )
    for days, sentence in ((40, ""), (10, "end soon"), (-1, "have ended")):
        mine.update(certificates_end_at=clock.now() + timedelta(days=days))
        found = re.findall(r"Certificates of this subscription ([a-z]+ [a-z]+)", _text(builder, address))
        assert found == ([sentence] if sentence else [])


def test_pausing_resuming_testing_and_ending_lead_back_and_are_told(
    sent: dict[str, Subscription], builder: Client
) -> None:
    one = sent["well"]
    address = f"/webhooks/subscriptions/{one.guid}"
    assert builder.post(f"{address}/pause").headers["Location"] == address
    assert "Paused. Messages accumulate until you resume." in _text(builder, address)
    assert builder.post(f"{address}/pause").status_code == 409
    assert builder.post(f"{address}/resume").headers["Location"] == address
    tested = builder.post(f"{address}/simulate")
    assert tested.status_code == 303
    assert "A sample message is on its way." in _text(builder, tested.headers["Location"])
    assert builder.post(f"{address}/unsubscribe").headers["Location"] == "/webhooks/subscriptions"
    one.refresh_from_db()
    assert one.ended_at is not None
    names = set(Event.objects.filter(record_guid=one.guid).values_list("name", flat=True))
    assert {"SubscriptionPaused", "SubscriptionResumed", "MessageSimulated", "SubscriptionEnded"} <= names
    assert builder.get(address).status_code == 404


def test_a_new_secret_is_shown_once_and_the_old_one_still_signs(sent: dict[str, Subscription], builder: Client) -> None:
    address = f"/webhooks/subscriptions/{sent['well'].guid}"
    answer = builder.post(f"{address}/rotate")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "whsec_" in answer.content.decode()
    text = _text(builder, address)
    assert "whsec_" not in text
    assert "An old secret signs beside the new one for 23 h 59 min more." in text
    (until,) = Subscription.objects.get(pk=sent["well"].pk).secrets[1:]
    assert f'datetime="{until["expires_at"]}"' in text
    past = [{**until, "expires_at": (clock.now() - timedelta(seconds=1)).isoformat()}]
    Subscription.objects.filter(pk=sent["well"].pk).update(secrets=[sent["well"].secrets[0], *past])
    assert "An old secret" not in _text(builder, address)
