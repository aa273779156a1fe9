"""The documented web API through HTTP: right and wrong calls, and the contract's own schemas."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import ON_POSTGRES
from tests.doors.conftest import Caller
from tests.doors.contract import contract, fits, needs_contract
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from workwire.access import sessions
from workwire.kernel.ids import new_guid
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem
from workwire.webapi import packets, refusals


@pytest.fixture
def ticket(member: Caller, organisation: Organisation) -> dict[str, Any]:
    """A draft ticket of the first customer."""
    wish = {
        "TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid),
        "Title": "Invoice 4711 unpaid",
        "Description": "Due since Friday.",
        "DataFields": {"Invoice": "4711"},
    }
    found: dict[str, Any] = fits("Ticket/Create", member.webapi("Ticket/Create", wish))
    return found


@pytest.fixture
def subscription(builder: Caller, first: Customer, receiver: Receiver) -> dict[str, Any]:
    """A subscription of the builder to what is created at the first customer."""
    answer = builder.webapi("WebHookSubscription/SubscribeToWebhook", _wish(first, receiver))
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["Result"]
    return found


def _wish(customer: Customer, receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {
        "Webhook": "PacketCreated",
        "FilterObjectType": "Company",
        "FilterObjectGUID": str(customer.company.guid),
        "SubscriberURL": receiver.url("/hook"),
        "CustomHeader": "X-Team",
        "CustomHeaderValue": "operations",
    } | more


def _refused(answer: Any, status: int, word: str = "") -> None:
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer.headers["Reason"]
    content = answer.json()
    assert word.lower() in json.dumps(content).lower()
    assert content["Messages"][0]["IsError"] is True


def test_a_ticket_is_answered_as_it_is_read_afterwards(organisation: Organisation, member: Caller) -> None:
    """What creating one answers comes from the objects at hand, without reading the ticket again."""
    user = organisation.accounts["team member"].user
    wish = {
        "TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid),
        "Title": "  Invoice 4711   unpaid ",
        "Description": "Due since Friday.",
        "DataFields": {"invoice": "4711"},
    }
    for more in ({}, {"RequesterUserGUID": str(user.guid)}):
        answer = member.webapi("Ticket/Create", wish | more)
        made, by = answer.json(), sessions.actor_for(user)
        read = work.item(UUID(made["GUID"]), by=by)
        shown = packets.ticket_packet(read, by)
        assert {key: made[key] for key in shown} == shown
        assert len(shown["Contacts"]) == len(more)
        assert answer.headers["ETag"] == f'"{read.version}"'


def test_a_plain_ticket_takes_a_statement_for_each_thing_it_needs(organisation: Organisation, member: Caller) -> None:
    """Who asks, what of, the ticket, its event, with what it is told for; the embedded database writes these one by one."""
    wish = {"TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid), "Title": "Unpaid"}
    with CaptureQueriesContext(connection) as asked:
        assert member.webapi("Ticket/Create", wish).status_code == 200
    statements = [query["sql"] for query in asked if not re.match("SAVEPOINT|RELEASE|BEGIN|COMMIT", query["sql"])]
    assert len(statements) == (4 if ON_POSTGRES else 7)


@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database is no server")
@pytest.mark.django_db(transaction=True)
def test_the_first_request_after_a_restart_of_the_database_is_answered(
    organisation: Organisation, member: Caller
) -> None:
    wish = {"TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid), "Title": "Unpaid"}
    for _ in range(2):
        with psycopg.connect(os.environ["WORKWIRE_TEST_POSTGRES"], autocommit=True) as elsewhere:
            ours = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            assert elsewhere.execute(ours, [connection.settings_dict["NAME"]]).fetchall()
        connection.close_if_unusable_or_obsolete()  # as at the beginning of every request
        assert member.webapi("Ticket/Create", wish).status_code == 200
    assert WorkItem.objects.count() == 2


def test_a_database_that_cannot_work_is_said_in_the_documented_shape_with_when_to_try_again(
    member: Caller, organisation: Organisation
) -> None:
    def refuse(*_given: Any) -> Any:
        raise OperationalError("database or disk is full")

    wish = {"TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid), "Title": "Unpaid"}
    secret = {"grant_type": "client_credentials", "client_id": "some", "client_secret": "thing"}
    with connection.execute_wrapper(refuse):
        answers = [
            member.webapi("Ticket/Create", wish),
            Client().post(
                "/webapi/Authentication/Login",
                {"Username": "some", "Password": "thing"},
                content_type="application/json",
            ),
            Client().post("/Auth/OAuth/Token", secret),
        ]
    for answer in answers:
        _refused(answer, 503, "try again")
        assert answer.headers["Retry-After"] == "5"
    assert member.webapi("Ticket/Create", wish).status_code == 200


def test_a_ticket_from_draft_to_resolved(member: Caller, organisation: Organisation, ticket: dict[str, Any]) -> None:
    got = fits("Ticket/Get", member.webapi("Ticket/Get", TicketGUID=ticket["GUID"]))
    assert (got["Status"], got["Title"], got["StartedByMethod"]) == (
        "Draft",
        "Invoice 4711 unpaid",
        "ByOperationalUser",
    )
    assert got["DataFields"] == {"Invoice": "4711"}
    category = {"GUID": str(organisation.customers[0].category.guid)}
    change = {"GUID": ticket["GUID"], "Title": "Invoice 4711", "Description": "", "TicketCategoryAttribute": category}
    submitted = fits("Ticket/SetToDo", member.webapi("Ticket/SetToDo", change))["Result"]
    assert submitted["Status"] == "ToDo"
    assert submitted["DueDate"]
    assert submitted["TicketCategoryAttribute"]["CategoryLevel2"] == "Late payment"
    updated = fits("Ticket/Update", member.webapi("Ticket/Update", {"GUID": ticket["GUID"], "Description": "Paid."}))
    assert (updated["State"], updated["Description"]) == ("WithWA", "Paid.")
    resolved = member.webapi("Ticket/Resolve", {"GUID": ticket["GUID"], "Title": "", "Description": "Paid."})
    assert fits("Ticket/Resolve", resolved)["Result"]["Status"] == "Closed"
    again = fits("Ticket/Resolve", member.webapi("Ticket/Resolve", {"GUID": ticket["GUID"]}))
    assert "Result" not in again
    assert again["Messages"][0]["MessageID"] == "Packet_IsCompletedNoUpdatesPossible"


def test_creating_and_updating_a_ticket_answer_its_keys_and_beside_them_a_result_with_messages(
    member: Caller, organisation: Organisation
) -> None:
    wish = {"TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid), "Title": "Unpaid"}
    created = fits("Ticket/Create", member.webapi("Ticket/Create", wish))
    change = {"GUID": created["Result"]["GUID"], "Description": "Paid."}
    updated = fits("Ticket/Update", member.webapi("Ticket/Update", change))
    for answer in (created, updated):
        assert answer.pop("Messages") == []
        assert answer.pop("Result") == answer
    assert updated["Description"] == "Paid."


def test_a_case_runs_through_its_steps(member: Caller, organisation: Organisation) -> None:
    wish = {
        "CaseAttributeVersionGUID": str(organisation.customers[0].case_version.guid),
        "Title": "Onboard",
        "Description": "",
    }
    case = fits("Case/Create", member.webapi("Case/Create", wish))["Result"]
    assert case["Status"] == "Draft"
    fits(
        "Case/Update",
        member.webapi("Case/Update", {"GUID": case["GUID"], "Title": "Onboard Delft", "Description": "x"}),
    )
    started = fits(
        "Case/SetToDo", member.webapi("Case/SetToDo", {"GUID": case["GUID"], "Title": "", "Description": ""})
    )
    assert started["Result"]["Status"] == "InProgress"  # it flows
    blocked = fits("Case/SetResolved", member.webapi("Case/SetResolved", {"GUID": case["GUID"]}))
    assert blocked["Messages"][0]["MessageID"] == "Case_CaseCantBeCompletedWithRunningWorkItems"
    done = 0
    while actions := WorkItem.objects.filter(parent__guid=case["GUID"]).exclude(status__in=[4, 5]):
        for action in actions:
            got = fits("Action/Get", member.webapi("Action/Get", ActionGUID=str(action.guid)))
            assert got["Reference"].startswith(f"{case['Reference']}-A")
            ended = member.webapi("Action/ResolveSuccessfully", {"GUID": got["GUID"], "Title": "", "Description": ""})
            assert fits("Action/ResolveSuccessfully", ended)["Result"]["ResolutionMethod"] == "DoneSuccessfully"
            done += 1
    assert done == 3
    assert fits("Case/Get", member.webapi("Case/Get", CaseGUID=case["GUID"]))["Status"] == "Closed"


def test_submitting_without_a_title_says_so_and_changes_nothing(member: Caller, organisation: Organisation) -> None:
    wish = {"TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid), "Title": ""}
    ticket = member.webapi("Ticket/Create", wish).json()
    before = Event.objects.count()
    answer = member.webapi("Ticket/SetToDo", {"GUID": ticket["GUID"], "Title": "", "Description": "changed"})
    content = fits("Ticket/SetToDo", answer)
    assert "Result" not in content
    assert content["Messages"][0]["MessageID"] == "Packet_TitleCannotBeBlank"
    assert Event.objects.count() == before
    assert WorkItem.objects.get(guid=ticket["GUID"]).description == ""


def test_communications(member: Caller, ticket: dict[str, Any]) -> None:
    html = {"Body": "<b>called</b>", "CommunicationType": 5, "IsResolutionCommunication": "false"}
    answer = member.webapi("PacketCommunication/AddPacketCommunication", html, PacketGUID=ticket["GUID"])
    made = fits("PacketCommunication/AddPacketCommunication", answer)
    assert (made["Type"], made["Body"]) == ("PhoneOutgoing", "<b>called</b>")
    rows = fits(
        "PacketCommunication/GetCommunications",
        member.webapi("PacketCommunication/GetCommunications", PacketGUID=ticket["GUID"]),
    )
    assert [row["GUID"] for row in rows] == [made["GUID"]]
    one = member.webapi("PacketCommunication/GetCommunication", CommunicationGUID=made["GUID"], SanitizeHTMLBody="true")
    assert fits("PacketCommunication/GetCommunication", one)["GUID"] == made["GUID"]
    wrong = member.webapi(
        "PacketCommunication/AddPacketCommunication", {"CommunicationType": "Pigeon"}, PacketGUID=ticket["GUID"]
    )
    _refused(wrong, 400, "CommunicationType")


def test_contexts_and_service_lines(narrow: Caller, second: Customer) -> None:
    contexts = fits("Packet/GetContexts", narrow.webapi("Packet/GetContexts", ProcessType="ticket"))
    assert [customer["GUID"] for customer in contexts] == [str(second.company.guid)]
    process = contexts[0]["Contracts"][0]["Services"][0]["Processes"][0]
    assert process["AttributeGUID"] == str(second.ticket_version.guid)
    assert process["VersionState"] == "Live"
    lines = fits("ServiceLine/GetAll", narrow.webapi("ServiceLine/GetAll"))
    assert [line["Name"] for line in lines] == ["Equipment"]
    _refused(narrow.webapi("Packet/GetContexts", ProcessType="Parcel"), 400, "ProcessType")


def test_the_secret_is_whole_once_and_masked_afterwards(builder: Caller, subscription: dict[str, Any]) -> None:
    assert subscription["Signature"].startswith("whsec_")
    assert subscription["CustomHeaderValue"] != "operations"
    for answer in (
        builder.webapi("WebHookSubscription/GetWebhookSubscription", WebhookSubscriptionGUID=subscription["GUID"]),
        builder.webapi("WebHookSubscription/GetAllWebhookSubscriptions"),
    ):
        text = answer.content.decode()
        assert subscription["GUID"] in text
        assert subscription["Signature"] not in text
        assert "operations" not in text
    fits(
        "WebHookSubscription/GetAllWebhookSubscriptions",
        builder.webapi("WebHookSubscription/GetAllWebhookSubscriptions"),
    )


def test_updating_and_unsubscribing(builder: Caller, subscription: dict[str, Any], second: Customer) -> None:
    guid = subscription["GUID"]
    change = {"GUID": guid, "FilterObjectType": 31, "FilterObjectGUID": str(second.company.guid), "Webhook": 1}
    changed = fits(
        "WebHookSubscription/UpdateWebhookSubscription",
        builder.webapi("WebHookSubscription/UpdateWebhookSubscription", change),
    )["Result"]
    assert (changed["Webhook"], changed["FilterObjectGUID"]) == ("PacketUpdated", str(second.company.guid))
    moved = {"GUID": guid, "SubscriberURL": "http://localhost.example.invalid/hook"}
    _refused(builder.webapi("WebHookSubscription/UpdateWebhookSubscription", moved), 400, "header")
    gone = builder.webapi("WebHookSubscription/Unsubscribe", {}, webHookSubscriptionGUID=guid)
    assert fits("WebHookSubscription/Unsubscribe", gone)["Result"] is True
    _refused(builder.webapi("WebHookSubscription/Unsubscribe", {}, webHookSubscriptionGUID=guid), 404)
    _refused(builder.webapi("WebHookSubscription/GetWebhookSubscription", WebhookSubscriptionGUID=guid), 400)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Webhook": "PacketTeleported"}, "webhook"),
        ({"Webhook": 17}, "webhook"),
        ({"Webhook": None}, "webhook"),
        ({"FilterObjectGUID": "not-a-guid"}, "FilterObjectGUID"),
        ({"FilterObjectType": "Planet"}, "FilterObjectType"),
        ({"FilterObjectType": "Schedule"}, "FilterObjectType"),
        ({"FilterObjectType": "Packet"}, "FilterObjectType"),
        ({"FilterObjectType": None, "FilterObjectGUID": None}, "FilterObjectType"),
        ({"Webhook": "BusinessObjectCreated"}, "FilterObjectGUID"),
        ({"Webhook": "SpecificBusinessObjectUpdated", "FilterObjectGUID": None}, "FilterObjectGUID"),
        ({"SubscriberURL": None}, "SubscriberURL"),
        ({"SubscriberURL": "ftp://example.com/x"}, "SubscriberURL"),
        ({"SubscriberURL": "http://user:secret@example.com/"}, "SubscriberURL"),
        ({"SubscriberURL": "http://10.1.2.3/x"}, "SubscriberURL"),
        ({"SubscriberURL": "http://169.254.169.254/latest"}, "SubscriberURL"),
        ({"SubscriberURL": "http://[::ffff:10.0.0.1]/"}, "SubscriberURL"),
        ({"SubscriberURL": "http://0x0a000001/"}, "SubscriberURL"),
        ({"CustomHeader": "Host"}, "CustomHeader"),
        ({"CustomHeader": "Webhook-Signature"}, "CustomHeader"),
        ({"CustomHeader": "Content-Length"}, "CustomHeader"),
        ({"CustomHeader": "Bad Name"}, "CustomHeader"),
        ({"CustomHeaderValue": "two\r\nlines"}, "CustomHeaderValue"),
        ({"CustomHeaderValue": ""}, "CustomHeaderValue"),
    ],
)
def test_every_refusal_names_the_field_and_changes_nothing(
    change: dict[str, Any], word: str, builder: Caller, first: Customer, receiver: Receiver
) -> None:
    before = Event.objects.count()
    answer = builder.webapi("WebHookSubscription/SubscribeToWebhook", _wish(first, receiver, **change))
    _refused(answer, 400, word)
    assert answer.json()["Messages"][0]["Parameters"][0]["Field"].lower() == word.lower()
    assert not Subscription.objects.exists()
    assert Event.objects.count() == before


def test_who_may_not_subscribe(member: Caller, narrow: Caller, first: Customer, receiver: Receiver) -> None:
    operation = "WebHookSubscription/SubscribeToWebhook"
    _refused(member.webapi(operation, _wish(first, receiver)), 403)
    invisible = narrow.webapi(operation, _wish(first, receiver))
    absent = narrow.webapi(operation, _wish(first, receiver, FilterObjectGUID=str(new_guid())))
    _refused(invisible, 400)
    assert (invisible.status_code, invisible.content) == (absent.status_code, absent.content)
    assert not Subscription.objects.exists()


def test_the_records_of_others_are_not_found(
    narrow: Caller, ticket: dict[str, Any], subscription: dict[str, Any]
) -> None:
    guid, missing = ticket["GUID"], str(new_guid())
    for one in (guid, missing):
        _refused(narrow.webapi("Ticket/Get", TicketGUID=one), 404)
        _refused(narrow.webapi("Case/Get", CaseGUID=one), 404)
        _refused(narrow.webapi("Ticket/Update", {"GUID": one, "Description": "mine"}), 404)
        _refused(narrow.webapi("Ticket/SetToDo", {"GUID": one}), 404)
        _refused(narrow.webapi("PacketCommunication/GetCommunications", PacketGUID=one), 404)
        _refused(narrow.webapi("PacketCommunication/AddPacketCommunication", {"Body": "x"}, PacketGUID=one), 404)
    for one in (subscription["GUID"], missing):
        _refused(narrow.webapi("WebHookSubscription/GetWebhookSubscription", WebhookSubscriptionGUID=one), 400)
        _refused(narrow.webapi("WebHookSubscription/Unsubscribe", {}, webHookSubscriptionGUID=one), 404)
        _refused(narrow.webapi("WebHookTest/SimulateEvent", webHookSubscriptionGUID=one), 400)
    assert narrow.webapi("WebHookSubscription/GetAllWebhookSubscriptions").json() == []


def test_names_are_read_in_any_case_and_under_the_instance(member: Caller, ticket: dict[str, Any]) -> None:
    for path in (
        "/webapi/ticket/GET",
        "/WEBAPI/Ticket/get",
        "/workwire/webapi/Ticket/Get",
        "/WorkWire/WebApi/Ticket/Get/",
    ):
        answer = Client().get(path, {"AUTHTOKEN": member.token, "ticketguid": ticket["GUID"]})
        assert answer.status_code == 200, path
    assert Client().get("/elsewhere/webapi/Ticket/Get", {"authToken": member.token}).status_code == 404
    body = {"guid": ticket["GUID"], "DESCRIPTION": "any case"}
    assert member.webapi("ticket/update", body).json()["Description"] == "any case"


@pytest.mark.parametrize("operation", ["Work/GetMoreWork", "WebHookTest/SimulateEvent"])
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/a"}],
    ids=["site", "origin", "referer"],
)
def test_another_sites_page_changes_nothing_by_a_get(
    operation: str, headers: dict[str, str], builder: Caller, organisation: Organisation
) -> None:
    """With the cookie; a token is nobody's but who sends it."""
    browser, before = Client(), Event.objects.count()
    browser.cookies["workwire_token"] = builder.token
    path = f"/webapi/{operation}"
    _refused(browser.get(path, headers=headers), 403)
    assert browser.head(path, headers=headers).status_code == 403
    assert Event.objects.count() == before
    assert browser.get("/webapi/ContactTagConfiguration/GetAll", headers=headers).status_code == 200
    assert browser.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code != 403
    assert Client().get(path, {"authToken": builder.token}, headers=headers).status_code != 403


