"""Certificates of a subscription: checked when saved, shown without the key, used when sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.doors.conftest import Caller
from tests.support.certificates import Authority, Signed
from tests.support.organisation import Customer
from tests.support.raw_server import OK, Server
from workwire.jobs import timers
from workwire.jobs.models import Timer
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.kernel.errors import Invalid
from workwire.outbox.models import Event
from workwire.reactions.webhooks import certificate_reminders, commands, queries, repair, tls_terms
from workwire.reactions.webhooks.models import Attempt, Delivery, Subscription
from workwire.worker.delivery.engine import Engine

AUTHORITY, CLIENTS = Authority("Endpoints"), Authority("Clients")
OURS = CLIENTS.sign("workwire")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An endpoint that wants to see a certificate, and has one that nobody else trusts."""
    made = Server(lambda connection: connection.sendall(OK), tls=AUTHORITY.server(tmp_path, asks_for=CLIENTS))
    yield made
    made.socket.close()


def _terms(signed: Signed = OURS) -> dict[str, str]:
    return {"client_certificate": signed.certificate.decode(), "client_key": signed.key.decode()}


def _wish(url: str, customer: Customer, **more: Any) -> dict[str, Any]:
    guid = str(customer.company.guid)
    return {"webhook": "PacketCreated", "url": url, "filter_type": "company", "filter_guid": guid, **more}


