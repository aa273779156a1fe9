"""The page that says what an account may see, and why."""

from __future__ import annotations

import re
from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Account, Organisation
from tests.web import gallery
from workwire.access import commands, features, sight
from workwire.access.models import Role
from workwire.kernel import ids
from workwire.kernel.actor import SYSTEM
from workwire.web.administration.sight_page import KINDS, RULES

MOST_QUERIES = 25  # of a page, as everywhere
PASSWORD = "9mEo4tQvXb2LkZ"


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def _sight(organisation: Organisation, who: str) -> str:
    return f"/administration/accounts/{organisation.accounts[who].user.guid}/sight"


def test_the_sum_and_the_reasons_are_words(organisation: Organisation) -> None:
    admin, address = gallery.signed_in(organisation.accounts["administrator"]), _sight(organisation, "team member")
    first = organisation.customers[0]
    text = _text(admin, address)
    assert "Sees 2 of 3 companies and 0 of 0 work items, of those that you see." in text
    assert "Choose a record" in text
    seen = _text(admin, f"{address}?kind=contract&record={first.contract.guid}")
    assert "Tomas Sato sees this. The group 'Willow Clinics people' has a data permission on the company" in seen
    bea = _sight(organisation, "process builder of one company")
    unseen = _text(admin, f"{bea}?kind=contract&record={first.contract.guid}")
    assert "Bea Moreau does not see this. No rule allows it." in unseen
    assert "No data permission of its groups covers it" in unseen
    commands.set_active(organisation.accounts["team member"].user, False, by=SYSTEM)
    retired = _text(admin, f"{address}?kind=contract&record={first.contract.guid}")
    assert "Tomas Sato does not see this. The account has retired and sees nothing." in retired
    assert "Sees 0 of 3 companies" in retired


def test_every_kind_and_every_rule_has_words(organisation: Organisation) -> None:
    gallery.items(organisation)
    admin, address = gallery.signed_in(organisation.accounts["administrator"]), _sight(organisation, "robot")
    assert set(KINDS) == {kind.name for kind in sight.kinds()}
    assert set(RULES) == {"account_active"} | {rule.code for kind in sight.kinds() for rule in kind.rules}
    for kind in KINDS:
        text = _text(admin, f"{address}?kind={kind}")
        records = re.findall(r'name="record" value="([^"]*)"', text)
        assert records or "Nothing that you see fits." in text, kind
        if records:
            with CaptureQueriesContext(connection) as asked:
                answer = _text(admin, f"{address}?kind={kind}&record={records[0]}")
            assert "One of these must allow it" in answer
            assert len(asked) <= MOST_QUERIES, len(asked)


def test_records_are_found_by_words(organisation: Organisation) -> None:
    items = gallery.items(organisation)
    admin, address = gallery.signed_in(organisation.accounts["administrator"]), _sight(organisation, "team member")
    text = _text(admin, f"{address}?kind=work_item&text={items['plain'].reference}")
    assert re.findall(r'name="record" value="([^"]*)"', text) == [str(items["plain"].guid)]
    assert "Nothing that you see fits." in _text(admin, f"{address}?kind=company&text=no-such-thing")
    assert _text(admin, f"{address}?kind=x&text=%00&record=nonsense")


def test_records_out_of_ones_own_sight_are_not_there(organisation: Organisation) -> None:
    first, second = organisation.customers
    role = commands.create_role("Clerk", features.BUILDER, [features.USERS], by=SYSTEM)
    user = commands.create_user(
        "clerk", "Cleo Clerk", [Role.objects.get(name="Team Member"), role], password=PASSWORD, by=SYSTEM
    )
    commands.change_members(second.group, add=[user], by=SYSTEM)
    clerk, address = gallery.signed_in(Account(user, PASSWORD)), _sight(organisation, "team member")
    assert "Sees 1 of 1 company" in _text(clerk, address)
    assert "Willow Clinics" not in _text(clerk, address)
    for guid in (first.company.guid, ids.new_guid()):
        assert clerk.get(f"{address}?kind=company&record={guid}").status_code == 404
    account = _text(clerk, address.removesuffix("/sight"))
    assert "And 1 on an object that you may not see." in account
