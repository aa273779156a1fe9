"""Quick find: what is found by which words, by whom, and what nobody finds (work-manager SEA-7, SEA-8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.organisation import Customer, Organisation
from workwire.access import commands as access
from workwire.cli.reindex import reindex
from workwire.jobs import commands as jobs
from workwire.jobs import running
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox import listener_feed
from workwire.outbox.models import FeedEntry
from workwire.reactions.finding import index_state, queries, rebuilding
from workwire.reactions.finding.asked import Term, asked
from workwire.reactions.finding.full_text import FIRST, Alternatives, Document, Wanted, index
from workwire.reactions.finding.indexing import LISTENER
from workwire.reactions.finding.marks import marked, snippet
from workwire.reactions.finding.models import Kind
from workwire.reactions.finding.queries import FoundPage, find
from workwire.reactions.finding.text_words import words_of
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.files.commands import FileWish
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import FieldKind
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem

Open = Callable[..., WorkItem]
ADMIN, MEMBER, OF_ONE = "administrator", "team member", "process builder of one company"


def listen() -> None:
    """Let the listener read all that happened."""
    while listener_feed.turn(LISTENER, clock.now()):
        pass
    assert not FeedEntry.objects.filter(listener=LISTENER.name).exists()


def look(text: str, by: Actor, kind: Kind = Kind.ITEM, **more: Any) -> FoundPage:
    """A page of a kind, after the listener has read all."""
    listen()
    return find(text, by=by, language="en", most=more.pop("most", 20), kinds=[kind], **more).get(kind, FoundPage(()))


def found(text: str, by: Actor, kind: Kind = Kind.ITEM, **more: Any) -> list[Any]:
    """The records of a kind that a text finds."""
    return [one.record for one in look(text, by, kind, **more).found]


def test_all_words_have_to_be_there_in_any_case_and_order(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Work-manager SEA-8."""
    ticket = open_ticket(title="Rechnung der Ärzte wurde doppelt bezahlt")
    open_ticket(title="Rechnung verloren")
    for text in ("ÄRZTE rechnung", "a\u0308rzte", "doppelt bezahlt", "Rechnung dop", '"ärzte wurde"', "* Ärzte? @"):
        assert found(text, actors[MEMBER]) == [ticket], text
    for text in ("Ärzte verloren", '"bezahlt doppelt"', "Arzte", "echnung", '"Rechnung dop"', "dop Rechnung "):
        assert found(text, actors[MEMBER]) == [], text


