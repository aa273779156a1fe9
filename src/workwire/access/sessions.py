"""Logging in and out: passwords and client secrets become tokens, tokens become actors.

Guarantees: the time an answer takes tells nothing about whether an account exists; too many failures are refused before
the password is looked at; a token is honoured only while its account, its credential and its idle limit allow.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from workwire.access import events, queries, run_time_settings
from workwire.access.features import bind_to_self_service, with_included
from workwire.access.models import LONGEST_USERNAME, Credential, FailedLogin, Token, User
from workwire.jobs.kinds import forgetting
from workwire.kernel import clock, crypto, folding, text
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Limited, Unauthenticated
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

WINDOW = timedelta(minutes=15)
OF_AN_ADDRESS = 10  # as many failures as of one name
_OF_SECRETS = "client secrets"  # in the place of a user name's digest


@cache
def _decoy() -> str:
    return make_password("a password that nobody has")


def log_in(username: str, password: str, *, address: str, most_failures: int) -> str:
    """Exchange a password for a token; raises Unauthenticated, or Limited after too many failures.

    Failures count under the account that was found, in whichever spelling it was named.
    """
    user = _account_called(username)
    name = crypto.digest(
        user.username if user else folding.key(_storable(username))
    )  # what was typed may be a password
    _check_failures(name, address, most=most_failures)
    right = check_password(_storable(password), user.password if user else _decoy())
    if not right or user is None:
        FailedLogin.objects.create(username=name, address=address)
        raise Unauthenticated("login_failed")
    return _give_token(user, None)


def exchange_secret(client_id: str, client_secret: str, *, address: str, most_failures: int) -> str:
    """Exchange an application credential for a token (OAuth 2.0 client credentials, RFC 6749 section 4.4).

    A right secret is never refused, however many wrong ones came before it: 256 random bits cannot be guessed. Wrong ones are
    refused earlier, with Limited, from an address that sent too many.
    """
    found = Credential.objects.filter(queries.valid_credentials(), client_id=_storable(client_id))
    credential = found.select_related("user").first()
    right = hmac.compare_digest(
        crypto.digest(_storable(client_secret)), credential.secret_digest if credential else crypto.digest("")
    )
    if right and credential is not None:
        return _give_token(credential.user, credential)
    if _recent_failures(username=_OF_SECRETS, address=address) >= most_failures * OF_AN_ADDRESS:
        raise _too_many()
    FailedLogin.objects.create(username=_OF_SECRETS, address=address)
    raise Unauthenticated("invalid_client")


@dataclass(frozen=True, slots=True)
class Session:
    """Who makes a request, and the account it is."""

    actor: Actor
    user: User


def authenticate(token: str, *, idle: timedelta) -> Actor:
    """The actor a token stands for; raises Unauthenticated when it is unknown, idle too long, or its source ended."""
    return session(token, idle=idle).actor


def session(token: str, *, idle: timedelta) -> Session:
    """What `authenticate` gives, with the account; one query."""
    now = clock.now()
    found: Any = _LIVING.first(SYSTEM, digest=crypto.digest(token), used_after=now - idle, now=now)
    if found is None:
        raise Unauthenticated("token_invalid")
    if now - found.last_used_at > idle / 20:  # rarely enough that reading does not mean writing
        Token.objects.filter(pk=found.pk).update(last_used_at=now)
    held = with_included(found.features.split(",") if found.features else ())
    return Session(_actor(found.user, found.credential, held, bound=found.bound_to_self_service), found.user)


def _living(_by: Actor, *, digest: str, used_after: datetime, now: datetime) -> QuerySet[Token]:
    alive = Q(credential=None) | Q(credential__revoked_at=None, credential__expires_at__gt=now)
    found = Token.objects.filter(alive, digest=digest, last_used_at__gt=used_after, user__is_active=True)
    return found.select_related("user", "credential").annotate(
        features=queries.features_joined("user", "credential"),
        bound_to_self_service=ExpressionWrapper(queries.bound_to_self_service("user"), output_field=BooleanField()),
    )


_LIVING = ComposedQuery(_living)


def actor_for(user: User, credential: Credential | None = None) -> Actor:
    """An actor with the features the account holds at this moment."""
    held = queries.features_of(user, credential)
    of_account = held if credential is None else queries.features_of(user)
    return _actor(user, credential, held, bound=bind_to_self_service(of_account))


def _actor(user: User, credential: Credential | None, features: frozenset[str], *, bound: bool) -> Actor:
    return Actor(
        user_id=user.pk,
        user_type=UserType(user.user_type),
        features=features,
        credential_id=credential.pk if credential else None,
        bound_to_self_service=bound,
        guid=user.guid,
        credential_guid=credential.guid if credential else None,
        language=user.language,
        time_zone=user.time_zone,
    )


@transaction.atomic
def log_out(token: str) -> None:
    """Give a token back; one that is not there is no error."""
    found = Token.objects.filter(digest=crypto.digest(token)).select_related("user", "credential").first()
    if found is not None:
        found.delete()
        _record_session(events.LoggedOut, found.user, found.credential)


def forget_old(now: datetime, most: int) -> int:
    """Remove some tokens that ran out, and failures that no longer count, at most so many; returns how many."""
    tokens = Token.objects.filter(last_used_at__lt=now - run_time_settings.token_idle())
    failures = FailedLogin.objects.filter(at__lt=now - WINDOW)
    removed = 0
    for rows in (tokens, failures):
        removed += rows.filter(pk__in=list(rows.values_list("pk", flat=True)[: most - removed])).delete()[0]
    return removed


FORGETTING = forgetting("access.sessions", forget_old, every=timedelta(minutes=5))


def _account_called(username: str) -> User | None:
    """The active account of a name; none for a text that no account can have as its name."""
    if len(username) > LONGEST_USERNAME:
        return None
    return queries.called(_storable(username), User.objects.filter(is_active=True))


def _storable(given: str) -> str:
    """What was given, or nothing where no database could keep it: then it is nobody's."""
    return given if text.is_storable(given) else ""


def _check_failures(name: str, address: str, *, most: int) -> None:
    """Raise Limited when a name failed `most` times, or an address ten times as often, within the window."""
    if _recent_failures(username=name) >= most:
        raise _too_many()
    if _recent_failures(~Q(username=_OF_SECRETS), address=address) >= most * OF_AN_ADDRESS:
        raise _too_many()


def _recent_failures(*conditions: Q, **of: str) -> int:
    return FailedLogin.objects.filter(*conditions, at__gt=clock.now() - WINDOW, **of).count()


def _too_many() -> Limited:
    return Limited(
        "too_many_logins",
        retry_after=int(WINDOW.total_seconds()),
    )


@transaction.atomic
def _give_token(user: User, credential: Credential | None) -> str:
    token = crypto.new_token("wwt")
    Token.objects.create(user=user, credential=credential, digest=crypto.digest(token))
    _record_session(events.LoggedIn, user, credential)
    return token


def _record_session(kind: type[events.SessionBody], user: User, credential: Credential | None) -> None:
    by = Actor(
        user_id=user.pk,
        user_type=UserType(user.user_type),
        credential_id=credential.pk if credential else None,
        guid=user.guid,
        credential_guid=credential.guid if credential else None,
    )
    body = kind(GUID=str(user.guid), Username=user.username)
    record(body, about=Subject(ObjectType.USER, user.guid), by=by, changes=())
