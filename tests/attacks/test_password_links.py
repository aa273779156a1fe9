"""Forgotten passwords: a link sets a new one, once; asking for it tells nobody which accounts there are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail as sent
from django.core.mail.backends import locmem
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Account, Organisation
from tests.support.recorded import recorded
from tests.web import gallery
from workwire.access import commands, sessions, usable_links
from workwire.access.commands import password_links
from workwire.access.models import FailedLogin, PasswordLink, Token, User
from workwire.jobs import running
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.kernel.errors import Forbidden, Invalid, Limited
from workwire.worker import mail

NEW = "Ein-ganz-neues-1"
LINK = re.compile(r"https://work\.cedar\.example(/new-password\?link=\S+)")


@pytest.fixture
def account(organisation: Organisation) -> Account:
    """Somebody with a mail address."""
    return organisation.accounts["team member"]


@pytest.fixture
def mailing(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An installation that mails; what it sent."""
    told = {
        "smtp_url": "smtp://mail.cedar.example",
        "mail_from": "desk@cedar.example",
        "public_url": "https://work.cedar.example/",
    }
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update=told))
    monkeypatch.setattr(mail, "server", locmem.EmailBackend)
    sent.outbox = []
    return sent.outbox


def _ask(called: str, browser: Client | None = None) -> Any:
    return (browser or Client()).post("/forgotten-password", {"called": called})


def _deliver() -> None:
    while running.turn(mail.LANE) == 0.0:
        pass


def _mailed_link(box: list[Any]) -> str:
    (found,) = LINK.findall(box[-1].body)
    return str(found)


@pytest.mark.parametrize("spelled", ["tomas", "TOMAS", "by address"])
def test_a_link_comes_by_mail_and_sets_a_password_once(spelled: str, account: Account, mailing: list[Any]) -> None:
    session = gallery.signed_in(account)
    called = account.user.email.upper() if spelled == "by address" else spelled
    assert _ask(called).status_code == 303
    assert mailing == []
    _deliver()
    assert (mailing[0].to, mailing[0].subject) == ([account.user.email], "Set a new password")
    page = _mailed_link(mailing)
    browser = Client()
    for _ in range(2):  # looking uses nothing up: programs that read mail look
        shown = browser.get(page)
        assert shown.status_code == 200
        assert account.user.username in shown.content.decode()
    token = page.partition("=")[2]
    wish = {"link": token, "password": NEW, "again": NEW}
    weak = browser.post("/new-password", wish | {"password": "short", "again": "short"})
    assert weak.status_code == 422
    assert session.get("/work").status_code == 200
    with recorded() as found:
        answer = browser.post("/new-password", wish)
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in")
    assert found.names == ["UserUpdated"]
    assert session.get("/work").status_code == 302
    assert browser.get("/work").status_code == 302  # a link signs nobody in
    for again in (browser.get(page), browser.post("/new-password", wish | {"password": "Noch-eins-mehr-2"})):
        assert again.status_code == 422
        assert "This link does not work" in again.content.decode()
    gallery.signed_in(Account(account.user, NEW))
    _deliver()
    assert mailing[-1].subject == "Your password was changed"
    assert token not in str(list(PasswordLink.objects.values())) + str(list(Job.objects.values()))


def test_nothing_that_asking_does_depends_on_whether_there_is_an_account(
    account: Account, organisation: Organisation, mailing: list[Any]
) -> None:
    """The statements are the same, so the time is; nothing is looked up before the answer."""
    commands.set_active(organisation.accounts["process builder"].user, False, by=SYSTEM)
    retired = organisation.accounts["process builder"].user.username
    told = set()
    for called in ("tomas", account.user.email, "nobody", "nobody@cedar.example", retired, "<b>", "x" * 254):
        with CaptureQueriesContext(connection) as asked:
            answer = _ask(called)
        assert answer.status_code == 303
        assert not any(User._meta.db_table in query["sql"] for query in asked)
        told.add((answer["Location"], answer.content, tuple(query["sql"].split()[0] for query in asked)))
    assert len(told) == 1
    _deliver()
    assert {tuple(one.to) for one in mailing} == {(account.user.email,)}
    assert set(Job.objects.filter(kind=password_links.MAIL).values_list("state", flat=True)) == {JobState.DONE}
    assert "tomas" not in str(list(Job.objects.values("arguments")))


