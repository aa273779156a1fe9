"""Subscribing and changing a subscription in the browser: choices without JavaScript, refusals, the secret this once."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery, traffic
from workwire.access import sessions
from workwire.kernel import crypto, ids
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, rotation
from workwire.reactions.webhooks.models import Subscription

PAGE = "/webhooks/subscribe"
WISH = {
    "webhook": "PacketUpdated",
    "filter_type": "everything",
    "url": "https://203.0.114.7/in",
    "format": "standard",
}


def _send(browser: Client, address: str = PAGE, *, status: int, **changes: Any) -> str:
    answer = browser.post(address, {**WISH, **changes})
    text = unescape(answer.content.decode())
    assert answer.status_code == status, text
    return text


def _edited(browser: Client, one: Subscription) -> dict[str, str]:
    """The form of a subscription as a browser would send it back."""
    text = browser.get(f"/webhooks/subscriptions/{one.guid}/edit").content.decode()
    (version,) = re.findall(r'name="version" value="(\d+)"', text)
    return {**WISH, "url": one.url, "format": one.format, "version": version}


def test_the_secret_is_in_the_answer_and_nowhere_else(sent: dict[str, Subscription], builder: Client) -> None:
    text = _send(
        builder, status=201, header_name="X-Team", header_value="hush hush", in_order="on", most_per_second="7"
    )
    (secret,) = re.findall(r'id="secret">(whsec_[^<]+)<', text)
    made = Subscription.objects.order_by("-pk")[0]
    assert crypto.unseal(made.secrets[0]["sealed"]) == secret
    assert (made.format, made.header_name, made.in_order, made.most_per_second) == ("standard", "X-Team", True, 7)
    assert crypto.unseal(made.header_value_sealed) == "hush hush"
    assert "hush hush" not in text
    page = builder.get(f"/webhooks/subscriptions/{made.guid}").content.decode()
    assert secret not in page
    for language in ("Python", "Node", "Go", "C#", "Java", "PHP"):
        assert f">{language}</summary>" in text


def test_an_object_is_picked_by_name_and_no_guid_is_typed(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    company = organisation.customers[1].company
    text = _send(builder, status=200, step="find", filter_type="company", looked_for=company.name[:4].lower())
    assert company.name in text
    assert f'value="{company.guid}"' in text
    assert 'value="https://203.0.114.7/in"' in text  # what was written is kept
    nothing = _send(builder, status=200, step="find", filter_type="company", looked_for="nobody at all")
    assert "Nothing that you may see is called so." in nothing
    _send(builder, status=201, filter_type="company", filter_guid=str(company.guid))
    made = Subscription.objects.order_by("-pk")[0]
    assert made.filter_guid == company.guid
    assert f"Company {company.name}" in unescape(builder.get("/webhooks/subscriptions").content.decode())


def test_others_objects_are_neither_found_nor_taken(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    other = organisation.customers[0].company
    text = _send(builder, status=200, step="find", filter_type="company", looked_for=other.name)
    assert str(other.guid) not in text
    before = Subscription.objects.count()
    _send(builder, status=404, filter_type="company", filter_guid=str(other.guid))
    assert Subscription.objects.count() == before
    member = gallery.signed_in(organisation.accounts["team member"])
    assert member.get(PAGE).status_code == 403
    assert member.post(PAGE, WISH).status_code == 403


def test_the_choices_follow_the_webhook(sent: dict[str, Subscription], builder: Client) -> None:
    updates = builder.get(f"{PAGE}?webhook=PacketUpdated").content.decode()
    assert 'value="packet"' in updates
    assert 'name="webhook" value="PacketUpdated" checked' in updates
    created = builder.get(f"{PAGE}?webhook=BusinessObjectCreated").content.decode()
    assert 'value="schedule"' in created
    assert 'value="everything"' not in created
    assert 'name="looked_for"' not in created
    assert builder.get(f"{PAGE}?webhook=nothing").status_code == 200
    assert "?webhook=PacketCreated" in builder.get("/webhooks/catalogue/PacketCreated").content.decode()


def test_a_refusal_stands_at_its_field_and_keeps_what_was_written(
    sent: dict[str, Subscription], builder: Client
) -> None:
    for field, value, said in (
        ("url", "http://169.254.169.254/", "metadata"),
        ("url", "ftp://example.com/", "http"),
        ("retry_schedule", "soon", "Write amounts"),
        ("retry_schedule", "5s 5s", "three"),
        ("most_per_second", "0", "1"),
        ("client_key", "no key", "certificate"),
        ("header_name", "Host", "Host"),
    ):
        text = _send(builder, status=422, **{field: value, "header_value": "kept"})
        assert said.lower() in text.lower(), (field, text)
        assert value in text, field
    assert "This was not saved" in text


def test_the_moments_of_further_tries_are_told(sent: dict[str, Subscription], builder: Client) -> None:
    text = _send(builder, status=200, step="tries", retry_schedule="10s 5min 1h 2d")
    assert len(re.findall(r"<li><time", text.partition('id="tries"')[2])) == 4
    part = builder.post(PAGE, {**WISH, "step": "tries"}, headers={"HX-Request": "true", "HX-Target": "tries"})
    assert part.content.startswith(b'<div id="tries">')
    assert part.status_code == 200


def test_a_change_is_saved_and_what_is_not_written_again_is_kept(
    sent: dict[str, Subscription], builder: Client
) -> None:
    _send(builder, status=201, header_name="X-Team", header_value="hush")
    one = Subscription.objects.order_by("-pk")[0]
    address = f"/webhooks/subscriptions/{one.guid}/edit"
    wish = {**_edited(builder, one), "header_name": "X-Team", "in_order": "on", "retry_schedule": "1min 5min 1h"}
    answer = builder.post(address, wish)
    assert answer.status_code == 303, unescape(answer.content.decode())
    one.refresh_from_db()
    assert (one.in_order, one.retry_schedule) == (True, [60, 300, 3600])
    assert crypto.unseal(one.header_value_sealed) == "hush"
    changed = Event.objects.filter(name="SubscriptionUpdated").order_by("-pk")[0]
    assert '"in_order"' in changed.body
    assert "1min 5min 1h" in builder.get(address).content.decode()
    moved = _send(
        builder,
        address,
        status=422,
        **{**_edited(builder, one), "header_name": "X-Team", "url": "https://203.0.114.8/"},
    )
    assert "again" in moved


def test_another_change_meanwhile_is_shown_and_either_can_be_kept(
    sent: dict[str, Subscription], builder: Client
) -> None:
    _send(builder, status=201)
    one = Subscription.objects.order_by("-pk")[0]
    address = f"/webhooks/subscriptions/{one.guid}/edit"
    mine = {**_edited(builder, one), "most_per_second": "3"}
    assert builder.post(address, {**_edited(builder, one), "format": "plain"}).status_code == 303
    text = _send(builder, address, status=409, **mine)
    assert f"{one.owner.full_name} changed this meanwhile." in text
    assert '<dt dir="auto">Format</dt><dd dir="auto">Plain: the record\'s keys at the top</dd>' in text
    assert '<dt dir="auto">Most a second</dt><dd dir="auto">–</dd>' in text
    (version,) = re.findall(r'name="version" value="(\d+)"', text)
    assert Subscription.objects.get(pk=one.pk).most_per_second is None
    assert builder.post(address, {**mine, "version": version}).status_code == 303
    one.refresh_from_db()
    assert [one.most_per_second, one.format] == [3, "standard"]


def test_a_new_secret_meanwhile_is_told_with_who_made_it_and_the_object_is_told_by_name(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    company = organisation.customers[1].company
    _send(builder, status=201)
    one = Subscription.objects.order_by("-pk")[0]
    address = f"/webhooks/subscriptions/{one.guid}/edit"
    mine = _edited(builder, one)
    assert builder.post(address, mine | {"filter_type": "company", "filter_guid": str(company.guid)}).status_code == 303
    owner, helper = one.owner.full_name, sessions.actor_for(organisation.accounts["administrator"].user)
    rotation.rotate_secret(one.guid, by=helper)
    text = _send(builder, address, status=409, **mine)
    assert f"{organisation.accounts['administrator'].user.full_name} changed this meanwhile." in text
    assert f"{owner} changed this" not in text
    assert re.findall(r'<dt dir="auto">([^<]*)</dt><dd dir="auto">([^<]*)</dd>', text) == [
        ("About", "Company"),
        ("Which one", company.name),
    ]


def test_a_subscription_that_ended_meanwhile_is_not_an_error_of_its_object(
    sent: dict[str, Subscription], builder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    _send(builder, status=201)
    one = Subscription.objects.order_by("-pk")[0]
    mine, told = _edited(builder, one), commands.update

    def ended_first(guid: UUID, **changes: Any) -> Subscription:
        commands.unsubscribe(guid, by=changes["by"])
        return told(guid, **changes)

    monkeypatch.setattr(commands, "update", ended_first)
    text = _send(builder, f"/webhooks/subscriptions/{one.guid}/edit", status=404, **mine)
    assert "There is no such subscription." in text
    assert "This was not saved" not in text


def test_sending_the_form_again_subscribes_no_second_time(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    (wish,) = re.findall(r'name="wish" value="([0-9a-f-]{36})"', builder.get(PAGE).content.decode())
    asked = _send(builder, status=200, step="tries", wish=wish)
    assert f'name="wish" value="{wish}"' in asked
    before = Subscription.objects.count()
    _send(builder, status=201, wish=wish)
    text = _send(builder, status=409, wish=wish)
    assert "This form was sent already" in text
    assert "whsec_" not in text
    assert Subscription.objects.count() == before + 1
    other = gallery.signed_in(organisation.accounts["process builder"])
    _send(other, status=201, wish=wish)  # another account's form
    _send(builder, status=201, wish=str(ids.new_guid()))
    assert Subscription.objects.count() == before + 3


@pytest.mark.parametrize("page", [PAGE, "edit"])
@pytest.mark.parametrize("words", ["\x00", "x" * 60_000])
def test_words_that_no_object_can_be_called_by_find_nothing(
    sent: dict[str, Subscription], builder: Client, page: str, words: str
) -> None:
    address = page if page == PAGE else f"/webhooks/subscriptions/{sent['well'].guid}/edit"
    wish = {"step": "find", "filter_type": "company", "looked_for": words}
    assert "Nothing that you may see is called so." in _send(builder, address, status=200, **wish)


def test_others_cannot_change_it(sent: dict[str, Subscription], organisation: Organisation) -> None:
    address = f"/webhooks/subscriptions/{sent['well'].guid}/edit"
    other = gallery.signed_in(organisation.accounts["process builder"])
    assert other.get(address).status_code == 404
    assert other.post(address, WISH).status_code == 404
    owner = gallery.signed_in(organisation.accounts[traffic.WHO])
    assert owner.get(address).status_code == 200


def test_a_sample_stands_beside_the_form_in_the_format_chosen(sent: dict[str, Subscription], builder: Client) -> None:
    """The newest event that the reader may see is shown, and a made-up one where there is none."""

    def sample(**changes: Any) -> tuple[str, dict[str, Any]]:
        text = builder.post(
            PAGE, {**WISH, "step": "sample", **changes}, headers={"HX-Request": "true", "HX-Target": "sample"}
        ).content.decode()
        (body,) = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.DOTALL)
        return unescape(text), json.loads(unescape(re.sub("<[^>]+>", "", body)))

    text, plain = sample(format="plain")
    newest = Event.objects.filter(name="WorkItemUpdated").latest("pk")
    assert plain["EventID"] == str(newest.guid)
    assert f'href="/webhooks/events/{newest.guid}"' in text
    assert '<mark class="key">"Title"</mark>' in text
    standard, clouded = sample()[1], sample(format="cloudevents")[1]
    assert (standard["type"], standard["data"]) == ("PacketUpdated", plain)
    assert (clouded["specversion"], clouded["data"]) == ("1.0", plain)
    made_up, body = sample(webhook="NewCommunication", format="plain")
    assert "Made up, for nothing of this kind happened yet that you may see." in made_up
    assert body["PacketGUID"]
    hidden = Event.objects.filter(name="WorkItemUpdated").exclude(work_item_guid=newest.work_item_guid)
    assert hidden.exists()


def test_the_sample_shows_nothing_of_what_the_reader_may_not_see(
    sent: dict[str, Subscription], organisation: Organisation
) -> None:
    other = gallery.signed_in(organisation.accounts["process builder"])
    hidden = gallery.signed_in(organisation.accounts["process builder of one company"])
    assert "Changed at last" in unescape(hidden.get(f"{PAGE}?webhook=PacketUpdated").content.decode())
    everything = unescape(other.get(f"{PAGE}?webhook=PacketUpdated").content.decode())
    sees = other.get("/webhooks/events?kind=WorkItemUpdated").content.decode()
    assert ("Changed at last" in everything) == ("Changed at last" in sees)
