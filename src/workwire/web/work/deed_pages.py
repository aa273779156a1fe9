"""Doing something with a work item: the form of each deed, and carrying it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import queries as access
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands, policy, queries
from workwire.rooms.work.deeds import Deed, answer
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Words
from workwire.web.work.deed_answer import answer_deed
from workwire.web.work.deed_forms import DATE, FORMS, CheckForm, DeedForm, UpdateForm
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_form import TEMPLATE, ItemForm, Offered, of_item
from workwire.web.work.item_parts import address_of

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

MOST_OFFERED = 200
_ALONE: Mapping[Deed, Callable[..., object]] = {
    Deed.SUBMIT: commands.submit,
    Deed.DISCARD: commands.discard,
    Deed.TAKE: commands.take,
    Deed.ACKNOWLEDGE: commands.acknowledge,
    Deed.UNABLE_TO_COMPLETE: commands.complete_unsuccessfully,
    Deed.NEXT_STEP: commands.start_next_step,
    Deed.UNASSIGN: commands.unassign,
    Deed.REOPEN: commands.reopen,
    Deed.ABORT: commands.abort,
}


@page(TEMPLATE, methods=FORM)
def do_deed(visit: Visit, guid: UUID, deed: Deed) -> ItemForm | See:
    """Ask for what a deed is given along with, and do it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    kind = FORMS.get(deed, DeedForm)
    form = visit.form(kind, version=item.version, **kind().present(item))
    form.fit(item, by)
    shown = answer_deed(
        visit,
        item,
        deed,
        form,
        lambda: _carry_out(deed, item, form, by),
        button=_("Save") if deed == Deed.UPDATE else "",
        warning=_warning(deed, item),
    )
    if isinstance(shown, ItemForm) and deed == Deed.ASSIGN and answer(deed, item, by=by).is_possible:
        return replace(shown, people=_people(item))
    return shown


@page(TEMPLATE, methods=FORM)
def check_line(visit: Visit, guid: UUID, line: UUID) -> ItemForm | See:
    """Answer a line of the checklist of an action."""
    by = visit.actor
    item, found = queries.item(guid, by=by), queries.checklist_item(line, by=by)
    policy.require(policy.may_work(by), "feature_missing.to_work")
    if found.item_id != item.pk:
        raise not_found("checklist_item")
    form = visit.form(CheckForm, result=found.result, note=found.note)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            sent = form.cleaned_data
            note = sent["note"] if "note" in visit.request.POST else None  # the buttons beside a line leave it
            commands.answer_checklist(found, by=by, result=sent["result"], note=note)
            return See(f"{address_of(item)}#checklist")
    return of_item(
        item,
        form,
        title=found.line.description,
        here=reverse("work-item-check", args=[guid, line]),
        button=_("Save"),
        crumb=_("Checklist"),
    )


def _carry_out(deed: Deed, item: WorkItem, form: DeedForm, by: Actor) -> WorkItem:
    """Do a deed with what its form gives; returns the item, at which one stays."""
    sent = form.cleaned_data
    version = sent["version"]
    if deed in _ALONE:
        _ALONE[deed](item, by=by, version=version)
    elif isinstance(form, UpdateForm):
        commands.update(item, by=by, version=version, **form.changes(item))
    elif deed == Deed.RESOLVE:
        conversations.resolve(item, by=by, version=version, method=sent["method"], note=sent["note"])
    elif deed == Deed.REJECT:
        commands.reject(item, sent["reason"], by=by, version=version)
    elif deed == Deed.MOVE_TO_QUEUE:
        queue = queries.queue(UUID(sent["queue"]), by=by) if sent["queue"] else None
        commands.move_to_queue(item, queue, by=by, version=version)
    elif deed == Deed.ASSIGN:
        # the page says who has it, and its version holds off a faster one: the new one is meant to get it from them
        user = access.user_named(sent["user"], by=by, field="user")
        conversations.assign_with_note(item, user, sent["note"], by=by, force=True, version=version)
    elif sent["wait_for"] == DATE:
        commands.wait_until(item, sent["until"], by=by, version=version)
    else:
        commands.wait_for_information(item, by=by, until=sent["until"], version=version)
    return item


def _warning(deed: Deed, item: WorkItem) -> Words:
    """What one should know before, with the number of what else ends."""
    if deed != Deed.ABORT:
        return WORDS[deed].warning
    count = queries.open_items_under(item).count()
    said = ngettext("%(count)s open item lies under it.", "%(count)s open items lie under it.", count)
    return f"{WORDS[deed].warning} {said % {'count': number_format(count, force_grouping=True)}}"


def _people(item: WorkItem) -> tuple[Offered, ...]:
    """Who gets work from the queue of the item."""
    return tuple(Offered(one.username, one.full_name) for one in queries.members_of_queue(item)[:MOST_OFFERED])
