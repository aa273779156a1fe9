"""Where one's own account is signed in, and ending it there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import sessions
from workwire.kernel.errors import not_found
from workwire.kernel.ids import parse_guid
from workwire.kernel.pages import page as page_of
from workwire.web.account import browsers
from workwire.web.account.tabs import tabs
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, Pager


@dataclass(frozen=True, slots=True)
class Row:
    """A session: the browser in words and as it calls itself."""

    guid: str
    browser: str
    agent: str
    address: str
    begun_at: datetime
    last_used_at: datetime
    is_here: bool


@dataclass(frozen=True, slots=True)
class OwnSessions:
    """What the page shows; `others` says whether there is another session to end."""

    tabs: tuple[Link, ...]
    rows: tuple[Row, ...]
    others: bool
    pager: Pager


@page("account/sessions.html", methods=FORM)
def own_sessions(visit: Visit) -> OwnSessions | See:
    """Show the sessions of the account; a form ends one, or all but this one."""
    actor, here = visit.actor, visit.signed_in.guid
    if visit.is_sent:
        _end(visit, here)
        return See(reverse("own-sessions"))
    mine = sessions.own_sessions(actor)
    part = part_of(visit, lambda cursor: page_of(mine, cursor=cursor), reverse("own-sessions"))
    rows = tuple(
        Row(
            guid=str(one.guid),
            browser=_in_words(one.browser),
            agent=one.browser,
            address=one.address,
            begun_at=one.created_at,
            last_used_at=one.last_used_at,
            is_here=one.guid == here,
        )
        for one in part.rows
    )
    return OwnSessions(
        tabs=tabs("own-sessions"),
        rows=rows,
        others=bool(part.pager.older or part.cursor) or any(not row.is_here for row in rows),
        pager=part.pager,
    )


def _in_words(agent: str) -> str:
    """A browser and its system, such as "Firefox on Linux"; what is no browser by the first word of its name."""
    browser, system = browsers.named(agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or agent.partition(" ")[0] or _("Unknown program")


def _end(visit: Visit, here: UUID) -> None:
    one = visit.request.POST.get("session", "")
    if one:
        guid = parse_guid(one)
        if guid is None:
            raise not_found("session")
        sessions.end_session(guid, by=visit.actor)
        visit.tell(_("The session has ended."))
    elif "others" in visit.request.POST:
        ended = sessions.end_other_sessions(here, by=visit.actor)
        visit.tell(ngettext("%(count)d session has ended.", "%(count)d sessions have ended.", ended) % {"count": ended})
