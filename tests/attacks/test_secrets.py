"""A life of accounts, credentials and subscriptions in real processes that log everything: no secret is left in clear."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test import override_settings

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Organisation, build
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from workwire import settings as product
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Attempt

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).parents[2]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass
class Web:
    """A client that keeps every refusal it got."""

    port: int
    refusals: list[str] = field(default_factory=list)

    def __call__(
        self, method: str, path: str, body: Any = None, *, token: str = "", kind: str = JSON, **headers: str
    ) -> tuple[int, Any, Message]:
        """Status, content (JSON where it is) and headers of an answer."""
        named = {"Content-Type": kind} | {name.replace("_", "-"): text for name, text in headers.items()}
        named |= {"Authorization": f"Bearer {token}"} if token else {}
        sent = urlencode(body) if kind == FORM and isinstance(body, dict) else body
        sent = json.dumps(sent) if isinstance(sent, (dict, list)) else sent
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as caller:
            caller.request(method, path, sent, named)
            answer = caller.getresponse()
            text = answer.read().decode()
        if answer.status >= 400:
            self.refusals.append(f"{answer.headers}\n{text}")
        with contextlib.suppress(ValueError):
            return answer.status, json.loads(text), answer.headers
        return answer.status, text, answer.headers


@contextmanager
def _running(environment: dict[str, str], log: Path, *command: str) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "workwire", *command],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


@contextmanager
def _broken() -> Iterator[None]:
    """The database without a table and without a column: every statement on them is an error."""
    there = ("webhooks_subscription RENAME TO lost", "access_failedlogin RENAME COLUMN address TO lost")
    back = ("lost RENAME TO webhooks_subscription", "access_failedlogin RENAME COLUMN lost TO address")
    with connection.cursor() as cursor:
        for change in there:
            cursor.execute(f"ALTER TABLE {change}")
        try:
            yield
        finally:  # whatever happened: other tests need them
            for change in back:
                cursor.execute(f"ALTER TABLE {change}")


def test_no_secret_is_left_in_clear(child_environment: dict[str, str], tmp_path: Path, receiver: Receiver) -> None:
    organisation, password = build(), "Nx7-swift-otter-19"
    with override_settings(PASSWORD_HASHERS=product.PASSWORD_HASHERS):  # the processes know no other
        admin = sessions.actor_for(organisation.accounts["administrator"].user)
        roles = list(Role.objects.filter(name__in=("Team Leader", "Administrator")))
        user = access.create_user("nora", "Nora Lind", roles, password=password, by=admin)
        expires = clock.now() + timedelta(days=1)
        credential, client_secret = access.create_credential(
            user, "Ticket feed", roles, expires_at=expires, by=sessions.actor_for(user)
        )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = child_environment | {"WORKWIRE_LOG_LEVEL": "debug", "WORKWIRE_WEBHOOK_RETRY_SCHEDULE": "1,1,1"}
    web, logs = Web(port), [tmp_path / name for name in ("web.log", "worker.log", "doctor.log")]
    secrets = {"the password": password, "the client secret": client_secret}
    secrets["the key of the installation"] = os.environ["WORKWIRE_SECRET_KEYS"]
    with ExitStack() as stack:
        stack.enter_context(_running(environment, logs[0], "web", "--port", str(port)))
        stack.enter_context(_running(environment, logs[1], "worker"))
        _wait(web)
        secrets |= _log_in_everywhere(web, password, credential.client_id, client_secret)
        secrets |= _live(web, secrets["a token"], organisation, receiver)
        with _broken():
            _provoke(web, secrets, receiver)
        doctor = subprocess.run(
            [sys.executable, "-m", "workwire", "doctor"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        logs[2].write_bytes(doctor.stdout + doctor.stderr)
        told = {path: str(web("GET", path)[1]) for path in ("/metrics", "/health/ready", "/", "/api/v1/openapi.json")}
    assert Attempt.objects.filter(error="connection_refused").exists()
    assert Attempt.objects.filter(status=500).exists()
    places = told | {log.name: log.read_text(errors="replace") for log in logs}
    assert "relation" in places["web.log"] or "no such table" in places["web.log"]
    places["refusals"] = "\n".join(web.refusals)
    places["the ledger"] = "\n".join(Event.objects.values_list("body", flat=True))
    places |= _tables()
    if not ON_POSTGRES:
        files = Path(connection.settings_dict["NAME"]).parent.glob(Path(connection.settings_dict["NAME"]).name + "*")
        places |= {f"the file {file.name}": file.read_bytes().decode("latin-1") for file in files if file.is_file()}
    found = [
        (what, where) for what, secret in secrets.items() for where, text in places.items() if _holds(text, secret)
    ]
    assert found == []
    assert len(secrets) >= 12
    assert len(places) > 40


def _wait(web: Web) -> None:
    def answers() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            web("GET", "/health/live")
            return True
        return False

    eventually(answers, 60, what="the web process does not answer")


def _log_in_everywhere(web: Web, password: str, client_id: str, client_secret: str) -> dict[str, str]:
    """Rightly and wrongly, through every door; the tokens, and what was wrong."""
    wrong = "Wrong-guess-4711-zebra"
    login = "/webapi/Authentication/Login"
    status, made, _ = web("POST", "/api/v1/tokens", {"username": "nora", "password": password})
    assert status == 201, made
    _, called, _ = web("POST", f"{login}?useCookie=false", {"Username": "nora", "Password": password})
    _, _, headers = web("POST", f"{login}?useCookie=true", {"Username": "nora", "Password": password})
    client = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    _, oauth, _ = web("POST", "/webapi/Auth/OAuth/Token", client, kind=FORM)
    assert web("POST", "/api/v1/tokens", {"username": "nora", "password": wrong})[0] == 401
    assert web("POST", login, {"Username": "nora", "Password": wrong})[0] == 401
    assert web("POST", login, f'{{"Username": "nora", "Password": "{password}"')[0] == 400
    assert web("POST", "/api/v1/tokens", f'{{"username": "nora", "password": "{password}"')[0] == 400
    assert web("POST", "/api/v1/tokens", {"username": "nora", "password": [password]})[0] == 422
    assert web("POST", "/api/v1/tokens", {"username": "nora", "passwort": password})[0] == 422
    basic = base64.b64encode(f"{client_id}:{wrong}".encode()).decode()
    refused = web(
        "POST", "/webapi/Auth/OAuth/Token", "grant_type=client_credentials", kind=FORM, Authorization=f"Basic {basic}"
    )
    assert refused[0] == 401
    status, page, headers_of_page = web("GET", "/sign-in")
    form = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page)
    assert form
    cookie = f"csrftoken={_cookie(headers_of_page, 'csrftoken')}"
    wish = {"csrfmiddlewaretoken": form[1], "username": "nora", "password": password}
    status, _, signed = web("POST", "/sign-in", wish, kind=FORM, Cookie=cookie)
    assert status == 303
    web("POST", "/sign-in", wish | {"password": wrong}, kind=FORM, Cookie=cookie)
    assert web("POST", "/sign-in", wish, kind=FORM)[0] == 403  # without its cookie
    return {
        "a wrong password": wrong,
        "a token": made["token"],
        "a token of the documented API": called,
        "a token in a cookie": _cookie(headers, "workwire_token"),
        "an OAuth token": oauth["access_token"],
        "a session": _cookie(signed, "workwire_session"),
    }


def _cookie(headers: Message, name: str) -> str:
    found = [line for line in headers.get_all("Set-Cookie", ()) if line.startswith(f"{name}=")]
    return found[0].partition("=")[2].partition(";")[0]


def _live(web: Web, token: str, organisation: Organisation, receiver: Receiver) -> dict[str, str]:
    """Credentials and subscriptions are made, used, rotated, refused, and fail."""
    customer, header = organisation.customers[0], "Header-value-7731-quartz"
    expires = (clock.now() + timedelta(days=1)).isoformat()
    wish: dict[str, Any] = {"name": "Robot", "roles": ["Team Leader"], "expires_at": expires}
    status, credential, _ = web("POST", "/api/v1/credentials", wish, token=token, Idempotency_Key="once")
    assert status == 201, credential
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    receiver.script("/fails", status=500, body=b"no")
    wish = {"webhook": "PacketCreated", "filter_type": "company", "filter_guid": str(customer.company.guid)}
    wish |= {"header_name": "X-Key", "header_value": header}
    made = {}
    for name, url in (("well", "/well"), ("fails", "/fails"), ("closed", "")):
        to = receiver.url(url) if url else f"http://127.0.0.1:{closed}/"
        status, made[name], _ = web(
            "POST", "/api/v1/subscriptions", wish | {"url": to}, token=token, Idempotency_Key=name
        )
        assert status == 201, made[name]
    named = {"Webhook": "PacketCreated", "FilterObjectType": "Company", "FilterObjectGUID": wish["filter_guid"]}
    named |= {"CustomHeader": "X-Key", "CustomHeaderValue": header, "SubscriberURL": receiver.url("/documented")}
    operation = "/webapi/WebHookSubscription/SubscribeToWebhook"
    status, documented, _ = web("POST", f"{operation}?authToken={quote(token)}", named)
    assert status == 200, documented
    guid = made["well"]["guid"]
    _, rotated, _ = web("POST", f"/api/v1/subscriptions/{guid}/rotate-secret", {}, token=token)
    web("PATCH", f"/api/v1/subscriptions/{guid}", {"header_name": "Host", "header_value": header}, token=token)
    web("POST", "/api/v1/subscriptions", wish | {"url": f"http://user:{header}@example.org/"}, token=token)
    web("POST", "/api/v1/subscriptions", wish | {"url": receiver.url("/"), "header_value": [header]}, token=token)
    web("GET", f"/webapi/No/Operation?authToken={quote(token)}")
    web("GET", f"/api/v1/nothing?authToken={quote(token)}", token=token)
    web("GET", "/webapi/Work/IsWorkAvailable?authToken=wwt_unknown-token-5519-falcon")
    status, ticket, _ = web(
        "POST", "/api/v1/tickets", {"process_version": str(customer.ticket_version.guid), "title": "x"}, token=token
    )
    assert status == 201, ticket
    receiver.wait_for(lambda requests: {"/well", "/fails", "/documented"} <= {request.path for request in requests}, 30)
    status, tested, _ = web("POST", f"/api/v1/subscriptions/{made['closed']['guid']}/simulate", token=token)
    assert (status, tested["succeeded"]) == (200, False), tested
    assert all(header in dict(request.headers).values() for request in receiver.requests)
    return {
        "the value of a header": header,
        "a client secret made over HTTP": credential["client_secret"],
        "a token nobody has": "wwt_unknown-token-5519-falcon",
        "a signing secret": made["well"]["secret"],
        "a rotated signing secret": rotated["secret"],
        "a signing secret of the documented API": documented["Result"]["Signature"],
    }


def _provoke(web: Web, secrets: dict[str, str], receiver: Receiver) -> None:
    """Errors of the database with secrets in hand."""
    failed = 500 if ON_POSTGRES else 503  # the embedded database does not tell a missing table from being away
    token, header = secrets["a token"], secrets["the value of a header"]
    wish = {"webhook": "PacketCreated", "url": receiver.url("/"), "header_name": "X-Key", "header_value": header}
    assert web("POST", "/api/v1/subscriptions", wish, token=token)[0] == failed
    assert web("GET", f"/webapi/WebHookSubscription/GetAllWebhookSubscriptions?authToken={quote(token)}")[0] == failed
    assert web("POST", "/api/v1/tokens", {"username": "nora", "password": secrets["a wrong password"]})[0] == failed
    wrong = {"grant_type": "client_credentials", "client_id": "ww-none", "client_secret": secrets["the client secret"]}
    assert web("POST", "/webapi/Auth/OAuth/Token", wrong, kind=FORM)[0] == failed


def _tables() -> dict[str, str]:
    """Every row of every table, as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names from the database itself
            rows = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]
            found[f"table {table}"] = str(rows)
    return found


def _holds(text: str, secret: str) -> bool:
    """Whether a text holds a secret as it is, in base64, or without its prefix."""
    bare = secret.removeprefix("whsec_").removeprefix("wwt_").removeprefix("wws_")
    return any(form in text for form in (bare, quote(bare, safe=""), base64.b64encode(secret.encode()).decode()))
