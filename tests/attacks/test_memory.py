"""Memory of a web process: a request is gone when it is answered, whatever it said; large bodies are bounded beforehand."""

from __future__ import annotations

import gc
import io
import json
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory

from tests.attacks.test_malformed import _with_bodies
from tests.doors.conftest import Caller, fresh
from tests.doors.stage import Stage
from tests.doors.test_matrix import _undone, callers, stage
from tests.support.organisation import build
from tests.support.processes import Api, resident, web_process
from workwire.kernel import json_bodies
from workwire.kernel.errors import Limited, TooLarge
from workwire.kernel.limits import WeightLimit

__all__ = ["callers", "stage"]
Serve = Callable[..., int]
KIB = 1024


class _Watched(WSGIRequest):
    """A request of which one can tell whether it is still there."""

    made: list[weakref.ref[WSGIRequest]] = []

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        self.made.append(weakref.ref(self))


@contextmanager
def _as_served() -> Iterator[Serve]:
    """Requests as a server makes them, without the collector; the last one is in `_Watched.made`."""
    handler = WSGIHandler()
    handler.request_class = _Watched

    def serve(method: str, path: str, body: bytes = b"", kind: str = "application/json", **headers: str) -> int:
        environ = RequestFactory().generic(method, path, body, kind, headers=headers or None).environ
        environ["wsgi.input"], said = io.BytesIO(body), []
        answer = handler(environ, lambda status, _headers: said.append(int(status[:3])))
        for _ in answer:
            pass
        answer.close()  # type: ignore[attr-defined]  # every answer of Django has it
        return said[0]

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    logging.disable(logging.CRITICAL)  # the test runner keeps what is logged, with its request
    gc.collect()
    gc.disable()
    try:
        yield serve
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _bearer(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.token}"}


def _is_there() -> bool:
    return _Watched.made.pop()() is not None


def _holds_anything() -> bool:
    request = _Watched.made.pop()()
    return request is not None and bool(request.__dict__)


def test_no_operation_keeps_a_request_that_it_answered(administrator: Caller, stage: Stage) -> None:
    """Right bodies, wrong ones, and what is no JSON: all are gone at once, with what was parsed of them."""
    kept = []
    with _as_served() as serve:
        for name, method, path, right in _with_bodies(stage):
            if name == "delete_token":
                continue
            for body in (json.dumps(right).encode(), b"[{},{},1]", b'{"title": [{}, 1], "contacts": [{}, 1]}', b"{"):
                with _undone():
                    status = serve(method, path, body, Authorization=f"Bearer {administrator.token}")
                if _is_there():
                    kept.append((name, body[:20], status))
    assert not kept, "\n".join(map(str, kept))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/tokens", 422),
        ("POST", "/webapi/Authentication/Login", 400),
        ("POST", "/webapi/Auth/OAuth/Token", 400),
        ("POST", "/api/v1/tickets", 401),
        ("POST", "/webapi/Ticket/Create", 401),
        ("POST", "/webapi/No/Such", 404),
        ("PUT", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/tickets", 405),
        ("GET", "/sign-in", 200),
        ("POST", "/sign-in", 403),
        ("GET", "/work", 302),
        ("GET", "/none", 404),
        ("GET", "/static/none", 404),
    ],
)
def test_no_door_keeps_a_request_of_a_stranger(method: str, path: str, status: int, db: None) -> None:
    with _as_served() as serve:
        assert serve(method, path, b"[{},{},1]" if method == "POST" else b"") == status
        assert not _holds_anything()