def test_the_token_is_taken_from_four_places(member: Caller, organisation: Organisation) -> None:
    path, token = "/webapi/ContactTagConfiguration/GetAll", member.token
    assert Client().get(path, {"authToken": token}).status_code == 200
    assert Client().get(path, headers={"apikey": token}).status_code == 200
    assert Client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    account, browser = organisation.accounts["team member"], Client()
    wish = {"Username": account.user.username, "Password": account.password}
    login = browser.post("/webapi/Authentication/Login?useCookie=true", wish, content_type="application/json")
    assert (login.status_code, login.content) == (204, b"")
    assert login.cookies["workwire_token"]["httponly"]
    assert browser.get(path).status_code == 200
    out = "/webapi/Authentication/Logout"
    foreign = browser.post(out, "", "application/json", headers={"Sec-Fetch-Site": "cross-site"})
    _refused(foreign, 403)
    ours = browser.post(out, "", "application/json", headers={"Sec-Fetch-Site": "same-origin"})
    assert ours.status_code == 204
    _refused(browser.get(path), 401)
    _refused(Client().get(path), 401)
    _refused(Client().get(path, {"authToken": "wrong"}), 401)


def test_broken_requests_are_refused(member: Caller, organisation: Organisation) -> None:
    for body in ("{", "[1]", '"text"', b"\xff\xfe", '{"Title": NaN}', "[" * 100_000):
        _refused(member.webapi("Ticket/Create", body), 400)
    version = str(organisation.customers[0].ticket_version.guid)
    for wish in (
        {"TicketAttributeVersionGUID": "nonsense"},
        {"TicketAttributeVersionGUID": 7},
        {},
        {"TicketAttributeVersionGUID": version, "Title": ["a list"]},
        {"TicketAttributeVersionGUID": version, "Title": "line\nbreak"},
        {"TicketAttributeVersionGUID": version, "Title": "nul\x00"},
        {"TicketAttributeVersionGUID": version, "Title": "x" * 501},
        {"TicketAttributeVersionGUID": version, "Title": "half a character \ud800"},
        {"TicketAttributeVersionGUID": version, "DataFields": [1]},
        {"TicketAttributeVersionGUID": version, "AffectedRecordCount": "many"},
        {"TicketAttributeVersionGUID": version, "Files": [{"FileName": "a.txt"}]},
    ):
        _refused(member.webapi("Ticket/Create", wish), 400)
    assert not WorkItem.objects.exists()
    _refused(member.webapi("Ticket/Create", {"TicketAttributeVersionGUID": str(new_guid())}), 404)
    assert member.webapi("Ticket/Create", method="GET").status_code == 405
    assert member.webapi("Ticket/Vanish").status_code == 404


