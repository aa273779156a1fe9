"""What is given along when something is done with a work item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.actor import Actor
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.offering import queries as offering
from workwire.rooms.work import commands, queries
from workwire.rooms.work.deeds import Deed
from workwire.rooms.work.queries import ChecklistResult, ProcessType, ResolutionMethod
from workwire.web.kit.choice_words import CHOICES
from workwire.web.kit.overtaken import VersionedForm

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion, TicketCategory
    from workwire.rooms.work.models import WorkItem

MOST_QUEUES = 500
INFORMATION, DATE = "information", "date"
_WRITTEN = "%Y-%m-%dT%H:%M"


def _text(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class Moment(forms.DateTimeField):
    """A moment in the zone of the page, chosen in a calendar of the browser."""

    def __init__(self, **more: Any) -> None:
        super().__init__(widget=forms.DateTimeInput({"type": "datetime-local"}, format=_WRITTEN), **more)


class DeedForm(VersionedForm):
    """A deed that nothing is given along with, done at the version of the item that was looked at."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def fit(self, item: WorkItem, by: Actor) -> None:
        """Offer what there is to choose among for this item."""

    def present(self, item: WorkItem) -> dict[str, Any]:
        """What the item has now of what the form changes, by field."""
        return {}


class AssignForm(DeedForm):
    """To whom the item goes."""

    user = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        widget=forms.TextInput({"list": "people", "autocomplete": "off"}),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=conversations.LONGEST_BODY,
        widget=_text(3),
        help_text=gettext_lazy("Kept with the item, not visible outside."),
    )


class QueueForm(DeedForm):
    """Into which queue the item goes."""

    queue = forms.ChoiceField(label=gettext_lazy("Queue"), required=False)

    def fit(self, item: WorkItem, by: Actor) -> None:
        """Offer the queues that one sees, and none."""
        offered = queries.queues(by).filter(retired=False).order_by("name")[:MOST_QUEUES]
        self.choose("queue", [("", _("No queue: nobody gets it")), *((str(one.guid), one.name) for one in offered)])

    def present(self, item: WorkItem) -> dict[str, Any]:
        """The queue it lies in."""
        return {"queue": str(item.queue.guid) if item.queue else ""}


class WaitForm(DeedForm):
    """What the item waits for."""

    wait_for = forms.ChoiceField(
        label=gettext_lazy("Wait for"),
        choices=[(INFORMATION, gettext_lazy("Information")), (DATE, gettext_lazy("A date"))],
        initial=INFORMATION,
    )
    until = Moment(
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("It comes back then at the latest; without it, when information arrives."),
    )

    def clean(self) -> dict[str, Any]:
        """A date needs one."""
        given = super().clean() or {}
        if given.get("wait_for") == DATE and not given.get("until") and "until" not in self.errors:
            self.add_error("until", _("Say until when."))
        return given


class ResolveForm(DeedForm):
    """How it came out."""

    method = forms.ChoiceField(label=gettext_lazy("How it came out"))
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=conversations.LONGEST_BODY,
        widget=_text(3),
        help_text=gettext_lazy("Kept with the item, not visible outside."),
    )

    def fit(self, item: WorkItem, by: Actor) -> None:
        """Offer the methods of its kind."""
        methods = commands.RESOLUTION_METHODS[ProcessType(item.kind)]
        self.choose("method", [(str(one.value), CHOICES[one.name.lower()]) for one in methods])

    def clean_method(self) -> ResolutionMethod:
        """The method that was chosen."""
        return ResolutionMethod(self.cleaned_data["method"])


class RejectForm(DeedForm):
    """Why the item is given back."""

    reason = forms.CharField(label=gettext_lazy("Why"), max_length=4000, widget=_text(3))


class UpdateForm(DeedForm):
    """What is changed of the item itself."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=500)
    description = forms.CharField(label=gettext_lazy("Description"), required=False, widget=_text(8))
    category = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    due_date = Moment(
        label=gettext_lazy("Due date"),
        required=False,
        help_text=gettext_lazy("Another one is set by hand; emptied, it follows the rule of the process again."),
    )

    def fit(self, item: WorkItem, by: Actor) -> None:
        """Offer the categories of a ticket."""
        if item.kind == ProcessType.TICKET:
            self.choose("category", [("", "–"), *categories_of(item.process_version)])
        else:
            del self.fields["category"]

    def present(self, item: WorkItem) -> dict[str, Any]:
        """The values it has."""
        due = item.due_date
        return {
            "title": item.title,
            "description": item.description.replace("\r\n", "\n"),
            "category": str(item.category.guid) if item.category else "",
            "due_date": due.replace(second=0, microsecond=0) if due is not None else None,
        }

    def changes(self, item: WorkItem) -> commands.Changes:
        """What differs from what the item has."""
        given, now = self.cleaned_data, self.present(item)
        changed: commands.Changes = {}
        if given["title"] != now["title"]:
            changed["title"] = given["title"]
        if given["description"] != now["description"]:
            changed["description"] = given["description"]
        if given.get("category") and given["category"] != now["category"]:
            changed["category_guid"] = UUID(given["category"])
        if given["due_date"] is None and item.due_date is not None:
            changed["follow_rule"] = True
        elif given["due_date"] is not None and given["due_date"] != now["due_date"]:
            changed["due_date"] = given["due_date"]
        return changed

    def clean_description(self) -> str:
        """Lines end as everywhere else, not as forms are sent."""
        return str(self.cleaned_data["description"]).replace("\r\n", "\n")


def categories_of(version: ProcessVersion) -> list[tuple[str, str]]:
    """The categories that a ticket of a version may have, each with what it lies under."""
    return paths_of(offering.categories_of(version))


def paths_of(categories: Iterable[TicketCategory]) -> list[tuple[str, str]]:
    """The lowest of some categories, each with what it lies under."""
    found = {one.pk: one for one in categories}
    above = {one.parent_id for one in found.values()}
    return [(str(one.guid), _path(one, found)) for one in found.values() if one.pk not in above]


def _path(category: TicketCategory, found: Mapping[int, TicketCategory]) -> str:
    parent = found.get(category.parent_id or 0)
    return f"{_path(parent, found)} › {category.name}" if parent is not None else category.name


class CheckForm(forms.Form):
    """An answer to a line of a checklist."""

    result = forms.TypedChoiceField(
        label=gettext_lazy("Answer"),
        coerce=lambda value: ChecklistResult(int(value)),
        choices=[
            (ChecklistResult.YES.value, gettext_lazy("Yes")),
            (ChecklistResult.NO.value, gettext_lazy("No")),
            (ChecklistResult.NOT_APPLICABLE.value, gettext_lazy("Not applicable")),
            (ChecklistResult.NONE.value, gettext_lazy("Not answered")),
        ],
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=16 * 1024, widget=_text(2))


FORMS: Mapping[Deed, type[DeedForm]] = {
    Deed.RESOLVE: ResolveForm,
    Deed.WAIT: WaitForm,
    Deed.ASSIGN: AssignForm,
    Deed.REJECT: RejectForm,
    Deed.MOVE_TO_QUEUE: QueueForm,
    Deed.UPDATE: UpdateForm,
}  # of deeds that something is given along with
ASKED = frozenset(FORMS) | {
    Deed.REWORK,
    Deed.LAUNCH_ACTION,
    Deed.LAUNCH_SUB_CASE,
    Deed.MERGE,
    Deed.SPLIT,
    Deed.CONVERT,
    Deed.LINK,
}  # these, and deeds with a page of their own
