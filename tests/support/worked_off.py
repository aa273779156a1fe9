"""Many cases with branches and sub-cases, worked off by people and robots through the REST API while processes are killed.

Words: a *hand* asks for work and finishes what it gets, as an account does at a desk or by a program. An answer that did not
arrive is asked for again: who got an item and was not told so finds it in the inbox. Used by the story and by `bench/chaos`.
"""

from __future__ import annotations

import json
import random
import threading
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from tests.support.chaos import Site, at_last
from tests.support.waiting import eventually, linger
from workwire.access import sessions
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.rooms.offering import commands, conditions
from workwire.rooms.offering.flow_graphs import Branch, Edge, Node, NodeKind
from workwire.rooms.offering.models import ProcessVersion, VersionState, WorkType
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import NodeRun, Status, WorkItem

HANDS = ("team member", "process builder", "robot")  # members of the queue of the first customer
STANDSTILL = 120.0  # seconds without any event after which something is stuck
PATIENCE = 900.0  # seconds until all is told of
FIRST, DEAR, CHEAP, LAST = (str(uuid4()) for _ in range(4))
ASKED, MET = str(uuid4()), str(uuid4())


@dataclass
class Worked:
    """What came of it: `wrong` must be empty."""

    cases: int
    sub_cases: int
    kills: int
    too_late: int  # sub-cases refused, for their case had ended while its starter waited for a killed process
    refused: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def work_off(site: Site, cases: int, *, seconds_between_kills: float = 1.0) -> Worked:
    """Start so many cases and work them off, every third with a sub-case, while web and workers are killed by turns."""
    version = _process(site)
    desk = _Desk(site, version, cases)
    with site.running():
        killed = desk.run(seconds_between_kills)
        site.settle(PATIENCE)
    items = WorkItem.objects.filter(process_version=version.pk)
    wrong = [*desk.wrong, *_stuck(items), *_doubles(), *_untold(site)]
    sub_cases = items.filter(kind=1, parent__isnull=False).count()
    return Worked(items.filter(kind=1, parent=None).count(), sub_cases, killed, desk.too_late, desk.refused, wrong)


def _process(site: Site) -> ProcessVersion:
    """A live version: an action, a condition on what it wrote with a branch to each side, a merge, and a last action."""
    organisation, (customer, _) = site.organisation, site.organisation.customers
    by = sessions.actor_for(organisation.accounts["administrator"].user)
    draft = commands.create_version(customer.case_version.process, by=by)
    kind = WorkType.objects.get(name="Check Budget")
    wish = commands.ActionWish(kind, allocation=commands.Allocation(queue=customer.queue), checklist=None)
    dear = Branch("dear", "Dear", conditions.as_json(conditions.parse("[amount] >= 50")))
    nodes = [
        Node(FIRST, NodeKind.ACTION, 1),
        Node(ASKED, NodeKind.CONDITION, 1, "Dear?", (dear, Branch("cheap", "Cheap"))),
        Node(DEAR, NodeKind.ACTION, 1),
        Node(CHEAP, NodeKind.ACTION, 1),
        Node(MET, NodeKind.MERGE, 1, "Both"),
        Node(LAST, NodeKind.ACTION, 1),
    ]
    along = [(FIRST, ASKED, ""), (ASKED, DEAR, "dear"), (ASKED, CHEAP, "cheap"), (DEAR, MET, ""), (CHEAP, MET, "")]
    edges = [Edge(*edge) for edge in [*along, (MET, LAST, "")]]
    flow = commands.FlowWish([commands.StepWish("All")], nodes, edges, dict.fromkeys((FIRST, DEAR, CHEAP, LAST), wish))
    commands.save_flow(draft, flow, by=by)
    live = commands.set_version_state(ProcessVersion.objects.get(pk=draft.pk), VersionState.LIVE, by=by)
    _give_queue(customer.queue, site, by)
    return live


def _give_queue(queue: Any, site: Site, by: Actor) -> None:
    work.update_queue(queue, members=[site.organisation.accounts[name].user for name in HANDS], by=by)


