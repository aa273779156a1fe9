"""Two who change accounts, rights and assignments at the same moment: what each was promised holds for both."""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from workwire.access import commands, features, second_factors, sessions
from workwire.access.commands import password_links
from workwire.access.models import Role, Token, User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, Unauthenticated
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "9mEo4tQvXb2LkZ"


def _account(name: str, *roles: str) -> User:
    held = list(Role.objects.filter(name__in=roles or ("Team Member",)))
    return commands.create_user(name, "", held, password=PASSWORD, by=SYSTEM)


def _accounts(*names: str) -> dict[str, User]:
    commands.make_built_in_roles(by=SYSTEM)
    return {name: _account(name) for name in names}


def _manager_of(user: User) -> str | None:
    return User.objects.values_list("manager__username", flat=True).get(pk=user.pk)


@pytest.mark.parametrize("as_one_change", [False, True])
def test_of_two_who_become_managers_of_each_other_one_does(as_one_change: bool) -> None:
    who = _accounts("ada", "bo")

    def under(user: str, manager: str) -> Callable[[], None]:
        if as_one_change:
            return lambda: commands.change_user(who[user], manager=who[manager], full_name="New", by=SYSTEM)
        return lambda: commands.set_manager(who[user], who[manager], by=SYSTEM)

    done, refused = overlap(under("ada", "bo"), under("bo", "ada"))
    assert done is None
    assert isinstance(refused, Conflict)
    assert refused.code == "manager_below"
    assert (_manager_of(who["ada"]), _manager_of(who["bo"])) == ("bo", None)


@pytest.mark.parametrize("high_first", [False, True])
def test_of_two_changes_that_make_a_wide_circle_one_is_made(high_first: bool) -> None:
    who = _accounts("ada", "bo", "cy", "di")
    commands.set_manager(who["bo"], who["cy"], by=SYSTEM)
    commands.set_manager(who["di"], who["ada"], by=SYSTEM)
    calls = [
        lambda: commands.set_manager(who["ada"], who["bo"], by=SYSTEM),
        lambda: commands.set_manager(who["cy"], who["di"], by=SYSTEM),
    ]
    done, refused = overlap(*(reversed(calls) if high_first else calls))
    assert done is None
    assert isinstance(refused, Conflict)
    assert refused.code == "manager_below"


def test_a_line_that_moves_while_it_is_waited_for_is_looked_at_again() -> None:
    who = _accounts("ada", "bo", "cy")
    done, refused = overlap(
        lambda: commands.set_manager(who["bo"], who["cy"], by=SYSTEM),
        lambda: commands.set_manager(who["cy"], who["bo"], by=SYSTEM),
    )
    assert done is None
    assert isinstance(refused, Conflict)
    commands.set_manager(who["ada"], who["bo"], by=SYSTEM)
    assert _manager_of(who["ada"]) == "bo"


@pytest.fixture
def clerk(db: None) -> Actor:
    """Somebody who manages accounts and may do little else."""
    commands.make_built_in_roles(by=SYSTEM)
    commands.create_role("Clerk", features.BUILDER, [features.USERS], by=SYSTEM)
    return sessions.actor_for(_account("clerk", "Team Member", "Clerk"))


def test_a_password_waits_for_a_role_that_is_being_raised(clerk: Actor) -> None:
    user, role = _account("ada"), Role.objects.get(name="Team Member")
    raised = [features.WORK_ITEMS, features.ALL_RECORDS]
    done, refused = overlap(
        lambda: commands.set_role_features(role, raised, by=SYSTEM),
        lambda: commands.set_password(user, PASSWORD + "!", by=clerk),
    )
    assert done is None
    assert isinstance(refused, Forbidden)
    assert refused.code == "more_than_own"


def test_a_role_that_is_being_raised_is_not_given_for_what_it_was(clerk: Actor) -> None:
    role = commands.create_role("Helper", features.OPERATIONAL, [features.WORK_ITEMS], by=SYSTEM)
    user = _account("ada")
    raised = [features.WORK_ITEMS, features.ALL_RECORDS]
    for give in (
        lambda: commands.create_user("bo", "", [role], password=PASSWORD, by=clerk),
        lambda: commands.set_roles(user, [role], by=clerk),
    ):
        commands.set_role_features(role, [features.WORK_ITEMS], by=SYSTEM)
        done, refused = overlap(lambda: commands.set_role_features(role, raised, by=SYSTEM), give)
        assert done is None
        assert isinstance(refused, Forbidden)
        assert refused.code == "more_than_own"


