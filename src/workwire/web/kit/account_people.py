"""Accounts as people on pages: by name, and by the picture that an account gave itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from workwire.kernel.actor import UserType
from workwire.web.kit.parts import Person

if TYPE_CHECKING:
    from workwire.access.models import User


def person_of(account: User | None) -> Person:
    """An account as a person, with the address of its picture, which changes with the picture; nobody for none."""
    if account is None:
        return Person.nobody()
    shown = f"{reverse('picture', args=[account.guid])}?v={account.picture[:12]}" if account.picture else ""
    return Person.of(account.full_name, is_robot=account.user_type == UserType.ROBOT, picture=shown)
