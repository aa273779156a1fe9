"""A robot: get work, do it, complete it; what it cannot do goes back to people with the reason."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from examples.client import Workwire

REST = 5.0  # seconds until it asks again when there was nothing


class CannotDo(Exception):
    """This item is nothing for a robot; the text says why."""


def do(workwire: Workwire, item: dict[str, Any]) -> str:
    """Do the work of an action; returns what to write down about it. Put your own work here."""
    if item["work_type"] != "Check Sanctions":
        raise CannotDo(f"Nobody taught me to {item['work_type']}.")
    for line in workwire.each(f"/work-items/{item['guid']}/checklist"):
        workwire.put(f"/checklist-items/{line['guid']}", {"result": "yes"})
    return "Looked the supplier up in the lists of sanctions: it is in none."


def work_once(workwire: Workwire) -> bool:
    """Get one work item and finish it, one way or the other; False when there is none."""
    item = workwire.post("/more-work")
    if item is None:
        return False
    path = f"/work-items/{item['guid']}"
    try:
        note = do(workwire, item)
    except CannotDo as reason:
        workwire.post(f"{path}/reject", {"reason": str(reason)})
        print(f"{item['reference']} rejected: {reason}", flush=True)
    else:
        workwire.post(f"{path}/communications", {"kind": "audit_note", "subject": "Sanctions checked", "body": note})
        workwire.post(f"{path}/resolve", {"method": "done_successfully"})
        print(f"{item['reference']} done", flush=True)
    return True


def main() -> None:
    """Work until stopped, or with `--until-idle` until there is no more work. An item begun is finished first."""
    workwire, stop = Workwire.from_environment(), threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    while not stop.is_set():
        if not work_once(workwire):
            if "--until-idle" in sys.argv:
                return
            stop.wait(REST)


if __name__ == "__main__":
    main()
