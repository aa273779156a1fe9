"""Links by which an account gets a new password, once: mailed to who forgot it, or given by an administrator.

Guarantees: whether an account exists is told by nothing that asking does, for nothing is looked up before the answer; a link
is kept as a digest, works once and not for long; a new password ends all sessions and all other links.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db import IntegrityError, transaction
from django.db.models import Q

from workwire.access import events, guessing, queries, usable_links
from workwire.access.commands.accounts import require_may_stand_in_for, set_password
from workwire.access.models import PasswordLink, User
from workwire.access.sessions import actor_for
from workwire.jobs import commands as jobs
from workwire.kernel import clock, crypto, folding
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

MAIL = "access.password_link"
LIFE_OF_MAILED, LIFE_OF_GIVEN = timedelta(hours=1), timedelta(hours=24)
MOST_MAILED = 3  # links that an account may have from mails at a time
MOST_ACCOUNTS = 5  # that share an address
OVER_ALL = 100  # as many requests as of one address


def ask_for_link(called: str, *, address: str) -> None:
    """Let a link be mailed to the accounts that have a user name or a mail address, if there are any; raises Limited after
    as many requests from an address as failed logins are allowed, or a hundred times as many over all."""
    if not usable_links.are_mailed():
        raise Invalid("links_not_mailed")
    most = guessing.most_failures()
    if guessing.failures(username=guessing.OF_LINKS, address=address) >= most:
        raise guessing.too_many("too_many_links")
    if guessing.failures(username=guessing.OF_LINKS) >= most * OVER_ALL:
        raise guessing.too_many("too_many_links")
    called = guessing.storable(called)
    subject = uuid5(NAMESPACE_OID, crypto.keyed_digests(folding.key(called).encode())[0])
    with transaction.atomic():
        guessing.note(guessing.OF_LINKS, address)
        with suppress(IntegrityError), transaction.atomic():  # one that is not done yet will do
            jobs.enqueue(MAIL, {"called": crypto.seal(called)}, by=SYSTEM, subject=subject)


def to_mail(sealed: str, job: UUID) -> Iterator[tuple[User, str]]:
    """The accounts that a request means, each with a fresh link; another try of the same job makes them anew.

    An account without a mail address or a password, or with three links in its mail box already, is left out.
    """
    called = crypto.unseal(sealed)
    named = queries.called(called, User.objects.all())
    means = Q(pk=named.pk) if named else Q(email__iexact=called) if called else Q(pk=None)
    for user in User.objects.filter(means, is_active=True).exclude(email="").order_by("pk")[:MOST_ACCOUNTS]:
        if not user.has_usable_password():
            continue
        PasswordLink.objects.filter(user=user, job=job).delete()
        mailed = PasswordLink.objects.filter(user=user, job__isnull=False, expires_at__gt=clock.now())
        if mailed.count() < MOST_MAILED:
            yield user, _make(user, LIFE_OF_MAILED, by=SYSTEM, job=job)[1]


def give_link(user: User, *, by: Actor) -> tuple[PasswordLink, str]:
    """Make a link for an account, which its administrator hands over: returns it with its token, which is shown this once."""
    require_may_stand_in_for(user, by)
    if not user.is_active:
        raise Invalid("account_retired")
    return _make(user, LIFE_OF_GIVEN, by=by)


@transaction.atomic
def use_link(token: str, password: str, *, address: str = "") -> User:
    """Set the password of the account of a link, which ends its sessions and all its links.

    Raises Invalid; where the password is at fault the link stays as it was.
    """
    user = User.objects.select_for_update().get(pk=usable_links.link(token).user_id)
    usable_links.link(token)  # still there, now that nobody else changes the account
    set_password(user, password, by=replace(actor_for(user), address=address))
    return user


@transaction.atomic
def _make(user: User, life: timedelta, *, by: Actor, job: UUID | None = None) -> tuple[PasswordLink, str]:
    token = crypto.new_token("wwp")
    made = PasswordLink.objects.create(user=user, digest=crypto.digest(token), expires_at=clock.now() + life, job=job)
    body = events.PasswordLinkMade(GUID=str(user.guid), Username=user.username, Mailed=job is not None)
    record(body, about=Subject(ObjectType.USER, user.guid), by=by, changes=())
    return made, token
