"""What an account may see, and why: the rules of each kind of record give the decision as well as its explanation.

A record is seen where one rule that allows holds, and every rule that limits. Rooms write the rules of their kinds once, in
their queries: `seen` makes of them what lists and single records are filtered by, `explain` asks the same conditions for one
record and lets each rule say what it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import BooleanField, Exists, ExpressionWrapper, Model, Q, QuerySet

from workwire.access import features, queries
from workwire.access.models import DataPermission, RoleFeature, User
from workwire.access.policy import require_one_of
from workwire.access.sessions import actor_for
from workwire.kernel.actor import Actor
from workwire.kernel.counting import counts_of
from workwire.kernel.errors import not_found
from workwire.kernel.wording import Statement, statement
from workwire.outbox.objects import ObjectType

M = TypeVar("M", bound=Model)
Condition = bool | Q | Exists  # of every record, or of the row of a query
MOST_COUNTED = 1000
MOST_FOUND = 20
MOST_NAMED = 10
LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """One record as an account looks at it by one rule. Who asks, `by`, is told of nothing that it does not see itself."""

    actor: Actor
    user: User
    record: Any
    holds: bool
    by: Actor


Said = Callable[[Looked], list[Statement]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that allows the sight of records, or one that `limits` what others allow; `says` gives what it rests on."""

    code: str
    condition: Callable[[Actor], Condition]
    says: Said
    limits: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record that not everybody sees: `visible` decides by `rules`, `matching` finds by words, `called` names."""

    name: str
    visible: Callable[[Actor], QuerySet[Any]]
    rules: Sequence[Rule]
    matching: Callable[[str], Q]
    called: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class FilterObject(Kind):
    """A kind of record that a subscription may be for.

    `column` of the ledger names the record an event lies under. `with_guid` gives its rows by a GUID that may be a column of
    an outer query, `seen_by` the condition that an account may see the row of the outer query. Who sees the record that
    `record_column` names sees the events of `records`.
    """

    type: ObjectType
    column: str
    with_guid: Callable[[Any], QuerySet[Any]]
    seen_by: Callable[[Any], Exists | Q]
    records: Sequence[ObjectType] = ()
    record_column: str = "record_guid"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule says of a record."""

    code: str
    holds: bool
    limits: bool
    said: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether an account sees a record, and what each rule says of it."""

    kind: str
    guid: UUID
    name: str
    sees: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """How many records of a kind an account sees, of those the asking actor sees; both up to `MOST_COUNTED` + 1."""

    kind: str
    seen: int
    of: int


@dataclass(frozen=True, slots=True)
class Found:
    """A record that was looked for, and whether the account sees it."""

    guid: UUID
    name: str
    sees: bool


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Let records of a kind be looked for, explained and, as a `FilterObject`, subscribed to; raises ValueError for a kind
    that is registered already."""
    if kind.name in _kinds:
        raise ValueError(f"{kind.name} is registered twice")
    _kinds[kind.name] = kind


def kinds() -> list[Kind]:
    """Every kind of record that not everybody sees."""
    return list(_kinds.values())


def kind(name: str) -> Kind:
    """One of them; raises NotFound."""
    if name not in _kinds:
        raise not_found("kind")
    return _kinds[name]


def filter_objects() -> list[FilterObject]:
    """The kinds that subscriptions may be for, in the order of their documented numbers."""
    found = (one for one in _kinds.values() if isinstance(one, FilterObject))
    return sorted(found, key=lambda one: one.type)


def filter_object(number: int) -> FilterObject:
    """The kind that a subscription is for, by its number; raises KeyError for a type of record that is none."""
    return {one.type: one for one in filter_objects()}[ObjectType(number)]


def record(name: str, guid: UUID, *, by: Actor) -> Any:
    """One record of a kind; raises NotFound."""
    found = kind(name).visible(by).filter(guid=guid).first()
    if found is None:
        raise not_found("record")
    return found


def seen(rows: QuerySet[M], actor: Actor, rules: Sequence[Rule]) -> QuerySet[M]:
    """The rows that the actor sees by the rules."""
    allowing = [rule.condition(actor) for rule in rules if not rule.limits]
    if not any(condition is True for condition in allowing):
        of_rows = [condition for condition in allowing if not isinstance(condition, bool)]
        rows = rows.filter(of_rows[0] if len(of_rows) == 1 else _any(of_rows)) if of_rows else rows.none()
    for condition in (rule.condition(actor) for rule in rules if rule.limits):
        if condition is not True:
            rows = rows.none() if condition is False else rows.filter(condition)
    return rows


def explain(name: str, guid: UUID, *, of: User, by: Actor) -> Explanation:
    """Whether an account sees a record, and why; for who manages accounts or decides on sight. Raises NotFound for a
    record that the asking actor does not see."""
    require_one_of(by, features.USERS, features.GROUPS)
    one = kind(name)
    looked_at = record(name, guid, by=by)
    actor = actor_for(of)
    active = Looked(actor, of, looked_at, of.is_active, by)
    reasons = [Reason("account_active", of.is_active, limits=True, said=tuple(_of_account(active)))]
    for rule, holds in zip(one.rules, _held(looked_at, actor, one.rules), strict=True):
        said = rule.says(Looked(actor, of, looked_at, holds, by))
        reasons.append(Reason(rule.code, holds, rule.limits, tuple(said)))
    sees = of.is_active and one.visible(actor).filter(pk=looked_at.pk).exists()
    return Explanation(one.name, looked_at.guid, one.called(looked_at), sees, tuple(reasons))


