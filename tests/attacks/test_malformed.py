"""Requests that are none: every operation of both doors with bodies that break readers, and paths that mislead routers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.doors import conftest
from tests.doors.conftest import Caller
from tests.doors.resources import USES
from tests.doors.stage import ROWS, Stage, filled
from tests.doors.test_matrix import _undone, callers, stage
from tests.support.environment import ON_POSTGRES
from workwire.api.v1 import api
from workwire.outbox.models import Event

__all__ = ["callers", "stage"]
DEEP = 50_000
BROKEN: dict[str, bytes] = {
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep inside": b'{"title":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "half": b'{"title": "x"',
    "two": b"{}{}",
    "nothing": b" ",
    "a list": b"[1]",
    "a text": b'"x"',
    "a number": b"1",
    "not a number": b'{"title": NaN, "limit": -Infinity}',
    "an endless number": b'{"title": ' + b"9" * 5000 + b"}",
    "a huge number": b'{"title": 1e99999}',
    "no UTF-8": b'{"title": "\xff\xfe"}',
    "half of UTF-16": b'{"title": "\\ud800"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "a mark of order": b'\xef\xbb\xbf{"title": "x"}',
    "a comment": b'{"title": "x" /* y */}',
    "single quotes": b"{'title': 'x'}",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
}
HOSTILE = ("\x00", "\ud800", "x" * 70_000, "'; DROP TABLE access_user; --", "\u202e{{7*7}}${7*7}%n%s<script>")
NUMBERS = (10**30, -(10**30), 1e308, True, None, [], {}, [[]], "9" * 400)
KINDS = (
    "application/json",
    "text/plain",
    "application/xml",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "",
)
SHARE = 5  # for the sake of time every operation meets a fifth of all these, its neighbours the others
Send = Callable[..., Any]


@pytest.fixture(autouse=True)
def _answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error inside is an answer, as with a real server, so that all of them are counted."""
    monkeypatch.setattr(conftest.browser, "raise_request_exception", False)


def _with_bodies(stage: Stage) -> Iterator[tuple[str, str, str, Any]]:
    """Every operation that takes a body: name, method, path with its query, and a right body."""
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            use = USES[described["operationId"]]
            if method != "get" and not use.upload:
                names = {key: value.format(**stage) for key, value in (use.more | {"guid": use.path}).items()}
                body = filled(use.body, stage) if use.body is not None else {}
                yield described["operationId"], method.upper(), path.format(**names) + use.query.format(**stage), body
    for name, row in ROWS.items():
        if row.body is not None:
            query = "&".join(f"{key}={value}" for key, value in filled(row.query or {}, stage).items())
            yield name, "POST", f"/webapi/{name}?{query}", filled(row.body, stage)


def _sender(token: str) -> Send:
    def send(method: str, path: str, body: bytes, kind: str = "application/json", **headers: str) -> Any:
        named = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return conftest.fresh().generic(method, path, body, kind, headers=named)

    return send


@pytest.mark.skipif(ON_POSTGRES, reason="what cannot be read does not reach the database")
def test_what_is_no_json_is_refused_everywhere_and_changes_nothing(administrator: Caller, stage: Stage) -> None:
    send, wrong = _sender(administrator.token), []
    for number, (name, method, path, _) in enumerate(_with_bodies(stage)):
        if name == "delete_token":
            continue  # takes no body, and would end our own token
        for what, body in list(BROKEN.items())[number % SHARE :: SHARE]:
            with _undone():
                before = Event.objects.count()
                answer = send(method, path, body)
                if answer.status_code >= 500 or (answer.status_code >= 400 and Event.objects.count() != before):
                    wrong.append((name, what, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def _leaves(body: Any, hostile: Any) -> Iterator[tuple[str, Any]]:
    """Copies of a body with one of its values replaced, by the name of the field; and one with a key that is none."""
    if isinstance(body, dict):
        yield "", body | {str(hostile)[:100]: hostile}
        for key, value in body.items():
            yield key, body | {key: hostile}
            yield from ((f"{key}/{inner}", body | {key: copy}) for inner, copy in _leaves(value, hostile))
    elif isinstance(body, list) and body:
        yield "[]", [hostile]
        yield from ((f"[]/{inner}", [copy, *body[1:]]) for inner, copy in _leaves(body[0], hostile))


def test_no_value_of_any_field_breaks_an_operation(administrator: Caller, stage: Stage) -> None:
    """Every field of every right body, one at a time, with texts and numbers that databases and writers choke on."""
    send, wrong, met = _sender(administrator.token), [], set()
    values = HOSTILE[:2] if ON_POSTGRES else (*HOSTILE, *NUMBERS)  # what only a database refuses; all the rest
    for name, method, path, right in _with_bodies(stage):
        if name in ("delete_token", "Authentication/Login"):
            continue
        with _undone():
            for number, value in enumerate(values):
                for field, body in _leaves(right, value):
                    met_before = (path.startswith("/webapi"), field, number)
                    if met_before in met or (not ON_POSTGRES and (number + len(met)) % SHARE):
                        continue
                    met.add(met_before)
                    answer = send(method, path, json.dumps(body).encode())
                    if answer.status_code >= 500:
                        wrong.append((name, field, repr(value)[:20], answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(met) > 100


def test_bodies_of_another_kind_are_refused(administrator: Caller, stage: Stage) -> None:
    send, wrong = _sender(administrator.token), []
    for path in ("/api/v1/tickets", "/webapi/Ticket/Create", "/webapi/Packet/AttachFile", "/api/v1/files", "/sign-in"):
        for kind in KINDS:
            for body in (b"\x00" * 100, b"--x\r\n\r\n\r\n--x--", b"a=b&" * 2000, b"{" * 100):
                with _undone():
                    before = Event.objects.count()
                    answer = send("POST", path, body, kind)
                    if not 400 <= answer.status_code < 500 or Event.objects.count() != before:
                        wrong.append((path, kind, body[:10], answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_body_that_is_too_large_is_refused(administrator: Caller) -> None:
    send = _sender(administrator.token)
    body = b'{"title": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    doors = ("/api/v1/tickets", "/api/v1/tokens", "/webapi/Ticket/Create", "/webapi/Authentication/Login", "/sign-in")
    form = "application/x-www-form-urlencoded"
    for path in (*doors, "/webapi/Auth/OAuth/Token"):
        for kind in ("application/json", form):
            assert send("POST", path, body, kind).status_code in (400, 413, 415, 422), (path, kind)
        assert 400 <= send("POST", path, b"a=b&" * 2000, form).status_code < 500, path


def test_no_parameter_of_a_query_breaks_an_operation(administrator: Caller, stage: Stage) -> None:
    """What a database cannot look up, in every parameter of every operation that reads."""
    wrong, calls = [], 0
    for path, methods in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        described = methods.get("get", {})
        names = (
            {"guid": USES[described["operationId"]].path, **USES[described["operationId"]].more} if described else {}
        )
        for parameter in described.get("parameters", ()):
            if parameter.get("in") == "query":
                for hostile in ("%00", "a%00b", "%ed%a0%80", "%ff", "9" * 30):
                    url = path.removeprefix("/api/v1").format(**{k: v.format(**stage) for k, v in names.items()})
                    answer = administrator.api("GET", f"{url}?{parameter['name']}={hostile}")
                    calls += 1
                    if answer.status_code >= 500:
                        wrong.append((url, parameter["name"], hostile, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
    assert calls > 100


TRICKS = """
/api/v1/ /api/v1 /api/v1//tickets /api/v1/../v1/tickets /api/v1/%2e%2e/%2e%2e/etc/passwd /api/v1/work-items/..%2f..%2fme
/api/v1/work-items/%00 /api/v1/work-items/%ed%a0%80 /api/v1/work-items/%ff /api/v1/me;x=y /api/v1/me/ /api/v1/me%0d%0aX:y
/api/v1/openapi.json%00.html /API/V1/me /webapi /webapi/ /webapi// /webapi/Ticket /webapi/Ticket/ /webapi//Get
/webapi/Ticket/../Case/Get /webapi/Ticket%2fGet /webapi/Ticket/Get%00 /webapi/Ticket/Get%0a /webapi/webapi/Ticket/Get
/a/b/webapi/Ticket/Get /%0a/webapi/Ticket/Get /other/webapi/Ticket/Get /webapi/__class__/__init__ /webapi/Ticket/Get/Get
/webapi/Ticket/Get?TicketGUID=%00 /webapi/Ticket/Get?TicketGUID=%ed%a0%80 /webapi/Ticket/Get?authToken=%00
/work/../sign-in /work/%00 /static/../../workwire/settings.py /static/%2e%2e/%2e%2e/settings.py /static/%00 //evil.example/
/sign-in?next=%00 /work?cursor=%00 /work?cursor=%ff /work?view=%ed%a0%80 /api/v1/companies?cursor=%00&limit=1e9
""".split()
LONG = (
    "/api/v1/work-items/" + "a" * 5000,
    "/webapi/" + "a" * 5000,
    "/api/v1/me?" + "a" * 9000,
    "/webapi/Ticket/Get?" + "a=b&" * 3000,
)


def test_no_path_misleads_a_door(member: Caller) -> None:
    client, wrong = Client(raise_request_exception=False), []
    headers = {"Authorization": f"Bearer {member.token}"}
    for path in (*TRICKS, *LONG):
        for method in ("GET", "POST", "DELETE", "TRACE", "OPTIONS", "PROPFIND"):
            answer = client.generic(method, path, headers=headers)
            led = answer.status_code < 300 and method in ("TRACE", "DELETE", "PROPFIND")
            if answer.status_code >= 500 or led or b"SECRET" in b"".join(answer):
                wrong.append((method, path[:80], answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_request_for_another_host_is_refused(member: Caller) -> None:
    for host in ("evil.example", "testserver@evil.example", "127.0.0.1:80:80", "localhost\\.evil.example", ""):
        for path in ("/", "/sign-in", "/api/v1/me", "/webapi/Work/IsWorkAvailable", "/work"):
            answer = Client().get(path, headers={"Host": host, "Authorization": f"Bearer {member.token}"})
            assert answer.status_code == 400, (host, path)
            assert b"evil" not in answer.content


HEADERS = (
    *(("If-Match", text) for text in ('"\x00"', '"' + "9" * 5000 + '"', 'W/"1"', "\xff", '"-1"')),
    *(("Idempotency-Key", text) for text in ("\x00", "\xff" * 200, "x" * 201, "")),
    *(
        ("Authorization", text)
        for text in ("Bearer \x00", "Bearer " + "x" * 100_000, "Basic \xff", "Bearer \xff\xfe", "Bearer")
    ),
    *(("Content-Type", text) for text in ("\x00", "application/json; charset=\xff", "text/plain; charset=nonsense")),
    *(("X-Forwarded-For", "\x00"), ("Content-Length", "-1"), ("Accept", "\x00"), ("apikey", "\x00")),
    ("Cookie", "workwire_token=\x00; workwire_session=\xff"),
)


def test_no_header_breaks_a_door(administrator: Caller) -> None:
    client, wrong = Client(raise_request_exception=False), []
    for name, text in HEADERS:
        for method, path, body in (
            ("POST", "/api/v1/companies", b'{"name": "Borealis"}'),
            ("POST", "/webapi/Work/GetMoreWork", b"{}"),
            ("POST", "/webapi/Auth/OAuth/Token", b"grant_type=client_credentials"),
            ("GET", "/work", b""),
            ("GET", "/api/v1/me", b""),
        ):
            headers = {"Authorization": f"Bearer {administrator.token}", name: text}
            with _undone():
                answer = client.generic(method, path, body, "application/json", headers=headers)
            if answer.status_code >= 500:
                wrong.append((name, text[:20], path, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
