"""Who gets a work item: pure rules from where it stands, and what is known of people, to its assignee, owner and queue.

`TABLE` says what is set in which situation; the rest is cleared, so that an item never has an assignee and an owner. What is
set already stays, unless the category of a ticket changed; else the first rule wins that names somebody who may have it.
`evaluate` looks nothing up: where it needs to know more of somebody it answers with a `LookUp`, and is asked again with what
was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import Status, StatusReason
from workwire.rooms.work.policy import MOST_ROBOT_ASSIGNMENTS

UNTROUBLED = (
    StatusReason.NEWLY_CREATED,
    StatusReason.UPDATED_BY_RESOURCE,
    StatusReason.UPDATED_BY_INTEGRATION,
    StatusReason.UPDATED_BY_SYSTEM,
)  # a case that is to do for another reason needs somebody who decides


class Part(StrEnum):
    """What an item may have."""

    ASSIGNEE = "assignee"
    OWNER = "owner"
    QUEUE = "queue"


class Situation(StrEnum):
    """What decides which parts an item has."""

    DRAFT = "draft"
    NEWS = "news"
    ATTENTION = "attention"
    AT_WORK = "at_work"
    RUNNING_CASE = "running_case"
    AT_REST = "at_rest"
    CLOSED = "closed"


TABLE: Mapping[Situation, frozenset[Part]] = {
    Situation.CLOSED: frozenset(),
    Situation.DRAFT: frozenset({Part.ASSIGNEE}),
    Situation.NEWS: frozenset({Part.ASSIGNEE, Part.QUEUE}),
    Situation.ATTENTION: frozenset({Part.ASSIGNEE, Part.QUEUE}),
    Situation.AT_WORK: frozenset({Part.ASSIGNEE, Part.QUEUE}),
    Situation.RUNNING_CASE: frozenset({Part.OWNER}),
    Situation.AT_REST: frozenset({Part.OWNER}),
}
SAID_OF: Mapping[Situation, str] = {
    Situation.CLOSED: "who_situation.closed",
    Situation.DRAFT: "who_situation.draft",
    Situation.NEWS: "who_situation.news",
    Situation.ATTENTION: "who_situation.attention",
    Situation.AT_WORK: "who_situation.at_work",
    Situation.RUNNING_CASE: "who_situation.running_case",
    Situation.AT_REST: "who_situation.at_rest",
}


class Rule(StrEnum):
    """The rules that name somebody, in their order."""

    KEEP = "keep"
    OWNER = "owner"
    CHANGER = "changer"
    LAST = "last"
    EARLIER = "earlier"
    SAME_ACTION = "same_action"
    PERSON = "person"
    SECONDARY_PERSON = "secondary_person"
    JOB_POSITION = "job_position"
    SECONDARY_JOB_POSITION = "secondary_job_position"
    STARTER = "starter"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of an account that may be given an item; one that makes the change itself needs no name."""

    id: int
    name: str = ""
    is_robot: bool = False
    is_active: bool = True
    is_suspended: bool = False
    may_work: bool = True
    sees: bool = True
    inbox: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All of an item that the rules read; accounts, queues and job positions are named by their ids.

    `fresh` is an item that has just been begun or submitted. `by_hand` are the parts that somebody named, or emptied, in this
    change, `by_editing` where that was only who edits what is to do; `changed_last_by` is who changed it last, now included.
    """

    kind: ProcessType
    status: Status
    reason: StatusReason
    needs_attention: bool = False
    has_news: bool = False
    assignee: int | None = None
    owner: int | None = None
    queue: int | None = None
    fresh: bool = False
    by_hand: frozenset[Part] = frozenset()
    by_editing: bool = False
    category_changed: bool = False
    wait_type_changed: bool = False
    from_flow: bool = False
    robot_rejected: bool = False
    robot_assignments: int = 0
    keep_with: int | None = None
    changed_by: int | None = None
    changed_last_by: int | None = None
    started_by: int | None = None
    allocated_queue: int | None = None
    person: int | None = None
    secondary_person: int | None = None
    job_position: int | None = None
    secondary_job_position: int | None = None

    @property
    def situation(self) -> Situation:
        """The situation the item is in."""
        return situation_of(
            self.kind, self.status, self.reason, needs_attention=self.needs_attention, has_news=self.has_news
        )


class Sought(StrEnum):
    """What may have to be looked up."""

    ACCOUNTS = "accounts"
    EARLIER = "earlier"
    DOERS = "doers"
    HOLDERS = "holders"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class LookUp:
    """What the rules need to know next: of which ids, where it is about some."""

    sought: Sought
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up so far. `queues` holds the names of queues that are in use, None for one that is retired."""

    accounts: Mapping[int, Candidate] = field(default_factory=dict)
    earlier: Sequence[int] | None = None
    doers: Sequence[int] | None = None
    holders: Mapping[int, Sequence[Candidate]] = field(default_factory=dict)
    queues: Mapping[int, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who and what an item gets, and all that was tried on the way. `chosen` was named by a rule now."""

    assignee: int | None
    owner: int | None
    queue: int | None
    tried: tuple[Statement, ...]
    chosen: Candidate | None = None


def situation_of(
    kind: ProcessType,
    status: Status,
    reason: StatusReason,
    *,
    needs_attention: bool = False,
    has_news: bool = False,
) -> Situation:
    """The situation of an item by its kind and where it stands, of a case also by whether it has news."""
    if status == Status.DRAFT:
        return Situation.DRAFT
    if status == Status.CLOSED:
        return Situation.CLOSED
    if status in (Status.WAITING, Status.RESOLVED):
        return Situation.AT_REST
    if status == Status.TO_DO and reason == StatusReason.NEW_INFORMATION:
        return Situation.NEWS
    if kind != ProcessType.CASE:
        return Situation.AT_WORK
    if has_news:
        return Situation.NEWS
    troubled = status == Status.TO_DO and (needs_attention or reason not in UNTROUBLED)
    return Situation.ATTENTION if troubled else Situation.RUNNING_CASE


def evaluate(facts: Facts, known: Known) -> Outcome | LookUp:
    """Who and what an item gets, or what has to be looked up before that can be said."""
    try:
        return _Evaluation(facts, known).outcome()
    except _UnknownError as gap:
        return gap.look_up


class _UnknownError(Exception):
    """Something that was not looked up yet."""

    def __init__(self, sought: Sought, *ids: int) -> None:
        super().__init__(sought)
        self.look_up = LookUp(sought, ids)


class _Evaluation:
    def __init__(self, facts: Facts, known: Known) -> None:
        self.facts, self.known = facts, known
        self.tried = [statement(SAID_OF[facts.situation])]
        self.chosen: Candidate | None = None

    def outcome(self) -> Outcome:
        parts = TABLE[self.facts.situation]
        assignee = self._somebody(Part.ASSIGNEE, self.facts.assignee) if Part.ASSIGNEE in parts else None
        owner = self._somebody(Part.OWNER, self.facts.owner) if Part.OWNER in parts else None
        queue = self._queue() if Part.QUEUE in parts else None
        return Outcome(assignee, owner, queue, tuple(self.tried), self.chosen)

    def _somebody(self, part: Part, present: int | None) -> int | None:
        facts = self.facts
        if part in facts.by_hand and not (facts.by_editing and facts.category_changed):
            return self._says(present, "who_by_hand" if present is not None else "who_given_back", part=part)
        if present is not None and not facts.category_changed:
            return self._says(present, "who_stays", part=part)
        self.chosen = self._first()
        if self.chosen is not None:
            return self.chosen.id
        return self._says(present, "who_none" if present is None else "who_stays.after_all", part=part)

    def _first(self) -> Candidate | None:
        """The first who is named by a rule and may have the item."""
        barred: set[int] = set()
        for rule, candidates in self._named():
            anew = [one for one in candidates if one.id not in barred]
            if not anew:
                self._says(None, "who_nobody", rule=rule)
            for one in anew:
                why = bar_to(one, self.facts)
                if why is None:
                    self._says_who_gets_it(rule, one, len(anew))
                    return one
                self._says(None, "who_cannot" if one.name else "who_cannot.changer", rule=rule, name=one.name, why=why)
                barred.add(one.id)
        return None

    def _says_who_gets_it(self, rule: Rule, one: Candidate, count: int) -> None:
        if rule in (Rule.JOB_POSITION, Rule.SECONDARY_JOB_POSITION):
            self._says(None, "who_gets.fewest", rule=rule, name=one.name, count=count, inbox=one.inbox)
        else:
            self._says(None, "who_gets" if one.name else "who_gets.changer", rule=rule, name=one.name)

    def _named(self) -> Iterator[tuple[Rule, Sequence[Candidate]]]:
        """The rules that apply, in order, each with whom it names."""
        facts = self.facts
        yield from self._naming((Rule.KEEP, facts.keep_with))
        if facts.status == Status.DRAFT:  # is given to nobody before it is submitted
            return
        if Part.ASSIGNEE in TABLE[facts.situation]:
            yield from self._naming((Rule.OWNER, facts.owner))
        is_ticket = facts.kind == ProcessType.TICKET
        recategorized = facts.category_changed and facts.wait_type_changed
        if is_ticket and (recategorized or facts.status == Status.RESOLVED):
            yield from self._naming((Rule.CHANGER, facts.changed_by))
        if not is_ticket or not (facts.fresh or facts.category_changed):
            yield from self._of_history()
        yield from self._naming((Rule.PERSON, facts.person), (Rule.SECONDARY_PERSON, facts.secondary_person))
        yield from self._holding(Rule.JOB_POSITION, facts.job_position)
        yield from self._holding(Rule.SECONDARY_JOB_POSITION, facts.secondary_job_position)
        if facts.kind == ProcessType.CASE:
            yield from self._naming((Rule.STARTER, facts.started_by))

    def _of_history(self) -> Iterator[tuple[Rule, Sequence[Candidate]]]:
        facts = self.facts
        yield from self._naming((Rule.LAST, facts.changed_last_by))
        if not facts.fresh:
            yield from self._naming((Rule.EARLIER, facts.assignee))
            if self.known.earlier is None:
                raise _UnknownError(Sought.EARLIER)
            if self.known.earlier:
                yield Rule.EARLIER, self._accounts(self.known.earlier)
        if facts.from_flow:
            if self.known.doers is None:
                raise _UnknownError(Sought.DOERS)
            if self.known.doers:
                yield Rule.SAME_ACTION, self._accounts(self.known.doers)

    def _naming(self, *rules: tuple[Rule, int | None]) -> Iterator[tuple[Rule, Sequence[Candidate]]]:
        for rule, account in rules:
            if account is not None:
                yield rule, self._accounts((account,))

    def _holding(self, rule: Rule, position: int | None) -> Iterator[tuple[Rule, Sequence[Candidate]]]:
        """The holders of a job position, who has the fewest items first."""
        if position is None:
            return
        if position not in self.known.holders:
            raise _UnknownError(Sought.HOLDERS, position)
        yield rule, sorted(self.known.holders[position], key=lambda one: (one.inbox, one.id))

    def _accounts(self, ids: Sequence[int]) -> list[Candidate]:
        unknown = [one for one in dict.fromkeys(ids) if one not in self.known.accounts]
        if unknown:
            raise _UnknownError(Sought.ACCOUNTS, *unknown)
        return [self.known.accounts[one] for one in dict.fromkeys(ids)]

    def _queue(self) -> int | None:
        facts, wished = self.facts, self.facts.allocated_queue
        if facts.queue is not None and (wished is None or not facts.category_changed):
            return self._says(facts.queue, "who_queue.stays")
        if wished is None:
            return self._says(None, "who_queue.none")
        if wished not in self.known.queues:
            raise _UnknownError(Sought.QUEUE, wished)
        name = self.known.queues[wished]
        if name is None:
            return self._says(None, "who_queue.retired")
        return self._says(wished, "who_queue", queue=name)

    def _says(self, result: int | None, code: str, **parameters: str | int) -> int | None:
        """Say what was tried and how it came out; returns the result."""
        self.tried.append(statement(code, **parameters))
        return result


def bar_to(one: Candidate, facts: Facts) -> str | None:
    """Why somebody cannot have an item, None when they may."""
    if not one.is_active:
        return "retired"
    if not one.may_work:
        return "may_not_work"
    if not one.sees:
        return "sees_not"
    if one.is_suspended:
        return "robot_suspended"
    if one.is_robot and facts.kind != ProcessType.ACTION:
        return "robot_only_actions"
    if one.is_robot and facts.robot_rejected:
        return "robot_rejected"
    if one.is_robot and facts.robot_assignments > MOST_ROBOT_ASSIGNMENTS:
        return "robot_too_often"
    return None
