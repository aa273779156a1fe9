"""The second factor: codes count once, guesses are bounded, and who must set one up can do nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client

from tests.support.organisation import Account, Organisation
from tests.support.recorded import recorded
from tests.web import gallery
from workwire.access import commands, second_factors, sessions
from workwire.access.models import RecoveryCode, Role, SecondFactor, Token
from workwire.access.second_factors import Setup
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, Limited, Unauthenticated

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
IDLE = timedelta(minutes=60)
STEP = timedelta(seconds=second_factors.STEP)


@pytest.fixture
def account(organisation: Organisation) -> Account:
    """Somebody who works."""
    return organisation.accounts["team member"]


def _by(account: Account) -> Actor:
    return sessions.actor_for(account.user)


def _begin(account: Account) -> Setup:
    return commands.begin_second_factor(account.password, by=_by(account))


def _enrol(account: Account) -> tuple[pyotp.TOTP, list[str]]:
    """Turn the second factor on a step ago, so that the code of now is fresh."""
    app = pyotp.TOTP(_begin(account).key)
    before = int(clock.now().timestamp()) // second_factors.STEP - 1
    return app, commands.confirm_second_factor(app.generate_otp(before), by=_by(account))


def _code(app: pyotp.TOTP, *, steps: int = 0) -> str:
    return app.generate_otp(int(clock.now().timestamp()) // second_factors.STEP + steps)


def _log_in(account: Account, otp: str | None) -> str:
    return sessions.log_in(account.user.username, account.password, address="192.0.2.1", otp=otp)


def _refused(account: Account, otp: str | None) -> str:
    with pytest.raises(DomainError) as refusal:
        _log_in(account, otp)
    return refusal.value.code


def test_a_code_counts_once_and_within_a_step_of_its_time(account: Account) -> None:
    with clock.frozen(START) as advance:
        app, _codes = _enrol(account)
        code = _code(app)
        assert _refused(account, None) == "second_factor_needed"
        assert _refused(account, _code(app, steps=-1)) == "code_wrong"  # the one that turned it on
        assert _refused(account, _code(app, steps=2)) == "code_wrong"
        assert _log_in(account, f"{code[:3]} {code[3:]}")
        assert _refused(account, code) == "code_wrong"
        late = _code(app, steps=1)
        advance(2 * STEP)
        assert _log_in(account, late)
        assert _refused(account, code) == "code_wrong"
        advance(10 * STEP)
        assert _log_in(account, _code(app, steps=1))
        assert _refused(account, _code(app)) == "code_wrong"  # older than the newest that was taken


@pytest.mark.parametrize("code", ["", " ", "000000", "\x00", "é" * 6, "٠١٢٣٤٥", "x" * 5000, "\ud800"])
def test_what_is_no_code_is_refused(code: str, account: Account) -> None:
    _enrol(account)
    assert _refused(account, code) in ("code_wrong", "second_factor_needed")
    assert not Token.objects.filter(user=account.user).exists()


@pytest.mark.usefixtures("three_attempts")
def test_guesses_of_codes_are_counted_with_those_of_passwords(account: Account) -> None:
    with clock.frozen(START):
        app, codes = _enrol(account)
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                _log_in(account, "000000")
        with pytest.raises(Unauthenticated):
            sessions.log_in(account.user.username, "wrong", address="192.0.2.1")
        for right in (_code(app), codes[0]):
            with pytest.raises(Limited):
                _log_in(account, right)
        with pytest.raises(Limited):
            sessions.end_in_steps(second_factors.proof_of_password(account.user), _code(app), address="::1")


def test_a_recovery_code_counts_once_and_only_for_its_account(account: Account, organisation: Organisation) -> None:
    _app, codes = _enrol(account)
    other = organisation.accounts["administrator"]
    _enrol(other)
    assert len(set(codes)) == 10
    assert _refused(other, codes[0]) == "code_wrong"
    with recorded() as found:
        assert _log_in(account, codes[0].upper().replace("-", " "))
    assert found.names == ["RecoveryCodeUsed", "LoggedIn"]
    assert _refused(account, codes[0]) == "code_wrong"
    assert RecoveryCode.objects.filter(user=account.user).count() == 9
    renewed = commands.renew_recovery_codes(account.password, by=_by(account))
    assert _refused(account, codes[1]) == "code_wrong"
    assert _log_in(account, renewed[0])


def test_neither_the_key_nor_the_codes_are_kept_in_the_clear(account: Account) -> None:
    with recorded() as found:
        setup = _begin(account)
        codes = commands.confirm_second_factor(pyotp.TOTP(setup.key).at(clock.now()), by=_by(account))
    assert found.names == ["SecondFactorBegun", "SecondFactorSet"]
    kept = str(list(SecondFactor.objects.values())) + str(list(RecoveryCode.objects.values())) + str(found.events)
    assert setup.key not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def test_a_factor_that_was_not_confirmed_asks_for_nothing(account: Account) -> None:
    first = _begin(account)
    with pytest.raises(Invalid) as refusal:
        commands.confirm_second_factor("000000", by=_by(account))
    assert (refusal.value.code, refusal.value.field) == ("code_wrong", "code")
    assert _log_in(account, None)
    assert _begin(account).key != first.key
    assert second_factors.setup_under_way(by=_by(account)) is not None


def test_it_is_turned_off_by_who_knows_the_password(account: Account) -> None:
    _enrol(account)
    with pytest.raises(Conflict):
        _begin(account)
    with pytest.raises(Invalid) as refusal:
        commands.turn_off_second_factor("wrong", by=_by(account))
    assert refusal.value.code == "password_wrong"
    with recorded() as found:
        commands.turn_off_second_factor(account.password, by=_by(account))
    assert found.names == ["SecondFactorRemoved"]
    assert _log_in(account, None)
    assert not RecoveryCode.objects.exists()


def test_an_administrator_removes_a_lost_one_and_the_sessions_end(account: Account, organisation: Organisation) -> None:
    with clock.frozen(START):
        app, _codes = _enrol(account)
        token = _log_in(account, _code(app))
        for who in ("team member", "process builder"):
            with pytest.raises(Forbidden):
                commands.remove_second_factor(account.user, by=_by(organisation.accounts[who]))
        with recorded() as found:
            commands.remove_second_factor(account.user, by=_by(organisation.accounts["administrator"]))
        assert found.names == ["SecondFactorRemoved"]
        with pytest.raises(Unauthenticated):
            sessions.session(token)
        assert _log_in(account, None)


def test_an_application_neither_sets_one_up_nor_takes_it_away(account: Account, organisation: Organisation) -> None:
    admin = organisation.accounts["administrator"]
    roles = [assignment.role for assignment in admin.user.role_assignments.all()]
    until = clock.now() + timedelta(days=9)
    made, secret = commands.create_credential(admin.user, "Feed", roles, expires_at=until, by=SYSTEM)
    by = sessions.authenticate(sessions.exchange_secret(made.client_id, secret, address="192.0.2.1"))
    _enrol(account)
    for forbidden in (
        lambda: commands.begin_second_factor(admin.password, by=by),
        lambda: second_factors.setup_under_way(by=by),
        lambda: commands.confirm_second_factor("000000", by=by),
        lambda: commands.renew_recovery_codes(admin.password, by=by),
        lambda: commands.turn_off_second_factor(admin.password, by=by),
        lambda: commands.remove_second_factor(account.user, by=by),
    ):
        with pytest.raises(Forbidden) as refusal:
            forbidden()
        assert refusal.value.code == "refused_to_applications"


def test_signing_in_takes_two_steps_and_gives_no_cookie_before_the_second(account: Account) -> None:
    with clock.frozen(START):
        app, codes = _enrol(account)
        browser = Client()
        answer = _password(browser, account)
        assert answer.status_code == 202
        assert "workwire_session" not in browser.cookies
        proof = _proof(answer)
        wrong = browser.post("/sign-in/code", {"proof": proof, "code": "000000", "next": "/notices"})
        assert wrong.status_code == 401
        assert "workwire_session" not in browser.cookies
        right = browser.post("/sign-in/code", {"proof": _proof(wrong), "code": _code(app), "next": "/notices"})
        assert (right.status_code, right["Location"]) == (303, "/notices")
        assert browser.get("/work").status_code == 200
        again = Client().post("/sign-in/code", {"proof": proof, "code": _code(app)})
        assert again.status_code == 401  # the code was taken
        other = Client()
        assert (
            other.post("/sign-in/code", {"proof": proof, "code": codes[0], "next": "//evil.example"})["Location"]
            == "/home"
        )


def test_a_proof_of_the_password_runs_out_ends_with_it_and_cannot_be_made_up(account: Account) -> None:
    _app, codes = _enrol(account)
    with clock.frozen(clock.now()) as advance:
        late, changed = _proof(_password(Client(), account)), _proof(_password(Client(), account))
        advance(second_factors.LIFE_OF_PROOF + timedelta(seconds=1))
        late_answer = Client().post("/sign-in/code", {"proof": late, "code": codes[0]})
    commands.set_password(account.user, "Ein-ganz-neues-1", by=SYSTEM)
    answers = [late_answer]
    for proof in (changed, "made up", "\x00", "é", "x" * 900):
        answers.append(Client().post("/sign-in/code", {"proof": proof, "code": codes[0]}))
    assert {answer.status_code for answer in answers} <= {401, 422}
    assert RecoveryCode.objects.filter(user=account.user).count() == 10


def test_a_form_of_another_site_is_refused(account: Account) -> None:
    _app, codes = _enrol(account)
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/sign-in/code", {"proof": second_factors.proof_of_password(account.user), "code": codes[0]})
    assert answer.status_code == 403
    assert RecoveryCode.objects.filter(user=account.user).count() == 10


def test_the_apis_refuse_a_password_alone_and_say_what_to_do(account: Account) -> None:
    with clock.frozen(START):
        app, _codes = _enrol(account)
        wish = {"username": account.user.username, "password": account.password}
        answer = Client().post("/api/v1/tokens", wish, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_needed")
        answer = Client().post("/webapi/Authentication/Login", wish, content_type="application/json")
        assert answer.status_code == 401
        assert "application credential" in answer["Reason"]
        answer = Client().post("/api/v1/tokens", wish | {"otp": _code(app)}, content_type="application/json")
        assert answer.status_code == 201


def test_who_must_set_one_up_can_do_nothing_else_before(account: Account, organisation: Organisation) -> None:
    browser, token = gallery.signed_in(account), account.log_in()
    application = _application(account)
    role = Role.objects.get(assignments__user=account.user)
    commands.change_role(role, second_factor=True, by=_by(organisation.accounts["administrator"]))
    for page in ("/work", "/settings/me", "/settings/credentials/new", "/notices", "/find"):
        answer = browser.get(page)
        assert (answer.status_code, answer["Location"]) == (302, "/settings/second-factor")
    assert browser.post("/settings/password", {"present": account.password}).status_code == 302
    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")
    assert Client().get("/webapi/Work/IsWorkAvailable", headers={"apikey": token}).status_code == 403
    assert sessions.session(token).actor.features == frozenset()
    assert sessions.authenticate(application).features
    assert "A role of yours asks for a second factor" in browser.get("/settings/second-factor").content.decode()
    wrong = browser.post("/settings/second-factor/begin", {"present": "wrong"})
    assert (wrong.status_code, SecondFactor.objects.count()) == (422, 0)
    assert browser.post("/settings/second-factor/begin", {"present": account.password}).status_code == 303
    shown = browser.get("/settings/second-factor").content.decode()
    (key,) = re.findall(r'<code dir="ltr">([A-Z2-7 ]+)</code>', shown)
    assert "<svg" in shown
    answer = browser.post("/settings/second-factor", {"code": pyotp.TOTP(key.replace(" ", "")).at(clock.now())})
    assert answer.status_code == 201
    assert (
        len(re.findall(r"^[a-z2-9]{5}-[a-z2-9]{5}$", answer.content.decode().replace('id="codes">', "\n"), re.M)) == 10
    )
    assert browser.get("/work").status_code == 200
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with pytest.raises(Conflict):
        commands.turn_off_second_factor(account.password, by=_by(account))


def _application(account: Account) -> str:
    roles = [assignment.role for assignment in account.user.role_assignments.all()]
    until = clock.now() + timedelta(days=9)
    made, secret = commands.create_credential(account.user, "Feed", roles, expires_at=until, by=_by(account))
    return sessions.exchange_secret(made.client_id, secret, address="192.0.2.1")


def _password(browser: Client, account: Account) -> object:
    return browser.post("/sign-in", {"username": account.user.username, "password": account.password})


def _proof(answer: Any) -> str:
    (found,) = re.findall(r'name="proof" value="([^"]+)"', answer.content.decode())
    return str(found)
