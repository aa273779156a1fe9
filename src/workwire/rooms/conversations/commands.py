"""The only writer of communications.

Mail that goes out is written here with its state *queued* and a job, in the transaction of the change; the worker sends it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Unpack

import nh3
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from workwire.access import features
from workwire.access.models import User
from workwire.access.policy import require
from workwire.jobs import commands as jobs
from workwire.kernel import clock, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, named
from workwire.kernel.hosts import ascii_address
from workwire.outbox.changes import added, altered, columns
from workwire.rooms.conversations import events, policy
from workwire.rooms.conversations.models import (
    MAIL,
    Attachment,
    Communication,
    CommunicationType,
    Importance,
    SendStatus,
)
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands import FileWish
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as work_queries
from workwire.rooms.work.commands.changing import Changes
from workwire.rooms.work.commands.reworking import ReworkTerms
from workwire.rooms.work.models import ResolutionMethod, WorkItem

LONGEST_BODY = 1024 * 1024
LONGEST_ADDRESSES = 20_000
MOST_RECIPIENTS = 100
SEPARATOR = "; "
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_BLOCK_END = re.compile(r"(?i)<br\s*/?>|</(?:p|div|li|tr|h[1-6])>")
_FROM_OUTSIDE = frozenset(
    {CommunicationType.PHONE_INCOMING, CommunicationType.EMAIL_INCOMING, CommunicationType.LETTER_INCOMING}
)
INCOMING = _FROM_OUTSIDE | {CommunicationType.SELF_SERVICE_COMMENT}


@transaction.atomic
def add(
    item: WorkItem,
    *,
    by: Actor,
    kind: CommunicationType | None = None,
    body: str = "",
    html_body: str = "",
    subject: str = "",
    sender_address: str = "",
    recipients: str = "",
    copies: str = "",
    is_resolution: bool = False,
    is_system_generated: bool = False,
) -> Communication:
    """Record something said about a work item the actor sees; without a kind, a comment in self service, else a note.

    What comes in (a call, a mail, a letter, a comment) wakes an item that waits for information and reopens one resolved
    inside its feedback window, in the same transaction; at a ticket whose work goes on in another item it is that one, where
    the communication is announced, too. Bodies are at most 1 MiB each.
    """
    item = work_queries.item(item.guid, by=by)
    kind = policy.natural_kind(by) if kind is None else _checked_kind(kind)
    _require_may_add(by, kind)
    sender_address = text.line(sender_address, field="sender_address", longest=320)
    sender = _sender(by, kind, sender_address)
    communication = Communication(
        work_item=item,
        kind=kind,
        sender=sender,
        sender_address=sender_address or (sender.email if sender and kind not in _FROM_OUTSIDE else ""),
        recipients=_line(recipients, "recipients", LONGEST_ADDRESSES),
        copies=_line(copies, "copies", LONGEST_ADDRESSES),
        subject=_line(subject, "subject", 500),
        body=text.prose(body, field="body", longest=LONGEST_BODY),
        html_body=text.prose(html_body, field="html_body", longest=LONGEST_BODY),
        is_resolution=is_resolution,
        is_system_generated=is_system_generated,
    )
    if not (body.strip() or html_body.strip() or subject.strip()):
        raise Invalid("communication_empty", field="body")
    _keep(communication, by)
    if kind in INCOMING:
        work.information_arrived(item, by=by)
    return communication


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent from a work item. Addresses are plain (``name@example.org``); `body` is HTML when it looks like it."""

    to: Sequence[str]
    subject: str
    body: str
    sender: str = ""
    copies: Sequence[str] = ()
    blind_copies: Sequence[str] = ()
    importance: Importance = Importance.NORMAL
    attachments: Sequence[FileWish] = ()
    is_resolution: bool = False
    is_system_generated: bool = False


