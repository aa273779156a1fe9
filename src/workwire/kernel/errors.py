"""What a command or query may refuse, in a few kinds; doors map each kind to their own answer.

A refusal is a code with parameters; its sentence is made at the door, in the reader's language (see `kernel.wording`).

Invariant: a refusal changes nothing. What an actor may not see is `NotFound`, never `Forbidden`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from django.db import InterfaceError, OperationalError

from workwire.kernel.wording import Statement, Value, statement

AWAY_FOR = 5  # seconds after which to try again
_DISK = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))


E = TypeVar("E", bound="DomainError")


class DomainError(Exception):
    """A refusal: a code with parameters and, where one is at fault, the field.

    `code` is what clients rely on; `full_code` names the very sentence where a code has several, such as
    `parent_invalid.itself`.
    """

    def __init__(self, code: str, /, *, field: str | None = None, **parameters: Value) -> None:
        super().__init__(code)
        self.statement = statement(code, **parameters)
        self.full_code, self.code = code, code.partition(".")[0]
        self.field = field

    def __str__(self) -> str:
        return str(self.statement)

    def sentence(self, language: str | None = None) -> str:
        """The sentence in a language, or in that of the present reader."""
        return self.statement.sentence(language)

    def as_a(self, kind: type[E], *, field: str | None = None) -> E:
        """The same refusal as one of another kind, at another field where one is named."""
        return refusal_of(self.statement, kind, field=field or self.field)


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

    def __init__(self, code: str, /, *, retry_after: int, **parameters: Value) -> None:
        super().__init__(code, field=None, **parameters)
        self.retry_after = retry_after


class Away(DomainError):
    """Something we need cannot work at the moment; `retry_after` says in seconds when to come again."""

    def __init__(self, code: str, /, *, retry_after: int = AWAY_FOR, **parameters: Value) -> None:
        super().__init__(code, field=None, **parameters)
        self.retry_after = retry_after


def away(error: BaseException | None) -> Away | None:
    """The refusal for an error of the database, or of a disk that is full or cannot be written; None for any other error."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return Away("database_away")
    if isinstance(error, OSError) and error.errno in _DISK:
        return Away("disk_away")
    return error if isinstance(error, Away) else None


@contextmanager
def named(names: Mapping[str, str | None]) -> Iterator[None]:
    """Rename the field of a refusal to the name that the caller knows it by.

    `names` maps a field, or its first part such as ``files`` of ``files.note``, to that name; an empty name leaves the part
    out, None the whole field.
    """
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


def refusal_of(said: Statement, kind: type[E], *, field: str | None = None) -> E:
    """A refusal with the code and the parameters of a statement."""
    made = kind(said.code, field=field)
    made.statement = said
    return made


def not_found(what: str) -> NotFound:
    """The one answer for a record that is absent or invisible."""
    return NotFound(f"{what}_not_found")
