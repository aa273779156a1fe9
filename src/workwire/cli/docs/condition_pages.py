"""The reference pages of conditions and findings: fields, operators by type, functions, and what each finding forbids."""

from __future__ import annotations

from workwire.kernel.wording import ENGLISH, say, say_plainly, wordings
from workwire.rooms.offering.conditions import BUILT_IN, FUNCTIONS, OPERATORS, Operator
from workwire.rooms.offering.conditions.condition_text import SYMBOLS
from workwire.rooms.offering.conditions.trees import DEEPEST, LONGEST_LITERAL, MOST_PARTS
from workwire.rooms.offering.conditions.value_types import OF_KIND, ValueType
from workwire.rooms.offering.findings import SEVERITIES, Severity

CONDITIONS = f"""# Conditions

A condition asks what the fields of a work item hold: `[customerName] = "Acme" and [amount] >= 100`. *not* binds closer than
*and*, *and* closer than *or*; brackets group. It has at most {MOST_PARTS} parts, {DEEPEST} levels deep; a text in it has at
most {LONGEST_LITERAL} characters. How to write one: [conditions](../how-to/write-conditions.md).

* Texts are compared letter by letter, upper and lower case told apart. Numbers are compared exactly.
* A day and a moment are compared as days of the calendar in the item's time zone. A moment names its time zone,
  `2026-03-31T14:00:00Z`; a day is written `2026-03-31`. *Between* includes both ends.
* An empty value equals only an empty one, differs from all others and contains nothing. Whether it is greater or less than
  something cannot be evaluated.
* *and* fails where one part fails, *or* holds where one part holds, even beside parts that cannot be evaluated.
"""
FINDINGS = """# Findings

What is wrong with a process version, its flow or a condition: a code with parameters and a place.
`GET /api/v1/process-versions/{guid}/findings` lists those of a version. A finding of severity *must* keeps it from being
saved, one of severity *before live* from testing and from going live, *advice* from nothing.
"""
_SEVERITY = {Severity.MUST: "must", Severity.BEFORE_LIVE: "before live", Severity.ADVICE: "advice"}


def conditions() -> str:
    """The page of conditions."""
    operators = list(Operator)
    parts = [CONDITIONS, "\n## Operators\n"]
    parts += [
        f"| type | {' | '.join(f'`{SYMBOLS[one]}`' for one in operators)} |",
        "| --- |" + " --- |" * len(operators),
    ]
    for type_, offered in OPERATORS.items():
        marks = ("yes" if one in offered else "" for one in operators)
        parts.append(f"| {_called(type_)} | {' | '.join(marks)} |")
    parts += ["\n## Functions\n", "| function | takes | gives |", "| --- | --- | --- |"]
    for signature in FUNCTIONS.values():
        takes = ", ".join(" or ".join(sorted(map(_called, types))) for types in signature.takes)
        gives = "what it takes first" if signature.gives is None else _called(signature.gives)
        choices = f" ({', '.join(signature.choices)})" if signature.choices else ""
        parts.append(f"| `{signature.written}` | {takes} | {gives}{choices} |")
    parts += ["\n## Fields of the product\n", "| field | type | source | what it holds |", "| --- | --- | --- | --- |"]
    for field in BUILT_IN.values():
        source = field.source.value.replace("_", " ")
        parts.append(f"| `[{field.name}]` | {_called(field.type)} | {source} | {field.label} |")
    parts += [
        "\n## Custom data and answers\n",
        "A custom data field is called by its name written together, `[invoiceAmount]` for *Invoice amount*, with a number "
        "behind it where an earlier field has that name. The answer to a checklist line is `[answer.<GUID of the line>]`; "
        'it is `"Yes"`, `"No"` or `"NA"`.\n',
        "| kind of data field | type |",
        "| --- | --- |",
        *(f"| {kind.label} | {_called(type_)} |" for kind, type_ in OF_KIND.items()),
        "",
    ]
    return "\n".join(parts)


def findings() -> str:
    """The page of findings."""
    rows = [
        f"| `{code}` | {_SEVERITY[severity]} | {say_plainly(code)} | {_parameters(code)} |"
        for code, severity in sorted(SEVERITIES.items())
    ]
    return "\n".join([FINDINGS, "| code | severity | sentence | parameters |", "| --- | --- | --- | --- |", *rows, ""])


def _called(type_: ValueType) -> str:
    return say(f"value_type.{type_.value}", {}, ENGLISH)


def _parameters(code: str) -> str:
    return ", ".join(f"`{name}`" for name in sorted(wordings()[code].parameters))
