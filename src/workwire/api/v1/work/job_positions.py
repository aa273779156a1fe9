"""Job positions: what several people are, so that work goes to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from workwire.access import queries as access
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.work import commands, positions_held

if TYPE_CHECKING:
    from workwire.rooms.work.models import JobPosition

router = Router()


class JobPositionIn(In):
    """A job position to make; its holders by GUID."""

    name: Name
    description: str = ""
    holders: list[UUID] = []


class JobPositionChange(In):
    """Changes to a job position; what is left out stays, the list of holders is replaced whole."""

    name: Name = LEFT_OUT
    description: str = LEFT_OUT
    retired: bool = LEFT_OUT
    holders: list[UUID] = LEFT_OUT


class JobPositionOut(Schema):
    """A job position."""

    guid: Guid
    name: str
    description: str
    retired: bool
    holders: list[Guid]
    version: int


@router.get("/job-positions", response=answers(Listing[JobPositionOut]), operation_id="list_job_positions")
def list_job_positions(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all job positions; for roles that configure processes or queues, or give out work."""
    by = actor(request)
    return listing(page(positions_held.job_positions(by=by), **paging.arguments()), _job_position, by)


@router.post("/job-positions", response=answers(JobPositionOut, 201), operation_id="create_job_position")
def create_job_position(request: HttpRequest, wish: JobPositionIn) -> Status[dict[str, Any]]:
    """Create a job position."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = _with_holders(wish.dict(exclude={"name"}), by)
        return _job_position(commands.create_job_position(wish.name, by=by, **fields), by)

    return Status(201, once(request, create))


@router.get("/job-positions/{uuid:guid}", response=answers(JobPositionOut), operation_id="get_job_position")
def get_job_position(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one job position."""
    found = positions_held.job_position(guid, by=actor(request))
    etags.tag(response, found.version)
    return _job_position(found, actor(request))


@router.patch("/job-positions/{uuid:guid}", response=answers(JobPositionOut), operation_id="update_job_position")
def update_job_position(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[JobPositionChange]
) -> dict[str, Any]:
    """Change a job position; what its holders were given stays with them."""
    by = actor(request)
    found = positions_held.job_position(guid, by=by)
    changed = commands.update_job_position(
        found, by=by, version=etags.wanted(request), **_with_holders(given(wish), by)
    )
    etags.tag(response, changed.version)
    return _job_position(changed, by)


def _with_holders(fields: dict[str, Any], by: Actor) -> Any:
    """The fields of a job position with accounts in the place of their GUIDs."""
    return fields | {"holders": access.users(fields["holders"], by=by)} if "holders" in fields else fields


def _job_position(row: JobPosition, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "retired": row.retired,
        "holders": [str(user.guid) for user in row.holders.all()],
        "version": row.version,
    }
