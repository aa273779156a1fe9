"""The sessions of one's own account, and one's own password."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.organisation import Account, Organisation
from tests.support.recorded import recorded
from workwire.access import commands, sessions
from workwire.access.models import Credential, Token
from workwire.kernel import clock
from workwire.kernel.errors import Forbidden, Invalid, Limited, NotFound, Unauthenticated

IDLE = timedelta(minutes=60)
NEW = "Ein-ganz-neues-1"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
def account(organisation: Organisation) -> Account:
    """Somebody who works."""
    return organisation.accounts["team member"]


def _begin(account: Account, browser: str = FIREFOX) -> str:
    return sessions.log_in(account.user.username, account.password, address="192.0.2.7", browser=browser)


def _lives(token: str) -> bool:
    try:
        sessions.session(token)
    except Unauthenticated:
        return False
    return True


def test_a_session_tells_where_it_was_begun_and_nothing_of_its_token(account: Account) -> None:
    token = _begin(account)
    (row,) = sessions.own_sessions(sessions.actor_for(account.user))
    assert (row.address, row.browser) == ("192.0.2.7", FIREFOX)
    assert row.guid == sessions.guid_of(token) == sessions.session(token).guid
    assert row.guid.hex not in token


@pytest.mark.parametrize(("browser", "kept"), [("x" * 5000, "x" * 300), ("a\x00b", ""), ("\ud800", ""), ("", "")])
def test_what_a_browser_calls_itself_is_bounded(account: Account, browser: str, kept: str) -> None:
    _begin(account, browser)
    assert Token.objects.get(user=account.user).browser == kept


def test_a_session_is_ended_by_its_account_only(account: Account, organisation: Organisation) -> None:
    token, other = _begin(account), _begin(account)
    guid = sessions.guid_of(token)
    with pytest.raises(NotFound):
        sessions.end_session(guid, by=sessions.actor_for(organisation.accounts["administrator"].user))
    with recorded() as found:
        sessions.end_session(guid, by=sessions.actor_for(account.user))
    assert found.names == ["LoggedOut"]
    assert (_lives(token), _lives(other)) == (False, True)
    with pytest.raises(NotFound):
        sessions.end_session(guid, by=sessions.actor_for(account.user))


def test_all_others_are_ended_and_applications_go_on(account: Account, organisation: Organisation) -> None:
    kept, *others = [_begin(account) for _ in range(3)]
    strangers = _begin(organisation.accounts["administrator"])
    application = _application(account)
    with recorded() as found:
        assert sessions.end_other_sessions(sessions.guid_of(kept), by=sessions.actor_for(account.user)) == 2
    assert found.names == ["LoggedOut"] * 2
    assert [_lives(one) for one in (kept, strangers, application, *others)] == [True, True, True, False, False]


def test_an_application_neither_sees_nor_ends_sessions(account: Account) -> None:
    token = _begin(account)
    by = sessions.authenticate(_application(account))
    for forbidden in (
        lambda: sessions.own_sessions(by),
        lambda: sessions.end_session(sessions.guid_of(token), by=by),
        lambda: sessions.end_other_sessions(sessions.guid_of(token), by=by),
        lambda: _change(account, by=by),
    ):
        with pytest.raises(Forbidden) as refusal:
            forbidden()
        assert refusal.value.code == "refused_to_applications"
    assert _lives(token)


def test_a_session_that_was_idle_too_long_is_not_shown(account: Account) -> None:
    with clock.frozen(clock.now()) as advance:
        _begin(account)
        advance(IDLE)
        assert not sessions.own_sessions(sessions.actor_for(account.user))


def test_who_knows_the_password_changes_it_and_the_other_sessions_end(account: Account) -> None:
    here, other, application = _begin(account), _begin(account), _application(account)
    with recorded() as found:
        _change(account, kept=here)
    assert found.names == ["UserUpdated"]
    assert NEW not in str(found.events)
    assert [_lives(one) for one in (here, other, application)] == [True, False, True]
    with pytest.raises(Unauthenticated):
        _begin(account)
    assert sessions.log_in(account.user.username, NEW, address="::1")


@pytest.mark.usefixtures("three_attempts")
def test_guesses_of_the_present_password_count_as_failed_logins(account: Account) -> None:
    for _ in range(3):
        with pytest.raises(Invalid) as refusal:
            _change(account, present="wrong")
        assert (refusal.value.code, refusal.value.field) == ("password_wrong", "present")
    with pytest.raises(Limited):
        _change(account)
    with pytest.raises(Limited):
        sessions.log_in(account.user.username, account.password, address="::1")


def test_a_weak_password_changes_nothing(account: Account) -> None:
    other = _begin(account)
    with pytest.raises(Invalid) as refusal:
        _change(account, new="short")
    assert refusal.value.code == "password_weak"
    assert _lives(other)


def test_a_credential_tells_when_it_was_used_last(account: Account) -> None:
    with clock.frozen(clock.now()) as advance:
        token = _application(account)
        begun = Credential.objects.get(user=account.user).last_used_at
        assert begun == clock.now()
        advance(IDLE / 2)
        sessions.session(token)
        assert Credential.objects.get(user=account.user).last_used_at == begun + IDLE / 2


def _application(account: Account) -> str:
    roles = [assignment.role for assignment in account.user.role_assignments.all()]
    made, secret = commands.create_credential(
        account.user, "Feed", roles, expires_at=clock.now() + timedelta(days=9), by=sessions.actor_for(account.user)
    )
    return sessions.exchange_secret(made.client_id, secret, address="::1")


def _change(account: Account, *, present: str = "", new: str = NEW, kept: str = "", by: object = None) -> None:
    commands.change_own_password(
        present or account.password,
        new,
        by=by or sessions.actor_for(account.user),  # type: ignore[arg-type]  # an actor
        kept=sessions.guid_of(kept),
    )