class _Desk:
    """The hands, and who starts the cases."""

    def __init__(self, site: Site, version: ProcessVersion, cases: int) -> None:
        self.site, self.version, self.cases = site, str(version.guid), cases
        self.refused: Counter[int] = Counter()  # by status; 0 where no answer came
        self.too_late = 0
        self.wrong: list[str] = []
        self._done = threading.Event()
        self._tokens = {
            name: sessions.log_in(account.user.username, account.password, address="127.0.0.1")
            for name, account in site.organisation.accounts.items()
            if name in HANDS
        }

    def run(self, pause: float) -> int:
        """Work until every case has ended, killing meanwhile; how often."""
        hands = [threading.Thread(target=self._hand, args=(name,), daemon=True) for name in HANDS]
        starter = threading.Thread(target=self._start_all, daemon=True)
        for thread in (starter, *hands):
            thread.start()
        victims, kills, told = [self.site.web, *self.site.workers], 0, 0

        def is_over() -> bool:
            return not starter.is_alive() and at_last(lambda: not _open_items(self.version))

        def goes_on() -> bool:
            return is_over() or at_last(Event.objects.count) > told

        while not is_over():  # one more is killed as soon as work went on since the last
            eventually(goes_on, STANDSTILL, every=0.2, what=lambda: f"stuck: {_open_items(self.version)[:5]}")
            linger(pause)
            victims[kills % len(victims)].kill_all()
            kills, told = kills + 1, at_last(Event.objects.count)
        self._done.set()
        for thread in hands:
            thread.join(60)
        return kills

    def _start_all(self) -> None:
        """Start the cases, each under a key of its own, so that one whose answer is lost is not started twice."""
        for number in range(self.cases):
            wish = {"process_version": self.version, "title": f"Case {number}", "submit": True}
            case = self._insist("process builder", "/cases", wish, f"case-{number}")
            if number % 3 == 0 and case is not None:
                below = {"process_version": self.version, "title": f"Below {number}"}
                self._insist("process builder", f"/work-items/{case['guid']}/sub-cases", below, f"below-{number}")

    def _hand(self, name: str) -> None:
        chance = random.Random(name)  # noqa: S311 - choices, no secrets
        mine = str(self.site.organisation.accounts[name].user.guid)
        while not self._done.is_set():
            begun = self._ask(name, "GET", f"/work-items?assignee={mine}&kind=action&status=in_progress&limit=5")
            found = begun["items"] if begun else []
            if not found:
                got = self._ask(name, "POST", "/more-work", {})
                found = [got] if got else []
            for item in found:
                data = {"custom_data": {"Amount": chance.choice((10, 90))}}
                self._ask(name, "POST", f"/work-items/{item['guid']}/resolve", data)
            linger(0.01 if found else 0.1)

    def _insist(self, name: str, path: str, body: dict[str, Any], key: str) -> Any:
        """The answer to a request that is repeated under its key until there is one; None for one that is refused."""
        while not self._done.is_set():
            before = self.refused[0] + self.refused[503] + self.refused[500]
            answer = self._ask(name, "POST", path, body, key=key)
            if answer is not None or before == self.refused[0] + self.refused[503] + self.refused[500]:
                return answer
            linger(0.2)
        return None

    def _ask(self, name: str, method: str, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Any:
        """The answer, None where there is none."""
        headers = {"Authorization": f"Bearer {self._tokens[name]}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        url = f"http://127.0.0.1:{self.site.port}/api/v1{path}"
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, data, headers, method=method), timeout=20
            ) as answer:
                content = answer.read()
                return json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            self.refused[error.code] += 1
            said = error.read()
            if path.endswith("/sub-cases") and b'"case_not_running"' in said:
                self.too_late += 1
            elif error.code not in (404, 409, 503):
                self.wrong.append(f"{method} {path}: {error.code} {said[:300]!r}")
        except (OSError, ValueError):
            self.refused[0] += 1
        return None


def _open_items(version: str) -> list[str]:
    """The references of the items of a version that have not ended."""
    found = WorkItem.objects.filter(process_version__guid=UUID(version)).exclude(
        status__in=(Status.RESOLVED, Status.CLOSED)
    )
    return [reference or "" for reference in found.order_by("pk").values_list("reference", flat=True)]


def _stuck(items: Any) -> list[str]:
    """Cases whose flow did not come to its end, and nodes that were left."""
    stuck = [f"{case} is open" for case in items.filter(kind=1).exclude(status__in=(Status.RESOLVED, Status.CLOSED))]
    left = NodeRun.objects.filter(run__case__in=items, state="running")
    return [*stuck, *(f"{node} of {node.run.case} runs" for node in left)]


def _doubles() -> list[str]:
    """Actions that were made or closed more than once, and nodes that became two actions."""
    wrong: list[str] = []
    per_node = Counter(
        WorkItem.objects.filter(kind=3, ad_hoc=False).values_list("parent", "definition", "node_run__in_pass")
    )
    wrong += [f"{place} became {times} actions" for place, times in per_node.items() if times > 1]
    closed: Counter[str] = Counter()
    for name, body, guid in Event.objects.filter(name__startswith="WorkItem").values_list(
        "name", "body", "record_guid"
    ):
        told = json.loads(body)
        if told["ProcessType"] == 3 and told["Status"] == Status.CLOSED and "Status" in told.get("Previous", {}):
            closed[str(guid)] += 1
        if name == "WorkItemCreated" and told["ProcessType"] == 3:
            closed[f"made {guid}"] += 1
    return wrong + [f"{what}: {times} times" for what, times in closed.items() if times > 1]


def _untold(site: Site) -> list[str]:
    """Records whose events have a hole in their sequence."""
    sequences: dict[UUID, list[int]] = {}
    for record, sequence in Event.objects.filter(id__gt=site.first_event).values_list("record_guid", "sequence"):
        sequences.setdefault(record, []).append(sequence)
    return [
        f"{record}: {sorted(found)}"
        for record, found in sequences.items()
        if sorted(found) != list(range(min(found), min(found) + len(found)))
    ]
