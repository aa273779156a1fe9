"""The picture of an account: an account sets its own, and who manages accounts may remove it."""

from __future__ import annotations

import hashlib

from django.db import transaction

from workwire.access import picture_files, queries
from workwire.access.commands.accounts import forget_picture, locked, record_change, require_may_manage
from workwire.access.models import AccountPicture, User
from workwire.access.policy import require_in_person
from workwire.kernel.actor import Actor
from workwire.outbox.changes import altered, columns


@transaction.atomic
def set_own_picture(content: bytes, *, by: Actor) -> User:
    """Give one's own account a picture, in place of the one it had; the same again changes nothing.

    Raises Invalid for what is no small picture, and Forbidden for an application.
    """
    require_in_person(by)
    file = picture_files.checked(content)
    user = locked(queries.account(by))
    before = columns(user)
    user.picture = hashlib.sha256(file.content).hexdigest()
    if columns(user) != before:
        wanted = {"content": file.content, "media_type": file.media_type}
        AccountPicture.objects.update_or_create(user=user, defaults=wanted)
        user.save(update_fields=["picture"])
        record_change(user, by, altered(user, before))
    return user


@transaction.atomic
def remove_picture(user: User, *, by: Actor) -> None:
    """Remove the picture of an account, one's own or as who manages it; one that has none is left alone."""
    user = locked(user)
    if by.user_id != user.pk:
        require_may_manage(user, by)
    require_in_person(by)
    before = columns(user)
    forget_picture(user)
    if columns(user) != before:
        record_change(user, by, altered(user, before))
