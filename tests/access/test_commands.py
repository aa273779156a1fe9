"""Accounts, roles, groups, data permissions and credentials: what is made and recorded, and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from tests.support.recorded import recorded
from workwire.access import commands, features, queries, sessions
from workwire.access.models import Credential, DataPermission, Role, RoleAssignment, User, UserGroup
from workwire.kernel import clock, crypto
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid
from workwire.outbox.models import Event

PASSWORD = "a-long-password-for-tests"


@pytest.fixture
def roles(db: None) -> dict[str, Role]:
    """The built-in roles by name."""
    commands.make_built_in_roles(by=SYSTEM)
    return {role.name: role for role in Role.objects.all()}


@pytest.fixture
def user(roles: dict[str, Role]) -> User:
    """A process builder without data permissions."""
    return commands.create_user(
        "Nia", "Nia Owusu", [roles["Team Member"], roles["Process Builder"]], password=PASSWORD, by=SYSTEM
    )


def test_the_built_in_roles_are_made_once(db: None) -> None:
    with recorded() as found:
        commands.make_built_in_roles(by=SYSTEM)
    assert found.names == ["RoleCreated"] * len(features.BUILT_IN_ROLES)
    made = {
        (role.name, role.kind, tuple(sorted(row.feature for row in role.features.all()))) for role in queries.roles()
    }
    assert made == {(role.name, role.kind, tuple(sorted(role.features))) for role in features.BUILT_IN_ROLES}
    with recorded() as found:
        commands.make_built_in_roles(by=SYSTEM)
    assert not found.events


@pytest.mark.parametrize(
    ("name", "kind", "held", "code"),
    [
        ("Team Member", features.OPERATIONAL, [], "role_name_invalid"),
        ("  ", features.OPERATIONAL, [], "name_missing"),
        ("Clerk", "other", [], "role_kind_invalid"),
        ("Clerk", features.OPERATIONAL, ["fly"], "feature_unknown"),
    ],
)
def test_a_role_that_breaks_a_rule_is_refused(
    roles: dict[str, Role], name: str, kind: str, held: list[str], code: str
) -> None:
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.create_role(name, kind, held, by=SYSTEM)
    assert refusal.value.code == code
    assert not found.events
    assert Role.objects.count() == len(roles)


def test_an_account_is_made_with_its_roles(roles: dict[str, Role]) -> None:
    with recorded() as found:
        robot = commands.create_user(
            " robot-7 ", "", [roles["Robot"]], email="robot@example.org", user_type=UserType.ROBOT, by=SYSTEM
        )
    assert (robot.username, robot.full_name, robot.user_type) == ("robot-7", "robot-7", UserType.ROBOT)
    assert not robot.has_usable_password()
    assert found.only.name == "UserCreated"
    assert found.body == {
        "GUID": str(robot.guid),
        "Username": "robot-7",
        "FullName": "robot-7",
        "UserType": 8,
        "Active": True,
        "Roles": ["Robot"],
    }


def test_an_account_holds_one_operational_and_at_most_one_builder_role(roles: dict[str, Role], user: User) -> None:
    wrong: tuple[list[str], ...] = (
        [],
        ["Process Builder"],
        ["Team Member", "Team Leader"],
        ["Team Member", "Process Builder", "Administrator"],
    )
    for names in wrong:
        with recorded() as found:
            for refused in (
                lambda names=names: commands.create_user("x", "X", [roles[name] for name in names], by=SYSTEM),
                lambda names=names: commands.set_roles(user, [roles[name] for name in names], by=SYSTEM),
            ):
                with pytest.raises(Invalid) as refusal:
                    refused()
                assert refusal.value.code == "roles_invalid"
        assert not found.events
    assert User.objects.count() == 1
    assert RoleAssignment.objects.filter(user=user).count() == 2


def test_user_names_are_taken_whatever_their_case_and_weak_passwords_refused(
    roles: dict[str, Role], user: User
) -> None:
    with recorded() as found:
        for name, password, code in (
            ("nia", None, "username_invalid"),
            (" ", None, "username_missing"),
            ("kofi", "short", "password_weak"),
            ("kofi", "password1234", "password_weak"),
            ("kofi-mensah", "kofi-mensah", "password_weak"),
        ):
            with pytest.raises(Invalid) as refusal:
                commands.create_user(name, "Kofi", [roles["Team Member"]], password=password, by=SYSTEM)
            assert refusal.value.code == code
    assert not found.events
    assert User.objects.count() == 1


UNFIT = ("two\nlines", "nul\x00here", "half \ud800", "x" * 300)


@pytest.mark.parametrize("text", UNFIT)
def test_text_no_database_keeps_is_refused(roles: dict[str, Role], user: User, text: str) -> None:
    member, soon = [roles["Team Member"]], clock.now() + timedelta(days=1)
    with recorded() as found:
        for refused in (
            lambda: commands.create_role(text, features.OPERATIONAL, [], by=SYSTEM),
            lambda: commands.create_user(text, "X", member, by=SYSTEM),
            lambda: commands.create_user("x", text, member, by=SYSTEM),
            lambda: commands.create_user("x", "X", member, email=text, by=SYSTEM),
            lambda: commands.create_user("x", "X", member, email="not a mail address", by=SYSTEM),
            lambda: commands.create_group(text, by=SYSTEM),
            lambda: commands.create_credential(user, text, member, expires_at=soon, by=SYSTEM),
        ):
            with pytest.raises(Invalid):
                refused()
    assert not found.events


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_name_at_once_one_has_it() -> None:
    commands.make_built_in_roles(by=SYSTEM)
    member = [Role.objects.get(name="Team Member")]
    makers: list[tuple[Callable[[], object], str]] = [
        (lambda: commands.create_user("Kofi", "", member, by=SYSTEM), "username_invalid"),
        (lambda: commands.create_role("Clerk", features.OPERATIONAL, [], by=SYSTEM), "role_name_invalid"),
        (lambda: commands.create_group("Payroll", by=SYSTEM), "group_name_invalid"),
    ]
    for make, code in makers:
        _, refused = overlap(make, make)
        assert isinstance(refused, Invalid)
        assert refused.code == code
    assert (User.objects.count(), UserGroup.objects.count()) == (1, 1)


def test_changes_of_an_account_are_recorded_and_nothing_when_nothing_changes(
    roles: dict[str, Role], user: User
) -> None:
    leader = [roles["Team Leader"]]
    with recorded() as found:
        commands.set_roles(user, leader, by=SYSTEM)
        commands.set_active(user, False, by=SYSTEM)
        commands.set_active(user, True, by=SYSTEM)
        commands.set_password(user, PASSWORD + "!", by=SYSTEM)
        commands.set_role_features(roles["Team Leader"], [features.WORK_ITEMS], by=SYSTEM)
    assert found.names == ["UserUpdated"] * 4 + ["RoleUpdated"]
    with recorded() as found:
        commands.set_roles(user, leader, by=SYSTEM)
        commands.set_active(user, True, by=SYSTEM)
        commands.set_role_features(roles["Team Leader"], [features.WORK_ITEMS] * 2, by=SYSTEM)
    assert not found.events


def test_members_join_and_leave(user: User) -> None:
    group = commands.create_group(" Payroll ", by=SYSTEM)
    with recorded() as found:
        commands.change_members(group, add=[user], by=SYSTEM)
    assert found.body == {"GUID": str(group.guid), "Name": "Payroll", "Joined": ["Nia"], "Left": []}
    with recorded() as found:
        commands.change_members(group, add=[user], by=SYSTEM)
        commands.change_members(group, by=SYSTEM)
    assert not found.events
    with recorded() as found:
        commands.change_members(group, remove=[user], by=SYSTEM)
    assert found.body["Left"] == ["Nia"]
    assert not group.members.exists()


def test_permissions_are_granted_and_taken_back_once(first: Customer, actors: dict[str, Actor]) -> None:
    by = actors["administrator"]
    group = commands.create_group("Fresh", by=by)
    targets: dict[str, Any] = {
        "company": first.company,
        "contract": first.contract,
        "service": first.service,
        "process": first.case_version.process,
    }
    for level, target in targets.items():
        with recorded() as found:
            assert commands.grant(group, level, target, by=by) == commands.grant(group, level, target, by=by)
        assert found.only.name == "PermissionGranted"
        assert found.body == {
            "GUID": str(group.guid),
            "Name": "Fresh",
            "ObjectType": level,
            "ObjectID": target.pk,
        }
    assert DataPermission.objects.filter(group=group).count() == 4
    for level, target in targets.items():
        with recorded() as found:
            commands.revoke(group, level, target, by=by)
            commands.revoke(group, level, target, by=by)
        assert found.only.name == "PermissionRevoked"
    assert not DataPermission.objects.filter(group=group).exists()
    for refused in (commands.grant, commands.revoke):
        with pytest.raises(Invalid) as refusal:
            refused(group, "planet", first.company, by=by)
        assert refusal.value.code == "level_invalid"


def test_a_credential_is_made_by_its_user_and_keeps_no_secret(roles: dict[str, Role], user: User) -> None:
    by = sessions.actor_for(user)
    expires = clock.now() + timedelta(days=30)
    with recorded() as found:
        credential, secret = commands.create_credential(
            user, "Robot arm", [roles["Process Builder"]], expires_at=expires, by=by
        )
    assert credential.secret_digest == crypto.digest(secret)
    assert [role.name for role in credential.roles.all()] == ["Process Builder"]
    assert found.only.name == "CredentialCreated"
    assert found.body == {
        "GUID": str(credential.guid),
        "Name": "Robot arm",
        "ClientID": credential.client_id,
        "User": "Nia",
    }
    stored = [str(value) for row in Event.objects.values() for value in row.values()]
    stored += [str(value) for row in Credential.objects.values() for value in row.values()]
    assert not [value for value in stored if secret in value]


def test_a_credential_that_breaks_a_rule_is_refused(roles: dict[str, Role], user: User) -> None:
    by, soon = sessions.actor_for(user), clock.now() + timedelta(days=1)
    builder = [roles["Process Builder"]]
    own, _ = commands.create_credential(user, "Own", builder, expires_at=soon, by=by)
    stranger = sessions.actor_for(commands.create_user("kofi", "Kofi", [roles["Team Member"]], by=SYSTEM))
    refusals: list[tuple[Callable[[], object], type[DomainError], str]] = [
        (
            lambda: commands.create_credential(user, "x", [roles["Administrator"]], expires_at=soon, by=by),
            Invalid,
            "roles_invalid",
        ),
        (lambda: commands.create_credential(user, "x", [], expires_at=soon, by=by), Invalid, "roles_invalid"),
        (
            lambda: commands.create_credential(user, "x", builder, expires_at=clock.now(), by=by),
            Invalid,
            "expiry_invalid",
        ),
        (
            lambda: commands.create_credential(user, "x", builder, expires_at=clock.now() + timedelta(days=731), by=by),
            Invalid,
            "expiry_invalid",
        ),
        (
            lambda: commands.create_credential(user, "x", builder, expires_at=soon, by=stranger),
            Forbidden,
            "feature_missing",
        ),
        (
            lambda: commands.create_credential(user, "x", builder, expires_at=soon, by=sessions.actor_for(user, own)),
            Forbidden,
            "refused_to_applications",
        ),
        (lambda: commands.revoke_credential(own, by=stranger), Forbidden, "feature_missing"),
    ]
    with recorded() as found:
        for refused, kind, code in refusals:
            with pytest.raises(kind) as refusal:
                refused()
            assert refusal.value.code == code
    assert not found.events
    with recorded() as found:
        commands.revoke_credential(own, by=by)
    assert found.only.name == "CredentialRevoked"
    with recorded() as found, pytest.raises(Conflict) as refusal:
        commands.revoke_credential(own, by=by)
    assert refusal.value.code == "credential_revoked"
    assert not found.events


def test_only_an_administrator_changes_rights(
    organisation: Organisation, actors: dict[str, Actor], first: Customer
) -> None:
    group, role = first.group, Role.objects.get(name="Team Member")
    tomas = organisation.accounts["team member"].user
    for who, by in actors.items():
        if who == "administrator":
            continue
        other = tomas if by.user_id != tomas.pk else organisation.accounts["robot"].user
        with recorded() as found:
            for refused in (
                lambda by=by: commands.create_role("x", features.OPERATIONAL, [], by=by),
                lambda by=by: commands.set_role_features(role, [], by=by),
                lambda by=by: commands.create_user("x", "X", [role], by=by),
                lambda by=by, other=other: commands.set_roles(other, [role], by=by),
                lambda by=by, other=other: commands.set_active(other, False, by=by),
                lambda by=by, other=other: commands.set_password(other, PASSWORD, by=by),
                lambda by=by: commands.create_group("x", by=by),
                lambda by=by, other=other: commands.change_members(group, add=[other], by=by),
                lambda by=by: commands.grant(group, "company", first.company, by=by),
                lambda by=by: commands.revoke(group, "company", first.company, by=by),
            ):
                with pytest.raises(Forbidden) as refusal:
                    refused()
                assert refusal.value.code == "feature_missing"
        assert not found.events


def test_an_account_changes_its_own_password_but_no_application_does(roles: dict[str, Role], user: User) -> None:
    with recorded() as found:
        commands.set_password(user, PASSWORD + "!", by=sessions.actor_for(user))
    assert found.names == ["UserUpdated"]
    user.refresh_from_db()
    assert user.check_password(PASSWORD + "!")
    soon = clock.now() + timedelta(days=1)
    credential, _ = commands.create_credential(user, "x", [roles["Team Member"]], expires_at=soon, by=SYSTEM)
    with recorded() as found, pytest.raises(Forbidden):
        commands.set_password(user, PASSWORD, by=sessions.actor_for(user, credential))
    assert not found.events
