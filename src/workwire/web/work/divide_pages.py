"""Splitting a ticket into several, and converting it to a case: it waits for what is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.actor import Actor
from workwire.rooms.offering import starting_offer
from workwire.rooms.work import commands, queries
from workwire.rooms.work.deeds import Deed
from workwire.rooms.work.queries import ProcessType
from workwire.web.kit.page import FORM, See, Shown, Visit, page
from workwire.web.kit.parts import Fact
from workwire.web.work.deed_answer import answer_deed, hindrance
from workwire.web.work.deed_forms import DeedForm, Moment, paths_of
from workwire.web.work.deed_words import WORDS
from workwire.web.work.item_form import TEMPLATE, ItemForm
from workwire.web.work.item_parts import address_of_deed
from workwire.web.work.new_item import periods_offered
from workwire.web.work.process_choice import case_process

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion
    from workwire.rooms.work.models import WorkItem

FEWEST_PARTS, MOST_OFFERED = 2, 20
_PART = ("title", "description", "about")


class SplitForm(DeedForm):
    """The tickets that a ticket is split into: as many as were asked for."""

    parts = forms.IntegerField(
        widget=forms.HiddenInput, min_value=FEWEST_PARTS, max_value=commands.MOST_PARTS, initial=FEWEST_PARTS
    )

    def fit(self, item: WorkItem, by: Actor) -> None:
        """Ask for a title, a description and what it is about, for each part."""
        offered = self._offered(item, by)
        for number in range(1, self.count + 1):
            name = {"number": number}
            self.fields[f"title_{number}"] = forms.CharField(
                label=_("Title of ticket %(number)s") % name, max_length=500, initial=item.title
            )
            self.fields[f"description_{number}"] = forms.CharField(
                label=_("Description of ticket %(number)s") % name,
                required=False,
                initial=item.description if number == 1 else "",
                widget=forms.Textarea({"rows": 2}),
            )
            self.fields[f"about_{number}"] = forms.ChoiceField(
                label=_("Category of ticket %(number)s") % name, choices=offered, initial=self._own(item)
            )

    @property
    def count(self) -> int:
        """How many parts are asked for."""
        written = str(self.data.get("parts", "") if self.is_bound else self.initial.get("parts", ""))
        asked = int(written) if written.isascii() and written.isdecimal() and len(written) < 4 else FEWEST_PARTS
        return min(max(asked, FEWEST_PARTS), commands.MOST_PARTS)

    def wished(self) -> list[commands.Part]:
        """The parts that were filled in."""
        return [self._part(number) for number in range(1, self.count + 1)]

    def _part(self, number: int) -> commands.Part:
        title, description, about = (self.cleaned_data[f"{name}_{number}"] for name in _PART)
        version, _colon, category = about.partition(":")
        return commands.Part(title, description.replace("\r\n", "\n"), UUID(version), UUID(category))

    @staticmethod
    def _own(item: WorkItem) -> str:
        return f"{item.process_version.guid}:{item.category.guid}" if item.category else ""

    @staticmethod
    def _offered(item: WorkItem, by: Actor) -> list[Any]:
        """The categories of its own process, and those of others of the customer below the name of each."""
        own = item.process_version
        others = starting_offer.offer_for(item.customer.pk, ProcessType.TICKET, by=by).exclude(pk=own.pk)[:MOST_OFFERED]
        versions = [own, *others]
        found = starting_offer.categories_of_all(versions)
        return [
            (_process_words(one, item), [(f"{one.guid}:{guid}", words) for guid, words in paths_of(found[one.pk])])
            for one in versions
        ]


class ConvertForm(DeedForm):
    """The case that a ticket becomes."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=500)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 5})
    )
    schedule_period = forms.ChoiceField(label=gettext_lazy("Period"))
    due_date = Moment(
        label=gettext_lazy("Due date"), required=False, help_text=gettext_lazy("Empty: by the rule of the process.")
    )
    keep_with_me = forms.BooleanField(label=gettext_lazy("The case comes back to me"), required=False)

    def fit_process(self, version: ProcessVersion) -> None:
        """Ask for the period, where the process follows a schedule."""
        if version.schedule_id is None:
            del self.fields["schedule_period"]
        else:
            self.choose("schedule_period", periods_offered(version.schedule_id))


@page(TEMPLATE, methods=FORM)
def split(visit: Visit, guid: UUID) -> ItemForm | See:
    """Ask for the parts of a ticket, one more where that is wished, and split it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    if (hindered := hindrance(visit, item, Deed.SPLIT)) is not None:
        return hindered
    visit.asks_on = "draft" in visit.request.POST
    form = visit.form(SplitForm, version=item.version)
    if visit.asks_on:
        sent = visit.request.POST.dict()
        form = SplitForm(initial={**sent, "parts": min(form.count + 1, commands.MOST_PARTS)})
    form.fit(item, by)

    def do() -> WorkItem:
        commands.split(item, form.wished(), by=by, version=form.cleaned_data["version"])
        return item

    preview = (
        Fact(_("This ticket"), _("It waits until all the new ones are closed, and is closed then.")),
        Fact(
            _("Each new one"),
            _(
                "It is due as if it had begun with this one, and has copies of its contacts, custom data, files and defects."
            ),
        ),
    )
    shown = answer_deed(visit, item, Deed.SPLIT, form, do, preview=preview)
    if isinstance(shown, ItemForm) and form.count < commands.MOST_PARTS and not shown.obstacle:
        return replace(shown, second=_("One more ticket"))
    return shown


@page(TEMPLATE, methods=FORM)
def convert(visit: Visit, guid: UUID) -> ItemForm | Shown | See:
    """Choose the process of the case that a ticket becomes, and start it."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    here = address_of_deed(item, Deed.CONVERT)
    if (hindered := hindrance(visit, item, Deed.CONVERT)) is not None:
        return hindered
    version = case_process(visit, item, title=WORDS[Deed.CONVERT].button, here=here)
    if isinstance(version, Shown):
        return version
    form = visit.form(ConvertForm, version=item.version, title=item.title, description=item.description)
    form.fit_process(version)

    def do() -> WorkItem:
        sent = form.cleaned_data
        changes: commands.Changes = {"title": sent["title"], "description": sent["description"].replace("\r\n", "\n")}
        if sent["due_date"]:
            changes["due_date"] = sent["due_date"]
        if sent.get("schedule_period"):
            changes["schedule_period"] = UUID(sent["schedule_period"])
        if sent["keep_with_me"]:
            changes["keep_with_me"] = True
        return commands.convert(item, version.guid, by=by, version=sent["version"], **changes)

    preview = (
        Fact(_("Process"), version.process.work_type.name),
        Fact(_("This ticket"), _("It waits until the case is closed, and is closed then.")),
        Fact(
            _("The case"),
            _(
                "It has the number of the ticket and copies of its contacts. Both share custom data, files, defects and"
                " what was said."
            ),
        ),
    )
    return answer_deed(
        visit, item, Deed.CONVERT, form, do, here=f"{here}?process={version.process.guid}", preview=preview
    )


def _process_words(version: ProcessVersion, item: WorkItem) -> str:
    if version.pk == item.process_version.pk:
        return item.work_type.name
    process = version.process
    return f"{process.work_type.name} · {process.service.name}"
