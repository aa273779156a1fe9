"""Logging in and out: passwords and client secrets become tokens, tokens become actors.

Guarantees: the time an answer takes tells nothing about whether an account exists; too many failures are refused before
the password is looked at; a token is honoured only while its account, its credential and its idle limit allow.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from functools import cache

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Q, QuerySet

from workwire.access import events, queries
from workwire.access.models import Credential, FailedLogin, Token, User
from workwire.kernel import clock, crypto
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Limited, Unauthenticated
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

WINDOW = timedelta(minutes=15)


@cache
def _decoy() -> str:
    return make_password("a password that nobody has")


def log_in(username: str, password: str, *, address: str, most_failures: int) -> str:
    """Exchange a password for a token; raises Unauthenticated, or Limited after too many failures."""
    check_failures(username, address, most=most_failures)
    user = User.objects.filter(username__iexact=username, is_active=True).first()
    if not check_password(password, user.password if user else _decoy()) or user is None:
        _remember_failure(username, address)
        raise Unauthenticated("login_failed", "The user name or the password is wrong.")
    return _give_token(user, None)


def exchange_secret(client_id: str, client_secret: str, *, address: str, most_failures: int) -> str:
    """Exchange an application credential for a token (OAuth 2.0 client credentials, RFC 6749 section 4.4)."""
    check_failures(client_id, address, most=most_failures)
    credential = (
        Credential.objects.filter(queries.valid_credentials(), client_id=client_id).select_related("user").first()
    )
    right = hmac.compare_digest(
        crypto.digest(client_secret), credential.secret_digest if credential else crypto.digest("")
    )
    if not right or credential is None:
        _remember_failure(client_id, address)
        raise Unauthenticated("invalid_client", "The client id or the client secret is wrong, or no longer valid.")
    return _give_token(credential.user, credential)


def authenticate(token: str, *, idle: timedelta) -> Actor:
    """The actor a token stands for; raises Unauthenticated when it is unknown, idle too long, or its source ended."""
    now = clock.now()
    found = _LIVING.first(SYSTEM, digest=crypto.digest(token), used_after=now - idle, now=now)
    if found is None:
        raise Unauthenticated("token_invalid", "There is no valid token with this request; log in.")
    if now - found.last_used_at > idle / 20:  # rarely enough that reading does not mean writing
        Token.objects.filter(pk=found.pk).update(last_used_at=now)
    return actor_for(found.user, found.credential)


def _living(_by: Actor, *, digest: str, used_after: datetime, now: datetime) -> QuerySet[Token]:
    alive = Q(credential=None) | Q(credential__revoked_at=None, credential__expires_at__gt=now)
    found = Token.objects.filter(alive, digest=digest, last_used_at__gt=used_after, user__is_active=True)
    return found.select_related("user", "credential")


_LIVING = ComposedQuery(_living)


def actor_for(user: User, credential: Credential | None = None) -> Actor:
    """An actor with the features the account holds at this moment."""
    return Actor(
        user_id=user.pk,
        user_type=UserType(user.user_type),
        features=queries.features_of(user, credential),
        credential_id=credential.pk if credential else None,
    )


@transaction.atomic
def log_out(token: str) -> None:
    """Give a token back; one that is not there is no error."""
    found = Token.objects.filter(digest=crypto.digest(token)).select_related("user").first()
    if found is not None:
        found.delete()
        _record_session(events.LoggedOut, found.user)


def forget_old(*, idle: timedelta) -> int:
    """Remove tokens that ran out and failures that no longer count; returns how many rows went."""
    tokens, _ = Token.objects.filter(last_used_at__lt=clock.now() - idle).delete()
    failures, _ = FailedLogin.objects.filter(at__lt=clock.now() - WINDOW).delete()
    return tokens + failures


def check_failures(username: str, address: str, *, most: int) -> None:
    """Raise Limited when a name failed `most` times, or an address ten times as often, within the window."""
    recent = FailedLogin.objects.filter(at__gt=clock.now() - WINDOW)
    if (
        recent.filter(username=username[:150].lower()).count() >= most
        or recent.filter(address=address).count() >= most * 10
    ):
        raise Limited(
            "too_many_logins",
            "Too many failed logins; wait a quarter of an hour.",
            retry_after=int(WINDOW.total_seconds()),
        )


def _remember_failure(username: str, address: str) -> None:
    FailedLogin.objects.create(username=username[:150].lower(), address=address)


@transaction.atomic
def _give_token(user: User, credential: Credential | None) -> str:
    token = crypto.new_token("wwt")
    Token.objects.create(user=user, credential=credential, digest=crypto.digest(token))
    _record_session(events.LoggedIn, user)
    return token


def _record_session(kind: type[events.SessionBody], user: User) -> None:
    record(
        kind(GUID=str(user.guid), Username=user.username),
        about=Subject(ObjectType.USER, user.guid),
        by=Actor(user_id=user.pk),
    )
