"""Pages of docs/how-to whose commands are calls, typed: with curl in a shell, on a server of the test."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.support.certificates import Authority
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.typed_pages import Page, Shell
from tests.support.waiting import eventually
from tests.support.world import Subscribe
from workwire.kernel.actor import SYSTEM, Actor
from workwire.reactions.webhooks import replays
from workwire.reactions.webhooks.models import Attempt, Delivery, Replay, Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import Queue, WorkItem
from workwire.worker.delivery.engine import Engine

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the pages use curl and jq"),
]
DAY = "2020-01-01T00:00:00Z"


@pytest.fixture
def shell(live_server: Any, tmp_path: Path, child_environment: dict[str, str]) -> Shell:
    """A shell whose `bin/workwire` works on this test's database and whose $API is this test's server."""
    return Shell(
        tmp_path,
        WORKWIRE_DATABASE_URL=child_environment["WORKWIRE_DATABASE_URL"],
        WORKWIRE_DATA_DIR=str(tmp_path),
        WORKWIRE_SECRET_KEYS=",".join(settings.SECRET_KEYS),
        WORKWIRE_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
        API=f"{live_server.url}/api/v1",
        SERVER=live_server.url,
    )


def _call(shell: Shell, call: str, token: str, body: Any = None) -> Any:
    """Type a call that a page names by its method and its address; gives the answer."""
    method, address = call.split(" ", 1)
    url = address if address.startswith("$") else f"$SERVER{address}"
    content = f" -H 'Content-Type: application/json' -d '{json.dumps(body)}'" if body is not None else ""
    said = shell.run(
        f"curl -s -X {method} \"{url}\" -H 'Authorization: Bearer {token}'{content} -w '\\n%{{http_code}}'"
    )
    answer, _, status = said.rpartition("\n")
    assert status[0] == "2", (call, said)
    return json.loads(answer) if answer else None


def test_the_web_api(shell: Shell, organisation: Organisation, first: Customer, live_server: Any) -> None:
    page, member = Page("use-the-web-api"), organisation.accounts["team member"]
    said = shell.run(
        page.take("base="),
        replaced={
            "http://localhost:8000": live_server.url,
            '"mei"': f'"{member.user.username}"',
            '"Password": "…"': f'"Password": "{member.password}"',
            '"TicketAttributeVersionGUID": "…"': f'"TicketAttributeVersionGUID": "{first.ticket_version.guid}"',
            '{"GUID": "…"}': f'{{"GUID": "{first.category.guid}"}}',
        },
    )
    decoder, answers = json.JSONDecoder(), []
    while said.strip():
        answer, end = decoder.raw_decode(said.strip())
        answers.append(answer)
        said = said.strip()[end:]
    contexts, ticket = answers
    assert str(first.ticket_version.guid) in json.dumps(contexts)
    assert WorkItem.objects.get(guid=ticket["GUID"]).title == "Invoice 4711 unpaid"
    path = page.take("POST /Auth/OAuth/Token").split()[1]
    secret = f"client_id={organisation.client_id}&client_secret={organisation.client_secret}"
    told = json.loads(shell.run(f"curl -s $SERVER{path} -d 'grant_type=client_credentials&{secret}'"))
    token = told["access_token"]
    asked = "curl -s -f -o /dev/null -w '%{http_code}'"
    more = page.take("GET Work/GetMoreWork").split()[1]
    assert shell.run(f"{asked} -H 'Authorization: Bearer {token}' $SERVER/webapi/{more}") in ("200", "204")
    (shell.folder / "proof.pdf").write_bytes(b"%PDF-1.7 paid")
    upload = page.take("POST Packet/PrepareNewFile").split()[1]
    assert shell.run(f"{asked} -H 'apikey: {member.log_in()}' -F file=@proof.pdf $SERVER/webapi/{upload}") == "200"
    assert page.rest == []


def test_how_work_is_given_out(
    shell: Shell, organisation: Organisation, first: Customer, actors: dict[str, Actor]
) -> None:
    page = Page("get-work")
    admin, account = organisation.accounts["administrator"].log_in(), organisation.accounts["team member"]
    member = account.log_in()
    call = page.take("POST /api/v1/queues")
    (body,) = re.findall(r'`({"name".*?})`', page.text, re.DOTALL)
    wish = body.replace("…", f'"{first.company.name} post"', 1)
    wish = wish.replace("[user GUIDs]", f'["{account.user.guid}"]').replace("[…]", "[]")
    made = _call(shell, call, admin, json.loads(wish))
    assert Queue.objects.get(guid=made["guid"]).members.get() == account.user
    version, by = first.ticket_version, actors["team member"]
    for title in ("one", "another"):
        work.create_ticket(version.guid, by=by, title=title, category_guid=first.category.guid, submit=True)
    call = page.take("POST /api/v1/more-work")
    mine = _call(shell, call, member)
    assert WorkItem.objects.get(guid=mine["guid"]).assignee == account.user
    documented = page.take("GET Work/GetMoreWork").replace(" ", " /webapi/")
    other = _call(shell, documented, member)
    assert "another" in json.dumps(other) or "one" in json.dumps(other)
    for action, body in (("unassign", {}), ("take", {}), ("reject", {"reason": "Not mine."})):
        assert f"`{action}`" in page.text
        _call(shell, f"POST /api/v1/work-items/{mine['guid']}/{action}", member, body)
    why = page.take("GET /api/v1/work-items/{guid}/assignment").replace("{guid}", mine["guid"])
    assert _call(shell, why, member)["rules"][1]["said"].startswith("It was given back by hand")
    case = work.create_case(first.case_version.guid, by=by, title="Runs", submit=True)
    known = page.take("POST /api/v1/work-items/{guid}/acknowledge").replace("{guid}", str(case.guid))
    assert _call(shell, known, member)["news_since"] is None
    robot = organisation.accounts["robot"].user
    suspended = page.take("PATCH /api/v1/users/{guid}").replace("{guid}", str(robot.guid))
    assert _call(shell, suspended, admin, {"suspended": True})["suspended"]
    notices = page.take("GET /api/v1/notices")
    assert _call(shell, notices, member)["items"] == []
    assert f"`{notices.split('/api/v1')[1]}/unread` counts" in page.text
    assert _call(shell, f"{notices}/unread", member) == {"unread": 0, "more": False}
    assert page.rest == []


def test_certificates_of_one_subscription_and_the_settings_beside_it(
    shell: Shell, subscribe: Subscribe, organisation: Organisation
) -> None:
    page, account = Page("reach-endpoints"), organisation.accounts["process builder"]
    made, _ = subscribe(by="process builder", url="https://127.0.0.1:9/hook")
    authority = Authority()
    ours = authority.sign("workwire")
    for name, content in (
        ("authority.pem", authority.certificate),
        ("workwire.crt", ours.certificate),
        ("workwire.key", ours.key),
    ):
        (shell.folder / name).write_bytes(content)
    shell.environment |= {"GUID": str(made.guid), "TOKEN": account.log_in()}
    assert "errors" not in shell.run(page.take("curl -s -X PATCH $API/subscriptions"))
    made.refresh_from_db()
    assert made.authorities.strip() == authority.certificate.decode().strip()
    patch = f"{page.take('PATCH /api/v1/subscriptions')}/{made.guid}"
    _call(shell, patch, account.log_in(), {"authorities": "", "client_certificate": "", "client_key": ""})
    made.refresh_from_db()
    assert made.authorities == ""
    endpoint = {"url": "http://127.0.0.1:9/hook"}
    asked = _call(shell, page.take("POST /api/v1/endpoint-tests"), account.log_in(), endpoint)
    told = page.take("GET /api/v1/endpoint-tests/{guid}").replace("{guid}", asked["guid"])
    assert _call(shell, told, account.log_in())["state"] == "waiting"
    doctor = page.take("bin/workwire doctor")
    networks = f"export {page.take('WORKWIRE_WEBHOOK_ALLOWED_NETWORKS=')}"
    proxy, by_name = page.take("export WORKWIRE_WEBHOOK_PROXY="), page.take("export WORKWIRE_WEBHOOK_PROXY_RESOLVES")
    bundle = page.take("export WORKWIRE_WEBHOOK_CA_BUNDLE=")
    file = str(shell.folder / "authority.pem")
    said = shell.run(
        "\n".join([networks, proxy, by_name, bundle, f"{doctor} || true"]),
        replaced={"/etc/workwire/authorities.pem": file},
    )
    assert file in said, said
    wrong = shell.run(f"{bundle}\n{doctor} 2>&1 || true", replaced={"/etc/workwire/authorities.pem": "/none.pem"})
    assert "/none.pem" in wrong
    assert page.rest == []


def test_repairing_and_reconciling(
    shell: Shell,
    organisation: Organisation,
    first: Customer,
    receiver: Receiver,
    actors: dict[str, Actor],
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
) -> None:
    page, token = Page("repair-and-reconcile"), organisation.accounts["process builder"].log_in()
    assert "`Authorization: Bearer …`" in page.text
    item = open_ticket()
    position, items, subscribe, *rest = [
        one for one in re.split(r"(?=^curl )", page.take("curl "), flags=re.MULTILINE) if one
    ]
    assert rest == []
    bearer = f'curl -H "Authorization: Bearer {token}" '
    told = json.loads(shell.run(position, replaced={"curl ": bearer}))
    assert str(item.guid) in shell.run(items, replaced={"curl ": bearer})
    made = json.loads(
        shell.run(
            subscribe,
            replaced={
                "curl ": bearer,
                '"filter_guid": "…"': f'"filter_guid": "{first.company.guid}"',
                "https://…": receiver.url("/hook"),
                "gAAAA…": told["position"],
            },
        )
    )
    subscription = Subscription.objects.get(guid=made["guid"])
    work.update(item, by=actors["team member"], title="Changed")
    engine.drain()
    (message,) = receiver.requests
    _prove(shell, page, token, subscription, item, message.json()["EventID"])
    _repair(shell, page, token, subscription, engine, receiver)
    _as_operator(shell, page, subscription)
    assert page.rest == []


def _prove(shell: Shell, page: Page, token: str, subscription: Subscription, item: WorkItem, event: str) -> None:
    named = {"{guid}": str(subscription.guid), "record=…": f"record={item.guid}", "first=7&last=9": "first=1&last=2"}

    def call(start: str, **more: str) -> Any:
        written = page.take(start)
        for given, value in (named | more).items():
            written = written.replace(given, value)
        return _call(shell, written, token)

    (shell.folder / "event-ids-of-the-day").write_text(f"{event}\n{event}\n")
    recipe = shell.run(page.take("LC_ALL=C sort")).split()[0]
    assert recipe == hashlib.sha256(f"{event}\n".encode()).hexdigest()
    found = call("GET $API/subscriptions/{guid}/digest", **{"?since=…&until=…": ""})
    assert recipe in json.dumps(found)
    assert "wanted" in json.dumps(call("GET $API/subscriptions/{guid}/sequence"))
    assert call("GET $API/subscriptions/{guid}/explain")
    assert "bulk" in call("GET $API/subscriptions/{guid}/health")["queued"]


def _repair(
    shell: Shell, page: Page, token: str, subscription: Subscription, engine: Engine, receiver: Receiver
) -> None:
    delivery = Delivery.objects.get()
    _call(shell, page.take("POST $API/deliveries").replace("{guid}", str(delivery.guid)), token)
    engine.drain()
    assert len(receiver.requests) == 2
    replay = page.take("POST $API/subscriptions/{guid}/replay").replace("{guid}", str(subscription.guid))
    wish = {"since": DAY, "until": "2100-01-01T00:00:00Z", "states": ["delivered"], "record": str(delivery.record_guid)}
    assert set(wish) <= set(re.findall(r'"(\w+)": ', page.text))
    count = page.take("POST $API/subscriptions/{guid}/replay/count").replace("{guid}", str(subscription.guid))
    assert _call(shell, count, token, wish) == {"count": 1, "is_all": True}
    asked = _call(shell, replay, token, wish)
    shown = _call(shell, page.take("GET $API/replays/{guid}").replace("{guid}", asked["guid"]), token)
    assert {"progress", "queued"} <= set(shown)
    for deed in ("pause", "resume", "cancel"):
        _call(shell, f"POST $API/replays/{asked['guid']}/{page.take(f'…/{deed}')[2:]}", token, {})
    backfill = page.take("POST $API/subscriptions/{guid}/backfill").replace("{guid}", str(subscription.guid))
    again = _call(shell, backfill, token, {"since": DAY})
    engine.drain()
    assert Replay.objects.get(guid=again["guid"]).guid
    assert Attempt.objects.count() >= 2


def _as_operator(shell: Shell, page: Page, subscription: Subscription) -> None:
    """With a worker beside it, for the commands show the progress until the end."""
    worker = shell.start("bin/workwire worker")
    try:
        replay = page.take("bin/workwire webhooks replay")
        assert "replay finished" in shell.run(replay, replaced={"SUBSCRIPTION": str(subscription.guid)})
        backfill = page.take("… webhooks backfill").replace("…", "bin/workwire", 1)
        named = {"SUBSCRIPTION": str(subscription.guid), "…": "2026-11-01"}
        assert "backfill finished" in shell.run(backfill, replaced=named)
        assert "delivered" in shell.run(page.take("… webhooks tail").replace("…", "bin/workwire") + " --once")
    finally:
        worker.terminate()
        worker.wait(30)
    held = replays.replay(subscription.guid, by=SYSTEM, since=subscription.created_at)
    pause = page.take("… webhooks replays").replace("…", "bin/workwire")
    assert "replay paused" in shell.run(pause, replaced={"REPLAY": str(held.guid)})


def test_monitoring(
    shell: Shell, organisation: Organisation, subscribe: Subscribe, live_server: Any, tmp_path: Path
) -> None:
    page = Page("monitor")
    rules = (Path(__file__).parents[2] / "deploy" / "alerts.yml").read_text()
    named = set(re.findall(r"^\| `(\w+)` \|", page.text, re.MULTILINE))
    assert named == set(re.findall(r"alert: (\w+)", rules))
    for path in (page.take("/metrics"), page.take("/health/live"), page.take("/health/ready")):
        assert shell.run(f"curl -s -f -H 'Host: work1.internal' $SERVER{path}"), path
    checks = page.take("GET /api/v1/checks")
    doctor = page.take("bin/workwire doctor")
    assert "worker" in shell.run(f"{doctor} 2>&1", status=1)
    as_json, all_lines = page.take("WORKWIRE_LOG_FORMAT"), page.take("WORKWIRE_LOG_LEVEL")
    worker = shell.start(f"env {as_json} {all_lines} bin/{page.take('workwire worker')}")
    try:
        eventually(lambda: "workwire_workers_alive 1.0" in shell.run("curl -s $SERVER/metrics"), 60)
    finally:
        worker.terminate()
        worker.wait(30)
    made, _ = subscribe(by="process builder")
    call = page.take("GET /api/v1/subscriptions/{guid}/health").replace("{guid}", str(made.guid))
    assert "queued" in _call(shell, call, organisation.accounts["process builder"].log_in())
    admin = organisation.accounts["administrator"].log_in()
    of_a_kind = page.take("GET /api/v1/jobs?kind").replace("…", "webhooks.retention")
    assert _call(shell, checks, admin)["checks"]
    standing = _call(shell, of_a_kind, admin)["items"]
    assert [job["kind"] for job in standing] == ["webhooks.retention"]
    assert len(_call(shell, page.take("GET /api/v1/jobs"), admin)["items"]) > 1
    assert page.rest == []
