"""The reference page of errors: every code with its kinds, sentence and parameters, and where it is raised."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from workwire.kernel.wording import Wording, say_plainly, wordings

SOURCE = Path(__file__).parents[2]
STATUS = {
    "Invalid": 422,
    "TooLarge": 413,
    "NotFound": 404,
    "Forbidden": 403,
    "Unauthenticated": 401,
    "Conflict": 409,
    "Limited": 429,
    "Away": 503,
}
HEAD = """# Errors

A refusal is a code with parameters; its sentence is made in the language of the caller. The REST API answers a problem
document with `code`, `parameters`, `detail` (the sentence), `field` where one is at fault, and a `type` that names the
sentence where a code has several: the part behind the dot. The status is that of the REST API; the documented web API has its
own (see [documented web API](web-api.md)). Codes stay; sentences may change.
"""


def errors() -> str:
    """The page: refusals by room, then explanations."""
    raised = _raised()
    parts = [HEAD]
    for title, kind in (("Refusals", "refusal"), ("Explanations", "explanation")):
        parts += [
            f"\n## {title}\n",
            "| code | status | sentence | parameters | room |",
            "| --- | --- | --- | --- | --- |",
        ]
        for code, one in sorted(wordings().items()):
            if one.kind == kind:
                parts.append(_row(code, one, raised.get(code, set())))
    return "\n".join([*parts, ""])


def _row(code: str, one: Wording, kinds: set[str]) -> str:
    if code.partition(".")[0].endswith("_not_found"):
        kinds = kinds or {"NotFound"}
    status = ", ".join(str(STATUS[kind]) for kind in sorted(kinds & STATUS.keys()))
    sentence = say_plainly(code).replace("|", "\\|")
    names = ", ".join(f"`{name}`" for name in sorted(one.parameters))
    return f"| `{code}` | {status} | {sentence} | {names} | {one.room} |"


def _raised() -> dict[str, set[str]]:
    """The kinds of error that each code is raised as, where the code is written out."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", "")
                if name in STATUS:
                    found[str(node.args[0].value)].add(name)
    return found
