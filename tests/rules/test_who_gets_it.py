"""Who gets a work item: the table, the order of the rules, and what holds for every item and everybody."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workwire.kernel import wording
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import Status, StatusReason
from workwire.rooms.work.who_gets_it import (
    TABLE,
    UNTROUBLED,
    Candidate,
    Facts,
    Known,
    LookUp,
    Outcome,
    Part,
    Situation,
    Sought,
    bar_to,
    evaluate,
    situation_of,
)

CASE, TICKET, ACTION = ProcessType.CASE, ProcessType.TICKET, ProcessType.ACTION
BY_PERSON, NEWS = StatusReason.UPDATED_BY_RESOURCE, StatusReason.NEW_INFORMATION
WAITING_TICKET = Facts(TICKET, Status.WAITING, BY_PERSON)
TO_DO_TICKET = Facts(TICKET, Status.TO_DO, BY_PERSON)
NEW_TICKET = replace(TO_DO_TICKET, fresh=True)
NEW_ACTION = Facts(ACTION, Status.TO_DO, StatusReason.NEWLY_CREATED, fresh=True)


@dataclass(frozen=True)
class World:
    """All there is to look up."""

    accounts: tuple[Candidate, ...]
    earlier: tuple[int, ...] = ()
    doers: tuple[int, ...] = ()
    holders: tuple[Candidate, ...] = ()
    queue: str | None = "Payments"

    def find(self, wanted: LookUp, known: Known) -> Known:
        """What was known, and what was asked for."""
        if wanted.sought == Sought.ACCOUNTS:
            found = {one.id: one for one in self.accounts if one.id in wanted.ids}
            return replace(known, accounts={**known.accounts, **found})
        if wanted.sought == Sought.HOLDERS:
            return replace(known, holders={**known.holders, wanted.ids[0]: self.holders})
        if wanted.sought == Sought.EARLIER:
            return replace(known, earlier=self.earlier)
        if wanted.sought == Sought.DOERS:
            return replace(known, doers=self.doers)
        return replace(known, queues={wanted.ids[0]: self.queue})


EVERYBODY = World(tuple(Candidate(number, f"Person {number}") for number in range(1, 10)))


def decided(facts: Facts, world: World = EVERYBODY, known: Known | None = None) -> tuple[Outcome, list[LookUp]]:
    """What the rules say in the end, and what they asked for on the way."""
    known, asked = known or Known(), list[LookUp]()
    while isinstance(found := evaluate(facts, known), LookUp):
        assert found not in asked  # or it would ask for ever
        asked.append(found)
        known = world.find(found, known)
    return found, asked


def codes(outcome: Outcome) -> list[str]:
    return [said.code for said in outcome.tried]


SITUATIONS = [
    (TICKET, Status.DRAFT, BY_PERSON, Situation.DRAFT),
    (TICKET, Status.TO_DO, BY_PERSON, Situation.AT_WORK),
    (ACTION, Status.IN_PROGRESS, BY_PERSON, Situation.AT_WORK),
    (ACTION, Status.TO_DO, StatusReason.DATE_REACHED, Situation.AT_WORK),
    (TICKET, Status.TO_DO, NEWS, Situation.NEWS),
    (CASE, Status.TO_DO, NEWS, Situation.NEWS),
    (CASE, Status.TO_DO, StatusReason.ACTION_UNABLE_TO_COMPLETE, Situation.ATTENTION),
    (CASE, Status.TO_DO, StatusReason.PREVIOUS_STEP_COMPLETED, Situation.ATTENTION),
    (CASE, Status.TO_DO, BY_PERSON, Situation.RUNNING_CASE),
    (CASE, Status.IN_PROGRESS, NEWS, Situation.RUNNING_CASE),
    (TICKET, Status.WAITING, BY_PERSON, Situation.AT_REST),
    (CASE, Status.RESOLVED, BY_PERSON, Situation.AT_REST),
    (ACTION, Status.CLOSED, BY_PERSON, Situation.CLOSED),
]


@pytest.mark.parametrize(("kind", "status", "reason", "situation"), SITUATIONS)
def test_where_an_item_stands_is_its_situation(
    kind: ProcessType, status: Status, reason: StatusReason, situation: Situation
) -> None:
    assert situation_of(kind, status, reason) == situation


def test_the_table_is_as_documented() -> None:
    assert {situation: "".join(sorted(part[0] for part in parts)) for situation, parts in TABLE.items()} == {
        Situation.CLOSED: "",
        Situation.DRAFT: "a",
        Situation.NEWS: "aq",
        Situation.ATTENTION: "aq",
        Situation.AT_WORK: "aq",
        Situation.RUNNING_CASE: "o",
        Situation.AT_REST: "o",
    }


def test_the_rules_are_tried_in_their_order_and_the_first_valid_wins() -> None:
    """work-manager ASG-3, ASG-4, ASG-5, ASG-8, ASG-9, ASG-11 … ASG-13.

    Each time the one who got it retires, the next one does."""
    facts = Facts(
        CASE,
        Status.TO_DO,
        NEWS,
        keep_with=1,
        owner=2,
        changed_last_by=3,
        started_by=9,
        person=5,
        secondary_person=6,
        job_position=70,
        secondary_job_position=80,
    )
    world, got = replace(EVERYBODY, earlier=(4,), holders=(Candidate(7, "Person 7"), Candidate(8, "Person 8"))), []
    while (found := decided(facts, world)[0]).assignee is not None:
        got.append(found.assignee)

        def after(those: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
            return tuple(replace(one, is_active=one.is_active and one.id not in got) for one in those)

        world = replace(world, accounts=after(world.accounts), holders=after(world.holders))
    assert got == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert codes(found)[-2:] == ["who_none", "who_queue.none"]
    assert codes(found).count("who_cannot") == 9


def test_who_did_the_same_action_gets_the_next_one_before_the_allocation() -> None:
    """work-manager ASG-10."""
    facts = replace(NEW_ACTION, from_flow=True, person=5)
    assert decided(facts, replace(EVERYBODY, doers=(6,)))[0].assignee == 6
    assert decided(facts)[0].assignee == 5
    assert decided(replace(facts, from_flow=False), replace(EVERYBODY, doers=(6,)))[0].assignee == 5


def test_a_ticket_fresh_from_draft_or_with_another_category_goes_by_its_allocation() -> None:
    """work-manager ASG-7, ASG-8."""
    for facts in (NEW_TICKET, replace(TO_DO_TICKET, category_changed=True)):
        found, asked = decided(replace(facts, changed_last_by=3, changed_by=3, person=5))
        assert found.assignee == 5
        assert Sought.EARLIER not in {one.sought for one in asked}
    assert decided(replace(TO_DO_TICKET, changed_last_by=3, person=5))[0].assignee == 3


def test_who_changes_what_is_resolved_or_waits_with_another_category_owns_it() -> None:
    """work-manager ASG-6."""
    resolved = Facts(TICKET, Status.RESOLVED, BY_PERSON, changed_by=3, person=5)
    assert decided(resolved)[0].owner == 3
    waits = replace(WAITING_TICKET, changed_by=3, person=5, category_changed=True)
    assert decided(replace(waits, wait_type_changed=True))[0].owner == 3
    assert decided(waits)[0].owner == 5


def test_of_the_holders_of_a_position_the_one_with_the_least_in_the_inbox_gets_it() -> None:
    """work-manager ASG-12."""
    holders = tuple(Candidate(number, f"Person {number}", inbox=inbox) for number, inbox in ((1, 3), (2, 1), (3, 1)))
    found = decided(replace(NEW_TICKET, job_position=70), replace(EVERYBODY, holders=holders))[0]
    assert found.assignee == 2
    assert (said := found.tried[1]).code == "who_gets.fewest"
    assert (said.parameters["name"], said.parameters["count"], said.parameters["inbox"]) == ("Person 2", 3, 1)
    barred = (replace(holders[0], inbox=0, sees=False), *holders[1:])
    assert decided(replace(NEW_TICKET, job_position=70), replace(EVERYBODY, holders=barred))[0].assignee == 2


def test_what_is_named_by_hand_stays_and_what_was_given_back_is_given_to_nobody() -> None:
    facts = replace(TO_DO_TICKET, keep_with=1, person=5, by_hand=frozenset({Part.ASSIGNEE}))
    assert decided(replace(facts, assignee=4))[0].assignee == 4
    given_back = decided(facts)[0]
    assert (given_back.assignee, codes(given_back)[1]) == (None, "who_given_back")
    recategorized = replace(facts, assignee=4, keep_with=None, category_changed=True, by_editing=True)
    assert decided(recategorized)[0].assignee == 5
    assert decided(replace(recategorized, person=None))[0].assignee == 4


def test_who_is_there_stays_unless_the_category_changed() -> None:
    """work-manager ASG-2."""
    facts = replace(TO_DO_TICKET, assignee=4, keep_with=1, queue=50, allocated_queue=60)
    stays = decided(facts)
    assert (stays[0].assignee, stays[0].queue, stays[1]) == (4, 50, [])
    moved = decided(replace(facts, category_changed=True))[0]
    assert (moved.assignee, moved.queue) == (1, 60)


def test_the_queue_is_the_one_the_process_names_while_it_is_in_use() -> None:
    """work-manager ASG-1."""
    assert decided(replace(NEW_TICKET, allocated_queue=60))[0].queue == 60
    assert decided(replace(NEW_TICKET, allocated_queue=60), replace(EVERYBODY, queue=None))[0].queue is None
    assert decided(replace(WAITING_TICKET, allocated_queue=60, queue=60))[0].queue is None


def test_a_draft_is_given_to_nobody_but_who_keeps_it() -> None:
    draft = Facts(TICKET, Status.DRAFT, BY_PERSON, fresh=True, changed_last_by=3, person=5, started_by=3)
    assert decided(draft)[0].assignee is None
    assert decided(replace(draft, keep_with=3))[0].assignee == 3


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (Candidate(1, is_active=False), "retired"),
        (Candidate(1, may_work=False), "may_not_work"),
        (Candidate(1, sees=False), "sees_not"),
        (Candidate(1), None),
        (Candidate(1, is_robot=True), None),
    ],
)
def test_who_cannot_have_an_action(who: Candidate, why: str | None) -> None:
    assert bar_to(who, NEW_ACTION) == why


def test_robots_get_actions_only_none_that_one_rejected_and_not_too_often() -> None:
    robot = Candidate(1, is_robot=True)
    assert bar_to(robot, TO_DO_TICKET) == "robot_only_actions"
    assert bar_to(robot, replace(NEW_ACTION, robot_rejected=True)) == "robot_rejected"
    assert bar_to(robot, replace(NEW_ACTION, robot_assignments=4)) == "robot_too_often"
    assert bar_to(robot, replace(NEW_ACTION, robot_assignments=3)) is None


def test_nothing_is_looked_up_where_nobody_has_to_be() -> None:
    """The life of a ticket without allocation, by one person."""
    me = Known({3: Candidate(3)})
    life = (
        replace(NEW_TICKET, changed_by=3, changed_last_by=3),
        Facts(TICKET, Status.IN_PROGRESS, BY_PERSON, assignee=3, by_hand=frozenset({Part.ASSIGNEE}), changed_by=3),
        replace(WAITING_TICKET, assignee=3, changed_by=3, changed_last_by=3),
        Facts(TICKET, Status.TO_DO, BY_PERSON, owner=3, changed_by=3, changed_last_by=3),
        Facts(TICKET, Status.RESOLVED, BY_PERSON, assignee=3, changed_by=3, changed_last_by=3),
        Facts(TICKET, Status.CLOSED, BY_PERSON, assignee=3, changed_by=3, changed_last_by=3),
    )
    assert [decided(facts, known=me)[1] for facts in life] == [[]] * len(life)
    assert [decided(facts, known=me)[0].assignee for facts in life] == [None, 3, None, 3, None, None]
    assert [decided(facts, known=me)[0].owner for facts in life] == [None, None, 3, None, 3, None]


people = st.integers(1, 9)
maybe = st.none() | people
candidates = st.builds(
    Candidate,
    people,
    name=st.just("Somebody"),
    is_robot=st.booleans(),
    is_active=st.booleans(),
    may_work=st.booleans(),
    sees=st.booleans(),
    inbox=st.integers(0, 3),
)
every_item = st.builds(
    Facts,
    st.sampled_from(ProcessType),
    st.sampled_from(Status),
    st.sampled_from(StatusReason),
    needs_attention=st.booleans(),
    assignee=maybe,
    owner=maybe,
    queue=st.sampled_from([None, 50]),
    fresh=st.booleans(),
    by_hand=st.frozensets(st.sampled_from([Part.ASSIGNEE, Part.OWNER])),
    by_editing=st.booleans(),
    category_changed=st.booleans(),
    wait_type_changed=st.booleans(),
    from_flow=st.booleans(),
    robot_rejected=st.booleans(),
    robot_assignments=st.integers(0, 5),
    keep_with=maybe,
    changed_by=maybe,
    changed_last_by=maybe,
    started_by=maybe,
    allocated_queue=st.sampled_from([None, 60]),
    person=maybe,
    secondary_person=maybe,
    job_position=st.sampled_from([None, 70]),
    secondary_job_position=st.sampled_from([None, 80]),
)
worlds = st.builds(
    lambda flags, earlier, doers, holders, queue: World(
        tuple(replace(one, id=number) for number, one in enumerate(flags, start=1)), earlier, doers, holders, queue
    ),
    st.lists(candidates, min_size=9, max_size=9),
    st.lists(people, max_size=3).map(tuple),
    st.lists(people, max_size=3).map(tuple),
    st.lists(candidates, max_size=3, unique_by=lambda one: one.id).map(tuple),
    st.sampled_from([None, "Payments"]),
)


@given(every_item, worlds)
def test_the_table_holds_for_every_item(facts: Facts, world: World) -> None:
    found, _ = decided(facts, world)
    parts = TABLE[facts.situation]
    assert found.assignee is None or Part.ASSIGNEE in parts
    assert found.owner is None or Part.OWNER in parts
    assert found.queue is None or Part.QUEUE in parts
    assert found.assignee is None or found.owner is None


@given(every_item, worlds)
def test_nobody_who_cannot_have_it_is_ever_chosen(facts: Facts, world: World) -> None:
    found, _ = decided(facts, world)
    chosen = found.chosen
    assert chosen is None or bar_to(chosen, facts) is None
    got = found.assignee or found.owner
    assert got is None or got in {chosen.id if chosen else None, facts.assignee, facts.owner}
    if chosen is None and got is not None:
        assert got == (facts.assignee if Part.ASSIGNEE in TABLE[facts.situation] else facts.owner)


@given(every_item, worlds)
def test_the_same_facts_come_out_the_same_however_they_were_found(facts: Facts, world: World) -> None:
    """Asked step by step, or with all known before."""
    stepwise, _ = decided(facts, world)
    whole = Known(
        {one.id: one for one in world.accounts},
        world.earlier,
        world.doers,
        {70: world.holders, 80: world.holders},
        {60: world.queue},
    )
    assert evaluate(facts, whole) == stepwise == decided(facts, world)[0]


@given(every_item, worlds)
def test_who_is_tried_before_the_one_who_gets_it_cannot_have_it(facts: Facts, world: World) -> None:
    found, _ = decided(facts, world)
    said = codes(found)
    gets = [place for place, code in enumerate(said) if code.startswith("who_gets")]
    assert len(gets) == (found.chosen is not None)
    assert all(
        code.startswith(("who_cannot", "who_nobody", "who_situation")) for code in said[: gets[0] if gets else 0]
    )
    assert said[0] == f"who_situation.{facts.situation}"


@given(every_item, worlds)
def test_all_that_is_said_is_a_sentence(facts: Facts, world: World) -> None:
    for said in decided(facts, world)[0].tried:
        assert said.code in wording.wordings()
        assert wording.wordings()[said.code].parameters <= set(said.parameters) | {"why", "rule", "part"}
        assert "{" not in said.sentence("en")


def test_untroubled_are_the_reasons_of_everyday() -> None:
    assert StatusReason.ACTION_UNABLE_TO_COMPLETE not in UNTROUBLED
    assert NEWS not in UNTROUBLED
    standing = (ProcessType.CASE, Status.TO_DO, StatusReason.NEWLY_CREATED)
    assert situation_of(*standing) == Situation.RUNNING_CASE
    assert situation_of(*standing, needs_attention=True) == Situation.ATTENTION
