"""Home: the lists with their totals, the focus list and what was opened last."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import commands as access
from workwire.access import sessions
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.ids import new_guid
from workwire.rooms.following import commands as following
from workwire.rooms.following import queries as focus
from workwire.rooms.following import recent_items
from workwire.rooms.following.models import RecentItem
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem


@pytest.fixture
def member(organisation: Organisation) -> Actor:
    """The team member."""
    return sessions.actor_for(organisation.accounts["team member"].user)


def shown(browser: Client, query: str = "") -> str:
    """The page as it is read."""
    answer = browser.get(f"/home{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def references(text: str) -> list[str]:
    """The references of the rows, in their order."""
    return re.findall(r'<td class="reference">([^<]+)<', text)


def totals(text: str) -> dict[str, str]:
    """The totals by their words."""
    found = re.search(r'<nav class="totals".*?</nav>', text, re.DOTALL)
    assert found
    return dict(re.findall(r"</svg>([^<]+)</span><b>([^<]+)</b>", found[0]))


def test_who_signs_in_begins_at_home_and_who_does_not_work_at_the_list_of_work(organisation: Organisation) -> None:
    browser, account = Client(), organisation.accounts["team member"]
    answer = browser.post("/sign-in", {"username": account.user.username, "password": account.password})
    assert answer.headers["Location"] == "/home"
    assert "Work that is assigned to you appears here." in shown(browser)
    guest = gallery.signed_in(gallery.accounts(organisation)["self service"])
    answer = guest.get("/home")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/work")
    assert 'href="/home"' not in guest.get("/work").content.decode()


def test_lists_and_totals_lead_to_each_other_and_agree(
    organisation: Organisation, member: Actor, browser: Client
) -> None:
    items = gallery.items(organisation)
    late = work.take(items["plain"], by=member)
    WorkItem.objects.filter(pk=late.pk).update(due_date=clock.now() - timedelta(hours=3))
    inbox = shown(browser)
    counts = totals(inbox)
    assert counts["Overdue"] == "1"
    assert (
        int(counts["All"])
        == len(references(inbox))
        == sum(int(counts[words]) for words in ("Overdue", "Due today", "Due later", "Not set"))
    )
    for words, query in (("Overdue", "overdue"), ("Due later", "later"), ("Not set", "not-set")):
        assert f'href="/home?due={query}"' in inbox
        narrowed = shown(browser, f"?due={query}")
        assert len(references(narrowed)) == int(counts[words])
        assert totals(narrowed) == counts
    assert references(shown(browser, "?due=overdue")) == [late.reference]
    assert items["waiting"].reference in references(shown(browser, "?list=owned"))
    assert items["waiting"].reference not in references(inbox)
    assert 'aria-sort="ascending"' in inbox
    assert references(shown(browser, "?sort=-created")) == sorted(
        references(inbox), key=lambda one: -WorkItem.objects.get(reference=one).pk
    )


def test_an_address_with_what_is_not_known_shows_the_work_inbox(browser: Client) -> None:
    text = shown(browser, "?list=other&due=never&sort=name&cursor=x")
    assert "<h1>Work inbox</h1>" in text
    assert "See what your team has" in text


def test_nothing_of_others_is_shown_or_counted(organisation: Organisation, member: Actor) -> None:
    gallery.items(organisation)
    access.change_members(
        organisation.customers[0].group, remove=[organisation.accounts["team member"].user], by=SYSTEM
    )
    browser = gallery.signed_in(organisation.accounts["team member"])
    for name in ("inbox", "owned", "team-inbox", "team-owned"):
        text = shown(browser, f"?list={name}")
        assert set(totals(text).values()) == {"0"}
        assert not references(text)


def test_get_work_takes_the_next_item_or_says_that_there_is_none(
    organisation: Organisation, member: Actor, browser: Client
) -> None:
    queue, admin = organisation.customers[0].queue, sessions.actor_for(organisation.accounts["administrator"].user)
    assert browser.post("/get-work").headers["Location"] == "/home"
    assert "There is no work for you in your queues." in shown(browser)
    work.update_queue(queue, members=[organisation.accounts["team member"].user], by=admin)
    items = gallery.items(organisation)
    before = {item.pk for item in items.values() if item.assignee_id == member.user_id}
    answer = browser.post("/get-work")
    got = WorkItem.objects.filter(assignee=member.user_id).exclude(pk__in=before).get()
    assert answer.headers["Location"] == f"/work/{got.reference}"
    assert browser.get("/get-work").status_code == 405


def test_the_focus_list_is_filled_ordered_and_emptied_by_hand(
    organisation: Organisation, member: Actor, browser: Client
) -> None:
    """work-manager ITM-15."""
    items = gallery.items(organisation)
    chosen = [items[name] for name in ("plain", "case", "action")]
    answer = browser.post("/focus", {"item": [str(item.guid) for item in chosen], "next": "/home?list=team-inbox"})
    assert answer.headers["Location"] == "/home?list=team-inbox"
    page = shown(browser, "?list=focus")
    assert "3 items are on your focus list." in page
    assert references(page) == [item.reference for item in chosen]
    assert page.count("Move up:") == page.count("Move down:") == 2
    browser.post("/focus/move", {"item": str(chosen[2].guid), "place": "1"})
    assert references(shown(browser, "?list=focus")) == [chosen[place].reference for place in (2, 0, 1)]
    for place in ("", "0", "x", "999"):
        browser.post("/focus/move", {"item": str(chosen[2].guid), "place": place})
    browser.post("/focus/take-off", {"item": [str(chosen[0].guid), "no guid"]})
    assert {entry.work_item_id for entry in focus.focus_list(by=member)} == {chosen[1].pk, chosen[2].pk}
    assert browser.post("/focus", {"item": str(new_guid())}).status_code == 404
    away = browser.post("/focus", {"item": str(chosen[1].guid), "next": "https://elsewhere.example/"})
    assert away.headers["Location"] == "/home?list=focus"


def test_what_was_opened_last_is_listed_newest_first(
    organisation: Organisation, member: Actor, browser: Client
) -> None:
    """work-manager ITM-12: the last twenty."""
    items = gallery.items(organisation)
    for name in ("plain", "case", "plain"):
        browser.get(f"/work/{items[name].reference}")
    assert references(shown(browser, "?list=recent")) == [items["plain"].reference, items["case"].reference]
    many = list(WorkItem.objects.exclude(status=0).order_by("pk")[: recent_items.MOST_RECENT + 2])
    assert len(many) > recent_items.MOST_RECENT
    for item in many:
        recent_items.note_opened(item, by=member)
    assert [item for item, _at in recent_items.recent(by=member)] == many[: -recent_items.MOST_RECENT - 1 : -1]
    assert RecentItem.objects.filter(account=member.user_id).count() == recent_items.MOST_RECENT
    assert not RecentItem.objects.exclude(account=member.user_id).exists()


def test_what_was_opened_and_is_seen_no_more_is_not_listed(
    organisation: Organisation, member: Actor, browser: Client
) -> None:
    item = gallery.items(organisation)["plain"]
    browser.get(f"/work/{item.reference}")
    following.focus(item, by=member)
    access.change_members(
        organisation.customers[0].group, remove=[organisation.accounts["team member"].user], by=SYSTEM
    )
    for name in ("recent", "focus"):
        assert not references(shown(browser, f"?list={name}"))
