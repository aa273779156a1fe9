"""An installation of real processes under a stream of changes, with a receiver that remembers, and the tally of both.

Words: *site* (web, workers and receiver on one database), *stream* (changes made through the REST API), *tally* (ledger
and log of deliveries compared with what the receiver holds). Faults are in `chaos_faults`. This process uses the database
of the site through Django, as any other client would.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from django.db import Error, connection
from standardwebhooks import WebhookVerificationError

from tests.support.organisation import Organisation
from tests.support.receiver import Answered, Receiver
from tests.support.waiting import eventually, linger
from workwire.access import sessions
from workwire.outbox.models import Event, FeedEntry, Pending
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import event_types
from workwire.reactions.notices.models import Notice
from workwire.reactions.webhooks import commands, messages
from workwire.reactions.webhooks.models import Delivery, Queued, State, Subscription

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "WORKWIRE_WEBHOOK_LEASE_SECONDS": "5",
    "WORKWIRE_WEBHOOK_TIMEOUT": "2",
    "WORKWIRE_WEBHOOK_CONNECT_TIMEOUT": "1",
    "WORKWIRE_WEBHOOK_RETRY_SCHEDULE": ",".join(["1"] * 20 + ["5"] * 20),
    "WORKWIRE_LOG_LEVEL": "info",
}
CREATED, UPDATED = 0, 1
UPDATES_OF_TEN, CALLS_OF_TEN = 4, 1
SECRET_WORD = "Heliotrope"  # in every title: must never be in a log
T = TypeVar("T")


def at_last(ask: Callable[[], T], patience: float = 90.0) -> T:
    """The answer of the database, which may be away for a while."""
    answers: list[T] = []

    def answered() -> bool:
        try:
            answers.append(ask())
        except Error:
            connection.close()
            return False
        return True

    eventually(answered, patience, every=0.1, what="the database does not answer")
    return answers[0]


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RestartedProcess:
    """A process that is started again when it ends, as a supervisor would."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    starts: int = 0

    def start(self) -> None:
        """Start it; its words go to the log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    def kill_all(self) -> None:
        """Kill it and all it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def children(self) -> list[int]:
        """The ids of its child processes."""
        with contextlib.suppress(OSError):
            return [
                int(pid)
                for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            ]
        return []

    def processor_seconds(self) -> float:
        """Processor time it has used, its children not counted."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stream:
    """Changes made through the REST API in a thread of its own, until it is told to `end` and so many were acknowledged."""

    def __init__(
        self, url: str, token: str, of_another: str, version: str, *, changes: int, pause: float, seed: int
    ) -> None:
        self._url, self._token, self._of_another, self._version = url, token, of_another, version
        self._left, self._pause = changes, pause
        self._random = random.Random(seed)  # noqa: S311 - choices, no secrets
        self._number = 0
        self._ending = threading.Event()
        self.created: list[str] = []
        self.updated: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()  # by status; 0 where no answer came
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self, more: int = 0) -> None:
        """Wait until all were made, and so many more."""
        self._left = max(self._left, more)
        self._ending.set()
        self._thread.join(180)
        if self._thread.is_alive():
            raise TimeoutError("the changes could not be made")

    def _run(self) -> None:
        while self._left > 0 or not self._ending.is_set():
            try:
                self._change()
                self._left -= 1
            except (OSError, ValueError) as error:  # web or its database is away: not acknowledged, so not counted
                self.refused[error.code if isinstance(error, urllib.error.HTTPError) else 0] += 1
                linger(0.1)
            linger(self._pause)

    def _change(self) -> None:
        self._number += 1
        title = f"{SECRET_WORD} {self._number}"
        chance = self._random.randrange(10)
        if self.created and chance < UPDATES_OF_TEN:
            guid = self._random.choice(self.created)
            self._call("PATCH", f"/work-items/{guid}", {"title": title})
            self.updated[guid] += 1
        elif self.created and chance < UPDATES_OF_TEN + CALLS_OF_TEN:  # of which who follows the ticket is to be told
            guid, call = self._random.choice(self.created), {"kind": "phone_incoming", "body": title}
            self._call("PUT", f"/work-items/{guid}/following", {})
            self._call("POST", f"/work-items/{guid}/communications", call, token=self._of_another)
        else:
            wish = {"process_version": self._version, "title": title}
            self.created.append(self._call("POST", "/tickets", wish)["guid"])

    def _call(self, method: str, path: str, body: dict[str, Any], *, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token or self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/api/v1{path}", json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@dataclass
class Site:
    """An installation on the database of this process's Django; `environment` is that of its processes."""

    organisation: Organisation
    folder: Path  # for logs and marks
    environment: dict[str, str]
    receiver: Receiver
    seed: int = 1
    worker_environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # by path
    kept: list[RestartedProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - choices, no secrets
        self.port = free_port()
        paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        self.environment = self.environment | SETTINGS | {"PYTHONPATH": paths, "WORKWIRE_PORT": str(self.port)}
        self.first_event = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def subscribe(self, path: str, webhook: int, *, by: str = "integrator", **terms: Any) -> Subscription:
        """Subscribe to the first customer's work items at a path of the receiver."""
        customer, account = self.organisation.customers[0], self.organisation.accounts[by]
        wish = commands.Terms(webhook, self.receiver.url(path), ObjectType.COMPANY, customer.company.guid, **terms)
        subscription, self.secrets[path] = commands.subscribe(wish, by=sessions.actor_for(account.user))
        return subscription

    @contextlib.contextmanager
    def running(self, *, workers: int = 1) -> Iterator[None]:
        """Web and workers at work, started again whenever one ends."""
        command = [sys.executable, "-m", "workwire", "web"]
        self.web = RestartedProcess(command, self.environment, self.folder / "web.log")
        command = [sys.executable, "-m", "tests.support.chaos_points"]
        environment = self.environment | self.worker_environment
        self.workers = [
            RestartedProcess(command, environment, self.folder / f"worker-{number}.log") for number in range(workers)
        ]
        self.kept = [self.web, *self.workers]
        for kept in self.kept:
            kept.start()
        self._watch.start()
        try:
            self._wait_for_web()
            yield
        finally:
            self._closing.set()
            self._watch.join()
            for kept in self.kept:
                kept.process.send_signal(signal.SIGTERM)
            for kept in self.kept:
                try:
                    kept.process.wait(20)
                except subprocess.TimeoutExpired:
                    kept.kill_all()
                    kept.process.wait()
                kept.kill_all()  # what an earlier start may have left

    def stream(self, changes: int, pause: float = 0.02) -> Stream:
        """A stream of changes, begun."""
        accounts = [self.organisation.accounts[name] for name in ("team member", "process builder")]
        token, of_another = (
            sessions.log_in(account.user.username, account.password, address="127.0.0.1") for account in accounts
        )
        url, version = f"http://127.0.0.1:{self.port}", str(self.organisation.customers[0].ticket_version.guid)
        made = Stream(url, token, of_another, version, changes=changes, pause=pause, seed=self.seed)
        made.start()
        return made

    def settle(self, patience: float = 90.0) -> float:
        """Wait until nothing is in a feed or queued; the seconds it took."""
        begun = time.monotonic()
        eventually(
            lambda: not any(at_last(waiting.objects.exists) for waiting in (Pending, FeedEntry, Queued)),
            patience,
            what=lambda: f"still queued: {list(Queued.objects.values()[:3])}\n{self.logs()[-3000:]}",
        )
        return time.monotonic() - begun

    def undelivered(self, last: int, at: Callable[[str], bool]) -> list[str]:
        """Messages of the changes up to the last that were not delivered to the endpoints at these paths."""
        done = set(Delivery.objects.filter(state=State.DELIVERED).values_list("event_id", "subscription_id"))
        urls = {self.receiver.url(path) for path in self.secrets if at(path)}
        return [
            f"{event} to {subscription}"
            for subscription in Subscription.objects.filter(url__in=urls)
            for event in Event.objects.filter(id__gt=self.first_event, id__lte=last, work_item_guid__isnull=False)
            if subscription.webhook in {hook.number for hook in event_types()[event.name].webhooks}
            and (event.pk, subscription.pk) not in done
        ]

    def seconds_taken(self, at: Callable[[str], bool]) -> list[float]:
        """From each change until its message was first taken by the endpoints at these paths, in order."""
        since_boot = time.time() - time.monotonic()
        made = {str(guid): moment.timestamp() for guid, moment in Event.objects.values_list("guid", "occurred_at")}
        first: dict[str, float] = {}
        for one in sorted(self.receiver.answered, key=lambda one: one.request.at):
            if at(one.request.path) and 200 <= one.status < 300:
                event = one.request.json()["EventID"]
                first.setdefault(_id(one), one.request.at + since_boot - made[event])
        return sorted(first.values())

    def logs(self) -> str:
        """All that the processes said."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def _keep(self) -> None:
        while not self._closing.wait(0.05):
            for kept in self.kept:
                if kept.process.poll() is not None:
                    self._closing.wait(0.2)
                    kept.start()

    def _wait_for_web(self) -> None:
        url = f"http://127.0.0.1:{self.port}/health/live"

        def is_live() -> bool:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
                return True
            return False

        eventually(is_live, 60, what=lambda: self.logs()[-3000:])


@dataclass(frozen=True)
class Tally:
    """What became of all that was changed. `lost` must be empty, and so must `wrong`: signatures that do not verify, holes
    in sequences, order broken where it was promised, titles in logs."""

    changes: int
    states: Counter[State]
    duplicates: int
    lost: list[str]
    wrong: list[str]
    overlaps: int

    @classmethod
    def of(cls, site: Site, stream: Stream) -> Tally:
        """Compare ledger, deliveries and receiver, all at rest."""
        subscriptions = list(Subscription.objects.all())
        events = list(Event.objects.filter(id__gt=site.first_event, work_item_guid__isnull=False))
        deliveries = {
            (one.event_id, one.subscription_id): one for one in Delivery.objects.select_related("event", "subscription")
        }
        accepted = Counter(_id(one) for one in site.receiver.answered if 200 <= one.status < 300)
        lost = [*_not_in_ledger(events, stream), *_not_noticed(events)]
        states: Counter[State] = Counter()
        for event in events:
            numbers = {hook.number for hook in event_types()[event.name].webhooks}
            for subscription in subscriptions:
                if subscription.webhook not in numbers:
                    continue
                found = deliveries.get((event.pk, subscription.pk))
                state = State(found.state) if found else State.DUE
                states[state] += 1
                if found is None or state == State.DUE:
                    lost.append(f"{event} has no end for {subscription}")
                elif state == State.DELIVERED and not accepted[messages.message_id_of(found)]:
                    lost.append(f"{event} was delivered to {subscription}, which does not have it")
        return cls(
            changes=len(events),
            states=states,
            duplicates=sum(times - 1 for times in accepted.values()),
            lost=lost,
            wrong=[*_badly_signed(site), *_holes(events), *_out_of_order(site, subscriptions), *_told(site)],
            overlaps=len(overlapping(site.receiver.answered)),
        )


def overlapping(answered: list[Answered]) -> list[str]:
    """The ids of messages of which two requests were open at once."""
    over: dict[str, float] = {}
    found = []
    for one in sorted(answered, key=lambda one: one.request.at):
        name = _id(one)
        if one.request.at < over.get(name, 0.0):
            found.append(name)
        over[name] = max(over.get(name, 0.0), one.at)
    return found


def _id(one: Answered) -> str:
    return dict(one.request.headers)["Webhook-Id"]


def _not_in_ledger(events: list[Event], stream: Stream) -> Iterator[str]:
    """Changes that were acknowledged and that the ledger does not know."""
    created = {str(event.record_guid) for event in events if event.name == "WorkItemCreated"}
    yield from (f"ticket {guid} was acknowledged and is not there" for guid in stream.created if guid not in created)
    updated = Counter(str(event.record_guid) for event in events if event.name == "WorkItemUpdated")
    yield from (f"changes of {guid} are missing" for guid, times in stream.updated.items() if updated[guid] < times)


def _not_noticed(events: list[Event]) -> Iterator[str]:
    """Calls that somebody else wrote down, and of which the follower was not told."""
    noticed = set(Notice.objects.values_list("event_id", flat=True))
    calls = [event for event in events if event.name == "NewCommunication"]
    yield from (f"nobody was told of {event}" for event in calls if event.pk not in noticed)


def _badly_signed(site: Site) -> Iterator[str]:
    for request in list(site.receiver.requests):
        if request.path not in site.secrets:
            yield f"a request came to {request.path}, to which nobody subscribed"
            continue
        try:
            request.verify(site.secrets[request.path])
        except WebhookVerificationError as error:
            yield f"a message at {request.path} is not signed: {error}"


def _holes(events: list[Event]) -> Iterator[str]:
    """Records whose sequence in the ledger does not rise by one."""
    sequences: dict[Any, list[int]] = {}
    for event in events:
        sequences.setdefault(event.record_guid, []).append(event.sequence)
    for record, numbers in sequences.items():
        if sorted(numbers) != list(range(min(numbers), min(numbers) + len(numbers))):
            yield f"the sequence of {record} has holes: {sorted(numbers)}"


def _out_of_order(site: Site, subscriptions: list[Subscription]) -> Iterator[str]:
    """Records whose messages an in-order subscription took in another order; repeated ones do not count."""
    in_order = {one.url for one in subscriptions if one.in_order}
    last: dict[tuple[str, str], int] = {}
    seen: set[str] = set()
    for one in sorted(site.receiver.answered, key=lambda one: one.request.at):
        if not 200 <= one.status < 300 or site.receiver.url(one.request.path) not in in_order or _id(one) in seen:
            continue
        seen.add(_id(one))
        body = one.request.json()
        place = one.request.path, body["GUID"]
        if body["Sequence"] < last.get(place, 0):
            yield f"{body['GUID']} came with {body['Sequence']} after {last[place]}"
        last[place] = body["Sequence"]


def _told(site: Site) -> Iterator[str]:
    if SECRET_WORD in site.logs():
        yield "a log tells the title of a record"
