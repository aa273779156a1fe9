"""Lists that go on: every page of one takes a cursor from its address, and begins anew for a cursor of another list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from tests.reactions.test_notices import give
from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.access import commands as access
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.pages import cursor_at
from workwire.reactions.webhooks import commands, repair, replays
from workwire.reactions.webhooks.commands import Terms
from workwire.rooms.work.models import WorkItem

WHO = "administrator"
SUBSCRIPTIONS = "/webhooks/subscriptions"
LISTS = (
    "/work?view=all",
    "/notices?view=all",
    "/operate/audit",
    "/operate/jobs",
    "/administration/accounts",
    "/administration/groups",
    "/settings/sessions",
    "/settings/credentials",
    "/webhooks/events",
    "/webhooks/deliveries",
    SUBSCRIPTIONS,
    "/replays",  # of a subscription
)


@pytest.fixture
def replayed(organisation: Organisation, actors: dict[str, Actor], open_ticket: Callable[..., WorkItem]) -> str:
    """The address of the replays of a subscription; there is something in every list."""
    user, by = organisation.accounts[WHO].user, actors[WHO]
    give(1, open_ticket(), by)
    roles = Role.objects.filter(assignments__user=user.pk)
    access.create_credential(user, "x", list(roles), expires_at=clock.now() + timedelta(days=1), by=by)
    made, _secret = commands.subscribe(Terms(1, "https://127.0.0.1/"), by=by)
    repair.simulate(made.guid, by=by)
    replays.backfill(made.guid, by=by, since=clock.now() - timedelta(days=1))
    return f"{SUBSCRIPTIONS}/{made.guid}/replays"


@pytest.mark.parametrize("address", LISTS)
def test_a_list_leads_back_to_its_beginning_but_not_from_a_cursor_of_another_list(
    organisation: Organisation, replayed: str, address: str
) -> None:
    browser = gallery.signed_in(organisation.accounts[WHO])
    here = replayed if address == "/replays" else address
    at = f"{here}{'&' if '?' in here else '?'}cursor="
    assert _newest(browser, here) == []
    assert _newest(browser, at + cursor_at(10**12)) == [here]
    assert _newest(browser, f"{at}nonsense") == []


def _newest(browser: Client, address: str) -> list[str]:
    """Where the link to the newest rows leads."""
    answer = browser.get(address)
    assert answer.status_code == 200
    return re.findall(r'href="([^"]+)"[^>]*>Newest</a>', unescape(answer.content.decode()))
