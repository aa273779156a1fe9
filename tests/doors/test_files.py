"""Files through the REST API: uploads, downloads and their headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.doors.conftest import Caller
from workwire.rooms.files.models import StoredFile
from workwire.rooms.work.models import WorkItem

PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture(autouse=True)
def _one_mib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage of the test's own, with room for one MiB a file."""
    configured = settings.CONFIG.model_copy(update={"files_dir": tmp_path / "files", "largest_file_mb": 1})
    monkeypatch.setattr(settings, "CONFIG", configured)


@pytest.fixture
def ticket(open_ticket: Callable[..., WorkItem]) -> WorkItem:
    """A draft of the team member."""
    return open_ticket()


def _upload(caller: Caller, data: bytes, name: str = "paid.pdf") -> str:
    headers = {"Authorization": f"Bearer {caller.token}"}
    answer = Client().post("/api/v1/uploads", {"file": SimpleUploadedFile(name, data)}, headers=headers)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["guid"])


def _attached(caller: Caller, ticket: WorkItem, data: bytes, name: str = "paid.pdf") -> str:
    wish = {"upload": _upload(caller, data, name)}
    answer = caller.api("POST", f"/work-items/{ticket.guid}/files", wish)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["guid"])


def test_a_download_is_checked_and_nothing_runs_in_a_browser(
    member: Caller,
    narrow: Caller,
    ticket: WorkItem,
) -> None:
    page = _attached(member, ticket, b"<html><script>alert(1)</script></html>", 'x"; evil=\r\n.html')
    answer = member.api("GET", f"/files/{page}/content?inline=true")
    assert b"".join(answer.streaming_content).startswith(b"<html>")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "\n" not in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert narrow.api("GET", f"/files/{page}/content").status_code == 404
    assert narrow.api("GET", f"/files/{page}").status_code == 404
    shown = _attached(member, ticket, PDF)
    inline = member.api("GET", f"/files/{shown}/content?inline=true")
    assert inline.headers["Content-Disposition"].startswith("inline;")
    assert inline.headers["Content-Length"] == str(len(PDF))
    assert member.api("GET", f"/files/{shown}/content").headers["Content-Disposition"].startswith("attachment;")
    assert member.api("DELETE", f"/files/{shown}").status_code == 204
    assert member.api("GET", f"/files/{shown}/content").status_code == 404


def test_an_upload_is_one_file_of_a_decent_size(member: Caller) -> None:
    headers = {"Authorization": f"Bearer {member.token}"}

    def sent(files: dict[str, SimpleUploadedFile]) -> tuple[int, str]:
        answer = Client().post("/api/v1/uploads", files, headers=headers)
        return answer.status_code, answer.json()["code"]

    assert sent({}) == (422, "one_file_expected")
    two = {name: SimpleUploadedFile(name, b"x") for name in ("a", "b")}
    assert sent(two) == (422, "one_file_expected")
    assert sent({"a": SimpleUploadedFile("a", b"x" * (2 * 1024 * 1024))}) == (422, "file_too_large")
    assert not StoredFile.objects.exists()
