"""The columns that a sheet of new work may have, by what they are called in the reader's language or in English."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import override

from workwire.kernel import folding
from workwire.kernel.wording import ENGLISH
from workwire.rooms.offering.models import ProcessType

CATEGORIES = ("category_1", "category_2", "category_3")
CONTACTS = ("primary_contact", "requester", "subject")
PLACE = ("customer", "contract", "service", "process")


def required(kind: ProcessType) -> tuple[str, ...]:
    """The columns that every sheet of a kind has."""
    return (*PLACE, "title", *(("description", "category_1") if kind == ProcessType.TICKET else ()))


def known(kind: ProcessType) -> Mapping[str, str]:
    """The columns of a kind with their headings in the present reader's language, in the order of the template."""
    named = {
        "customer": _("Customer"),
        "contract": _("Contract"),
        "service": _("Service"),
        "process": _("Process"),
        "title": _("Title"),
        "description": _("Description"),
        "category_1": _("Category 1"),
        "category_2": _("Category 2"),
        "category_3": _("Category 3"),
        "primary_contact": _("Primary contact"),
        "requester": _("Requester"),
        "subject": _("Subject"),
        "due_date": _("Override due date"),
        "record_count": _("Records"),
    }
    return {name: said for name, said in named.items() if kind == ProcessType.TICKET or name not in CATEGORIES}


def by_heading(kind: ProcessType) -> Mapping[str, str]:
    """The columns by the keys of their headings, in the present reader's language and in English."""
    found = {folding.key(said): name for name, said in known(kind).items()}
    with override(ENGLISH):
        return {folding.key(said): name for name, said in known(kind).items()} | found
