"""The page of quick find; the palette of every page shows its part `found`."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.errors import Invalid
from workwire.kernel.folding import folded
from workwire.kernel.text import is_storable
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Empty, Link, Pager
from workwire.web.search import indexed_records, other_records
from workwire.web.search.hits import SHOWN, Group

SHORTEST, LONGEST = 2, 200
OF_ONE_KIND = 30  # on a page


@dataclass(frozen=True, slots=True)
class FindPage:
    """What was asked for, what was found, and what is shown where nothing was."""

    text: str
    kind: str
    kinds: tuple[Link, ...]
    groups: tuple[Group, ...]
    pager: Pager
    empty: Empty


@page("search/find.html")
def find(visit: Visit) -> FindPage | See:
    """Show what a text finds. With `go`, as Enter in the palette sends it, lead to the one record it names exactly."""
    text = " ".join(visit.request.GET.get("q", "").split())[:LONGEST]
    kinds = indexed_records.kinds_for(visit.actor)
    kind = wanted if (wanted := visit.request.GET.get("kind", "")) in kinds else ""
    groups, pager = _found(visit, text, kind) if _says_something(text) else ((), Pager())
    exact = [found for group in groups for found in group.found if found.is_exact]
    if "go" in visit.request.GET and len(exact) == 1:
        return See(exact[0].address)
    links = indexed_records.all_kinds(kind, text, kinds) if _says_something(text) else ()
    return FindPage(text, kind, links, groups, pager, _empty(text))


def _found(visit: Visit, text: str, kind: str) -> tuple[tuple[Group, ...], Pager]:
    by, language = visit.actor, visit.look.language
    if not kind:
        return (*indexed_records.find(text, by, language, SHOWN), *other_records.find(text, by)), Pager()
    cursor = visit.request.GET.get("cursor", "")
    try:
        return indexed_records.find_one_kind(kind, text, by, language, OF_ONE_KIND, cursor)
    except Invalid:  # a cursor of another list
        return indexed_records.find_one_kind(kind, text, by, language, OF_ONE_KIND, "")


def _says_something(text: str) -> bool:
    return is_storable(text) and len(folded(text)) >= SHORTEST


def _empty(text: str) -> Empty:
    if len(text) < SHORTEST:
        hint = gettext_lazy(
            "Type a reference or words of titles, notes, mails, file names or people. All words have to be there; words in "
            "quotes follow each other."
        )
        return Empty("search", _("Find anything"), hint)
    hint = gettext_lazy(
        "Nothing that you may see has all these words. Words of one or two letters and very common ones count in quotes only."
    )
    return Empty("search", _("Nothing found"), hint)
