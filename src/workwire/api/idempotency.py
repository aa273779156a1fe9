"""`Idempotency-Key`: a request that is repeated with the same key is carried out once and answered the same.

The key is claimed in the transaction of the command, so that neither a crash nor a race makes two. Secrets that are shown
once are not among the answers kept: a repeated request gets them masked. What was asked is kept as a keyed digest, for bodies
may hold passwords. After a day all of it is swept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from workwire.api.auth import actor
from workwire.api.kept_answers import KEPT
from workwire.api.models import IdempotentRequest
from workwire.kernel import clock, crypto
from workwire.kernel.errors import Conflict, Invalid

LONGEST_KEY = 200


def once(
    request: HttpRequest,
    create: Callable[[], dict[str, Any]],
    *,
    hide: tuple[str, ...] = (),
    before: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """The answer of `create`, or the kept one when the request's key was used before; `hide` names keys not kept. `before` is
    what has to wait for others and so is done first, outside the transaction, unless there is an answer already.

    Raises Invalid for a key that is too long or not printable, Conflict for one that was used for another request.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        before()
        return create()
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Invalid("idempotency_key_invalid", most=LONGEST_KEY)
    account, digests = actor(request).user_id or 0, _digests(request)
    IdempotentRequest.objects.filter(created_at__lt=clock.now() - KEPT, account=account).delete()
    if not IdempotentRequest.objects.filter(account=account, key=key).exists():
        before()
    with transaction.atomic():
        row = _claim(account, key, digests[0])
        if row is None:
            return _kept(account, key, digests)
        answer = create()
        row.answer = {name: value for name, value in answer.items() if name not in hide}
        row.save(update_fields=["answer"])
        return answer


def _claim(account: int, key: str, digest: str) -> IdempotentRequest | None:
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(account_id=account, key=key, digest=digest)
    except IntegrityError:
        return None


def _kept(account: int, key: str, digests: list[str]) -> dict[str, Any]:
    row = IdempotentRequest.objects.get(account_id=account, key=key)
    if row.digest not in digests:
        raise Conflict("idempotency_key_reused")
    return dict(row.answer or {})


def _digests(request: HttpRequest) -> list[str]:
    # an application does not get what its user was answered without it
    parts = (request.method or "", request.get_full_path(), str(actor(request).credential_id or ""))
    return crypto.keyed_digests("\n".join(parts).encode() + b"\n" + request.body)