@pytest.fixture
def at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a sample message while the request waits for it, as a worker beside the web process does."""

    def drained(delivery: Delivery, *, seconds: float) -> Delivery:
        engine.drain()
        delivery.refresh_from_db()
        return delivery

    monkeypatch.setattr(repair, "wait_for_end", drained)


def test_they_are_used_and_shown_without_the_key(
    builder: Caller, first: Customer, server: Server, at_once: None
) -> None:
    wish = _wish(server.url, first, **_terms(), authorities=AUTHORITY.certificate.decode())
    answer = builder.api("POST", "/subscriptions", wish)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["client_certificate"]["subject"] == "CN=workwire"
    assert made["client_certificate"]["issuer"] == "CN=Clients"
    assert len(made["client_certificate"]["sha256"]) == 64
    assert [one["subject"] for one in made["authorities"]] == ["CN=Endpoints"]
    path = f"/subscriptions/{made['guid']}"
    shown = builder.api("GET", path).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    row = Subscription.objects.get(guid=made["guid"])
    secret = OURS.key.decode().splitlines()[1]
    everything = [*vars(row).values(), *Event.objects.values_list("body", "changes"), answer.content]
    assert secret not in "".join(map(str, everything))
    assert _tried(builder, path) == (204, "")
    assert builder.api("PATCH", path, {"client_certificate": ""}).json()["client_certificate"] is None
    assert Subscription.objects.get(guid=made["guid"]).client_key_sealed == ""
    assert _tried(builder, path) in [(None, "tls"), (None, "reset")]
    renewed = {
        "client_certificate": f"# renewed\n{_terms()['client_certificate']}",
        "client_key": _terms()["client_key"],
    }
    assert builder.api("PATCH", path, renewed).status_code == 200
    assert _tried(builder, path) == (204, "")
    assert builder.api("PATCH", path, {"authorities": ""}).json()["authorities"] == []
    assert _tried(builder, path) == (None, "tls")


def _tried(builder: Caller, path: str) -> tuple[int | None, str]:
    assert builder.api("POST", f"{path}/simulate").status_code == 200
    last = Attempt.objects.latest("id")
    return last.status, last.error


def test_a_certificate_is_renewed_without_its_key_where_that_stays(
    builder: Caller, first: Customer, server: Server
) -> None:
    path = (
        f"/subscriptions/{builder.api('POST', '/subscriptions', _wish(server.url, first, **_terms())).json()['guid']}"
    )
    again = builder.api("PATCH", path, {"client_certificate": _terms()["client_certificate"]})
    assert again.status_code == 200
    other = builder.api("PATCH", path, {"client_certificate": _terms(CLIENTS.sign("other"))["client_certificate"]})
    assert (other.status_code, other.json()["code"]) == (422, "client_key_mismatch")
    Subscription.objects.update(client_key_sealed="sealed with a key that is lost")
    lost = builder.api("PATCH", path, {"client_certificate": _terms(CLIENTS.sign("new"))["client_certificate"]})
    assert (lost.status_code, lost.json()["code"]) == (422, "client_key_unreadable")


BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
OTHER_KEY = (
    ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


@pytest.mark.parametrize(
    ("terms", "code", "field"),
    [
        ({"client_certificate": "nonsense", "client_key": OTHER_KEY}, "certificate_invalid", "client_certificate"),
        (_terms(CLIENTS.sign("old", days=-1)), "client_certificate_expired", "client_certificate"),
        ({"client_certificate": _terms()["client_certificate"]}, "client_key_missing", "client_key"),
        ({"client_key": OTHER_KEY}, "client_certificate_missing", "client_certificate"),
        (_terms() | {"client_key": OTHER_KEY}, "client_key_mismatch", "client_key"),
        (_terms() | {"client_key": "nonsense \udcff"}, None, "client_key"),
        (_terms() | {"client_key": "nonsense"}, "client_key_invalid", "client_key"),
        (_terms(CLIENTS.sign("locked", passphrase=b"secret")), "client_key_encrypted", "client_key"),
        (_terms() | {"client_key": "x" * 4001}, None, "client_key"),
        ({"authorities": OTHER_KEY}, "certificate_invalid", "authorities"),
        (
            {"authorities": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            "certificate_invalid",
            "authorities",
        ),
        ({"authorities": "\0"}, "certificate_invalid", "authorities"),
        (_terms() | {"url": "http://127.0.0.1/"}, "certificates_without_tls", "url"),
        (
            {"authorities": AUTHORITY.certificate.decode(), "url": "http://127.0.0.1/"},
            "certificates_without_tls",
            "url",
        ),
    ],
)
def test_what_could_not_be_used_is_refused(
    terms: dict[str, str], code: str | None, field: str, builder: Caller, first: Customer
) -> None:
    answer = builder.api("POST", "/subscriptions", _wish("https://127.0.0.1/", first) | terms)
    assert answer.status_code == 422, answer.content
    problem = answer.json()
    assert code is None or problem["code"] == code
    assert code is None or problem["field"] == field
    assert not Subscription.objects.exists()


def test_a_key_that_takes_long_to_check_is_not_looked_at() -> None:
    begun = time.monotonic()
    with pytest.raises(Invalid) as refused:
        tls_terms.set_on(Subscription(url="https://a.example/"), _terms()["client_certificate"], "x" * 60_000, "")
    assert refused.value.code == "client_key_too_long"
    assert time.monotonic() - begun < 1


def _ending(builder: Caller, customer: Customer, **more: Any) -> Subscription:
    """A subscription with certificates, as made through the API."""
    answer = builder.api("POST", "/subscriptions", _wish("https://127.0.0.1:9/", customer, **more))
    assert answer.status_code == 201, answer.json()
    return Subscription.objects.get(guid=answer.json()["guid"])


def _counted() -> tuple[int, int]:
    found = queries.unwell(clock.now())
    return found["certificates_ending"], found["certificates_ended"]


def _told() -> list[str]:
    found = Event.objects.filter(name="SubscriptionCertificateExpiring").order_by("pk")
    return [orjson.loads(event.body)["ValidUntil"] for event in found]


def test_an_owner_is_told_before_certificates_end_and_no_more_once_they_have(
    builder: Caller, caller: Callable[[str], Caller], first: Customer
) -> None:
    with clock.frozen(clock.now()) as advance:
        made = _ending(builder, first, **_terms(CLIENTS.sign(days=40)))
        end = made.certificates_end_at
        assert end is not None
        told: list[str] = []
        for hours, count in ((9 * 24, 0), (48, 1), (21 * 24, 1), (48, 2), (96, 2), (36, 3)):  # 30, 7 and 1 days before
            advance(timedelta(hours=hours))
            timers.turn(clock.now())
            told = _told()
            assert len(told) == count, hours
        assert set(told) == {clock.rfc3339(end)}
        found = caller("process builder").api("GET", f"/subscriptions/{made.guid}/health").json()
        assert found["certificates_end_at"] == clock.rfc3339(end)
        assert _counted() == (1, 0)
        advance(timedelta(days=2))
        assert _counted() == (0, 1)
        assert timers.turn(clock.now()) == 0


def test_a_renewed_certificate_moves_the_reminder_and_an_end_of_the_subscription_removes_it(
    builder: Caller, first: Customer
) -> None:
    with clock.frozen(clock.now()) as advance:
        made = _ending(builder, first, **_terms(CLIENTS.sign(days=40)))
        changed = builder.api("PATCH", f"/subscriptions/{made.guid}", _terms(CLIENTS.sign(days=400)))
        assert changed.status_code == 200
        advance(timedelta(days=39))
        assert (timers.turn(clock.now()), _told()) == (0, [])
        assert [guid for guid, _at in certificate_reminders.reminders()] == [made.guid]
        commands.unsubscribe(made.guid, by=SYSTEM)
        assert not list(certificate_reminders.reminders())
        advance(timedelta(days=360))
        assert (timers.turn(clock.now()), _told()) == (0, [])


@pytest.mark.parametrize(
    ("ours", "roots", "end"),
    [(40, (), 40), (None, (50,), 50), (None, (20, 60), 60), (40, (50,), 40), (90, (5, 50), 50)],
)
def test_certificates_end_with_the_first_of_ours_or_the_last_of_the_authorities(
    ours: int | None, roots: tuple[int, ...], end: int, builder: Caller, first: Customer
) -> None:
    more: dict[str, Any] = {} if ours is None else _terms(CLIENTS.sign(days=ours))
    trusted = "".join(Authority(f"Root {days}", days=days).certificate.decode() for days in roots)
    made = _ending(builder, first, authorities=trusted, **more)
    assert made.certificates_end_at is not None
    assert round((made.certificates_end_at - clock.now()) / timedelta(days=1)) == end


def test_a_process_of_an_older_release_leaves_a_reminder_that_is_set_when_timers_are_completed(
    builder: Caller, first: Customer
) -> None:
    made = _ending(builder, first, **_terms(CLIENTS.sign(days=40)))
    Timer.objects.all().delete()
    assert timers.complete() == 1
    assert Timer.objects.get().due_at == made.certificates_remind_at
