"""What a command or query may refuse, in five kinds; doors map each kind to their own answer.

Invariant: a refusal changes nothing. What an actor may not see is `NotFound`, never `Forbidden`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError

DATABASE_AWAY = "The database cannot work at the moment; try again in a while."
DISK_AWAY = "The disk for files cannot be written at the moment, as when it is full; try again in a while."
AWAY_FOR = 5  # seconds after which to try again
_DISK = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))


class DomainError(Exception):
    """A refusal with a stable `code`, a sentence for people and, where one is at fault, the field."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class Invalid(DomainError):
    """The input breaks a rule."""


class TooLarge(Invalid):
    """The request is larger than is read."""


class NotFound(DomainError):
    """There is no such record, or the actor may not see it; the two are not told apart."""


class Forbidden(DomainError):
    """The actor sees the thing but lacks the role feature for the deed."""


class Unauthenticated(DomainError):
    """No valid credentials were given."""


class Conflict(DomainError):
    """The record is in a state, or at a version, that does not allow the deed."""


class Limited(DomainError):
    """Too much, too often; `retry_after` says in seconds when to come again."""

    def __init__(self, code: str, message: str, *, retry_after: int) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Away(DomainError):
    """Something we need cannot work at the moment; `retry_after` says in seconds when to come again."""

    def __init__(self, code: str, message: str, *, retry_after: int = AWAY_FOR) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


def away(error: BaseException | None) -> Away | None:
    """What cannot work at the moment, if an error says so: the database, or a disk that is full or cannot be written."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return Away("database_away", DATABASE_AWAY)
    if isinstance(error, OSError) and error.errno in _DISK:
        return Away("disk_away", DISK_AWAY)
    return error if isinstance(error, Away) else None


@contextmanager
def named(names: Mapping[str, str | None]) -> Iterator[None]:
    """Call the field of a refusal by the name the caller knows it by: `names` says what stands for a field, or for the first
    part of one such as ``files`` of ``files.note``; an empty name leaves that part out, None the whole field."""
    try:
        yield
    except DomainError as error:
        error.field = _called(error.field, names) if error.field else None
        raise


def _called(field: str, names: Mapping[str, str | None]) -> str | None:
    if field in names:
        return names[field] or None
    first, _, rest = field.partition(".")
    if not rest or first not in names:
        return field
    instead = names[first]
    return None if instead is None else f"{instead}.{rest}".lstrip(".")


def not_found(what: str) -> NotFound:
    """The one answer for a record that is absent or invisible."""
    return NotFound(f"{what}_not_found", f"There is no such {what.replace('_', ' ')}.")
