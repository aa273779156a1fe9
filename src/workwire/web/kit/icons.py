"""The icons of the pages: one file with all that are used, taken from the `lucide` package and kept by browsers."""

from __future__ import annotations

import hashlib
import re
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from lucide.templatetags.lucide import lucide

NAMES = (
    "activity arrow-down arrow-up bell book-open bot building-2 calendar check chevron-down circle circle-check "
    "circle-dashed circle-pause circle-x clock contrast copy download eye file-text flag history inbox info "
    "house keyboard layers list list-filter lock log-in log-out mail menu message-square minus monitor moon pause phone play "
    "plus rotate-cw rows-3 search send settings shield shield-check star sticky-note sun triangle-alert unplug user users "
    "webhook x"
).split()
_FILLED = frozenset({"contrast"})  # its half is drawn full, as what is half done
_YEAR = 365 * 24 * 60 * 60
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@cache
def sprite() -> str:
    """All icons as symbols of one SVG document, by name."""
    symbols = "".join(f'<symbol id="{name}" viewBox="0 0 24 24">{_drawing(name)}</symbol>' for name in NAMES)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'


@cache
def address() -> str:
    """Where browsers get the icons; another one whenever they differ."""
    return f"{reverse('kit-icons')}?v={hashlib.sha256(sprite().encode()).hexdigest()[:12]}"


@require_safe
def icons(_request: HttpRequest) -> HttpResponse:
    """Answer with all icons."""
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return HttpResponse(sprite(), content_type="image/svg+xml", headers=headers)


def _drawing(name: str) -> str:
    found = _INNER.search(str(lucide(name, size=None)))
    if found is None:
        raise LookupError(f"the icon {name} has no drawing")
    return found.group(1).strip().replace("<path", '<path fill="currentColor"' if name in _FILLED else "<path")
