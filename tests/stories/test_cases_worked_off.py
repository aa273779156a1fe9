"""Cases with branches, sub-cases and robots are worked off while web and worker are killed: none twice, none stuck."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chaos import CREATED, UPDATED, Site
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.worked_off import work_off
from workwire.reactions.webhooks.models import Delivery, State

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
CASES = 10  # a hundredth of what `bench/chaos --cases 1000` works off


def test_cases_are_worked_off_whatever_dies(
    organisation: Organisation, tmp_path: Path, child_environment: dict[str, str], receiver: Receiver
) -> None:
    site = Site(organisation, tmp_path, child_environment, receiver)
    site.subscribe("/created", CREATED)
    site.subscribe("/updated", UPDATED, in_order=True)
    worked = work_off(site, CASES)
    assert worked.wrong == []
    assert worked.cases == CASES
    assert worked.sub_cases > 0
    assert worked.sub_cases + worked.too_late == (CASES + 2) // 3
    assert worked.kills >= 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DELIVERED}
