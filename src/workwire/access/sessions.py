"""Logging in and out: passwords and client secrets become tokens, tokens become actors. A *session* is a token that somebody
got in person.

Guarantees: a token is honoured only while its account, its credential and its idle limit allow; what `guessing` says. The
ledger has every token that was given out or back, with the address it came from, for as long as `sign_in_retention_days`
says.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from workwire.access import events, guessing, queries, run_time_settings, second_factors
from workwire.access.features import bind_to_self_service, with_included
from workwire.access.models import Credential, FailedLogin, PasswordLink, Token, User
from workwire.access.policy import require_in_person
from workwire.jobs.kinds import forgetting
from workwire.kernel import clock, crypto
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Forbidden, Unauthenticated, not_found
from workwire.outbox import ledger
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Area, names_of

LONGEST_BROWSER = 300  # characters of what a browser calls itself
_OF_API, _OF_PAGES = "wwt", "wwp"  # what tokens begin with


def log_in(username: str, password: str, *, address: str, browser: str = "", otp: str | None = None) -> str:
    """Exchange a password, and a code where the account has a second factor, for a token; raises Unauthenticated, or Limited
    after too many failures.

    `address` and `browser` are kept with the token, so that the account recognises its sessions.
    """
    user = guessing.account_called(username)
    user = guessing.require_password(user, password, called=username, address=address)
    second_factors.require_code(user, otp, address=address)
    return _give_token(user, None, address=address, browser=browser)


def begin_in_steps(username: str, password: str, *, address: str, browser: str = "") -> Step:
    """The first step of signing in to the pages, the password: gives the token, or what the second step, the code, begins
    with. Only pages take such a token."""
    user = guessing.account_called(username)
    user = guessing.require_password(user, password, called=username, address=address)
    if second_factors.factor_of(user) is not None:
        return Step(proof=second_factors.proof_of_password(user))
    return Step(token=_give_token(user, None, address=address, browser=browser, kind=_OF_PAGES))


def end_in_steps(proof: str, code: str, *, address: str, browser: str = "") -> str:
    """The second step of signing in to the pages, by a code of the app or a recovery code."""
    user = second_factors.user_of_proof(proof)
    second_factors.require_code(user, code, address=address)
    return _give_token(user, None, address=address, browser=browser, kind=_OF_PAGES)


def exchange_secret(client_id: str, client_secret: str, *, address: str) -> str:
    """Exchange an application credential for a token (OAuth 2.0 client credentials, RFC 6749 section 4.4).

    A right secret is never refused, however many wrong ones came before it: 256 random bits cannot be guessed. Wrong ones are
    refused earlier, with Limited, from an address that sent too many.
    """
    found = Credential.objects.filter(queries.valid_credentials(), client_id=guessing.storable(client_id))
    credential = found.select_related("user").first()
    right = hmac.compare_digest(
        crypto.digest(guessing.storable(client_secret)), credential.secret_digest if credential else crypto.digest("")
    )
    if right and credential is not None:
        return _give_token(credential.user, credential, address=address)
    wrong_ones = guessing.failures(username=guessing.OF_SECRETS, address=address)
    if wrong_ones >= guessing.most_failures() * guessing.OF_AN_ADDRESS:
        raise guessing.too_many()
    user = credential.user if credential else None
    raise guessing.counted(Unauthenticated("invalid_client"), guessing.OF_SECRETS, address, user)


@dataclass(frozen=True, slots=True)
class Step:
    """Where a login stands after the password: a token, or a proof to go on with."""

    token: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Who makes a request, the account it is, and what its token is called among the account's sessions.

    One that `must_enrol` lacks the second factor that a role asks for: its actor holds no feature, and doors let it do nothing
    but set one up.
    """

    actor: Actor
    user: User
    guid: UUID
    must_enrol: bool = False

    def checked(self) -> Session:
        """The session; raises Forbidden while it must enrol."""
        if self.must_enrol:
            raise Forbidden("second_factor_missing")
        return self


def authenticate(token: str, *, address: str = "") -> Actor:
    """The actor a token stands for; raises Unauthenticated when it is unknown, idle too long, or its source ended. `address`
    is where the request came from."""
    return session(token, address=address).checked().actor


def session(token: str, *, address: str = "", on_page: bool = False) -> Session:
    """What `authenticate` gives, with the account; one query. A token that was given by the pages counts only `on_page`: what
    pages ask the password for, an API does not."""
    if token.startswith(f"{_OF_PAGES}_") and not on_page:
        raise Unauthenticated("token_invalid")
    now, idle = clock.now(), run_time_settings.token_idle()
    found: Any = _LIVING.first(SYSTEM, digest=crypto.digest(token), used_after=now - idle, now=now)
    if found is None:
        raise Unauthenticated("token_invalid")
    if now - found.last_used_at > idle / 20:  # rarely enough that reading does not mean writing
        _note_use(found, now)
    must_enrol = found.credential_id is None and found.lacks_second_factor
    held = with_included(found.features.split(",") if found.features and not must_enrol else ())
    actor = _actor(found.user, found.credential, held, bound=found.bound_to_self_service, address=address)
    return Session(actor, found.user, found.guid, must_enrol)


def guid_of(token: str) -> UUID:
    """What a token is called among the sessions of its account."""
    return Token(digest=crypto.digest(token)).guid


