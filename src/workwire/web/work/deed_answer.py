"""How the form of a deed is answered: it is done, or its page says what does not fit and what changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from workwire.kernel.errors import named
from workwire.rooms.work.deeds import Deed, answer, require_possible
from workwire.web.kit.overtaken import overtaken, refill
from workwire.web.kit.page import See, Visit
from workwire.web.kit.parts import Fact, Words
from workwire.web.work.deed_forms import DeedForm
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_form import ItemForm, of_item
from workwire.web.work.item_parts import address_of, address_of_deed

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem


def hindrance(visit: Visit, item: WorkItem, deed: Deed) -> ItemForm | None:
    """The page that says why a deed is not possible now, None where it is; raises the refusal of one that was sent."""
    if visit.is_sent:
        require_possible(deed, item, by=visit.actor)
        return None
    if answer(deed, item, by=visit.actor).is_possible:
        return None
    return _page(visit, item, deed, DeedForm(initial={"version": item.version}), address_of_deed(item, deed))


def answer_deed(
    visit: Visit,
    item: WorkItem,
    deed: Deed,
    form: DeedForm,
    do: Callable[[], WorkItem],
    *,
    fields: Mapping[str, str | None] | None = None,
    here: str = "",
    button: Words = "",
    warning: Words = "",
    preview: tuple[Fact, ...] = (),
) -> ItemForm | See:
    """Do a deed when its form was sent and fits, and look at the item that `do` returns; else the page of the form. `fields`
    names the field beside which a refusal is shown, by the one that the command names."""
    faster = None
    if visit.is_sent and not visit.asks_on:
        if form.is_valid():
            with visit.refusals(form), named(fields or {}):
                made = do()
                visit.tell(str(WORDS[deed].done))
                return See(address_of(made))
            faster = overtaken(visit, form, item.guid, item.version, form.present(item))
        refill(form, version=str(item.version))
    shown = _page(visit, item, deed, form, here or address_of_deed(item, deed), button)
    return replace(shown, warning=warning or WORDS[deed].warning, overtaken=faster, preview=preview)


def _page(visit: Visit, item: WorkItem, deed: Deed, form: DeedForm, here: str, button: Words = "") -> ItemForm:
    refusal = answer(deed, item, by=visit.actor).refusal if not form.errors else None
    shown = of_item(item, form, title=WORDS[deed].button, here=here, button=button)
    return replace(shown, obstacle=refusal.sentence() if refusal is not None else "")
