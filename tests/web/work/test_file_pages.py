"""Files of a work item in the browser."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import FileResponse
from django.test import Client

from tests.support.organisation import Organisation
from tests.web import gallery
from workwire.rooms.files.models import ItemFile


def test_a_file_is_attached_and_its_content_got(organisation: Organisation) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    item = gallery.items(organisation)["plain"]
    address = f"/work/{item.guid}/attach"
    content = b"%PDF-1.7 <script>alert(1)</script>"
    sent = browser.post(address, {"file": SimpleUploadedFile("../proof.pdf", content), "note": "Signed."})
    assert sent.status_code == 303
    kept = ItemFile.objects.get(work_item=item)
    assert (kept.file_name, kept.note) == ("proof.pdf", "Signed.")
    assert f"/files/{kept.guid}" in browser.get(f"/work/{item.guid}").content.decode()
    got = browser.get(f"/files/{kept.guid}")
    assert isinstance(got, FileResponse)
    assert b"".join(got.streaming_content) == content
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_none_or_too_large_is_refused(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = gallery.signed_in(organisation.accounts["team member"])
    item = gallery.items(organisation)["plain"]
    address = f"/work/{item.guid}/attach"
    assert browser.post(address, {}).status_code == 422
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"largest_file_mb": 1}))
    large = SimpleUploadedFile("large.bin", b"x" * (1024 * 1024 + 1))
    refused = browser.post(address, {"file": large})
    assert refused.status_code == 422
    assert "This was not saved" in refused.content.decode()
    huge = SimpleUploadedFile("huge.bin", b"x" * (1024 * 1024 + 300_000))
    assert browser.post(address, {"file": huge}).status_code == 413
    assert browser.post(f"/work/{item.guid}/say", {"body": "x" * 300_000}).status_code == 413
    assert Client().post(address, {"file": SimpleUploadedFile("some.bin", b"x" * 100_000)}).status_code == 413
    assert not ItemFile.objects.filter(work_item=item).exists()


def test_nobody_attaches_or_gets_what_is_not_theirs(organisation: Organisation) -> None:
    accounts, items = gallery.accounts(organisation), gallery.items(organisation)
    kept = ItemFile.objects.filter(work_item=items["with files"]).order_by("pk")[0]
    guest, sam = gallery.signed_in(accounts["guest"]), gallery.signed_in(accounts["self service"])
    for browser in (guest, sam):
        assert browser.get(f"/files/{kept.guid}").status_code == 404
        assert browser.post(f"/work/{items['with files'].guid}/attach").status_code == 404
