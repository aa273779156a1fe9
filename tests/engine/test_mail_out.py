"""Outgoing mail: sent once to a real server on loopback, tried again when it is refused, given up in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any
from unittest import mock

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings

from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import features
from workwire.jobs import commands as jobs
from workwire.jobs import running
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.rooms.conversations import commands
from workwire.rooms.conversations.models import Communication, SendStatus
from workwire.rooms.files.commands import FileWish
from workwire.rooms.work.models import WorkItem
from workwire.worker import mail as mail_lane


@dataclass
class Mailbox:
    """What a mail server was given, and how it answers."""

    answer: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        """Take a mail."""
        if self.answer.startswith("250"):
            parsed = BytesParser(policy=default).parsebytes(envelope.content)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.recipients.append(envelope.rcpt_tos)
        return self.answer


class Server(Controller):
    """A mail server on whatever port is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server on loopback, and an installation that sends through it."""
    box = Mailbox()
    server = Server(box, hostname="127.0.0.1", port=0)
    server.start()
    configured = settings.CONFIG.model_copy(
        update={"smtp_url": f"smtp://127.0.0.1:{server.port}", "mail_from": "desk@cedar.example"}
    )
    monkeypatch.setattr(settings, "CONFIG", configured)
    yield box
    server.stop()


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


Send = Callable[..., Communication]


@pytest.fixture
def send(open_ticket: Callable[..., WorkItem], by: Actor) -> Send:
    """Write a mail of a ticket."""

    def make(**more: Any) -> Communication:
        terms: dict[str, Any] = {"to": ["ines@willow.example"], "subject": "Paid", "body": "It is paid."}
        return commands.send_mail(open_ticket(), commands.Mail(**(terms | more)), by=by)

    return make


def _send_one() -> bool:
    """Do a piece of what is ready; returns whether there was anything."""
    return running.turn(mail_lane.LANE) == 0.0


def _again(mail: Communication) -> Communication:
    return Communication.objects.get(pk=mail.pk)


def test_a_mail_is_sent_once_with_all_that_belongs_to_it(mailbox: Mailbox, send: Send) -> None:
    mail = send(
        body="<p>It is <b>paid</b>.</p>",
        copies=["c@willow.example"],
        blind_copies=["b@willow.example"],
        attachments=[FileWish(data=b"%PDF-1.7 x", file_name="proof.pdf")],
    )
    assert mail.send_status == SendStatus.QUEUED
    with recorded() as found:
        assert _send_one()
    assert not _send_one()
    (sent,) = mailbox.mails
    assert (sent["From"], sent["To"], sent["Cc"], sent["Bcc"], sent["Subject"]) == (
        "desk@cedar.example",
        "ines@willow.example",
        "c@willow.example",
        None,
        "Paid",
    )
    assert set(mailbox.recipients[0]) == {"ines@willow.example", "c@willow.example", "b@willow.example"}
    assert sent["Message-ID"] == f"<{mail.guid}@cedar.example>"
    plain, html = sent.get_body(("plain",)), sent.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == "It is paid."
    assert "<b>paid</b>" in html.get_content()
    (attachment,) = sent.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("proof.pdf", b"%PDF-1.7 x")
    done = _again(mail)
    assert (done.send_status, done.next_attempt_at, done.sent_on is not None) == (SendStatus.SENT, None, True)
    assert found.only.name == "MailSendingChanged"


def test_a_refused_mail_is_tried_again_and_given_up_in_the_end(mailbox: Mailbox, send: Send) -> None:
    mail = send()
    mailbox.answer = "451 Later, please"
    for number, pause in enumerate(mail_lane.PAUSES, start=1):
        before = clock.now()
        assert _send_one()
        tried = _again(mail)
        assert (tried.send_status, tried.send_attempts) == (SendStatus.PENDING_RETRY, number)
        assert "451" in tried.send_error
        assert tried.next_attempt_at is not None
        assert tried.next_attempt_at - before >= pause
        assert not _send_one()
        Communication.objects.update(next_attempt_at=clock.now())
        Job.objects.update(ready_at=clock.now())
    assert _send_one()
    assert (_again(mail).send_status, _again(mail).next_attempt_at) == (SendStatus.FAILED, None)
    assert mailbox.mails == []


def test_a_mail_whose_sender_died_is_sent_when_its_lease_is_over(mailbox: Mailbox, send: Send) -> None:
    mail = send()
    with mock.patch.object(mail_lane, "_send", side_effect=SystemExit), pytest.raises(SystemExit):
        _send_one()
    assert not _send_one()
    with clock.frozen(clock.now()) as advance:
        advance(mail_lane.LEASE)
        assert not _send_one()
        advance(mail_lane.KIND.lease - mail_lane.LEASE)
        assert _send_one()
    assert len(mailbox.mails) == 1
    assert _again(mail).send_attempts == 2


def test_a_server_that_does_not_answer_is_a_failure_like_any_other(
    mailbox: Mailbox, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = send()
    nowhere = settings.CONFIG.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    monkeypatch.setattr(settings, "CONFIG", nowhere)
    assert _send_one()
    assert _again(mail).send_status == SendStatus.PENDING_RETRY


def test_without_a_mail_server_a_mail_is_kept_and_not_sent(open_ticket: Callable[..., WorkItem], by: Actor) -> None:
    mail = commands.send_mail(open_ticket(), commands.Mail(["a@b.example"], "x", "x"), by=by)
    assert (mail.send_status, mail.next_attempt_at) == (SendStatus.CONNECTOR_DISABLED, None)
    assert not _send_one()


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"to": []}, "recipient_missing"),
        ({"to": ["nobody"]}, "address_invalid"),
        ({"to": ["a@b.example\r\nBcc: evil@x.example"]}, "text_has_control_characters"),
        ({"subject": "x\r\nBcc: evil@x.example"}, "text_has_control_characters"),
        ({"to": [f"a{number}@b.example" for number in range(101)]}, "too_many_recipients"),
        ({"subject": "", "body": ""}, "communication_empty"),
        ({"sender": "boss@bank.example"}, "sender_not_ours"),
    ],
)
def test_a_wrong_mail_is_refused_and_not_written(
    terms: dict[str, Any], code: str, mailbox: Mailbox, send: Send
) -> None:
    with pytest.raises(Invalid) as refusal:
        send(**terms)
    assert refusal.value.code == code
    assert not Communication.objects.exists()


def test_mail_comes_from_the_installation_its_domain_or_ones_own_address(mailbox: Mailbox, send: Send) -> None:
    for sender in ("orders@cedar.example", "TOMAS@cedar.example", ""):
        send(sender=sender)
        assert _send_one()
    assert [mail["From"] for mail in mailbox.mails] == [
        "orders@cedar.example",
        "TOMAS@cedar.example",
        "desk@cedar.example",
    ]


def test_a_domain_beyond_ascii_is_written_by_idna_2008(mailbox: Mailbox, send: Send) -> None:
    send(to=["anna@faß.example", "ben@fass.example"])
    assert _send_one()
    assert mailbox.recipients == [["anna@xn--fa-hia.example", "ben@fass.example"]]


def test_only_the_worker_says_what_became_of_a_mail(mailbox: Mailbox, send: Send, by: Actor) -> None:
    mail = send()
    with pytest.raises(Forbidden):
        commands.mail_sent(mail, by=by)
    with pytest.raises(Forbidden):
        commands.mail_failed(mail, "x", again=None, by=by)
    with pytest.raises(Forbidden):
        commands.mail_cancelled(mail, by=by)


def test_a_mail_that_trips_its_sender_is_tried_again_like_any_other(
    mailbox: Mailbox, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_mail: Communication) -> None:
        raise LookupError("a mistake of ours")

    monkeypatch.setattr(mail_lane, "_send", stumble)
    mail = send()
    with clock.frozen(clock.now()) as advance:
        for _ in range(len(mail_lane.PAUSES) + 1):
            assert _send_one()
            advance(timedelta(days=1))
        assert not _send_one()
    assert _again(mail).send_status == SendStatus.FAILED


def test_a_mail_whose_job_is_cancelled_is_not_sent(mailbox: Mailbox, send: Send, by: Actor) -> None:
    mail = send()
    job = Job.objects.get(subject=mail.guid)
    assert job.asked_by_id == by.user_id
    access.cancel_job(job.guid, by=by)
    assert _send_one()
    assert not _send_one()
    assert (_again(mail).send_status, _again(mail).next_attempt_at) == (SendStatus.CANCELLED, None)
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED
    assert mailbox.mails == []


def test_without_the_right_to_write_nobody_cancels_a_mail_by_its_job(mailbox: Mailbox, send: Send, by: Actor) -> None:
    job = Job.objects.get(subject=send().guid)
    with pytest.raises(Forbidden):
        access.cancel_job(job.guid, by=replace(by, features=frozenset({features.SELF_SERVICE})))
    assert _send_one()
    assert len(mailbox.mails) == 1


def test_a_mail_that_was_given_up_says_so_in_its_job(mailbox: Mailbox, send: Send) -> None:
    mail = send()
    mailbox.answer = "550 Unknown"
    with clock.frozen(clock.now()) as advance:
        for _ in range(len(mail_lane.PAUSES) + 1):
            assert _send_one()
            advance(timedelta(hours=9))
    job = Job.objects.get(subject=mail.guid)
    assert (job.state, job.error_code) == (JobState.FAILED, "mail_refused")
    assert "550" in job.error_text
    assert _again(mail).send_attempts == len(mail_lane.PAUSES) + 1


def test_a_mail_that_an_older_release_wrote_gets_a_job_and_one_that_it_sends_is_left_to_it(
    mailbox: Mailbox, send: Send
) -> None:
    waiting, claimed = send(), send()
    until = clock.now() + timedelta(minutes=5)
    Communication.objects.filter(pk=claimed.pk).update(next_attempt_at=until, send_attempts=1)
    Job.objects.all().delete()
    assert jobs.complete(mail_lane.LANE) == 2
    Job.objects.update(ready_at=clock.now())
    while _send_one():
        pass
    assert [mail["Message-ID"].partition("@")[0] for mail in mailbox.mails] == [f"<{waiting.guid}"]
    assert _again(claimed).send_status == SendStatus.QUEUED
    with clock.frozen(until + timedelta(seconds=1)):
        assert _send_one()
    assert len(mailbox.mails) == 2


def test_a_mail_that_left_while_its_job_was_cancelled_counts_as_sent(
    mailbox: Mailbox, send: Send, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = send()
    job, transmit = Job.objects.get(subject=mail.guid), mail_lane.EmailBackend.send_messages

    def cancelled_meanwhile(backend: Any, messages: Any) -> int:
        count = transmit(backend, messages)
        access.cancel_job(job.guid, by=by)
        return count

    monkeypatch.setattr(mail_lane.EmailBackend, "send_messages", cancelled_meanwhile)
    _send_one()
    assert len(mailbox.mails) == 1
    assert _again(mail).send_status == SendStatus.SENT
    assert Job.objects.get(pk=job.pk).state == JobState.DONE


@pytest.mark.parametrize("tries", [0, 5])
def test_a_try_that_fails_after_its_job_was_cancelled_is_the_last(
    tries: int, mailbox: Mailbox, send: Send, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = send()
    job = Job.objects.get(subject=mail.guid)
    Job.objects.filter(pk=job.pk).update(tries=tries)

    def refused(_backend: Any, _messages: Any) -> int:
        access.cancel_job(job.guid, by=by)
        raise OSError("refused")

    monkeypatch.setattr(mail_lane.EmailBackend, "send_messages", refused)
    _send_one()
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED
    assert _again(mail).send_status == SendStatus.CANCELLED
    assert not mailbox.mails