def test_each_door_refuses_a_large_body_in_its_own_shape(administrator: Caller, member: Caller) -> None:
    """Before a login 64 KiB are read, then 4 MiB, and 10 where files come inside."""
    large, larger = b'"' + b"x" * (4 * KIB * KIB) + b'"', b'"' + b"x" * (10 * KIB * KIB) + b'"'
    small = b'"' + b"x" * (64 * KIB) + b'"'
    send = fresh().generic
    for body, path in ((small, "/api/v1/tokens"), (large, "/api/v1/tickets")):
        answer = send("POST", path, body, "application/json", headers=_bearer(administrator))
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
        assert answer.headers["Content-Type"] == "application/problem+json"
    for body, path in (
        (small, "Authentication/Login"),
        (large, "WebHookSubscription/SubscribeToWebhook"),
        (larger, "Ticket/Create"),
    ):
        answer = send("POST", f"/webapi/{path}", body, "application/json", headers=_bearer(administrator))
        assert (answer.status_code, answer.json()["Messages"][0]["IsError"]) == (413, True)
    answer = send("POST", "/webapi/Auth/OAuth/Token", small, "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")
    assert (
        send("POST", "/webapi/Ticket/Create", large, "application/json", headers=_bearer(administrator)).status_code
        == 400
    )


def test_a_body_has_no_more_values_than_are_read(administrator: Caller) -> None:
    many = b"[" + b"{}," * json_bodies.MOST_VALUES + b"1]"
    answer = fresh().generic("POST", "/api/v1/tickets", many, "application/json", headers=_bearer(administrator))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_values")
    answer = fresh().generic("POST", "/webapi/Ticket/Create", many, "application/json", headers=_bearer(administrator))
    assert answer.status_code == 413
    with ExitStack() as held:
        assert json_bodies.parse(json.dumps("," * (2 * json_bodies.MOST_VALUES)).encode(), held)  # a text is one value


def test_of_many_mistakes_few_are_told(administrator: Caller) -> None:
    wrong = {"title": "x", "contacts": [1] * 20_000}
    answer = administrator.api("POST", "/tickets", wrong)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 50)


def test_bodies_parsed_at_a_time_have_a_bound_together() -> None:
    limit = WeightLimit(10, "bodies", patience=0.05)
    with limit.place_of(6), limit.place_of(4), pytest.raises(Limited), limit.place_of(1):
        pass
    with limit.place_of(1_000), pytest.raises(Limited), limit.place_of(1):  # heavier than all: alone
        pass
    patient, entered = WeightLimit(10, "bodies"), threading.Event()

    def wait() -> None:
        with patient.place_of(10):
            entered.set()

    with patient.place_of(1):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.05)
    assert entered.wait(5)
    waiting.join()


def test_a_large_body_holds_its_place_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_bodies, "_parsed", WeightLimit(json_bodies.ROOM, "large bodies", patience=0))
    body = b"[" + b"1," * 400_000 + b"1]"
    with ExitStack() as held, pytest.raises(TooLarge):
        json_bodies.parse(body, held)
    with ExitStack() as held:
        json_bodies.parse(b'"' + b"x" * (40 * KIB * KIB) + b'"', held)
        with pytest.raises(Limited):
            json_bodies.parse(b'"' + b"x" * (40 * KIB * KIB) + b'"', held)
        assert json_bodies.parse(b"{}", held) == {}  # small ones wait for nobody


@pytest.mark.story
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_web_process_gives_back_what_bad_bodies_took(child_environment: dict[str, str], tmp_path: Path) -> None:
    """Of forty bodies of each kind nothing stays but what the allocator keeps for the next; each is 10 to 30 MB in memory."""
    token = build().accounts["administrator"].log_in()
    few, many = [{}] * 95_000 + [1], [{}] * 350_000 + [1]
    with web_process(child_environment, log=tmp_path / "log") as (port, pid):
        api = Api("127.0.0.1", port, token=token, timeout=60)

        def send(times: int) -> int:
            for _ in range(times):
                assert api.call("POST", "/api/v1/tickets", few)[0] == 422
                assert api.call("POST", "/api/v1/tickets", many)[0] == 413
                assert api.call("POST", "/webapi/Ticket/Create", few)[0] == 400
            return resident(pid)

        after_few, after_many = send(8), send(32)
    assert after_many - after_few < 24 * KIB * KIB
