"""`workwire web`: nothing of it outlives its server, however that ends."""

from __future__ import annotations

import socket
import time

import pytest

from tests.support.processes import free_port, wait_for_web, workwire

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]


def test_workers_end_with_a_server_that_was_killed(child_environment: dict[str, str]) -> None:
    port = free_port()
    server = workwire("web", "--port", str(port), "--workers", "2", env=child_environment)
    try:
        wait_for_web("127.0.0.1", port)
    finally:
        server.kill()
        server.wait()
    deadline = time.monotonic() + 15
    while _is_listened_on(port):
        assert time.monotonic() < deadline, "a worker goes on serving without its server"
        time.sleep(0.05)


def _is_listened_on(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
