"""Linking a ticket or case to others, beginning one that is linked to it, and taking a link away."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.kernel.errors import Conflict, Invalid, NotFound, named
from workwire.kernel.ids import parse_guid
from workwire.rooms.work import commands, policy, queries, relations
from workwire.rooms.work.commands import Copied
from workwire.rooms.work.deeds import Deed, answer, require_possible
from workwire.web.kit.page import FORM, See, Shown, Visit, page
from workwire.web.kit.parts import Link
from workwire.web.work import found_items, process_choice
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_form import TEMPLATE, ItemForm, of_item
from workwire.web.work.item_parts import address_of, address_of_deed
from workwire.web.work.new_item import FIELDS, NewForm, told_of

if TYPE_CHECKING:
    from workwire.kernel.actor import Actor
    from workwire.rooms.offering.models import ProcessVersion

_COPIES = {
    Copied.CONTACTS: gettext_lazy("Contacts"),
    Copied.CUSTOM_DATA: gettext_lazy("Custom data"),
    Copied.FILES: gettext_lazy("Files"),
    Copied.DEFECTS: gettext_lazy("Defects"),
    Copied.COMMUNICATIONS: gettext_lazy("Communications"),
}


class LinkedForm(NewForm):
    """What linked work begins with, and what it has copies of."""

    copies = forms.MultipleChoiceField(
        label=gettext_lazy("Copies of"),
        required=False,
        choices=[(one.value, words) for one, words in _COPIES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Made once: afterwards both change by themselves."),
    )

    def fit(self, version: ProcessVersion, by: Actor, *, is_draft: bool) -> None:
        """Ask for what the process knows; contacts come as copies, or later."""
        super().fit(version, by, is_draft=is_draft)
        for name in ("requester", "first_name", "surname"):
            self.fields.pop(name, None)
        self.order_fields(["title", "description", "category", "schedule_period", "due_date", "copies", "attachments"])


@page(found_items.TEMPLATE, methods=FORM)
def link(visit: Visit, guid: UUID) -> found_items.FindItem | Shown | See:
    """Find the items that an item is linked to, and link them."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    here, text = address_of_deed(item, Deed.LINK), found_items.text_of(visit)
    refusal = answer(Deed.LINK, item, by=by).refusal
    said = refusal.sentence() if refusal is not None else ""
    if visit.is_sent:
        require_possible(Deed.LINK, item, by=by)
        chosen = [wanted for one in visit.request.POST.getlist("other") if (wanted := parse_guid(one)) is not None]
        try:
            commands.link(item, [queries.item(one, by=by) for one in dict.fromkeys(chosen)], by=by)
        except (Conflict, Invalid) as error:
            visit.refuse(error)
            said = error.sentence()
        else:
            told = ngettext("%(count)d item is linked.", "%(count)d items are linked.", len(chosen))
            visit.tell(told % {"count": len(chosen)})
            return See(address_of(item))
    more = Link(_("Begin linked work"), reverse("work-item-linked", args=[guid])) if policy.may_start(by) else None
    shown = found_items.find_item(
        item,
        relations.link_targets(item, text, by=by) if text and refusal is None else (),
        title=WORDS[Deed.LINK].button,
        here=here,
        text=text,
        help_text=_("Linked work stays as it is; each shows the other."),
        button=WORDS[Deed.LINK].button,
        more=more if refusal is None else None,
    )
    return replace(shown, refusal=said)


@page("", methods=("POST",))
def unlink(visit: Visit, guid: UUID, other: UUID) -> See:
    """Take the link between two items away; one that is away already stays so."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    linked = queries.item(other, by=by)
    policy.require(policy.may_work(by), "feature_missing.to_work")
    with suppress(NotFound):
        commands.unlink(item, linked, by=by)
    visit.tell(_("The link is taken away."))
    return See(address_of(item))


@page(TEMPLATE, methods=FORM)
def begin_linked(visit: Visit, guid: UUID) -> ItemForm | Shown | See:
    """Choose the process of work that is linked to an item, ask for what it begins with, and begin it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    policy.require(policy.may_work(by) and policy.may_start(by), "feature_missing.to_work")
    here, title = reverse("work-item-linked", args=[guid]), _("Begin linked work")
    version = process_choice.any_process(visit, item, title=title, here=here)
    if isinstance(version, Shown):
        return version
    form, is_draft = visit.form(LinkedForm, title=item.title), "draft" in visit.request.POST
    form.fit(version, by, is_draft=is_draft)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form), named(FIELDS):
            copies = {Copied(one) for one in form.cleaned_data["copies"]}
            fields = form.changes(by)
            made = commands.create_linked(item, version.guid, by=by, copies=copies, submit=not is_draft, **fields)
            visit.tell(told_of(made))
            return See(address_of(made))
    process = version.process
    shown = of_item(
        item, form, title=process.work_type.name, here=f"{here}?process={process.guid}", button=_("Start"), crumb=title
    )
    return replace(shown, second=_("Keep as a draft"))