@pytest.mark.usefixtures("three_attempts")
def test_requests_are_bounded_by_address_and_an_account_by_its_links(
    account: Account, mailing: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        password_links.ask_for_link("tomas", address=f"192.0.2.{number}")
        _deliver()
    assert len(mailing) == password_links.MOST_MAILED
    for called in ("a", "b"):
        password_links.ask_for_link(called, address="192.0.2.0")
    with pytest.raises(Limited) as refusal:
        password_links.ask_for_link("c", address="192.0.2.0")
    assert refusal.value.code == "too_many_links"
    monkeypatch.setattr(password_links, "OVER_ALL", 2)
    with pytest.raises(Limited):
        password_links.ask_for_link("d", address="192.0.2.77")
    assert sessions.log_in("tomas", account.password, address="192.0.2.0")  # who asks is not locked out


def test_asking_again_before_the_mail_went_sends_one(account: Account, mailing: list[Any]) -> None:
    for _ in range(3):
        assert _ask("tomas").status_code == 303
    _deliver()
    assert len(mailing) == 1


def test_a_mail_that_cannot_be_sent_is_tried_again_with_a_link_of_its_own(
    account: Account, mailing: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> None:
        raise OSError("the mail server is down")

    with clock.frozen(clock.now()) as advance:
        monkeypatch.setattr(locmem.EmailBackend, "send_messages", lambda *_: down())
        _ask("tomas")
        _deliver()
        assert PasswordLink.objects.count() == 1
        monkeypatch.undo()
        monkeypatch.setattr(mail, "server", locmem.EmailBackend)
        monkeypatch.setattr(
            settings,
            "CONFIG",
            settings.CONFIG.model_copy(
                update={"smtp_url": "smtp://m", "mail_from": "a@b.example", "public_url": "https://work.cedar.example"}
            ),
        )
        advance(timedelta(minutes=5))
        _deliver()
        assert PasswordLink.objects.count() == 1
        assert Client().get(_mailed_link(sent.outbox)).status_code == 200


def test_links_run_out_and_end_with_the_account_and_every_new_password(account: Account) -> None:
    with clock.frozen(clock.now()) as advance:
        late = _token(account)
        advance(password_links.LIFE_OF_GIVEN)
        _refused(late)
        one, other = _token(account), _token(account)
        password_links.use_link(one, NEW)
        _refused(other)
        third = _token(account)
        commands.set_password(account.user, "Noch-eins-mehr-2", by=SYSTEM)
        _refused(third)
        fourth = _token(account)
        commands.set_active(account.user, False, by=SYSTEM)
        _refused(fourth)
    for wrong in ("", "wwp_none", "\x00", "x" * 5000):
        _refused(wrong)


def test_a_robot_without_a_password_gets_none_by_mail(organisation: Organisation, mailing: list[Any]) -> None:
    User.objects.filter(username="tomas").update(password="!")
    _ask("tomas")
    _deliver()
    assert mailing == []


def test_without_a_mail_server_the_page_says_who_helps(organisation: Organisation) -> None:
    assert "Ask an administrator" in Client().get("/forgotten-password").content.decode()
    assert _ask("tomas").status_code == 422
    assert not Job.objects.filter(kind=password_links.MAIL).exists()
    assert not FailedLogin.objects.exists()


def test_links_are_given_by_who_may_stand_in_for_the_account(organisation: Organisation, account: Account) -> None:
    with recorded() as found:
        token = _token(account)
    assert found.names == ["PasswordLinkMade"]
    assert token not in str(found.body)
    for who in ("team member", "process builder"):
        with pytest.raises(Forbidden):
            password_links.give_link(
                organisation.accounts["administrator"].user, by=sessions.actor_for(organisation.accounts[who].user)
            )


def test_a_form_of_another_site_is_refused(account: Account, mailing: list[Any]) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = _token(account)
    assert browser.post("/forgotten-password", {"called": "tomas"}).status_code == 403
    assert browser.post("/new-password", {"link": token, "password": NEW, "again": NEW}).status_code == 403
    assert usable_links.link(token).user == account.user
    assert not Token.objects.filter(user=account.user).exists()


def _token(account: Account) -> str:
    return password_links.give_link(account.user, by=SYSTEM)[1]


def _refused(token: str) -> None:
    for look in (lambda: usable_links.link(token), lambda: password_links.use_link(token, NEW)):
        with pytest.raises(Invalid) as refusal:
            look()
        assert refusal.value.code == "link_invalid"


def test_a_link_that_was_mailed_ends_when_the_account_gets_another_address(
    account: Account, organisation: Organisation, mailing: list[Any]
) -> None:
    """Whoever reads the old mail box gets in no more; a link that an administrator handed over goes on."""
    _ask("tomas")
    _deliver()
    page = _mailed_link(mailing)
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    _given, token = commands.give_link(account.user, by=admin)
    commands.set_names(account.user, by=admin, full_name="Tomas the Second")
    assert Client().get(page).status_code == 200
    commands.set_names(account.user, by=admin, email="tomas@new.example")
    assert Client().get(page).status_code == 422
    assert Client().get(usable_links.path_of(token)).status_code == 200
