"""Replaying a subscription, explaining a message, and reconciling days, on pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from tests.web.gallery import without_colours
from workwire.access import commands as access
from workwire.access import sessions
from workwire.jobs import running
from workwire.kernel import clock, ids
from workwire.reactions.webhooks import commands, reconciling, replay_ranges, replays
from workwire.reactions.webhooks.models import Delivery, Replay, ReplayState, State, Subscription

RECENT = "count=1&kind=replay&range=24h"


def _address(of: Subscription, page: str) -> str:
    return f"/webhooks/subscriptions/{of.guid}/{page}"


def _text(browser: Client, address: str, status: int = 200) -> str:
    answer = browser.get(address)
    assert answer.status_code == status
    return unescape(without_colours(answer.content.decode()))


def _hidden(text: str) -> dict[str, list[str]]:
    """The hidden fields of the form that starts what was counted."""
    form = re.search(r'<form method="post" action="[^"]+/start">(.*?)</form>', text, re.DOTALL)
    assert form is not None
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[1]):
        found.setdefault(name, []).append(value)
    return {name: values for name, values in found.items() if name != "csrfmiddlewaretoken"}


def _ended(of: Subscription, *states: State) -> Sequence[Delivery]:
    return list(Delivery.objects.filter(subscription=of, state__in=states, event__isnull=False).order_by("pk"))


def test_what_would_be_sent_is_counted_first_and_exactly_that_is_started(
    sent: dict[str, Subscription], builder: Client
) -> None:
    one = sent["gives up"]
    lost = _ended(one, State.GAVE_UP)
    assert lost
    text = _text(builder, f"{_address(one, 'replays')}?{RECENT}&states=gave_up")
    assert f"{len(lost)} message" in text
    assert not Replay.objects.exists(), "counting starts nothing"
    answer = builder.post(_address(one, "replays/start"), _hidden(text))
    assert (answer.status_code, answer.headers["Location"]) == (303, _address(one, "replays"))
    (started,) = Replay.objects.all()
    assert started.states == [State.GAVE_UP]
    text = _text(builder, _address(one, "replays"))
    assert "Started. Fresh messages go before it." in text
    assert 'hx-trigger="every 2s"' in text
    while running.turn(replays.LANE) == 0.0:
        pass
    text = _text(builder, _address(one, "replays"))
    assert "All queued" in text
    assert 'value="100"' in text
    assert set(Delivery.objects.filter(pk__in=[one.pk for one in lost]).values_list("state", flat=True)) == {State.DUE}


def test_a_replay_is_paused_resumed_and_cancelled(sent: dict[str, Subscription], builder: Client) -> None:
    one = sent["gives up"]
    asked = replays.replay(one.guid, by=sessions.actor_for(one.owner), since=clock.now())
    here, steered = _address(one, "replays"), f"/webhooks/replays/{asked.guid}"
    for verb, state in (
        ("pause", ReplayState.PAUSED),
        ("resume", ReplayState.RUNNING),
        ("cancel", ReplayState.CANCELLED),
    ):
        answer = builder.post(f"{steered}/{verb}")
        assert (answer.status_code, answer.headers["Location"]) == (303, here)
        assert Replay.objects.get(pk=asked.pk).state == state
    assert builder.post(f"{steered}/resume").status_code == 409
    assert 'hx-trigger="every 2s"' not in _text(builder, here)


def test_a_backfill_is_counted_and_started(sent: dict[str, Subscription], builder: Client) -> None:
    one = sent["well"]
    prepared = _ended(one, State.DELIVERED)
    Delivery.objects.filter(pk=prepared[0].pk).delete()
    text = _text(builder, f"{_address(one, 'replays')}?count=1&kind=backfill&range=beginning")
    assert "<b>1 message would be sent</b>, from the beginning." in text
    builder.post(_address(one, "replays/start"), _hidden(text))
    while running.turn(replays.LANE) == 0.0:
        pass
    assert Replay.objects.get().queued == 1


def test_a_count_has_a_bound(sent: dict[str, Subscription], builder: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_ranges, "MOST_COUNTED", 1)
    text = _text(builder, f"{_address(sent['well'], 'replays')}?{RECENT}&states=delivered")
    assert "At least 1 message would be sent" in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kind=replay&range=between&states=withheld", "Say from when."),
        ("kind=replay&range=24h", "Choose at least one."),
        ("kind=replay&range=24h&states=withheld&record=no-such", "There is no such record."),
        ("kind=backfill&range=24h&record=01a2209a-0000-7000-8000-000000000000", "leave this empty"),
        ("kind=backfill&range=between&since=2026-01-01T00:00&until=2026-01-02T00:00", "leave this empty"),
        ("kind=replay&range=between&since=nonsense&states=withheld", "Enter a valid date"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_values_are_kept(
    sent: dict[str, Subscription], builder: Client, query: str, said: str
) -> None:
    text = _text(builder, f"{_address(sent['well'], 'replays')}?count=1&{query}")
    assert said in text
    assert "would be sent" not in text
    kind = re.search(r"kind=(\w+)", query)
    assert kind is not None
    assert f'value="{kind[1]}" selected' in text
    assert not Replay.objects.exists()


def test_the_range_may_begin_where_it_began_to_fail(sent: dict[str, Subscription], builder: Client) -> None:
    failing = sent["gives up"]
    assert failing.failing_since is not None
    assert "Since it began to fail" in _text(builder, _address(failing, "replays"))
    text = _text(builder, f"{_address(failing, 'replays')}?count=1&kind=replay&range=failing&states=gave_up")
    assert f"{len(_ended(failing, State.GAVE_UP))} message" in text
    Subscription.objects.filter(pk=failing.pk).update(failing_since=None)
    assert "Since it began to fail" not in _text(builder, _address(failing, "replays"))


def test_others_find_none_of_the_pages_and_steer_nothing(
    sent: dict[str, Subscription], organisation: Organisation
) -> None:
    one = sent["well"]
    asked = replays.replay(one.guid, by=sessions.actor_for(one.owner), since=clock.now())
    other = gallery.signed_in(organisation.accounts["process builder"])
    member = gallery.signed_in(organisation.accounts["team member"])
    for page in ("replays", "explain", "reconcile"):
        assert other.get(_address(one, page)).status_code == 404
        assert member.get(_address(one, page)).status_code == 403
    for browser, status in ((other, 404), (member, 403)):
        assert browser.post(_address(one, "replays/start"), {"kind": "replay"}).status_code == status
        assert browser.post(f"/webhooks/replays/{asked.guid}/cancel").status_code == status
    assert Replay.objects.get().state == ReplayState.RUNNING
    admin = gallery.signed_in(organisation.accounts["administrator"])
    assert one.url.split("//")[1] in _text(admin, _address(one, "replays"))
    assert admin.get(f"/webhooks/subscriptions/{ids.new_guid()}/explain").status_code == 404


def _explained(browser: Client, of: Subscription, about: object) -> str:
    return _text(browser, f"{_address(of, 'explain')}?about={about}")


def test_a_message_is_explained_with_what_is_new_in_it(sent: dict[str, Subscription], builder: Client) -> None:
    one = sent["well"]
    waiting = Delivery.objects.get(subscription=one, state=State.DUE)
    text = _explained(builder, one, waiting.guid)
    assert "It is not delivered yet" in text
    assert "The event matches" in text
    assert "the last message that was delivered" in text
    assert (
        '<code>Title</code></th><td dir="auto">=HYPERLINK("http://x") (changed)</td><td dir="auto">Changed at last<'
        in text
    )
    assert "<code>EventID</code>" not in text
    assert waiting.event is not None
    assert f'"EventID": "{waiting.event.guid}"' in text
    assert f'"EventID": "{waiting.event.guid}"' in _explained(builder, one, waiting.event.guid)
    delivered = Delivery.objects.get(subscription=one, record_guid=waiting.record_guid, state=State.DELIVERED)
    text = _explained(builder, one, delivered.guid)
    assert "It was delivered" in text
    assert "No earlier message about this record was delivered." in text


def test_an_explained_message_is_sent_as_a_test_where_it_would_be_sent(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    one = sent["well"]
    event = Delivery.objects.get(subscription=one, state=State.DUE).told_event
    assert event is not None
    assert f'name="event" value="{event.guid}"' in _explained(builder, one, event.guid)
    asked = builder.post(_address(one, "simulate"), {"event": str(event.guid)})
    assert asked.status_code == 303
    test = Delivery.objects.get(tested_event=event)
    assert asked.headers["Location"] == f"/webhooks/deliveries/{test.guid}"
    text = _text(builder, asked.headers["Location"])
    assert "The test is on its way." in text
    assert '<span class="tag">Test</span>' in text
    assert f'href="/webhooks/events/{event.guid}"' in text
    assert "What decides, as things are now" in text
    text = _text(builder, f"/webhooks/deliveries?record={event.record_guid}")
    assert '<span class="tag">Test</span>' in text
    assert "Changed at last" in text
    for wrong, status in (("no GUID", 404), (str(ids.new_guid()), 404)):
        assert builder.post(_address(one, "simulate"), {"event": wrong}).status_code == status
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.change_members(organisation.customers[1].group, remove=[organisation.accounts[traffic.WHO].user], by=admin)
    text = _explained(gallery.signed_in(organisation.accounts["administrator"]), one, event.guid)
    assert 'name="event"' not in text
    assert Delivery.objects.filter(tested_event__isnull=False).count() == 1


def test_a_record_is_found_by_its_reference_and_by_words(sent: dict[str, Subscription], builder: Client) -> None:
    one = sent["well"]
    delivery = _ended(one, State.DELIVERED)[-1]
    text = _explained(builder, one, delivery.record_guid)
    reference = re.search(r'"Reference": "([^"]+)"', text)
    assert reference is not None
    assert "The body it would carry" in _explained(builder, one, reference[1])
    found = _explained(builder, one, "Changed")
    assert "Which one do you mean?" in found
    assert f"about={delivery.record_guid}" in found
    assert "Nothing that you may see is called so." in _explained(builder, one, "no such thing")
    assert _text(builder, f"{_address(one, 'explain')}?about=%00") != ""


def test_a_withheld_message_leads_to_its_explanation_which_tells_nothing_of_the_record(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    one = sent["well"]
    (withheld, *_) = _ended(one, State.WITHHELD)
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    group, user = organisation.customers[1].group, organisation.accounts[traffic.WHO].user
    access.change_members(group, remove=[user], by=admin)
    text = _text(builder, f"/webhooks/deliveries/{withheld.guid}")
    address = re.search(r'href="([^"]+/explain\?about=[^"]+)"', text)
    assert address is not None
    text = _text(builder, address[1])
    assert "It would not be sent" in text
    assert "The owner may not see the record the message is about." in text
    assert "Nobody may see this title" not in text
    assert "The body it would carry" not in text
    access.change_members(group, add=[user], by=admin)
    text = _text(builder, address[1])
    assert "It was withheld" in text
    assert f'action="/webhooks/deliveries/{withheld.guid}/resend"' in text


def test_what_waits_gave_up_or_was_never_prepared_says_so(sent: dict[str, Subscription], builder: Client) -> None:
    paused = sent["paused"]
    waits = Delivery.objects.filter(subscription=paused, state=State.DUE)[0]
    text = _explained(builder, paused, waits.guid)
    assert "It waits, because the subscription is paused." in text
    assert "The owner has paused the subscription, or an administrator." in text
    gave_up = _ended(sent["gives up"], State.GAVE_UP)[0]
    assert "It was given up" in _explained(builder, sent["gives up"], gave_up.guid)
    one = sent["well"]
    missing = _ended(one, State.DELIVERED)[0]
    event = missing.event
    assert event is not None
    Delivery.objects.filter(pk=missing.pk).delete()
    text = _explained(builder, one, event.guid)
    assert "It would be sent, but was not prepared" in text
    address = re.search(r'href="([^"]+/replays\?kind=backfill[^"]+)"', text)
    assert address is not None
    assert 'value="backfill" selected' in _text(builder, address[1])


def test_a_failed_day_shows_what_was_lost_and_leads_to_its_replay(
    sent: dict[str, Subscription], builder: Client
) -> None:
    """The range of a day reaches a little into the next one, so that soon after midnight a message can be in two of them."""
    one = sent["gives up"]
    lost = _ended(one, State.GAVE_UP, State.WITHHELD)
    text = _text(builder, _address(one, "reconcile"))
    assert "Incomplete" in text
    addresses = re.findall(r'href="([^"]+/replays\?kind=replay[^"]+)"', text)
    covered: set[int] = set()
    for address in addresses:
        form = _text(builder, address)
        moments = {name: re.search(rf'name="{name}" value="([^"]+)"', form) for name in ("since", "until")}
        assert all(moments.values())
        given = {name: moment[1] for name, moment in moments.items() if moment}
        asked = "&".join(f"{name}={moment}" for name, moment in given.items())
        counted = _text(
            builder,
            f"{urlsplit(address).path}?count=1&kind=replay&range=between&{asked}&states=gave_up&states=withheld",
        )
        number = re.search(r"<b>(\d+) messages? would be sent", counted)
        assert number is not None
        since, until = (datetime.fromisoformat(given[name]).replace(tzinfo=UTC) for name in ("since", "until"))
        within = {delivery.pk for delivery in lost if since <= delivery.created_at < until}
        assert int(number[1]) == len(within)
        covered |= within
    assert covered == {delivery.pk for delivery in lost}


def test_days_without_loss_are_complete_and_what_was_never_prepared_is_missing(
    sent: dict[str, Subscription], builder: Client
) -> None:
    one = sent["well"]
    withheld = _ended(one, State.WITHHELD)
    Delivery.objects.filter(pk__in=[one.pk for one in withheld]).update(state=State.DELIVERED, end_reason="")
    Delivery.objects.filter(subscription=one, state=State.DUE).update(state=State.DELIVERED)
    text = _text(builder, _address(one, "reconcile"))
    assert "Complete" in text
    assert "Incomplete" not in text
    Delivery.objects.filter(pk=_ended(one, State.DELIVERED)[0].pk).delete()
    assert "Send what was never prepared" in _text(builder, _address(one, "reconcile"))


def test_the_sequence_of_a_record_says_what_each_number_was(sent: dict[str, Subscription], builder: Client) -> None:
    one = sent["well"]
    delivery = _ended(one, State.DELIVERED)[0]
    text = _text(builder, f"{_address(one, 'reconcile')}?record={delivery.record_guid}")
    assert "Not for this subscription" in text  # it is for updates, and the first was the creation
    assert delivery.event is not None
    assert f"about={delivery.event.guid}" in text
    later = _text(builder, f"{_address(one, 'reconcile')}?record={delivery.record_guid}&begins_at=2")
    assert "Not for this subscription" not in later
    assert "There are no events of such a record" in _text(
        builder, f"{_address(one, 'reconcile')}?record={ids.new_guid()}"
    )


def test_days_with_too_much_are_compared_one_by_one(
    sent: dict[str, Subscription], builder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _address(sent["well"], "reconcile")
    words = "There is too much on these days"
    assert words not in _text(builder, here)
    for limit in ("MOST_MESSAGES", "MOST_EVENTS"):
        with monkeypatch.context() as patched:
            patched.setattr(reconciling, limit, 1)
            text = _text(builder, here)
            assert words in text
            assert "Incomplete" not in text
            days = re.findall(r'href="([^"]+)">Compare this day', text)
            alone = [_text(builder, unescape(day)) for day in days]
            assert len(days) in (6, 7)  # soon after midnight nothing has happened today
            assert any("Incomplete" in one for one in alone)
            assert not [one for one in alone if words in one]


def test_days_that_do_not_fit_are_refused_beside_the_field(sent: dict[str, Subscription], builder: Client) -> None:
    here = _address(sent["well"], "reconcile")
    for query in ("first=2026-02-01&last=2026-01-01", "first=2026-01-01&last=2026-03-01"):
        assert "Choose 1 to 31 days" in _text(builder, f"{here}?{query}")
    assert "Nothing happened on these days" in _text(builder, f"{here}?first=2020-01-01&last=2020-01-02")


def test_a_subscription_that_may_be_sent_nothing_has_no_digests(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.change_members(organisation.customers[1].group, remove=[organisation.accounts[traffic.WHO].user], by=admin)
    text = _text(builder, _address(sent["well"], "reconcile"), 409)
    assert "The owner may not see the object the subscription is for." in text


def test_a_page_of_a_paused_subscription_says_that_its_replays_wait(
    sent: dict[str, Subscription], builder: Client
) -> None:
    one = sent["paused"]
    replays.replay(one.guid, by=sessions.actor_for(one.owner), since=clock.now() - timedelta(days=1))
    assert "Paused with its subscription" in _text(builder, _address(one, "replays"))
    commands.resume(one.guid, by=sessions.actor_for(one.owner))
    assert "Paused with its subscription" not in _text(builder, _address(one, "replays"))
