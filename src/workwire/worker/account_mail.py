"""Mail about accounts: links for forgotten passwords, and the message that a password was changed."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage

from workwire.access import queries, usable_links
from workwire.access.commands import accounts, password_links
from workwire.access.models import User
from workwire.access.preferences import language_of
from workwire.access.sessions import actor_for
from workwire.jobs.kinds import Done, Expected, JobKind, Piece
from workwire.kernel import clock
from workwire.kernel.hosts import ascii_address
from workwire.kernel.wording import statement
from workwire.worker import mail

_LINK = (
    "mail_password_link.subject",
    "mail_password_link.address",
    "mail_password_link.once",
    "mail_password_link.ignore",
)
_CHANGED = ("mail_password_changed.subject", "mail_password_changed.changed", "mail_password_changed.alarm")
PAUSES = mail.PAUSES[:2]  # what comes later than that is of no use


def send_links(piece: Piece) -> None:
    """Mail a fresh link to each account that a request means; to nobody where it means none."""
    try:
        for user, token in password_links.to_mail(piece.arguments["called"], piece.job):
            _send(user, _LINK, name=user.username, address=usable_links.address_of(token))
    except InvalidToken as error:
        raise Expected("secret_unreadable", "The request cannot be read with the keys of this installation.") from error


def send_word(piece: Piece) -> None:
    """Tell an account by mail that its password was changed."""
    user = queries.with_guid(UUID(piece.arguments["user"]))
    if user is not None and user.email and user.is_active:
        _send(user, _CHANGED, name=user.username)


def _done(_piece: Piece, _answer: Any) -> Done:
    return Done()


def _kind(name: str, send: Callable[[Piece], None]) -> JobKind:
    terms: Any = {"pauses": PAUSES, "lease": mail.LEASE, "is_done_here": mail.is_set_up}
    return JobKind(name, mail.LANE, _done, outward=send, **terms)


LINKS, WORD = _kind(password_links.MAIL, send_links), _kind(accounts.CHANGE_MAIL, send_word)


def _send(user: User, codes: Sequence[str], **parameters: str) -> None:
    """Send a mail of a subject and some sentences, in the language of the account; raises Expected."""
    language = language_of(actor_for(user))
    said = [statement(code, **parameters).sentence(language) for code in codes]
    message = EmailMessage(
        subject=said[0],
        body="\n\n".join(said[1:]) + "\n",
        from_email=ascii_address(settings.CONFIG.mail_from),
        to=[ascii_address(user.email)],
        headers={"Date": formatdate(clock.now().timestamp()), "Auto-Submitted": "auto-generated"},
        connection=mail.server(),
    )
    try:
        message.send()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise Expected("mail_refused", f"{type(error).__name__}: {error}") from error
