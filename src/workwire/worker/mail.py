"""The lane of outgoing mail: claims what is due, sends it without a transaction open, settles it.

At least once: a mail whose sender died while it was sent is sent again when its lease has run out, with the same
Message-ID. Failures are tried again with growing pauses, then given up.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.db import Error, transaction

from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.kernel.hosts import ascii_address, ascii_name
from workwire.rooms.conversations import commands, queries
from workwire.rooms.conversations.queries import Communication
from workwire.rooms.files import queries as files

logger = logging.getLogger(__name__)
LANE = "mail"
POLL = 2.0  # seconds between looks
LEASE = timedelta(minutes=5)
CONNECT_TIMEOUT = 20
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))


def turn() -> bool:
    """Send one mail that is due; returns whether there was one."""
    mail = _claim(clock.now())
    if mail is None:
        return False
    try:
        _send(mail)
    except Error:
        raise  # the database is away, the mail is none the worse for it
    except Exception as error:  # whatever a mail does to its sender, it may not come back for ever
        tried = mail.send_attempts
        again = clock.now() + PAUSES[tried - 1] if tried <= len(PAUSES) else None
        unexpected = not isinstance(error, (OSError, smtplib.SMTPException, ValueError))
        logger.warning("mail %s was not sent: %s", mail.guid, error, exc_info=unexpected)
        commands.mail_failed(mail, f"{type(error).__name__}: {error}"[:500], again=again, by=SYSTEM)
    else:
        commands.mail_sent(mail, by=SYSTEM)
    return True


@transaction.atomic
def _claim(now: datetime) -> Communication | None:
    """One due mail, leased: its next attempt is moved on, so that no other sender takes it meanwhile."""
    found = queries.to_send(now).select_for_update(skip_locked=True).first()
    if found is None:
        return None
    found.next_attempt_at, found.send_attempts = now + LEASE, found.send_attempts + 1
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
        connection=_server(),
    )
    if mail.html_body:
        message.attach_alternative(mail.html_body, "text/html")
    for attachment in mail.attachments.select_related("file__stored"):
        with files.contents(attachment.file.stored) as content:
            message.attach(attachment.file.file_name, content.read(), attachment.file.stored.media_type)
    message.send()


def _server() -> EmailBackend:
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
