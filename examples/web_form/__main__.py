"""A web form whose answers become tickets: what a customer types is a submitted ticket in the right queue."""

from __future__ import annotations

import html
import os
import threading
import urllib.error
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from examples.client import Workwire
from examples.receiving import until_stopped

LONGEST = 64 * 1024  # bytes of a filled-in form
PAGE = """<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1>{content}</html>"""
FORM = """{problem}<form method="post"><input type="hidden" name="key" value="{key}">
<p><label>Subject <input name="title" required maxlength="500" value="{subject}"></label></p>
<p><label>What is it? <textarea name="description">{description}</textarea></label></p>
<p><button>Send</button></p></form>"""


class Desk:
    """Makes tickets of one process; PROCESS is the GUID of a live version, the first one of the account unless it is named."""

    def __init__(self, workwire: Workwire) -> None:
        self._workwire = workwire
        live = workwire.each("/process-versions", kind="ticket")
        self._version = os.environ.get("PROCESS") or next(live)["guid"]
        categories = workwire.get(f"/process-versions/{self._version}")["categories"]
        parents = {one["parent"] for one in categories}
        self._category = next((one["guid"] for one in categories if one["guid"] not in parents), None)

    def open_ticket(self, title: str, description: str, key: str) -> str:
        """The reference of the ticket; a form sent twice, which has the same key, is one ticket."""
        wanted = {"process_version": self._version, "title": title, "description": description, "submit": True}
        if self._category:
            wanted["category"] = self._category
        return str(self._workwire.post("/tickets", wanted, key=key)["reference"])


def handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    """Answers GET with the form and POST with the reference, or with the form and what is wrong."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._show(200, "How can we help?", _form())

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            if size > LONGEST:
                return self._show(413, "Too long", "Please send less.")
            said = {name: values[0] for name, values in parse_qs(self.rfile.read(size).decode()).items()}
            title, description, key = (said.get(name, "") for name in ("title", "description", "key"))
            try:
                reference = desk.open_ticket(title, description, key or str(uuid.uuid4()))
            except urllib.error.HTTPError as refused:
                return self._show(422, "How can we help?", _form(f"It was not taken ({refused.code}).", said))
            return self._show(200, "Thank you", f"<p>Your ticket is <b>{html.escape(reference)}</b>.</p>")

        def _show(self, status: int, title: str, content: str) -> None:
            page = PAGE.format(title=title, content=content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def _form(problem: str = "", said: dict[str, str] | None = None) -> str:
    kept = {name: html.escape(value) for name, value in (said or {}).items()}
    return FORM.format(
        problem=f"<p><strong>{html.escape(problem)}</strong></p>" if problem else "",
        key=kept.get("key") or uuid.uuid4(),
        subject=kept.get("title", ""),
        description=kept.get("description", ""),
    )


def main() -> None:
    """Serve the form at PORT (9001) until stopped."""
    port = int(os.environ.get("PORT", "9001"))
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(Desk(Workwire.from_environment())))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    until_stopped()
    server.shutdown()


if __name__ == "__main__":
    main()
