"""Nothing is lost, whatever dies: the short form of `bench/chaos`, with real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from tests.support.chaos import Site
from tests.support.chaos_faults import FAULTS, Ground, Result, run
from tests.support.receiver import Receiver
from workwire.cli.seed import Organisation
from workwire.reactions.webhooks.models import State

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
CHANGES = 60
SHORT = (
    "dispatcher killed: claim",
    "dispatcher killed: prepare",
    "dispatcher killed: sent",
    "dispatcher killed: fan-out",
    "dispatcher killed: settle",
    "dispatcher killed",
    "web killed",
    "transport killed",
    "one of three dispatchers killed",
    "backends terminated",
    "storm of 500",
    "right revoked",
)


@pytest.fixture
def site(organisation: Organisation, tmp_path: Path, child_environment: dict[str, str], receiver: Receiver) -> Site:
    """An installation on the test's database."""
    return Site(organisation, tmp_path, child_environment, receiver)


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost(name: str, site: Site) -> None:
    if connection.vendor not in FAULTS[name].databases:
        pytest.skip("a fault that only PostgreSQL knows")
    result = run(site, name, Ground(), changes=CHANGES)
    assert_all_is_well(result)
    assert result.injected >= 1
    if name == "right revoked":
        assert result.tally.states[State.WITHHELD] >= 1
    else:
        assert set(result.tally.states) == {State.DELIVERED}


def assert_all_is_well(result: Result) -> None:
    """Every change that was committed has its end, and every end is true."""
    assert result.tally.changes >= CHANGES
    assert (result.tally.lost, result.tally.wrong, result.tally.overlaps) == ([], [], 0)
