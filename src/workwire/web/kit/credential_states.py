"""How an application credential stands, as pages show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from workwire.kernel import clock
from workwire.web.kit.parts import State

if TYPE_CHECKING:
    from workwire.access.models import Credential


def state_of(credential: Credential) -> State:
    """Whether a credential counts."""
    if credential.revoked_at is not None:
        return State("circle-x", _("Revoked"), "off")
    if credential.expires_at <= clock.now():
        return State("clock", _("Expired"), "off")
    return State("circle-check", _("Valid"), "ok")
