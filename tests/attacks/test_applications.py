"""What an application may with the widest rights there are: as much as its user, but nothing that outlives it.

An application credential ends only itself, and makes or raises no account, password, right or credential. Every operation of
both APIs is called by the same administrator in person and through an application.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.doors.conftest import Caller
from tests.doors.stage import Stage
from tests.doors.test_matrix import OPERATIONS, PASSWORD, _answer, _undone, callers, stage
from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Organisation
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import (
    Credential,
    DataPermission,
    Role,
    RoleAssignment,
    RoleFeature,
    User,
    UserGroup,
)
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden

__all__ = ["callers", "stage"]
RIGHTS = {
    "create_role",
    "update_settings",
    "update_role",
    "remove_role",
    "update_me",
    "create_user",
    "update_user",
    "create_user_group",
    "add_member",
    "remove_member",
    "grant_permission",
    "revoke_permission",
    "create_credential",
    "revoke_credential",
    "update_credential",
    "renew_credential_secret",
    "create_password_link",
    "list_sessions",
    "end_session",
    "end_other_sessions",
    "end_user_sessions",
    "change_own_password",
    "rename_user_group",
    "begin_second_factor",
    "confirm_second_factor",
    "renew_recovery_codes",
    "turn_off_second_factor",
    "remove_second_factor",
    "set_own_picture",
    "remove_own_picture",
    "remove_picture",
    "preview_hand_over",
    "hand_over_subscription",
}
WIDER = {  # of a subscription whose owner holds what this application does not
    "update_subscription",
    "rotate_secret",
    "get_digest",
    "WebHookSubscription/UpdateWebhookSubscription",
}


@pytest.fixture
def credential(organisation: Organisation) -> tuple[Credential, str]:
    """A credential of the administrator with all its roles, and its secret."""
    user = organisation.accounts["administrator"].user
    roles = [held.role for held in user.role_assignments.all()]
    expires = clock.now() + timedelta(days=1)
    return access.create_credential(user, "Wide", roles, expires_at=expires, by=sessions.actor_for(user))


@pytest.fixture
def application(credential: tuple[Credential, str]) -> Caller:
    """That application, logged in as RFC 6749 says."""
    made, secret = credential
    wish = {"grant_type": "client_credentials", "client_id": made.client_id, "client_secret": secret}
    answer = Client().post("/webapi/Auth/OAuth/Token", wish)
    assert answer.status_code == 200, answer.content
    return Caller(answer.json()["access_token"])


def _rights() -> str:
    """Every account, right and credential there is, but for what a login alone changes."""
    tables = (User, Role, RoleFeature, RoleAssignment, UserGroup, UserGroup.members.through, DataPermission, Credential)
    rows = [list(table._default_manager.order_by("pk").values()) for table in tables]
    return json.dumps([*rows, list(Credential.roles.through.objects.order_by("pk").values())], default=str)


@pytest.mark.skipif(ON_POSTGRES, reason="a thousand savepoints are slow there; the answers are the same")
def test_an_application_may_what_its_user_may_but_nothing_that_outlives_it(
    callers: dict[str, Caller], stage: Stage, application: Caller
) -> None:
    """For every operation of both APIs; and whatever one may be called, no right has changed after it."""
    differ, before = {}, _rights()
    for name, operation in OPERATIONS.items():
        person = _answer(operation, callers["administrator"], stage).status_code
        with _undone():
            machine = _answer(operation, application, stage)
            assert _rights() == before, f"an application changed rights with {name}"
        if machine.status_code != person:
            differ[name] = (machine.status_code, machine.json().get("code"))
    assert {name for name, (status, _) in differ.items() if status == 403} == RIGHTS | WIDER
    assert {name for name, (_, code) in differ.items() if code == "refused_to_applications"} == RIGHTS
    assert set(differ) == RIGHTS | WIDER


def _calls(organisation: Organisation, own: Credential) -> list[tuple[str, str, Any]]:
    """What would raise an account, a right or the application itself."""
    admin, tomas = organisation.accounts["administrator"].user, organisation.accounts["team member"].user
    robot, group = organisation.accounts["robot"].user, organisation.customers[0].group
    other = organisation.accounts["process builder"].user.credentials.get()
    later = (clock.now() + timedelta(days=365)).isoformat()
    roles = ["Team Leader", "Administrator"]
    user, membership = {"username": "evil", "roles": roles, "password": PASSWORD}, f"/user-groups/{group.guid}/members"
    return [
        ("POST", "/users", user),
        ("POST", "/users", {**user, "password": None}),
        *(("PATCH", f"/users/{tomas.guid}", change) for change in ({"roles": roles}, {"password": PASSWORD})),
        *(("PATCH", f"/users/{robot.guid}", {"active": active}) for active in (False, True)),
        *(("PATCH", f"/users/{admin.guid}", change) for change in ({"password": PASSWORD}, {"active": False})),
        *(("PUT", f"{membership}/{user.guid}", None) for user in (tomas, admin)),
        ("DELETE", f"{membership}/{tomas.guid}", None),
        ("PUT", f"/user-groups/{group.guid}/permissions/company/{organisation.customers[1].company.guid}", None),
        ("POST", "/credentials", {"name": "Longer", "roles": roles, "expires_at": later}),
        ("DELETE", f"/credentials/{other.guid}", None),
        ("DELETE", f"/credentials/{own.user.credentials.exclude(pk=own.pk).get().guid}", None),
    ]


def test_an_application_raises_nothing_and_ends_only_itself(
    organisation: Organisation, credential: tuple[Credential, str], application: Caller, caller: Callable[[str], Caller]
) -> None:
    own, _ = credential
    by = sessions.actor_for(own.user)
    access.create_credential(own.user, "Beside", list(own.roles.all()), expires_at=own.expires_at, by=by)
    before = _rights()
    for method, path, body in _calls(organisation, own):
        answer = application.api(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "refused_to_applications"), (method, path, body)
        assert _rights() == before, (method, path, body)
    assert application.api("DELETE", f"/credentials/{own.guid}").status_code == 204
    assert application.api("GET", "/me").status_code == 401
    assert caller("administrator").api("GET", "/me").status_code == 200


def test_an_application_of_a_plain_account_ends_no_other_of_it(
    organisation: Organisation, credential: tuple[Credential, str]
) -> None:
    """Nor sets the password of its own account; the person does both."""
    user = organisation.accounts["process builder"].user
    roles, expires = list(user.credentials.get().roles.all()), clock.now() + timedelta(days=1)
    person = sessions.actor_for(user)
    one, _ = access.create_credential(user, "One", roles, expires_at=expires, by=person)
    other, _ = access.create_credential(user, "Other", roles, expires_at=expires, by=person)
    machine = sessions.actor_for(user, one)
    for refused in (
        lambda: access.revoke_credential(other, by=machine),
        lambda: access.set_password(user, PASSWORD, by=machine),
    ):
        with pytest.raises(Forbidden) as refusal:
            refused()
        assert refusal.value.code == "refused_to_applications"
    access.revoke_credential(one, by=machine)
    access.revoke_credential(other, by=person)
    assert one.user_id == other.user_id


def test_no_command_on_rights_is_open_to_applications(organisation: Organisation, actors: dict[str, Actor]) -> None:
    """Also those that no door offers."""
    role, group = Role.objects.get(name="Team Member"), organisation.customers[0].group
    admin = organisation.accounts["administrator"].user
    roles, expires = [held.role for held in admin.role_assignments.all()], clock.now() + timedelta(days=1)
    made, _ = access.create_credential(admin, "Wide", roles, expires_at=expires, by=actors["administrator"])
    by, company = sessions.actor_for(admin, made), organisation.customers[1].company
    for refused in (
        lambda: access.create_role("x", "operational", [], by=by),
        lambda: access.set_role_features(role, ["administrator"], by=by),
        lambda: access.create_user("x", "X", [role], by=by),
        lambda: access.set_roles(admin, [role], by=by),
        lambda: access.set_active(admin, False, by=by),
        lambda: access.set_password(admin, PASSWORD, by=by),
        lambda: access.create_group("x", [admin], by=by),
        lambda: access.change_members(group, add=[admin], by=by),
        lambda: access.grant(group, "company", company, by=by),
        lambda: access.revoke(group, "company", company, by=by),
        lambda: access.create_credential(admin, "x", roles, expires_at=expires, by=by),
    ):
        with pytest.raises(Forbidden) as refusal:
            refused()
        assert refusal.value.code == "refused_to_applications"
