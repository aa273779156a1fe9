"""The search page; the palette of every page shows its part `found`."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.folding import folded
from workwire.kernel.text import is_storable
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Empty
from workwire.web.search import finders

SHORTEST, LONGEST = 2, 200


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for, what was found, and what is shown where nothing was."""

    text: str
    groups: tuple[finders.Group, ...]
    empty: Empty


@page("search/search.html")
def search(visit: Visit) -> Search | See:
    """Show what a text finds. With `go`, as Enter in the palette sends it, lead to the one record it names exactly."""
    text = " ".join(visit.request.GET.get("q", "").split())[:LONGEST]
    groups = finders.find(text, visit.actor) if _says_something(text) else ()
    exact = [found for group in groups for found in group.found if found.is_exact]
    if "go" in visit.request.GET and len(exact) == 1:
        return See(exact[0].address)
    return Search(text, groups, _empty(text))


def _says_something(text: str) -> bool:
    return is_storable(text) and len(folded(text)) >= SHORTEST


def _empty(text: str) -> Empty:
    if len(text) < SHORTEST:
        hint = gettext_lazy(
            "Type a reference, a GUID, part of a title or of a subscription's URL, or the name of a contact or company."
        )
        return Empty("search", _("Find anything"), hint)
    hint = gettext_lazy("No record that you may see has this reference, GUID, title or name.")
    return Empty("search", _("Nothing found"), hint)
