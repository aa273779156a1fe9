"""Saying something at a work item: notes, comments, calls and letters, and mails that are sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.actor import Actor
from workwire.rooms.conversations import commands, policy
from workwire.rooms.conversations.commands import Mail
from workwire.rooms.conversations.queries import CommunicationType, SendStatus
from workwire.rooms.work import queries
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link
from workwire.web.work.item_parts import address_of

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

_KINDS = (
    (CommunicationType.AUDIT_NOTE, gettext_lazy("Note, not visible outside")),
    (CommunicationType.PHONE_INCOMING, gettext_lazy("Call received")),
    (CommunicationType.PHONE_OUTGOING, gettext_lazy("Call made")),
    (CommunicationType.LETTER_INCOMING, gettext_lazy("Letter received")),
    (CommunicationType.LETTER_OUTGOING, gettext_lazy("Letter sent")),
)
_BETWEEN = re.compile(r"[;,\s]+")
LONGEST_ADDRESSES = 8000


class SayForm(forms.Form):
    """What was said."""

    kind = forms.TypedChoiceField(label=gettext_lazy("Kind"), coerce=lambda value: CommunicationType(int(value)))
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=commands.LONGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 3, "data-key": "n"}),
    )

    def fit(self, by: Actor) -> None:
        """Offer the kinds that one may add; where there is one only, nothing is to be chosen."""
        kinds = [(one.value, words) for one, words in _KINDS if policy.may_add(by, one)]
        field = self.fields["kind"]
        if kinds and isinstance(field, forms.ChoiceField):
            field.choices = kinds
        else:
            del self.fields["kind"]


class MailForm(forms.Form):
    """A mail to be sent; addresses stand one beside the other."""

    to = forms.CharField(
        label=gettext_lazy("To"),
        max_length=LONGEST_ADDRESSES,
        help_text=gettext_lazy("Mail addresses, separated by commas."),
    )
    copies = forms.CharField(label=gettext_lazy("Copies"), max_length=LONGEST_ADDRESSES, required=False)
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=500)
    body = forms.CharField(
        label=gettext_lazy("Text"), max_length=commands.LONGEST_BODY, widget=forms.Textarea(attrs={"rows": 10})
    )


@dataclass(frozen=True, slots=True)
class Saying:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    title: str
    item: str
    here: str
    back: str
    button: str
    form: forms.Form


@page("work/saying.html", methods=FORM)
def say(visit: Visit, guid: UUID) -> Saying | See:
    """Record what was said at an item."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    form = visit.form(SayForm)
    form.fit(by)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.add(item, by=by, kind=form.cleaned_data.get("kind"), body=form.cleaned_data["body"])
            visit.tell(_("Added."))
            return See(f"{address_of(item)}#said")
    return _shown(item, form, _("Say something"), _("Add"), "work-item-say")


@page("work/saying.html", methods=FORM)
def mail(visit: Visit, guid: UUID) -> Saying | See:
    """Write a mail that is sent from an item."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    require(by, features.WORK_ITEMS)
    form = visit.form(MailForm, subject=_subject(item))
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            made = commands.send_mail(item, _mail(form.cleaned_data), by=by)
            goes = made.send_status == SendStatus.QUEUED
            visit.tell(_("The mail is on its way.") if goes else _("Kept, but not sent: no mail server is set up."))
            return See(f"{address_of(item)}#said")
    return _shown(item, form, _("Write a mail"), _("Send"), "work-item-mail")


def _mail(sent: dict[str, Any]) -> Mail:
    return Mail(
        to=_addresses(sent["to"]), copies=_addresses(sent["copies"]), subject=sent["subject"], body=sent["body"]
    )


def _addresses(written: str) -> list[str]:
    return [one for one in _BETWEEN.split(written) if one]


def _subject(item: WorkItem) -> str:
    """The title with the reference, by which an answer finds the item."""
    return f"{item.title[:440]} [{item.reference}]" if item.reference else item.title[:500]


def _shown(item: WorkItem, form: forms.Form, title: str, button: str, name: str) -> Saying:
    back = address_of(item)
    return Saying(
        crumbs=(Link(item.reference or _("Draft"), back), Link(title, is_here=True)),
        title=title,
        item=item.title,
        here=reverse(name, args=[item.guid]),
        back=back,
        button=button,
        form=form,
    )
