"""Conditions: closed, typed trees over the fields of an item, with a text form, checks and an evaluation that explains itself.

Pure: what an item's fields hold is gathered elsewhere (`rooms.work.condition_facts`). No text is ever executed.
"""

from workwire.rooms.offering.conditions.condition_checks import check
from workwire.rooms.offering.conditions.condition_text import parse, render
from workwire.rooms.offering.conditions.evaluation import Facts, Outcome, Seen, evaluate, explain
from workwire.rooms.offering.conditions.known_fields import BUILT_IN, KnownField, KnownFields, Source
from workwire.rooms.offering.conditions.trees import Condition, as_json, fields_of, from_json, tags_of
from workwire.rooms.offering.conditions.value_types import FUNCTIONS, OPERATORS, Function, Operator, ValueType

__all__ = [
    "BUILT_IN",
    "FUNCTIONS",
    "OPERATORS",
    "Condition",
    "Facts",
    "Function",
    "KnownField",
    "KnownFields",
    "Operator",
    "Outcome",
    "Seen",
    "Source",
    "ValueType",
    "as_json",
    "check",
    "evaluate",
    "explain",
    "fields_of",
    "from_json",
    "parse",
    "render",
    "tags_of",
]
