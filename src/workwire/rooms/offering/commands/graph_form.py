"""The graph form of a flow: all steps, nodes and edges of a draft, saved at once."""

from __future__ import annotations

from django.db import transaction

from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, refusal_of
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.flow_rows import FlowRows
from workwire.rooms.offering.commands.flow_wishes import MOST_STEPS, FlowWish
from workwire.rooms.offering.findings import Severity
from workwire.rooms.offering.flow_checks import findings_of_conditions
from workwire.rooms.offering.flow_graphs import NodeKind, flaws
from workwire.rooms.offering.models import ProcessType, ProcessVersion
from workwire.rooms.offering.version_graphs import graph_of

MOST_NODES, MOST_EDGES, MOST_BRANCHES = 1000, 3000, 50


@transaction.atomic
def save_flow(version: ProcessVersion, wish: FlowWish, *, by: Actor, revision: int | None = None) -> ProcessVersion:
    """Give the draft of a case process the flow that is wished for: steps, nodes and actions with a known key stay what they
    are, the others are new, and what is not named goes. Raises Invalid for a flow that must not be saved, Conflict for a
    revision that has passed."""
    version = versions.draft(version, ProcessType.CASE, by, revision)
    _check(wish)
    rows = FlowRows(version)
    if [(step.identity, step.name) for step in rows.steps if step.number > versions.AD_HOC] != [
        (step.key, text.name(step.name)) for step in wish.steps
    ]:
        versions.check_own_steps(version)
    changes = rows.save(wish)
    _check_conditions(version, wish)
    versions.record_change(version, f"flow of {len(wish.steps)} steps and {len(wish.nodes)} nodes saved", by, changes)
    return version


def _check(wish: FlowWish) -> None:
    for given, most, field in (
        (wish.steps, MOST_STEPS, "steps"),
        (wish.nodes, MOST_NODES, "nodes"),
        (wish.edges, MOST_EDGES, "edges"),
        (wish.ad_hoc or (), MOST_NODES, "ad_hoc"),
        *((node.branches, MOST_BRANCHES, "branches") for node in wish.nodes),
    ):
        if len(given) > most:
            raise Invalid("flow_too_large", field=field, most=most)
    keys = [step.key for step in wish.steps if step.key is not None]
    if len(set(keys)) < len(keys):
        raise Invalid("flow_step_twice", field="steps")
    actions = {node.key for node in wish.nodes if node.kind == NodeKind.ACTION}
    if actions != wish.actions.keys():
        raise Invalid("flow_action_missing", field="nodes")
    if (wish.ad_hoc or {}).keys() & {node.key for node in wish.nodes}:
        raise Invalid("flow_action_twice", field="ad_hoc")
    for flaw in flaws(wish.graph):
        if flaw.severity == Severity.MUST:
            raise Invalid(flaw.code, field="nodes", node=flaw.name or flaw.node, step=flaw.stage)


def _check_conditions(version: ProcessVersion, wish: FlowWish) -> None:
    """Raise Invalid for a condition that must not be saved, with its place as the field."""
    if any(node.branches for node in wish.nodes):
        for finding in findings_of_conditions(version, graph_of(version.pk)):
            if finding.severity == Severity.MUST:
                raise refusal_of(finding.said, Invalid, field=finding.place)