def test_a_role_is_raised_after_a_password_that_is_being_set(clerk: Actor) -> None:
    user, role = _account("ada"), Role.objects.get(name="Team Member")
    outcomes = overlap(
        lambda: commands.set_password(user, PASSWORD + "!", by=clerk),
        lambda: commands.set_role_features(role, [features.WORK_ITEMS, features.ASSIGN_WORK], by=SYSTEM),
    )
    assert outcomes == (None, None)


@pytest.fixture
def ticket(transactional_db: None, organisation: Organisation, actors: dict[str, Actor], first: Customer) -> WorkItem:
    """A ticket that nobody has."""
    by, category = actors["team member"], first.category.guid
    return work.create_ticket(first.ticket_version.guid, by=by, title="x", category_guid=category, submit=True)


def test_work_is_not_given_to_an_account_that_is_retiring(
    ticket: WorkItem, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    tomas, admin = organisation.accounts["team member"].user, actors["administrator"]
    done, refused = overlap(
        lambda: commands.set_active(tomas, False, by=admin), lambda: work.assign(ticket, tomas, by=admin)
    )
    assert done is None
    assert isinstance(refused, Invalid)
    assert refused.code == "assignee_retired"
    assert WorkItem.objects.get(pk=ticket.pk).assignee_id is None


def test_an_account_that_retires_gives_back_what_it_is_being_given(
    ticket: WorkItem, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    tomas, admin = organisation.accounts["team member"].user, actors["administrator"]
    given, retired = overlap(
        lambda: work.assign(ticket, tomas, by=admin), lambda: commands.set_active(tomas, False, by=admin)
    )
    assert isinstance(given, WorkItem)
    assert retired is None
    item = WorkItem.objects.get(pk=ticket.pk)
    assert item.assignee_id is None
    assert item.rejected_reason == "The account 'tomas' has retired."


def test_new_work_is_not_allocated_to_an_account_that_is_retiring(
    organisation: Organisation, actors: dict[str, Actor], first: Customer, transactional_db: None
) -> None:
    version, tomas = first.ticket_version, organisation.accounts["team member"].user
    type(version).objects.filter(pk=version.pk).update(person=tomas)

    def start() -> WorkItem:
        by, category = actors["administrator"], first.category.guid
        return work.create_ticket(version.guid, by=by, title="x", category_guid=category, submit=True)

    _, started = overlap(lambda: commands.set_active(tomas, False, by=actors["administrator"]), start)
    assert isinstance(started, WorkItem)
    assert (started.assignee_id, started.queue_id) == (None, first.queue.pk)


def test_a_link_that_two_use_at_once_sets_one_password() -> None:
    user = _accounts("ada")["ada"]
    token = password_links.give_link(user, by=SYSTEM)[1]
    done, refused = overlap(
        lambda: password_links.use_link(token, PASSWORD + "-first"),
        lambda: password_links.use_link(token, PASSWORD + "-second"),
    )
    assert not isinstance(done, DomainError)
    assert isinstance(refused, Invalid)
    assert refused.code == "link_invalid"
    assert User.objects.get(pk=user.pk).check_password(PASSWORD + "-first")


def test_a_link_ends_while_another_one_of_the_account_is_used() -> None:
    user = _accounts("ada")["ada"]
    first, second = (password_links.give_link(user, by=SYSTEM)[1] for _ in range(2))
    done, refused = overlap(
        lambda: password_links.use_link(second, PASSWORD + "-second"),
        lambda: password_links.use_link(first, PASSWORD + "-first"),
    )
    assert not isinstance(done, DomainError)
    assert isinstance(refused, Invalid)
    assert refused.code == "link_invalid"


@pytest.mark.parametrize("with_an_app", [False, True])
def test_a_code_that_two_sign_in_with_at_once_lets_one_in(with_an_app: bool) -> None:
    user = _accounts("ada")["ada"]
    app = pyotp.TOTP(commands.begin_second_factor(PASSWORD, by=sessions.actor_for(user)).key)
    step = int(clock.now().timestamp()) // second_factors.STEP
    codes = commands.confirm_second_factor(app.generate_otp(step - 1), by=sessions.actor_for(user))
    code = app.generate_otp(step) if with_an_app else codes[0]

    def sign_in() -> str:
        return sessions.log_in("ada", PASSWORD, address="192.0.2.1", otp=code)

    done, refused = overlap(sign_in, sign_in)
    assert not isinstance(done, DomainError)
    assert isinstance(refused, Unauthenticated)
    assert refused.code == "code_wrong"
    assert Token.objects.filter(user=user).count() == 1
