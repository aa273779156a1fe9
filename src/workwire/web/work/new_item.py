"""New work: the form of a new ticket or case of one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.actor import Actor
from workwire.kernel.errors import named
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands import FileWish
from workwire.rooms.offering import starting_offer
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import commands, policy
from workwire.rooms.work.queries import ProcessType, Status
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, Words
from workwire.web.work.deed_forms import Moment, categories_of
from workwire.web.work.item_form import TEMPLATE, ItemForm, Offered
from workwire.web.work.item_parts import address_of

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion
    from workwire.rooms.work.models import WorkItem

MOST_FILES, MOST_OFFERED, MOST_PERIODS = 20, 200, 200
FIELDS = {
    "contacts": "requester",
    "file_name": "attachments",
    "data": "attachments",
    "files": "attachments",
    "category_guid": "category",
    "email": "requester",
}  # where a refusal is shown, by the field it names


class _SeveralFiles(forms.FileInput):
    allow_multiple_selected = True


class SeveralFiles(forms.FileField):
    """Any number of files of one field."""

    def __init__(self, **more: Any) -> None:
        super().__init__(widget=_SeveralFiles, required=False, **more)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[bytes]]:
        """Each file by itself."""
        given = data if isinstance(data, (list, tuple)) else [data] if data else []
        if len(given) > MOST_FILES:
            raise forms.ValidationError(_("At most %(most)s files at once.") % {"most": MOST_FILES})
        return [super(SeveralFiles, self).clean(one, initial) for one in given]


class NewForm(forms.Form):
    """What a new item begins with; what its process asks for is checked when it is submitted."""

    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=500, required=False, widget=forms.TextInput({"autofocus": True})
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 6})
    )
    category = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    schedule_period = forms.ChoiceField(label=gettext_lazy("Period"), required=False)
    requester = forms.CharField(
        label=gettext_lazy("Requester"),
        required=False,
        max_length=254,
        widget=forms.TextInput({"list": "people", "inputmode": "email"}),
        help_text=gettext_lazy("The mail address of a contact of the customer; it becomes the primary contact, too."),
    )
    first_name = forms.CharField(label=gettext_lazy("First name"), required=False, max_length=100)
    surname = forms.CharField(
        label=gettext_lazy("Surname"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Only for a requester who is no contact yet."),
    )
    due_date = Moment(
        label=gettext_lazy("Due date"), required=False, help_text=gettext_lazy("Empty: by the rule of the process.")
    )
    attachments = SeveralFiles(label=gettext_lazy("Files"))

    def fit(self, version: ProcessVersion, by: Actor, *, is_draft: bool) -> None:
        """Ask for what the process knows and the actor may give; a draft may lack what the process needs."""
        if version.process.work_type.kind == ProcessType.TICKET:
            self._offer("category", [("", "–"), *categories_of(version)])
        else:
            del self.fields["category"]
        if version.schedule_id is not None:
            self._offer("schedule_period", periods_offered(version.schedule_id))
        else:
            del self.fields["schedule_period"]
        if not policy.may_work(by):
            for name in ("requester", "first_name", "surname", "due_date"):
                del self.fields[name]
        if not is_draft:
            self._require(version)

    def changes(self, by: Actor) -> commands.Changes:
        """What of the item is given; files are kept for it."""
        given = self.cleaned_data
        changes: commands.Changes = {
            "title": given["title"],
            "description": str(given["description"]).replace("\r\n", "\n"),
            "due_date": given.get("due_date"),
        }
        if given.get("category"):
            changes["category_guid"] = UUID(given["category"])
        if given.get("schedule_period"):
            changes["schedule_period"] = UUID(given["schedule_period"])
        if given["attachments"]:
            kept = [files.prepare(one.chunks(), one.name or "", by=by) for one in given["attachments"]]
            changes["files"] = [FileWish(temporary_guid=one.guid) for one in kept]
        if not policy.may_work(by) and by.guid is not None:
            changes["contacts"] = [commands.requester(by.guid)]
        return changes

    def _require(self, version: ProcessVersion) -> None:
        needs_contact = version.requires_primary_contact or version.requires_requester
        needed = {
            "title": True,
            "description": version.requires_description,
            "category": True,
            "schedule_period": True,
            "requester": needs_contact or version.process.work_type.contacts_mandatory,
        }
        for name, is_needed in needed.items():
            if name in self.fields:
                self.fields[name].required = is_needed

    def _offer(self, name: str, choices: Sequence[tuple[str, Words]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices


def periods_offered(schedule: int, none: Words = "–") -> list[tuple[str, Words]]:
    """What a form offers of the periods of a schedule, the latest first, behind none."""
    periods = starting_offer.periods_of(schedule)[:MOST_PERIODS]
    return [("", none), *((str(one.guid), str(one)) for one in periods)]


@page(TEMPLATE, methods=FORM)
def new_item(visit: Visit, guid: UUID) -> ItemForm | See:
    """Ask for what a new item begins with, and start it, or keep it as a draft."""
    by = visit.actor
    policy.require(policy.may_start(by), "feature_missing.to_start")
    version = starting_offer.live_version_of(guid, by=by)
    form, is_draft = visit.form(NewForm), "draft" in visit.request.POST
    form.fit(version, by, is_draft=is_draft)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form), named(FIELDS):
            made = _made(version, form, by, is_draft=is_draft)
            visit.tell(told_of(made))
            return See(address_of(made))
    return replace(_page(version, form), people=_people(version) if policy.may_work(by) else ())


def _made(version: ProcessVersion, form: NewForm, by: Actor, *, is_draft: bool) -> WorkItem:
    given = form.cleaned_data
    return commands.create_asked_for(
        version,
        by=by,
        address=given.get("requester", ""),
        first_name=given.get("first_name", ""),
        surname=given.get("surname", ""),
        submit=not is_draft,
        **form.changes(by),
    )


def _page(version: ProcessVersion, form: NewForm) -> ItemForm:
    process = version.process
    back = reverse("new-work")
    return ItemForm(
        crumbs=(Link(_("New work"), back), Link(process.work_type.name, is_here=True)),
        title=process.work_type.name,
        item=place_of(version),
        here=reverse("new-item", args=[process.guid]),
        back=back,
        button=_("Start"),
        second=_("Keep as a draft"),
        form=form,
    )


def told_of(made: WorkItem) -> str:
    """What is said once an item was made."""
    said = _("%(reference)s is kept as a draft.") if made.status == Status.DRAFT else _("%(reference)s is started.")
    return said % {"reference": made.reference}


def place_of(version: ProcessVersion) -> str:
    """The customer, the contract and the service that a process lies below, in words."""
    service = version.process.service
    return " · ".join((service.contract.customer.name, service.contract.name, service.name))


def _people(version: ProcessVersion) -> tuple[Offered, ...]:
    """The contacts that the requester is offered among."""
    found = parties.contacts_of_customer(version.process.service.contract.customer).order_by("surname", "first_name")
    return tuple(Offered(one.email, one.full_name) for one in found[:MOST_OFFERED])
