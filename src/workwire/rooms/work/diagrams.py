"""The page docs/work-item-states.md, drawn from the table of transitions.

A test compares it with the committed page and says how to draw it anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.transitions import RULES

_HEAD = """# The states of work items

Drawn from the table in `workwire.rooms.work.transitions`, which is also what the code obeys. *Take or edit* assigns the
item to whoever does it. Without a feedback window a resolved ticket or case is closed at once; an action has no such window.
"""


def page() -> str:
    """The whole page, one diagram for each kind of work item."""
    kinds = (ProcessType.TICKET, ProcessType.CASE, ProcessType.ACTION)
    return _HEAD + "".join(f"\n## {kind.label}\n\n```mermaid\n{diagram(kind)}\n```\n" for kind in kinds)


def diagram(kind: ProcessType) -> str:
    """The Mermaid state diagram of one kind of work item."""
    return "\n".join(["stateDiagram-v2", *_arrows(kind), "    Closed --> [*]"])


def _arrows(kind: ProcessType) -> Iterator[str]:
    for rule in RULES:
        if kind in rule.kinds:
            for source in [status.label for status in rule.sources] or ["[*]"]:
                for target in rule.targets:
                    yield f"    {source} --> {target.label}: {rule.move.value}"
