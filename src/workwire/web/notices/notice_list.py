"""The notices of the account: unread ones first of all, each with why it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access.policy import may_explore
from workwire.kernel.errors import not_found
from workwire.kernel.ids import parse_guid
from workwire.kernel.pages import page as page_of
from workwire.reactions.notices import commands, explaining, queries
from workwire.reactions.notices.queries import Kind, Notice, Reason
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Empty, Link, Pager, address

_ICONS = {
    Kind.ASSIGNED: "inbox",
    Kind.COMMUNICATION: "mail",
    Kind.FILE_ADDED: "paperclip",
    Kind.OVERDUE: "flag",
    Kind.ATTENTION: "triangle-alert",
    Kind.SUBSCRIPTION_PAUSED: "circle-pause",
    Kind.ENDPOINT_FAILING: "circle-x",
    Kind.SECRET_EXPIRING: "lock",
    Kind.CERTIFICATE_EXPIRING: "shield",
    Kind.SUBSCRIPTION_HANDED_OVER: "users",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A notice in the list; `address` is empty where there is no page of what it is about, `event` where the account reads no
    history."""

    guid: str
    icon: str
    words: str
    title: str
    why: str
    address: str
    event: str
    occurred_at: datetime
    is_unread: bool


@dataclass(frozen=True, slots=True)
class Notices:
    """What the page shows; `newest` is up to which everything is marked as read at once."""

    views: tuple[Link, ...]
    rows: tuple[Row, ...]
    newest: str
    here: str
    pager: Pager
    empty: Empty


@page("notices/list.html", methods=FORM)
def notices(visit: Visit) -> Notices | See:
    """Show the notices; a form marks one, or all up to the newest that is shown, as read."""
    view = "all" if visit.request.GET.get("view") == "all" else "unread"
    if visit.is_sent:
        _mark_as_read(visit)
        return See(_address(view))
    found = queries.with_events(queries.notices_of(visit.actor))
    found = found if view == "all" else found.filter(read_at=None)
    has_history = may_explore(visit.actor)
    part = part_of(visit, lambda cursor: page_of(found, cursor=cursor), _address(view))
    unread = [notice for notice in part.rows if notice.read_at is None]
    return Notices(
        views=(
            Link(gettext_lazy("Unread"), _address("unread"), view == "unread"),
            Link(gettext_lazy("All"), _address("all"), view == "all"),
        ),
        rows=tuple(_row(notice, has_history=has_history) for notice in part.rows),
        newest=str(unread[0].guid) if unread else "",
        here=_address(view),
        pager=part.pager,
        empty=_empty(view),
    )


def _mark_as_read(visit: Visit) -> None:
    """Raises NotFound for a notice that is not the account's, or that is none."""
    one, until = visit.request.POST.get("read", ""), visit.request.POST.get("until", "")
    if one:
        commands.read(_guid(one), by=visit.actor)
    elif until:
        commands.read_all(until=_guid(until), by=visit.actor)


def _guid(written: str) -> UUID:
    found = parse_guid(written)
    if found is None:
        raise not_found("notice")
    return found


def _row(notice: Notice, *, has_history: bool) -> Row:
    event = getattr(notice, "event_guid", None)
    return Row(
        guid=str(notice.guid),
        icon=_ICONS[Kind(notice.kind)],
        words=explaining.told(notice).sentence(),
        title=str(notice.parameters.get("title") or ""),
        why=explaining.why(notice).sentence(),
        address=_about(notice),
        event=reverse("event", args=[event])
        if has_history and event and notice.reason != Reason.FORMER_SUBSCRIBER
        else "",
        occurred_at=notice.occurred_at,
        is_unread=notice.read_at is None,
    )


def _about(notice: Notice) -> str:
    """The page of what a notice is about."""
    if notice.work_item_guid is not None:
        return reverse("work-item", args=[notice.work_item_guid])
    return reverse("subscription", args=[notice.subscription_guid]) if notice.subscription_guid is not None else ""


def _address(view: str) -> str:
    return address(reverse("notices"), {"view": "all" if view == "all" else ""})


def _empty(view: str) -> Empty:
    sentence: str | Promise = gettext_lazy(
        "When work is given to you, somebody outside writes about it, it becomes overdue, or a subscription of yours is in "
        "trouble, you are told here."
    )
    if view == "all":
        return Empty("bell", _("No notices yet"), sentence)
    return Empty("bell", _("Nothing unread"), sentence, Link(_("See all notices"), _address("all")))
