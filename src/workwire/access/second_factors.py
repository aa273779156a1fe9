"""The second factor of an account: codes of an app (TOTP, RFC 6238), and recovery codes for when the app is lost.

Guarantees: a code of the app counts once, within one step (30 seconds) of its time; a recovery code counts once; wrong codes
count as failed logins of the account. The secret is kept encrypted, recovery codes as digests under the installation's key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from workwire.access import events, guessing
from workwire.access.models import RecoveryCode, RoleAssignment, SecondFactor, User
from workwire.access.policy import require_in_person
from workwire.kernel import clock, crypto
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Unauthenticated
from workwire.outbox.changes import removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

STEP = 30  # seconds
DRIFT = 1  # steps that a clock may be off
LIFE_OF_PROOF = timedelta(minutes=5)
_MARK = "second step:"


@dataclass(frozen=True, slots=True)
class Setup:
    """What an app needs to make codes: the key in text, and what its picture says."""

    key: str
    uri: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an account has a second factor, whether a role asks for one, and how many recovery codes are left."""

    is_on: bool
    is_required: bool
    codes_left: int


def standing(user: User) -> Standing:
    """How an account stands with its second factor."""
    codes_left = RecoveryCode.objects.filter(user=user).count()
    return Standing(factor_of(user) is not None, is_required(user), codes_left)


def factor_of(user: User) -> SecondFactor | None:
    """The second factor that an account has confirmed."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()


def is_required(user: User) -> bool:
    """Whether a role of the account asks for a second factor."""
    return RoleAssignment.objects.filter(user=user, role__requires_second_factor=True).exists()


def is_missing(user: str) -> Q:
    """Whether the account that a column names has no second factor although a role of its asks for one."""
    asked = RoleAssignment.objects.filter(user=OuterRef(user), role__requires_second_factor=True)
    had = SecondFactor.objects.filter(user=OuterRef(user), confirmed_at__isnull=False)
    return Q(Exists(asked)) & ~Q(Exists(had))


def require_code(user: User, code: str | None, *, address: str) -> None:
    """Take a code of the app or a recovery code, where the account has a second factor; the password was right before.

    Raises Unauthenticated for a wrong or missing one, and Limited after too many failures.
    """
    factor = factor_of(user)
    if factor is None:
        return
    if not code:
        raise Unauthenticated("second_factor_needed")
    name = guessing.name_of(user)
    guessing.check(name, address)
    if not (_take_step(factor, code) or _take_recovery_code(user, code, address)):
        raise guessing.counted(Unauthenticated("code_wrong"), name, address, user)


def take_first(factor: SecondFactor, code: str) -> bool:
    """Whether a code is one of the app that is being set up."""
    return _take_step(factor, code)


def setup(key: str, user: User) -> Setup:
    """What an app is given of a key."""
    return Setup(key, pyotp.TOTP(key).provisioning_uri(name=user.username, issuer_name="Workwire"))


def setup_under_way(*, by: Actor) -> Setup | None:
    """What the app needs while a second factor of one's own waits for its first code; None otherwise."""
    require_in_person(by)
    waiting = SecondFactor.objects.select_related("user").filter(user=by.user_id, confirmed_at=None).first()
    return None if waiting is None else setup(crypto.unseal(waiting.sealed_secret), waiting.user)


def proof_of_password(user: User) -> str:
    """What says for five minutes that the password of an account was given; void when the password changes."""
    until = clock.now() + LIFE_OF_PROOF
    return crypto.seal(f"{_MARK}{user.pk}/{until.timestamp()}/{crypto.digest(user.password)}")


def user_of_proof(proof: str) -> User:
    """The account that a proof is about; raises Unauthenticated."""
    try:
        mark, told = crypto.unseal(proof)[: len(_MARK)], crypto.unseal(proof)[len(_MARK) :]
        pk, until, password = told.split("/")
    except (InvalidToken, ValueError) as error:
        raise Unauthenticated("login_too_slow") from error
    user = User.objects.filter(pk=int(pk), is_active=True).first() if mark == _MARK else None
    if user is None or float(until) < clock.now().timestamp() or crypto.digest(user.password) != password:
        raise Unauthenticated("login_too_slow")
    return user


def digest_of(user: User, code: str) -> str:
    """Under which a recovery code is kept."""
    return _digests(user, code)[0]


def _take_step(factor: SecondFactor, code: str) -> bool:
    """Whether a code is right and newer than any that was taken; two that come at once cannot both be."""
    written = "".join(code.split())
    try:
        app = pyotp.TOTP(crypto.unseal(factor.sealed_secret), interval=STEP)
    except InvalidToken:
        return False
    now = int(clock.now().timestamp()) // STEP
    found = [
        step
        for step in range(now - DRIFT, now + DRIFT + 1)
        if hmac.compare_digest(app.generate_otp(step).encode(), written.encode(errors="replace"))
    ]
    return any(SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step) for step in found)


@transaction.atomic
def _take_recovery_code(user: User, code: str, address: str) -> bool:
    found = RecoveryCode.objects.filter(user=user, digest__in=_digests(user, code)).select_for_update().first()
    if found is None:
        return False
    changes = removed(found)
    found.delete()
    by = Actor(user_id=user.pk, guid=user.guid, address=address)
    body = events.RecoveryCodeUsed(GUID=str(user.guid), Username=user.username)
    record(body, about=Subject(ObjectType.USER, user.guid), by=by, changes=changes)
    return True


def _digests(user: User, code: str) -> list[str]:
    written = "".join(code.split()).replace("-", "").lower()
    return crypto.keyed_digests(f"{user.guid}/{written}".encode(errors="replace"))
