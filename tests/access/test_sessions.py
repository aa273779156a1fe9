"""Tokens: how they are earned, what they allow, and everything that ends them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from tests.support import upkeep
from tests.support.environment import ON_POSTGRES
from tests.support.recorded import recorded
from workwire import settings as product
from workwire.access import commands, features, guessing, sessions
from workwire.access.models import Credential, FailedLogin, Role, Token, User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, UserType
from workwire.kernel.errors import Limited, Unauthenticated
from workwire.outbox.models import Event

PASSWORD = "a-long-password-for-tests"
IDLE = timedelta(minutes=60)
START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
MOST = 3
pytestmark = pytest.mark.usefixtures("three_attempts")


@pytest.fixture
def roles(db: None) -> dict[str, Role]:
    """The built-in roles by name."""
    commands.make_built_in_roles(by=SYSTEM)
    return {role.name: role for role in Role.objects.all()}


@pytest.fixture
def user(roles: dict[str, Role]) -> User:
    """A process builder with a password."""
    held = [roles["Team Member"], roles["Process Builder"]]
    return commands.create_user("Nia", "Nia Owusu", held, password=PASSWORD, by=SYSTEM)


def _credential(user: User, *roles: Role) -> tuple[Credential, str]:
    expires = clock.now() + timedelta(days=30)
    return commands.create_credential(user, "Ticket feed", roles, expires_at=expires, by=SYSTEM)


def _log_in(name: str = "Nia", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return sessions.log_in(name, password, address=address)


def _prime() -> None:
    """Fail once from elsewhere: what an unknown name is compared with is made once in a process."""
    with pytest.raises(Unauthenticated):
        _log_in("somebody else", "wrong", address="192.0.2.99")


def _exchange(client_id: str, secret: str, address: str = "192.0.2.1") -> str:
    return sessions.exchange_secret(client_id, secret, address=address)


def _is_dead(token: str) -> bool:
    try:
        sessions.authenticate(token)
    except Unauthenticated:
        return True
    return False


def test_a_password_becomes_a_token_and_the_token_an_actor(user: User) -> None:
    with recorded() as found:
        token = _log_in("nia")
    assert found.only.name == "LoggedIn"
    assert found.body == {"GUID": str(user.guid), "Username": "Nia"}
    actor = sessions.authenticate(token)
    assert (actor.user_id, actor.user_type, actor.credential_id) == (user.pk, UserType.OPERATIONAL, None)
    assert actor.features == features.with_included({features.WORK_ITEMS, features.PROCESS_BUILDER})
    assert token not in str(list(Token.objects.values()))
    assert Token.objects.get().digest not in token


def test_tokens_are_many_and_end_one_by_one(user: User) -> None:
    one, other = _log_in(), _log_in()
    with recorded() as found:
        sessions.log_out(one)
    assert found.names == ["LoggedOut"]
    assert (_is_dead(one), _is_dead(other)) == (True, False)
    with recorded() as found:
        sessions.log_out(one)
        sessions.log_out("no token at all")
    assert not found.events


@pytest.mark.parametrize(("name", "password"), [("Nia", "wrong"), ("Nia", ""), ("nobody", PASSWORD), ("", "")])
def test_wrong_logins_get_one_answer_and_no_token(user: User, name: str, password: str) -> None:
    with recorded() as found, pytest.raises(Unauthenticated) as refusal:
        _log_in(name, password)
    assert refusal.value.code == "login_failed"
    guid, username = (user.guid, name) if name == "Nia" else (guessing.NOBODY, "")
    assert (found.only.name, found.only.address) == ("LoginRefused", "192.0.2.1")
    assert found.body == {"GUID": str(guid), "Username": username, "Reason": "login_failed"}
    assert not Token.objects.exists()


@pytest.mark.parametrize("name", ["Nia", "retired", "robot", "nobody"])
def test_a_failed_login_costs_one_hash_whoever_is_named(user: User, roles: dict[str, Role], name: str) -> None:
    retired = commands.create_user("retired", "", [roles["Team Member"]], password=PASSWORD, by=SYSTEM)
    commands.set_active(retired, False, by=SYSTEM)
    commands.create_user("robot", "", [roles["Robot"]], by=SYSTEM)  # without a password
    _prime()
    hasher = type(identify_hasher(user.password))
    with (
        patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as hashed,
        CaptureQueriesContext(connection) as asked,
        pytest.raises(Unauthenticated),
    ):
        _log_in(name, "wrong")
    assert hashed.call_count == 1
    assert len(asked) == (
        8 if ON_POSTGRES else 9
    )  # three counts, the account, the failure and its event, their savepoint


def test_real_passwords_are_hashed_with_argon2(roles: dict[str, Role]) -> None:
    with override_settings(PASSWORD_HASHERS=product.PASSWORD_HASHERS):  # the tests' own hasher is a quick one
        made = commands.create_user("Kofi", "", [roles["Team Member"]], password=PASSWORD, by=SYSTEM)
        assert made.password.startswith("argon2$argon2id$")
        assert _log_in("Kofi")


def test_too_many_failures_are_refused_even_with_the_right_password(user: User) -> None:
    with clock.frozen(START) as advance:
        for _ in range(MOST):
            with pytest.raises(Unauthenticated):
                _log_in("NIA", "wrong")
        with pytest.raises(Limited) as refusal:
            _log_in()
        assert (refusal.value.code, refusal.value.retry_after) == ("too_many_logins", 900)
        assert FailedLogin.objects.count() == MOST  # a refusal is no further failure
        advance(guessing.WINDOW)
        assert _log_in()


def test_an_address_that_tries_many_names_is_refused(user: User) -> None:
    for number in range(MOST * 10):
        with pytest.raises(Unauthenticated):
            _log_in(f"name {number}", "wrong", "198.51.100.7")
    with pytest.raises(Limited):
        _log_in(address="198.51.100.7")
    assert _log_in(address="198.51.100.8")


@pytest.mark.parametrize("spelling", ["\u0131da", "IDA", "\u0130DA", "Id\uff41", "ida", "\u017fida", "id\u0430"])
def test_every_spelling_that_finds_an_account_counts_for_it(roles: dict[str, Role], spelling: str) -> None:
    """No letter that a database folds in its own way opens a second count: dotless i, long s, full width, Cyrillic."""
    commands.create_user("sida" if spelling.startswith("\u017f") else "ida", "", [roles["Team Member"]], by=SYSTEM)
    user = User.objects.get()
    commands.set_password(user, PASSWORD, by=SYSTEM)
    finds = True
    try:
        _log_in(spelling)
    except Unauthenticated:
        finds = False
    FailedLogin.objects.all().delete()
    for _ in range(MOST):
        with pytest.raises(Unauthenticated):
            _log_in(spelling, "wrong")
    if finds:
        with pytest.raises(Limited):
            _log_in(user.username)
    with pytest.raises(Limited):
        _log_in(spelling, "wrong")


@pytest.mark.parametrize("name", ["n" * 151, "\u0130" * 150, "%" * 60_000, "\U0001f600" * 20_000, "a\x00b", "\ud800"])
def test_a_name_that_no_account_can_have_is_a_wrong_one(user: User, name: str) -> None:
    """It is told as any wrong name is, counts, and never reaches a comparison of the database."""
    _prime()
    for _ in range(MOST):
        with CaptureQueriesContext(connection) as asked, pytest.raises(Unauthenticated):
            _log_in(name)
        assert all(len(query["sql"]) < 2_000 for query in asked)  # the columns of an account take half of that
    with pytest.raises(Limited):
        _log_in(name)
    assert _log_in()


@pytest.mark.parametrize("secret", ["a\x00b", "\ud800", ""])
def test_a_secret_that_nobody_can_have_is_a_wrong_one(user: User, roles: dict[str, Role], secret: str) -> None:
    credential, _ = _credential(user, roles["Process Builder"])
    with pytest.raises(Unauthenticated):
        _log_in(password=secret)
    for client_id in (credential.client_id, secret):
        with pytest.raises(Unauthenticated):
            _exchange(client_id, secret)


def test_what_was_typed_as_a_name_is_not_kept(user: User) -> None:
    with pytest.raises(Unauthenticated):
        _log_in("my password by mistake")
    assert "mistake" not in str(FailedLogin.objects.values())


def test_wrong_secrets_never_keep_the_right_one_out(user: User, roles: dict[str, Role]) -> None:
    """256 random bits cannot be guessed; wrong ones are refused in the end, and hold up nobody's password."""
    credential, secret = _credential(user, roles["Process Builder"])
    for _ in range(MOST * guessing.OF_AN_ADDRESS):
        with pytest.raises(Unauthenticated) as refusal:
            _exchange(credential.client_id, secret + "x")
        assert refusal.value.code == "invalid_client"
    before = FailedLogin.objects.count()
    with pytest.raises(Limited):
        _exchange("ww-unknown", secret)
    assert FailedLogin.objects.count() == before
    assert _exchange(credential.client_id, secret)
    assert _log_in()
    with pytest.raises(Unauthenticated):
        _exchange(credential.client_id, "wrong", "198.51.100.9")


