"""The main job, shown live on the sample organisation.

What is shown goes the way of a real integration: over HTTP to the documented web API, through the database and the
worker, to receivers on this machine that verify every signature. A message counts only when it has arrived.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rich.console import Console

from workwire.cli import loopback
from workwire.cli.demo.seed import Organisation
from workwire.cli.receiver import Received, Receiver
from workwire.kernel.actor import Actor

PATIENCE = 60.0  # seconds, for a machine that is busy with other things
HEADER = ("X-Team", "operations")


class WalkThroughFailed(Exception):
    """Something that was to be shown did not happen; the text says what."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the documented web API, with a token."""

    base_url: str
    token: str

    @classmethod
    def log_in(cls, base_url: str, username: str, password: str) -> Client:
        """Log in with a password."""
        token = _call(
            f"{base_url}/webapi/Authentication/Login?useCookie=false",
            {"Username": username, "Password": password},
        )
        return cls(base_url, token)

    def get(self, operation: str, **query: str) -> Any:
        """Call a reading operation."""
        return _call(self._url(operation, query))

    def post(self, operation: str, body: dict[str, Any], **query: str) -> Any:
        """Call a changing operation."""
        return _call(self._url(operation, query), body)

    def _url(self, operation: str, query: dict[str, str]) -> str:
        return f"{self.base_url}/webapi/{operation}?{urlencode({'authToken': self.token, **query})}"


