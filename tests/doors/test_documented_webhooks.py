"""The webhook operations of the documented web API to the letter: statuses, texts, filters, and secrets of one's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access.models import Credential, Role
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.ids import NIL, new_guid
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

INVALID, DENIED = "The request is invalid", "Authorization has been denied for this request"
SUBSCRIBE, UPDATE = "WebHookSubscription/SubscribeToWebhook", "WebHookSubscription/UpdateWebhookSubscription"
GET, END = "WebHookSubscription/GetWebhookSubscription", "WebHookSubscription/Unsubscribe"
OWN = "whsec_" + base64.b64encode(b"a key that was made elsewhere").decode()


@pytest.fixture
def wish(first: Customer, receiver: Receiver) -> dict[str, Any]:
    """A right call of subscribing."""
    return {
        "Webhook": "PacketCreated",
        "FilterObjectType": "Company",
        "FilterObjectGUID": str(first.company.guid),
        "SubscriberURL": receiver.url("/hook"),
    }


@pytest.fixture
def guid(builder: Caller, wish: dict[str, Any]) -> str:
    """A subscription of the builder."""
    return str(builder.webapi(SUBSCRIBE, wish).json()["Result"]["GUID"])


def _refused(answer: Any, status: int, message: str, detail: str = "") -> None:
    assert answer.status_code == status, answer.content
    said = answer.json()
    assert said["Message"] == message
    (described,) = said["Messages"]
    assert detail in described["MessageDescription"]
    assert detail in answer.headers["Reason"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"Webhook": "PacketTeleported"}, "There is no webhook"),
        ({"Webhook": 6}, "There is no webhook"),
        ({"FilterObjectType": "Planet"}, "filtered by"),
        ({"FilterObjectType": 4711}, "filtered by"),
        ({"FilterObjectGUID": "not one"}, "GUID"),
        ({"FilterObjectGUID": str(new_guid())}, "There is no such filter object"),
        ({"FilterObjectGUID": None}, "needs the object's GUID"),
        ({"SubscriberURL": "ftp://127.0.0.1/"}, "URL"),
    ],
)
def test_a_wrong_value_is_400_with_the_documented_text_and_says_what_was_wrong(
    change: dict[str, Any], detail: str, builder: Caller, wish: dict[str, Any], guid: str
) -> None:
    _refused(builder.webapi(SUBSCRIBE, wish | change), 400, INVALID, detail)
    if change != {"FilterObjectGUID": None}:  # what is left out of an update stays
        _refused(builder.webapi(UPDATE, {"GUID": guid, **change}), 400, INVALID, detail)
    assert Subscription.objects.count() == 1


def test_broken_json_and_malformed_guids_are_400_with_the_documented_text(builder: Caller, guid: str) -> None:
    for operation in (SUBSCRIBE, UPDATE):
        _refused(builder.webapi(operation, b'{"Webhook": '), 400, INVALID)
    _refused(builder.webapi(UPDATE, {"GUID": "not one"}), 400, INVALID)
    _refused(builder.webapi(END, {}, webHookSubscriptionGUID="not one"), 400, INVALID)
    _refused(builder.webapi(GET, WebhookSubscriptionGUID="not one"), 400, INVALID)
    _refused(builder.webapi("WebHookTest/SimulateEvent", webHookSubscriptionGUID="not one"), 400, INVALID)


def test_what_is_not_there_and_what_is_not_yours_are_answered_alike(builder: Caller, narrow: Caller, guid: str) -> None:
    for one in (guid, str(new_guid())):
        _refused(narrow.webapi(GET, WebhookSubscriptionGUID=one), 400, INVALID, "There is no such subscription")
        _refused(narrow.webapi("WebHookTest/SimulateEvent", webHookSubscriptionGUID=one), 400, INVALID)
        said = "There is no such subscription."
        _refused(narrow.webapi(UPDATE, {"GUID": one, "Webhook": 1}), 404, said, said)
        _refused(narrow.webapi(END, {}, webHookSubscriptionGUID=one), 404, said, said)
    assert builder.webapi(GET, WebhookSubscriptionGUID=guid).status_code == 200


def test_without_a_valid_token_every_operation_answers_the_documented_text(builder: Caller, guid: str) -> None:
    stranger = Caller("wwt_of_nobody")
    for operation, query in ((GET, {"WebhookSubscriptionGUID": guid}), ("Ticket/Get", {"TicketGUID": guid})):
        _refused(stranger.webapi(operation, **query), 401, DENIED)
    _refused(stranger.webapi(SUBSCRIBE, {}), 401, DENIED)
    assert builder.webapi(GET, WebhookSubscriptionGUID=guid).status_code == 200


def test_reading_subscriptions_needs_process_builder_too(member: Caller, guid: str) -> None:
    assert member.webapi(GET, WebhookSubscriptionGUID=guid).status_code == 403
    assert member.webapi("WebHookSubscription/GetAllWebhookSubscriptions").status_code == 403


@pytest.mark.parametrize("webhook", ["BusinessObjectCreated", "BusinessObjectTypeUpdated"])
def test_the_guid_of_all_zeros_means_no_filter_object_where_the_type_takes_none(
    webhook: str, builder: Caller, wish: dict[str, Any], guid: str
) -> None:
    zero = {"Webhook": webhook, "FilterObjectType": 31, "FilterObjectGUID": str(NIL)}
    made = builder.webapi(SUBSCRIBE, wish | zero)
    assert made.status_code == 200, made.content
    assert "FilterObjectGUID" not in made.json()["Result"]
    changed = builder.webapi(UPDATE, {"GUID": guid, **zero})
    assert changed.status_code == 200, changed.content


def test_the_guid_of_all_zeros_is_no_object_where_one_is_needed(builder: Caller, wish: dict[str, Any]) -> None:
    zero = {"FilterObjectGUID": str(NIL)}
    _refused(builder.webapi(SUBSCRIBE, wish | zero), 400, INVALID, "There is no such filter object")
    none = zero | {"FilterObjectType": "None"}
    _refused(builder.webapi(SUBSCRIBE, wish | none), 400, INVALID, "needs a filter object")


def test_a_company_that_is_only_a_supplier_finds_no_work_and_is_refused_with_the_reason(
    builder: Caller, wish: dict[str, Any], first: Customer, actors: dict[str, Actor]
) -> None:
    supplier = parties.create_company("Pier", is_customer=False, is_supplier=True, by=actors["administrator"])
    named = {"FilterObjectGUID": str(supplier.guid)}
    _refused(builder.webapi(SUBSCRIBE, wish | named), 400, INVALID, "only a supplier")
    own = named | {"Webhook": "SpecificBusinessObjectUpdated"}
    assert builder.webapi(SUBSCRIBE, wish | own).status_code == 200


def test_a_mail_that_wakes_an_item_fires_two_webhooks_and_one_that_does_not_fires_one(
    first: Customer, actors: dict[str, Actor], open_ticket: Callable[..., WorkItem]
) -> None:
    by, kind = actors["team member"], CommunicationType.EMAIL_INCOMING
    category = first.ticket_version.categories.order_by("-level")[0].guid
    ticket = work.submit(open_ticket(), title="Unpaid", category_guid=category, by=by)
    with recorded() as found:
        conversations.add(ticket, kind=kind, body="Hello", sender_address="a@b.example", by=by)
    assert found.names == ["NewCommunication"]
    work.wait_for_information(ticket, by=by)
    with recorded() as found:
        conversations.add(ticket, kind=kind, body="Here it is", sender_address="a@b.example", by=by)
    assert found.names == ["NewCommunication", "WorkItemUpdated"]


def test_a_secret_of_ones_own_signs_and_is_never_shown(
    builder: Caller, first: Customer, receiver: Receiver, engine: Engine, open_ticket: Callable[..., WorkItem]
) -> None:
    wish = {"webhook": "PacketCreated", "url": receiver.url("/hook"), "secret": OWN}
    made = builder.api("POST", "/subscriptions", wish)
    assert (made.status_code, made.json()["secret"]) == (201, "whsec_•••"), made.content
    open_ticket()
    engine.drain()
    (request,) = receiver.requests
    assert Webhook(OWN).verify(request.body, dict(request.headers))

    other = "whsec_" + base64.b64encode(b"another key that was made elsewhere").decode()
    turned = builder.api(
        "POST", f"/subscriptions/{made.json()['guid']}/rotate-secret", {"secret": other, "overlap_hours": 0}
    )
    assert (turned.status_code, turned.json()["secret"]) == (200, "whsec_•••"), turned.content
    open_ticket()
    engine.drain()
    request = receiver.requests[1]
    assert Webhook(other).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_***",
        OWN.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
    ],
)
def test_what_is_no_secret_is_refused(secret: str, builder: Caller, receiver: Receiver, guid: str) -> None:
    wish = {"webhook": "PacketCreated", "url": receiver.url("/hook"), "secret": secret}
    for path, body in (("/subscriptions", wish), (f"/subscriptions/{guid}/rotate-secret", {"secret": secret})):
        answer = builder.api("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "secret_invalid"), answer.content
        assert answer.json()["field"] == "secret"


def test_a_fourth_rotation_does_not_end_an_overlap_that_was_promised(builder: Caller, guid: str) -> None:
    path = f"/subscriptions/{guid}/rotate-secret"
    for _ in range(3):
        assert builder.api("POST", path, {"overlap_hours": 24}).status_code == 200
    refused = builder.api("POST", path, {"overlap_hours": 24})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_old_secrets")
    assert len(Subscription.objects.get(guid=guid).secrets) == 4
    assert builder.api("POST", path, {"overlap_hours": 0}).status_code == 200
    assert len(Subscription.objects.get(guid=guid).secrets) == 1


@pytest.mark.parametrize(
    "path", ["/OAuth/Token", "/webapi/OAuth/Token", "/Auth/OAuth/Token", "/webapi/Auth/OAuth/Token"]
)
def test_the_token_endpoint_is_answered_on_its_older_path_too(
    path: str, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    credential, secret = _credential(organisation, actors)
    form = {"grant_type": "client_credentials", "client_id": credential.client_id, "client_secret": secret}
    assert Client().post(path, form).status_code == 200
    assert Client().post(path.lower(), form).status_code == 200


def test_a_credential_gets_another_name_and_expiry_and_a_new_secret_that_ends_the_old_one(
    organisation: Organisation, actors: dict[str, Actor], caller: Callable[[str], Caller]
) -> None:
    credential, secret = _credential(organisation, actors)
    owner, path = caller("process builder"), f"/credentials/{credential.guid}"
    later = (clock.now() + timedelta(days=90)).isoformat()
    changed = owner.api("PATCH", path, {"name": "Ledger", "expires_at": later})
    assert (changed.status_code, changed.json()["name"]) == (200, "Ledger"), changed.content
    credential.refresh_from_db()
    assert credential.expires_at.isoformat() == later
    for wrong in ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2027-01-01T00:00:00"):
        assert owner.api("PATCH", path, {"expires_at": wrong}).status_code == 422

    token = _token(credential, secret)
    made = owner.api("POST", f"{path}/renew-secret")
    assert made.status_code == 200, made.content
    new = made.json()["client_secret"]
    assert Caller(token).api("GET", "/me").status_code == 401
    assert _exchanged(credential, secret).status_code == 401
    application = Caller(_token(credential, new))
    for method, where in (("PATCH", path), ("POST", f"{path}/renew-secret")):
        assert application.api(method, where, {} if method == "PATCH" else None).status_code == 403
        assert caller("team member").api(method, where, {} if method == "PATCH" else None).status_code == 404
    assert owner.api("DELETE", path).status_code == 204
    for method, where in (("PATCH", path), ("POST", f"{path}/renew-secret")):
        assert owner.api(method, where, {"name": "x"} if method == "PATCH" else None).status_code == 409


def _credential(organisation: Organisation, actors: dict[str, Actor]) -> tuple[Credential, str]:
    user, roles = organisation.accounts["process builder"].user, list(Role.objects.filter(name="Process Builder"))
    until = clock.now() + timedelta(days=30)
    return access.create_credential(user, "Ticket feed", roles, expires_at=until, by=actors["process builder"])


def _exchanged(credential: Credential, secret: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": credential.client_id, "client_secret": secret}
    return Client().post("/webapi/Auth/OAuth/Token", form)


def _token(credential: Credential, secret: str) -> str:
    answer = _exchanged(credential, secret)
    assert answer.status_code == 200, answer.content
    return str(json.loads(answer.content)["access_token"])