def sums(*, of: User, by: Actor) -> list[Sum]:
    """How much an account sees of each kind, of what the asking actor sees; one query."""
    require_one_of(by, features.USERS, features.GROUPS)
    actor, every = actor_for(of), kinds()
    counts = counts_of(
        [*(_common(one, actor, by) for one in every), *(one.visible(by) for one in every)], most=MOST_COUNTED + 1
    )
    pairs = zip(every, counts[: len(every)], counts[len(every) :], strict=True)
    return [Sum(one.name, seen if of.is_active else 0, of_all) for one, seen, of_all in pairs]


def looked_for(one: Kind, words: str, *, by: Actor) -> QuerySet[Any]:
    """The records of a kind that match words and that the actor sees, newest first; all without any words, none for very long
    ones."""
    if len(words) > LONGEST_WORDS:
        return one.visible(by).none()
    rows = one.visible(by).order_by("-pk")
    return rows.filter(one.matching(words.strip())) if words.strip() else rows


def matching(name: str, words: str, *, by: Actor) -> list[Found]:
    """Some records of a kind that match words and that the asking actor sees, newest first."""
    one = kind(name)
    return [Found(row.guid, one.called(row), sees=True) for row in looked_for(one, words, by=by)[:MOST_FOUND]]


def find(name: str, words: str, *, of: User, by: Actor) -> list[Found]:
    """Some records of a kind that match words and that the asking actor sees, newest first, each with whether the account sees
    it."""
    require_one_of(by, features.USERS, features.GROUPS)
    one = kind(name)
    found = list(looked_for(one, words, by=by)[:MOST_FOUND])
    visible = one.visible(actor_for(of)).filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True)
    seen_by_account = set(visible) if of.is_active else set()
    return [Found(row.guid, one.called(row), row.pk in seen_by_account) for row in found]


def by_feature(code: str, *wanted: str) -> Rule:
    """A rule that allows the sight of all records by one of some features."""
    return Rule(code, lambda actor: any(actor.has(feature) for feature in wanted), features_say(*wanted))


def by_permission(condition: Callable[[Any], Exists], above: Mapping[str, str], handles: Said | None = None) -> Rule:
    """The rule that data permissions allow sight; `above` are the paths that `condition` looks at, see `queries.granted`."""
    return Rule("permission", lambda actor: condition(actor.user_id or 0), handles or permissions_say(above))


def features_say(*wanted: str) -> Said:
    """Names the roles that hold one of some features, or says that none does."""

    def says(looked: Looked) -> list[Statement]:
        if not looked.holds:
            return [statement("sight_feature.missing", features=wanted)]
        held = RoleFeature.objects.filter(
            role__assignments__user=looked.user.pk, feature__in=features.that_allow(*wanted)
        ).order_by("role__name", "feature")
        pairs = held.values_list("role__name", "feature")
        return [statement("sight_feature", role=role, feature=feature) for role, feature in pairs]

    return says


def permissions_say(above: Mapping[str, str]) -> Said:
    """Names the data permissions that cover a record, or says that none does and what groups there are."""

    def says(looked: Looked) -> list[Statement]:
        if not looked.holds:
            groups = list(looked.user.user_groups.order_by("name").values_list("name", flat=True)[:MOST_NAMED])
            return [
                statement("sight_permission.missing", groups=groups)
                if groups
                else statement("sight_permission.no_group")
            ]
        values = type(looked.record).objects.values(*above.values()).get(pk=looked.record.pk)
        above_it = {level: values[path] for level, path in above.items()}
        found = (
            queries.permissions_on(looked.user.pk, above_it).select_related(*queries.PERMITTED, "group").order_by("pk")
        )
        return [_say(one, looked.by) for one in found[:MOST_NAMED]]

    return says


def _say(permission: DataPermission, by: Actor) -> Statement:
    """The group of a data permission, the level of its object and, where the asking actor sees that, what it is called."""
    level = queries.level_of(permission)
    one, of, group = kind(level), getattr(permission, level), permission.group.name
    if not one.visible(by).filter(pk=of.pk).exists():
        return statement("sight_permission.hidden", group=group, level=level)
    return statement("sight_permission", group=group, level=level, name=one.called(of))


def _held(record: Any, actor: Actor, rules: Sequence[Rule]) -> list[bool]:
    """Whether each rule holds for a record: its condition, asked of the row alone."""
    conditions = [rule.condition(actor) for rule in rules]
    asked = {
        f"rule_{number}": ExpressionWrapper(condition, output_field=BooleanField())
        for number, condition in enumerate(conditions)
        if not isinstance(condition, bool)
    }
    answers: dict[str, Any] = {}
    if asked:
        answers = type(record).objects.annotate(**asked).values(*asked).get(pk=record.pk)
    return [
        condition if isinstance(condition, bool) else bool(answers[f"rule_{number}"])
        for number, condition in enumerate(conditions)
    ]


def _of_account(looked: Looked) -> list[Statement]:
    return [statement("sight_account" if looked.holds else "sight_account.retired")]


def _common(one: Kind, actor: Actor, by: Actor) -> QuerySet[Any]:
    """What both see of a kind."""
    rows = one.visible(actor)
    return rows if queries.sees_all(by) else rows.filter(pk__in=one.visible(by).order_by().values("pk"))


def _any(conditions: Sequence[Q | Exists]) -> Q:
    return reduce(or_, (Q(condition) for condition in conditions))


ALL_RECORDS = Rule("all_records", queries.sees_all, features_say(*features.SEES_ALL))
