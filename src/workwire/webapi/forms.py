"""Multipart forms, read by a parser that also takes a file whose part has no name, as some clients send it.

Files wait in temporary files without a name in any folder, so nothing stays behind however the process ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from email.message import Message
from typing import IO, Protocol, cast

from django.core.files.uploadedfile import UploadedFile
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from workwire.kernel.errors import Invalid

PIECE = 64 * 1024  # bytes read at a time
KEPT_IN_MEMORY = 1024 * 1024  # bytes of a file
MOST_PARTS, LONGEST_HEADERS, LONGEST_FIELD = 100, 8 * 1024, 64 * 1024


class FormBroken(Invalid):
    """The body is not a multipart form that is read here."""


class Source(Protocol):
    """Where the bytes of a body come from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, none at the end."""


class _Part:
    """One part under way: a field, or a file."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.size = 0
        self.content: IO[bytes] = cast("IO[bytes]", tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY))  # noqa: SIM115 - closed with the part
        self.name = self.file_name = ""

    def begin(self) -> None:
        """The headers are complete."""
        said = Message()  # reads file names in every encoding of RFC 2231
        said["Content-Disposition"] = self.headers.get("content-disposition", "")
        self.name = str(said.get_param("name", "", "Content-Disposition"))
        self.file_name = said.get_filename() or ""

    @property
    def is_file(self) -> bool:
        """Whether it has the name of a file."""
        return bool(self.file_name)

    def take(self, data: bytes) -> None:
        """Keep a piece of the content; raises FormBroken for a field that is too long."""
        self.size += len(data)
        if not self.is_file and self.size > LONGEST_FIELD:
            raise FormBroken("form_broken.field_too_long", most=LONGEST_FIELD)
        self.content.write(data)

    def text(self) -> str:
        """The content of a field."""
        self.content.seek(0)
        return self.content.read().decode(errors="replace")

    def upload(self) -> UploadedFile[bytes]:
        """The file, to be read from its beginning."""
        self.content.seek(0)
        return UploadedFile(self.content, self.file_name, size=self.size)


class _Reader:
    """Gathers the parts as the parser tells of them."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self._name, self._value, self._length = bytearray(), bytearray(), 0
        self.callbacks = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._gather(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._gather(self._value, data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": lambda: self.parts[-1].begin(),
            "on_part_data": lambda data, start, end: self.parts[-1].take(data[start:end]),
        }

    def _begin(self) -> None:
        if len(self.parts) == MOST_PARTS:
            raise FormBroken("form_broken.too_many_parts", most=MOST_PARTS)
        self.parts.append(_Part())
        self._length = 0

    def _gather(self, into: bytearray, data: bytes) -> None:
        self._length += len(data)
        if self._length > LONGEST_HEADERS:
            raise FormBroken("form_broken.headers_too_long", most=LONGEST_HEADERS)
        into += data

    def _header(self) -> None:
        self.parts[-1].headers[self._name.decode("latin-1").lower()] = self._value.decode(errors="replace")
        self._name, self._value = bytearray(), bytearray()


def read_form(source: Source, content_type: str) -> tuple[dict[str, str], list[UploadedFile[bytes]]]:
    """The fields by name and the files of a form, in their order; raises FormBroken."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary or len(boundary) > 200:
        raise FormBroken("form_broken.no_boundary")
    reader, ended = _Reader(), []
    callbacks = reader.callbacks | {"on_end": lambda: ended.append(True)}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]  # the callbacks of its documentation
        for piece in _pieces(source):
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise FormBroken("form_broken") from error
    if not ended:
        raise FormBroken("form_broken.cut_off")
    fields = {part.name: part.text() for part in reader.parts if not part.is_file}
    return fields, [part.upload() for part in reader.parts if part.is_file]


def _pieces(source: Source) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece
