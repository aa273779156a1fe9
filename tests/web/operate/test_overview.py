"""The operator's overview: the verdict and what to do, the figures, who may look, and in how many queries."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from tests.web import gallery
from workwire.jobs import commands as jobs
from workwire.jobs.kinds import lanes
from workwire.jobs.models import Job
from workwire.kernel import clock, ids, table_sizes
from workwire.reactions.webhooks import workers
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.reactions.webhooks.workers import Report

_QUERIES = 22  # one of them for each listener


def _page(organisation: Organisation) -> str:
    answer = gallery.signed_in(organisation.accounts["administrator"]).get("/operate")
    assert answer.status_code == 200
    return answer.content.decode()


def _beat(**report: object) -> None:
    workers.beat(ids.new_guid(), clock.now(), Report().as_json() | report)


def test_only_administrators_see_how_the_installation_is(organisation: Organisation) -> None:
    for who, account in gallery.accounts(organisation).items():
        answer = gallery.signed_in(account).get("/operate")
        assert (answer.status_code == 200) == (who == "administrator"), who
        assert ('href="/operate"' in answer.content.decode()) == (who == "administrator"), who


def test_all_is_well_while_a_worker_is_alive_and_nothing_is_late(organisation: Organisation) -> None:
    _beat()
    shown = _page(organisation)
    assert "All is well." in shown
    assert 'class="note bad"' not in shown


def test_no_worker_is_an_alarm_that_says_what_to_do(organisation: Organisation) -> None:
    shown = _page(organisation)
    assert "No worker is alive, so nothing is sent." in shown
    assert "Run <code>workwire up</code> or <code>workwire worker</code>" in shown


def test_held_sending_is_told_with_its_reason(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"sending": "held"}))
    shown = _page(organisation)
    assert "Sending is held: no message goes out." in shown
    assert "WORKWIRE_SENDING is held" in shown
    assert "No worker is alive" not in shown


def test_a_wrong_clock_and_an_old_release_are_told(organisation: Organisation) -> None:
    _beat(clock_offset=95.0)
    workers.beat(ids.new_guid(), clock.now())
    shown = _page(organisation)
    assert "differs from the database's" in shown or "differs from the database&#x27;s" in shown
    assert "tell no figures" in shown


def test_figures_add_up_over_workers(organisation: Organisation) -> None:
    for _ in range(2):
        report = Report()
        for _ in range(3):
            report.attempted(204)
        report.attempted(500)
        report.took(0.02)
        report.ended["delivered"] = 1500
        workers.beat(ids.new_guid(), clock.now(), report.as_json())
    shown = _page(organisation)
    assert "75.0 %" in shown
    assert "3,000" in shown
    assert "25 ms" in shown  # the class in which all of them lie
    assert "Messages that ended, each hour of the last 24" in shown
    assert "last 24 hours" in shown


def test_what_ended_workers_did_within_a_day_counts_too(organisation: Organisation) -> None:
    for hours, taken in ((30, 7), (3, 40), (0, 2)):
        worker, report = ids.new_guid(), Report()
        report.ended["delivered"] = taken
        with clock.frozen(clock.now() - timedelta(hours=hours)):
            workers.beat(worker, clock.now(), report.as_json())
            workers.leave(worker)
    assert "<dt>Delivered</dt><dd>42</dd>" in _page(organisation)


def test_subscriptions_in_trouble_are_named_with_what_is_the_case(
    organisation: Organisation, subscribe: Subscribe, receiver: Receiver
) -> None:
    _beat()
    subscription, _ = subscribe()
    Subscription.objects.filter(pk=subscription.pk).update(failing_since=clock.now() - timedelta(hours=2))
    assert "Endpoint fails" in _page(organisation)
    assert f'href="/webhooks/subscriptions/{subscription.guid}"' in _page(organisation)
    assert receiver.url("").rstrip("/") in _page(organisation)
    assert "/hook" not in _page(organisation)
    Subscription.objects.filter(pk=subscription.pk).update(access_lost_at=clock.now())
    shown = _page(organisation)
    assert "Owner lacks a right" in shown
    assert "1 whose owner lacks a right" in shown


def test_jobs_are_told_with_what_fails(organisation: Organisation) -> None:
    _beat()
    assert "No worker of this release has planned any yet." in _page(organisation)
    for lane in lanes():
        jobs.plan(lane)
    shown = _page(organisation)
    assert "Goes well" in shown
    failing = Job.objects.update(
        error_code="error", error_text="The disk is full.", ready_at=clock.now() - timedelta(hours=1)
    )
    shown = _page(organisation)
    assert "The disk is full." in shown
    assert "Jobs are ready and not begun in the lanes" in shown
    assert f"Failing and tried again: {failing}. Given up within a day: 0." in shown


def test_the_page_asks_few_queries_however_much_there_is(organisation: Organisation) -> None:
    for _ in range(5):
        _beat()
    browser = gallery.signed_in(organisation.accounts["administrator"])
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/operate").status_code == 200
    assert len([one for one in asked if "SAVEPOINT" not in one["sql"]]) <= _QUERIES


@pytest.mark.django_db
def test_the_size_of_the_database_is_read() -> None:
    assert table_sizes.whole() > 100_000
    largest = table_sizes.largest(3)
    assert len(largest) == (3 if connection.vendor == "postgresql" else 0)
    assert [size for _, size in largest] == sorted((size for _, size in largest), reverse=True)


def test_the_database_tells_how_fast_it_grows_and_how_long_it_keeps_what_it_holds(
    organisation: Organisation, subscribe: Subscribe
) -> None:
    made, _ = subscribe()
    now = clock.now()
    days = [40, 40, 6, 6, 2, 0]
    for at in days:
        Delivery.objects.create(subscription=made, test_body="{}", created_at=now - timedelta(days=at))
    shown = " ".join(re.sub("<[^>]+>", " ", _page(organisation)).split())
    assert "Written in 24 hours, about In 7 days Retention The oldest" in shown
    assert "Deliveries 1 4 30 days" in shown
    assert re.search(r"Events \d[\d,]* \d[\d,]* for good", shown)
