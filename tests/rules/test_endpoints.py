"""What a worker learns of receivers: windows, circuits, rate limits, places; with a clock of the test's own."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workwire.worker.delivery import endpoints
from workwire.worker.delivery.endpoints import FIRST_PAUSE, FIRST_WINDOW, LONGEST_PAUSE, NEVER, OPENS_AFTER, Endpoints

HOST = "https://hooks.example.com:443"
SPREAD = 1.1


def _made(most: int = 16, places: int = 1024, rate: float = 0.0) -> Endpoints:
    return Endpoints(most=most, at_once=places, rate=rate)


def _attempt(made: Endpoints, now: float, *, sick: bool = False, took: float = 1.0, **more: float | bool) -> None:
    made.begun(1, HOST, now)
    made.ended(1, HOST, now, took=took, sick=sick, well=bool(more.get("well", not sick)), pause=more.get("pause", 0.0))


def _open(made: Endpoints, now: float = 0.0) -> float:
    """Let a circuit open; returns when a probe may go at the latest."""
    for _ in range(OPENS_AFTER):
        _attempt(made, now, sick=True)
    assert made.circuit(1, now) == "open"
    return now + FIRST_PAUSE * SPREAD


def test_a_subscription_begins_small_and_earns_more_up_to_the_bound() -> None:
    made = _made(most=8)
    assert made.room(1, HOST, 0) == FIRST_WINDOW
    _attempt(made, 0)
    assert made.room(1, HOST, 0) == FIRST_WINDOW + 1
    for _ in range(50):
        _attempt(made, 0)
    assert made.room(1, HOST, 0) == 8


def test_a_refused_message_earns_nothing_and_costs_nothing() -> None:
    made = _made()
    for _ in range(2 * OPENS_AFTER):
        _attempt(made, 0, well=False)
    assert (made.room(1, HOST, 0), made.circuit(1, 0)) == (FIRST_WINDOW, "closed")


def test_a_failure_halves_the_window_and_leaves_one() -> None:
    made = _made()
    _attempt(made, 0, sick=True)
    assert made.room(1, HOST, 0) == FIRST_WINDOW // 2
    for _ in range(OPENS_AFTER - 2):
        _attempt(made, 0, sick=True)
    assert (made.room(1, HOST, 0), made.circuit(1, 0)) == (1, "closed")


def test_failures_in_a_row_open_the_circuit_and_one_probe_heals_it() -> None:
    made = _made()
    probe_at = _open(made)
    assert made.room(1, HOST, 0) == 0
    assert 0 < made.look_again_at <= probe_at
    assert made.circuit(1, probe_at) == "half_open"
    assert made.room(1, HOST, probe_at) == 1
    made.begun(1, HOST, probe_at)
    assert made.room(1, HOST, probe_at) == 0
    made.ended(1, HOST, probe_at, took=1, sick=False, well=True)
    assert (made.circuit(1, probe_at), made.room(1, HOST, probe_at)) == ("closed", 2)


def test_every_failed_probe_makes_the_pause_grow_up_to_a_bound() -> None:
    made, pauses = _made(), []
    now = _open(made)
    for _ in range(12):
        _attempt(made, now, sick=True)
        made.look_again_at = NEVER
        assert made.room(1, HOST, now) == 0
        pauses.append(made.look_again_at - now)
        now = made.look_again_at
    for before, after in pairwise(pauses):
        assert after >= min(LONGEST_PAUSE - 0.001, before * 2 / SPREAD * 0.9)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE)


def test_what_was_under_way_when_it_opened_does_not_make_the_pause_grow() -> None:
    made = _made(most=64)
    for _ in range(64):
        made.begun(1, HOST, 0)
    for _ in range(64):
        made.ended(1, HOST, 1.0, took=1, sick=True, well=False)
    assert made.circuit(1, 1.0 + FIRST_PAUSE * SPREAD) == "half_open"


def test_no_probe_goes_while_something_old_is_under_way() -> None:
    made = _made()
    made.begun(1, HOST, 0)
    probe_at = _open(made)
    assert (made.circuit(1, probe_at), made.room(1, HOST, probe_at)) == ("half_open", 0)
    made.ended(1, HOST, probe_at, took=15, sick=True, well=False)
    assert made.room(1, HOST, probe_at) == 1


def test_a_failed_test_of_an_open_circuit_does_not_make_the_pause_grow() -> None:
    made = _made()
    probe_at = _open(made)
    for _ in range(5):
        _attempt(made, 1.0, sick=True)
    assert made.circuit(1, probe_at) == "half_open"


def test_a_pause_asked_for_outlasts_good_answers_to_what_was_sent_before() -> None:
    made = _made()
    made.begun(1, HOST, 0)
    _attempt(made, 0, sick=True, pause=60.0)
    made.ended(1, HOST, 1.0, took=1, sick=False, well=True)
    assert (made.circuit(1, 59.0), made.room(1, HOST, 59.0)) == ("open", 0)
    assert made.circuit(1, 60.0) == "closed"


def test_a_pause_asked_for_is_bounded() -> None:
    made = _made()
    _attempt(made, 0, sick=True, pause=10 * LONGEST_PAUSE)
    assert made.circuit(1, LONGEST_PAUSE) == "closed"


def test_a_quick_host_gets_ahead_and_one_that_refuses_quickly_does_not() -> None:
    quick, refusing = _made(), _made()
    for _ in range(100):
        _attempt(quick, 0, took=0.001, well=False)
        _attempt(refusing, 0, took=0.001, sick=True)
    assert quick.room(1, HOST, 0) == FIRST_WINDOW * endpoints.MOST_AHEAD
    assert refusing.room_at(HOST, 0) == 16


@pytest.mark.parametrize(("rate", "burst"), [(0.5, 1), (1, 1), (10, 10)])
def test_a_rate_lets_one_second_through_at_once_and_then_keeps_its_pace(rate: float, burst: int) -> None:
    made = _made(most=1000, places=10_000)
    sent, now = 0, 0.0
    for _ in range(200):
        while made.room(1, HOST, now, rate=rate):
            _attempt(made, now, took=0.001)
            sent += 1
        assert now < made.look_again_at <= now + 1 / rate + 0.001
        now = made.look_again_at
        made.look_again_at = NEVER
    assert burst + now * rate - 2 <= sent <= burst + now * rate + 1


def test_a_rate_of_the_host_binds_all_its_subscriptions() -> None:
    made = _made(most=100, rate=3)
    for subscription in (1, 2, 3):
        assert made.room(subscription, HOST, 0)
        assert made.room_at(HOST, 0)
        made.begun(subscription, HOST, 0)
    assert made.room_at(HOST, 0) == 0
    assert made.look_again_at == pytest.approx(1 / 3)
    assert made.room_at("https://other.example.com:443", 0) == 3


def test_workers_divide_a_rate_among_them() -> None:
    made = _made()
    made.sharing = 4
    sent = 0
    for tenth in range(100):
        now = tenth / 10
        while made.room(1, HOST, now, rate=2):
            _attempt(made, now)
            sent += 1
    assert 5 <= sent <= 6


def test_a_changed_rate_holds_at_once_and_gives_no_second_burst() -> None:
    made = _made(most=100)
    for _ in range(4):
        _attempt(made, 0)
    assert made.room(1, HOST, 0, rate=5) == 5
    for _ in range(5):
        _attempt(made, 0)
    assert made.room(1, HOST, 0, rate=3) == 0
    assert made.room(1, HOST, 1.0, rate=3) == 3
    assert made.room(1, HOST, 1.0) > 3


def test_hosts_that_have_not_answered_share_half_of_all_places() -> None:
    made = _made(places=10)
    made.begun(1, HOST, 0)
    made.begun(2, "https://dead.example.com:443", 0)
    assert made.room_for_unsure() == 3
    made.ended(1, HOST, 0, took=1, sick=False, well=True)
    assert made.is_sure(HOST)
    assert made.room_for_unsure() == 4
    made.begun(1, HOST, 0)
    assert made.room_for_unsure() == 4
    made.begun(1, HOST, 0)
    made.ended(1, HOST, 0, took=1, sick=True, well=False)
    assert made.room_for_unsure() == 3


def test_hosts_that_take_long_to_answer_share_that_half_too() -> None:
    made = _made(places=10)
    for number, took in enumerate((0.1, 14, 14)):
        host = f"host {number}"
        made.begun(number, host, 0)
        made.ended(number, host, 0, took=took, sick=False, well=True)
        made.begun(number, host, 0)
    assert [made.is_sure(f"host {number}") for number in range(3)] == [True, False, False]
    assert made.room_for_unsure() == 3
    for _ in range(20):
        made.ended(1, "host 1", 0, took=0.1, sick=False, well=True)
        made.begun(1, "host 1", 0)
    assert made.is_sure("host 1")
    assert made.room_for_unsure() == 4


def test_what_is_well_and_idle_is_forgotten_and_what_is_sick_or_busy_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_REMEMBERED", 10)
    made = _made()
    probe_at = _open(made)
    made.begun(2, "busy", 0)
    for number in range(100, 300):
        made.begun(number, f"host {number}", 0)
        made.ended(number, f"host {number}", 0, took=1, sick=False, well=True)
    assert made.remembered() <= 2 * 11
    assert made.circuit(1, probe_at - 2) == "open"
    made.ended(2, "busy", 0, took=1, sick=False, well=True)
    assert made.room_for_unsure() == 512


def test_many_sick_endpoints_are_not_looked_through_at_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_REMEMBERED", 10)
    made, looked = _made(), Counter[int]()
    for number in range(300):
        before = made.forgets_healths_at
        made.begun(number, HOST, 0)
        made.ended(number, HOST, 0, took=1, sick=True, well=False)
        looked[number] += made.forgets_healths_at != before
    assert sum(looked.values()) <= 6


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "end"]),
        st.integers(1, 4),
        st.booleans(),
        st.floats(0, 40),
        st.sampled_from([0.0, 0.0, 5.0, 1e9]),
    ),
    max_size=120,
)


def _host_of(subscription: int) -> str:
    return f"host {subscription % 2}"


@given(DEEDS)
def test_whatever_happens_places_stay_in_bounds_and_every_circuit_heals(
    deeds: list[tuple[str, int, bool, float, float]],
) -> None:
    made = _made(most=6, places=12)
    now, under_way = 0.0, Counter[int]()
    for deed, subscription, sick, seconds, pause in deeds:
        host = _host_of(subscription)
        if deed == "begin" and made.room(subscription, host, now) and made.room_at(host, now):
            made.begun(subscription, host, now)
            under_way[subscription] += 1
        elif deed == "end" and under_way[subscription]:
            now += seconds
            made.ended(subscription, host, now, took=seconds, sick=sick, well=not sick, pause=pause if sick else 0.0)
            under_way[subscription] -= 1
        assert made.room(subscription, host, now) >= 0
        assert 0 <= made.room_at(host, now) <= 6 * endpoints.MOST_AHEAD
        unsure = sum(count for one, count in under_way.items() if not made.is_sure(_host_of(one)))
        assert made.room_for_unsure() == 6 - unsure
    for subscription, count in under_way.items():
        for _ in range(count):
            made.ended(subscription, _host_of(subscription), now, took=1, sick=False, well=True)
    now += LONGEST_PAUSE * SPREAD
    for subscription in range(1, 5):
        assert made.room(subscription, _host_of(subscription), now)
        made.begun(subscription, _host_of(subscription), now)
        made.ended(subscription, _host_of(subscription), now, took=1, sick=False, well=True)
        assert made.circuit(subscription, now) == "closed"
    assert made.room_for_unsure() == 6
