"""The page of an account: who it is, what it holds, what it has; retiring and reinstating it, its password, its sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import commands, features, preferences, queries, second_factors, sessions, usable_links
from workwire.access.policy import require
from workwire.kernel.actor import Actor, UserType
from workwire.reactions.webhooks import queries as webhooks
from workwire.rooms.work import queries as work
from workwire.web.administration.account_form import TYPES
from workwire.web.administration.account_list import state_of_account
from workwire.web.administration.editing import MOST_COUNTED, counted
from workwire.web.administration.permitted import Permitted, permitted
from workwire.web.kit.account_people import person_of
from workwire.web.kit.credential_states import state_of
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Fact, Link, Person, State, Words

if TYPE_CHECKING:
    from workwire.access.models import Credential, User

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Application:
    """An application credential of the account."""

    name: str
    state: State
    until: datetime


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A link by which the account sets a new password, shown this once."""

    address: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Retirement:
    """What will happen when the account retires, in numbers."""

    work: str
    sessions: str
    subscriptions: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What the page shows; the forms only where the actor may change the account."""

    crumbs: tuple[Link, ...]
    address: str
    sight: str
    person: Person
    username: str
    state: State
    is_active: bool
    is_robot: bool
    is_suspended: bool
    type: Words
    facts: tuple[Fact, ...]
    roles: tuple[Link, ...]
    groups: tuple[Link, ...]
    permissions: tuple[Permitted, ...]
    hidden_permissions: int
    applications: tuple[Application, ...]
    open_work: str
    subscriptions: str
    sessions: str
    may_manage: bool
    is_own: bool
    has_second_factor: bool
    link: PasswordLink | None
    retirement: Retirement
    audit: str


@page("administration/account.html")
def account(visit: Visit, guid: UUID) -> AccountPage:
    """One account."""
    return _shown(visit, guid)


@page("", methods=("POST",))
def retire(visit: Visit, guid: UUID) -> See:
    """Retire an account: what it has goes back, it sees nothing any more."""
    commands.set_active(_managed(visit, guid), False, by=visit.actor)
    visit.tell(_("Retired. Its unfinished work went back."))
    return See(reverse("account", args=[guid]))


@page("", methods=("POST",))
def reinstate(visit: Visit, guid: UUID) -> See:
    """Bring a retired account back."""
    commands.set_active(_managed(visit, guid), True, by=visit.actor)
    visit.tell(_("The account is active again."))
    return See(reverse("account", args=[guid]))


@page("", methods=("POST",))
def suspend(visit: Visit, guid: UUID) -> See:
    """Give a robot no work for a while."""
    commands.set_suspended(_managed(visit, guid), True, by=visit.actor)
    visit.tell(_("Suspended. It gets no new work."))
    return See(reverse("account", args=[guid]))


@page("", methods=("POST",))
def resume(visit: Visit, guid: UUID) -> See:
    """Let a robot that was suspended work again."""
    commands.set_suspended(_managed(visit, guid), False, by=visit.actor)
    visit.tell(_("It gets work again."))
    return See(reverse("account", args=[guid]))


@page("", methods=("POST",))
def end_sessions(visit: Visit, guid: UUID) -> See:
    """End the sessions of an account."""
    ended = commands.end_sessions(_managed(visit, guid), by=visit.actor)
    visit.tell(ngettext("%(count)d session ended.", "%(count)d sessions ended.", ended) % {"count": ended})
    return See(reverse("account", args=[guid]))


@page("", methods=("POST",))
def remove_second_factor(visit: Visit, guid: UUID) -> See:
    """Take away the second factor that an account lost."""
    commands.remove_second_factor(_managed(visit, guid), by=visit.actor)
    visit.tell(_("The second factor is removed, and the sessions have ended."))
    return See(reverse("account", args=[guid]))


@page("", methods=("POST",))
def remove_picture(visit: Visit, guid: UUID) -> See:
    """Remove the picture of an account."""
    commands.remove_picture(_managed(visit, guid), by=visit.actor)
    visit.tell(_("The picture is removed."))
    return See(reverse("account", args=[guid]))


@page("administration/account.html", methods=("POST",))
def give_password_link(visit: Visit, guid: UUID) -> AccountPage:
    """Make a link by which the account sets a new password, and show it in the answer, nowhere else."""
    made, token = commands.give_link(_managed(visit, guid), by=visit.actor)
    visit.status = HTTPStatus.CREATED
    address = usable_links.address_of(token, otherwise=visit.request.build_absolute_uri("/"))
    return _shown(visit, guid, PasswordLink(address, made.expires_at))


def _managed(visit: Visit, guid: UUID) -> User:
    """The account to be changed; the feature is asked for before anything tells whether there is one."""
    require(visit.actor, features.USERS)
    return queries.user(guid, by=visit.actor)


def _shown(visit: Visit, guid: UUID, link: PasswordLink | None = None) -> AccountPage:
    actor = visit.actor
    require(actor, features.USERS)
    user = queries.user(guid, by=actor)
    open_work = work.unfinished_of(user.pk)[: MOST_COUNTED + 1].count()
    signed_in = sessions.sessions_of(user.pk).count()
    subscriptions = webhooks.count_of(user.pk)
    permissions, hidden = permitted(queries.permissions_of(user), actor)
    return AccountPage(
        crumbs=(
            Link(_("Administration")),
            Link(_("Accounts"), reverse("accounts")),
            Link(user.full_name, is_here=True),
        ),
        address=reverse("account", args=[guid]),
        sight=reverse("account-sight", args=[guid]),
        person=person_of(user),
        username=user.username,
        state=state_of_account(user),
        is_active=user.is_active,
        is_robot=user.user_type == UserType.ROBOT,
        is_suspended=user.suspended_at is not None,
        type=TYPES[UserType(user.user_type)],
        facts=_facts(user),
        roles=tuple(Link(one.role.name, reverse("role", args=[one.role.guid])) for one in user.role_assignments.all()),
        groups=_groups(user, actor),
        permissions=permissions,
        hidden_permissions=hidden,
        applications=tuple(
            _application(one) for one in queries.credentials_of(actor).filter(user=user.pk)[:MOST_SHOWN]
        ),
        open_work=counted(open_work),
        subscriptions=counted(subscriptions),
        sessions=counted(signed_in),
        may_manage=queries.may_manage(user, actor),
        is_own=user.pk == actor.user_id,
        has_second_factor=second_factors.factor_of(user) is not None,
        link=link,
        retirement=_retirement(open_work, signed_in, subscriptions),
        audit=f"{reverse('audit')}?record={user.guid}" if actor.has(features.AUDIT) else "",
    )


def _facts(user: User) -> tuple[Fact, ...]:
    names = preferences.languages()
    return (
        Fact(_("User name"), user.username),
        Fact(_("Type"), TYPES[UserType(user.user_type)]),
        Fact(_("Mail address"), user.email or "–"),
        Fact(_("Manager"), user.manager.full_name if user.manager is not None else "–"),
        Fact(_("Language"), names.get(user.language, _("As the browser says"))),
        Fact(_("Time zone"), user.time_zone or _("As the browser says")),
    )


def _groups(user: User, actor: Actor) -> tuple[Link, ...]:
    may_open = actor.has(features.GROUPS)
    found = queries.groups_of(user)[:MOST_SHOWN]
    return tuple(Link(one.name, reverse("group", args=[one.guid]) if may_open else "") for one in found)


def _application(one: Credential) -> Application:
    return Application(one.name, state_of(one), one.expires_at)


def _retirement(open_work: int, sessions: int, subscriptions: int) -> Retirement:
    return Retirement(
        work=ngettext(
            "%(count)s unfinished work item goes back to its queue, or to nobody.",
            "%(count)s unfinished work items go back to their queues, or to nobody.",
            open_work,
        )
        % {"count": counted(open_work)},
        sessions=ngettext("%(count)s session ends.", "%(count)s sessions end.", sessions)
        % {"count": counted(sessions)},
        subscriptions=ngettext(
            "%(count)s subscription is sent nothing: its messages are withheld.",
            "%(count)s subscriptions are sent nothing: their messages are withheld.",
            subscriptions,
        )
        % {"count": counted(subscriptions)},
    )
