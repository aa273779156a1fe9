"""`client`: the bare HTTP client, our transport alone without a database or a queue; the ceiling of everything else."""

from __future__ import annotations

import sys
import threading
import time
from ipaddress import ip_network
from typing import Any

from figures import Figure, Given, check, median, say
from rig import ROOT
from sink import Sink, sink

BODY = b'{"text": "' + b"x" * 640 + b'"}'
IN_FLIGHT = (64, 256)


def measure(given: Given) -> list[Figure]:
    """Requests a second at two numbers in flight."""
    sys.path.insert(0, str(ROOT / "src"))
    from workwire.kernel import collector

    collector.spare()  # as in the process that sends for a worker
    figures: list[Figure] = []
    with sink() as target:
        for in_flight in IN_FLIGHT:
            runs = [_post(target, given.size(100_000, 20_000), in_flight) for _ in range(given.runs)]
            figures += [
                median(f"client.{in_flight}", [rate for rate, _ in runs], "requests/s"),
                median(f"client.{in_flight}.cost", [cost for _, cost in runs], "µs"),
            ]
            say(f"client, {in_flight} in flight: {figures[-2]}, {figures[-1]} of its processor each")
    return figures


def _post(target: Sink, count: int, in_flight: int) -> tuple[float, float]:
    """Requests a second, and processor time of this process for each in microseconds."""
    from workwire.worker.delivery.transport import Answer, Request, ThreadTransport

    before, left, answered = target.arrived(), [count], threading.Event()
    wrong: list[Any] = []

    def take(answers: list[Answer]) -> None:
        wrong.extend(answer for answer in answers if answer.status != 204)
        left[0] -= len(answers)
        if not left[0]:
            answered.set()

    headers = (
        ("Content-Type", "application/json"),
        *((f"Webhook-{name}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") for name in ("A", "B", "C", "D")),
    )
    urls = target.urls
    requests = [Request(number, urls[number % len(urls)], headers, BODY) for number in range(count)]
    transport = ThreadTransport([ip_network("127.0.0.0/8")], take, max_in_flight=in_flight, max_per_host=in_flight)
    begun, cpu = time.perf_counter(), time.process_time()
    transport.submit(requests)
    answered.wait()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    transport.close()
    check(not wrong, f"{len(wrong)} of {count} requests failed, such as {wrong[:1]}")
    check(target.arrived() - before == count, "the sink counted other requests than were sent")
    return count / took, cpu / count * 1e6
