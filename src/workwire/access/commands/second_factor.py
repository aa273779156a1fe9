"""Setting up a second factor, its recovery codes, and its end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pyotp
from django.db import transaction

from workwire.access import events, queries, second_factors
from workwire.access.commands.accounts import require_may_stand_in_for
from workwire.access.commands.own_password import require_own_password
from workwire.access.models import RecoveryCode, SecondFactor, User
from workwire.access.policy import require_in_person
from workwire.kernel import clock, crypto
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


@dataclass(frozen=True, slots=True)
class Setup:
    """What an app needs to make codes: the key in text, and what its picture says."""

    key: str
    uri: str


@transaction.atomic
def begin_second_factor(*, by: Actor) -> Setup:
    """Make the key of a second factor, which counts when a code of it was confirmed; raises Conflict where there is one."""
    user = _own_account(by)
    if second_factors.factor_of(user) is not None:
        raise Conflict("second_factor_on")
    SecondFactor.objects.filter(user=user).delete()
    key = pyotp.random_base32()
    SecondFactor.objects.create(user=user, sealed_secret=crypto.seal(key))
    return Setup(key, second_factors.uri(key, user))


def second_factor_setup(*, by: Actor) -> Setup | None:
    """What the app needs while a second factor waits for its first code; None otherwise."""
    require_in_person(by)
    user = queries.account(by)
    waiting = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if waiting is None:
        return None
    key = crypto.unseal(waiting.sealed_secret)
    return Setup(key, second_factors.uri(key, user))


@transaction.atomic
def confirm_second_factor(code: str, *, by: Actor) -> list[str]:
    """Turn the second factor on, by a code of the app; returns the recovery codes, which are shown this once."""
    user = _own_account(by)
    waiting = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if waiting is None:
        raise Conflict("second_factor_not_begun")
    if not second_factors.take_first(waiting, code):
        raise Invalid("code_wrong.of_app", field="code")
    SecondFactor.objects.filter(pk=waiting.pk).update(confirmed_at=clock.now())
    _record(events.SecondFactorSet, user, by)
    return _new_codes(user)


def renew_recovery_codes(present: str, *, by: Actor, address: str, most_failures: int) -> list[str]:
    """Make new recovery codes, shown this once; the old ones end. Asks for the present password."""
    require_own_password(present, by=by, address=address, most_failures=most_failures)
    with transaction.atomic():
        user = _own_account(by)
        if second_factors.factor_of(user) is None:
            raise Conflict("second_factor_off")
        _record(events.RecoveryCodesMade, user, by)
        return _new_codes(user)


def turn_off_second_factor(present: str, *, by: Actor, address: str, most_failures: int) -> None:
    """Turn one's own second factor off, by the present password; raises Conflict where a role asks for one."""
    require_own_password(present, by=by, address=address, most_failures=most_failures)
    with transaction.atomic():
        user = _own_account(by)
        if second_factors.is_required(user):
            raise Conflict("second_factor_required")
        _remove(user, by)


@transaction.atomic
def remove_second_factor(user: User, *, by: Actor) -> None:
    """Take away the second factor that an account lost, as an administrator; its sessions end."""
    require_may_stand_in_for(user, by)
    user = User.objects.select_for_update().get(pk=user.pk)
    _remove(user, by)
    user.tokens.filter(credential=None).delete()


def _remove(user: User, by: Actor) -> None:
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        raise Conflict("second_factor_off")
    RecoveryCode.objects.filter(user=user).delete()
    _record(events.SecondFactorRemoved, user, by)


def _own_account(by: Actor) -> User:
    require_in_person(by)
    return User.objects.select_for_update().get(pk=queries.account(by).pk)


def _new_codes(user: User) -> list[str]:
    """Recovery codes of 50 random bits, in two halves."""
    RecoveryCode.objects.filter(user=user).delete()
    made = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=second_factors.digest_of(user, code)) for code in made
    )
    return [f"{code[:5]}-{code[5:]}" for code in made]


def _record(kind: type[events.FactorBody], user: User, by: Actor) -> None:
    body = kind(GUID=str(user.guid), Username=user.username)
    record(body, about=Subject(ObjectType.USER, user.guid), by=by, changes=())
