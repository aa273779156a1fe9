"""Connections to PostgreSQL: how long either side waits for the other, and what goes through a pooler."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.conftest import ON_POSTGRES

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database has no connections to lose"),
]


def test_sessions_are_given_up_by_the_server_as_soon_as_by_us() -> None:
    options = connection.settings_dict["OPTIONS"]
    assert options["tcp_user_timeout"] == 20_000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 20
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone()[0] == "1min"
    for name in ("keepalives_idle", "keepalives_interval", "keepalives_count"):
        assert f"-c tcp_{name}={options[name]}" in options["options"]
