"""Outgoing mail: a job for each, which sends it without a transaction open and settles it.

At least once: a mail whose sender died while it was sent is sent again when its lease has run out, with the same
Message-ID. Failures are tried again with growing pauses, then given up.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import formatdate
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.jobs.kinds import Done, Expected, JobKind, More, Piece, Wanted
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.hosts import ascii_address, ascii_name
from workwire.rooms.conversations import commands, queries
from workwire.rooms.conversations.queries import MAIL, Communication
from workwire.rooms.files import queries as files

LANE = "mail"
LEASE = timedelta(minutes=5)
CONNECT_TIMEOUT = 20
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))


def is_set_up() -> bool:
    """Whether there is a mail server; without one, what was to be sent waits."""
    return bool(settings.CONFIG.smtp_url)


def send(piece: Piece) -> Communication | datetime | None:
    """Send the mail of a job; returns it, None for one that is not to be sent any more, or when to look again, because an
    older worker has it. Raises Expected for what a mail may do to its sender."""
    mail = _take(piece)
    if not isinstance(mail, Communication):
        return mail
    try:
        _send(mail)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise Expected("mail_refused", f"{type(error).__name__}: {error}") from error
    return mail


def settle(piece: Piece, mail: Communication | datetime | None) -> More | Done:
    """Note that a mail was sent."""
    if isinstance(mail, datetime):
        return More(after=mail - piece.now)
    if mail is not None:
        commands.mail_sent(mail, by=SYSTEM)
    return Done()


def _failed(piece: Piece, error: Exception, again: datetime | None) -> None:
    for mail in queries.to_send().filter(guid=piece.record):
        text = str(error) if isinstance(error, Expected) else f"{type(error).__name__}: {error}"
        commands.mail_failed(mail, text[:500], again=again, by=SYSTEM)


def _cancelled(piece: Piece) -> None:
    for mail in queries.to_send().filter(guid=piece.record):
        commands.mail_cancelled(mail, by=SYSTEM)


def _refuse_cancelling(guid: UUID | None, by: Actor) -> None:
    require(by, features.WORK_ITEMS)
    if guid is not None:
        queries.communication(guid, by=by)


def _wanted() -> Iterator[Wanted]:
    rows = queries.to_send().values_list("guid", "sender", "next_attempt_at")
    for guid, sender, at in rows.iterator():
        yield Wanted(guid, sender, at or clock.now())


KIND = JobKind(
    MAIL,
    LANE,
    settle,
    outward=send,
    on_failure=_failed,
    on_cancel=_cancelled,
    refuse_cancelling=_refuse_cancelling,
    wanted=_wanted,
    pauses=PAUSES,
    lease=LEASE + timedelta(minutes=1),
    is_done_here=is_set_up,
)


@transaction.atomic
def _take(piece: Piece) -> Communication | datetime | None:
    """The mail of a job, its next attempt moved on so that no worker of an older release takes it meanwhile; the moment until
    which one of these has it."""
    found = queries.to_send().select_for_update().filter(guid=piece.record).first()
    if found is None:
        return None
    if found.next_attempt_at is not None and found.next_attempt_at > piece.now:
        return found.next_attempt_at
    found.next_attempt_at, found.send_attempts = piece.now + LEASE, found.send_attempts + 1
    found.save(update_fields=["next_attempt_at", "send_attempts"])
    return found


def _send(mail: Communication) -> None:
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.body,
        from_email=ascii_address(mail.sender_address),
        to=_addresses(mail.recipients),
        cc=_addresses(mail.copies),
        bcc=_addresses(mail.blind_copies),
        headers={
            "Message-ID": f"<{mail.guid}@{ascii_address(mail.sender_address).rpartition('@')[2] or 'localhost'}>",
            "Date": formatdate(mail.logged_at.timestamp()),
            "Importance": mail.get_importance_display(),
        },
        connection=server(),
    )
    if mail.html_body:
        message.attach_alternative(mail.html_body, "text/html")
    for attachment in mail.attachments.select_related("file__stored"):
        with files.contents(attachment.file.stored) as content:
            message.attach(attachment.file.file_name, content.read(), attachment.file.stored.media_type)
    message.send()


def server() -> EmailBackend:
    """The mail server that the settings name."""
    url = urlsplit(settings.CONFIG.smtp_url)
    return EmailBackend(
        host=ascii_name(url.hostname or ""),
        port=url.port or (465 if url.scheme == "smtps" else 25),
        username=unquote(url.username or ""),
        password=unquote(url.password or ""),
        use_tls=url.scheme == "smtp" and bool(url.username),
        use_ssl=url.scheme == "smtps",
        timeout=CONNECT_TIMEOUT,
    )


def _addresses(written: str) -> list[str]:
    return [ascii_address(address) for address in written.split(commands.SEPARATOR) if address]
