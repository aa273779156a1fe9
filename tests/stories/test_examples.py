"""Each program of `examples`, run beside a real installation: web process, worker and receivers."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.processes import ROOT, Api, free_port
from tests.support.receiver import Received, Receiver
from tests.support.running_demo import Demo, program, running_demo
from tests.support.waiting import eventually

pytestmark = pytest.mark.story
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, shared_database_url: str | None) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("examples"), shared_database_url) as one:
        yield one


def _subscribed(api: Api) -> set[str]:
    """Where the messages of all subscriptions of an account go."""
    _, answer = api.call("GET", "/api/v1/subscriptions?limit=200")
    return {one["url"] for one in answer["items"]}


def _ticket(demo: Demo, title: str) -> dict[str, Any]:
    objects = demo.told["objects"]
    wanted = {"process_version": objects["TicketAttributeVersionGUID"], "category": objects["TicketCategoryGUID"]}
    status, made = demo.api("mei").call("POST", "/api/v1/tickets", wanted | {"title": title, "submit": True})
    assert status == 201, made
    return dict(made)


def _case(demo: Demo, title: str) -> dict[str, Any]:
    wanted = {"process_version": demo.told["objects"]["CaseAttributeVersionGUID"], "title": title, "submit": True}
    status, made = demo.api("mei").call("POST", "/api/v1/cases", wanted)
    assert status == 201, made
    return dict(made)


def _watched(demo: Demo, receiver: Receiver, webhook: str) -> str:
    """The secret of a subscription of Petra's to everything."""
    status, made = demo.api("petra").call(
        "POST", "/api/v1/subscriptions", {"webhook": webhook, "url": receiver.url(f"/{webhook}")}
    )
    assert status == 201, made
    return str(made["secret"])


def test_a_chat_is_told_of_new_work_once_and_only_by_workwire(demo: Demo, receiver: Receiver) -> None:
    receiver.script("/chat", status=503, times=1)
    port = free_port()
    environment = demo.environment("petra", CHAT=receiver.url("/chat"), PORT=str(port))
    with program("examples.notify_chat", env=environment):
        assert f"http://127.0.0.1:{port}/" in _subscribed(demo.api("petra"))
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _forged(port)
        reference = _ticket(demo, "Invoice 9001 is missing")["reference"]
        told = [one.json()["text"] for one in receiver.wait_for(2, timeout=30)]  # the first one was refused
        assert told[0] == told[1]
        assert told[0].startswith(f"New ticket {reference} for Northwind Foods: Invoice 9001 is missing (due 20")
    assert f"http://127.0.0.1:{port}/" not in _subscribed(demo.api("petra"))


def _forged(port: int) -> None:
    headers = {"Webhook-Id": "x", "Webhook-Timestamp": "1", "Webhook-Signature": "v1,x"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}", headers)
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)


def test_a_form_sent_twice_is_one_ticket(demo: Demo, receiver: Receiver) -> None:
    secret = _watched(demo, receiver, "PacketCreated")
    port = free_port()
    with program("examples.web_form", env=demo.environment("mei", PORT=str(port))):
        form = _open(port)
        key = re.search(r'name="key" value="([^"]+)"', form)
        assert key is not None
        filled = {"key": key[1], "title": "Where <is> my refund?", "description": "It was promised."}
        first, second = _open(port, filled), _open(port, filled)
        assert first == second
        (reference,) = re.findall(r"<b>(\d+-T)</b>", first)
        with pytest.raises(urllib.error.HTTPError, match="422") as refused:
            _open(port, {"key": "another", "title": "&" * 501})
        assert "It was not taken" in refused.value.read().decode()
    said = receiver.wait_for(lambda came: any(reference in one.body.decode() for one in came), timeout=30)
    about = [body for one in said if (body := one.verify(secret))["Reference"] == reference]
    assert about[-1]["Title"] == "Where <is> my refund?"


def _open(port: int, filled: dict[str, str] | None = None) -> str:
    data = urlencode(filled).encode() if filled else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/", data, timeout=30) as answer:
        return str(answer.read().decode())


