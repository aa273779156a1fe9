"""A client that a generator makes of the OpenAPI document does a day's work over HTTP."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doors.stage import BUILDER, MEMBER
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from workwire.api.v1 import api

Operations = Callable[[str], Any]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the generated package, which can be imported meanwhile."""
    folder = tmp_path_factory.mktemp("client")
    document, configuration = folder / "openapi.json", folder / "configuration.json"
    document.write_text(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
    configuration.write_text(json.dumps({"post_hooks": [], "package_name_override": "made_client"}))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none"]
    command += ["--config", str(configuration), "--output-path", str(folder / "made_client"), "--fail-on-warning"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=240, env=os.environ, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        yield "made_client"
    finally:
        sys.path.remove(str(folder))


def test_every_operation_becomes_a_function(package: str, tmp_path: Path) -> None:
    folder = Path(importlib.import_module(package).__path__[0]) / "api"
    made = {path.stem for path in folder.rglob("*.py")} - {"__init__"}
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    said = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert said <= made


@pytest.mark.django_db(transaction=True)
def test_a_client_logs_in_starts_a_ticket_finds_it_and_subscribes(
    package: str, organisation: Organisation, live_server: Any, receiver: Receiver
) -> None:
    client, models = (importlib.import_module(f"{package}.{part}") for part in ("client", "models"))

    def operation(name: str) -> Any:
        return importlib.import_module(f"{package}.api.{name}")

    def logged_in(who: str) -> Any:
        account = organisation.accounts[who]
        body = models.Login(username=account.user.username, password=account.password)
        token = operation("sessions.create_token").sync(client=client.Client(base_url=live_server.url), body=body)
        return client.AuthenticatedClient(base_url=live_server.url, token=token.token)

    member, version = logged_in(MEMBER), organisation.customers[0].ticket_version
    wish = models.ItemIn(process_version=version.guid, title="Unpaid")
    made = operation("work.create_ticket").sync(client=member, body=wish, idempotency_key="once-only-1")
    again = operation("work.create_ticket").sync(client=member, body=wish, idempotency_key="once-only-1")
    assert made.guid == again.guid
    assert made.status == "draft"
    listed = operation("work.list_work_items").sync(client=member, text="Unpaid", updated_since=made.created_at)
    assert [item.guid for item in listed.items] == [made.guid]
    change = models.ItemFields(title="Paid")
    changed = operation("work.update_work_item").sync_detailed(made.guid, client=member, body=change, if_match='"1"')
    assert changed.status_code == 200
    late = operation("work.update_work_item").sync_detailed(made.guid, client=member, body=change, if_match='"1"')
    assert (late.status_code, late.parsed.code) == (412, "version_conflict")
    terms = models.SubscriptionIn(webhook="PacketCreated", url=receiver.url("/hook"))
    subscribed = operation("webhooks.create_subscription").sync(client=logged_in(BUILDER), body=terms)
    assert subscribed.secret.startswith("whsec_")
