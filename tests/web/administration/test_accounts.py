"""Pages of accounts: finding, making, editing, retiring, and who may do none of it."""

from __future__ import annotations

import re
from html import unescape

import pyotp
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Account, Organisation
from tests.web import gallery
from workwire.access import commands, features, sessions
from workwire.access.models import Role, Token, User
from workwire.kernel import clock, ids
from workwire.kernel.actor import SYSTEM
from workwire.rooms.work import commands as work

PASSWORD = "9mEo4tQvXb2LkZ"
LIST = "/administration/accounts"


@pytest.fixture
def admin(organisation: Organisation) -> Client:
    """The browser of the administrator."""
    return gallery.signed_in(organisation.accounts["administrator"])


@pytest.fixture
def clerk(organisation: Organisation) -> Client:
    """The browser of somebody who manages accounts and no more."""
    role = commands.create_role("Clerk", features.BUILDER, [features.USERS], by=SYSTEM)
    held = [Role.objects.get(name="Team Member"), role]
    user = commands.create_user("clerk", "Cleo Clerk", held, password=PASSWORD, by=SYSTEM)
    return gallery.signed_in(Account(user, PASSWORD))


def _page(user: User) -> str:
    return f"{LIST}/{user.guid}"


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def _names(text: str) -> list[str]:
    return re.findall(r'<td class="title" title="([^"]*)"', text)


def _role(name: str) -> str:
    return str(Role.objects.get(name=name).guid)


def _form(user: User, **changes: str) -> dict[str, str]:
    filled = {
        "version": str(User.objects.get(pk=user.pk).version),
        "full_name": user.full_name,
        "email": user.email,
        "role": _role("Team Member"),
        "builder_role": "",
        "manager": "",
        "language": "",
        "time_zone": "",
    }
    return filled | changes


def test_accounts_are_found_and_narrowed(admin: Client, organisation: Organisation) -> None:
    tomas = organisation.accounts["team member"].user
    assert set(_names(_text(admin, LIST))) == {one.full_name for one in User.objects.all()}
    assert _names(_text(admin, f"{LIST}?text=sato")) == ["Tomas Sato"]
    assert _names(_text(admin, f"{LIST}?role={_role('Robot')}")) == ["Pixel"]
    commands.set_active(tomas, False, by=SYSTEM)
    assert _names(_text(admin, f"{LIST}?state=retired")) == ["Tomas Sato"]
    assert "Tomas Sato" not in _names(_text(admin, f"{LIST}?state=active"))
    assert "No account fits these filters." in _text(admin, f"{LIST}?text=nobody-at-all")
    assert len(_names(_text(admin, f"{LIST}?role=x&state=y&cursor=z"))) == User.objects.count()


def test_the_list_asks_as_many_queries_however_long_it_is(admin: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            _text(admin, LIST)
        return len(asked)

    _text(admin, LIST)
    before = queries()
    role = Role.objects.get(name="Team Member")
    for number in range(55):
        commands.create_user(f"many{number}", "", [role], by=SYSTEM)
    assert queries() <= before
    (older,) = re.findall(r'rel="next" href="([^"]+)"', _text(admin, LIST))
    assert "Olga Brandt" in _names(_text(admin, unescape(older)))


def test_an_account_is_made_and_signs_in(admin: Client, organisation: Organisation) -> None:
    wish = {
        "username": "nora",
        "full_name": "Nora Quist",
        "user_type": "1",
        "email": "nora@cedar.example",
        "role": _role("Team Member"),
        "builder_role": "",
        "password": PASSWORD,
        "manager": "olga",
        "language": "de",
        "time_zone": "Europe/Berlin",
    }
    answer = admin.post(f"{LIST}/new", wish)
    user = User.objects.get(username="nora")
    assert (answer.status_code, answer.headers["Location"]) == (303, _page(user))
    assert (user.language, user.time_zone, user.manager and user.manager.username) == ("de", "Europe/Berlin", "olga")
    assert gallery.signed_in(Account(user, PASSWORD)).get("/work").status_code == 200
    shown = _text(admin, _page(user))
    assert "Nora Quist" in shown
    assert "Olga Brandt" in shown


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "Tomas"}, "An account needs a user name no other account has."),
        ({"password": "short"}, "This password is too short."),
        ({"email": "nowhere"}, "A mail address is written like name@example.org."),
        ({"manager": "ghost"}, "There is no account with the user name 'ghost'."),
        ({"role": "x"}, "Select a valid choice."),
    ],
)
def test_wrong_values_stand_beside_their_field_and_the_others_are_kept(
    admin: Client, wrong: dict[str, str], said: str
) -> None:
    wish = {"username": "nora", "full_name": "Nora Quist", "user_type": "1", "role": _role("Team Member")}
    answer = admin.post(f"{LIST}/new", wish | {"password": PASSWORD} | wrong)
    text = unescape(answer.content.decode())
    assert answer.status_code == 422
    (field,) = wrong
    assert f'id="id_{field}_error"' in text
    assert said in text
    assert 'value="Nora Quist"' in text
    assert PASSWORD not in text
    assert not User.objects.filter(username="nora").exists()


