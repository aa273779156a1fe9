"""Export the files of a case: those of the case and of its actions and sub-cases, each proved by its SHA-256."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.client import Workwire


def family(workwire: Workwire, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A work item and all below it."""
    yield item
    for child in workwire.each("/work-items", parent=item["guid"]):
        yield from family(workwire, child)


def export(workwire: Workwire, reference: str, folder: Path) -> list[dict[str, Any]]:
    """Write the files into a folder for each item and `manifest.json` beside them; returns what the manifest says."""
    case = next(workwire.each("/work-items", reference=reference), None)
    if case is None:
        raise SystemExit(f"There is no {reference}, or this account may not see it.")
    manifest, written = [], set()
    for item in family(workwire, case):
        for file in workwire.each(f"/work-items/{item['guid']}/files"):
            if file["guid"] in written:  # a family may share its files
                continue
            written.add(file["guid"])
            content = workwire.content(f"/files/{file['guid']}/content")
            if hashlib.sha256(content).hexdigest() != file["digest"]:
                raise SystemExit(f"{file['file_name']} did not come as it is; try again.")
            path = folder / item["reference"] / f"{file['guid'][-8:]} {Path(file['file_name']).name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            manifest.append({"file": str(path.relative_to(folder)), "sha256": file["digest"], "note": file["note"]})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


def main() -> None:
    """Take a reference and a folder as arguments."""
    if len(sys.argv) != 3:
        raise SystemExit("Say a reference and a folder: python -m examples.export_files 40308-C exported")
    for file in export(Workwire.from_environment(), sys.argv[1], Path(sys.argv[2])):
        print(file["file"])


if __name__ == "__main__":
    main()