def test_a_token_lives_while_it_is_used(user: User) -> None:
    with clock.frozen(START) as advance:
        used, idle = _log_in(), _log_in()
        for _ in range(4):
            advance(IDLE * 0.4)
            assert not _is_dead(used)
        assert _is_dead(idle)
        advance(IDLE)
        assert _is_dead(used)


def test_reading_with_a_fresh_token_writes_nothing(user: User) -> None:
    with clock.frozen(START):
        token = _log_in()
        with CaptureQueriesContext(connection) as asked:
            sessions.authenticate(token)
    assert [query["sql"].split()[0] for query in asked] == ["SELECT"]


def test_a_token_stands_for_the_features_held_through_its_credential(user: User, roles: dict[str, Role]) -> None:
    credential, secret = _credential(user, roles["Team Member"])
    limited = sessions.exchange_secret(credential.client_id, secret, address="192.0.2.1")
    for token, through in ((_log_in(), None), (limited, credential)):
        session = sessions.session(token)
        assert (session.actor, session.user) == (sessions.actor_for(user, through), user)
    assert session.actor.features < sessions.actor_for(user).features
    user.role_assignments.all().delete()
    assert sessions.authenticate(limited).features == frozenset()


def _lose_role(user: User) -> None:
    commands.set_roles(user, [Role.objects.get(name="Team Member")], by=SYSTEM)


