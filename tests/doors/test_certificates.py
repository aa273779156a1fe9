"""Certificates of a subscription: checked when saved, shown without the key, used when sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.doors.conftest import Caller
from tests.support.certificates import Authority, Signed
from tests.support.organisation import Customer
from tests.support.raw_server import OK, Server
from workwire.kernel.errors import Invalid
from workwire.outbox.models import Event
from workwire.reactions.webhooks import repair, tls_terms
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
