"""Nobody gets to more than they have: through credentials of fewer roles, accounts and roles of others, or settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from tests.support.organisation import Customer, Organisation
from workwire.access import commands, features, queries, run_time_settings, sessions
from workwire.access.models import Role, Setting, User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem

PASSWORD = "9mEo4tQvXb2LkZ"


def _account(name: str, *roles: Role, sees: Customer | None = None) -> User:
    user = commands.create_user(name, "", list(roles), password=PASSWORD, by=SYSTEM)
    if sees is not None:
        commands.change_members(sees.group, add=[user], by=SYSTEM)
    return user


def _role(name: str, *held: str, kind: str = features.BUILDER) -> Role:
    return commands.create_role(name, kind, held, by=SYSTEM)


def _built_in(name: str) -> Role:
    return Role.objects.get(name=name)


def test_an_application_sees_no_more_than_its_account_in_self_service(
    open_ticket: Callable[..., WorkItem], first: Customer, actors: dict[str, Actor]
) -> None:
    ticket = open_ticket()
    conversations.add(ticket, by=actors["team member"], kind=CommunicationType.AUDIT_NOTE, body="among ourselves")
    builder = _role("Subscriber", features.WEBHOOKS)
    account = _account("guestly", _built_in("Self Service"), builder, sees=first)
    person = sessions.actor_for(account)
    expires = clock.now() + timedelta(days=3)
    credential, secret = commands.create_credential(account, "x", [builder], expires_at=expires, by=person)
    assert not work.items_visible_to(person).exists()
    assert not work.items_visible_to(sessions.actor_for(account, credential)).exists()
    token = sessions.exchange_secret(credential.client_id, secret, address="127.0.0.1")
    application = sessions.authenticate(token)
    assert not application.has(features.SELF_SERVICE)
    assert not work.items_visible_to(application).exists()
    for path in ("", f"/{ticket.guid}", f"/{ticket.guid}/communications"):
        answer = Client().get(f"/api/v1/work-items{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 404 or answer.json()["items"] == [], path


def test_self_service_manages_no_accounts_and_frees_itself_of_nothing(first: Customer) -> None:
    manager = _role("Manager", features.USERS, features.ROLES, features.GROUPS, features.SETTINGS)
    empty = _role("Nothing", kind=features.OPERATIONAL)
    account = _account("sam", _built_in("Self Service"), manager, sees=first)
    by = sessions.actor_for(account)
    with pytest.raises(Forbidden, match="self service"):
        commands.set_roles(account, [empty, manager], by=by)
    with pytest.raises(Forbidden, match="self service"):
        commands.set_role_features(manager, [features.USERS], by=by)
    with pytest.raises(Forbidden, match="self service"):
        commands.change_settings({"feedback_window_hours": 1}, by=by)
    assert account.role_assignments.filter(role=_built_in("Self Service")).exists()


def test_a_manager_of_accounts_looks_through_nobodys_eyes(first: Customer) -> None:
    manager = _account("manager", _built_in("Team Member"), _role("Manager", features.USERS))
    seeing, blind = (
        _account("seeing", _built_in("Team Member"), sees=first),
        _account("blind", _built_in("Team Member")),
    )
    by, expires = sessions.actor_for(manager), clock.now() + timedelta(days=3)
    with pytest.raises(Forbidden, match="may not see"):
        commands.set_password(seeing, "another-9mEo4tQvXb", by=by)
    with pytest.raises(Forbidden, match="may not see"):
        commands.create_credential(seeing, "x", [_built_in("Team Member")], expires_at=expires, by=by)
    assert sessions.log_in("seeing", PASSWORD, address="127.0.0.1")
    commands.set_password(blind, "another-9mEo4tQvXb", by=by)
    commands.change_members(first.group, add=[manager], by=SYSTEM)
    commands.set_password(seeing, "another-9mEo4tQvXb", by=by)


def test_rights_are_asked_of_the_account_as_it_is_when_it_is_locked(
    monkeypatch: pytest.MonkeyPatch, organisation: Organisation
) -> None:
    manager = _account("manager", _built_in("Team Member"), _role("Manager", features.USERS))
    raised = _account("raised", _built_in("Team Member"))
    lock = User.objects.select_for_update

    def raised_meanwhile() -> object:
        monkeypatch.undo()
        commands.set_roles(raised, [_built_in("Team Member"), _built_in("Administrator")], by=SYSTEM)
        return lock()

    monkeypatch.setattr(User.objects, "select_for_update", raised_meanwhile)
    with pytest.raises(Forbidden):
        commands.set_password(raised, "another-9mEo4tQvXb", by=sessions.actor_for(manager))


def test_who_manages_roles_takes_nothing_from_who_holds_more(organisation: Organisation) -> None:
    of_roles = _role("Roles", features.ROLES)
    by = sessions.actor_for(_account("rita", _built_in("Team Leader"), of_roles))
    administrator = organisation.accounts["administrator"]
    administrator.log_in()
    tokens = administrator.user.tokens.count()
    with pytest.raises((Forbidden, Conflict)):
        commands.set_role_features(_built_in("Team Leader"), [], by=by)
    own = _role("Night shift", features.WORK_ITEMS, kind=features.OPERATIONAL)
    boss = _account("boss", own, _built_in("Administrator"))
    with pytest.raises(Forbidden):
        commands.set_role_features(own, [], by=by)
    commands.set_roles(boss, [_built_in("Team Member"), _built_in("Administrator")], by=SYSTEM)
    commands.set_role_features(own, [], by=by)
    assert administrator.user.tokens.count() == tokens


def test_one_administrator_is_left(organisation: Organisation, actors: dict[str, Actor]) -> None:
    by, user = actors["administrator"], organisation.accounts["administrator"].user
    with pytest.raises(Conflict, match="Administer everything"):
        commands.set_role_features(_built_in("Administrator"), [], by=by)
    with pytest.raises(Conflict, match="Administer everything"):
        commands.set_roles(user, [_built_in("Team Member")], by=by)
    with pytest.raises(Conflict, match="Administer everything"):
        commands.set_active(user, False, by=by)
    assert queries.has_administrator()
    second = _account("second", _built_in("Team Member"), _built_in("Administrator"))
    commands.set_active(user, False, by=sessions.actor_for(second))
    assert queries.has_administrator()


@pytest.mark.parametrize("name", sorted(run_time_settings.OF_ADMINISTRATORS))
def test_what_guards_or_removes_is_chosen_by_administrators(name: str, actors: dict[str, Actor]) -> None:
    chooser = _account("chooser", _built_in("Team Member"), _role("Chooser", features.SETTINGS))
    with pytest.raises(Forbidden):
        commands.change_settings({name: 50}, by=sessions.actor_for(chooser))
    commands.change_settings({"feedback_window_hours": 1}, by=sessions.actor_for(chooser))
    commands.change_settings({name: 50}, by=actors["administrator"])


def test_a_zone_that_this_host_does_not_know_counts_as_not_chosen(
    actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    for zone in ("Factory", "localtime", "Mars/Olympus"):
        with pytest.raises(Invalid):
            commands.change_settings({"default_time_zone": zone}, by=actors["administrator"])
    Setting.objects.create(name="default_time_zone", value="Mars/Olympus")
    monkeypatch.setattr(run_time_settings, "_kept", run_time_settings.Kept({}, 0.0))
    assert run_time_settings.value_of("default_time_zone") == "UTC"
    assert Client().get("/sign-in").status_code == 200