@transaction.atomic
def send_mail(item: WorkItem, mail: Mail, *, by: Actor) -> Communication:
    """Write a mail that goes out from a work item the actor sees, for the worker to send.

    Without a mail server it is kept as `ConnectorDisabled`, and is not sent when one is set up later. Raises Invalid naming
    the field for an address that is none, and for more than 100 of them.
    """
    item = work_queries.item(item.guid, by=by)
    require(by, features.WORK_ITEMS)
    addressed = {"to": mail.to, "copies": mail.copies, "blind_copies": mail.blind_copies}
    checked = {field: [_address(address, field) for address in addresses] for field, addresses in addressed.items()}
    if not checked["to"]:
        raise Invalid("recipient_missing", field="to")
    if sum(map(len, checked.values())) > MOST_RECIPIENTS:
        raise Invalid("too_many_recipients", field="to", most=MOST_RECIPIENTS)
    is_html = looks_like_html(mail.body)
    enabled = bool(settings.CONFIG.smtp_url)
    now = clock.now()
    communication = Communication(
        work_item=item,
        kind=CommunicationType.EMAIL_OUTGOING,
        sender_id=by.user_id,
        sender_address=_mail_sender(mail.sender, by),
        recipients=SEPARATOR.join(checked["to"]),
        copies=SEPARATOR.join(checked["copies"]),
        blind_copies=SEPARATOR.join(checked["blind_copies"]),
        subject=_line(mail.subject, "subject", 500),
        body=text.prose(plain(mail.body) if is_html else mail.body, field="body", longest=LONGEST_BODY),
        html_body=text.prose(mail.body if is_html else "", field="body", longest=LONGEST_BODY),
        importance=mail.importance,
        is_resolution=mail.is_resolution,
        is_system_generated=mail.is_system_generated,
        send_status=SendStatus.QUEUED if enabled else SendStatus.CONNECTOR_DISABLED,
        next_attempt_at=now if enabled else None,
        attachment_count=len(mail.attachments),
    )
    if not (communication.subject or communication.body.strip() or communication.html_body.strip()):
        raise Invalid("communication_empty", field="body")
    communication.save(force_insert=True)
    changes = added(communication)
    for wish in mail.attachments:
        with named({"files": "attachments"}):
            kept, of_file = files.keep_attachment(item.pk, wish, by=by, at=now)
        changes += of_file + added(Attachment.objects.create(communication=communication, file=kept))
    if enabled:
        jobs.enqueue(MAIL, by=by, subject=communication.guid)
    events.record_new(communication, by=by, changes=changes)
    return communication


@transaction.atomic
def mail_sent(communication: Communication, *, by: Actor) -> Communication:
    """Note that a mail was handed to its server; only the system does so."""
    found = _locked_mail(communication, by)
    before = columns(found)
    found.send_status, found.sent_on, found.next_attempt_at, found.send_error = SendStatus.SENT, clock.now(), None, ""
    found.save(update_fields=["send_status", "sent_on", "next_attempt_at", "send_error"])
    events.record_sent(found, by=by, changes=altered(found, before))
    return found


@transaction.atomic
def mail_failed(communication: Communication, error: str, *, again: datetime | None, by: Actor) -> Communication:
    """Note that a mail was not taken, and when it is tried again (None gives it up); only the system does so."""
    found = _locked_mail(communication, by)
    before = columns(found)
    found.send_status = SendStatus.FAILED if again is None else SendStatus.PENDING_RETRY
    found.next_attempt_at, found.send_error = again, error
    found.save(update_fields=["send_status", "next_attempt_at", "send_error"])
    events.record_sent(found, by=by, changes=altered(found, before))
    return found


@transaction.atomic
def mail_cancelled(communication: Communication, *, by: Actor) -> Communication:
    """Note that a mail is not sent, because its job was cancelled; only the system does so."""
    found = _locked_mail(communication, by)
    before = columns(found)
    found.send_status, found.next_attempt_at = SendStatus.CANCELLED, None
    found.save(update_fields=["send_status", "next_attempt_at"])
    events.record_sent(found, by=by, changes=altered(found, before))
    return found


@transaction.atomic
def assign_with_note(
    item: WorkItem, user: User | None, note: str, *, by: Actor, force: bool = False, version: int | None = None
) -> WorkItem:
    """Assign an item to an account, or unassign it, and keep the remark as a note."""
    if user is None:
        given = work.unassign(item, by=by, version=version)
    else:
        given = work.assign(item, user, by=by, force=force, version=version)
    if note.strip():
        _note(given, note, by=by)
    return given


@transaction.atomic
def resolve(
    item: WorkItem,
    *,
    by: Actor,
    note: str = "",
    method: ResolutionMethod | None = None,
    version: int | None = None,
    **changes: Unpack[Changes],
) -> WorkItem:
    """Resolve an item (see `work.resolve`) and keep the remark as a note. Raises Conflict for a person who resolves a ticket
    without a mail or a note at it, where the setting asks for one."""
    resolved = work.resolve(item, by=by, method=method, version=version, **changes)
    if note.strip():
        _note(resolved, note, by=by, is_resolution=True)
    elif policy.is_asked_to_write(by, resolved) and not _is_answered(resolved):
        raise Conflict("communication_missing", field="note")
    return resolved


@transaction.atomic
def rework(
    item: WorkItem, step: int, *, by: Actor, note: str = "", version: int | None = None, **terms: Unpack[ReworkTerms]
) -> WorkItem:
    """Send a case back in its flow (see `work.rework`) and keep the remark as a note at the case. Returns the case."""
    case = work.rework(item, step, by=by, version=version, **terms)
    if note.strip():
        _note(case, note, by=by)
    return case


