"""Connections to PostgreSQL: how long either side waits for the other, and what goes through a pooler."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection

from tests.conftest import ON_POSTGRES
from tests.support.organisation import Organisation, build
from tests.support.processes import ROOT, Api, free_port, pgbouncer, pgbouncer_program, wait_for_web, workwire
from tests.support.receiver import Receiver
from workwire.reactions.webhooks.models import Delivery, State
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport import ThreadTransport

pytestmark = pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database has no connections to lose or to share")
CLIENTS, TICKETS = 6, 4
POOL = 2


@pytest.mark.django_db
def test_sessions_are_given_up_by_the_server_as_soon_as_by_us() -> None:
    options = connection.settings_dict["OPTIONS"]
    assert options["tcp_user_timeout"] == 20_000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 20
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone()[0] == "1min"
    for name in ("keepalives_idle", "keepalives_interval", "keepalives_count"):
        assert f"-c tcp_{name}={options[name]}" in options["options"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(pgbouncer_program() is None, reason="pgbouncer is not installed here")
def test_web_processes_work_through_a_pooler_in_transaction_mode(
    child_environment: dict[str, str], receiver: Receiver, tmp_path: Path
) -> None:
    organisation, port = build(), free_port()
    server = urlsplit(child_environment["WORKWIRE_DATABASE_URL"])
    with pgbouncer(dict(parse_qsl(server.query))["host"], size=POOL) as pooler:
        environment = child_environment | {
            "WORKWIRE_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{pooler}{server.path}",
            "WORKWIRE_DATABASE_POOLED": "true",
            "WORKWIRE_DATA_DIR": str(tmp_path),
            "WORKWIRE_PORT": str(port),
        }
        web = workwire("web", env=environment)
        try:
            wait_for_web("127.0.0.1", port)
            _work_through(port, organisation, receiver)
        finally:
            web.terminate()
            web.wait(30)
        refused = _doctor(environment | {"WORKWIRE_DATABASE_POOLED": "false"})
    assert "unsupported startup parameter" in refused  # which is why the setting is there


def test_a_worker_wants_a_connection_of_its_own(child_environment: dict[str, str]) -> None:
    worker = workwire("worker", env=child_environment | {"WORKWIRE_DATABASE_POOLED": "true"})
    assert worker.wait(60) == 1


def _work_through(port: int, organisation: Organisation, receiver: Receiver) -> None:
    """Several clients change things at once, a worker with connections of its own delivers, a client sends again."""
    builder = Api("127.0.0.1", port, token=organisation.accounts["process builder"].log_in())
    customer = organisation.customers[0]
    wish = {
        "webhook": "PacketCreated",
        "url": receiver.url("/hook"),
        "filter_type": "company",
        "filter_guid": str(customer.company.guid),
    }
    status, made = builder.call("POST", "/api/v1/subscriptions", wish)
    assert status == 201, made
    token = organisation.accounts["team member"].log_in()

    def create(number: int) -> list[int]:
        client = Api("127.0.0.1", port, token=token)
        ticket = {"process_version": str(customer.ticket_version.guid), "title": f"Ticket of client {number}"}
        return [client.call("POST", "/api/v1/tickets", ticket)[0] for _ in range(TICKETS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert {status for answers in pool.map(create, range(CLIENTS)) for status in answers} == {201}
    assert _other_sessions() <= POOL
    engine = Engine(ThreadTransport)
    try:
        engine.drain()
        assert Delivery.objects.filter(state=State.DELIVERED).count() == CLIENTS * TICKETS
        again = Delivery.objects.latest("id").guid
        assert builder.call("POST", f"/api/v1/deliveries/{again}/resend")[0] == 200
        engine.drain()
    finally:
        engine.close()
    assert len(receiver.requests) == CLIENTS * TICKETS + 1
    assert builder.call("GET", "/health/ready")[0] == 200


def _other_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def _doctor(environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "workwire", "doctor"]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False).stdout