@dataclass(slots=True)
class WalkThrough:
    """The main job, shown step by step on a console; `run` raises WalkThroughFailed at the first thing that is not so."""

    console: Console
    base_url: str
    organisation: Organisation
    receivers: dict[str, Receiver]
    revoke: Callable[[], None]
    restore: Callable[[], None]
    withheld: Callable[[str], int]
    note: Callable[[str, str], None]
    arrived: int = 0
    subscriptions: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Subscribe, work, take a right away, give it back."""
        people = self.organisation.accounts
        petra, bruno, mei = (
            Client.log_in(self.base_url, people[who].user.username, people[who].password)
            for who in ("process builder", "process builder of one company", "team member")
        )
        self._subscribe(petra, bruno)
        self._work(mei, petra)
        self._take_a_right_away(mei)

    def _subscribe(self, petra: Client, bruno: Client) -> None:
        self._say("Two integrators subscribe, each with a receiver of their own")
        first, second = self.organisation.customers
        for webhook in ("PacketCreated", "PacketUpdated", "NewCommunication"):
            self._subscribe_one(petra, "petra", webhook, "Company", str(first.company.guid))
        self._subscribe_one(petra, "petra", "BusinessObjectCreated", "Company", None)
        self._subscribe_one(bruno, "bruno", "PacketCreated", "Company", str(second.company.guid))

    def _subscribe_one(self, client: Client, who: str, webhook: str, kind: str, guid: str | None) -> None:
        receiver = self.receivers[who]
        wish = {
            "Webhook": webhook,
            "FilterObjectType": kind,
            "SubscriberURL": f"http://127.0.0.1:{receiver.port}/{webhook}",
            "CustomHeader": HEADER[0],
            "CustomHeaderValue": HEADER[1],
        } | ({"FilterObjectGUID": guid} if guid else {})
        result = client.post("WebHookSubscription/SubscribeToWebhook", wish)["Result"]
        receiver.accept(result["GUID"], result["Signature"])
        self.note(result["GUID"], wish["SubscriberURL"])
        self.subscriptions[f"{who} {webhook}"] = result["GUID"]
        self.console.print(f"  {who:<6} {webhook:<22} subscription {result['GUID']}")

    def _work(self, mei: Client, petra: Client) -> None:
        objects = self.organisation.objects
        self._say("A team member starts a case; its first step creates two actions")
        case = mei.post(
            "Case/Create",
            {"CaseAttributeVersionGUID": objects["CaseAttributeVersionGUID"], "Title": "Onboard Delft Ceramics",
             "Description": "New supplier of tableware."},
        )["Result"]  # fmt: skip
        self._expect("petra", "PacketCreated", case["GUID"])
        mei.post("Case/SetToDo", {"GUID": case["GUID"], "Title": "Onboard Delft Ceramics", "Description": ""})
        self._expect("petra", "PacketUpdated", case["GUID"])
        self._expect_where("petra", "two actions created", lambda m: _is(m, "PacketCreated", ProcessType=3), count=2)

        self._say("She opens a ticket, submits it and writes a note")
        ticket = mei.post(
            "Ticket/Create",
            {"TicketAttributeVersionGUID": objects["TicketAttributeVersionGUID"], "Title": "Invoice 4711 unpaid",
             "Description": "Due since Friday."},
        )  # fmt: skip
        self._expect("petra", "PacketCreated", ticket["GUID"])
        mei.post(
            "Ticket/SetToDo",
            {"GUID": ticket["GUID"], "Title": "Invoice 4711 unpaid", "Description": "Due since Friday.",
             "TicketCategoryAttribute": {"GUID": objects["TicketCategoryGUID"]}},
        )  # fmt: skip
        self._expect("petra", "PacketUpdated", ticket["GUID"])
        note = {"Body": "Called the supplier: payment run is on Monday.", "CommunicationType": "AuditNote"}
        said = mei.post("PacketCommunication/AddPacketCommunication", note, PacketGUID=ticket["GUID"])
        self._expect("petra", "NewCommunication", said["GUID"])

    def _take_a_right_away(self, mei: Client) -> None:
        second = self.organisation.customers[1]
        self._say(f"A ticket of {second.company.name} reaches the other integrator")
        self._expect("bruno", "PacketCreated", self._ticket_of_second(mei, "First"))
        self._say(f"An administrator takes the right to see {second.company.name} away; the next message is withheld")
        self.revoke()
        guid = self._ticket_of_second(mei, "Second")
        subscription = self.subscriptions["bruno PacketCreated"]
        if not _wait(lambda: self.withheld(subscription) == 1):
            raise WalkThroughFailed("the message was not withheld")
        if any(message.body["GUID"] == guid for message in self.receivers["bruno"].messages):
            raise WalkThroughFailed("a message was sent although the right had been taken away")
        self.console.print("  [yellow]withheld[/]  the owner may not see the object the subscription is for")
        self._say("The right comes back; later messages flow again")
        self.restore()
        self._expect("bruno", "PacketCreated", self._ticket_of_second(mei, "Third"))

    def company_created(self, create: Callable[[], str]) -> None:
        """Show the message of a new company; `create` makes it and returns its GUID."""
        self._say("An administrator adds a company")
        self._expect("petra", "BusinessObjectCreated", create())

    def _ticket_of_second(self, client: Client, title: str) -> str:
        version = self.organisation.customers[1].ticket_version.guid
        wish = {"TicketAttributeVersionGUID": str(version), "Title": f"{title} reminder", "Description": ""}
        guid: str = client.post("Ticket/Create", wish)["GUID"]
        return guid

    def _expect(self, who: str, webhook: str, guid: str) -> None:
        self._expect_where(who, f"{webhook} {guid}", lambda m: _is(m, webhook, GUID=guid))

    def _expect_where(self, who: str, what: str, wanted: Callable[[Received], bool], count: int = 1) -> None:
        """Wait for messages that arrived with a valid signature, the subscription's GUID and the subscriber's header."""
        receiver = self.receivers[who]
        if not _wait(lambda: sum(wanted(message) for message in receiver.messages) >= count):
            raise WalkThroughFailed(f"{who} did not receive: {what}")
        for message in [message for message in receiver.messages if wanted(message)]:
            if not message.verified or message.header(HEADER[0]) != HEADER[1]:
                raise WalkThroughFailed(f"a message to {who} did not verify: {message.problem}")
            self.arrived += 1
            body = message.body
            label = body.get("Reference") or body.get("Name") or body.get("Subject") or body["GUID"]
            self.console.print(
                f"  [green]arrived[/]   {who:<6} {message.header('Webhook-Event'):<22} {label or ''}  signature valid"
            )

    def _say(self, sentence: str) -> None:
        self.console.print(f"\n[bold]{sentence}[/]")


def print_messages(console: Console, receivers: dict[str, Receiver], stop: threading.Event) -> None:
    """Print what arrives from now on until told to stop."""
    seen = {who: len(receiver.messages) for who, receiver in receivers.items()}
    while not stop.wait(0.2):
        for who, receiver in receivers.items():
            for message in receiver.messages[seen[who] :]:
                seen[who] += 1
                state = "signature valid" if message.verified else f"refused: {message.problem}"
                console.print(f"  arrived   {who:<6} {message.header('Webhook-Event'):<22} {state}")


def _is(message: Received, webhook: str, **values: Any) -> bool:
    return message.header("Webhook-Event") == webhook and all(
        message.body.get(key) == value for key, value in values.items()
    )


def _wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _call(url: str, body: dict[str, Any] | None = None) -> Any:
    """Call the API; raises WalkThroughFailed where it refuses, with its answer, and where it gives none."""
    request = urllib.request.Request(url, method="GET" if body is None else "POST")  # noqa: S310 - our own address
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with loopback.call(request, timeout=PATIENCE) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise WalkThroughFailed(f"{url.split('?')[0]} answered {error.code}: {error.read().decode()[:300]}") from error
    except OSError as error:
        raise WalkThroughFailed(f"{url.split('?')[0]} gave no answer: {error}") from error
    result = json.loads(text) if text else None
    if isinstance(result, dict) and any(message.get("IsError") for message in result.get("Messages") or []):
        raise WalkThroughFailed(f"{url.split('?')[0]} refused: {result['Messages']}")
    return result


def actor_of(organisation: Organisation) -> Actor:
    """The administrator of the sample organisation, as an actor."""
    from workwire.access import sessions

    return sessions.actor_for(organisation.accounts["administrator"].user)