def _change_role(user: User) -> None:
    commands.set_role_features(Role.objects.get(name="Process Builder"), [features.WORK_ITEMS], by=SYSTEM)


def _retire(user: User) -> None:
    commands.set_active(user, False, by=SYSTEM)


def _retire_and_return(user: User) -> None:
    commands.set_active(user, False, by=SYSTEM)
    commands.set_active(user, True, by=SYSTEM)


@pytest.mark.parametrize("end", [_lose_role, _change_role, _retire, _retire_and_return])
def test_all_tokens_of_an_account_die_with_its_rights(
    user: User, roles: dict[str, Role], end: Callable[[User], None]
) -> None:
    credential, secret = _credential(user, roles["Process Builder"])
    tokens = [_log_in(), _exchange(credential.client_id, secret)]
    commands.create_user("Kofi", "", [roles["Team Member"]], password=PASSWORD, by=SYSTEM)
    other = _log_in("Kofi")
    assert not any(map(_is_dead, tokens))
    end(user)
    assert all(map(_is_dead, tokens))
    assert not _is_dead(other)


def test_a_retired_account_gets_no_token(user: User, roles: dict[str, Role]) -> None:
    credential, secret = _credential(user, roles["Process Builder"])
    _retire(user)
    with pytest.raises(Unauthenticated):
        _log_in()
    with pytest.raises(Unauthenticated):
        _exchange(credential.client_id, secret)


def test_a_new_password_ends_logins_and_leaves_applications(user: User, roles: dict[str, Role]) -> None:
    credential, secret = _credential(user, roles["Process Builder"])
    login, application = _log_in(), _exchange(credential.client_id, secret)
    commands.set_password(user, PASSWORD + "!", by=SYSTEM)
    assert (_is_dead(login), _is_dead(application)) == (True, False)


