"""Scopes that narrow what is looked for: those that an actor may see anything of, and those that have a word in their name.

The first only keep the index from proposing what the rules of sight would refuse anyway, so they may be more than these allow,
and never less. The second let an item be found by its customer, supplier, contract, service, service line and type of work,
whatever these are called by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from django.db.models import CharField, F, Q, QuerySet, Value

from workwire.access import features
from workwire.access.models import DataPermission
from workwire.access.policy import in_self_service
from workwire.access.queries import sees_all
from workwire.kernel.actor import Actor
from workwire.reactions.finding.asked import Term
from workwire.reactions.finding.documents import GLOBAL
from workwire.reactions.finding.models import Kind
from workwire.reactions.finding.text_words import words_of
from workwire.rooms.offering.models import WorkType
from workwire.rooms.parties.models import Company, Contract, Service

MOST_SCOPES = 200  # an actor who may see more is looked for without them
MOST_NAMED = 60  # of one level, for one term; more say too little
_MOST_READ = 1000
_COLUMNS = {"c": "company_id", "k": "contract_id", "v": "service_id", "p": "process_id"}


def may_find(kind: Kind, actor: Actor) -> bool:
    """Whether an actor finds records of a kind at all."""
    if kind == Kind.CONTACT:
        return sees_all(actor) or actor.has(features.WORK_ITEMS) or actor.has(features.COMPANIES)
    if kind == Kind.ACCOUNT:
        return (actor.has(features.WORK_ITEMS) or actor.has(features.USERS)) and not in_self_service(actor)
    return True


def permitted(actor: Actor) -> tuple[str, ...] | None:
    """The scopes below which there is what an actor may see; None where they would narrow nothing."""
    if sees_all(actor):
        return None
    if in_self_service(actor):
        return (f"b{actor.user_id}",)
    held = DataPermission.objects.filter(group__members=actor.user_id or 0)
    rows = held.values_list(*_COLUMNS.values(), "company__children")[: MOST_SCOPES + 1]
    letters = (*_COLUMNS, "c")
    found = {f"{letter}{number}" for row in rows for letter, number in zip(letters, row, strict=True) if number}
    return tuple(sorted(found)) if len(found) <= MOST_SCOPES and len(rows) <= MOST_SCOPES else None


def within(kind: Kind, scopes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The scopes that narrow a kind of record, of those an actor is permitted."""
    if scopes is None or kind == Kind.ACCOUNT:
        return None
    return (GLOBAL, *scopes) if kind == Kind.CONTACT else scopes


def named(terms: Sequence[Term]) -> list[tuple[str, ...]]:
    """For each term the scopes that have it in their name; one query."""
    found: list[list[str]] = [[] for _ in terms]
    for letter, number, name in _named_by_any(terms) if terms else ():
        words = words_of(name)
        for place, term in enumerate(terms):
            if _has(words, term):
                found[place].append(f"{letter}{number}")
    return [tuple(_few(scopes)) for scopes in found]


def _few(scopes: Iterable[str]) -> list[str]:
    """Without those of a level that has too many of the name."""
    by_level: dict[str, set[str]] = {}
    for scope in scopes:
        by_level.setdefault(scope[0], set()).add(scope)
    return sorted(scope for level in by_level.values() if len(level) <= MOST_NAMED for scope in level)


def _named_by_any(terms: Sequence[Term]) -> list[tuple[str, int, str]]:
    levels: list[tuple[str, QuerySet[Company] | QuerySet[Contract] | QuerySet[Service] | QuerySet[WorkType], str]] = [
        ("c", Company.objects.all(), "name_key"),
        ("k", Contract.objects.all(), "name_key"),
        ("k", Contract.objects.all(), "supplier__name_key"),
        ("v", Service.objects.all(), "name_key"),
        ("v", Service.objects.all(), "service_line__name_key"),
        ("w", WorkType.objects.all(), "name_key"),
    ]
    parts = [
        rows.filter(_holds(column, terms))
        .order_by()
        .annotate(level=Value(letter, output_field=CharField()), called=F(column))
        .values_list("level", "pk", "called")
        for letter, rows, column in levels
    ]
    return list(parts[0].union(*parts[1:], all=True)[:_MOST_READ])


def _holds(column: str, terms: Sequence[Term]) -> Q:
    return reduce(or_, (Q(**{f"{column}__contains": term.words[0]}) for term in terms))


def _has(words: Sequence[str], term: Term) -> bool:
    """Whether a name has the words of a term one after the other."""
    *firsts, last = term.words
    for begin in range(len(words) - len(firsts)):
        end = begin + len(firsts)
        fits = words[end].startswith(last) if term.begins else words[end] == last
        if fits and list(words[begin:end]) == firsts:
            return True
    return False
