"""Each answer of docs/how-to/troubleshoot.md, tried on a running installation."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.support.processes import ROOT, Api, free_port
from tests.support.receiver import Received, Receiver
from tests.support.running_demo import Demo, clean_environment, running_demo
from tests.support.waiting import eventually
from workwire.web.webhooks.delivery_parts import ERRORS

pytestmark = pytest.mark.story
PAGE = ROOT / "docs" / "how-to" / "troubleshoot.md"
SECRET = "whsec_" + "c2VjcmV0" * 6


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, shared_database_url: str | None) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("trouble"), shared_database_url) as one:
        yield one


@pytest.fixture
def petra(demo: Demo) -> Api:
    return demo.api("petra")


def _asked(api: Api, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    found, answer = api.call(method, f"/api/v1{path}", body)
    assert found == status, answer
    return answer


def _subscribed(api: Api, url: str, webhook: str = "PacketCreated", **more: Any) -> str:
    made = _asked(api, "POST", "/subscriptions", {"webhook": webhook, "url": url, "secret": SECRET} | more, status=201)
    return str(made["guid"])


def _ticket(demo: Demo, *, submit: bool = True) -> dict[str, Any]:
    objects = demo.told["objects"]
    wanted = {"process_version": objects["TicketAttributeVersionGUID"], "category": objects["TicketCategoryGUID"]}
    return dict(
        _asked(demo.api("mei"), "POST", "/tickets", wanted | {"title": "Trouble", "submit": submit}, status=201)
    )


def _failed_checks(api: Api, subscription: str, record: str) -> list[str]:
    said = _asked(api, "GET", f"/subscriptions/{subscription}/explain?record={record}")
    return [check["code"] for check in said["checks"] if not check["passed"]]


def _delivery(api: Api, subscription: str, state: str) -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        return list(_asked(api, "GET", f"/deliveries?subscription={subscription}&state={state}")["items"])

    return eventually(look, what=f"no delivery is {state}")[0]


def test_nothing_arrives(demo: Demo, petra: Api) -> None:
    refused = _asked(
        petra, "POST", "/subscriptions", {"webhook": "PacketCreated", "url": "http://10.0.0.1/"}, status=422
    )
    assert refused["code"] == "url_refused"
    subscription = _subscribed(petra, f"http://127.0.0.1:{free_port()}/")
    _ticket(demo)
    eventually(lambda: _asked(petra, "GET", f"/subscriptions/{subscription}/health")["queued"]["retry"])
    waiting = _delivery(petra, subscription, "due")
    assert waiting["due_at"] is not None
    attempts = _asked(petra, "GET", f"/deliveries/{waiting['guid']}/attempts")["items"]
    assert (attempts[0]["error"], attempts[0]["detail"]) == (
        "connection_refused",
        "The endpoint refused the connection.",
    )
    assert not _asked(petra, "POST", f"/subscriptions/{subscription}/simulate")["succeeded"]
    _delivery(petra, subscription, "gave_up")
    doctor = _workwire(demo, "doctor", "--data", str(demo.folder))
    assert re.search(r"^ok +.*worker", doctor.stdout, re.MULTILINE | re.IGNORECASE), doctor.stdout


def test_the_test_message_arrives_but_real_ones_do_not(demo: Demo, petra: Api, receiver: Receiver) -> None:
    subscription = _subscribed(petra, receiver.url("/"), "PacketUpdated")
    _asked(petra, "POST", f"/subscriptions/{subscription}/pause")
    assert _asked(petra, "POST", f"/subscriptions/{subscription}/simulate")["succeeded"]
    assert _asked(petra, "GET", f"/subscriptions/{subscription}")["paused_at"] is not None
    assert _failed_checks(petra, subscription, _ticket(demo)["guid"]) == ["filter"]
    draft = _ticket(demo, submit=False)
    _asked(demo.api("mei"), "POST", f"/work-items/{draft['guid']}/submit", {})
    assert _failed_checks(petra, subscription, draft["guid"]) == []
    other = _subscribed(
        petra, receiver.url("/"), filter_type="company", filter_guid=demo.told["objects"]["companies"][1]["GUID"]
    )
    assert _failed_checks(petra, other, draft["guid"]) == ["filter"]


def test_a_message_arrives_twice_and_out_of_order(demo: Demo, petra: Api, receiver: Receiver) -> None:
    receiver.script("/twice", status=500, times=1)
    subscription = _subscribed(petra, receiver.url("/twice"))
    ticket = _ticket(demo)
    first, second = (_named(one) for one in receiver.wait_for(2, timeout=30))
    assert (first["webhook-id"], first["webhook-attempt"]) == (second["webhook-id"], "1")
    assert second["webhook-attempt"] == "2"
    since = _asked(petra, "GET", f"/subscriptions/{subscription}")["created_at"]
    _delivery(petra, subscription, "delivered")
    _asked(petra, "POST", f"/subscriptions/{subscription}/replay", {"since": since}, status=202)
    third = _named(receiver.wait_for(3, timeout=30)[2])
    assert (third["webhook-id"], third["webhook-replay"]) == (first["webhook-id"], "true")
    assert [one["kind"] for one in _asked(petra, "GET", f"/subscriptions/{subscription}/replays")["items"]] == [
        "replay"
    ]
    delivery = _delivery(petra, subscription, "delivered")
    _asked(petra, "POST", f"/deliveries/{delivery['guid']}/resend")
    notices = _asked(petra, "GET", f"/subscriptions/{subscription}/notices")["items"]
    assert "DeliveriesRepeated" in {one["name"] for one in notices}
    assert _asked(petra, "PATCH", f"/subscriptions/{subscription}", {"in_order": True})["in_order"]
    told = _asked(petra, "GET", f"/subscriptions/{subscription}/sequence?record={ticket['guid']}")["items"]
    assert [(one["sequence"], one["wanted"]) for one in told] == [(1, True)]


def _named(message: Received) -> dict[str, str]:
    return {name.lower(): value for name, value in message.headers}


def test_a_message_is_withheld_and_comes_when_the_right_is_back(demo: Demo) -> None:
    bruno = demo.api("bruno")
    (withheld,) = _asked(bruno, "GET", "/deliveries?state=withheld")["items"]
    assert _asked(bruno, "GET", f"/deliveries/{withheld['guid']}")["end"]["sentence"].startswith(
        "The owner may not see"
    )
    path = f"/subscriptions/{withheld['subscription']}/replay"
    _asked(bruno, "POST", path, {"since": withheld["created_at"], "states": ["withheld"]}, status=202)
    eventually(lambda: _asked(bruno, "GET", f"/deliveries/{withheld['guid']}")["state"] == "delivered")


def test_listen_says_why_a_signature_does_not_verify(demo: Demo) -> None:
    now, body = int(time.time()), b"{}"
    right = {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": _signed(now, body)}
    late = right | {"webhook-timestamp": str(now - 400), "webhook-signature": _signed(now - 400, body)}
    headless = {name: value for name, value in right.items() if name != "webhook-id"}
    cases = {
        "no signature fits": (right, b"{ }"),
        "the timestamp is too far from now": (late, body),
        "a signature header is missing or malformed": (headless, body),
    }
    page = PAGE.read_text()
    for problem, (headers, sent) in cases.items():
        assert f"*{problem}*" in page
        assert problem in _heard(headers, sent)
    assert "verified" in _heard(right, body)


def _signed(moment: int, body: bytes) -> str:
    from datetime import UTC, datetime

    return str(Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(moment, UTC), body.decode()))


def _heard(headers: dict[str, str], body: bytes) -> str:
    """What `webhooks listen` prints of a message."""
    import http.client

    port = free_port()
    command = [sys.executable, "-m", "workwire", "webhooks", "listen", "--port", str(port), "--secret", SECRET]
    environment = clean_environment() | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen([*command, "--once", "1"], env=environment, stdout=subprocess.PIPE, text=True) as listening:

        def sent() -> bool:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("POST", "/", body, headers)
                connection.getresponse().read()
            except OSError:
                return False
            return True

        eventually(sent)
        assert listening.stdout is not None
        return listening.stdout.read()


def test_401_403_and_404(demo: Demo, petra: Api) -> None:
    subscription = _subscribed(petra, f"http://127.0.0.1:{free_port()}/")
    nobody = Api("127.0.0.1", demo.port, token="wwt_x")
    assert _asked(nobody, "GET", "/me", status=401)["code"] == "token_invalid"
    mei = _asked(demo.api("mei"), "GET", "/subscriptions", status=403)
    assert mei["code"] == "feature_missing"
    assert mei["parameters"]["feature"] == "webhooks"
    _asked(demo.api("bruno"), "GET", f"/subscriptions/{subscription}", status=404)
    assert _asked(petra, "GET", "/nothing", status=404)["code"] == "path_not_found"


def test_it_is_slow(petra: Api, receiver: Receiver) -> None:
    subscription = _subscribed(petra, receiver.url("/"), most_per_second=1)
    health = _asked(petra, "GET", f"/subscriptions/{subscription}/health")
    assert {"oldest_due_seconds", "queued", "circuit"} <= health.keys()
    assert {"fresh", "retry", "bulk", "test"} <= health["queued"].keys()


def test_it_was_paused_by_itself(demo: Demo, petra: Api, receiver: Receiver) -> None:
    receiver.script("/gone", status=410, times=1)
    subscription = _subscribed(petra, receiver.url("/gone"))
    _ticket(demo)
    eventually(lambda: _asked(petra, "GET", f"/subscriptions/{subscription}")["paused_at"])
    said = _asked(petra, "GET", f"/subscriptions/{subscription}")["pause"]["sentence"]
    assert said == "The endpoint answered that it is gone for good (410)."
    notices = _asked(petra, "GET", f"/subscriptions/{subscription}/notices")["items"]
    assert "SubscriptionPaused" in {one["name"] for one in notices}
    _ticket(demo)
    assert _asked(petra, "POST", f"/subscriptions/{subscription}/simulate")["succeeded"]
    _asked(petra, "POST", f"/subscriptions/{subscription}/resume")
    receiver.wait_for(lambda came: any("webhook-test" not in _named(one) for one in came[1:]), timeout=30)


def test_every_error_of_an_attempt_that_the_page_names_is_one() -> None:
    named = re.search(r"`error` of an attempt says what happened: ([^.]+)\.", PAGE.read_text())
    assert named is not None
    assert set(re.findall(r"`(\w+)`", named[1])) - {"detail"} <= set(ERRORS)


def _workwire(demo: Demo, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workwire", *words],
        env=demo.settings, cwd=Path(demo.folder).parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
