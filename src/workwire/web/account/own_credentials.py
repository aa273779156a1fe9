"""The list of one's own application credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import queries
from workwire.kernel.pages import page as page_of
from workwire.web.account.tabs import tabs
from workwire.web.kit.credential_states import state_of
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Empty, Link, Pager, State

if TYPE_CHECKING:
    from workwire.access.models import Credential


@dataclass(frozen=True, slots=True)
class Row:
    """A credential in the list."""

    name: str
    address: str
    client_id: str
    roles: str
    state: State
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnCredentials:
    """What the page shows."""

    tabs: tuple[Link, ...]
    rows: tuple[Row, ...]
    pager: Pager
    empty: Empty


@page("account/credentials.html")
def own_credentials(visit: Visit) -> OwnCredentials:
    """Show the application credentials of the account, the newest first."""
    mine = queries.own_credentials(visit.actor)
    part = part_of(visit, lambda cursor: page_of(mine, cursor=cursor), reverse("own-credentials"))
    return OwnCredentials(
        tabs=tabs("own-credentials"),
        rows=tuple(_row(one) for one in part.rows),
        pager=part.pager,
        empty=Empty(
            "lock",
            _("No applications yet"),
            _(
                "With an application credential a program acts as you, with some of your roles and without your password."
            ),
            Link(_("New credential"), reverse("new-credential")),
        ),
    )


def _row(one: Credential) -> Row:
    return Row(
        name=one.name,
        address=reverse("own-credential", args=[one.guid]),
        client_id=one.client_id,
        roles=", ".join(sorted(role.name for role in one.roles.all())),
        state=state_of(one),
        expires_at=one.expires_at,
        last_used_at=one.last_used_at,
    )
