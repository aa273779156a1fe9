"""Whose turn it is to send: among parties, among the hosts of each, within the bounds."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from workwire.worker.delivery.transport.round_robin import RoundRobin

Item = tuple[int, str, int]  # party, host, number


def _filled(turns: RoundRobin[Item], *places: tuple[int, str, int]) -> None:
    for party, host, count in places:
        for number in range(count):
            turns.add(party, host, (party, host, number))


def _taken(turns: RoundRobin[Item], count: int) -> list[Item]:
    return [item for _ in range(count) if (turn := turns.next()) is not None for item in turn[1:]]


def test_a_party_with_many_hosts_has_no_more_turns_than_one_with_a_single_host() -> None:
    turns: RoundRobin[Item] = RoundRobin(in_all=100, per_host=10)
    _filled(turns, *((1, f"host {number}", 5) for number in range(20)), (2, "other", 5))
    assert [party for party, _, _ in _taken(turns, 8)] == [1, 2, 1, 2, 1, 2, 1, 2]


def test_the_hosts_of_a_party_take_turns_and_one_that_is_full_holds_up_no_other() -> None:
    turns: RoundRobin[Item] = RoundRobin(in_all=100, per_host=2)
    _filled(turns, (1, "slow", 5), (1, "quick", 3))
    assert [host for _, host, _ in _taken(turns, 9)] == ["slow", "quick", "slow", "quick"]
    turns.done("quick")
    assert turns.next() == ("quick", (1, "quick", 2))
    turns.done("slow")
    assert turns.next() == ("slow", (1, "slow", 2))
    assert turns.next() is None
    assert len(turns) == 2


def test_parties_take_turns_at_a_host_that_they_share() -> None:
    turns: RoundRobin[Item] = RoundRobin(in_all=100, per_host=1)
    _filled(turns, (1, "shared", 3), (2, "shared", 3))
    order = []
    while (turn := turns.next()) is not None:
        order.append(turn[1][0])
        turns.done("shared")
    assert order == [1, 2, 1, 2, 1, 2]


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "next", "done"]), st.integers(0, 2), st.sampled_from("abc")), max_size=150
    )
)
def test_nothing_is_lost_passed_by_or_beyond_a_bound(deeds: list[tuple[str, int, str]]) -> None:
    turns: RoundRobin[Item] = RoundRobin(in_all=5, per_host=2)
    under_way: Counter[str] = Counter()
    added, taken = defaultdict[tuple[int, str], list[int]](list), defaultdict[tuple[int, str], list[int]](list)

    def take() -> bool:
        waiting = {host for (party, host), some in added.items() if len(some) > len(taken[party, host])}
        turn = turns.next()
        could = sum(under_way.values()) < 5 and any(under_way[host] < 2 for host in waiting)
        assert (turn is not None) == could
        if turn is not None:
            host, (party, _, number) = turn
            under_way[host] += 1
            taken[party, host].append(number)
        return turn is not None

    for number, (deed, party, host) in enumerate(deeds):
        if deed == "add":
            turns.add(party, host, (party, host, number))
            added[party, host].append(number)
        elif deed == "next":
            take()
        elif under_way[host]:
            turns.done(host)
            under_way[host] -= 1
    while take() or sum(under_way.values()):
        for host in +under_way:
            turns.done(host)
            under_way[host] -= 1
    assert {place: some for place, some in taken.items() if some} == added
    assert turns.is_idle


def test_what_waits_can_be_taken_back() -> None:
    turns: RoundRobin[Item] = RoundRobin(in_all=3, per_host=1)
    _filled(turns, (1, "a", 2), (2, "a", 1), (1, "b", 1))
    assert len(_taken(turns, 9)) == 2
    assert sorted(turns.clear()) == [(1, "a", 1), (2, "a", 0)]
    assert (len(turns), turns.next()) == (0, None)
    turns.done("a")
    turns.done("b")
    assert turns.is_idle
