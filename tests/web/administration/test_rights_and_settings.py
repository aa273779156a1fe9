"""Pages of roles, groups and settings: what is shown to whom, wrong values, who was slower."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import translation

from tests.support.organisation import Account, Organisation
from tests.web import gallery
from workwire.access import commands, features, run_time_settings
from workwire.access.models import DataPermission, Role, Setting, UserGroup
from workwire.kernel import ids
from workwire.kernel.actor import SYSTEM
from workwire.web.administration.feature_words import GROUPS, SAID, name_of
from workwire.web.administration.setting_pages import SAID as SETTINGS

PASSWORD = "9mEo4tQvXb2LkZ"
ROLES, USER_GROUPS, OPTIONS = "/administration/roles", "/administration/groups", "/administration/settings"


@pytest.fixture
def admin(organisation: Organisation) -> Client:
    """The browser of the administrator."""
    return gallery.signed_in(organisation.accounts["administrator"])


def _holder(*held: str) -> Client:
    """The browser of somebody with some features."""
    role = commands.create_role("Special", features.BUILDER, held, by=SYSTEM)
    member = Role.objects.get(name="Team Member")
    user = commands.create_user("special", "Sue Special", [member, role], password=PASSWORD, by=SYSTEM)
    return gallery.signed_in(Account(user, PASSWORD))


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_every_feature_and_every_setting_has_words() -> None:
    assert set(SAID) == set(features.FEATURES) == {name for _, names in GROUPS for name in names}
    assert set(SETTINGS) == set(run_time_settings.RUN_TIME)
    for language in ("en", "de", "es", "fr"):
        with translation.override(language):
            names = [name_of(feature) for feature in features.FEATURES]
        assert len(set(names)) == len(names)
        assert not set(names) & {*features.FEATURES, *(f"feature_name.{one}" for one in features.FEATURES)}


def test_roles_say_what_they_allow_and_who_holds_them(admin: Client) -> None:
    text = _text(admin, ROLES)
    assert "Administrator" in text
    assert "Work, Give out work" in text
    leader = _text(admin, f"{ROLES}/{Role.objects.get(name='Process Builder').guid}")
    assert "A built-in role stays as it is" in leader
    assert "Included" in leader
    assert "Paul Ekdahl" in leader
    assert "/edit" not in leader


def test_a_role_is_copied_changed_and_removed(admin: Client) -> None:
    leader = Role.objects.get(name="Team Leader")
    form = _text(admin, f"{ROLES}/new?copy={leader.guid}")
    assert 'value="Copy of Team Leader"' in form
    assert re.search(r'name="feature-assign_work"[^>]*checked', form)
    wish = {"name": "Shift lead", "kind": "operational", "feature-work_items": "on", "feature-assign_work": "on"}
    made = admin.post(f"{ROLES}/new", wish)
    role = Role.objects.get(name="Shift lead")
    address = f"{ROLES}/{role.guid}"
    assert made.headers["Location"] == address
    changed = admin.post(f"{address}/edit", {"version": "1", "name": "Lead", "feature-work_items": "on"})
    assert changed.headers["Location"] == address
    assert list(role.features.values_list("feature", flat=True)) == ["work_items"]
    late = admin.post(f"{address}/edit", {"version": "1", "name": "Mine", "feature-queues": "on"})
    text = unescape(late.content.decode())
    assert late.status_code == 409
    assert "Olga Brandt changed this meanwhile." in text
    assert 'value="Mine"' in text
    taken = admin.post(f"{address}/edit", {"version": "3", "name": "Robot"})
    assert (taken.status_code, "A role needs a name no other role has." in unescape(taken.content.decode())) == (
        422,
        True,
    )
    assert admin.post(f"{address}/remove").headers["Location"] == ROLES
    assert not Role.objects.filter(pk=role.pk).exists()
    assert admin.post(f"{ROLES}/{leader.guid}/remove").status_code == 409


def test_a_role_asks_for_a_second_factor(admin: Client, organisation: Organisation) -> None:
    robots = Role.objects.get(name="Robot")
    address, member = f"{ROLES}/{robots.guid}", gallery.signed_in(organisation.accounts["team member"])
    assert "Not asked for." in _text(admin, address)
    assert admin.post(f"{address}/second-factor", {"wanted": "yes"}).headers["Location"] == address
    robots.refresh_from_db()
    assert (robots.requires_second_factor, robots.version) == (True, 2)
    assert "can do nothing before one is set up" in _text(admin, address)
    assert re.search(r'name="second_factor"[^>]*checked', _text(admin, f"{ROLES}/new?copy={robots.guid}"))
    wish = {"name": "Shift lead", "kind": "operational", "second_factor": "on", "feature-work_items": "on"}
    admin.post(f"{ROLES}/new", wish)
    assert Role.objects.get(name="Shift lead").requires_second_factor
    edited = {"version": "1", "name": "Shift lead", "feature-work_items": "on"}
    admin.post(f"{ROLES}/{Role.objects.get(name='Shift lead').guid}/edit", edited)
    assert not Role.objects.get(name="Shift lead").requires_second_factor
    assert member.post(f"{address}/second-factor", {"wanted": "no"}).status_code == 403
    admin.post(f"{address}/second-factor", {"wanted": "no"})
    robots.refresh_from_db()
    assert not robots.requires_second_factor


def test_only_features_one_holds_can_be_given(organisation: Organisation) -> None:
    browser = _holder(features.ROLES, features.QUEUES)
    form = _text(browser, f"{ROLES}/new")
    assert set(re.findall(r'name="feature-(\w+)"', form)) == {"roles", "queues", "work_items"}
    wish = {"name": "More", "kind": "builder", "feature-queues": "on", "feature-administrator": "on"}
    assert browser.post(f"{ROLES}/new", wish).status_code == 303
    assert list(Role.objects.get(name="More").features.values_list("feature", flat=True)) == ["queues"]
    administrator = Role.objects.get(name="Administrator")
    assert browser.post(f"{ROLES}/{administrator.guid}/edit", {"name": "x"}).status_code in (403, 409)


def test_a_group_gets_members_and_permissions_and_loses_them(admin: Client, organisation: Organisation) -> None:
    made = admin.post(f"{USER_GROUPS}/new", {"name": "Night shift"})
    group = UserGroup.objects.get(name="Night shift")
    address = f"{USER_GROUPS}/{group.guid}"
    assert made.headers["Location"] == address
    tomas, service = organisation.accounts["team member"].user, organisation.customers[0].service
    assert admin.post(f"{address}/members", {"username": "TOMAS"}).status_code == 303
    assert "Tomas Sato" in _text(admin, address)
    counted = dict(re.findall(r'>([^<]+)</a></td><td class="number">([^<]+)<', _text(admin, USER_GROUPS)))
    assert counted["Night shift"] == "1 member"
    assert len(counted) == UserGroup.objects.count()
    ghost = admin.post(f"{address}/members", {"username": "ghost"})
    assert ghost.status_code == 422
    assert "There is no account with the user name 'ghost'." in unescape(ghost.content.decode())
    assert 'value="ghost"' in ghost.content.decode()
    found = _text(admin, f"{address}?level=service&text=order")
    assert f"/permissions/service/{service.guid}/grant" in found
    assert admin.post(f"{address}/permissions/service/{service.guid}/grant").status_code == 303
    assert DataPermission.objects.filter(group=group, service=service).exists()
    assert f"/permissions/service/{service.guid}/revoke" in _text(admin, address)
    admin.post(f"{address}/permissions/service/{service.guid}/revoke")
    assert not DataPermission.objects.filter(group=group).exists()
    assert admin.post(f"{address}/members/{tomas.guid}/remove").status_code == 303
    assert not group.members.exists()
    for gone in (f"{address}/members/{tomas.guid}/remove", f"{address}/permissions/galaxy/{service.guid}/grant"):
        assert admin.post(gone).status_code == 404
    late = admin.post(address, {"name": "Mine", "version": "99"})
    assert late.status_code == 409
    assert admin.post(address, {"name": "Day shift", "version": "1"}).status_code == 303
    group.refresh_from_db()
    assert group.name == "Day shift"


def test_a_group_names_only_what_its_reader_sees(organisation: Organisation) -> None:
    browser = _holder(features.GROUPS)
    first = organisation.customers[0]
    text = _text(browser, f"{USER_GROUPS}/{first.group.guid}")
    assert "And 1 on an object that you may not see." in text
    assert "/grant" not in text
    grant = f"{USER_GROUPS}/{first.group.guid}/permissions/company/{first.company.guid}/grant"
    assert browser.post(grant).status_code == 404


def test_settings_say_where_they_come_from_and_are_changed(
    admin: Client, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_time_settings, "_kept", run_time_settings.Kept({}, 0.0))
    address = f"{OPTIONS}/login_attempts"
    for row in run_time_settings.RUN_TIME:
        assert f'href="{OPTIONS}/{row}"' in _text(admin, OPTIONS)
    assert "Chosen here" not in _text(admin, OPTIONS)
    wrong = admin.post(address, {"value": "0", "before": ""})
    assert wrong.status_code == 422
    assert 'id="id_value_error"' in wrong.content.decode()
    assert 'value="0"' in wrong.content.decode()
    assert admin.post(address, {"value": "7", "before": ""}).headers["Location"] == address
    assert Setting.objects.get(name="login_attempts").value == 7
    run_time_settings.forget()
    shown = _text(admin, address)
    assert "Chosen by Olga Brandt" in shown
    assert "Chosen here" in _text(admin, OPTIONS)
    late = admin.post(address, {"value": "8", "before": ""})
    assert late.status_code == 409
    assert "has been changed since it was read." in unescape(late.content.decode())
    assert 'name="before" value="7"' in late.content.decode()
    assert admin.post(f"{address}/reset").status_code == 303
    assert not Setting.objects.exists()
    assert admin.get(f"{OPTIONS}/secret_keys").status_code == 404


def test_what_the_operator_set_and_what_guards_cannot_be_changed(
    admin: Client, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = django_settings.CONFIG.model_copy(update={"largest_file_mb": 40})
    monkeypatch.setattr(django_settings, "CONFIG", config)
    assert run_time_settings.is_set_by_operator("largest_file_mb")
    text = _text(admin, f"{OPTIONS}/largest_file_mb")
    assert "The operator set it" in text
    assert "<form" not in text.split('id="main"')[1].split("</main>")[0]
    assert admin.post(f"{OPTIONS}/largest_file_mb", {"value": "5", "before": ""}).status_code == 409
    other = _holder(features.SETTINGS)
    assert "Only an administrator changes this one" in _text(other, f"{OPTIONS}/login_attempts")
    assert other.post(f"{OPTIONS}/login_attempts", {"value": "5", "before": ""}).status_code == 403
    assert other.post(f"{OPTIONS}/feedback_window_hours", {"value": "5", "before": ""}).status_code == 303


def test_who_lacks_the_feature_gets_none_of_the_pages(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    role, group = Role.objects.first(), UserGroup.objects.first()
    assert role is not None
    assert group is not None
    for address in (
        ROLES,
        f"{ROLES}/new",
        f"{ROLES}/{role.guid}",
        f"{ROLES}/{role.guid}/edit",
        USER_GROUPS,
        f"{USER_GROUPS}/new",
        f"{USER_GROUPS}/{group.guid}",
        OPTIONS,
        f"{OPTIONS}/login_attempts",
    ):
        assert browser.get(address).status_code == 403, address
    for action in (
        f"{ROLES}/{role.guid}/remove",
        f"{USER_GROUPS}/{group.guid}/members",
        f"{USER_GROUPS}/{group.guid}/members/{ids.new_guid()}/remove",
        f"{USER_GROUPS}/{group.guid}/permissions/company/{ids.new_guid()}/grant",
        f"{USER_GROUPS}/{group.guid}/permissions/company/{ids.new_guid()}/revoke",
        f"{OPTIONS}/login_attempts/reset",
    ):
        assert browser.post(action).status_code == 403, action
