"""Which bytes may be the picture of an account: a small PNG, JPEG, WebP or GIF, told by its content and never by a name.

What is kept is written anew from the parts that show the picture: what else a file holds (where and with what it was taken,
comments, further frames, another file behind its end) is left out. Nothing is decoded here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workwire.kernel.errors import Invalid

MOST_BYTES = 200 * 1024
MOST_PIXELS = 1024  # in width and in height

_PNG, _JPEG, _GIFS = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", (b"GIF87a", b"GIF89a")
_PNG_PARTS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"})
_JPEG_TABLES = frozenset({0xC4, 0xDB, 0xDD})  # Huffman and quantization tables, restart interval
_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive; browsers show no others
_JFIF, _ADOBE, _SCAN, _END = 0xE0, 0xEE, 0xDA, 0xD9
_WEBP_PARTS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_HAS_ALPHA = 0x10


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture as it is kept."""

    media_type: str
    width: int
    height: int
    content: bytes


class _BrokenError(Exception):
    """A file that is not what it begins like."""


def checked(given: bytes) -> PictureFile:
    """The picture that some bytes are, without all that does not show it.

    Raises Invalid for more than `MOST_BYTES` or `MOST_PIXELS`, and for what is no whole picture of one of the four kinds.
    """
    if len(given) > MOST_BYTES:
        raise Invalid("picture_too_large", field="picture", most=MOST_BYTES // 1024)
    try:
        found = _reader(given)(given)
    except (_BrokenError, struct.error, IndexError) as error:
        raise Invalid("picture_unreadable", field="picture") from error
    if not (0 < found.width <= MOST_PIXELS and 0 < found.height <= MOST_PIXELS):
        raise Invalid("picture_too_wide", field="picture", most=MOST_PIXELS)
    return found


def _reader(given: bytes) -> Callable[[bytes], PictureFile]:
    if given.startswith(_PNG):
        return _png
    if given.startswith(_JPEG):
        return _jpeg
    if given.startswith(_GIFS):
        return _gif
    if given[:4] == b"RIFF" and given[8:12] == b"WEBP":
        return _webp
    raise _BrokenError


def _png(given: bytes) -> PictureFile:
    kept, size = [_PNG], (0, 0)
    kinds: list[bytes] = []
    for kind, whole, body in _png_parts(given):
        if kind not in _PNG_PARTS:
            continue
        if (kind == b"IHDR") is bool(kinds):  # the first, and only there
            raise _BrokenError
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        kinds.append(kind)
        kept.append(whole)
    if b"IDAT" not in kinds or kinds[-1] != b"IEND":
        raise _BrokenError
    return PictureFile("image/png", *size, b"".join(kept))


def _png_parts(given: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The kind of each part up to the end, the part as it is written, and what it holds."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", given, at)
        whole = given[at : at + 12 + length]
        kind, body = whole[4:8], whole[8:-4]
        if len(whole) != 12 + length or zlib.crc32(whole[4:-4]) != struct.unpack(">I", whole[-4:])[0]:
            raise _BrokenError
        yield kind, whole, body
        at += len(whole)


def _jpeg(given: bytes) -> PictureFile:
    kept, size, has_scan = [_JPEG], (0, 0), False
    for marker, whole in _jpeg_parts(given):
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", whole, 5)
            if size != (0, 0):
                raise _BrokenError
            size = (width, height)
        has_scan = has_scan or marker == _SCAN
        kept.append(whole)
    if not has_scan:
        raise _BrokenError
    return PictureFile("image/jpeg", *size, b"".join([*kept, bytes((0xFF, _END))]))


def _jpeg_parts(given: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers of the parts that show the picture, each with its part; a scan with the data behind it."""
    at = len(_JPEG)
    while True:
        if given[at] != 0xFF:
            raise _BrokenError
        marker = given[at + 1]
        if marker == _END:
            return
        if marker == 0xFF:  # a filler
            at += 1
            continue
        (length,) = struct.unpack_from(">H", given, at + 2)
        end = at + 2 + length
        if marker == _SCAN:
            end = _end_of_scan(given, end)
        whole = given[at:end]
        if length < 2 or end > len(given):
            raise _BrokenError
        if _shows(marker, whole):
            yield marker, whole
        at = end


def _shows(marker: int, whole: bytes) -> bool:
    if marker in (_JFIF, _ADOBE):
        return whole[4:].startswith((b"JFIF\0", b"Adobe"))
    if 0xE0 <= marker <= 0xEF or marker == 0xFE:  # where it was taken, thumbnails, comments
        return False
    if marker == _SCAN or marker in _JPEG_TABLES or marker in _JPEG_FRAMES:
        return True
    raise _BrokenError


def _end_of_scan(given: bytes, at: int) -> int:
    """Where the next marker stands behind the data of a scan, in which a 0xFF is followed by 0 or by a restart."""
    while True:
        at = given.find(b"\xff", at)
        if at < 0:
            raise _BrokenError
        if given[at + 1] != 0 and not 0xD0 <= given[at + 1] <= 0xD7:
            return at
        at += 2


def _gif(given: bytes) -> PictureFile:
    """Of several frames the first is kept: nothing moves beside a name."""
    width, height, packed = struct.unpack_from("<HHB", given, 6)
    at = 13 + _colours(packed)
    kept = [given[:at]]
    while True:
        kind = given[at]
        if kind == 0x21:
            end = _end_of_blocks(given, at + 2)
            if given[at + 1] == 0xF9:  # transparency
                kept[1:] = [given[at:end]]
            at = end
        elif kind == 0x2C:
            end = _end_of_blocks(given, at + 11 + _colours(given[at + 9]))
            if given[end] not in (0x21, 0x2C, 0x3B):  # more, or the end
                raise _BrokenError
            return PictureFile("image/gif", width, height, b"".join([*kept, given[at:end], b"\x3b"]))
        else:
            raise _BrokenError


def _colours(packed: int) -> int:
    """How many bytes a table of colours takes."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _end_of_blocks(given: bytes, at: int) -> int:
    """Where a row of blocks ends, of which each says its length and the last is empty."""
    while given[at]:
        at += given[at] + 1
    return at + 1


def _webp(given: bytes) -> PictureFile:
    parts, size, alpha = [], (0, 0), False
    for kind, body in _webp_parts(given):
        if kind in (b"ANIM", b"ANMF"):
            raise _BrokenError
        if kind in _WEBP_PARTS:
            parts.append(kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2))
        if kind == b"VP8 ":
            size = _size_of_lossy(body)
        elif kind == b"VP8L":
            size = _size_of_lossless(body)
        alpha = alpha or kind == b"ALPH"
    if size == (0, 0):
        raise _BrokenError
    if alpha:  # only the extended form has a part of its own for that
        canvas = b"".join(struct.pack("<I", one - 1)[:3] for one in size)
        parts.insert(0, b"VP8X" + struct.pack("<IB3x", 10, _HAS_ALPHA) + canvas)
    inner = b"WEBP" + b"".join(parts)
    return PictureFile("image/webp", *size, b"RIFF" + struct.pack("<I", len(inner)) + inner)


def _webp_parts(given: bytes) -> Iterator[tuple[bytes, bytes]]:
    (length,) = struct.unpack_from("<I", given, 4)
    at, end = 12, 8 + length
    if end > len(given):
        raise _BrokenError
    while at < end:
        kind, (size,) = given[at : at + 4], struct.unpack_from("<I", given, at + 4)
        body = given[at + 8 : at + 8 + size]
        if len(body) != size:
            raise _BrokenError
        yield kind, body
        at += 8 + size + size % 2


def _size_of_lossy(body: bytes) -> tuple[int, int]:
    if body[3:6] != b"\x9d\x01\x2a":
        raise _BrokenError
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _size_of_lossless(body: bytes) -> tuple[int, int]:
    if body[:1] != b"\x2f":
        raise _BrokenError
    (bits,) = struct.unpack_from("<I", body, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
