"""Files of a work item in the browser: attaching one, and getting its content."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.http import FileResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.errors import named
from workwire.rooms.files import commands as files
from workwire.rooms.files import queries as contents
from workwire.rooms.files import sniffing
from workwire.rooms.files.commands import FileWish
from workwire.rooms.work import commands, item_files, policy, queries
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.work.item_form import TEMPLATE, ItemForm, of_item
from workwire.web.work.item_parts import address_of

LONGEST_NOTE = 4000


class AttachForm(forms.Form):
    """A file, and what there is to say about it."""

    file = forms.FileField(label=gettext_lazy("File"))
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=LONGEST_NOTE)


@page(TEMPLATE, methods=FORM)
def attach(visit: Visit, guid: UUID) -> ItemForm | See:
    """Attach a file to an item."""
    by, item = visit.actor, queries.item(guid, by=visit.actor)
    policy.require(policy.may_change(by, item), "feature_missing.to_work")
    form = AttachForm(visit.request.POST, visit.request.FILES) if visit.is_sent else AttachForm()
    if form.is_bound and form.is_valid():
        with visit.refusals(form), named({"file_name": "file", "data": "file", "files": "file"}):
            sent = form.cleaned_data
            upload = files.prepare(sent["file"].chunks(), sent["file"].name or "", by=by)
            commands.attach_file(item, FileWish(temporary_guid=upload.guid, note=sent["note"] or None), by=by)
            visit.tell(_("The file is attached."))
            return See(address_of(item))
    here = reverse("work-item-attach", args=[guid])
    return of_item(item, form, title=_("Attach a file"), here=here, button=_("Attach"))


@page("")
def download(visit: Visit, guid: UUID) -> FileResponse:
    """Get the content of a file that one may see, always as a download."""
    found = item_files.file(guid, by=visit.actor)
    answer = FileResponse(contents.contents(found.stored))
    headers = sniffing.download_headers(found.file_name, found.stored.media_type, inline=False)
    for name, value in headers.items():
        answer.headers[name] = value
    return answer
