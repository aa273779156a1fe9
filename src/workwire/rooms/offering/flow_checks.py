"""What is wrong with the flow of a stored version, its conditions judged by the fields they may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workwire.kernel.errors import Invalid
from workwire.rooms.offering import conditions
from workwire.rooms.offering.condition_fields import known_fields
from workwire.rooms.offering.findings import Finding
from workwire.rooms.offering.flow_graphs import Flaw, Node, flaws, place_of
from workwire.rooms.offering.models import ProcessVersion
from workwire.rooms.offering.version_graphs import VersionGraph


def flaws_of(version: ProcessVersion, found: VersionGraph) -> list[Flaw]:
    """The flaws of the graph of a case version; a condition names fields that are known in its step, answers only of earlier
    steps."""
    known = _Known(version, found)

    def is_valid(node: Node, tree: Mapping[str, Any]) -> bool:
        try:
            return not known.check(node, tree)
        except Invalid:
            return False

    return flaws(found.graph, is_valid)


def findings_of_conditions(version: ProcessVersion, found: VersionGraph) -> list[Finding]:
    """What is wrong with the conditions of a case version, each finding at the branch of its node."""
    known = _Known(version, found)
    return [
        Finding(one.said, f"{place_of(node)}/branches/{branch.key}")
        for node in found.graph.nodes
        for branch in node.branches
        if branch.condition is not None
        for one in known.check(node, branch.condition)
    ]


class _Known:
    """The fields that conditions know in each step of a version, looked up once."""

    def __init__(self, version: ProcessVersion, found: VersionGraph) -> None:
        self.version, self.found = version, found
        self.by_stage: dict[int, conditions.KnownFields] = {}

    def check(self, node: Node, tree: Mapping[str, Any]) -> list[Finding]:
        """What is wrong with the condition of a branch of a node; raises Invalid for what is no condition at all."""
        if node.stage not in self.by_stage:
            self.by_stage[node.stage] = known_fields(self.version, before=self.found.steps[node.stage])
        return conditions.check(conditions.from_json(tree), self.by_stage[node.stage])
