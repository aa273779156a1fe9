"""Guessing passwords, secrets and codes: failures are counted for a quarter of an hour, and too many refuse the next try
before it is looked at.

Guarantee: the time an answer takes tells nothing about whether an account exists. The ledger has the refusals, with the
address each came from, as long as they are no flood.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Q

from workwire.access import events, queries, run_time_settings
from workwire.access.models import LONGEST_USERNAME, FailedLogin, User
from workwire.kernel import clock, crypto, folding, text
from workwire.kernel.actor import SYSTEM
from workwire.kernel.errors import Limited, Unauthenticated
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

WINDOW = timedelta(minutes=15)
MOST_RECORDED = 200  # refusals that the ledger takes in a window
NOBODY = UUID(int=0)  # what is recorded of names that no account has is about this one
OF_AN_ADDRESS = 10  # as many failures as of one name
OF_SECRETS = "client secrets"  # in the place of a user name's digest
OF_LINKS = "password links"  # asked for, which is no failure


def require_password(user: User | None, password: str, *, called: str, address: str) -> User:
    """The account, when this is its password; raises Unauthenticated, or Limited after too many failures.

    Failures count under the account that was found, in whichever spelling it was `called`.
    """
    name = name_of(user, called)
    check(name, address)
    right = check_password(storable(password), user.password if user else _decoy())
    if not right or user is None:
        raise counted(Unauthenticated("login_failed"), name, address, user)
    return user


def note(name: str, address: str) -> None:
    """Count something that is no failure, under a name of its own."""
    FailedLogin.objects.create(username=name, address=address)


def name_of(user: User | None, called: str = "") -> str:
    """Under which name failures of an account count; what was typed for one may be a password."""
    return crypto.digest(user.username if user else folding.key(storable(called)))


def most_failures() -> int:
    """How many failures of a name within the window are too many."""
    return int(run_time_settings.value_of("login_attempts"))


def check(name: str, address: str) -> None:
    """Raise Limited when a name failed too often within the window, or an address ten times as often."""
    most = most_failures()
    if failures(username=name) >= most:
        raise too_many()
    if failures(~Q(username__in=(OF_SECRETS, OF_LINKS)), address=address) >= most * OF_AN_ADDRESS:
        raise too_many()


@transaction.atomic
def counted(refusal: Unauthenticated, name: str, address: str, user: User | None) -> Unauthenticated:
    """The refusal, counted and recorded: for a name that no account has in the same way, so that it takes as long. In a flood
    it is counted only, or anybody could fill the ledger."""
    FailedLogin.objects.create(username=name, address=address)
    lately = FailedLogin.objects.filter(at__gt=clock.now() - WINDOW).exclude(username=OF_LINKS)  # these are no failures
    if lately[: MOST_RECORDED + 1].count() > MOST_RECORDED:
        return refusal
    guid, username = (user.guid, user.username) if user else (NOBODY, "")
    body = events.LoginRefused(GUID=str(guid), Username=username, Reason=refusal.code)
    record(body, about=Subject(ObjectType.USER, guid), by=replace(SYSTEM, address=address), changes=())
    return refusal


def failures(*conditions: Q, **of: str) -> int:
    """How many failures count at this moment."""
    return FailedLogin.objects.filter(*conditions, at__gt=clock.now() - WINDOW, **of).count()


def too_many(code: str = "too_many_logins") -> Limited:
    """What is said after too many failures."""
    return Limited(code, retry_after=int(WINDOW.total_seconds()))


def account_called(username: str) -> User | None:
    """The active account of a name; none for a text that no account can have as its name."""
    if len(username) > LONGEST_USERNAME:
        return None
    return queries.called(storable(username), User.objects.filter(is_active=True))


def storable(given: str) -> str:
    """What was given, or nothing where no database could keep it: then it is nobody's."""
    return given if text.is_storable(given) else ""


@cache
def _decoy() -> str:
    return make_password("a password that nobody has")
