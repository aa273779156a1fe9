"""A ledger that was put back or copied: epochs in every body, and sending that is held until an operator says so."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from django.conf import settings
from django.test import Client

from tests.support.environment import ON_POSTGRES
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from tests.support.world import Subscribe
from workwire.checks import operation
from workwire.cli.restored import restored
from workwire.cli.resume_sending import resume_sending
from workwire.kernel.actor import SYSTEM
from workwire.kernel.stopping import Mark
from workwire.outbox import restores
from workwire.outbox.models import Event, LedgerState
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import epochs, messages, queries
from workwire.rooms.work.models import WorkItem
from workwire.worker import main as worker_main
from workwire.worker.delivery.engine import Engine

pytestmark = pytest.mark.django_db(transaction=True)


def _body(event: Event) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(event.body)
    return found


def test_every_body_says_its_epoch_which_rises_at_a_restore(
    open_ticket: Callable[..., WorkItem], subscribe: Subscribe, receiver: Receiver, engine: Engine
) -> None:
    subscribe()
    first = open_ticket()
    engine.drain()
    assert epochs.begin(by=SYSTEM) == 2
    second = open_ticket()
    engine.drain()
    told = {body["GUID"]: (body["Epoch"], body["Sequence"]) for body in (one.json() for one in receiver.requests)}
    assert told == {str(first.guid): (1, 1), str(second.guid): (2, 1)}
    assert {_body(event)["Epoch"] for event in Event.objects.order_by("-pk")[:1]} == {2}
    assert messages.sample(webhooks()[0])["Epoch"] == 2


def test_the_owner_of_every_living_subscription_is_told_of_a_new_epoch(
    open_ticket: Callable[..., WorkItem], subscribe: Subscribe
) -> None:
    open_ticket()
    living, _ = subscribe()
    (last,) = Event.objects.order_by("-pk").values_list("occurred_at", flat=True)[:1]
    epochs.begin(by=SYSTEM)
    (notice,) = queries.notices(living.guid, by=SYSTEM).filter(name="EpochBegan")
    assert _body(notice)["Began"] == 2
    assert str(_body(notice)["DataOf"]).startswith(last.strftime("%Y-%m-%dT%H:%M:%S"))


class TestPlace:
    """Where the database lies, noted the first time."""

    @pytest.fixture(autouse=True)
    def _noted(self) -> None:
        assert restores.look_at_place() == ""

    def _is_elsewhere(self) -> None:
        LedgerState.objects.update(place="somewhere else")

    def test_the_same_place_is_sent_from(self) -> None:
        assert restores.look_at_place() == ""

    def test_another_place_holds_sending_until_told_and_says_so_everywhere(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        self._is_elsewhere()
        stopping, freed = Mark(), []
        with caplog.at_level(logging.WARNING):
            worker = threading.Thread(target=lambda: freed.append(worker_main.wait_until_sending_is_free(stopping)))
            worker.start()
            eventually(lambda: caplog.records, 20)
            assert "nothing is sent: The database lies at another place" in caplog.text
            found = operation.of_sending(restores.held())
            assert not found.is_well
            assert "workwire resume-sending" in found.sentence
            assert Client().get("/health/ready").json()["sending"] == "held: copied"
            assert b"workwire_sending_held 1.0" in Client().get("/metrics").content
            assert freed == []
            done = CliRunner().invoke(resume_sending, [])
            assert (done.exit_code, done.exception) == (0, None)
            worker.join(20)
        assert freed == [True]
        assert restores.epoch() == 1
        assert Client().get("/health/ready").json()["sending"] == "on"

    def test_restored_begins_an_epoch_and_lets_sending_go_on(self) -> None:
        restores.hold(restores.RESTORED)
        assert restores.look_at_place() == "restored"
        done = CliRunner().invoke(restored, [])
        assert "Epoch 2 begins" in done.output
        assert restores.look_at_place() == ""

    def test_a_worker_that_is_held_can_be_stopped(self) -> None:
        self._is_elsewhere()
        stopping = Mark()
        stopping.set()
        assert worker_main.wait_until_sending_is_free(stopping) is False

    def test_a_setting_holds_whatever_the_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"sending": "held"}))
        assert restores.look_at_place() == "set"
        assert "WORKWIRE_SENDING" in CliRunner().invoke(resume_sending, []).output


@pytest.mark.parametrize("reason", restores.REASONS)
def test_why_nothing_is_sent_is_said_in_the_language_of_the_reader(reason: str) -> None:
    english, german = restores.explained(reason, "en"), restores.explained(reason, "de")
    assert english != german
    assert restores.REASONS[reason] not in (english, german)


@pytest.mark.skipif(ON_POSTGRES, reason="a clone of a server's database has a test of its own")
def test_a_copy_of_the_file_is_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, copy, moved = tmp_path / "one.sqlite3", tmp_path / "two.sqlite3", tmp_path / "three.sqlite3"
    sqlite3.connect(original).execute("CREATE TABLE t (x)").connection.commit()
    shutil.copy2(original, copy)
    places = []
    for path in (original, copy, original):
        monkeypatch.setitem(restores.connection.settings_dict, "NAME", str(path))
        places.append(restores.place())
    original.rename(moved)
    monkeypatch.setitem(restores.connection.settings_dict, "NAME", str(moved))
    assert places[0] == places[2] == restores.place()
    assert places[0] != places[1]


@pytest.mark.skipif(not ON_POSTGRES, reason="for databases of a server")
def test_a_clone_of_the_database_is_another_place_for_an_ordinary_user() -> None:
    import psycopg
    from django.db import connection

    name, before = f"{connection.settings_dict['NAME']}_clone", restores.place()
    with psycopg.connect(_url(connection.settings_dict, "postgres"), autocommit=True) as administrator:
        administrator.execute(f'DROP DATABASE IF EXISTS "{name}"')
        administrator.execute(f'CREATE DATABASE "{name}"')
        administrator.execute("DROP ROLE IF EXISTS workwire_plain")
        administrator.execute("CREATE ROLE workwire_plain LOGIN")
        with psycopg.connect(_url(connection.settings_dict, name)) as clone:
            clone.execute("SET ROLE workwire_plain")
            row = clone.execute(restores.PLACE).fetchone()
        administrator.execute(f'DROP DATABASE "{name}"')
        administrator.execute("DROP ROLE workwire_plain")
    assert row is not None
    assert restores.digest_of(row) != before
    assert restores.place() == before


def _url(parameters: dict[str, object], name: object) -> str:
    import os

    from tests.support.empty_databases import with_database

    return with_database(os.environ["WORKWIRE_TEST_POSTGRES"], str(name))
