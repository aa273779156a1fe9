"""The list of accounts: found by words, narrowed by role and by whether they are active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.access import features, queries
from workwire.access.policy import require
from workwire.kernel.pages import page as newest_page
from workwire.web.administration.editing import MOST_COUNTED, counted
from workwire.web.kit.account_people import person_of
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Empty, Link, Pager, Person, State, address

if TYPE_CHECKING:
    from workwire.access.models import User

LONGEST_TEXT = 200
ACTIVE = State("circle-check", gettext_lazy("Active"), "ok")
SUSPENDED = State("circle-pause", gettext_lazy("Suspended"), "warn")
RETIRED = State("circle-x", gettext_lazy("Retired"), "off")
_STATES = {
    "": (None, gettext_lazy("All")),
    "active": (True, gettext_lazy("Active")),
    "retired": (False, gettext_lazy("Retired")),
}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account in the list."""

    address: str
    state: State
    person: Person
    username: str
    email: str
    roles: str
    manager: str


@dataclass(frozen=True, slots=True)
class AccountList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    count: str
    kinds: tuple[Link, ...]
    roles: dict[str, str]
    chips: tuple[Chip, ...]
    given: dict[str, str]
    rows: tuple[AccountRow, ...]
    pager: Pager
    empty: Empty


def state_of_account(user: User) -> State:
    """Whether an account is active, suspended or retired."""
    if not user.is_active:
        return RETIRED
    return ACTIVE if user.suspended_at is None else SUSPENDED


@page("administration/accounts.html")
def accounts(visit: Visit) -> AccountList:
    """The list as its address asks; what it does not know counts as not given."""
    require(visit.actor, features.USERS)
    here, roles = reverse("accounts"), list(queries.roles())
    given = _given(visit, {str(role.guid) for role in roles})
    names = {str(role.guid): role.name for role in roles}
    role = UUID(given["role"]) if given["role"] else None
    found = queries.accounts(by=visit.actor, words=given["text"], role=role, active=_STATES[given["state"]][0])
    part = part_of(visit, lambda cursor: newest_page(found, cursor=cursor), address(here, given))
    count = found.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return AccountList(
        crumbs=(Link(_("Administration")), Link(_("Accounts"), is_here=True)),
        count=ngettext("%(count)s account", "%(count)s accounts", count) % {"count": counted(count)},
        kinds=tuple(
            Link(words, address(here, given, state=name or None), name == given["state"])
            for name, (_active, words) in _STATES.items()
        ),
        roles=names,
        chips=_chips(here, given, names),
        given=given,
        rows=tuple(_row(one) for one in part.rows),
        pager=part.pager,
        empty=Empty(
            "user", _("Nobody here"), _("No account fits these filters."), Link(_("Take the filters off"), here)
        ),
    )


def _given(visit: Visit, roles: set[str]) -> dict[str, str]:
    asked = visit.request.GET
    state, role = asked.get("state", ""), asked.get("role", "")
    return {
        "state": state if state in _STATES else "",
        "role": role if role in roles else "",
        "text": asked.get("text", "").strip()[:LONGEST_TEXT],
    }


def _chips(here: str, given: dict[str, str], names: dict[str, str]) -> tuple[Chip, ...]:
    chips = []
    if given["role"]:
        chips.append(Chip(_("Role is"), names[given["role"]], address(here, given, role=None)))
    if given["text"]:
        chips.append(Chip(_("Name has"), given["text"], address(here, given, text=None)))
    return tuple(chips)


def _row(one: User) -> AccountRow:
    return AccountRow(
        address=reverse("account", args=[one.guid]),
        state=state_of_account(one),
        person=person_of(one),
        username=one.username,
        email=one.email,
        roles=", ".join(sorted(assignment.role.name for assignment in one.role_assignments.all())),
        manager=one.manager.full_name if one.manager is not None else "",
    )