@transaction.atomic
def merge_tickets(
    tickets: Sequence[WorkItem],
    into: WorkItem,
    *,
    by: Actor,
    version: int | None = None,
    target_version: int | None = None,
) -> WorkItem:
    """Merge tickets into another item (see `work.merge`), and announce what was said at them as communications of that item.
    Returns that item."""
    once = sorted({ticket.pk for ticket in tickets})
    target = work.merge(tickets, into, by=by, version=version, target_version=target_version)
    said = Communication.objects.filter(work_item__in=once).select_related("work_item", "sender").order_by("pk")
    for communication in said:
        events.record_copy(communication, target, by=by)
    return target


def _note(item: WorkItem, note: str, *, by: Actor, is_resolution: bool = False) -> None:
    """Keep the remark of a command as a note at the item that it changed, which the actor saw."""
    kind = CommunicationType.AUDIT_NOTE
    _require_may_add(by, kind)
    sender = _sender(by, kind, "")
    communication = Communication(
        work_item=item,
        kind=kind,
        sender=sender,
        sender_address=sender.email if sender else "",
        body=text.prose(note, field="note", longest=LONGEST_BODY),
        is_resolution=is_resolution,
    )
    _keep(communication, by)


def _keep(communication: Communication, by: Actor) -> None:
    """Save and announce a communication, also at the item in which the work of its own goes on."""
    communication.save(force_insert=True)
    events.record_new(communication, by=by, changes=added(communication))
    taker = work_queries.taker_of(communication.work_item)
    if taker is not None:
        events.record_copy(communication, taker, by=by)


def _is_answered(item: WorkItem) -> bool:
    """Whether a mail went out from an item, or a note was written at it, by somebody; copies do not count."""
    said = Communication.objects.filter(work_item=item.pk, is_system_generated=False, logged_at__gte=item.created_at)
    return said.filter(kind__in=(CommunicationType.EMAIL_OUTGOING, CommunicationType.AUDIT_NOTE)).exists()


def _checked_kind(kind: int) -> CommunicationType:
    try:
        return CommunicationType(kind)
    except ValueError as error:
        raise Invalid("communication_type_unknown", field="kind") from error


def _require_may_add(actor: Actor, kind: CommunicationType) -> None:
    """Raise Forbidden for who may add nothing, Invalid for a kind that is not the actor's to write."""
    if not policy.in_self_service(actor):
        require(actor, features.WORK_ITEMS)
    if not policy.may_add(actor, kind):
        raise Invalid("communication_type_not_allowed", field="kind")


def _sender(actor: Actor, kind: CommunicationType, address: str) -> User | None:
    """Whom it came from: the actor, unless it came from outside and the address says from whom."""
    if actor.user_id is None or (kind in _FROM_OUTSIDE and address):
        return None
    return User.objects.get(pk=actor.user_id)


def _locked_mail(communication: Communication, by: Actor) -> Communication:
    if by.user_id is not None:
        raise Forbidden("system_only.mail")
    return Communication.objects.select_for_update(of=("self",)).select_related("work_item").get(pk=communication.pk)


def looks_like_html(body: str) -> bool:
    """Whether a body is HTML rather than plain text."""
    return bool(_TAG.search(body))


def plain(html: str) -> str:
    """The text of HTML, without tags and with line ends where blocks end."""
    spaced = _BLOCK_END.sub("\n", html)
    return unescape(nh3.clean(spaced, tags=set())).strip()


def _mail_sender(given: str, by: Actor) -> str:
    """Whom a mail says it comes from: the installation, the actor, or an address of a domain that is ours; raises Invalid."""
    config = settings.CONFIG
    if not given:
        return str(config.mail_from)
    address = _address(given, "sender")
    spelled = ascii_address(address).lower()
    own = {config.mail_from, *User.objects.filter(pk=by.user_id or 0).values_list("email", flat=True)}
    domains = {config.mail_from.rpartition("@")[2], *config.mail_domains}
    ours = spelled in map(_spelled, own) or spelled.rpartition("@")[2] in map(_spelled, domains)
    if config.smtp_url and not ours:
        raise Invalid("sender_not_ours", field="sender")
    return address


def _address(value: str, field: str) -> str:
    value = text.line(value, field=field, longest=254)
    try:
        validate_email(ascii_address(value))
    except (ValidationError, ValueError) as error:
        raise Invalid("address_invalid", field=field) from error
    return value


def _spelled(address: str) -> str:
    """An address or a domain as it is compared."""
    try:
        return ascii_address(address).lower()
    except ValueError:  # an old one that is none
        return address


def _line(value: str, field: str, longest: int) -> str:
    return text.line(value, field=field, longest=longest)
