"""The audit: who did what, when, from where, before and afterwards; for who holds the feature."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from tests.support.organisation import Account, Organisation
from tests.web import gallery
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.access.features import OPERATIONAL
from workwire.rooms.work.models import WorkItem


def _rows(browser: Client, query: str = "") -> list[str]:
    answer = browser.get(f"/operate/audit?{query}")
    assert answer.status_code == 200, answer.content
    return [re.sub(r"<[^>]+>", " ", unescape(row)) for row in answer.content.decode().split("<tr>")[2:]]


def test_the_audit_says_who_did_what_from_where_before_and_afterwards(organisation: Organisation) -> None:
    account = organisation.accounts["administrator"]
    browser = gallery.signed_in(account, Client(REMOTE_ADDR="198.51.100.7"))
    assert (
        Client(REMOTE_ADDR="192.0.2.66").post("/sign-in", {"username": "tomas", "password": "wrong"}).status_code == 401
    )
    assert Client().post("/sign-in", {"username": "my password 123", "password": "x"}).status_code == 401
    actor = sessions.session(browser.cookies["workwire_session"].value, address="198.51.100.7", on_page=True).actor
    access.set_preferences(organisation.accounts["team member"].user, by=actor, time_zone="Asia/Tokyo")
    first, unknown, refused, signed_in, *_ = _rows(browser)
    assert "Account changed" in first
    assert "Olga Brandt" in first
    assert "198.51.100.7" in first
    assert "Time zone: – → Asia/Tokyo" in first
    assert "Sign-in refused" in unknown
    assert "my password" not in unknown
    assert "192.0.2.66" in refused
    assert "tomas" in refused
    assert "Signed in" in signed_in
    assert "•••" not in "".join(_rows(browser, "area=sign_ins"))


def test_the_audit_speaks_german_of_columns_too(organisation: Organisation) -> None:
    account = organisation.accounts["administrator"]
    actor = sessions.actor_for(account.user)
    role = access.create_role("Special", OPERATIONAL, (), by=actor)
    access.change_role(role, second_factor=True, by=actor)
    row = _rows(gallery.signed_in(account, Client(headers={"Accept-Language": "de"})), "kind=RoleUpdated")[0]
    assert "Verlangt einen zweiten Faktor: Nein → Ja" in row


def test_the_audit_is_narrowed_by_area_kind_person_and_time(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["administrator"])
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.create_group("Night shift", by=admin)
    assert all("Sign" in row for row in _rows(browser, "area=sign_ins"))
    (row,) = _rows(browser, "area=rights&kind=UserGroupCreated&account=olga&since=1h")[:1]
    assert "Night shift" in row
    assert _rows(browser, "area=rights&kind=UserGroupCreated&account=tomas") == []
    assert _rows(browser, "until=2001-01-01T00:00:00Z") == []
    assert len(_rows(browser, "area=nothing&kind=WorkItemCreated")) == len(_rows(browser))
    made_by_system = _rows(browser, "account=-")
    assert made_by_system
    assert all("Workwire itself" in one for one in made_by_system)


def test_the_work_is_not_in_the_audit_and_secrets_are_masked(organisation: Organisation) -> None:
    gallery.items(organisation)
    browser = gallery.signed_in(organisation.accounts["administrator"])
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    access.set_password(organisation.accounts["team member"].user, "9h2fKwq8ZrT1", by=admin)
    rows = _rows(browser)
    assert "Password: ••• → •••" in rows[0]
    assert not any("Work item" in row for row in rows)
    text = browser.get(
        re.findall(r'href="(/webhooks/events/[^"]+)"', browser.get("/operate/audit").content.decode())[0]
    )
    assert b"md5$" not in text.content
    assert b"9h2fKwq8ZrT1" not in text.content


def test_only_who_holds_the_feature_reads_the_audit(organisation: Organisation) -> None:
    accounts = gallery.accounts(organisation)
    for who, account in accounts.items():
        browser = gallery.signed_in(account)
        expected = 200 if who == "administrator" else 403
        assert browser.get("/operate/audit").status_code == expected, who
        assert ("/operate/audit" in browser.get("/find").content.decode()) == (expected == 200)
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    role = access.create_role("Auditor", OPERATIONAL, (features.AUDIT,), by=admin)
    user = access.create_user("ada", "Ada", [role], password=gallery.PASSWORD, by=admin)
    auditor = gallery.signed_in(Account(user, gallery.PASSWORD))
    items = gallery.items(organisation)
    assert len(_rows(auditor)) == 50
    page = auditor.get(f"/webhooks/events?record={items['plain'].guid}").content.decode()
    (address, *_) = re.findall(r'href="(/webhooks/events/[0-9a-f-]+)"', page)
    shown = auditor.get(address)
    assert shown.status_code == 200
    assert (
        f"/work/{WorkItem.objects.get(pk=items['plain'].pk).guid}" not in shown.content.decode()
    )  # it would lead nowhere
