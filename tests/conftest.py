"""Fixtures for all suites; the environment is made ready by `tests.support.environment`, before Django reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.empty_databases import empty_database, with_database
from tests.support.environment import ON_POSTGRES

pytest_plugins = ["tests.support.world"]


ONCE = {"access", "engine", "reactions", "rooms", "rules", "support", "web"}
LONGEST = {"test_crawl.py"}
DATABASES = {"db", "transactional_db", "fresh_database_url", "shared_database_url"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is left alone with them; leave what touches no database to the run on
    SQLite; modules that know of PostgreSQL say for themselves."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    if ON_POSTGRES:
        for item in items:
            folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
            if folder in ONCE and not _touches_a_database(item):
                item.add_marker(pytest.mark.skip(reason="it touches no database: once is enough, on SQLite"))


def _touches_a_database(item: pytest.Item) -> bool:
    of_module = vars(getattr(item, "module", None) or pytest)
    return (
        bool(DATABASES & set(getattr(item, "fixturenames", ())))
        or item.get_closest_marker("django_db") is not None
        or "ON_POSTGRES" in of_module
        or "connection" in of_module
    )


@pytest.fixture(scope="session", autouse=True)
def _fast_passwords() -> Iterator[None]:
    """Hash passwords quickly; the real hasher has tests of its own."""
    from django.test import override_settings

    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ALLOWED_HOSTS=["testserver", "127.0.0.1", "localhost"],
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def _known_codes() -> Iterator[None]:
    """Every refusal of every test has a code that is known, with the parameters of its sentence."""
    from workwire.kernel import errors
    from workwire.kernel.wording import Statement, Value, statement, wordings

    def checked(code: str, /, **parameters: Value) -> Statement:
        known = wordings().get(code)
        assert known is None or not parameters or known.parameters == parameters.keys(), (code, parameters)
        return statement(code, **parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(errors, "statement", checked)
        yield


@pytest.fixture(autouse=True)
def _no_settings_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was chosen at run time, and nobody asks the database whether, until a test changes a setting."""
    from workwire.access import run_time_settings

    monkeypatch.setattr(run_time_settings, "_kept", run_time_settings.Kept({}, float("inf")))


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a child process that works on this test's database."""
    from django.db import connection

    kept = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return kept | {"WORKWIRE_DATABASE_URL": _url_of(connection.settings_dict), "PYTHONPATH": "src"}


@pytest.fixture
def fresh_database_url() -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database for a child process; None where the child makes its own embedded one."""
    with empty_database(f"story_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url() -> Iterator[str | None]:
    """The same, for all tests of a module."""
    with empty_database(f"stories_{os.getpid()}") as url:
        yield url


def _url_of(parameters: dict[str, Any]) -> str:
    if not ON_POSTGRES:
        return f"sqlite:///{parameters['NAME']}"
    return with_database(os.environ["WORKWIRE_TEST_POSTGRES"], parameters["NAME"])
