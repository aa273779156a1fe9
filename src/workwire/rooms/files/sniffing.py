"""What a content is, told by its first bytes and never by its name; and the headers under which it is given out."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

import puremagic

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
SAFE_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", TEXT})
_WRITTEN_IN_ASCII = {b"%PDF-": "application/pdf", b"GIF87a": "image/gif", b"GIF89a": "image/gif"}
_RUNS_IN_BROWSERS = re.compile(r"html|xml|svg|script|x-shockwave|wasm", re.IGNORECASE)
_LOOKS_LIKE_MARKUP = re.compile(
    rb"<\s*(?:!doctype|\?xml|html|head|body|script|svg|iframe|style)\b|^\s*<", re.IGNORECASE
)


def media_type(head: bytes) -> str:
    """The media type of a content by its first bytes; what a browser would run counts as unknown."""
    for magic, kind in _WRITTEN_IN_ASCII.items():
        if head.startswith(magic):
            return kind
    if _is_text(head):
        return UNKNOWN if _LOOKS_LIKE_MARKUP.search(head) else TEXT
    try:
        found = str(puremagic.from_string(head, mime=True)) if head else ""
    except (puremagic.PureError, ValueError):
        found = ""
    return UNKNOWN if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", found) or _RUNS_IN_BROWSERS.search(found) else found


def download_headers(name: str, media_type: str, *, inline: bool = False) -> dict[str, str]:
    """The headers under which a file is given out: as an attachment unless it is asked for inline and harmless there."""
    harmless = media_type in SAFE_INLINE
    kind = "inline" if inline and harmless else "attachment"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fallback = re.sub(r"[^A-Za-z0-9 ._()+-]", "_", plain).strip() or "file"
    return {
        "Content-Type": f"{TEXT}; charset=utf-8" if media_type == TEXT else media_type if harmless else UNKNOWN,
        "Content-Disposition": f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


def _is_text(head: bytes) -> bool:
    if not head or b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return True
