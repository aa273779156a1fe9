"""Files through the REST API: uploads, downloads and their headers."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.doors.conftest import Caller
from workwire.rooms.files.models import StoredFile, TemporaryFile
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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_file_is_no_mistake_of_ours_and_worth_another_try(
    number: int, member: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    headers = {"Authorization": f"Bearer {member.token}"}
    with monkeypatch.context() as patch:
        patch.setattr("workwire.rooms.files.storage.os.fsync", full)
        ours = Client().post("/api/v1/uploads", {"file": SimpleUploadedFile("paid.pdf", PDF)}, headers=headers)
        documented = Client().post(
            f"/webapi/Packet/PrepareNewFile?authToken={member.token}", {"file": SimpleUploadedFile("paid.pdf", PDF)}
        )
    assert (ours.status_code, ours.json()["code"], ours.headers["Retry-After"]) == (503, "disk_away", "5")
    assert (documented.status_code, documented.headers["Retry-After"]) == (503, "5")
    assert "full" in documented.headers["Reason"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not StoredFile.objects.exists()
    _upload(member, PDF)


def test_a_full_disk_for_what_is_being_uploaded_is_told_as_well(
    member: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("workwire.web.unnamed_files.tempfile.TemporaryFile", full)
    monkeypatch.setattr("workwire.webapi.forms._Part.take", full)
    monkeypatch.setattr(settings, "FILE_UPLOAD_MAX_MEMORY_SIZE", 10)
    headers = {"Authorization": f"Bearer {member.token}"}
    answer = Client().post("/api/v1/uploads", {"file": SimpleUploadedFile("paid.pdf", PDF)}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "disk_away")
    documented = _posted(member, _form("Content-Disposition: attachment; filename=paid.pdf"))
    assert (documented.status_code, documented.headers["Retry-After"]) == (503, "5")
    assert not TemporaryFile.objects.exists()


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error_of_ours(
    member: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def left(*_given: object) -> bytes:
        raise OSError("the client left before its body had come")

    monkeypatch.setattr("django.test.client.FakePayload.read", left)
    headers = {"Authorization": f"Bearer {member.token}"}
    ours = Client().post("/api/v1/uploads", {"file": SimpleUploadedFile("paid.pdf", PDF)}, headers=headers)
    json_of_ours = Client().post("/api/v1/tickets", {"title": "x"}, content_type="application/json", headers=headers)
    documented = _posted(member, _form("Content-Disposition: attachment; filename=paid.pdf"))
    form = Client().generic(
        "POST", f"/webapi/Ticket/Create?authToken={member.token}", b"{}", content_type="application/json"
    )
    assert [one.status_code for one in (ours, json_of_ours, documented, form)] == [400] * 4
    assert "broke off" in documented.json()["Message"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert not TemporaryFile.objects.exists()


def _posted(member: Caller, body: bytes, boundary: str = "b") -> Any:
    url = f"/webapi/Packet/PrepareNewFile?authToken={member.token}"
    return Client().generic("POST", url, body, f"multipart/form-data; boundary={boundary}")


def _form(head: str, content: bytes = PDF) -> bytes:
    return b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("Content-Disposition: attachment; filename=paid.pdf", "paid.pdf"),
        (
            'Content-Disposition: form-data; name="file"; filename="paid.pdf"\r\nContent-Type: application/pdf',
            "paid.pdf",
        ),
        ("content-disposition: attachment; filename*=UTF-8''bezahlt%20%C3%BC.pdf", "bezahlt ü.pdf"),
    ],
)
def test_a_file_is_taken_whether_its_part_has_a_name_or_not(member: Caller, head: str, name: str) -> None:
    answer = _posted(member, _form(head))
    assert answer.status_code == 200, answer.content
    kept = TemporaryFile.objects.get(guid=answer.json())
    assert (kept.file_name, kept.stored.size) == (name, len(PDF))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of a form",
        b"--b\r\nContent-Disposition: attachment; filename=x.pdf\r\n\r\nhalf",
        _form("X: " + "y" * 9000),
        _form("Content-Disposition: form-data; name=note", b"n" * 70_000),
        b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 101 + b"--b--\r\n",
        _form("Content-Disposition: form-data; name=note", b"no file"),
    ],
    ids=["empty", "no form", "cut", "long headers", "long field", "many parts", "no file"],
)
def test_a_form_that_is_none_or_too_much_is_a_bad_request_and_keeps_nothing(member: Caller, body: bytes) -> None:
    answer = _posted(member, body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["Message"]
    assert not TemporaryFile.objects.exists()