def test_the_mirror_holds_every_item_and_fills_what_was_lost(demo: Demo, tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    environment = demo.environment("petra", MIRROR=str(path), PORT=str(free_port()))
    with program("examples.mirror", env=environment):
        ticket = _ticket(demo, "Mirrored as it is")
        eventually(lambda: _mirrored(path) == _listed(demo), what="the mirror is not like the list")
        assert _mirrored(path)[ticket["guid"]][1] == "Mirrored as it is"
    _ticket(demo, "Opened while the mirror was down")
    with closing(sqlite3.connect(path)) as database, database:
        before = database.execute("SELECT COUNT(*) FROM message").fetchone()[0]
        database.execute("DELETE FROM message WHERE item = ?", (ticket["guid"],))  # what a restore of the mirror loses
    with program("examples.mirror", env=environment):
        eventually(lambda: _mirrored(path) == _listed(demo), 60, what="the mirror was not repaired")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT COUNT(*) FROM message").fetchone()[0] > before


def _mirrored(path: Path) -> dict[str, tuple[str, str | None]]:
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return {
            guid: (reference, title)
            for guid, reference, title in database.execute("SELECT guid, reference, title FROM item")
        }


def _listed(demo: Demo) -> dict[str, tuple[str, str | None]]:
    _, page = demo.api("petra").call("GET", "/api/v1/work-items?limit=200")
    assert page["next_cursor"] is None
    shown = ((one, None if one["status"] == "draft" else one["title"]) for one in page["items"])  # drafts tell no title
    return {one["guid"]: (one["reference"], title) for one, title in shown}


def test_a_newer_epoch_is_newer_whatever_its_numbers(tmp_path: Path) -> None:
    from examples.mirror.store import Store

    store = Store(str(tmp_path / "mirror.db"))
    body = {"OccurredAt": "2026-01-15T09:30:00.000Z", "GUID": "item", "Reference": "1-T"}
    messages = [("b", 2, 3, "new"), ("a", 1, 9, "old"), ("c", 2, 2, "between")]
    for event, epoch, sequence, title in messages:
        assert store.keep("s", body | {"EventID": event, "Epoch": epoch, "Sequence": sequence, "Title": title})
        assert not store.keep("s", body | {"EventID": event, "Epoch": epoch, "Sequence": sequence, "Title": title})
    assert _mirrored(tmp_path / "mirror.db") == {"item": ("1-T", "new")}
    assert store.digest("s", "2026-01-15") == (3, hashlib.sha256(b"a\nb\nc\n").hexdigest())


def test_the_files_of_a_case_come_out_as_they_went_in(demo: Demo, tmp_path: Path) -> None:
    case = _case(demo, "Onboard a supplier with papers")
    contents = {"registration.pdf": b"%PDF-1.4 registration", "bank.txt": b"IBAN"}
    for name, content in contents.items():
        _attach(demo, case["guid"], name, content)
    done = _run(demo.environment("mei"), "examples.export_files", case["reference"], str(tmp_path))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert sorted((tmp_path / one["file"]).read_bytes() for one in manifest) == sorted(contents.values())
    assert done.stdout.splitlines() == [one["file"] for one in manifest]
    missing = _run(demo.environment("mei"), "examples.export_files", "0-C", str(tmp_path))
    assert missing.returncode == 1
    assert "There is no 0-C" in missing.stderr


def _attach(demo: Demo, item: str, name: str, content: bytes) -> None:
    api = demo.api("mei")
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{demo.base}/api/v1/uploads", head + content + b"\r\n--x--\r\n", headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        upload = json.loads(answer.read())["guid"]
    assert api.call("POST", f"/api/v1/work-items/{item}/files", {"upload": upload})[0] == 201


def test_a_robot_does_what_it_can_and_gives_the_rest_to_people(demo: Demo, receiver: Receiver) -> None:
    secret = _watched(demo, receiver, "PacketUpdated")
    case = _case(demo, "Onboard a supplier by robot")
    done = _run(demo.environment("robot-1"), "examples.robot", "--until-idle")
    assert done.returncode == 0, done.stderr
    _, page = demo.api("petra").call("GET", f"/api/v1/work-items?parent={case['guid']}")
    actions = {one["work_type"]: one for one in page["items"]}
    checked, collect = actions["Check Sanctions"], actions["Collect Documents"]
    assert checked["resolution_method"] == "done_successfully"
    assert f"{checked['reference']} done" in done.stdout
    assert collect["robot_rejected"]
    assert collect["rejected_reason"] == "Nobody taught me to Collect Documents."
    receiver.wait_for(lambda came: _tells(came, secret, checked["guid"]), timeout=30)


def _tells(came: list[Received], secret: str, guid: str) -> bool:
    """Whether verified messages tell that an item is resolved."""
    return any(body["GUID"] == guid and body["ResolvedOn"] for body in (one.verify(secret) for one in came))


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_example_is_described_and_needs_nothing_but_python() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    folders = sorted(path.parent for path in EXAMPLES.glob("*/__main__.py"))
    assert len(folders) >= 5
    for folder in folders:
        assert f"({folder.name}/README.md)" in listed
        assert f"python -m examples.{folder.name}" in (folder / "README.md").read_text()
    imported = {
        name.partition(".")[0]
        for path in EXAMPLES.rglob("*.py")
        for name in re.findall(r"^(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE)
    }
    assert imported - {"examples"} <= sys.stdlib_module_names
