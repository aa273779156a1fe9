"""Nothing is lost, whatever dies: the short form of `bench/chaos`, with real processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.support.chaos import Site
from tests.support.chaos_faults import FAULTS, Ground, Result, run
from tests.support.chaos_points import POINTS, points
from tests.support.chaos_proxy import proxied
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from workwire.reactions.webhooks.models import State

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
CHANGES = 30
SHORT = (
    "worker killed at each point in turn",
    "any process killed",
    "one of three workers killed",
    "one of three workers frozen beyond its lease",
    "backends terminated",
    "database away",
    "storm of 500",
    "storm of 410 at many subscriptions",
    "right revoked",
)


@pytest.fixture
def site(organisation: Organisation, tmp_path: Path, child_environment: dict[str, str], receiver: Receiver) -> Site:
    """An installation on the test's database."""
    return Site(organisation, tmp_path, child_environment, receiver)


@pytest.fixture
def ground(site: Site) -> Iterator[Ground]:
    """On PostgreSQL, a proxy between the workers and the database."""
    if connection.vendor != "postgresql":
        yield Ground()
        return
    url = site.environment["WORKWIRE_DATABASE_URL"]
    with tempfile.TemporaryDirectory(prefix="workwire-") as folder, proxied(url, Path(folder)) as (proxy, through):
        site.worker_environment["WORKWIRE_DATABASE_URL"] = through
        yield Ground(proxy=proxy)


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost(name: str, site: Site, ground: Ground) -> None:
    if connection.vendor not in FAULTS[name].databases:
        pytest.skip("a fault that only PostgreSQL knows")
    result = run(site, name, ground, changes=CHANGES)
    assert_all_is_well(result)
    assert result.injected >= 1
    if name == "right revoked":
        assert result.tally.states[State.WITHHELD] >= 1
    else:
        assert set(result.tally.states) == {State.DELIVERED}


def test_a_worker_can_die_at_every_point() -> None:
    """A point that is not there would keep every worker from starting."""
    found = points()
    assert tuple(found) == POINTS
    for owner, attribute, _ in found.values():
        assert callable(getattr(owner, attribute))


def assert_all_is_well(result: Result) -> None:
    """Every change that was committed has its end, and every end is true."""
    assert result.tally.changes >= CHANGES
    assert (result.tally.lost, result.tally.wrong, result.tally.overlaps) == ([], [], 0)
