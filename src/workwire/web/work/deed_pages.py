"""Doing something with a work item: the form of each deed, and carrying it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import queries as access
from workwire.kernel.actor import Actor
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands, queries
from workwire.rooms.work.deeds import Deed, answer
from workwire.web.kit.overtaken import Overtaken, overtaken, refill
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, Words
from workwire.web.work.deed_forms import (
    DATE,
    FORMS,
    CheckForm,
    DeedForm,
    UpdateForm,
)
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_parts import address_of, address_of_deed

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


@dataclass(frozen=True, slots=True)
class Offered:
    """An account that a field proposes."""

    username: str
    name: str


@dataclass(frozen=True, slots=True)
class DeedPage:
    """What the page shows; `obstacle` is why the deed is not possible, empty where it is."""

    crumbs: tuple[Link, ...]
    title: str
    item: str
    here: str
    back: str
    button: Words
    warning: Words
    obstacle: str
    people: tuple[Offered, ...]
    form: forms.Form
    overtaken: Overtaken | None
    is_danger: bool


@page("work/deed.html", methods=FORM)
def do_deed(visit: Visit, guid: UUID, deed: Deed) -> DeedPage | See:
    """Ask for what a deed is given along with, and do it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    kind = FORMS.get(deed, DeedForm)
    form = visit.form(kind, version=item.version, **kind().present(item))
    form.fit(item, by)
    faster = None
    if visit.is_sent:
        if form.is_valid():
            with visit.refusals(form):
                _carry_out(deed, item, form, by)
                visit.tell(str(WORDS[deed].done))
                return See(address_of(item))
            faster = overtaken(visit, form, item.guid, item.version, form.present(item))
        refill(form, version=str(item.version))
    found = answer(deed, item, by=by)
    words = WORDS[deed]
    return DeedPage(
        crumbs=(Link(item.reference or _("Draft"), address_of(item)), Link(words.button, is_here=True)),
        title=str(words.button),
        item=item.title,
        here=address_of_deed(item, deed),
        back=address_of(item),
        button=_("Save") if deed == Deed.UPDATE else words.button,
        warning=_warning(deed, item),
        obstacle=found.refusal.sentence() if found.refusal is not None and not form.errors else "",
        people=_people(item, by) if deed == Deed.ASSIGN else (),
        form=form,
        overtaken=faster,
        is_danger=bool(words.warning),
    )


@page("work/deed.html", methods=FORM)
def check_line(visit: Visit, guid: UUID, line: UUID) -> DeedPage | See:
    """Answer a line of the checklist of an action."""
    by = visit.actor
    item, found = queries.item(guid, by=by), queries.checklist_item(line, by=by)
    form = visit.form(CheckForm, result=found.result, note=found.note)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            sent = form.cleaned_data
            note = sent["note"] if "note" in visit.request.POST else None
            commands.answer_checklist(found, by=by, result=sent["result"], note=note)
            return See(f"{address_of(item)}#checklist")
    back = address_of(item)
    return DeedPage(
        crumbs=(Link(item.reference or "", back), Link(_("Checklist"), is_here=True)),
        title=found.line.description,
        item=item.title,
        here=reverse("work-item-check", args=[guid, line]),
        back=back,
        button=_("Save"),
        warning="",
        obstacle="",
        people=(),
        form=form,
        overtaken=None,
        is_danger=False,
    )


def _carry_out(deed: Deed, item: WorkItem, form: DeedForm, by: Actor) -> None:
    """Do a deed with what its form gives."""
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


def _warning(deed: Deed, item: WorkItem) -> Words:
    """What one should know before, with the number of what else ends."""
    if deed != Deed.ABORT:
        return WORDS[deed].warning
    count = queries.open_items_under(item).count()
    said = ngettext("%(count)s open item lies under it.", "%(count)s open items lie under it.", count)
    return f"{WORDS[deed].warning} {said % {'count': number_format(count, force_grouping=True)}}"


def _people(item: WorkItem, by: Actor) -> tuple[Offered, ...]:
    """Who gets work from the queue of the item."""
    if item.queue is None:
        return ()
    members = item.queue.members.filter(is_active=True).order_by("full_name")[:MOST_OFFERED]
    return tuple(Offered(one.username, one.full_name) for one in members)
