"""Small pictures of every kind that an account may have, made byte by byte, with what is not to be kept inside."""

from __future__ import annotations

import struct
import zlib

PLACE = b"GPS 52.5,13.4"  # what a camera writes beside the picture
BEHIND = b"<script>alert(1)</script>"  # what may hide behind the end


def png(width: int = 2, height: int = 2) -> bytes:
    """A grey PNG."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x99" * width for _ in range(height)))
    parts = [_png_part(b"IHDR", head), _png_part(b"eXIf", PLACE), _png_part(b"IDAT", rows), _png_part(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + BEHIND


def jpeg(width: int = 2, height: int = 3) -> bytes:
    """The frame of a JPEG with some data; no decoder looks at it here."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    parts = [
        _jpeg_part(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        _jpeg_part(0xE1, b"Exif\0\0" + PLACE),
        _jpeg_part(0xFE, PLACE),
        _jpeg_part(0xDB, bytes(65)),
        _jpeg_part(0xC0, frame),
        _jpeg_part(0xC4, bytes(20)),
        _jpeg_part(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56",
    ]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9" + BEHIND


def gif(width: int = 1, height: int = 1) -> bytes:
    """A GIF of two frames, with a comment."""
    colours = bytes(6)
    comment = b"\x21\xfe" + bytes((len(PLACE),)) + PLACE + b"\0"
    frame = b"\x21\xf9\x04\x01\0\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + colours + comment + frame * 2 + b"\x3b" + BEHIND
    )


def webp(width: int = 4, height: int = 5, *, moves: bool = False) -> bytes:
    """The frame of a lossless WebP in the extended form, with what a camera writes."""
    bits = (width - 1) | (height - 1) << 14
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    parts = [
        _webp_part(b"VP8X", b"\x08\0\0\0" + canvas),
        *([_webp_part(b"ANIM", bytes(6))] if moves else []),
        _webp_part(b"VP8L", b"\x2f" + struct.pack("<I", bits) + b"\x88\x88\x08"),
        _webp_part(b"EXIF", PLACE),
    ]
    inner = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(inner)) + inner + BEHIND


def _png_part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg_part(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _webp_part(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
