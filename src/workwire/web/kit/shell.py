"""What stands around a page: who is signed in, where one is, where one can go, and what was done a moment ago."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from workwire.access.policy import in_self_service
from workwire.access.preferences import DENSITIES, THEMES
from workwire.access.sessions import Session
from workwire.kernel.actor import Actor
from workwire.reactions.notices import queries as notices
from workwire.web.kit import icons
from workwire.web.kit.account_people import person_of
from workwire.web.kit.look import Look
from workwire.web.kit.navigation import GROUPS, Place, Words
from workwire.web.kit.parts import Person


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few ways to look at pages."""

    value: str
    words: str
    icon: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A place of the navigation as it is shown."""

    words: Words
    icon: str
    address: str
    is_here: bool
    on_phone: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """A group of the navigation as it is shown."""

    words: Words
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Toast:
    """Something that was done a moment ago."""

    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class Shell:
    """All that the shell's template shows."""

    look: Look
    icons: str
    person: Person | None
    username: str
    navigation: tuple[Lines, ...]
    phone: tuple[Line, ...]
    more: tuple[Line, ...]
    themes: tuple[Choice, ...]
    densities: tuple[Choice, ...]
    toasts: tuple[Toast, ...]
    unread: str
    shows_pictures: bool  # of others
    here: str


def shell_of(request: HttpRequest, session: Session | None, look: Look) -> Shell:
    """The shell of a page, for who is signed in or for nobody."""
    account = session.user if session is not None else None
    groups = _navigation(request, session.actor) if session is not None else ()
    return Shell(
        look=look,
        icons=icons.address(),
        person=person_of(account) if account else None,
        username=account.username if account else "",
        navigation=groups,
        phone=tuple(line for group in groups for line in group.lines if line.on_phone),
        more=tuple(line for group in groups for line in group.lines if not line.on_phone),
        themes=_choices(THEMES, (_("System"), _("Light"), _("Dark")), ("monitor", "sun", "moon"), look.theme),
        densities=_choices(DENSITIES, (_("Compact"), _("Comfortable")), ("rows-3", "menu"), look.density),
        toasts=tuple(Toast(str(said.message), said.level_tag) for said in messages.get_messages(request)),
        unread=_unread(session.actor) if session is not None else "",
        shows_pictures=session is not None and not in_self_service(session.actor),
        here=request.get_full_path(),
    )


def _unread(actor: Actor) -> str:
    """How many notices have not been read, as the badge says it; empty for none."""
    found = notices.unread(actor)
    return "" if not found.count else f"{found.count}+" if found.more else str(found.count)


def _navigation(request: HttpRequest, actor: Actor) -> tuple[Lines, ...]:
    shown = (
        Lines(group.words, tuple(_line(request, place) for place in group.places if place.may(actor)))
        for group in GROUPS
    )
    return tuple(group for group in shown if group.lines)


def _line(request: HttpRequest, place: Place) -> Line:
    """A place; it is here when the page is, and the part of the query that the place names."""
    found = request.resolver_match
    is_page = found is not None and found.url_name == place.name
    name, _equals, value = place.query.partition("=")
    is_here = is_page and (not name or request.GET.get(name, "mine") == value)
    return Line(place.words, place.icon, place.address, is_here, place.on_phone, place.key)


def _choices(
    values: tuple[str, ...], words: tuple[str, ...], icons_of: tuple[str, ...], chosen: str
) -> tuple[Choice, ...]:
    return tuple(
        Choice(value, said, icon, value == chosen) for value, said, icon in zip(values, words, icons_of, strict=True)
    )
