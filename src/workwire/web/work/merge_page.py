"""Merging a ticket into another work item: finding that one, what goes along, and doing it."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.actor import Actor
from workwire.kernel.ids import parse_guid
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations import queries as said
from workwire.rooms.work import item_files, queries, relations
from workwire.rooms.work.deeds import Deed
from workwire.rooms.work.queries import ProcessType, Status, WorkItem
from workwire.web.kit.page import FORM, See, Shown, Visit, page
from workwire.web.kit.parts import Fact, Words
from workwire.web.work import found_items
from workwire.web.work.deed_answer import answer_deed, hindrance
from workwire.web.work.deed_forms import DeedForm
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_form import TEMPLATE, ItemForm
from workwire.web.work.item_parts import address_of_deed

MOST_RELATIONS = 200


class MergeForm(DeedForm):
    """Into which item the ticket is merged."""

    into = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": gettext_lazy("Choose a work item.")})


@page(TEMPLATE, methods=FORM)
def merge(visit: Visit, guid: UUID) -> ItemForm | Shown | See:
    """Find the item that a ticket is merged into, say what will happen, and merge it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    if (hindered := hindrance(visit, item, Deed.MERGE)) is not None:
        return hindered
    wanted = parse_guid((visit.request.POST if visit.is_sent else visit.request.GET).get("into", ""))
    target = queries.item(wanted, by=by) if wanted is not None else None
    if target is None and not visit.is_sent:
        return _find(visit, item)
    form = visit.form(MergeForm, version=item.version, into=wanted)

    def do() -> WorkItem:
        into = queries.item(form.cleaned_data["into"], by=by)
        conversations.merge_tickets([item], into, by=by, version=form.cleaned_data["version"])
        return into

    return answer_deed(
        visit,
        item,
        Deed.MERGE,
        form,
        do,
        button="" if target is None else _("Merge into %(reference)s") % {"reference": target.reference or "–"},
        preview=_preview(item, target, by) if target is not None else (),
    )


def _find(visit: Visit, item: WorkItem) -> Shown:
    text = found_items.text_of(visit)
    shown = found_items.find_item(
        item,
        relations.merge_targets(item, text, by=visit.actor) if text else (),
        title=WORDS[Deed.MERGE].button,
        here=address_of_deed(item, Deed.MERGE),
        text=text,
        help_text=_("The ticket is closed, and its work goes on in the item that you choose."),
        choose="into",
    )
    return Shown(found_items.TEMPLATE, shown)


def _preview(item: WorkItem, target: WorkItem, by: Actor) -> tuple[Fact, ...]:
    """What goes along with a ticket, and what the merge does to both."""
    known = Counter(relations.seen_from(item, one).name for one in relations.relations_of(item, by=by)[:MOST_RELATIONS])
    counted = (
        (
            _("Communications"),
            said.communications_of(item, by=by, related=False).count(),
            _("%(count)s, shown there, too"),
        ),
        (_("Files"), item_files.files_of(item, by=by).count(), _("%(count)s, shown there, too")),
        (_("Links"), known["linked"], _("%(count)s, passed on")),
        (_("Merged before"), known["merged_from"], _("%(count)s, which go along")),
    )
    return (
        Fact(_("This ticket"), _("It is closed as merged. Its due date counts no more.")),
        Fact(target.reference or _("Draft"), f"{target.title} ({target.customer.name}) – {_what_it_does(target)}"),
        *(Fact(name, words % {"count": number_format(count)}) for name, count, words in counted if count),
    )


def _what_it_does(target: WorkItem) -> Words:
    if target.status == Status.RESOLVED:
        return _("it is reopened, because something new came in.")
    if target.status == Status.WAITING and target.wait_type == queries.WaitType.INFORMATION:
        return _("it waited for information and is to do again.")
    if target.kind == ProcessType.CASE:
        return _("it is told that something new came in.")
    return _("it stays as it is.")
