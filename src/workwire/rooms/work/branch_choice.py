"""Which branch of a condition a case takes: the first in order that holds, else the *otherwise*."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workwire.rooms.offering import conditions
from workwire.rooms.offering.conditions import Condition, Facts, Outcome
from workwire.rooms.offering.flow_graphs import Branch
from workwire.rooms.work.condition_facts import facts_of
from workwire.rooms.work.models import WorkItem


@dataclass(frozen=True, slots=True)
class Choice:
    """The branch that is taken (None where that cannot be told), and what each branch that was tried saw, as JSON."""

    branch: str | None
    tried: list[dict[str, Any]]


def choose(branches: Sequence[Branch], case: WorkItem, at: datetime) -> Choice:
    """Try the branches in order at a moment. One that cannot be evaluated ends the search: whether a later one is to be taken
    depends on it."""
    return choose_by(branches, lambda trees: facts_of(case, trees, at=at))


def choose_by(branches: Sequence[Branch], facts_for: Callable[[Collection[Condition]], Facts]) -> Choice:
    """The same, by the facts that are found for some conditions."""
    trees = {one.key: conditions.from_json(one.condition) for one in branches if one.condition is not None}
    facts = facts_for(trees.values())
    tried: list[dict[str, Any]] = []
    for branch in branches:
        if branch.key not in trees:
            return Choice(branch.key, tried)
        outcome = conditions.evaluate(trees[branch.key], facts)
        tried.append({"branch": branch.key, **outcome.as_json(), "origins": _origins(outcome, facts)})
        if outcome.holds is None:
            return Choice(None, tried)
        if outcome.holds:
            return Choice(branch.key, tried)
    return Choice(None, tried)


def _origins(outcome: Outcome, facts: Facts) -> dict[str, int]:
    """At which other items the values were written that an outcome saw: only who sees those is told of them."""
    names = {name for one in outcome.seen for name in one.values}
    return {name: facts.origins[name] for name in sorted(names) if name in facts.origins}
