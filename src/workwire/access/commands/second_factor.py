"""Setting up a second factor, its recovery codes, and its end."""

from __future__ import annotations

import secrets
from typing import Any

import pyotp
from django.db import transaction
from django.db.models import QuerySet

from workwire.access import events, queries, second_factors
from workwire.access.commands.accounts import require_may_stand_in_for
from workwire.access.commands.own_password import require_own_password
from workwire.access.models import RecoveryCode, SecondFactor, User
from workwire.access.policy import require_in_person
from workwire.access.second_factors import Setup
from workwire.kernel import clock, crypto
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def begin_second_factor(present: str, *, by: Actor) -> Setup:
    """Make the key of a second factor, which counts when a code of it was confirmed; raises Conflict where there is one.

    Asks for the present password, or whoever finds a session open could lock its account's owner out.
    """
    require_own_password(present, by=by)
    with transaction.atomic():
        user = _own_account(by)
        if second_factors.factor_of(user) is not None:
            raise Conflict("second_factor_on")
        changes = _removed(SecondFactor.objects.filter(user=user))
        key = pyotp.random_base32()
        made = SecondFactor.objects.create(user=user, sealed_secret=crypto.seal(key))
        _record(events.SecondFactorBegun, user, by, changes + added(made))
    return second_factors.setup(key, user)


@transaction.atomic
def confirm_second_factor(code: str, *, by: Actor) -> list[str]:
    """Turn the second factor on, by a code of the app; returns the recovery codes, which are shown this once."""
    user = _own_account(by)
    waiting = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if waiting is None:
        raise Conflict("second_factor_not_begun")
    if not second_factors.take_first(waiting, code):
        raise Invalid("code_wrong.of_app", field="code")
    before = columns(waiting)
    waiting.confirmed_at = clock.now()
    waiting.save(update_fields=["confirmed_at"])
    codes, changes = _new_codes(user)
    _record(events.SecondFactorSet, user, by, altered(waiting, before) + changes)
    return codes


def renew_recovery_codes(present: str, *, by: Actor) -> list[str]:
    """Make new recovery codes, shown this once; the old ones end. Asks for the present password."""
    require_own_password(present, by=by)
    with transaction.atomic():
        user = _own_account(by)
        if second_factors.factor_of(user) is None:
            raise Conflict("second_factor_off")
        codes, changes = _new_codes(user)
        _record(events.RecoveryCodesMade, user, by, changes)
        return codes


def turn_off_second_factor(present: str, *, by: Actor) -> None:
    """Turn one's own second factor off, by the present password; raises Conflict where a role asks for one."""
    require_own_password(present, by=by)
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
    changes = _removed(SecondFactor.objects.filter(user=user))
    if not changes:
        raise Conflict("second_factor_off")
    changes += _removed(RecoveryCode.objects.filter(user=user))
    _record(events.SecondFactorRemoved, user, by, changes)


def _own_account(by: Actor) -> User:
    require_in_person(by)
    return User.objects.select_for_update().get(pk=queries.account(by).pk)


def _new_codes(user: User) -> tuple[list[str], list[RowChange]]:
    """Recovery codes of 50 random bits, in two halves, in the place of all there were; and what that changed."""
    changes = _removed(RecoveryCode.objects.filter(user=user))
    made = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    rows = RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=second_factors.digest_of(user, code)) for code in made
    )
    return [f"{code[:5]}-{code[5:]}" for code in made], changes + added(*rows)


def _removed(found: QuerySet[Any]) -> list[RowChange]:
    """Remove rows; returns what that changed."""
    changes = removed(*found)
    found.delete()
    return changes


def _record(kind: type[events.FactorBody], user: User, by: Actor, changes: list[RowChange]) -> None:
    body = kind(GUID=str(user.guid), Username=user.username)
    record(body, about=Subject(ObjectType.USER, user.guid), by=by, changes=changes)
