"""Settings changed at run time: validated, recorded, in force without a restart, and who set them is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support import messages
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.recorded import recorded
from tests.support.upkeep import run as run_upkeep
from tests.support.world import Subscribe
from workwire.access import commands, run_time_settings, sessions
from workwire.access.models import Setting
from workwire.access.preferences import language_of, languages, zone_of
from workwire.config import Config
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, Limited, Unauthenticated
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks import repair, retention, rotation, settling
from workwire.reactions.webhooks.commands import Terms
from workwire.reactions.webhooks.models import Delivery
from workwire.rooms.files import commands as files
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Choose = Callable[..., None]


@pytest.fixture
def choose(organisation: Organisation) -> Choose:
    """Choose values as the system, and let this process know, as the end of the transaction does."""

    def chosen(**values: Any) -> None:
        commands.change_settings(values, by=SYSTEM)
        run_time_settings.forget()

    return chosen


def test_a_choice_is_in_force_recorded_and_taken_back(actors: dict[str, Actor]) -> None:
    admin = actors["administrator"]
    before = run_time_settings.in_force("login_attempts")
    assert (before.value, before.source) == (10, "default")
    with recorded() as found:
        commands.change_settings({"login_attempts": 3}, by=admin)
        run_time_settings.forget()
    assert (found.only.name, found.only.actor_id) == ("SettingChanged", admin.user_id)
    assert (found.body["Name"], found.body["Old"], found.body["New"]) == ("login_attempts", None, 3)
    after = run_time_settings.in_force("login_attempts")
    assert (after.value, after.source, after.default) == (3, "administrator", 10)
    with recorded() as found:
        commands.change_settings({"login_attempts": 3}, by=admin)
    assert not found.events
    with recorded() as found:
        commands.change_settings({"login_attempts": None}, by=admin)
        run_time_settings.forget()
    assert (found.body["Old"], found.body["New"]) == (3, None)
    assert run_time_settings.in_force("login_attempts").source == "default"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"login_attempts": 0}, "setting_invalid"),
        ({"login_attempts": "3"}, "setting_invalid"),
        ({"login_attempts": True}, "setting_invalid"),
        ({"default_language": "xx"}, "setting_invalid"),
        ({"default_time_zone": "Mars/Olympus"}, "setting_invalid"),
        ({"secret_keys": "x"}, "setting_unknown"),
        ({"token_idle_minutes": 5, "nothing": 1}, "setting_unknown"),
    ],
)
def test_what_a_setting_cannot_be_is_refused_and_changes_nothing(
    actors: dict[str, Actor], values: Any, code: str
) -> None:
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.change_settings(values, by=actors["administrator"])
    assert refusal.value.code == code
    assert str(refusal.value)
    run_time_settings.forget()
    assert {one.source for one in run_time_settings.all_in_force()} == {"default"}
    assert "SettingChanged" not in found.names or code == "setting_unknown"


def test_only_who_holds_the_feature_changes_settings(actors: dict[str, Actor]) -> None:
    for who in ("process builder", "team member"):
        with pytest.raises(Forbidden):
            commands.change_settings({"login_attempts": 3}, by=actors[who])


def test_what_the_operator_set_counts_and_cannot_be_chosen(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(login_attempts=3)
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"login_attempts": 5}))
    told = run_time_settings.in_force("login_attempts")
    assert (told.value, told.source) == (5, "operator")
    with pytest.raises(Conflict) as refusal:
        choose(login_attempts=4)
    assert refusal.value.code == "setting_of_operator"


def test_a_choice_is_asked_for_once_and_followed_after_the_bound(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr(clock, "count", lambda: moment[0])
    monkeypatch.setattr(run_time_settings, "_kept", run_time_settings.Kept({}, 0.0))
    assert run_time_settings.value_of("login_attempts") == 10
    commands.change_settings({"login_attempts": 3}, by=SYSTEM)  # as another process would
    with CaptureQueriesContext(connection) as asked:
        assert run_time_settings.value_of("login_attempts") == 10
    assert len(asked) == 0
    moment[0] += run_time_settings.KEPT_FOR
    with CaptureQueriesContext(connection) as asked:
        assert run_time_settings.value_of("login_attempts") == 3
        assert run_time_settings.value_of("token_idle_minutes") == 60
    assert len([one for one in asked if one["sql"].startswith("SELECT")]) == 1


def test_a_choice_made_while_another_thread_reads_is_not_forgotten(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_time_settings, "_kept", run_time_settings.Kept({}, 0.0))
    readable = run_time_settings.checked

    def slow(name: str, value: object) -> int | str:
        monkeypatch.setattr(run_time_settings, "checked", readable)
        choose(login_attempts=4)  # what was read before it is on its way to being kept
        return readable(name, value)

    commands.change_settings({"login_attempts": 3}, by=SYSTEM)
    monkeypatch.setattr(run_time_settings, "checked", slow)
    assert run_time_settings.value_of("login_attempts") == 3
    assert run_time_settings.value_of("login_attempts") == 4


def test_settings_that_cannot_be_read_end_no_transaction(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(login_attempts=3)
    assert run_time_settings.value_of("login_attempts") == 3
    run_time_settings.forget()
    real = Setting._meta.db_table
    monkeypatch.setattr(Setting._meta, "db_table", "no_such_table")
    assert run_time_settings.value_of("login_attempts") == 3
    monkeypatch.setattr(Setting._meta, "db_table", real)
    assert Setting.objects.count() == 1


def test_every_setting_at_run_time_is_described() -> None:
    for one in run_time_settings.all_in_force():
        assert one.description
        assert run_time_settings.checked(one.name, one.default) == Config.model_fields[one.name].get_default()


def test_language_and_zone_of_the_installation_are_followed(choose: Choose) -> None:
    choose(default_language="de", default_time_zone="Asia/Tokyo")
    assert (language_of(None), zone_of(None)) == ("de", "Asia/Tokyo")
    assert (language_of(None, "en"), zone_of(None, "Europe/Paris")) == ("en", "Europe/Paris")


def test_every_language_there_is_may_be_that_of_the_installation(choose: Choose) -> None:
    assert list(languages()) == ["en", *messages.LANGUAGES]
    for language in languages():
        choose(default_language=language)
        assert language_of(None, "it") == language


def test_tokens_and_failed_logins_follow(choose: Choose, organisation: Organisation) -> None:
    account = organisation.accounts["team member"]
    with clock.frozen(clock.now()) as advance:
        token = sessions.log_in(account.user.username, account.password, address="::1")
        choose(token_idle_minutes=5)
        advance(timedelta(minutes=6))
        run_time_settings.forget()
        with pytest.raises(Unauthenticated):
            sessions.authenticate(token)
    assert run_time_settings.token_idle() == timedelta(minutes=5)


def test_bounds_of_rooms_follow(
    choose: Choose, organisation: Organisation, actors: dict[str, Actor], first: Customer, open_ticket: Any
) -> None:
    choose(webhook_most_subscriptions=1, largest_file_mb=1, feedback_window_hours=5)
    terms = Terms(0, "https://127.0.0.1/", filter_type=ObjectType.COMPANY, filter_guid=first.company.guid)
    by = actors["process builder"]
    refusals: list[DomainError] = []
    for deed in (
        lambda: [webhooks.subscribe(terms, by=by) for _ in range(2)],
        lambda: files.prepare([b"x" * (1024 * 1024 + 1)], "x.txt", by=actors["team member"]),
    ):
        with pytest.raises((Invalid, Conflict, Limited)) as refusal:
            deed()
        refusals.append(refusal.value)
    assert len(refusals) == 2
    category = first.ticket_version.categories.order_by("-level")[0].guid
    item = work.resolve(open_ticket(submit=True, category_guid=category), by=actors["team member"])
    resolved = WorkItem.objects.get(pk=item.pk)
    assert resolved.closes_on is not None
    assert resolved.resolved_on is not None
    assert resolved.closes_on - resolved.resolved_on == timedelta(hours=5)


@pytest.mark.parametrize("path", ["/api/v1/tokens", "/webapi/Authentication/Login", "/sign-in"])
def test_the_bound_of_failed_logins_follows_at_every_door(
    path: str, choose: Choose, client: Client, organisation: Organisation
) -> None:
    choose(login_attempts=2)
    wrong = {"username": organisation.accounts["team member"].user.username, "password": "wrong"}
    kind = None if path == "/sign-in" else "application/json"
    statuses = [client.post(path, wrong, **({"content_type": kind} if kind else {})).status_code for _ in range(3)]
    assert statuses[0] == statuses[1] != statuses[2]


def test_the_bound_of_tests_follows(choose: Choose, subscribe: Subscribe, actors: dict[str, Actor]) -> None:
    made, _ = subscribe()
    choose(webhook_most_tests=1)
    repair.simulate(made.guid, by=actors["integrator"])
    with pytest.raises(Limited) as refusal:
        repair.simulate(made.guid, by=actors["integrator"])
    assert refusal.value.code == "too_many_tests"


def test_the_overlap_of_secrets_follows(choose: Choose, subscribe: Subscribe, actors: dict[str, Actor]) -> None:
    made, _ = subscribe()
    choose(webhook_rotation_hours=3)
    with clock.frozen(clock.now()):
        rotated, _ = rotation.rotate_secret(made.guid, by=actors["integrator"])
        assert rotated.secrets[1]["expires_at"] == (clock.now() + timedelta(hours=3)).isoformat()


def test_the_pause_of_failing_endpoints_follows(
    choose: Choose, subscribe: Subscribe, open_ticket: Any, engine: Engine, receiver: Receiver
) -> None:
    receiver.script("/hook", status=500)
    made, _ = subscribe()
    choose(webhook_pause_after_hours=2)
    reasons = []
    with clock.frozen(clock.now()) as advance:
        for hours in (1.5, 1.0, 0.0):
            open_ticket()
            engine.drain()
            made.refresh_from_db()
            reasons.append(made.pause_reason)
            advance(timedelta(hours=hours))
    assert reasons == ["", "", settling.FAILED_TOO_LONG]


def test_the_length_of_the_log_follows(choose: Choose, subscribe: Subscribe, open_ticket: Any, engine: Engine) -> None:
    subscribe()
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        engine.drain()
        advance(timedelta(days=3))
        run_upkeep(retention.KIND.name)
        assert Delivery.objects.count() == 1
        choose(webhook_retention_days=2)
        run_upkeep(retention.KIND.name)
        assert not Delivery.objects.exists()