def test_an_oauth_token_for_an_application_credential(organisation: Organisation) -> None:
    client_id, client_secret = organisation.client_id, organisation.client_secret
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    for path in ("/webapi/Auth/OAuth/Token", "/Auth/OAuth/Token", "/workwire/webapi/auth/oauth/token"):
        answer = Client().post(path, form)
        assert answer.status_code == 200, (path, answer.content)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json()["token_type"] == "Bearer"
        caller = Caller(answer.json()["access_token"])
        assert caller.webapi("WebHookSubscription/GetAllWebhookSubscriptions").status_code == 200
    assert Client().post("/elsewhere/webapi/Auth/OAuth/Token", form).status_code == 404
    wrong = Client().post("/Auth/OAuth/Token", form | {"client_secret": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    other = Client().post("/Auth/OAuth/Token", form | {"grant_type": "password"})
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


def test_a_wrong_password_is_refused_and_too_many_are_locked_out(organisation: Organisation) -> None:
    wish = {"Username": "paul", "Password": "wrong"}
    for _ in range(10):
        answer = Client().post("/webapi/Authentication/Login", wish, content_type="application/json")
        _refused(answer, 401)
    locked = Client().post("/webapi/Authentication/Login", wish, content_type="application/json")
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) > 0


@needs_contract
def test_every_message_id_is_one_of_the_contract() -> None:
    known = contract()["definitions"]
    assert set(refusals.PACKET_MESSAGES.values()) <= set(known["PacketValidatorMessage"]["enum"])
    assert set(refusals.CONFIGURATION_MESSAGES.values()) <= set(known["ConfigurationValidatorMessage"]["enum"])
    assert refusals.UNEXPECTED in known["PacketValidatorMessage"]["enum"]


def test_creating_a_ticket_takes_at_most_twelve_queries(
    member: Caller, organisation: Organisation, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    wish = {"TicketAttributeVersionGUID": str(organisation.customers[0].ticket_version.guid), "Title": "x"}
    with django_assert_max_num_queries(12):
        assert member.webapi("Ticket/Create", wish).status_code == 200


def test_refusals_about_work_name_the_documented_fields(
    member: Caller, ticket: dict[str, Any], first: Customer
) -> None:
    def field(operation: str, body: dict[str, Any], **query: str) -> Any:
        content = member.webapi(operation, body, **query).json()
        return content["Messages"][0]["Parameters"][0]["Field"]

    guid, absent = ticket["GUID"], str(new_guid())
    assert field("Ticket/Update", {"GUID": guid, "AffectedRecordCount": 0}) == "AffectedRecordCount"
    assert field("Ticket/Update", {"GUID": guid, "DataFields": {"No such": 1}}) == "DataFields"
    assert field("Ticket/Update", {"GUID": guid, "Contacts": [{"GUID": absent}]}) == "Contacts"
    assert field("Ticket/Update", {"GUID": guid, "Files": [{"TemporaryFileGUID": absent}]}) == "Files"
    assert field("Packet/AttachFile", {"PacketGUID": guid, "FileName": "x.txt"}) == "Data"
    mail = {"PacketGUID": guid, "To": [{"EmailAddress": "s@example.com"}], "Cc": [{"EmailAddress": "nobody"}]}
    assert field("PacketCommunication/SendEmailCommunication", mail | {"Body": "x"}) == "Cc"


@pytest.mark.parametrize(
    "path", ["/webapi", "/webapi/", "/WebAPI/Nothing", "/webapi/Ticket/Get/More", "/other/webapi/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_path_that_is_none_is_refused_in_the_documented_shape(path: str, method: str) -> None:
    _refused(Client(enforce_csrf_checks=True).generic(method, path), 404, "no such operation")


def test_what_nobody_expected_is_said_in_the_documented_shape_without_a_word_of_it(
    member: Caller, ticket: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_given: Any, **_named: Any) -> Any:
        raise RuntimeError("the password is 4711")

    monkeypatch.setattr("workwire.rooms.work.queries.item", break_down)
    client = Client(raise_request_exception=False)
    answer = client.get("/webapi/Ticket/Get", {"authToken": member.token, "ticketGUID": ticket["GUID"]})
    _refused(answer, 500, "went wrong")
    assert b"4711" not in answer.content
