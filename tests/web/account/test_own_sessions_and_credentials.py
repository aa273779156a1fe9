"""The pages of one's own sessions, password and application credentials."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from tests.support.organisation import Account, Organisation
from tests.web import gallery
from workwire.access import commands, sessions
from workwire.access.models import Credential, Token
from workwire.kernel import clock

NEW = "Ein-ganz-neues-1"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def account(organisation: Organisation) -> Account:
    """Somebody who works."""
    return organisation.accounts["team member"]


@pytest.fixture
def browser(account: Account) -> Client:
    """A browser in which the account has signed in."""
    return gallery.signed_in(account, Client(headers={"User-Agent": FIREFOX}))


def test_sessions_are_shown_in_words_and_ended_one_by_one(account: Account, browser: Client) -> None:
    phone = gallery.signed_in(account, Client(headers={"User-Agent": IPHONE}, REMOTE_ADDR="203.0.113.9"))
    shown = browser.get("/settings/sessions").content.decode()
    assert "Firefox on Linux" in shown
    assert "Safari on iPhone" in shown
    assert "203.0.113.9" in shown
    assert shown.count("This one") == 1
    (other,) = re.findall(r'name="session" value="([^"]+)"', shown)
    assert browser.post("/settings/sessions", {"session": other}).status_code == 303
    assert phone.get("/settings/sessions").status_code == 302
    assert browser.get("/settings/sessions").status_code == 200
    assert browser.post("/settings/sessions", {"session": other}).status_code == 404
    assert browser.post("/settings/sessions", {"session": "<script>"}).status_code == 404


def test_all_other_sessions_are_ended_at_once(account: Account, browser: Client) -> None:
    others = [gallery.signed_in(account) for _ in range(2)]
    assert "End all others" in browser.get("/settings/sessions").content.decode()
    assert browser.post("/settings/sessions", {"others": "1"}).status_code == 303
    shown = browser.get("/settings/sessions").content.decode()
    assert "2 sessions have ended." in shown
    assert "End all others" not in shown
    assert [one.get("/work").status_code for one in others] == [302, 302]


def test_hundreds_of_sessions_come_page_by_page(account: Account, browser: Client) -> None:
    for number in range(60):
        Token.objects.create(user=account.user, digest=f"{number:064}", browser="<b>curl</b>/8")
    first = browser.get("/settings/sessions").content.decode()
    assert "&lt;b&gt;curl" in first
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert "This one" in browser.get(older).content.decode()
    assert browser.get("/settings/sessions?cursor=nonsense").status_code == 200


def test_the_password_is_changed_by_who_knows_it(account: Account, browser: Client) -> None:
    other = gallery.signed_in(account)
    wish = {"present": account.password, "password": NEW, "again": NEW}
    for wrong, said in (
        ({"present": "wrong"}, "This is not your present password."),
        ({"again": "another"}, "The two new passwords differ."),
        ({"password": "short", "again": "short"}, "too short"),
        ({"present": ""}, "This field is required."),
    ):
        answer = browser.post("/settings/password", wish | wrong)
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert NEW not in answer.content.decode()
    assert other.get("/work").status_code == 200
    assert browser.post("/settings/password", wish).status_code == 303
    assert browser.get("/settings/password").status_code == 200
    assert other.get("/work").status_code == 302
    gallery.signed_in(Account(account.user, NEW))


def test_a_credential_is_made_and_its_secret_shown_this_once(account: Account, browser: Client) -> None:
    role = account.user.role_assignments.get().role
    form = browser.get("/settings/credentials/new").content.decode()
    assert f'name="role-{role.guid}"' in form
    until = (clock.now() + timedelta(days=30)).date().isoformat()
    wish = {"name": "Ledger", "expires_at": until, f"role-{role.guid}": "on", "present": account.password}
    answer = browser.post("/settings/credentials/new", wish)
    assert answer.status_code == 201
    (secret,) = re.findall(r'id="secret">([^<]+)<', answer.content.decode())
    made = Credential.objects.get(name="Ledger")
    assert made.user == account.user
    assert sessions.exchange_secret(made.client_id, secret, address="::1")
    page = f"/settings/credentials/{made.guid}"
    assert secret not in browser.get(page).content.decode()
    assert "Ledger" in browser.get("/settings/credentials").content.decode()
    renewed = browser.post(f"{page}/renew-secret", {"present": account.password})
    assert renewed.status_code == 201
    (other,) = re.findall(r'id="secret">([^<]+)<', renewed.content.decode())
    assert other != secret
    assert browser.post(page, {"name": "Archive", "expires_at": until}).status_code == 303
    assert Credential.objects.get(pk=made.pk).name == "Archive"
    assert browser.post(f"{page}/revoke").status_code == 303
    shown = browser.get(page).content.decode()
    assert "Revoked" in shown
    assert "/revoke" not in shown


def test_no_secret_is_given_without_the_present_password(account: Account, browser: Client) -> None:
    role = account.user.role_assignments.get().role
    until = clock.now() + timedelta(days=30)
    wish = {"name": "Ledger", "expires_at": until.date().isoformat(), f"role-{role.guid}": "on"}
    made, secret = commands.create_credential(
        account.user, "Feed", [role], expires_at=until, by=sessions.actor_for(account.user)
    )
    for given, said in (
        ({}, "This field is required."),
        ({"present": "wrong-falcon-81"}, "This is not your present password."),
    ):
        for page, form in (("new", wish), (f"{made.guid}/renew-secret", {})):
            answer = browser.post(f"/settings/credentials/{page}", form | given)
            assert answer.status_code == 422
            assert said in answer.content.decode()
            assert 'id="secret"' not in answer.content.decode()
            assert "wrong-falcon" not in answer.content.decode()
    assert list(Credential.objects.filter(user=account.user)) == [made]
    assert sessions.exchange_secret(made.client_id, secret, address="::1")
    for _ in range(settings.CONFIG.login_attempts):
        answer = browser.post("/settings/credentials/new", wish | {"present": "wrong"})
    assert answer.status_code == 429
    assert browser.post("/settings/credentials/new", wish | {"present": account.password}).status_code == 429


def test_wrong_wishes_make_no_credential_and_keep_what_was_typed(account: Account, browser: Client) -> None:
    soon, late = ((clock.now() + timedelta(days=days)).date().isoformat() for days in (30, 800))
    for wish, said in (
        ({"name": "Ledger", "expires_at": soon}, "one or more of its user&#x27;s own roles"),
        ({"name": "", "expires_at": soon}, "This field is required."),
        ({"name": "Ledger", "expires_at": "soon"}, "Enter a valid date."),
    ):
        answer = browser.post("/settings/credentials/new", wish | {"present": account.password})
        assert answer.status_code == 422
        assert said in answer.content.decode()
    assert account.password not in answer.content.decode()
    assert 'value="Ledger"' in answer.content.decode()
    assert not Credential.objects.filter(name="Ledger").exists()
    assert late > soon


def test_credentials_of_others_do_not_exist_here_even_for_who_manages_accounts(
    organisation: Organisation, account: Account
) -> None:
    roles = [assignment.role for assignment in account.user.role_assignments.all()]
    made, _secret = commands.create_credential(
        account.user, "Feed", roles, expires_at=clock.now() + timedelta(days=9), by=sessions.actor_for(account.user)
    )
    admin = gallery.signed_in(organisation.accounts["administrator"])
    assert "Feed" not in admin.get("/settings/credentials").content.decode()
    for method, path in (("get", ""), ("post", ""), ("post", "/renew-secret"), ("post", "/revoke")):
        assert getattr(admin, method)(f"/settings/credentials/{made.guid}{path}").status_code == 404
    assert Credential.objects.get(pk=made.pk).revoked_at is None


def test_nobody_signed_in_is_sent_to_sign_in(organisation: Organisation) -> None:
    for page in ("password", "sessions", "credentials", "credentials/new"):
        assert Client().get(f"/settings/{page}").status_code == 302
