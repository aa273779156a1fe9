"""Numbers written as text, through both doors."""

from __future__ import annotations

import pytest

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation

NOT_PLAIN = ("1_0", "\uff11\uff12", "\u0661", "1e1", "0x1", "--1")


@pytest.mark.parametrize("written", NOT_PLAIN)
def test_a_number_in_no_plain_digits_is_refused(
    written: str, member: Caller, first: Customer, organisation: Organisation
) -> None:
    wish = {"process_version": str(first.ticket_version.guid), "title": "x", "record_count": written}
    assert member.api("POST", "/tickets", wish).status_code == 422
    assert member.api("GET", f"/work-items?limit={written}").status_code == 422
    search = {"Search": "e", "MaximumResults": written}
    assert member.webapi("Search/FreeTextContactSearch", search).status_code == 400


def test_a_number_in_plain_digits_is_taken(member: Caller, first: Customer) -> None:
    wish = {"process_version": str(first.ticket_version.guid), "title": "x", "record_count": "12"}
    assert member.api("POST", "/tickets", wish).json()["record_count"] == 12
    assert member.api("GET", "/work-items?limit=1").status_code == 200
    assert member.webapi("Search/FreeTextContactSearch", {"Search": "e", "MaximumResults": "1"}).status_code == 200
