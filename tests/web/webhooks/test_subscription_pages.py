"""The list of subscriptions and the page of one: how they are, pausing, testing, a new secret, the end."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.kernel import clock, ids
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Delivery, Queued, State, Subscription


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
    asked = _text(builder, f"/webhooks/subscriptions/{sent['paused'].guid}/unsubscribe")
    assert f"Unsubscribe and cancel {waiting}" in asked
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


def test_ending_is_confirmed_with_numbers_first(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    address = f"/webhooks/subscriptions/{sent['fails'].guid}/unsubscribe"
    waiting = Queued.objects.filter(subscription=sent["fails"], claimed_by=None).count()
    logged = Delivery.objects.filter(subscription=sent["fails"]).count()
    assert waiting
    text = _text(builder, address)
    assert f"{waiting} messages that wait" in text
    assert "0 messages, which may still arrive" in text
    assert f"{logged} messages, each for 30 days" in text
    assert Subscription.objects.get(pk=sent["fails"].pk).ended_at is None
    other = gallery.signed_in(organisation.accounts["process builder"])
    assert other.get(address).status_code == 404
    assert gallery.signed_in(organisation.accounts["team member"]).get(address).status_code == 403
    assert builder.post(address).status_code == 303
    assert builder.get(address).status_code == 404


def test_the_list_tells_what_waits_and_how_the_day_went_and_is_sorted_by_it(
    sent: dict[str, Subscription], builder: Client
) -> None:
    text = _text(builder, "/webhooks/subscriptions")
    assert re.search(r'aria-label="Last 24 hours: \d+ of \d+ messages taken"', text)
    assert "Nothing was tried in the last 24 hours" in text
    waiting = Queued.objects.filter(subscription=sent["paused"]).count()
    assert f'<td class="waiting-cell number">{waiting}<' in text
    for order in ("health", "name", "waiting", "lag"):
        shown = _text(builder, f"/webhooks/subscriptions?sort={order}&condition=")
        assert shown.count("aria-sort=") == 1
        assert 'href="/webhooks/subscriptions"' in shown  # once more leads back to the newest
    first = re.findall(r'<td class="title" title="([^"]+)"', _text(builder, "/webhooks/subscriptions?sort=waiting"))
    waiting_of = Queued.objects.filter(claimed_by=None).values("subscription__url", "subscription")
    most = waiting_of.annotate(count=Count("pk")).order_by("-count", "-subscription")[0]
    assert first[0] == most["subscription__url"]
    assert "aria-sort" not in _text(builder, "/webhooks/subscriptions?sort=nonsense")


def test_a_subscription_shows_what_it_took_over_a_day_or_a_week(sent: dict[str, Subscription], builder: Client) -> None:
    address = f"/webhooks/subscriptions/{sent['fails'].guid}"
    day, week = _text(builder, address), _text(builder, f"{address}?period=7d")
    assert "Attempts by answer, each hour of the last 24" in day
    assert "Time to answer, every 6 hours of the last 7 days" in week
    assert day.count('<table class="table">') == 3  # the figures of each chart for who does not see it
    assert "What waits in each lane, now" in day
    assert "Attempts by answer, each hour of the last 24" in _text(builder, f"{address}?period=1y")