def test_the_last_word_may_go_on_until_something_stands_behind_it(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Work-manager SEA-8."""
    ticket = open_ticket(title="Overpayment at harbour")
    assert found("harbour overp", actors[MEMBER]) == [ticket]
    assert found("harbour overp ", actors[MEMBER]) == []
    assert found("overp harbour", actors[MEMBER]) == []
    assert found("ove har", actors[MEMBER]) == []


def test_stop_words_and_short_words_are_left_out_unless_they_are_quoted(
    open_ticket: Open, actors: dict[str, Actor]
) -> None:
    """Work-manager SEA-7."""
    ticket = open_ticket(title="Invoice 47 lost by us")
    assert found("the invoice of 12 was lost", actors[MEMBER]) == [ticket]
    assert found('invoice "by us"', actors[MEMBER]) == [ticket]
    assert found('invoice "of"', actors[MEMBER]) == []
    assert found("the of 12", actors[MEMBER]) == []
    german = asked("wo ist die Rechnung", "de-AT")
    assert german.terms == (Term(("rechnung",), begins=True),)
    assert asked("wo ist die rechnung", "hu") == asked("wo ist die rechnung", "en")


def test_what_has_no_blanks_is_a_phrase(open_ticket: Open, actors: dict[str, Actor]) -> None:
    mail, decimal, japanese = (
        open_ticket(title=title) for title in ("ines.duarte@northwind.example", "Ours is 4711.12", "東京の請求書です")
    )
    open_ticket(title="duarte ines 12.4711")
    assert found("ines.duarte@north", actors[MEMBER]) == [mail]
    assert found("4711.12", actors[MEMBER]) == [decimal]
    assert found("請求書", actors[MEMBER]) == [japanese]
    assert found("求請", actors[MEMBER]) == []


def test_references_guids_and_short_codes_come_first(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Work-manager SEA-8."""
    ticket = open_ticket(title="Plain")
    other = open_ticket(title=f"About {ticket.reference}")
    listen()
    page = look(str(ticket.reference).lower(), actors[MEMBER])
    assert [one.record for one in page.found] == [ticket, other]
    assert [one.is_exact for one in page.found] == [True, False]
    assert page.found[0].why.code == "found_by.reference"
    assert found(str(ticket.guid), actors[MEMBER]) == [ticket]
    assert ticket in found(str(ticket.reference).partition("-")[0], actors[MEMBER])


def test_values_with_a_short_code_are_found_by_it_and_as_text(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Work-manager SEA-8, builder CD-4."""
    admin = actors[ADMIN]
    offering.create_data_field("Invoice number", FieldKind.SHORT_TEXT, by=admin, short_code="IN")
    offering.create_data_field("Remark", FieldKind.SHORT_TEXT, by=admin)
    ticket = open_ticket(title="Plain", custom_data={"Invoice number": "Zeppelin 99", "Remark": "hidden words"})
    for text in ("in: zeppelin 99", "IN:zepp*", "zeppelin"):
        assert found(text, actors[MEMBER]) == [ticket], text
    assert found("hidden words", actors[MEMBER]) == []
    assert look("zeppelin", actors[MEMBER]).found[0].why.parameters == {"name": "Invoice number"}
    assert found("Re: zeppelin", actors[MEMBER]) == [ticket]


def test_items_are_found_by_what_they_lie_under_whatever_it_is_called_now(
    open_ticket: Open, actors: dict[str, Actor], first: Customer, second: Customer
) -> None:
    """Work-manager SEA-8."""
    ticket = open_ticket(title="Plain zebra")
    open_ticket(second, title="Plain zebra")
    name = first.company.name.split()[0]
    assert found(f"zebra {name}", actors[ADMIN]) == [ticket]
    parties.update_company(first.company, by=actors[ADMIN], name="Quagga and sons")
    assert found("zebra quag", actors[ADMIN]) == [ticket]
    assert found(f"zebra {name}", actors[ADMIN]) == []
    assert look("quagga zebra", actors[ADMIN]).found[0].why.code in ("found_by.title", "found_by.name")


def test_titles_come_before_texts_and_new_ones_before_old_ones(open_ticket: Open, actors: dict[str, Actor]) -> None:
    titled = open_ticket(title="Zebra one")
    described = open_ticket(title="Plain", description="it says zebra somewhere")
    newer = open_ticket(title="Zebra two")
    assert found("zebra", actors[MEMBER]) == [newer, titled, described]
    pages, cursor = [], None
    for _ in range(3):
        page = look("zebra", actors[MEMBER], most=1, cursor=cursor)
        pages += [one.record for one in page.found]
        cursor = page.next_cursor
    assert (pages, cursor) == ([newer, titled, described], None)
    with pytest.raises(Invalid):
        look("zebra", actors[MEMBER], cursor="nonsense")


def test_what_was_said_is_found_with_where_and_a_snippet(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Work-manager SEA-8."""
    ticket = open_ticket(title="Plain")
    long = "word " * 200
    note = conversations.add(ticket, by=actors[MEMBER], body=f"{long} the Zeppelin left <b>late</b> {long}")
    conversations.add(ticket, by=actors[MEMBER], body="zeppelin and", subject="not both in one")
    one = look("zeppelin late", actors[MEMBER], Kind.COMMUNICATION).found
    assert [(each.record, each.item) for each in one] == [(note, ticket)]
    assert "".join(part.text for part in one[0].snippet).count("Zeppelin left <b>late</b>") == 1
    assert [part.text for part in one[0].snippet if part.is_match] == ["Zeppelin", "late"]
    assert len("".join(part.text for part in one[0].snippet)) < 250
    assert one[0].why.sentence("en") == "Said in a note."
    mail = conversations.add(
        ticket,
        by=actors[MEMBER],
        kind=CommunicationType.EMAIL_INCOMING,
        html_body="<p>A <i>quag</i>ga &amp; a horse</p>",
        sender_address="zoe@zoo.example",
    )
    for text in ("quagga horse", "zoe@zoo.example"):
        assert found(text, actors[MEMBER], Kind.COMMUNICATION) == [mail], text


def test_files_are_found_by_their_name_until_they_are_removed(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Work-manager SEA-8."""
    ticket = open_ticket(title="Plain")
    wish = FileWish(data=b"x", file_name="Zeppelin-Plan_2.pdf")
    file = work.attach_file(ticket, wish, by=actors[MEMBER])
    assert found("zepp", actors[MEMBER], Kind.FILE) == [file]
    assert found("zeppelin plan pdf", actors[MEMBER], Kind.FILE) == [file]
    work.update(ticket, by=actors[MEMBER], files=[FileWish(guid=file.guid, retired=True)])
    assert found("zepp", actors[MEMBER], Kind.FILE) == []


def test_people_are_found_by_name_and_address_until_they_are_retired(
    actors: dict[str, Actor], first: Customer, organisation: Organisation
) -> None:
    contact = parties.create_contact(
        email="wanda@zoo.example", first_name="Wanda", surname="Müller-Zebra", company=first.company, by=actors[ADMIN]
    )
    for text in ("wanda zebra", "MÜLLER", "wanda@zoo"):
        assert found(text, actors[MEMBER], Kind.CONTACT) == [contact], text
    parties.update_contact(contact, by=actors[ADMIN], retired=True)
    assert found("wanda", actors[MEMBER], Kind.CONTACT) == []
    user = organisation.accounts[MEMBER].user
    assert user in found(user.full_name, actors[MEMBER], Kind.ACCOUNT)
    access.set_names(user, by=actors[ADMIN], full_name="Xaver Yeti")
    assert found("xaver", actors[MEMBER], Kind.ACCOUNT) == [user]


def test_nothing_is_found_that_the_actor_may_not_see(
    open_ticket: Open, actors: dict[str, Actor], first: Customer, second: Customer
) -> None:
    mine, theirs = open_ticket(title="Zebra mine"), open_ticket(second, title="Zebra theirs")
    for ticket in (mine, theirs):
        conversations.add(ticket, by=actors[ADMIN], body="zebra was said")
    assert found("zebra", actors[ADMIN]) == [theirs, mine]
    for who, actor in actors.items():
        seen = {item for item in (mine, theirs) if work_sees(actor, item)}
        assert set(found("zebra", actor)) == seen, who
        said = {one.work_item for one in found("zebra", actor, Kind.COMMUNICATION)}
        assert said <= seen, who


def work_sees(actor: Actor, item: WorkItem) -> bool:
    """Whether the rules of sight show an item to an actor."""
    from workwire.rooms.work.queries import sees

    return sees(actor, item)


def test_a_broad_word_with_few_to_see_is_looked_for_below_what_is_permitted(
    open_ticket: Open, actors: dict[str, Actor], first: Customer, second: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that may be seen is the oldest, behind more than all looks together would come by."""
    theirs = open_ticket(second, title="Zebra theirs")
    for number in range(12):
        open_ticket(first, title=f"Zebra {number}")
    monkeypatch.setattr(queries, "MOST_LOOKS", 1)
    assert found("zebra", actors[OF_ONE], most=1) == [theirs]
    assert found("zebra", actors[MEMBER], most=1) != [theirs]


def test_what_is_no_query_language_of_ours_is_harmless(open_ticket: Open, actors: dict[str, Actor]) -> None:
    ticket = open_ticket(title="Near miss OR hit")
    listen()
    for text in (
        'near("a b") OR *',
        "NOT miss",
        '"""',
        "title:near",
        "{title} : near",
        "miss' & !'x",
        "a" * 10_000,
        "x " * 5_000,
        "\x00",
        "\ud800",
        "\u202e",
        "(" * 300,
        "^near + miss:*",
        "%_%",
        "\\",
        "-1-T",
        ":",
    ):
        find(text, by=actors[MEMBER], language="en", most=5)
    assert found("NEAR MISS", actors[MEMBER]) == [ticket]


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_every_text_is_read_and_its_marks_leave_it_whole(text: str) -> None:
    terms = asked(text, "de").terms
    for term in terms:
        assert all(word.isalnum() for word in term.words)
    parts = marked(text, terms)
    assert all(part.text for part in parts)
    assert words_of("".join(part.text for part in parts)) == words_of(text)
    snippet(text, terms)


def test_an_index_keeps_what_is_put_last_and_finds_across_stretches(db: None) -> None:
    places = (1, 8_191, 8_192, 16_384, 131_072, 2_097_152, 9_000_000)
    index().clear(Kind.ITEM)
    index().put(Kind.ITEM, [Document(place, ["zebra"], ["said", "so"], ["c1"]) for place in places])
    index().put(Kind.ITEM, [Document(8_192, ["other"], ["zebra"], ["c2"])])
    asked_for = Wanted((Alternatives((("zebra",),)),))
    last = index().last_records()[Kind.ITEM]
    found, behind = [], FIRST
    while hits := index().first(Kind.ITEM, asked_for, behind, 2, last):
        found += [(hit.tier, hit.record) for hit in hits]
        behind = hits[-1]
    titled = [(1, place) for place in sorted(places, reverse=True) if place != 8_192]
    assert found == [*titled, (2, 8_192)]
    narrow = Wanted(asked_for.terms, within=("c2", "c7"))
    assert [hit.record for hit in index().first(Kind.ITEM, narrow, FIRST, 9, last)] == [8_192]
    nobody = Wanted(asked_for.terms, within=())
    assert index().first(Kind.ITEM, nobody, FIRST, 9, last) == []
    phrase = Wanted((Alternatives((("zebra", "said"),)),))
    assert index().first(Kind.ITEM, phrase, FIRST, 9, last) == []
    assert index().records_between(Kind.ITEM, 1, 8_192) == {8_191, 8_192}
    index().remove(Kind.ITEM, places)
    assert index().first(Kind.ITEM, asked_for, FIRST, 9, last) == []


def rebuild_all() -> None:
    """Let the jobs that make documents anew come to their end."""
    for job in Job.objects.filter(kind=rebuilding.JOB):
        while Job.objects.get(pk=job.pk).state in (JobState.WAITING, JobState.RUNNING):
            Job.objects.filter(pk=job.pk).update(ready_at=clock.now())
            assert running.turn("upkeep") == 0.0


def test_a_job_makes_all_documents_anew_and_drops_those_of_no_record(
    open_ticket: Open, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "PIECE", 2)
    tickets = [open_ticket(title=f"Zebra {number}") for number in range(5)]
    listen()
    stranger = tickets[-1].pk + 1000
    index().clear(Kind.ITEM)
    index().put(Kind.ITEM, [Document(stranger, ["zebra"], [], []), Document(tickets[0].pk, ["wrong"], [], [])])
    assert found("zebra", actors[MEMBER]) == []
    rebuilding.make_anew(Kind.ITEM)
    assert index_state.missing() == [Kind.ITEM]
    rebuild_all()
    assert index_state.missing() == []
    assert found("zebra", actors[MEMBER]) == tickets[::-1]
    assert found("wrong", actors[MEMBER]) == []
    assert stranger not in index().records_between(Kind.ITEM, 0, stranger)


def test_an_operator_has_all_of_it_made_anew(open_ticket: Open, actors: dict[str, Actor], db: None) -> None:
    ticket = open_ticket(title="Zebra")
    listen()
    for kind in Kind:
        index().clear(kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workwire.cli.reindex.open_installation", lambda: None)
        answer = CliRunner().invoke(reindex, [])
    assert answer.exit_code == 0, answer.output
    assert set(index_state.missing()) == set(Kind)
    rebuild_all()
    assert index_state.missing() == []
    assert found("zebra", actors[MEMBER]) == [ticket]
    assert found("tomas", actors[ADMIN], Kind.ACCOUNT) != []


def test_an_installation_without_an_index_gets_one_by_itself(open_ticket: Open, actors: dict[str, Actor]) -> None:
    ticket = open_ticket(title="Zebra")
    listen()
    index_state.KindIndex.objects.all().delete()
    index_state.prepare("default")
    assert found("zebra", actors[MEMBER]) == []
    assert Kind.ITEM in index_state.missing()
    assert jobs.complete("upkeep") >= 1
    rebuild_all()
    assert found("zebra", actors[MEMBER]) == [ticket]
    assert jobs.complete("upkeep") == 0


def test_what_is_asked_for_anew_in_the_middle_begins_again(
    open_ticket: Open, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "PIECE", 2)
    tickets = [open_ticket(title=f"Zebra {number}") for number in range(5)]
    listen()
    rebuilding.make_anew(Kind.ITEM)
    assert running.turn("upkeep") == 0.0
    index().clear(Kind.ITEM)
    rebuilding.make_anew(Kind.ITEM)
    rebuild_all()
    assert found("zebra", actors[MEMBER]) == tickets[::-1]


def test_a_field_that_gets_a_short_code_has_items_indexed_anew(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """Builder CD-3."""
    admin = actors[ADMIN]
    field = offering.create_data_field("Invoice number", FieldKind.SHORT_TEXT, by=admin)
    ticket = open_ticket(title="Plain", custom_data={"Invoice number": "Zeppelin"})
    assert found("zeppelin", actors[MEMBER]) == []
    offering.update_data_field(field, by=admin, short_code="IN")
    listen()
    rebuild_all()
    assert found("zeppelin", actors[MEMBER]) == [ticket]
