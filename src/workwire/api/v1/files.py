"""Files: uploads, files of work items and their contents, file tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import Field, Query, Router, Schema, Status

from workwire.access import run_time_settings
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import CONTENT, LEFT_OUT, Guid, In, Listing, Maybe, Moment, answers, given, listing, rfc3339
from workwire.api.v1.spelling import SourceName, spelled
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, named
from workwire.kernel.pages import page
from workwire.rooms.files import commands, queries, sniffing
from workwire.rooms.work import commands as work
from workwire.rooms.work import item_files

if TYPE_CHECKING:
    from workwire.rooms.files.models import FileTag, ItemFile

router = Router(tags=["files"])
ROOM_FOR_FORM = 64 * 1024
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                    "required": ["file"],
                }
            }
        },
    }
}


class UploadOut(Schema):
    """An upload; it ends after a day unless it becomes a file of something."""

    guid: Guid
    file_name: str
    size: int
    digest: str
    media_type: str


class FileOut(Schema):
    """A file of a work item; `size` in bytes, `digest` its SHA-256 in hex, `tags` GUIDs of file tags."""

    guid: Guid
    file_name: str
    note: str
    source: SourceName
    size: int
    digest: str
    media_type: str
    tags: list[Guid]
    created_at: Moment


class FileChange(In):
    """Changes to a file: its note, tags to give and to take away. Its content and name never change."""

    note: str = LEFT_OUT
    add_tags: list[UUID] = []
    remove_tags: list[UUID] = []


class FileTagIn(In):
    """A file tag to make; files of a hidden one are not shown in self service."""

    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    is_hidden: bool = False


class FileTagChange(In):
    """Changes to a file tag; what is left out stays."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = LEFT_OUT
    description: str = LEFT_OUT
    is_hidden: bool = LEFT_OUT
    retired: bool = LEFT_OUT


class FileTagOut(Schema):
    """A file tag."""

    guid: Guid
    name: str
    description: str
    is_hidden: bool
    retired: bool
    version: int


@router.post("/uploads", response=answers(UploadOut, 201), operation_id="upload_file", openapi_extra=_FORM)
def upload(request: HttpRequest) -> Status[dict[str, Any]]:
    """Upload a file; it is kept for a day until a later request uses it."""
    by, file = actor(request), _uploaded(request)
    with named({"file_name": "file", "data": "file"}):
        kept = commands.prepare(file.chunks(), file.name or "", by=by)
    shown = _content(kept.stored) | {"guid": str(kept.guid), "file_name": kept.file_name}
    return Status(201, shown)


@router.get("/files/{uuid:guid}", response=answers(FileOut), operation_id="get_file")
def get_file(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one file of a work item."""
    by = actor(request)
    return file_out(item_files.file(guid, by=by), by)


@router.get("/files/{uuid:guid}/content", response=answers(None), operation_id="get_content", openapi_extra=CONTENT)
def get_content(request: HttpRequest, guid: UUID, inline: bool = False) -> Any:
    """Get the content of a file: as a download, or inline where asked for and harmless."""
    file = item_files.file(guid, by=actor(request))
    response = FileResponse(queries.contents(file.stored))
    headers = sniffing.download_headers(file.file_name, file.stored.media_type, inline=inline)
    for name, value in (headers | {"Content-Length": str(file.stored.size)}).items():
        response.headers[name] = value
    return response


@router.patch("/files/{uuid:guid}", response=answers(FileOut), operation_id="update_file")
def update_file(request: HttpRequest, guid: UUID, wish: Maybe[FileChange]) -> dict[str, Any]:
    """Change the note and tags of a file; this counts as a change of its work item."""
    by = actor(request)
    file = item_files.file(guid, by=by)
    tags = [commands.TagWish(tag) for tag in wish.add_tags]
    tags += [commands.TagWish(tag, retired=True) for tag in wish.remove_tags]
    with named({"files": "", "files.tags": "add_tags"}):
        work.update(file.work_item, by=by, files=[commands.FileWish(file.guid, note=wish.note, tags=tuple(tags))])
    return file_out(item_files.file(guid, by=by), by)


@router.delete("/files/{uuid:guid}", response=answers(None, 204), operation_id="remove_file")
def remove_file(request: HttpRequest, guid: UUID) -> Status[None]:
    """Remove a file from its work item; files that came with a mail cannot be removed."""
    by = actor(request)
    file = item_files.file(guid, by=by)
    with named({"files": None}):
        work.update(file.work_item, by=by, files=[commands.FileWish(file.guid, retired=True)])
    return Status(204, None)


@router.get("/file-tags", response=answers(Listing[FileTagOut]), operation_id="list_file_tags")
def list_file_tags(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all file tags."""
    by = actor(request)
    return listing(page(queries.tags(by=by), **paging.arguments()), _tag, by)


@router.post("/file-tags", response=answers(FileTagOut, 201), operation_id="create_file_tag")
def create_file_tag(request: HttpRequest, wish: FileTagIn) -> Status[dict[str, Any]]:
    """Create a file tag."""
    by = actor(request)
    return Status(201, once(request, lambda: _tag(commands.create_tag(by=by, **wish.dict()), by)))


@router.patch("/file-tags/{uuid:guid}", response=answers(FileTagOut), operation_id="update_file_tag")
def update_file_tag(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[FileTagChange]
) -> dict[str, Any]:
    """Change a file tag; files keep it."""
    by = actor(request)
    changed = commands.update_tag(queries.tag(guid, by=by), by=by, version=etags.wanted(request), **given(wish))
    etags.tag(response, changed.version)
    return _tag(changed, by)


def file_out(row: ItemFile, _actor: Actor) -> dict[str, Any]:
    """A file as it goes out."""
    return _content(row.stored) | {
        "guid": str(row.guid),
        "file_name": row.file_name,
        "note": row.note,
        "source": spelled(queries.Source(row.source)),
        "tags": [str(held.tag.guid) for held in row.tags.all()],
        "created_at": rfc3339(row.created_at),
    }


def _uploaded(request: HttpRequest) -> UploadedFile[Any]:
    """The one file of a multipart form; raises Invalid, before anything is read for one that is too large."""
    most = run_time_settings.value_of("largest_file_mb") * 1024 * 1024 + ROOM_FOR_FORM
    written = request.headers.get("Content-Length", "")
    if written.isdecimal() and int(written) > most:
        raise Invalid("file_too_large", field="file", most=run_time_settings.value_of("largest_file_mb"))
    try:
        found = [file for _, files in request.FILES.lists() for file in files]
    except MultiPartParserError as error:
        raise Invalid("form_broken", field="file") from error
    if len(found) != 1:
        raise Invalid("one_file_expected", field="file")
    return found[0]


def _content(stored: Any) -> dict[str, Any]:
    return {"size": stored.size, "digest": stored.digest, "media_type": stored.media_type}


def _tag(row: FileTag, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "is_hidden": row.is_hidden,
        "retired": row.retired,
        "version": row.version,
    }
