"""Contacts: finding and making them."""

from __future__ import annotations

from typing import Any

from workwire.access import features
from workwire.access import queries as access
from workwire.access.policy import require
from workwire.rooms.parties import commands, queries
from workwire.rooms.work import queries as work
from workwire.webapi import packets
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.operations import operation
from workwire.webapi.record_bodies import account, outsider, present, user_for_list

MOST_FOUND = 200
FOUND_BY_DEFAULT = 20


@operation("Contact/SearchForContact", "POST")
def search_for_contact(call: Call) -> list[dict[str, Any]]:
    """Search the accounts and contacts that may be added to a work item; those already added come first, with their tags."""
    item = work.item(call.guid("PacketGUID"), by=call.actor)
    require(call.actor, features.WORK_ITEMS)
    words, most = _search(call)
    me = call.actor.user_id
    present_ones = [packets.case_flow_contact(row, me) for row in work.all_contacts_of(item, by=call.actor)]
    at_item = {row["Employee"]["GUID"]: row for row in present_ones}
    found = [account(user, me) or {} for user in access.users_matching(call.actor, words)[:most]]
    contacts = queries.contacts_of_customer(item.customer).filter(queries.contacts_matching(words)).order_by("pk")
    found += [outsider(contact) for contact in contacts[:most]]
    shown = [
        at_item.get(one["GUID"]) or {"Employee": one, "Tags": [], "EmailAddress": one["EmailAddress"]} for one in found
    ]
    return sorted(shown, key=lambda row: not row["Tags"])[:most]


@operation("Search/FreeTextContactSearch", "POST")
def free_text_contact_search(call: Call) -> list[dict[str, Any]]:
    """Search accounts and contacts by words of their names and mail addresses."""
    require(call.actor, features.WORK_ITEMS)
    words, most = _search(call)
    found: list[dict[str, Any]] = []
    for user in access.users_matching(call.actor, words)[:most]:
        shown = user_for_list(user, call.actor.user_id) or {}
        found.append(_found(shown, company=""))
    contacts = queries.contacts_visible_to(call.actor).filter(queries.contacts_matching(words), retired=False)
    for contact in contacts.order_by("pk")[: most - len(found)]:
        found.append(_found(outsider(contact), company=contact.company.name if contact.company else ""))
    return found


@operation("Contact/CreateContact", "POST", enveloped=True)
def create_contact(call: Call) -> dict[str, Any]:
    """Create a contact of a company, or a global one."""
    company = call.optional_guid("CompanyGUID")
    email = call.text("EmailAddress")
    if not email:
        raise Malformed("email_missing", field="EmailAddress")
    made = commands.create_contact(
        email,
        by=call.actor,
        company=queries.company(company, by=call.actor) if company is not None and company.int else None,
        first_name=call.text("Firstname") or "",
        surname=call.text("Surname") or "",
        time_zone=call.text("Timezone") or "",
        telephone=call.text("TelephoneNumber") or "",
        mobile=call.text("MobileTelephoneNumber") or "",
        office=call.text("OfficeLocation") or "",
        address=call.text("Address") or "",
        language=call.text("PreferredLanguage") or "",
    )
    return present(
        {
            "GUID": str(made.guid),
            "EmailAddress": made.email,
            "Firstname": made.first_name,
            "Surname": made.surname,
            "FullName": made.full_name,
            "CompanyGUID": str(made.company.guid) if made.company else None,
            "Timezone": made.time_zone,
            "TelephoneNumber": made.telephone,
            "MobileTelephoneNumber": made.mobile,
            "OfficeLocation": made.office,
            "Address": made.address,
            "PreferredLanguage": made.language,
        }
    )


def _search(call: Call) -> tuple[str, int]:
    words = call.text("Search")
    if words is None or not words.strip():
        raise Malformed("search_missing", field="Search")
    most = call.number("MaximumResults")
    if most is not None and most < 1:
        raise Malformed("maximum_invalid", field="MaximumResults")
    return words.replace("\x00", " ")[:200], min(most or FOUND_BY_DEFAULT, MOST_FOUND)


def _found(shown: dict[str, Any], *, company: str) -> dict[str, Any]:
    return {
        "UserGUID": shown["GUID"],
        "FullName": shown["FullName"],
        "Company": company,
        "EmailAddress": shown["EmailAddress"],
        "HasProfilePicture": shown["HasProfilePicture"],
        "UserType": shown["UserType"],
    }
