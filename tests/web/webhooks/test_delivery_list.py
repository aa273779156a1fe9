"""The list of deliveries: who sees what, filters, pages, what is new, and the list as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.support.world import Subscribe
from tests.web import gallery, traffic
from workwire.access import commands as access
from workwire.access import sessions
from workwire.kernel import clock, ids
from workwire.reactions.webhooks import fanning, log
from workwire.reactions.webhooks.log import Wish
from workwire.reactions.webhooks.models import Delivery, State, Subscription
from workwire.rooms.work import commands as work
from workwire.web.webhooks import delivery_export


def _text(browser: Client, query: str = "", **headers: str) -> str:
    answer = browser.get(f"/webhooks/deliveries?{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def _rows(text: str) -> list[str]:
    return re.findall(r'<td class="state-cell"><span class="state [a-z]+">.*?<span>([^<]+)</span>', text)


def test_every_state_is_shown_by_a_word_and_can_be_asked_for(builder: Client) -> None:
    words = {
        "delivered": {"Delivered"},
        "withheld": {"Withheld"},
        "gave-up": {"Gave up"},
        "cancelled": {"Cancelled"},
    }
    for state, expected in words.items():
        assert set(_rows(_text(builder, f"state={state}"))) == expected
    waiting = set(_rows(_text(builder, "state=waiting")))
    assert {"Waiting", "Waiting, paused"} <= waiting
    assert any(word.startswith("Retry") for word in waiting)
    assert "No delivery fits these filters." in _text(builder, "state=sending")


def test_what_was_delivered_and_is_sent_again_keeps_saying_so(builder: Client, sent: dict[str, Subscription]) -> None:
    query = f"subscription={sent['well'].guid}"
    before = _rows(_text(builder, query))
    one = Delivery.objects.filter(subscription=sent["well"], event__isnull=False, state=State.DELIVERED).latest("pk")
    builder.post(f"/webhooks/deliveries/{one.guid}/resend")
    after = _rows(_text(builder, query))
    assert after.count("Delivered, to be sent again") == 1
    assert after.count("Delivered") == before.count("Delivered") - 1
    assert "Delivered, to be sent again" in builder.get(f"/webhooks/deliveries/{one.guid}").content.decode()


def test_a_withheld_delivery_shows_nothing_of_its_record(builder: Client, organisation: Organisation) -> None:
    text = _text(builder, "state=withheld")
    assert "A record you may not see" not in text, "the right came back"
    group = organisation.customers[1].group
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.change_members(group, remove=[organisation.accounts[traffic.WHO].user], by=admin)
    text = _text(builder)
    assert set(_rows(text)) == {"Withheld", "Delivered"}  # and the sample, which is about no record
    assert "Nobody may see this title" not in text
    assert "A record you may not see" in text
    lines = [json.loads(line) for line in _file(builder, "jsonl", "state=withheld").splitlines()]
    assert lines
    assert all(not {"title", "record", "reference", "sequence"} & set(line) for line in lines)
    assert {line["reason"] for line in lines} == {"filter_object_not_visible"}


def test_others_see_nothing_and_an_administrator_all(
    sent: dict[str, Subscription], builder: Client, organisation: Organisation
) -> None:
    count = re.search(r"(\d+) deliveries", _text(builder))
    assert count
    member = gallery.signed_in(organisation.accounts["team member"])
    assert member.get("/webhooks/deliveries").status_code == 403
    assert member.get(f"/webhooks/deliveries?subscription={sent['well'].guid}").status_code == 403
    admin = gallery.signed_in(organisation.accounts["administrator"])
    assert f"{count[1]} deliveries" in _text(admin)


def test_filters_are_chips_that_can_be_taken_off(sent: dict[str, Subscription], builder: Client) -> None:
    guid = sent["well"].guid
    text = _text(builder, f"subscription={guid}&webhook=1&since=24h&state=delivered")
    assert "Take off: Webhook PacketUpdated" in text
    assert "Take off: Since 24 hours ago" in text
    assert f'href="/webhooks/deliveries?state=delivered&amp;subscription={guid}&amp;since=24h"' in text
    reference = re.search(r'<b class="strong">(\d+-T)</b>', text)
    assert reference
    of_record = _text(builder, f"record={reference[1].lower()}")
    assert set(re.findall(r'<b class="strong">(\d+-T)</b>', of_record)) == {reference[1]}
    assert "No delivery fits these filters." in _text(builder, f"record={ids.new_guid()}")
    assert "No delivery fits these filters." in _text(builder, "record=99999-T")
    assert "No delivery fits these filters." in _text(builder, "until=2001-01-01T00:00")
    assert "No delivery fits these filters." not in _text(builder, "from=2001-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "query", ["state=x&since=y&webhook=z&cursor=q", "from=yesterday&until=9999-99-99T00:00", "record=%00&above=1"]
)
def test_what_an_address_says_that_nobody_knows_is_passed_over(query: str, builder: Client) -> None:
    assert "Take off:" not in _text(builder, query)


def test_what_is_new_is_told_without_moving_a_row(
    builder: Client, organisation: Organisation, sent: dict[str, Subscription]
) -> None:
    poll = re.search(r'hx-get="([^"]+)" hx-trigger="every', _text(builder, "webhook=1"))
    assert poll
    asked = {"HX-Request": "true", "HX-Target": "news"}
    assert builder.get(unescape(poll[1]), headers=asked).status_code == 204
    member = sessions.actor_for(organisation.accounts["team member"].user)
    version = organisation.customers[1].ticket_version
    item = work.create_ticket(version.guid, by=member, title="New")
    work.update(item, by=member, title="Newer")
    fanning.fan_out(clock.now())
    answer = builder.get(unescape(poll[1]), headers=asked)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert text.startswith('<div id="news">')
    assert "4 new deliveries, show" in text  # of the four subscriptions to updates, not those to creations
    assert builder.get("/webhooks/deliveries?above=x", headers=asked).status_code == 204
    assert "every 2s" in _text(builder)
    assert "every 2s" not in _text(builder, f"cursor={_cursor(organisation)}"), "older pages are not told"


def test_a_long_log_goes_on_page_by_page(builder: Client, organisation: Organisation, subscribe: Subscribe) -> None:
    member = sessions.actor_for(organisation.accounts["team member"].user)
    for number in range(40):
        work.create_ticket(organisation.customers[1].ticket_version.guid, by=member, title=f"T{number}")
    fanning.fan_out(clock.now())
    first = _text(builder)
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = builder.get(unescape(older), headers={"HX-Request": "true", "HX-Target": "list"}).content.decode()
    assert second.startswith('<div id="list">')
    links = [re.findall(r'class="title"[^>]*><a href="([^"]+)"', text) for text in (first, second)]
    assert len(links[0]) == 50
    assert links[1]
    assert not set(links[0]) & set(links[1])


def test_a_file_has_every_line_and_no_formula(builder: Client, organisation: Organisation) -> None:
    actor = sessions.actor_for(organisation.accounts[traffic.WHO].user)
    expected = len(log.page(actor, Wish(), limit=200).rows)
    rows = list(csv.DictReader(io.StringIO(_file(builder, "csv"))))
    assert len(rows) == expected
    assert {row["state"] for row in rows} >= {"delivered", "withheld", "gave_up", "cancelled", "due"}
    titles = {row["title"] for row in rows}
    assert '\'=HYPERLINK("http://x") (changed)' in titles
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    lines = [json.loads(line) for line in _file(builder, "jsonl").splitlines()]
    assert [line["delivery"] for line in lines] == [row["delivery"] for row in rows]
    assert any(line.get("title") == '=HYPERLINK("http://x") (changed)' for line in lines)
    few = list(csv.DictReader(io.StringIO(_file(builder, "csv", "state=gave-up"))))
    assert {row["state"] for row in few} == {"gave_up"}


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("=1+1", "'=1+1"),
        ("x;=1+1", "x;'=1+1"),
        ("x; \t@sum", "x; \t'@sum"),
        ("x\n+1", "x\n'+1"),
        ("＝1＋1", "'＝1＋1"),
        ("x;＠sum", "x;'＠sum"),
        ("a-b; c = d, mail@x.example", "a-b; c = d, mail@x.example"),
        (204, "204"),
        (None, ""),
    ],
)
def test_no_cell_becomes_a_formula_in_any_language(title: object, written: str) -> None:
    assert delivery_export.cell(title) == written


def test_a_file_is_bounded_and_so_is_how_many_are_written(builder: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_export, "MOST_LINES", 3)
    assert len(_file(builder, "jsonl").splitlines()) == 3
    kept: list[Any] = [builder.get("/webhooks/deliveries.csv") for _ in range(2)]
    assert builder.get("/webhooks/deliveries.csv").status_code == 429
    for answer in kept:
        assert b"".join(answer.streaming_content)
    assert len(_file(builder, "csv").splitlines()) == 4


def _file(browser: Client, kind: str, query: str = "") -> str:
    answer = browser.get(f"/webhooks/deliveries.{kind}?{query}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="deliveries.{kind}"'
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined] # of a streamed answer


def _cursor(organisation: Organisation) -> str:
    actor = sessions.actor_for(organisation.accounts[traffic.WHO].user)
    return str(log.page(actor, Wish(), limit=1).next_cursor)
