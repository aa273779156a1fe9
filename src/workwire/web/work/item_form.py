"""The page of a form about one item: what is done with it, said at it or attached to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _

from workwire.web.kit.overtaken import Overtaken
from workwire.web.kit.parts import Fact, Link, Words
from workwire.web.work.item_parts import address_of

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

TEMPLATE = "work/item_form.html"


@dataclass(frozen=True, slots=True)
class Offered:
    """An account that a field proposes."""

    username: str
    name: str


@dataclass(frozen=True, slots=True)
class ItemForm:
    """What the page shows; `obstacle` is why there is nothing to fill in, `warning` what cannot be undone.
    `second` are the words of another button, which sends `draft`."""

    crumbs: tuple[Link, ...]
    title: str
    item: str
    here: str
    back: str
    button: Words
    form: forms.Form
    second: Words = ""
    warning: Words = ""
    obstacle: str = ""
    people: tuple[Offered, ...] = ()
    overtaken: Overtaken | None = None
    preview: tuple[Fact, ...] = ()  # what the deed will do


def of_item(
    item: WorkItem, form: forms.Form, *, title: Words, here: str, button: Words = "", crumb: Words = ""
) -> ItemForm:
    """The page of a form about an item; its button and its crumb are called as its title unless they are given."""
    back = address_of(item)
    return ItemForm(
        crumbs=(Link(item.reference or _("Draft"), back), Link(crumb or title, is_here=True)),
        title=str(title),
        item=item.title,
        here=here,
        back=back,
        button=button or title,
        form=form,
    )
