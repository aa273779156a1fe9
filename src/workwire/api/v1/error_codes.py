"""What the code of a refusal says: the page that the `type` of every problem document names."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from workwire.api.v1.shapes import answers
from workwire.kernel.errors import not_found
from workwire.kernel.wording import say_plainly, wordings

router = Router(tags=["errors"])


class SentenceOut(Schema):
    """One sentence of a code, with places such as `{most}` for the parameters."""

    code: str
    sentence: str
    parameters: list[str]


class ErrorCodeOut(Schema):
    """What a code says; one code may have several sentences."""

    code: str
    sentences: list[SentenceOut]


@router.get("/errors/{code}", response=answers(ErrorCodeOut), operation_id="get_error_code")
def get_error_code(request: HttpRequest, code: str) -> dict[str, Any]:
    """Get what the code of an error says, in your language."""
    found = {
        full: wording
        for full, wording in wordings().items()
        if wording.kind == "refusal" and (full == code or full.partition(".")[0] == code)
    }
    if not found:
        raise not_found("error_code")
    return {
        "code": code.partition(".")[0],
        "sentences": [
            {"code": full, "sentence": say_plainly(full), "parameters": sorted(wording.parameters)}
            for full, wording in sorted(found.items())
        ],
    }