def test_who_was_slower_sees_what_it_is_now_and_may_keep_either(admin: Client, organisation: Organisation) -> None:
    tomas = organisation.accounts["team member"].user
    mine = _form(tomas, full_name="Tomas Mine")
    paul = sessions.actor_for(organisation.accounts["administrator"].user)
    commands.change_user(tomas, full_name="Tomas Theirs", email="new@cedar.example", by=paul)
    answer = admin.post(f"{_page(tomas)}/edit", mine)
    text = unescape(answer.content.decode())
    assert answer.status_code == 409
    assert "The account has been changed since it was read." in text
    assert "Olga Brandt changed this meanwhile." in text
    assert "Tomas Theirs" in text
    assert 'value="Tomas Mine"' in text
    (version,) = re.findall(r'name="version" value="(\d+)"', text)
    assert admin.post(f"{_page(tomas)}/edit", mine | {"version": version}).status_code == 303
    tomas.refresh_from_db()
    assert tomas.full_name == "Tomas Mine"


def test_retiring_says_in_numbers_what_happens_and_it_does(admin: Client, organisation: Organisation) -> None:
    tomas = organisation.accounts["team member"].user
    by, customer = sessions.actor_for(tomas), organisation.customers[0]
    for title in ("one", "two"):
        made = work.create_ticket(
            customer.ticket_version.guid, by=by, title=title, category_guid=customer.category.guid, submit=True
        )
        work.take(made, by=by)
    organisation.accounts["team member"].log_in()
    text = _text(admin, _page(tomas))
    assert "2 unfinished work items go back to their queues, or to nobody." in text
    assert "1 session ends." in text
    assert "0 subscriptions are sent nothing" in text
    assert admin.post(f"{_page(tomas)}/retire").headers["Location"] == _page(tomas)
    tomas.refresh_from_db()
    assert not tomas.is_active
    assert not Token.objects.filter(user=tomas).exists()
    text = _text(admin, _page(tomas))
    assert "Bring the account back" in text
    assert "0 unfinished work items" not in text
    admin.post(f"{_page(tomas)}/reinstate")
    tomas.refresh_from_db()
    assert tomas.is_active


def test_a_robot_is_suspended_and_works_again_and_no_person_is(admin: Client, organisation: Organisation) -> None:
    """work-manager ASG-17."""
    robot, tomas = (organisation.accounts[who].user for who in ("robot", "team member"))
    page = _page(robot)
    assert "Suspend the robot" in _text(admin, page)
    assert "Suspend the robot" not in _text(admin, _page(tomas))
    assert admin.post(f"{_page(tomas)}/suspend").status_code == 422
    assert admin.post(f"{page}/suspend").headers["Location"] == page
    text = _text(admin, page)
    assert "Suspended" in text
    assert "Suspend the robot" not in text
    assert "Let it work again" in text
    assert "Suspended" in _text(admin, LIST)
    assert admin.post(f"{page}/resume").headers["Location"] == page
    robot.refresh_from_db()
    assert robot.suspended_at is None


def test_sessions_end_and_a_link_for_a_password_is_shown_once(admin: Client, organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    browser = gallery.signed_in(account)
    assert admin.post(f"{_page(account.user)}/end-sessions").status_code == 303
    assert browser.get("/work").status_code == 302
    assert "1 session ended." in _text(admin, _page(account.user))
    given = admin.post(f"{_page(account.user)}/password-link")
    (link,) = re.findall(r'<code id="link">http://testserver(/[^<]+)</code>', given.content.decode())
    assert (given.status_code, Client().get(unescape(link)).status_code) == (201, 200)
    assert "shown this once" not in _text(admin, _page(account.user))


def test_a_lost_second_factor_is_removed(admin: Client, organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    page, by = _page(account.user), sessions.actor_for(account.user)
    assert "Remove the second factor" not in _text(admin, page)
    begun = commands.begin_second_factor(account.password, by=by)
    commands.confirm_second_factor(pyotp.TOTP(begun.key).at(clock.now()), by=by)
    assert "Remove the second factor" in _text(admin, page)
    assert admin.post(f"{page}/second-factor").headers["Location"] == page
    assert "The second factor is removed" in _text(admin, page)
    gallery.signed_in(account)
    assert admin.post(f"{page}/second-factor").status_code == 409


def test_who_does_not_manage_accounts_is_not_shown_them(organisation: Organisation) -> None:
    tomas = organisation.accounts["team member"]
    browser = gallery.signed_in(tomas)
    assert "/administration" not in browser.get("/work").content.decode()
    page = _page(tomas.user)
    for address in (LIST, f"{LIST}/new", page, f"{page}/edit", f"{page}/sight"):
        assert browser.get(address).status_code == 403, address
    for action in ("retire", "reinstate", "suspend", "resume", "end-sessions", "password-link", "second-factor"):
        assert browser.post(f"{page}/{action}", {"password": PASSWORD}).status_code == 403, action
    assert browser.post(f"{LIST}/new", {"username": "x"}).status_code == 403
    assert gallery.signed_in(organisation.accounts["administrator"]).get(f"{LIST}/{ids.new_guid()}").status_code == 404


def test_an_account_that_may_do_more_is_looked_at_only(clerk: Client, organisation: Organisation) -> None:
    olga, tomas = (organisation.accounts[who].user for who in ("administrator", "team member"))
    text = _text(clerk, _page(olga))
    assert "This account may do more than you" in text
    for word in ("Retire the account", "Make a link", "/edit"):
        assert word not in text
    assert clerk.get(f"{_page(olga)}/edit").status_code == 403
    for action in ("retire", "end-sessions", "password-link"):
        assert clerk.post(f"{_page(olga)}/{action}", {"password": PASSWORD}).status_code == 403, action
    refused = clerk.post(f"{_page(tomas)}/edit", _form(tomas, builder_role=_role("Administrator")))
    assert refused.status_code == 403
    assert "Retire the account" in _text(clerk, _page(tomas))
