"""Work items in every state with every kind of related data, and an account of every kind to look at them."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client

from tests.support.organisation import Account, Customer, Organisation
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.features import OPERATIONAL
from workwire.access.models import Role
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.rooms.commitments.rules import Base, DueRule, Unit
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands import FileWish, TagWish
from workwire.rooms.files.models import FileTag
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessVersion, VersionState
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands as work
from workwire.rooms.work.commands import ContactWish
from workwire.rooms.work.models import ChecklistItem, ChecklistResult, WorkItem

PASSWORD = "4V7MJ6TGudVeZ0gY"
LONG_WORD = "Lieferantenstammdatenänderungsantragsgenehmigung" * 10
HOSTILE = "\u05e9\u05dc\u05d5\u05dd <script>alert(1)</script> {{ x }}"


def accounts(organisation: Organisation) -> dict[str, Account]:
    """The accounts of an organisation, one of self service, and one that may do nothing and see nothing."""
    admin = _actor(organisation, "administrator")
    self_service = list(Role.objects.filter(name="Self Service"))
    sam = access.create_user(
        "sam", "Sam Ortiz", self_service, password=PASSWORD, user_type=UserType.SELF_SERVICE, by=admin
    )
    access.change_members(organisation.customers[0].group, add=[sam], by=admin)
    nothing = access.create_role("Guest", OPERATIONAL, (), by=admin)
    guest = access.create_user("guest", "Gus Guest", [nothing], password=PASSWORD, by=admin)
    with_password = {name: account for name, account in organisation.accounts.items() if account.password}
    return with_password | {
        "self service": Account(sam, PASSWORD, organisation.customers[:1]),
        "guest": Account(guest, PASSWORD),
    }


def signed_in(account: Account, client: Client | None = None) -> Client:
    """A browser in which an account has signed in."""
    browser = client or Client()
    wish = {"username": account.user.username, "password": account.password}
    assert browser.post("/sign-in", wish).status_code in (302, 303)
    return browser


def without_colours(text: str) -> str:
    """A page with the JSON in it as plain text."""
    return re.sub(r'<(span|mark) class="(?:key|text|number|word)">(.*?)</\1>', r"\2", text)


def items(organisation: Organisation) -> dict[str, WorkItem]:
    """Work items of the first customer by what is special about each."""
    customer, member = organisation.customers[0], _actor(organisation, "team member")
    made = _tickets(organisation, customer, member) | _cases(organisation, customer, member)
    others = ("long word", "hostile", "case", "resolved")
    made["related"] = work.link(made["related"], [made[name] for name in others], by=member)
    return {name: WorkItem.objects.get(pk=item.pk) for name, item in made.items()}


def _tickets(organisation: Organisation, customer: Customer, member: Actor) -> dict[str, WorkItem]:
    admin, builder = _actor(organisation, "administrator"), _actor(organisation, "process builder")
    later = clock.now() + timedelta(days=3)

    def ticket(title: str, version: ProcessVersion = customer.ticket_version, **more: object) -> WorkItem:
        category = version.categories.order_by("-level", "pk")[0]
        fields = {"title": title, "category_guid": category.guid, "submit": True} | more
        return work.create_ticket(version.guid, by=member, **fields)  # type: ignore[arg-type] # free fields

    made = {
        "plain": ticket("Where is our invoice?"),
        "related": ticket("Related to much"),
        "long word": ticket(LONG_WORD[:500]),
        "hostile": ticket(HOSTILE, description=f"{HOSTILE}\nsecond line"),
        "nameless draft": work.create_ticket(customer.ticket_version.guid, by=member),
        "with contacts": _with_contacts(organisation, ticket("With contacts"), member),
        "with files": _with_files(ticket("With files"), member),
        "with custom data": ticket("With data", custom_data={"Invoice": "4711", "Amount": 12.5, "Hurry": "High"}),
        "said and sent": _with_communications(ticket("Much is said"), member),
        "due by hand": ticket("Due by hand", due_date=later),
        "waiting": work.wait_for_information(work.take(ticket("Waiting"), by=member), by=member),
        "waiting until": work.wait_until(work.take(ticket("Rests"), by=member), later, by=member),
        "in progress": work.take(ticket("Under way"), by=member),
        "assigned to a robot": work.assign(
            ticket("For the robot"), organisation.accounts["robot"].user, by=_actor(organisation, "administrator")
        ),
        "resolved": work.resolve(work.take(ticket("Done"), by=member), by=member),
        "resolved by the system": work.resolve(ticket("Done by itself"), by=SYSTEM),
        "in no queue": work.move_to_queue(ticket("In no queue"), None, by=builder),
        "nothing to count from": ticket("No date", _without_a_date(organisation, customer, admin)),
        "no rule": ticket("No rule", _version(customer, None, admin)),
    }
    robot = _actor(organisation, "robot")
    rejected = ticket("Rejected")
    made["rejected by a robot"] = work.reject(
        work.assign(rejected, organisation.accounts["robot"].user, by=admin), "Not readable.", by=robot
    )
    return made


def _cases(organisation: Organisation, customer: Customer, member: Actor) -> dict[str, WorkItem]:
    admin = _actor(organisation, "administrator")
    case = work.create_case(customer.case_version.guid, by=member, title="Onboard", submit=True)
    first = case.children.order_by("pk")[0]
    offering.add_global_checklist(first.work_type, ("Is it signed?", "Is it dated?"), by=admin)
    definition = customer.case_version.steps.get(number=0).actions.get()
    (by_hand,) = work.launch_action(case, definition.guid, by=member, instructions="Call again.")
    other = work.create_case(customer.case_version.guid, by=member, title="Onboard another", submit=True)
    checked = other.children.order_by("pk")[0]
    line = ChecklistItem.objects.filter(item=checked)[0]
    work.answer_checklist(line, by=member, result=ChecklistResult.YES, note="Seen.")
    failed = other.children.order_by("pk")[1]
    work.complete_unsuccessfully(work.take(failed, by=member), by=member)
    above = work.create_case(customer.case_version.guid, by=member, title="Above", submit=True)
    sub = work.launch_sub_case(above, customer.case_version.process.guid, "Below", by=member)
    return {
        "case": case,
        "action": first,
        "action by hand": by_hand,
        "action with a checklist": checked,
        "action that could not be done": failed,
        "case that needs attention": other,
        "case that waits for a sub-case": above,
        "sub-case": sub,
        "draft case": work.create_case(customer.case_version.guid, by=member, title="Draft"),
    }


def _with_contacts(organisation: Organisation, item: WorkItem, member: Actor) -> WorkItem:
    admin = _actor(organisation, "administrator")
    tags = list(ContactTag.objects.order_by("pk"))
    company = organisation.customers[0].company
    sabine = parties.create_contact(
        "sabine@willow.example", first_name="Sabine", surname="Köhler", company=company, by=admin
    )
    nobody = parties.create_contact("no-name@example.com", by=admin)
    colleague = organisation.accounts["process builder"].user
    wishes = (
        ContactWish(sabine.guid, tuple(work.TagWish(tag.guid) for tag in tags)),
        ContactWish(nobody.guid),
        ContactWish(colleague.guid),
    )
    return work.update(item, by=member, contacts=wishes)


def _with_files(item: WorkItem, member: Actor) -> WorkItem:
    tag = FileTag.objects.order_by("pk")[0]
    for number, name in enumerate(("proof.pdf", f"{LONG_WORD[:200]}.pdf")):
        upload = files.prepare([b"%PDF-1.7 paid"], name, by=member)
        wish = FileWish(temporary_guid=upload.guid, tags=(TagWish(tag.guid),) if number else ())
        work.attach_file(item, wish, by=member)
    return item


def _with_communications(item: WorkItem, member: Actor) -> WorkItem:
    conversations.add(item, by=member, body="A note")
    conversations.add(item, by=member, html_body=f"<p>{HOSTILE}</p>", subject=LONG_WORD[:200])
    return item


def _without_a_date(organisation: Organisation, customer: Customer, admin: Actor) -> ProcessVersion:
    return _version(customer, DueRule(1, Unit.DAYS, base=Base.CUSTOM_DATE, of="Pay By"), admin)


def _version(customer: Customer, due: DueRule | None, admin: Actor) -> ProcessVersion:
    """A live ticket version of a process of its own."""
    line = customer.service.service_line
    name = "Question" if due is None else "Payment"
    kind = offering.create_work_type(line, customer.ticket_version.process.work_type.kind, name, by=admin)
    version = offering.create_version(offering.create_process(customer.service, kind, by=admin), due=due, by=admin)
    offering.add_category(version, "Any", by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def _actor(organisation: Organisation, who: str) -> Actor:
    return sessions.actor_for(organisation.accounts[who].user)
