"""What a text finds, as an actor: records it names exactly, then those the index proposes, of which the rules of sight keep
what the actor may see. Nothing is counted, and a look is bounded: a page may be shorter than asked for though another follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from workwire.kernel import pages, text
from workwire.kernel.actor import Actor
from workwire.reactions.finding import exact, scopes
from workwire.reactions.finding.asked import Asked, Term, asked
from workwire.reactions.finding.found import SHOWN
from workwire.reactions.finding.found import Found as Found  # for doors
from workwire.reactions.finding.full_text import FIRST, Alternatives, Hit, Wanted, index
from workwire.reactions.finding.models import Kind as Kind  # for doors
from workwire.reactions.finding.stop_words import ENGLISH

MOST_CONTINUED = 64  # words that one may go on to, the shortest first
MOST_LOOKS = 4  # for one page
_TIER = 10**18  # more than any record's number


@dataclass(frozen=True, slots=True)
class FoundPage:
    """What was found of a kind, the best first, and the cursor of what follows, None at the end."""

    found: tuple[Found, ...]
    next_cursor: str | None = None


def find(
    search: str,
    *,
    by: Actor,
    language: str,
    most: int,
    kinds: Collection[Kind] = tuple(Kind),
    cursor: str | None = None,
) -> dict[Kind, FoundPage]:
    """The first of what a text finds of each kind, at most so many; kinds of which there is nothing are left out. `language`
    is that of the reader, whose stop words are left out. A `cursor` is for one kind. Raises Invalid for a cursor not ours."""
    behind = _place(cursor) if cursor else FIRST
    if not text.is_storable(search):
        return {}
    looked_for = _Look(search, by, language, [kind for kind in kinds if scopes.may_find(kind, by)])
    found = {kind: looked_for.page(kind, behind, most, is_first=not cursor) for kind in looked_for.kinds}
    return {kind: page for kind, page in found.items() if page.found or page.next_cursor}


class _Look:
    """One look for a text: what is asked of the index for each kind, found out once."""

    def __init__(self, search: str, by: Actor, language: str, kinds: Sequence[Kind]) -> None:
        self.kinds, self._by, self._search = kinds, by, search
        self._of_items, self._of_others = asked(search, language), asked(search, ENGLISH)
        if not (self._of_items.terms or self._of_others.terms):
            self._last: Mapping[Kind, int] = {}
            return
        self._last = index().last_records()
        self._permitted = scopes.permitted(by)
        self._named = dict(zip(self._of_items.terms, scopes.named(self._of_items.terms), strict=True))
        begins = {term for one in (self._of_items, self._of_others) for term in one.terms if term.begins}
        self._goes_on = {term: index().words_beginning(term.words[-1], MOST_CONTINUED) for term in begins}

    def page(self, kind: Kind, behind: Hit, most: int, *, is_first: bool) -> FoundPage:
        """A page of a kind; the first one begins with what the text names exactly."""
        asked_for = self._of_items if kind == Kind.ITEM else self._of_others
        named = exact.found(kind, self._search, asked_for.terms, self._by)[:most] if is_first else []
        if not asked_for.terms or not self._last.get(kind):
            return FoundPage(tuple(named))
        known = {one.record.pk for one in named}
        found, following = self._walk(kind, asked_for, behind, most - len(named), known)
        return FoundPage((*named, *found), None if following is None else _cursor(following))

    def _walk(
        self, kind: Kind, asked_for: Asked, behind: Hit, most: int, known: set[int]
    ) -> tuple[list[Found], Hit | None]:
        """So many that the actor may see behind a place, and where to go on, None at the end."""
        wanted, found, place = self._wanted(kind, asked_for), list[Found](), behind
        for _ in range(MOST_LOOKS):
            hits = index().first(kind, wanted, place, most + 1, self._last[kind])
            seen = SHOWN[kind]([hit.record for hit in hits], asked_for.terms, self._by)
            for hit in hits:
                if hit.record in seen and hit.record not in known:
                    if len(found) == most:
                        return found, place
                    found.append(seen[hit.record])
                place = hit
            if len(hits) <= most:
                return found, None
        return found, place

    def _wanted(self, kind: Kind, asked_for: Asked) -> Wanted:
        by_name = kind in (Kind.ITEM, Kind.CONTACT)
        terms = [
            Alternatives(self._phrases(term), self._named.get(term, ()) if by_name else ()) for term in asked_for.terms
        ]
        return Wanted(tuple(terms), scopes.within(kind, self._permitted))

    def _phrases(self, term: Term) -> tuple[tuple[str, ...], ...]:
        words = dict.fromkeys((term.words[-1], *self._goes_on.get(term, ())))
        return tuple((*term.words[:-1], word) for word in words)


def _cursor(place: Hit) -> str:
    return pages.cursor_at(place.tier * _TIER + place.record)


def _place(cursor: str) -> Hit:
    return Hit(*divmod(pages.place_of(cursor), _TIER))
