"""The picture of an account: setting and removing one's own, and the address under which pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import commands, queries
from workwire.access.picture_files import MOST_BYTES, MOST_PIXELS
from workwire.web.account.tabs import tabs
from workwire.web.kit.account_people import person_of
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, Person

KEPT = 7 * 24 * 3600  # seconds; another picture has another address
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": 'inline; filename="picture"',
    "Cache-Control": f"private, max-age={KEPT}, immutable",
}


class PictureForm(forms.Form):
    """A file with a picture."""

    picture = forms.FileField(
        label=gettext_lazy("Picture"),
        widget=forms.ClearableFileInput({"accept": "image/png,image/jpeg,image/webp,image/gif", "data-shrinks": "256"}),
    )

    def __init__(self, *given: object, **more: object) -> None:
        super().__init__(*given, **more)  # type: ignore[arg-type]  # as every form takes them
        words = _("PNG, JPEG, WebP or GIF, at most %(size)s KiB and %(pixels)s pixels wide and high.")
        self.fields["picture"].help_text = words % {"size": MOST_BYTES // 1024, "pixels": MOST_PIXELS}


@dataclass(frozen=True, slots=True)
class OwnPicture:
    """What the page shows."""

    tabs: tuple[Link, ...]
    person: Person
    form: forms.Form


@page("account/picture.html", methods=FORM)
def own_picture(visit: Visit) -> OwnPicture | See:
    """Show the picture of one's own account, and set another."""
    form = visit.form(PictureForm)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.set_own_picture(form.cleaned_data["picture"].read(MOST_BYTES + 1), by=visit.actor)
            visit.tell(_("Saved."))
            return See(reverse("own-picture"))
    return OwnPicture(tabs("own-picture"), person_of(visit.signed_in.user), form)


@page("", methods=("POST",))
def remove(visit: Visit) -> See:
    """Remove one's own picture."""
    commands.remove_picture(visit.signed_in.user, by=visit.actor)
    visit.tell(_("Your picture is removed."))
    return See(reverse("own-picture"))


@page("")
def picture(visit: Visit, guid: UUID) -> HttpResponse:
    """The picture of an account, as pages show it."""
    found = queries.picture(guid, by=visit.actor)
    return HttpResponse(bytes(found.content), content_type=found.media_type, headers=_HEADERS)
