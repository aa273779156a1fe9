"""The bare HTTP client: our transport alone, without a database or a queue, against the sink.

`python bench/client.py [requests] [endpoints]` prints requests a second: the ceiling of everything else.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from ipaddress import ip_network

import rig

BODY = b'{"text": "' + b"x" * 640 + b'"}'


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("requests", type=int, nargs="?", default=100_000)
    arguments.add_argument("endpoints", type=int, nargs="?", default=4)
    arguments.add_argument("--concurrency", type=int, default=256)
    given = arguments.parse_args()
    os.sys.path[:0] = [str(rig.ROOT / "src")]
    with rig.sink(given.endpoints) as sink:
        rate, cost = ceiling(sink.ports, given.requests, given.concurrency)
    print(f"client: {rate:,.0f} requests/s, {cost:.0f} µs of this process each")


def ceiling(ports: list[int], count: int, concurrency: int) -> tuple[float, float]:
    """Requests a second of the transport alone, and its processor time for each in microseconds."""
    from workwire.dispatcher.transport import Answer, Request, Transport

    left, done = [count], threading.Event()

    def take(answers: list[Answer]) -> None:
        left[0] -= sum(answer.status == 204 for answer in answers)
        if left[0] <= 0:
            done.set()

    headers = (
        ("Content-Type", "application/json"),
        *((f"Webhook-{name}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") for name in ("A", "B", "C", "D")),
    )
    requests = [
        Request(number, f"http://127.0.0.1:{ports[number % len(ports)]}/hook", headers, BODY) for number in range(count)
    ]
    transport = Transport([ip_network("127.0.0.0/8")], take, max_in_flight=concurrency, max_per_host=concurrency)
    begun, cpu = time.perf_counter(), time.process_time()
    transport.submit(requests)
    done.wait()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    transport.close()
    return count / took, cpu / count * 1e6


if __name__ == "__main__":
    main()
