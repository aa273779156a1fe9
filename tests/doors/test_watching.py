"""What is told of the engine and its subscribers: metrics, alerts, the health of a subscription, notices."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from tests.doors.conftest import Caller
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.checks import operation
from workwire.checks.outcomes import Finding
from workwire.jobs import queries as jobs
from workwire.jobs import timers
from workwire.jobs.models import Job, JobState
from workwire.jobs.running import FORGET
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, fanning, repair, rotation, workers
from workwire.reactions.webhooks.models import Queued, Subscription, Worker
from workwire.reactions.webhooks.workers import MOST_CIRCUITS, Report
from workwire.rooms.work.models import WorkItem
from workwire.web import metrics
from workwire.worker.delivery.engine import Engine

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana.json"
MOST_QUERIES = 13

Open = Callable[..., WorkItem]
Values = dict[tuple[str, tuple[str, ...]], float]


def _figures() -> Values:
    """All samples of /metrics by name and values of labels, without the name of the worker."""
    text = Client().get("/metrics").content.decode()
    return {
        (
            sample.name,
            tuple(value for label, value in sorted(sample.labels.items()) if label != "worker"),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _told(engine: Engine) -> Values:
    """The figures after a fresh report of an engine."""
    workers.beat(engine.guid, clock.now(), engine.told(clock.now()))
    return _figures()


@pytest.fixture
def failing(subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver) -> Iterator[Subscription]:
    """A subscription whose endpoint fails and whose circuit is open; the clock stands still."""
    receiver.script("/hook", status=503)
    made, _ = subscribe(by="process builder")
    fanning.fan_out(clock.now())
    with clock.frozen(clock.now()):
        for _ in range(9):
            open_ticket()
        engine.drain()
        workers.beat(engine.guid, clock.now(), engine.told(clock.now()))
        yield made


def test_every_metric_is_documented_and_every_documented_one_is_there(failing: Subscription) -> None:
    text = Client().get("/metrics").content.decode()
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE") and "_created" not in line}
    assert told == {name for name, *_ in metrics.described()}
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert set(re.findall(r"`(workwire_\w+)`", page)) == told


def test_metrics_of_a_failing_endpoint(failing: Subscription, engine: Engine) -> None:
    found = _figures()
    tries = found["workwire_attempts_total", ("5xx",)]
    assert tries >= 5
    assert found["workwire_attempts_total", ("2xx",)] == 0
    assert found["workwire_circuits", ("open",)] == 1
    assert found["workwire_subscriptions_unwell", ("failing",)] == 1
    assert found["workwire_queue_depth", ("retry", "waiting")] == tries
    assert found["workwire_queue_depth", ("fresh", "waiting")] == 9 - tries
    assert found["workwire_workers_alive", ()] == 1
    assert found["workwire_events_fanned_out_total", ()] == 9
    assert found["workwire_worker_in_flight", ()] == 0


def test_metrics_of_messages_taken(subscribe: Subscribe, open_ticket: Open, engine: Engine) -> None:
    subscribe()
    fanning.fan_out(clock.now())
    for _ in range(3):
        open_ticket()
    waiting = _figures()
    assert waiting["workwire_pending_events", ()] == 3
    assert waiting["workwire_fan_out_lag_seconds", ()] > 0
    engine.drain()
    found = _told(engine)
    assert found["workwire_deliveries_ended_total", ("delivered",)] == 3
    assert found["workwire_attempts_total", ("2xx",)] == 3
    assert found["workwire_delivery_latency_seconds_count", ()] == 3
    assert found["workwire_delivery_latency_seconds_bucket", ("+Inf",)] == 3
    assert 0 < found["workwire_delivery_latency_seconds_sum", ()] < 60
    assert found["workwire_oldest_due_seconds", ()] == found["workwire_fan_out_lag_seconds", ()] == 0


def test_workers_of_another_release_may_have_other_classes_of_latency(db: None) -> None:
    def told(report: dict[str, Any]) -> Values:
        guid = ids.new_guid()
        workers.beat(guid, clock.now(), Report().as_json() | report)
        found = _figures()
        workers.leave(guid)
        return found

    name = "workwire_delivery_latency_seconds"
    of_the_next = told({"bounds": [0.5, 2.0], "latency": [1, 2, 3], "latency_sum": 9.0})
    assert [of_the_next[f"{name}_bucket", (bound,)] for bound in ("0.5", "2.0", "+Inf")] == [1, 3, 6]
    assert of_the_next[f"{name}_count", ()] == 6
    senseless = told({"latency": [1, 2, 3]})
    assert (f"{name}_count", ()) not in senseless
    assert senseless["workwire_events_fanned_out_total", ()] == 0


def test_the_oldest_due_of_failing_endpoints_is_told_apart_and_paused_ones_wait_for_their_owners(
    failing: Subscription, actors: dict[str, Actor]
) -> None:
    Queued.objects.update(due_at=clock.now() - timedelta(hours=1))
    found = _figures()
    assert found["workwire_oldest_due_seconds", ()] == 3600
    assert found["workwire_oldest_due_healthy_seconds", ()] == 0
    commands.pause(failing.guid, by=actors["process builder"])
    found = _figures()
    assert found["workwire_oldest_due_seconds", ()] == 0
    assert found["workwire_subscriptions_unwell", ("paused",)] == 1


def test_metrics_take_a_few_queries_however_much_there_is(
    subscribe: Subscribe, open_ticket: Open, engine: Engine
) -> None:
    def taken() -> int:
        with CaptureQueriesContext(connection) as captured:
            Client().get("/metrics")
        return len(captured)

    for _ in range(5):
        subscribe()
    open_ticket()
    fanning.fan_out(clock.now())
    first = taken()
    for _ in range(10):
        workers.beat(ids.new_guid(), clock.now(), Report().as_json())
        open_ticket()
    fanning.fan_out(clock.now())
    assert taken() == first <= MOST_QUERIES


def test_jobs_that_are_late_failing_or_given_up_are_told(db: None) -> None:
    long_ago, gone = clock.now() - timedelta(minutes=20), clock.now() - timedelta(minutes=1)
    terms = {"kind": FORGET, "lane": "upkeep"}
    Job.objects.create(**terms, ready_at=long_ago)
    Job.objects.create(**terms, ready_at=clock.now() + timedelta(hours=1), tries=2, error_code="x")
    Job.objects.create(**terms, ready_at=gone, ended_at=gone, state=JobState.FAILED, error_code="x")
    found = _figures()
    assert found["workwire_jobs_overdue_seconds", ("upkeep",)] >= 1200
    assert found["workwire_jobs_failing", (FORGET,)] == 1
    assert found["workwire_jobs_failed", (FORGET,)] == 1


def test_the_doctor_tells_of_late_and_failing_jobs(db: None) -> None:
    assert _of_jobs().is_well
    Job.objects.create(
        kind=FORGET, lane="upkeep", standing=True, ready_at=clock.now(), error_code="x", error_text="Away."
    )
    assert not _of_jobs().is_well
    assert "Standing jobs fail: jobs.forget: Away." in _of_jobs().sentence
    Job.objects.update(ready_at=clock.now() - timedelta(hours=1), error_code="")
    assert not _of_jobs().is_well
    assert "in the lanes upkeep, for up to 60 minutes" in _of_jobs().sentence


def _of_jobs() -> Finding:
    """The one finding there is about jobs."""
    (found,) = operation.of_jobs(jobs.health(clock.now()), jobs.standing())
    return found


def test_a_worker_of_another_release_is_alive_and_tells_nothing(db: None) -> None:
    Worker.objects.create(host="old", pid=7, report=None)
    Worker.objects.create(host="new", pid=8, report={"attempts": {"2xx": 4}, "something new": 1})
    found = _figures()
    assert found["workwire_workers_alive", ()] == 2
    assert found["workwire_attempts_total", ("2xx",)] == 4


def test_a_silent_worker_is_not_alive_and_its_circuits_do_not_count(failing: Subscription) -> None:
    Worker.objects.update(seen_at=clock.now() - timedelta(minutes=1))
    found = _figures()
    assert found["workwire_workers_alive", ()] == 0
    assert found["workwire_worker_silent_seconds", ()] == 60
    assert ("workwire_circuits", ("open",)) not in found
    assert workers.circuit(failing.pk, clock.now()).state == "closed"


def test_a_report_stays_small_and_tells_how_many(db: None) -> None:
    report = Report()
    report.look_at({pk: ("open" if pk % 2 else "half_open", float(pk % 2)) for pk in range(5_000)}, clock.now())
    assert (report.open, report.half_open, len(report.circuits)) == (2_500, 2_500, MOST_CIRCUITS)
    assert {state for state, _ in report.circuits.values()} == {"open"}


def test_the_health_of_a_subscription(failing: Subscription, caller: Callable[[str], Caller], engine: Engine) -> None:
    path = f"/subscriptions/{failing.guid}/health"
    told = caller("process builder").api("GET", path).json()
    tries = told["last_hour"]["refused"]
    assert (told["state"], told["circuit"]) == ("failing", "open")
    assert told["circuit_open_until"] > clock.rfc3339(clock.now())  # type: ignore[operator] # both are texts
    assert told["last_failure"]["status"] == 503
    assert told["last_success"] is None
    assert told["last_hour"] == told["last_day"] == {"succeeded": 0, "refused": tries, "unanswered": 0}
    assert told["queued"] == {"fresh": 9 - tries, "retry": tries, "bulk": 0, "test": 0, "sending": 0}
    assert told["counted"] == 9
    assert caller("administrator").api("GET", path).json() == told
    for other in ("process builder of one company", "team member"):
        assert caller(other).api("GET", path).status_code in (403, 404)


def test_the_health_of_a_subscription_that_recovers_and_one_that_is_paused(
    failing: Subscription,
    caller: Callable[[str], Caller],
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
) -> None:
    receiver.script("/hook", status=204)
    path = f"/subscriptions/{failing.guid}/health"
    with clock.frozen(clock.now() + timedelta(minutes=10)):
        engine.drain()
        workers.beat(engine.guid, clock.now(), engine.told(clock.now()))
        told = caller("process builder").api("GET", path).json()
        assert (told["state"], told["circuit"], told["circuit_open_until"]) == ("healthy", "closed", None)
        assert told["last_hour"]["succeeded"] == 9
        assert told["last_success"]["status"] == 204
        commands.pause(failing.guid, by=actors["process builder"])
        assert caller("process builder").api("GET", path).json()["state"] == "paused"


def test_health_takes_the_same_queries_however_long_the_log(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, caller: Callable[[str], Caller]
) -> None:
    made, _ = subscribe(by="process builder")
    builder = caller("process builder")
    counts = []
    for _ in range(2):
        for _ in range(4):
            open_ticket()
        engine.drain()
        with CaptureQueriesContext(connection) as captured:
            builder.api("GET", f"/subscriptions/{made.guid}/health")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 16


def test_notices_tell_what_happened_newest_first(
    failing: Subscription, caller: Callable[[str], Caller], actors: dict[str, Actor]
) -> None:
    commands.pause(failing.guid, by=actors["process builder"])
    path = f"/subscriptions/{failing.guid}/notices"
    told = caller("process builder").api("GET", path).json()["items"]
    assert [row["name"] for row in told] == ["SubscriptionPaused", "EndpointFailing", "SubscriptionCreated"]
    assert told[1]["details"]["Reason"] == "status 503"
    assert [row["sequence"] for row in told] == [3, 2, 1]
    page = caller("process builder").api("GET", f"{path}?limit=2").json()
    rest = caller("process builder").api("GET", f"{path}?limit=2&cursor={page['next_cursor']}").json()
    assert page["items"] + rest["items"] == told
    assert caller("process builder of one company").api("GET", path).status_code == 404
    assert caller("administrator").api("GET", path).json()["items"] == told


def test_notices_tell_a_simulated_message_from_one_that_was_sent_again(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    caller: Callable[[str], Caller],
    actors: dict[str, Actor],
) -> None:
    by = actors["process builder"]
    made, _ = subscribe(by="process builder")
    open_ticket()
    engine.drain()
    repair.simulate(made.guid, by=by)
    repair.resend(made.deliveries.get(test_body="").guid, by=by)
    told = caller("process builder").api("GET", f"/subscriptions/{made.guid}/notices").json()["items"]
    assert [row["name"] for row in told] == ["DeliveriesRepeated", "MessageSimulated", "SubscriptionCreated"]
    assert told[0]["details"]["Reason"] == "resend"
    assert "Reason" not in told[1]["details"]


@pytest.mark.parametrize(("overlap", "told_after"), [(24, 20), (2, 1), (720, 716)])
def test_an_owner_is_told_once_that_an_old_secret_expires(
    overlap: int, told_after: int, subscribe: Subscribe, engine: Engine, actors: dict[str, Actor]
) -> None:
    made, _ = subscribe(by="process builder")
    notices = Event.objects.filter(name="SubscriptionSecretExpiring")
    with clock.frozen(clock.now()) as advance:
        rotation.rotate_secret(made.guid, by=actors["process builder"], overlap=timedelta(hours=overlap))
        advance(timedelta(hours=told_after, minutes=-1))
        engine.drain()
        assert not notices.exists()
        advance(timedelta(minutes=2))
        engine.drain()
        advance(timedelta(hours=1))
        engine.drain()
    assert [event.record_guid for event in notices] == [made.guid]
    made.refresh_from_db()
    assert made.remind_at is None


def test_every_old_secret_has_its_own_notice_and_ended_subscriptions_have_none(
    subscribe: Subscribe, actors: dict[str, Actor]
) -> None:
    made, _ = subscribe(by="process builder")
    ended, _ = subscribe(by="process builder")
    by = actors["process builder"]
    with clock.frozen(clock.now()) as advance:
        rotation.rotate_secret(made.guid, by=by, overlap=timedelta(hours=48))
        rotation.rotate_secret(made.guid, by=by, overlap=timedelta(hours=24))
        rotation.rotate_secret(ended.guid, by=by)
        commands.unsubscribe(ended.guid, by=by)
        assert timers.turn(clock.now()) == 0
        advance(timedelta(hours=21))
        assert [timers.turn(clock.now()) for _ in range(2)] == [1, 0]
        advance(timedelta(hours=24))
        assert [timers.turn(clock.now()) for _ in range(2)] == [1, 0]
    bodies = [event.body for event in Event.objects.filter(name="SubscriptionSecretExpiring")]
    assert len({re.search(r'"ValidUntil":"([^"]+)"', body).group(1) for body in bodies}) == 2  # type: ignore[union-attr] # it is there


def _rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def test_alerts_name_metrics_that_exist() -> None:
    names = {name for name, *_ in metrics.described()}
    named = {name for rule in _rules() for name in re.findall(r"\bworkwire_\w+", rule["expr"])}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} <= names
    assert {rule["alert"] for rule in _rules()} >= {"WorkwireNoData", "WorkwireNoWorker", "WorkwireDeliveriesLate"}
    assert all(rule["annotations"]["summary"] for rule in _rules())


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def test_the_dashboard_shows_every_metric_and_none_that_is_not_there() -> None:
    names = {name for name, *_ in metrics.described()}
    shown = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for panel in _panels()
        for target in panel["targets"]
        for name in re.findall(r"\bworkwire_\w+", target["expr"])
    }
    assert shown == names
    labels = {name: set(labels) for name, _, labels, _ in metrics.described()}
    for panel in _panels():
        for target in panel["targets"]:
            (name,) = re.findall(r"\bworkwire_\w+", target["expr"])
            grouped = re.search(r"by \(([^)]*)\)", target["expr"])
            asked = set(grouped.group(1).split(", ")) if grouped else set()
            assert asked - {"le"} <= labels[re.sub(r"_bucket$", "", name)], target["expr"]
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= asked, target["legendFormat"]


def test_panels_of_the_dashboard_say_what_they_show_and_do_not_overlap() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert all(panel["description"] for panel in _panels())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_promtool_takes_the_alerts() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool, of Debian's package prometheus, is not here")
    checked = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("lost", "advised"), [(0, False), (2, True)])
def test_the_doctor_counts_subscriptions_and_advises_where_a_right_is_lost(lost: int, advised: bool) -> None:
    unwell = {"paused": 1, "failing": 3, "access_lost": lost, "certificates_ending": 4, "certificates_ended": 5}
    found, ended = operation.of_subscriptions(unwell)
    assert found.is_well
    assert found.sentence.startswith(
        f"Subscriptions: 1 paused, 3 with a failing endpoint, {lost} whose owner lacks a right, "
        "4 with certificates that soon end."
    )
    assert ("Give the right back" in found.sentence) == advised
    assert ended.sentence.startswith("The certificates of 5 subscriptions have ended, so nothing can be sent to them.")


def test_free_space_is_told_before_there_is_a_data_folder(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = settings.CONFIG.model_copy(update={"data_dir": tmp_path / "data" / "deeper"})
    monkeypatch.setattr(settings, "CONFIG", missing)
    assert _figures()["workwire_disk_free_bytes", ()] > 0


def test_the_doctor_says_that_nobody_sends_and_that_nothing_is_told(db: None) -> None:
    (finding,) = operation.of_workers(workers.seen(clock.now()), "")
    assert (finding.is_well, "No worker is alive" in finding.sentence) == (False, True)
    silent = Worker.objects.create(host="here", pid=7, seen_at=clock.now() - timedelta(minutes=5))
    (finding,) = operation.of_workers(workers.seen(clock.now()), "")
    assert finding.is_well is False
    assert "here:7 has been silent for 5 minutes" in finding.sentence
    Worker.objects.filter(pk=silent.pk).update(seen_at=clock.now())
    (finding,) = operation.of_workers(workers.seen(clock.now()), "")
    assert (finding.is_well, "tell no figures" in finding.sentence) == (False, True)
    workers.beat(silent.guid, clock.now(), Report().as_json())
    (finding,) = operation.of_workers(workers.seen(clock.now()), "")
    assert finding.is_well
    workers.beat(silent.guid, clock.now(), Report(clock_offset=-90.0).as_json())
    (finding,) = operation.of_workers(workers.seen(clock.now()), "")
    assert (finding.is_well, "clock" in finding.sentence) == (False, True)
