"""Conditions without a database: the tree, its text, its checks, and what it says about facts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workwire.kernel.errors import Invalid
from workwire.rooms.offering import conditions
from workwire.rooms.offering.conditions import Facts, Operator, ValueType, check, evaluate, parse, render, trees
from workwire.rooms.offering.conditions.known_fields import (
    BUILT_IN,
    DataFieldShape,
    KnownField,
    Source,
    camel_case,
    of_answer,
    of_data_fields,
)
from workwire.rooms.offering.conditions.value_types import FUNCTIONS, OPERATORS, Function, compares
from workwire.rooms.offering.findings import Severity
from workwire.rooms.offering.models import FieldKind

FIELDS = {
    "title": ValueType.TEXT,
    "amount": ValueType.NUMBER,
    "limit": ValueType.NUMBER,
    "day": ValueType.DATE,
    "moment": ValueType.MOMENT,
    "paid": ValueType.FLAG,
    "lines": ValueType.TABLE,
}
KNOWN = {name: KnownField(name, type_, Source.CUSTOM_DATA) for name, type_ in FIELDS.items()}
ZONES = ("UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles", "Australia/Lord_Howe")
LINE_TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=12)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=4)
MOMENTS = st.datetimes(timezones=st.just(UTC))
SCALARS: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.TEXT: LINE_TEXTS,
    ValueType.NUMBER: NUMBERS.map(lambda number: trees.number_literal(str(number)).value),
    ValueType.DATE: st.dates(),
    ValueType.MOMENT: MOMENTS,
    ValueType.FLAG: st.booleans(),
}
LITERALS = st.one_of(list(SCALARS.values())).map(trees.Literal)
slowly = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
NAMES = st.text("abcXYZ äß.0-", min_size=1, max_size=20).map(str.strip).filter(bool)


def values(names: st.SearchStrategy[str]) -> st.SearchStrategy[trees.Value]:
    return named_first(names) | LITERALS


def named_first(names: st.SearchStrategy[str]) -> st.SearchStrategy[trees.Value]:
    """Fields and calls, which may begin a comparison."""
    field = names.map(trees.Field)
    inner = field | LITERALS
    plain = st.sampled_from([Function.LOWER, Function.WEEKDAY, Function.DATE_PART])
    one = st.tuples(plain, inner).map(lambda made: trees.call(made[0], (made[1],)))
    tag = LINE_TEXTS.map(lambda said: trees.call(Function.HAS_FILE_WITH_TAG, (trees.Literal(said),)))
    return field | one | tag | st.tuples(one | inner, inner).map(lambda made: trees.call(Function.ADD_DAYS, made))


def comparisons(names: st.SearchStrategy[str]) -> st.SearchStrategy[trees.Condition]:
    parts = st.tuples(named_first(names), st.sampled_from(Operator), values(names), values(names))
    return parts.map(lambda made: trees.comparison(made[0], made[1], made[2:][: made[1].values]))


def joined(inner: st.SearchStrategy[trees.Condition]) -> st.SearchStrategy[trees.Condition]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return parts.map(trees.AllOf) | parts.map(trees.AnyOf) | inner.map(trees.Not)


def whole(names: st.SearchStrategy[str]) -> st.SearchStrategy[trees.Condition]:
    return st.recursive(comparisons(names), joined, max_leaves=6).filter(
        lambda tree: trees.depth(tree) <= trees.DEEPEST
    )


def facts_of(named: str) -> st.SearchStrategy[Any]:
    type_ = FIELDS[named]
    if type_ == ValueType.TABLE:
        return st.sampled_from([None, [], [{"a": 1}]])
    return st.none() | SCALARS[type_]


FACTS = st.builds(
    Facts,
    values=st.fixed_dictionaries({}, optional={name: facts_of(name) for name in FIELDS}),
    file_tags=st.sets(st.sampled_from(["invoice", "order"])).map(frozenset),
    time_zone=st.sampled_from(ZONES),
)
TREES = whole(NAMES)
TYPED = whole(st.sampled_from(sorted(FIELDS)))
LOOSE = whole(st.sampled_from([*FIELDS, "nowhere"]))
ALL_FACTS = st.builds(
    Facts, values=st.fixed_dictionaries({name: facts_of(name) for name in FIELDS}), time_zone=st.sampled_from(ZONES)
)


def says(text: str, /, time_zone: str = "UTC", tags: tuple[str, ...] = (), **values: Any) -> bool | None:
    return evaluate(parse(text), Facts(values, frozenset(tags), time_zone)).holds


def codes(text: str, known: Any = KNOWN) -> list[str]:
    return [finding.said.code for finding in check(parse(text), known)]


# -- the text and the JSON ----------------------------------------------------------------------------------------------


@slowly
@given(TREES)
def test_what_is_rendered_is_parsed_to_the_same_tree(tree: trees.Condition) -> None:
    again = parse(render(tree))
    assert conditions.as_json(again) == conditions.as_json(tree)
    assert again == tree


@slowly
@given(TREES)
def test_what_is_kept_as_json_is_read_as_the_same_tree(tree: trees.Condition) -> None:
    kept = json.loads(json.dumps(conditions.as_json(tree), allow_nan=False))
    assert conditions.from_json(kept) == tree


@given(st.text('[]()"\\ab=<>!&|,.0123456789-T:Z andornotbetweenisempty', max_size=60) | st.text(max_size=30))
def test_a_text_is_read_or_refused_with_a_position_in_it(text: str) -> None:
    try:
        tree = parse(text)
    except Invalid as refused:
        position = refused.statement.parameters.get("position")
        assert position is None or 1 <= int(str(position)) <= len(text) + 1
    else:
        assert parse(render(tree)) == tree


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["lower", "equals"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "not", "left", "operator", "right", "field", "text", "number", "call", "of"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_json_is_a_condition_or_refused(written: object) -> None:
    try:
        tree = conditions.from_json(written)
    except Invalid:
        pass
    else:
        assert conditions.from_json(conditions.as_json(tree)) == tree


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ('[customerName]="Acme" and [amount]>=100', '[customerName] = "Acme" and [amount] >= 100'),
        ('[a] == "x" && !([b] != 1 || [c])', '[a] = "x" and not ([b] != 1 or [c])'),
        ("[a] ≥ 1 or [a] ≤ -2.50", "[a] >= 1 or [a] <= -2.5"),
        ("[a] = true", "[a]"),
        ("not [a] IS EMPTY", "not [a] is empty"),
        ("[d] BETWEEN 2026-01-01 AND 2026-12-31 and [e] <> 0", "[d] between 2026-01-01 and 2026-12-31 and [e] != 0"),
        ("[m] < 2026-03-31T14:00:00+02:00", "[m] < 2026-03-31T12:00:00Z"),
        ('workitemhasfilewithtag("Invoice")', 'WorkItemHasFileWithTag("Invoice")'),
        ('lower([customerName]) = "say \\"hi\\" \\\\"', 'lower([customerName]) = "say \\"hi\\" \\\\"'),
        ("(([a] = 1 and [b] = 2)) or [c] = 3", "[a] = 1 and [b] = 2 or [c] = 3"),
        ("[a] = 1 and ([b] = 2 and [c] = 3)", "[a] = 1 and ([b] = 2 and [c] = 3)"),
        (
            "addDays([workItemStartDate], 3) < [lastActionEndDate]",
            "addDays([workItemStartDate], 3) < [lastActionEndDate]",
        ),
    ],
)
def test_builder_cn_5_to_cn_8_the_documented_syntax(written: str, canonical: str) -> None:
    """builder CN-5 … CN-8."""
    spelled = render(parse(written))
    assert spelled == canonical.replace("not [a] is empty", "[a] is not empty")
    assert parse(spelled) == parse(written)


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "condition_unreadable.value_expected", 1),
        ("[a] = ", "condition_unreadable.value_expected", 7),
        ("[a] 5", "condition_unreadable.operator", 5),
        ('"x" = [a]', "condition_unreadable.literal_first", 1),
        ("[a] = 1 2", "condition_unreadable.end", 9),
        ('[a] = "open', "condition_unreadable.text_open", 7),
        ("[a = 1", "condition_unreadable.field_open", 1),
        ("[a] = 1 ; drop", "condition_unreadable.character", 9),
        ("system([a])", "condition_unreadable.name", 1),
        ("lower([a], 1) = 1", "condition_unreadable.arguments", 1),
        ("WorkItemHasFileWithTag([a])", "condition_unreadable.arguments", 1),
        ("([a] = 1", "condition_unreadable.expected", 9),
        ("[a] between 1 or 2", "condition_unreadable.expected", 15),
        ("[a] is 1", "condition_unreadable.expected", 8),
        ("[a] = 2026-02-30", "condition_unreadable.value", 7),
        ("[a] = 2026-02-03T10:00:00", "condition_unreadable.value", 7),
        ("[a] = 1234567890123456", "condition_unreadable.value", 7),
        ("[] = 1", "condition_unreadable.value", 1),
    ],
)
def test_builder_cn_4_what_cannot_be_read_is_refused_with_its_position(text: str, code: str, position: int) -> None:
    """builder CN-4."""
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.full_code == code
    assert refused.value.statement.parameters["position"] == position


def test_conditions_are_bounded() -> None:
    with pytest.raises(Invalid) as large:
        parse(" and ".join(["[a] = 1"] * 100))
    with pytest.raises(Invalid) as deep:
        parse("not " * 5000 + "[a]")
    with pytest.raises(Invalid) as nested:
        parse("(" * 5000 + "[a]" + ")" * 5000)
    with pytest.raises(Invalid) as long:
        parse("x" * 300_000)
    kept: dict[str, Any] = {"field": "a"}
    for _ in range(5000):
        kept = {"not": kept}
    with pytest.raises(Invalid) as in_json:
        conditions.from_json(kept)
    found = [large, deep, nested, long, in_json]
    assert [one.value.code for one in found] == [
        *("condition_too_large", "condition_too_deep", "condition_too_deep"),
        *("condition_too_large", "condition_too_deep"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("addDays([dueOn], [x]) = 2026-01-01", 1e300),
        ("addDays([dueOn], [x]) = 2026-01-01", Decimal("1e40")),
        ("[x] = 2026-01-01", datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14)))),
        ("[x] = 2026-01-01", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        ("[x] > 3", float("nan")),
        ("[x] > 3", float("-inf")),
        ("[x] > 3", Decimal("sNaN")),
    ],
)
def test_what_no_field_should_hold_is_not_evaluated_and_kept_as_json(text: str, value: Any) -> None:
    outcome = evaluate(parse(text), Facts({"dueOn": date(2026, 1, 1), "x": value}))
    assert outcome.holds is None
    json.dumps(outcome.as_json(), allow_nan=False)


@pytest.mark.parametrize("written", ["0." + "9" * 34, "1." + "0" * 33 + "1", "9" * 34, "1" * 100_000])
def test_a_number_with_too_many_digits_is_refused_and_not_rounded(written: str) -> None:
    with pytest.raises(Invalid) as refusal:
        trees.number_literal(written)
    assert refusal.value.code == "condition_number_invalid"


def test_json_of_too_many_nodes_is_refused_before_any_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = {"left": {"field": "a"}, "operator": "is_empty", "right": []}
    wide = {"all": [{"any": [compared] * 199}] * 199}
    monkeypatch.setattr(trees, "_condition", lambda *_: pytest.fail("it was read"))
    with pytest.raises(Invalid) as refusal:
        trees.from_json(wide)
    assert refusal.value.code == "condition_too_large"


# -- checks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[title] = "a" and [amount] >= 100', []),
        ("[amount] > [limit]", []),
        ("[day] < [moment] and datePart([moment]) = [day]", []),
        ('weekday([day]) = "Monday" or weekday([moment]) != ""', []),
        ("[lines] is not empty and [paid]", []),
        ("[amuont] = 1", ["finding_condition_field.nearest"]),
        ("[zzz] = 1", ["finding_condition_field"]),
        ('[title] > "a"', ["finding_condition_operator"]),
        ("[paid] >= true", ["finding_condition_operator"]),
        ("[lines] = 1", ["finding_condition_operator"]),
        ('[amount] = "100"', ["finding_condition_types"]),
        ("[amount] between 1 and [day]", ["finding_condition_types"]),
        ('weekday([day]) = "monday"', ["finding_condition_choice"]),
        ("lower([amount]) = 1", ["finding_condition_argument"]),
        ("addDays([day], 1.5) = [day]", ["finding_condition_days"]),
        ('[title] contains ""', ["finding_condition_contains_nothing"]),
        ("[title]", ["finding_condition_types"]),
        ("[zzz] = [yyy]", ["finding_condition_field", "finding_condition_field"]),
    ],
)
def test_checks_find_what_cannot_be_asked(text: str, found: list[str]) -> None:
    assert codes(text) == found


def test_a_finding_says_where_it_is_and_how_much_it_matters() -> None:
    retired = KNOWN | {"old": KnownField("old", ValueType.TEXT, Source.CUSTOM_DATA, retired=True)}
    found = check(parse('[title] = "a" and ([paid] or not [old] = "x")'), retired)
    assert [(one.place, one.severity) for one in found] == [("2/2/1", Severity.BEFORE_LIVE)]
    assert [one.place for one in check(parse("[nothing]"), KNOWN)] == [""]


def test_builder_cn_9_and_cn_10_answers_only_equal_or_differ() -> None:
    """builder CN-9."""
    line = of_answer(UUID(int=7), "Signed?")
    known = KNOWN | {line.name: line}
    named = f"[{line.name}]"
    for said in ("Yes", "No", "NA"):
        assert codes(f'{named} = "{said}" or {named} != "{said}"', known) == []
    assert codes(f'{named} = "yes"', known) == ["finding_condition_choice"]
    assert codes(f'{named} = ""', known) == ["finding_condition_choice"]
    assert codes(f"{named} is empty", known) == ["finding_condition_operator"]
    assert codes(f"{named} = [title]", known) == ["finding_condition_answer"]
    assert codes('[answer.1] = "Yes"', known) == ["finding_condition_line"]


@slowly
@given(TYPED, ALL_FACTS)
def test_what_passes_the_checks_is_never_of_the_wrong_type(tree: trees.Condition, facts: Facts) -> None:
    if check(tree, KNOWN):
        return
    reasons = {why.code for one in evaluate(tree, facts).seen if (why := one.why) is not None}
    assert reasons <= {
        "condition_not_evaluated.empty",
        "condition_not_evaluated.range",
        "condition_not_evaluated.call",  # so many days
    }


# -- evaluation ---------------------------------------------------------------------------------------------------------


@slowly
@given(LOOSE, FACTS)
def test_evaluation_never_raises_and_what_is_kept_is_json(tree: trees.Condition, facts: Facts) -> None:
    outcome = evaluate(tree, facts)
    kept = outcome.as_json()
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert len(outcome.seen) == sum(isinstance(node, trees.Comparison) for node in trees.nodes(tree))
    assert (outcome.holds is None) == bool(outcome.why)
    assert all("{" not in str(said) or "{" in render(tree) for said in conditions.explain(kept))


@slowly
@given(LOOSE, FACTS, st.data())
def test_the_three_values_follow_kleene(tree: trees.Condition, facts: Facts, data: st.DataObject) -> None:
    other = data.draw(LOOSE)
    one, two = evaluate(tree, facts).holds, evaluate(other, facts).holds
    negated = evaluate(trees.Not(tree), facts).holds
    assert negated is (None if one is None else not one)
    both = evaluate(trees.AllOf((tree, other)), facts).holds
    assert both is (False if False in (one, two) else None if None in (one, two) else True)
    left = evaluate(trees.Not(trees.AllOf((tree, other))), facts).holds
    right = evaluate(trees.AnyOf((trees.Not(tree), trees.Not(other))), facts).holds
    assert left is right


@given(ALL_FACTS, st.sampled_from(sorted(FIELDS)))
def test_empty_is_what_equals_the_empty_text(facts: Facts, name: str) -> None:
    if FIELDS[name] == ValueType.TEXT:
        empty = evaluate(parse(f"[{name}] is empty"), facts).holds
        assert empty is evaluate(parse(f'[{name}] = ""'), facts).holds
        assert empty is not evaluate(parse(f'[{name}] != ""'), facts).holds


@given(ALL_FACTS)
def test_orders_are_consistent(facts: Facts) -> None:
    for left, right in (("amount", "limit"), ("day", "moment"), ("moment", "moment"), ("day", "day")):
        less, at_least = (evaluate(parse(f"[{left}] {sign} [{right}]"), facts).holds for sign in ("<", ">="))
        equal, between = (
            evaluate(parse(text), facts).holds
            for text in (f"[{left}] = [{right}]", f"[{left}] between [{right}] and [{right}]")
        )
        if None not in (facts.values[left], facts.values[right]):
            assert less is not at_least
            assert equal is between
        elif facts.values[left] is not facts.values[right]:
            assert (less, at_least, equal) == (None, None, False)
        else:
            assert (less, at_least, equal) == (None, None, True)


@pytest.mark.parametrize(
    ("text", "known", "holds"),
    [
        ('[title] = "Acme"', {"title": "acme"}, False),
        ('lower([title]) = "acme"', {"title": "ACME"}, True),
        ('[title] = "Zoë"', {"title": "Zoe\u0308"}, True),
        ('[title] contains "voice"', {"title": "Invoice 7"}, True),
        ('[title] contains "x"', {"title": None}, False),
        ("[amount] = 0.3", {"amount": 0.3}, True),
        ("[amount] >= 100", {"amount": 100}, True),
        ("[amount] >= 100", {"amount": None}, None),
        ("[amount] is not empty and [amount] >= 100", {"amount": None}, False),
        ("[amount] is empty or [amount] >= 100", {"amount": None}, True),
        ("[amount] != 100", {"amount": None}, True),
        ("[amount] = 1", {}, None),
        ('[amount] = "1"', {"amount": 1}, None),
        ("[paid]", {"paid": True}, True),
        ("not [paid]", {"paid": None}, True),
        ("[lines] is empty", {"lines": []}, True),
        ("[day] between 2026-01-01 and 2026-01-31", {"day": date(2026, 1, 31)}, True),
        ("addDays([day], -1) = 2026-02-28", {"day": date(2026, 3, 1)}, True),
        ('weekday([day]) = "Saturday"', {"day": date(2026, 11, 28)}, True),
        ("addDays([day], [amount]) = [day]", {"day": date(2026, 3, 1), "amount": 0.5}, None),
        ("addDays([day], 1) > [day]", {"day": date.max}, None),
        ("[amount] = 1", {"amount": float("nan")}, None),
        ("[amount] = 1", {"amount": object()}, None),
    ],
)
def test_how_values_compare(text: str, known: dict[str, Any], holds: bool | None) -> None:
    """builder CN-8."""
    assert says(text, **known) is holds


def test_days_of_moments_are_those_of_the_items_time_zone() -> None:
    late = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)  # the 31st in Berlin
    assert says("[moment] = 2026-03-31", time_zone="Europe/Berlin", moment=late) is True
    assert says("[moment] <= 2026-03-30", time_zone="Europe/Berlin", moment=late) is False
    assert says("[moment] <= 2026-03-30", moment=late) is True
    assert says('weekday([moment]) = "Tuesday"', time_zone="Europe/Berlin", moment=late) is True
    before = datetime(2026, 3, 28, 11, tzinfo=ZoneInfo("Europe/Berlin"))
    after = datetime(2026, 3, 29, 11, tzinfo=ZoneInfo("Europe/Berlin"))
    assert after.astimezone(UTC) - before.astimezone(UTC) == timedelta(hours=23)
    text = "addDays([moment], 1) = [other]"
    assert says(text, time_zone="Europe/Berlin", moment=before.astimezone(UTC), other=after.astimezone(UTC)) is True


def test_builder_cn_7_files_with_a_tag() -> None:
    """builder CN-7."""
    assert says('WorkItemHasFileWithTag("Invoice")', tags=("invoice",)) is True
    assert says('not WorkItemHasFileWithTag("order")', tags=("invoice",)) is True
    assert conditions.tags_of(parse('WorkItemHasFileWithTag("a") or not WorkItemHasFileWithTag("b")')) == ["a", "b"]


def test_an_outcome_tells_what_it_saw() -> None:
    outcome = evaluate(
        parse('[title] = "Acme" and [amount] >= [limit]'), Facts({"title": "Acme", "amount": Decimal("7.5")})
    )
    assert outcome.holds is None
    assert outcome.as_json() == {
        "holds": None,
        "seen": [
            {"comparison": '[title] = "Acme"', "values": {"title": "Acme"}, "holds": True, "why": None},
            {
                "comparison": "[amount] >= [limit]",
                "values": {"amount": 7.5, "limit": None},
                "holds": None,
                "why": {"code": "condition_not_evaluated.field", "parameters": {"name": "limit"}},
            },
        ],
    }
    assert [str(said) for said in conditions.explain(outcome.as_json())] == [
        '\'[title] = "Acme"\' holds: [title] = "Acme".',
        "There is no field 'limit' to be compared.",
    ]


# -- fields and types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Invoice amount", "invoiceAmount"),
        ("PO", "po"),
        ("PO number", "poNumber"),
        ("amount (net)", "amountNet"),
        ("Größe", "größe"),
        ("already_written", "alreadyWritten"),
        ("!?", "field"),
    ],
)
def test_names_of_data_fields_are_written_together(name: str, written: str) -> None:
    assert camel_case(name) == written


def test_every_data_field_has_a_name_of_its_own_that_never_changes() -> None:
    shapes = [
        DataFieldShape(name, FieldKind.SHORT_TEXT)
        for name in ("Amount", "amount!", "Customer name", "amount2", "Customer Name?")
    ]
    found = of_data_fields(shapes)
    assert list(found) == ["amount", "amount2", "customerName2", "amount22", "customerName3"]
    for length in range(len(shapes)):
        earlier = of_data_fields(shapes[:length])
        assert list(found)[:length] == list(earlier)
    assert not set(found) & set(BUILT_IN)


def test_every_type_has_its_operators_and_compares_with_itself() -> None:
    """builder CN-2."""
    assert set(OPERATORS) == set(ValueType)
    for type_, operators in OPERATORS.items():
        fits = [operator for operator in Operator if operator.values and compares(type_, operator, type_)]
        assert fits == (
            [] if type_ == ValueType.ANSWER else [one for one in Operator if one in operators and one.values]
        )
    assert set(FUNCTIONS) == set(Function)
    assert all(field.label and name == field.name for name, field in BUILT_IN.items())