def test_an_application_has_some_of_its_users_features(user: User, roles: dict[str, Role]) -> None:
    credential, secret = _credential(user, roles["Process Builder"])
    actor = sessions.authenticate(_exchange(credential.client_id, secret))
    assert (actor.user_id, actor.credential_id) == (user.pk, credential.pk)
    assert actor.features == features.with_included({features.PROCESS_BUILDER})
    commands.set_roles(user, [roles["Team Member"]], by=SYSTEM)
    actor = sessions.authenticate(_exchange(credential.client_id, secret))
    assert actor.features == frozenset()  # the role the credential names is no longer its user's


def test_a_credential_ends_with_its_tokens(user: User, roles: dict[str, Role]) -> None:
    with clock.frozen(START) as advance:
        revoked, secret = _credential(user, roles["Process Builder"])
        lasting, lasting_secret = _credential(user, roles["Process Builder"])
        login, tokens = _log_in(), [_exchange(revoked.client_id, secret) for _ in range(2)]
        kept = _exchange(lasting.client_id, lasting_secret)
        commands.revoke_credential(revoked, by=SYSTEM)
        assert all(map(_is_dead, tokens))
        assert not _is_dead(kept)
        assert not _is_dead(login)
        with pytest.raises(Unauthenticated):
            _exchange(revoked.client_id, secret)
        advance(timedelta(days=30) - IDLE / 2)
        late = _exchange(lasting.client_id, lasting_secret)
        assert not _is_dead(late)
        advance(IDLE / 2)  # not idle for too long, but the credential has expired
        assert _is_dead(late)
        with pytest.raises(Unauthenticated):
            _exchange(lasting.client_id, lasting_secret)


def test_what_ran_out_is_forgotten(user: User) -> None:
    with clock.frozen(START) as advance:
        _log_in()
        with pytest.raises(Unauthenticated):
            _log_in(password="wrong")
        assert upkeep.run("access.sessions") == {"removed": 0}
        advance(guessing.WINDOW + timedelta(seconds=1))
        assert upkeep.run("access.sessions") == {"removed": 1}
        alive = _log_in()
        advance(IDLE - guessing.WINDOW)
        assert upkeep.run("access.sessions") == {"removed": 1}
        assert not _is_dead(alive)
    assert (Token.objects.count(), FailedLogin.objects.count()) == (1, 0)


def test_the_ledger_forgets_old_sign_ins_and_nothing_else(user: User) -> None:
    with clock.frozen(START) as advance:
        token = _log_in("nia")
        sessions.log_out(token)
        with pytest.raises(Unauthenticated):
            _log_in("nobody", "wrong")
        commands.create_group("Night shift", by=SYSTEM)
        before = Event.objects.exclude(name__in=("LoggedIn", "LoggedOut", "LoginRefused")).count()
        advance(timedelta(days=180))
        _log_in("nia")
        sessions.forget_old(clock.now(), 1000)
        assert Event.objects.filter(name__in=("LoggedIn", "LoggedOut", "LoginRefused")).count() == 4
        advance(timedelta(seconds=1))
        assert sessions.forget_old(clock.now(), 2) == 2
        sessions.forget_old(clock.now(), 1000)
        assert list(Event.objects.filter(name__startswith="Log").values_list("name", flat=True)) == ["LoggedIn"]
        assert Event.objects.exclude(name__startswith="Log").count() == before


def test_requests_for_links_hide_no_refused_login(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "MOST_RECORDED", 2)
    for _ in range(9):
        guessing.note(guessing.OF_LINKS, "192.0.2.9")
    with recorded() as found, pytest.raises(Unauthenticated):
        _log_in("tomas", "wrong")
    assert found.names == ["LoginRefused"]


def test_a_flood_of_wrong_passwords_does_not_fill_the_ledger(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "MOST_RECORDED", 2)
    for number in range(4):
        with pytest.raises(Unauthenticated):
            _log_in(f"nobody {number}", "wrong", address=f"192.0.2.{number}")
    assert (FailedLogin.objects.count(), Event.objects.filter(name="LoginRefused").count()) == (4, 2)
