"""Trying a version of a case process: what a case would do, deed by deed. Nothing of it is kept."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from workwire.api.auth import actor
from workwire.api.v1.shapes import Guid, In, Maybe, Moment, StatementOut, answers, rfc3339
from workwire.api.v1.spelling import ChecklistResultName, chosen
from workwire.api.v1.work.flows import ReworkPlace
from workwire.kernel.wording import Statement
from workwire.rooms.work import queries, version_trials
from workwire.rooms.work.version_trials import Deed, Told, What

router = Router(tags=["building"])


class TrialDeedIn(In):
    """One thing that somebody does: `complete` or `fail` the action of a node, `continue` a case that halted, or `rework` from
    a step, or from the action of a node in it. `custom_data` is written by it; `answers` are given to lines of checklists, by
    their GUIDs."""

    what: Literal["complete", "fail", "continue", "rework"]
    node: UUID | None = None
    step: int | None = None
    custom_data: dict[str, Any] = {}
    answers: dict[UUID, ChecklistResultName] = {}


class TrialIn(In):
    """What the case begins with, the names of the tags that its files have, and what is done, in order."""

    custom_data: dict[str, Any] = {}
    file_tags: Annotated[list[str], Field(max_length=100)] = []
    deeds: Annotated[list[TrialDeedIn], Field(max_length=version_trials.MOST_DEEDS)] = []


class TrialEventOut(Schema):
    """What comes of a deed, and why; they are counted from 1, and 0 is the beginning. `node` is the node it is about,
    `due_date` that of an action that starts."""

    deed: int
    said: StatementOut
    because: list[StatementOut]
    node: Guid | None
    due_date: Moment | None


class VersionTrialOut(Schema):
    """The story of a trial, where the case would stand afterwards, the nodes of the actions that would be under way, and from
    where it might be worked again."""

    story: list[TrialEventOut]
    phase: Literal["running", "halted", "over"]
    step: int
    running: list[Guid]
    rework: list[ReworkPlace]


@router.post(
    "/process-versions/{uuid:guid}/trials", response=answers(VersionTrialOut), operation_id="try_process_version"
)
def try_process_version(request: HttpRequest, guid: UUID, wish: Maybe[TrialIn]) -> dict[str, Any]:
    """Try a version of a case process, a draft too: what a case would do, and why; builders only. Nothing is kept, and no
    work, queue, number or webhook knows of it: send all deeds so far, and the next one."""
    found = version_trials.try_version(
        guid,
        [_deed(one) for one in wish.deeds],
        by=actor(request),
        custom_data=wish.custom_data,
        file_tags=frozenset(wish.file_tags),
    )
    return {
        "story": [_told(one) for one in found.story],
        "phase": found.phase.value,
        "step": found.step,
        "running": list(found.running),
        "rework": [{"step": point.stage, "node": point.node or None} for point in found.rework],
    }


def _deed(wish: TrialDeedIn) -> Deed:
    given = {line: chosen(queries.ChecklistResult, result).label for line, result in wish.answers.items()}
    return Deed(What(wish.what), wish.node, wish.step, wish.custom_data, given)


def _told(one: Told) -> dict[str, Any]:
    return {
        "deed": one.deed,
        "said": _said(one.said),
        "because": [_said(why) for why in one.because],
        "node": one.node or None,
        "due_date": rfc3339(one.due),
    }


def _said(said: Statement) -> dict[str, Any]:
    return said.as_json() | {"sentence": said.sentence()}
