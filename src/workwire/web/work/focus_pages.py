"""What is done with the focus list on Home: putting work on it, moving and taking it off."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.urls import reverse
from django.utils.translation import ngettext

from workwire.kernel.ids import parse_guid
from workwire.rooms.following import commands
from workwire.rooms.following.queries import MOST_IN_FOCUS
from workwire.rooms.work import queries
from workwire.web.kit.page import See, Visit, page


@page("", methods=("POST",))
def put(visit: Visit) -> See:
    """Put the chosen items at the end of the reader's focus list; those that are on it move there."""
    chosen = [queries.item(guid, by=visit.actor) for guid in _chosen(visit)]
    commands.focus_all(chosen, by=visit.actor)
    if chosen:
        said = ngettext("%(count)d item is on your focus list.", "%(count)d items are on your focus list.", len(chosen))
        visit.tell(said % {"count": len(chosen)})
    return See(visit.own_address(visit.request.POST.get("next", ""), _list()))


@page("", methods=("POST",))
def move(visit: Visit) -> See:
    """Move one item to a place of the list."""
    place = visit.request.POST.get("place", "")
    for guid in list(_chosen(visit))[:1]:
        wanted = int(place) if place.isascii() and place.isdecimal() and len(place) < 4 else MOST_IN_FOCUS
        commands.focus(queries.item(guid, by=visit.actor), by=visit.actor, place=min(max(wanted, 1), MOST_IN_FOCUS))
    return See(_list())


@page("", methods=("POST",))
def take_off(visit: Visit) -> See:
    """Take the chosen items off the list."""
    for guid in _chosen(visit):
        commands.unfocus(queries.item(guid, by=visit.actor), by=visit.actor)
    return See(_list())


def _chosen(visit: Visit) -> Iterator[UUID]:
    """The items that were chosen, each once."""
    for written in dict.fromkeys(visit.request.POST.getlist("item")[:MOST_IN_FOCUS]):
        if guid := parse_guid(written):
            yield guid


def _list() -> str:
    return f"{reverse('home')}?list=focus"