def _note_use(token: Token, now: datetime) -> None:
    Token.objects.filter(pk=token.pk).update(last_used_at=now)
    if token.credential_id is not None:
        Credential.objects.filter(pk=token.credential_id).update(last_used_at=now)


def _living(_by: Actor, *, digest: str, used_after: datetime, now: datetime) -> QuerySet[Token]:
    alive = Q(credential=None) | Q(credential__revoked_at=None, credential__expires_at__gt=now)
    found = Token.objects.filter(alive, digest=digest, last_used_at__gt=used_after, user__is_active=True)
    return found.select_related("user", "credential").annotate(
        features=queries.features_joined("user", "credential"),
        bound_to_self_service=ExpressionWrapper(queries.bound_to_self_service("user"), output_field=BooleanField()),
        lacks_second_factor=ExpressionWrapper(second_factors.is_missing("user"), output_field=BooleanField()),
    )


_LIVING = ComposedQuery(_living)


def actor_for(user: User, credential: Credential | None = None) -> Actor:
    """An actor with the features the account holds at this moment."""
    held = queries.features_of(user, credential)
    of_account = held if credential is None else queries.features_of(user)
    return _actor(user, credential, held, bound=bind_to_self_service(of_account))


def _actor(
    user: User, credential: Credential | None, features: frozenset[str], *, bound: bool, address: str = ""
) -> Actor:
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
        address=address,
    )


@transaction.atomic
def log_out(token: str, *, address: str = "") -> None:
    """Give a token back; one that is not there is no error. `address` is where the request came from."""
    found = Token.objects.filter(digest=crypto.digest(token)).select_related("user", "credential").first()
    if found is not None:
        found.delete()
        _record_session(events.LoggedOut, found.user, found.credential, address)


def own_sessions(by: Actor) -> QuerySet[Token]:
    """The sessions of the actor's own account in which somebody may go on; raises Forbidden for an application."""
    require_in_person(by)
    return sessions_of(by.user_id or 0)


def sessions_of(user_id: int) -> QuerySet[Token]:
    """The sessions in which a person is signed in to an account; whoever calls has checked that the actor manages it."""
    used_after = clock.now() - run_time_settings.token_idle()
    return Token.objects.filter(user_id=user_id, credential=None, last_used_at__gt=used_after)


@transaction.atomic
def end_session(guid: UUID, *, by: Actor) -> None:
    """End a session of the actor's own account; raises NotFound."""
    require_in_person(by)
    if not _end(Token.objects.filter(user_id=by.user_id or 0, credential=None, digest__startswith=guid.hex), by):
        raise not_found("session")


@transaction.atomic
def end_other_sessions(kept: UUID, *, by: Actor) -> int:
    """End all sessions of the actor's own account but one; returns how many there were."""
    require_in_person(by)
    mine = Token.objects.filter(user_id=by.user_id or 0, credential=None)
    return _end(mine.exclude(digest__startswith=kept.hex), by)


def _end(tokens: QuerySet[Token], by: Actor) -> int:
    found = list(tokens.select_for_update(of=("self",)).select_related("user"))
    Token.objects.filter(pk__in=[token.pk for token in found]).delete()
    for token in found:
        _record_session(events.LoggedOut, token.user, None, by.address)
    return len(found)


def forget_old(now: datetime, most: int) -> int:
    """Remove some tokens and links that ran out, failures that no longer count, and what the ledger has of old sign-ins, at
    most so many; returns how many."""
    tokens = Token.objects.filter(last_used_at__lt=now - run_time_settings.token_idle())
    failures = FailedLogin.objects.filter(at__lt=now - guessing.WINDOW)
    links = PasswordLink.objects.filter(expires_at__lt=now)
    removed = 0
    for rows in (tokens, failures, links):
        removed += rows.filter(pk__in=list(rows.values_list("pk", flat=True)[: most - removed])).delete()[0]
    kept = timedelta(days=run_time_settings.value_of("sign_in_retention_days"))
    for name in names_of(Area.SIGN_INS):
        removed += ledger.forget(name, now - kept, most - removed)
    return removed


FORGETTING = forgetting("access.sessions", forget_old, every=timedelta(minutes=5))


@transaction.atomic
def _give_token(
    user: User, credential: Credential | None, *, address: str, browser: str = "", kind: str = _OF_API
) -> str:
    token = crypto.new_token(kind)
    Token.objects.create(
        user=user,
        credential=credential,
        digest=crypto.digest(token),
        address=address[:64],
        browser=guessing.storable(browser)[:LONGEST_BROWSER],
    )
    if credential is not None:
        Credential.objects.filter(pk=credential.pk).update(last_used_at=clock.now())
    _record_session(events.LoggedIn, user, credential, address)
    return token


def _record_session(kind: type[events.SessionBody], user: User, credential: Credential | None, address: str) -> None:
    by = Actor(
        user_id=user.pk,
        user_type=UserType(user.user_type),
        credential_id=credential.pk if credential else None,
        guid=user.guid,
        credential_guid=credential.guid if credential else None,
        address=address,
    )
    body = kind(GUID=str(user.guid), Username=user.username)
    record(body, about=Subject(ObjectType.USER, user.guid), by=by, changes=())
