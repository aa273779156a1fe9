"""What is wrong with a version, a flow or a condition: a code with parameters, how much it matters, and where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workwire.kernel.wording import Statement


class Severity(StrEnum):
    """What a finding forbids: to save at all, to go live (or into testing), or nothing."""

    MUST = "must"
    BEFORE_LIVE = "before_live"
    ADVICE = "advice"


SEVERITIES: Mapping[str, Severity] = {
    "finding_condition_answer": Severity.MUST,
    "finding_condition_argument": Severity.MUST,
    "finding_condition_choice": Severity.MUST,
    "finding_condition_contains_nothing": Severity.MUST,
    "finding_condition_days": Severity.MUST,
    "finding_condition_field": Severity.MUST,
    "finding_condition_field.nearest": Severity.MUST,
    "finding_condition_line": Severity.BEFORE_LIVE,
    "finding_condition_operator": Severity.MUST,
    "finding_condition_retired": Severity.BEFORE_LIVE,
    "finding_condition_types": Severity.MUST,
    "finding_due_date_name": Severity.ADVICE,
    "finding_due_field": Severity.BEFORE_LIVE,
    "finding_due_field_kind": Severity.BEFORE_LIVE,
    "finding_due_without_schedule": Severity.BEFORE_LIVE,
    "finding_job_position_retired": Severity.BEFORE_LIVE,
    "finding_no_allocation": Severity.ADVICE,
    "finding_no_category": Severity.BEFORE_LIVE,
    "finding_no_due_date": Severity.ADVICE,
    "finding_no_step": Severity.BEFORE_LIVE,
    "finding_person_retired": Severity.BEFORE_LIVE,
    "finding_person_without_queue": Severity.ADVICE,
    "finding_queue_retired": Severity.BEFORE_LIVE,
    "finding_schedule_retired": Severity.BEFORE_LIVE,
    "finding_step_empty": Severity.BEFORE_LIVE,
    "finding_steps_outdated": Severity.ADVICE,
    "flow_branch_twice": Severity.MUST,
    "flow_branches_without_condition": Severity.MUST,
    "flow_condition_invalid": Severity.BEFORE_LIVE,
    "flow_condition_without_branch": Severity.BEFORE_LIVE,
    "flow_cycle": Severity.MUST,
    "flow_edge_across_steps": Severity.MUST,
    "flow_edge_of_no_branch": Severity.MUST,
    "flow_edge_twice": Severity.MUST,
    "flow_edge_unknown": Severity.MUST,
    "flow_end_not_last": Severity.MUST,
    "flow_join_without_merge": Severity.MUST,
    "flow_merge_of_one": Severity.BEFORE_LIVE,
    "flow_node_twice": Severity.MUST,
    "flow_otherwise_missing": Severity.BEFORE_LIVE,
    "flow_otherwise_not_last": Severity.MUST,
    "flow_stage_twice": Severity.MUST,
    "flow_stage_unknown": Severity.MUST,
    "flow_unreachable": Severity.BEFORE_LIVE,
}
"""Every finding there is: what its code forbids."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `place` says where, as a path joined by slashes; empty for the whole."""

    said: Statement
    place: str = ""

    @property
    def severity(self) -> Severity:
        """What the finding forbids."""
        return SEVERITIES[self.said.code]


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that keep a version from going live."""
    return [finding for finding in findings if finding.severity != Severity.ADVICE]
