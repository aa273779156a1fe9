"""What is wrong with the flow of a stored version, its conditions judged by the fields they may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workwire.kernel.errors import Invalid
from workwire.rooms.offering import conditions
from workwire.rooms.offering.condition_fields import known_fields
from workwire.rooms.offering.flow_graphs import Flaw, Node, flaws
from workwire.rooms.offering.models import ProcessVersion
from workwire.rooms.offering.version_graphs import VersionGraph


def flaws_of(version: ProcessVersion, found: VersionGraph) -> list[Flaw]:
    """The flaws of the graph of a case version; a condition names fields that are known in its step, answers only of earlier
    steps."""
    known: dict[int, conditions.KnownFields] = {}

    def is_valid(node: Node, tree: Mapping[str, Any]) -> bool:
        if node.stage not in known:
            known[node.stage] = known_fields(version, before=found.steps[node.stage])
        try:
            return not conditions.check(conditions.from_json(tree), known[node.stage])
        except Invalid:
            return False

    return flaws(found.graph, is_valid)
