"""Subscriptions and deliveries in every state, sent by the real engine to a real receiver, for pages to show."""

from __future__ import annotations

from datetime import timedelta

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from workwire.access import commands as access
from workwire.access import sessions
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands, fanning, repair
from workwire.reactions.webhooks.commands import Terms
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport import ThreadTransport

LONG_PATH = "/Lieferantenstammdatenänderungsantragsgenehmigung/" + "sehr-lang-" * 12
ROUNDS = 5  # of tries, enough for a short schedule to end
WHO = "process builder of one company"


def send(organisation: Organisation) -> dict[str, Subscription]:
    """Let things happen, send messages of them, and return the subscriptions by what is special about each."""
    actors = {name: sessions.actor_for(account.user) for name, account in organisation.accounts.items()}
    builder, admin = actors[WHO], actors["administrator"]
    began = clock.now() - timedelta(hours=2)
    with Receiver() as receiver, clock.frozen(began) as advance:
        made = _subscribe(organisation, receiver, builder)
        receiver.script("/fails", status=503, body=b'{"error": "closed for maintenance"}')
        receiver.script("/well", status=200, body=b'{"accepted": true}')
        for name in ("paused", "ended"):
            commands.pause(made[name].guid, by=builder)
        items = _happen(organisation, actors["team member"])
        for _ in range(ROUNDS):
            _drain()
            advance(timedelta(minutes=2))
        repair.simulate(made["well"].guid, by=builder)
        _drain()
        group = organisation.customers[1].group
        access.change_members(group, remove=[organisation.accounts[WHO].user], by=admin)
        work.update(items[0], by=actors["team member"], title="Nobody may see this title")
        _drain()
        access.change_members(group, add=[organisation.accounts[WHO].user], by=admin)
        commands.unsubscribe(made["ended"].guid, by=builder)
        work.update(items[1], by=actors["team member"], title="Changed at last")
        fanning.fan_out(clock.now())
    return {name: Subscription.objects.get(pk=one.pk) for name, one in made.items()}


def _drain() -> None:
    """Send what is due; each time with an engine that knows of no earlier failure, so that no circuit is open."""
    engine = Engine(ThreadTransport)
    try:
        engine.drain()
    finally:
        engine.close()


def _subscribe(organisation: Organisation, receiver: Receiver, builder: Actor) -> dict[str, Subscription]:
    company = organisation.customers[1].company.guid

    def subscribe(path: str, webhook: int = 1, **more: object) -> Subscription:
        wish: dict[str, object] = {"filter_type": ObjectType.COMPANY, "filter_guid": company}
        terms = Terms(webhook=webhook, url=receiver.url(path), **(wish | more))  # type: ignore[arg-type] # free terms
        return commands.subscribe(terms, by=builder)[0]

    nowhere = {"url": "http://127.0.0.1:9/nobody-listens"}
    return {
        "well": subscribe("/well", header_name="X-Team", header_value="operations"),
        "fails": subscribe("/fails"),
        "gives up": subscribe("/fails", retry_schedule=[1, 1, 1]),
        "paused": subscribe("/paused", 0, format="cloudevents", in_order=True),
        "long name": subscribe(LONG_PATH, 0),
        "ended": subscribe("/ended", 0),
        "everything": subscribe("/everything", 2, filter_type=ObjectType.NONE, filter_guid=None),
        "refused": commands.subscribe(
            Terms(webhook=1, filter_type=ObjectType.COMPANY, filter_guid=company, **nowhere), by=builder
        )[0],
    }


def _happen(organisation: Organisation, member: Actor) -> list[WorkItem]:
    version = organisation.customers[1].ticket_version
    category = version.categories.order_by("-level", "pk")[0].guid
    titles = (
        "Where is our invoice?",
        '=HYPERLINK("http://x")',
        "Lieferantenstammdaten" * 20,
        "\u05e9\u05dc\u05d5\u05dd <b>",
    )
    made = []
    for title in titles:
        item = work.create_ticket(version.guid, by=member, title=title, category_guid=category, submit=True)
        made.append(work.update(item, by=member, title=f"{title[:200]} (changed)" if made else "Changed"))
    return made
