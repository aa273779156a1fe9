"""Databases of their own for child processes, on the server that the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.support.environment import ON_POSTGRES


@contextmanager
def empty_database(name: str) -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database; None where a child makes its own embedded one."""
    if not ON_POSTGRES:
        yield None
        return
    import psycopg

    server = os.environ["WORKWIRE_TEST_POSTGRES"]
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        administrator.execute(f"CREATE DATABASE {name}")
    yield with_database(server, name)
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def with_database(url: str, name: str) -> str:
    """The URL of a server with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
