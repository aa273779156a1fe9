"""What the index finds, as lines of a page: work, what was said, contacts, accounts and files."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.reactions.finding import queries
from workwire.reactions.finding.queries import Found, FoundPage, Kind
from workwire.web.kit.parts import Link, Pager, address
from workwire.web.search.hits import FoundLine, Group, plain
from workwire.web.work import item_parts

KINDS = {
    "work": (Kind.ITEM, gettext_lazy("Work")),
    "said": (Kind.COMMUNICATION, gettext_lazy("What was said")),
    "contacts": (Kind.CONTACT, gettext_lazy("Contacts")),
    "accounts": (Kind.ACCOUNT, gettext_lazy("Accounts")),
    "files": (Kind.FILE, gettext_lazy("Files")),
}  # by what an address calls them
_ALL_OF_IT = gettext_lazy("All that was found of this kind")


def kinds_for(actor: Actor) -> tuple[str, ...]:
    """The kinds that have pages for an actor: accounts only for who manages them."""
    return tuple(name for name in KINDS if name != "accounts" or actor.has(features.USERS))


def find(text: str, actor: Actor, language: str, most: int) -> tuple[Group, ...]:
    """The first of each kind."""
    wanted = kinds_for(actor)
    found = queries.find(text, by=actor, language=language, most=most, kinds=[KINDS[name][0] for name in wanted])
    return tuple(_group(name, found[KINDS[name][0]], text) for name in wanted if KINDS[name][0] in found)


def find_one_kind(
    name: str, text: str, actor: Actor, language: str, most: int, cursor: str
) -> tuple[tuple[Group, ...], Pager]:
    """A page of one kind, and the ways on; raises Invalid for a cursor not ours."""
    kind, words = KINDS[name]
    found = queries.find(text, by=actor, language=language, most=most, kinds=[kind], cursor=cursor or None)
    page = found.get(kind, FoundPage(()))
    path, here = reverse("find"), {"q": text, "kind": name}
    older = address(path, here, cursor=page.next_cursor) if page.next_cursor else ""
    group = Group(words, tuple(map(_line, page.found)))
    return ((group,) if page.found else ()), Pager(older, address(path, here) if cursor else "")


def _group(name: str, page: FoundPage, text: str) -> Group:
    more = Link(_ALL_OF_IT, address(reverse("find"), {"q": text, "kind": name})) if page.next_cursor else None
    return Group(KINDS[name][1], tuple(map(_line, page.found)), more)


def _line(found: Found) -> FoundLine:
    if found.kind == Kind.CONTACT:
        return _contact(found)
    if found.kind == Kind.ACCOUNT:
        return _account(found)
    return _at_item(found)


def _at_item(found: Found) -> FoundLine:
    """A work item, or what is kept at one: where it is shown."""
    item = found.item
    assert item is not None  # noqa: S101 - these kinds have one
    state = item_parts.state_of(item)
    icon = {Kind.COMMUNICATION: "message-square", Kind.FILE: "file-text"}.get(found.kind, state.icon)
    told = found.why.sentence() if found.kind != Kind.ITEM or found.snippet else ""
    return FoundLine(
        icon=icon,
        title=found.title or plain(gettext_lazy("(no title)")),
        address=item_parts.address_of(item),
        name=item.reference or "",
        detail=item.customer.name,
        state=state if found.kind == Kind.ITEM else None,
        why=told,
        snippet=found.snippet,
        at=None if found.kind == Kind.ITEM else found.at,
        is_exact=found.is_exact,
    )


def _contact(found: Found) -> FoundLine:
    contact = found.record
    return FoundLine(
        icon="user",
        title=found.title,
        address=address(reverse("work"), {"view": "all", "contact": str(contact.guid)}),
        detail=contact.company.name if contact.company else contact.email,
        snippet=found.snippet,
    )


def _account(found: Found) -> FoundLine:
    user = found.record
    return FoundLine(
        icon="users",
        title=found.title,
        address=reverse("account", args=[user.guid]),
        detail=user.username,
        snippet=found.snippet,
    )


def all_kinds(chosen: str, text: str, among: Collection[str]) -> tuple[Link, ...]:
    """The kinds to choose from; without one, all."""
    every = Link(gettext_lazy("All"), address(reverse("find"), {"q": text}), not chosen)
    links = (
        Link(KINDS[name][1], address(reverse("find"), {"q": text, "kind": name}), name == chosen) for name in among
    )
    return (every, *links)
