"""Saying something at a work item: notes, comments, calls and letters, and mails that are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from workwire.web.kit.parts import Words
from workwire.web.work.item_form import TEMPLATE, ItemForm, of_item
from workwire.web.work.item_parts import address_of

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

WORDS_OF: Mapping[CommunicationType, tuple[Words, str]] = {
    CommunicationType.AUDIT_NOTE: (gettext_lazy("Note, not visible outside"), "sticky-note"),
    CommunicationType.PHONE_INCOMING: (gettext_lazy("Call received"), "phone"),
    CommunicationType.PHONE_OUTGOING: (gettext_lazy("Call made"), "phone"),
    CommunicationType.LETTER_INCOMING: (gettext_lazy("Letter received"), "mail"),
    CommunicationType.LETTER_OUTGOING: (gettext_lazy("Letter sent"), "mail"),
    CommunicationType.EMAIL_INCOMING: (gettext_lazy("Mail received"), "mail"),
    CommunicationType.EMAIL_OUTGOING: (gettext_lazy("Mail sent"), "send"),
    CommunicationType.SELF_SERVICE_COMMENT: (gettext_lazy("Comment"), "message-square"),
}  # with the icon of each
_OF_MAIL = (CommunicationType.EMAIL_INCOMING, CommunicationType.EMAIL_OUTGOING)  # which come and go by themselves
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
        """Offer the kinds that one may add; a comment, the one kind of self service, needs no choice."""
        kinds = [one for one in WORDS_OF if one not in _OF_MAIL and policy.may_add(by, one)]
        field = self.fields["kind"]
        if len(kinds) > 1 and isinstance(field, forms.ChoiceField):
            field.choices = [(one.value, WORDS_OF[one][0]) for one in kinds]
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


@page(TEMPLATE, methods=FORM)
def say(visit: Visit, guid: UUID) -> ItemForm | See:
    """Record what was said at an item."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    form = visit.form(SayForm)
    form.fit(by)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.add(item, by=by, kind=form.cleaned_data.get("kind"), body=form.cleaned_data["body"])
            visit.tell(_("Added."))
            return See(f"{address_of(item)}#said")
    here = reverse("work-item-say", args=[guid])
    return of_item(item, form, title=_("Say something"), here=here, button=_("Add"))


@page(TEMPLATE, methods=FORM)
def mail(visit: Visit, guid: UUID) -> ItemForm | See:
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
    here = reverse("work-item-mail", args=[guid])
    return of_item(item, form, title=_("Write a mail"), here=here, button=_("Send"))


def _mail(sent: dict[str, Any]) -> Mail:
    return Mail(
        to=_addresses(sent["to"]), copies=_addresses(sent["copies"]), subject=sent["subject"], body=sent["body"]
    )


def _addresses(written: str) -> list[str]:
    return [one for one in _BETWEEN.split(written) if one]


def _subject(item: WorkItem) -> str:
    """The title with the reference, by which an answer finds the item."""
    return f"{item.title[:440]} [{item.reference}]" if item.reference else item.title[:500]
